"""A stretch of sound in memory that several processes map: one writes it as it leaves, others read.

Mono float32 samples in a ring, counted without end, each with the time at which it is handed to the
device: every so often the writer puts down a frame and its monotonic time. Nobody waits, nobody
locks; what is read is where it was written, or it is too old or not there yet. Nothing here needs
numpy.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path
from typing import Final

__all__ = [
    "ANCHORED",
    "ANCHORS",
    "ANCHORS_AT",
    "CAPACITY",
    "GENERATION",
    "HEAD_BYTES",
    "RATE",
    "SHARED_BYTES",
    "WRITTEN",
    "SharedSound",
]

CAPACITY: Final = 1 << 16
"""Samples that are kept: a third of a second at 192 kHz."""
GENERATION, RATE, WRITTEN, ANCHORED = range(4)
"""Words of 64 bits: who writes (0: nobody yet), samples a second, first sample that has not been
written, anchors so far."""
ANCHORS_AT: Final = 8
"""Word at which the anchors begin: pairs of a frame and nanoseconds …"""
ANCHORS: Final = 32
"""… of which so many are kept."""
HEAD_BYTES: Final = 4096
SHARED_BYTES: Final = HEAD_BYTES + 4 * CAPACITY


class SharedSound:
    """One ring in a file that is there.

    Parameters
    ----------
    path : Path
    offset : int
        Where in the file it begins, a multiple of 64 Ki.

    Raises
    ------
    OSError, ValueError
        There is no such file, or it is too short.

    Notes
    -----
    The memory goes with the last object that uses it; the file is somebody else's.
    """

    def __init__(self, path: Path, offset: int) -> None:
        with path.open("r+b") as file:
            if os.fstat(file.fileno()).st_size < offset + SHARED_BYTES:
                raise ValueError(f"{path}: this is not a board of this version")
            self.memory = mmap.mmap(file.fileno(), SHARED_BYTES, offset=offset)
        self.words = memoryview(self.memory)[:HEAD_BYTES].cast("q")

    @property
    def address(self) -> int:
        """Where it lies in this process; valid as long as this object."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def begin(self, sample_rate: int) -> None:
        """Be the writer from now on: count from 0 at this rate."""
        words = self.words
        words[WRITTEN] = words[ANCHORED] = 0
        words[RATE] = sample_rate
        words[GENERATION] += 1

    def anchor(self, frame: int, at_s: float) -> None:
        """Say at which monotonic time a frame is handed over."""
        words = self.words
        count = words[ANCHORED]
        at = ANCHORS_AT + 2 * (count % ANCHORS)
        words[at], words[at + 1] = frame, round(at_s * 1e9)
        words[ANCHORED] = count + 1
