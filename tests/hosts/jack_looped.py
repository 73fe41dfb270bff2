"""A JACK client that plays a WAV over and over: ``python jack_looped.py FILE.wav NAME`` to ``out``.

Prints ``ready``, starts at the line ``go`` on its stdin, prints ``began FRAME`` (the server's frame
of the first sample), and stays until stdin ends.
"""

from __future__ import annotations

import gc
import sys
import threading

import jack
import numpy as np
import soundfile


def main() -> None:
    """Play."""
    sound, rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(sound.mean(axis=1))
    client = jack.Client(sys.argv[2], no_start_server=True)
    if client.samplerate != rate:
        raise SystemExit(f"the server runs at {client.samplerate} Hz, the file at {rate} Hz")
    port = client.outports.register("out")
    going, began = threading.Event(), threading.Event()
    at = {"began": -1}
    endless = np.concatenate([mono, mono[: client.blocksize]])

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        out = port.get_array()
        if not going.is_set():
            out[:] = 0.0
            return
        now = client.last_frame_time
        if at["began"] < 0:
            at["began"] = now
            began.set()
        first = (now - at["began"]) % len(mono)  # an xrun leaves a hole, it moves nothing
        out[:] = endless[first : first + frames]

    gc.freeze()
    with client:
        print("ready", flush=True)  # noqa: T201
        if not sys.stdin.readline():
            return
        going.set()
        began.wait()
        print("began", at["began"], flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()
