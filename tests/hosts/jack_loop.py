"""A JACK client that delays what comes in: ``python jack_loop.py NAME SAMPLES``, ``in`` to ``out``.

With it between an output and an input of one client the round trip is known to the sample: the
delay, and one period because the graph has a loop. Prints ``ready``; ends with its stdin.
"""

from __future__ import annotations

import gc
import sys

import jack
import numpy as np


def main() -> None:
    """Delay."""
    client = jack.Client(sys.argv[1], no_start_server=True)
    incoming, outgoing = client.inports.register("in"), client.outports.register("out")
    kept = np.zeros(int(sys.argv[2]) + client.blocksize, dtype=np.float32)

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        kept[:-frames] = kept[frames:].copy()
        kept[-frames:] = incoming.get_array()
        outgoing.get_array()[:] = kept[:frames]

    gc.freeze()
    with client:
        print("ready", flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()
