"""A JACK client for the live test: plays a WAV as the soloist and records what the synth makes.

Run as ``python jack_player.py SOLO.wav RECORDED.wav SECONDS``. Prints ``ready`` when its ports are
there, starts at the first line on its stdin, and records for so many seconds.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import sounddevice
import soundfile


def main() -> None:
    """Play and record."""
    solo, rate = soundfile.read(sys.argv[1], dtype="float32")
    recorded = np.zeros((round(float(sys.argv[3]) * rate), 1), dtype=np.float32)
    cursor = {"played": 0, "recorded": 0, "going": False}

    def called(incoming: Any, outgoing: Any, frames: int, times: Any, flags: Any) -> None:
        outgoing[:] = 0.0
        if not cursor["going"]:
            return
        chunk = solo[cursor["played"] : cursor["played"] + frames]
        outgoing[: len(chunk), 0] = chunk
        cursor["played"] += frames
        room = recorded[cursor["recorded"] : cursor["recorded"] + frames]
        room[:] = incoming[: len(room)]
        cursor["recorded"] += len(room)

    with sounddevice.Stream(
        samplerate=rate, blocksize=256, channels=(1, 1), dtype="float32", callback=called
    ):
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
        cursor["going"] = True
        while cursor["recorded"] < len(recorded):
            time.sleep(0.05)
    soundfile.write(sys.argv[2], recorded, rate)


if __name__ == "__main__":
    main()
