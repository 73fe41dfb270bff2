"""A JACK client that plays a WAV: ``python jack_wav.py FILE.wav NAME`` out of ``NAME:out``.

Prints ``ready`` when the port is there, starts at the line ``go`` on its stdin, prints ``began
FRAME`` (the server's frame of the first sample) and ``ended FRAME``, and stays until stdin ends.
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
    going, over = threading.Event(), threading.Event()
    at = {"cursor": 0, "began": -1, "ended": -1}

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        out = port.get_array()
        out[:] = 0.0
        if not going.is_set() or over.is_set():
            return
        if at["cursor"] == 0:
            at["began"] = client.last_frame_time
        chunk = mono[at["cursor"] : at["cursor"] + frames]
        out[: len(chunk)] = chunk
        at["cursor"] += frames
        if at["cursor"] >= len(mono):
            at["ended"] = client.last_frame_time + len(chunk)
            over.set()

    gc.freeze()
    with client:
        print("ready", flush=True)  # noqa: T201
        if not sys.stdin.readline():
            return
        going.set()
        while at["began"] < 0:
            over.wait(0.01)
        print("began", at["began"], flush=True)  # noqa: T201
        threading.Thread(target=_tell_end, args=(over, at), daemon=True).start()
        sys.stdin.read()


def _tell_end(over: threading.Event, at: dict[str, int]) -> None:
    over.wait()
    print("ended", at["ended"], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
