"""The reader's end: what was handed to a device at any time, at the rate of whoever asks.

Two clocks meet here, the sound card's that plays and the one that hears. What is read goes on
evenly, sample by sample, and leans only slowly to where the clocks say it ought to be: whoever
learns the way from a loudspeaker to a microphone cannot bear that it becomes longer and shorter.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.app.engine.stream_clock import StreamClock
from bridges.shared_sound import (
    ANCHORED,
    ANCHORS,
    ANCHORS_AT,
    CAPACITY,
    GENERATION,
    HEAD_BYTES,
    RATE,
    WRITTEN,
    SharedSound,
)

__all__ = ["SoundedReader"]

FloatArray = npt.NDArray[np.float32]

FRESH_S: Final = 0.5
"""Whoever has put down nothing for so long sounds no more."""
BEHIND_S: Final = 0.004
"""Read so much later than it was handed over, to be there whoever comes first; no way from a
loudspeaker to a microphone through two sound cards is shorter."""
_ASTRAY_S: Final = 0.003
"""Further off than this it is read from the right place at once."""
_EVEN_S: Final = 40.0
"""Place and rate are those of a straight line through what the clocks have said for so long."""
_FIRST_HOPS: Final = 8
_HALF: Final = 16
"""Samples of the slower rate on either side of one that are looked at."""
_PHASES: Final = 256
_KAISER: Final = 9.0
_ROOM: Final = ANCHORS - 8
"""Anchors that the writer does not reach while they are read."""


class SoundedReader:
    """Reads one ring. Not thread-safe.

    Parameters
    ----------
    shared : SharedSound
    sample_rate : int
        Samples a second that are wanted.
    """

    def __init__(self, shared: SharedSound, sample_rate: int) -> None:
        self._shared = shared
        self._wanted = sample_rate
        self._ring: FloatArray = np.frombuffer(
            shared.memory, dtype=np.float32, count=CAPACITY, offset=HEAD_BYTES
        )
        self._generation = 0
        self._anchored = 0
        self._rate = 0
        self._clock = StreamClock(1)
        self._latest_s = float("-inf")
        self._kept_s = 0.0
        self._at: float | None = None
        self._drift = 0.0
        """What the rate turns out to be beyond what it is said to be, a share."""
        self._steps = 0
        self._half = _HALF
        self._kernel = _kernel(1.0, _HALF)

    def read(self, start_s: float, count: int) -> FloatArray | None:
        """Give the next samples [shape=(count,)], those handed over from a monotonic time on.

        None where nobody puts down anything. What is too old or not there yet is silence.
        """
        self._look()
        if self._rate <= 0 or not -self._kept_s < start_s - self._latest_s < FRESH_S:
            self._at = None
            return None
        # The offset of the clock: monotonic time of frame 0.
        aim = (start_s - BEHIND_S - self._clock.monotonic_s(0.0)) * self._rate
        step = self._rate / self._wanted
        at = self._at
        if at is None or abs(aim - at) > _ASTRAY_S * self._rate:
            at, self._steps = float(round(aim)), 0
        else:
            # Gains of a line fitted by least squares, hop by hop, to the last so many.
            self._steps += 1
            hops = min(self._steps + _FIRST_HOPS, _EVEN_S * self._wanted / count)
            off = aim - at
            at += 4.0 / hops * off
            self._drift += 6.0 / (hops * hops) * off / (count * step)
        step *= 1.0 + self._drift
        self._at = at + count * step
        return self._resampled(at, step, count)

    def _look(self) -> None:
        """Take in who writes, and the times that have been put down since."""
        words = self._shared.words
        generation = words[GENERATION]
        if generation != self._generation:
            self._generation, self._rate = generation, words[RATE]
            self._anchored, self._at, self._drift = 0, None, 0.0
            self._latest_s = float("-inf")
            self._clock = StreamClock(max(self._rate, 1))
            self._kept_s = CAPACITY / max(self._rate, 1)
            highest = min(1.0, self._wanted / max(self._rate, 1))
            self._half = int(np.ceil(_HALF / highest))
            self._kernel = _kernel(highest, self._half)
        count = words[ANCHORED]
        found = []
        for index in range(max(self._anchored, count - _ROOM), count):
            at = ANCHORS_AT + 2 * (index % ANCHORS)
            found.append((words[at], words[at + 1]))
        if words[ANCHORED] - count > ANCHORS - _ROOM or words[GENERATION] != generation:
            return  # they have been written over meanwhile
        self._anchored = count
        for frame, time_ns in found:
            self._clock.hear(frame, time_ns * 1e-9)
            self._latest_s = time_ns * 1e-9

    def _resampled(self, at: float, step: float, count: int) -> FloatArray:
        places = at + step * np.arange(count)
        whole = np.floor(places).astype(np.int64)
        half = self._half
        known = self._between(int(whole[0]) - half + 1, int(whole[-1]) + half + 1)
        fine = (places - whole) * _PHASES
        phase = fine.astype(np.int64)
        part = (fine - phase)[:, None]
        taps = self._kernel[phase] * (1.0 - part) + self._kernel[phase + 1] * part
        near = np.lib.stride_tricks.sliding_window_view(known, 2 * half)
        sound = np.einsum("nk,nk->n", near[whole - whole[0]], taps)
        return np.asarray(sound, dtype=np.float32)

    def _between(self, first: int, last: int) -> FloatArray:
        """Give frames from ``first`` to before ``last``; silence where there are none."""
        out = np.zeros(last - first, dtype=np.float32)
        written = self._shared.words[WRITTEN]
        begin = max(first, written - CAPACITY, 0)
        end = min(last, written)
        if end > begin:
            place, count = begin % CAPACITY, end - begin
            fits = min(count, CAPACITY - place)
            out[begin - first : begin - first + fits] = self._ring[place : place + fits]
            out[begin - first + fits : end - first] = self._ring[: count - fits]
        return np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


@cache
def _kernel(highest: float, half: int) -> npt.NDArray[np.float64]:
    """Windowed sinc for every fraction of a frame [shape=(phases + 1, taps)].

    ``highest`` is the share of the band that may pass. At fraction 0 and all of the band the
    samples stay as they are.
    """
    fraction = np.arange(_PHASES + 1)[:, None] / _PHASES
    n = np.arange(-half + 1, half + 1)[None, :] - fraction
    fade = np.sqrt(np.maximum(1.0 - (n / half) ** 2, 0.0))
    kernel = highest * np.sinc(highest * n) * np.i0(_KAISER * fade) / np.i0(_KAISER)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))
