"""Views of a sound: at another rate, with other channels, through a memory, two of them mixed."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil, gcd

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from accompanist.recordings.sound import Sound

__all__ = ["Blend", "Buffered", "Rechannelled", "Resampled"]

FloatArray = npt.NDArray[np.float32]

_ZERO_CROSSINGS = 32
"""Half the length of the interpolating kernel, in samples of the slower of the two rates."""
_PASS = 0.94
"""End of the pass band, as a share of the lower of the two Nyquist frequencies."""
_KAISER_BETA = 9.0
_MOST_PHASES = 4096
"""Rates without a common measure are resampled with the nearest of so many kernels."""


class Resampled:
    """A sound at another rate, its pitch kept; band-limited, and without any delay.

    Any sample can be asked for in any order and is always the same: a windowed sinc around it is
    evaluated, as in J. O. Smith and P. Gossett, "A flexible sampling-rate conversion method"
    (ICASSP 1984).

    Parameters
    ----------
    sound : Sound
    rate : int
        Samples a second wanted.
    """

    def __init__(self, sound: Sound, rate: int) -> None:
        self._sound = sound
        self.rate = rate
        self.channels = sound.channels
        self.length = round(sound.length * rate / sound.rate)
        common = gcd(rate, sound.rate)
        self._up, self._down = rate // common, sound.rate // common
        phases = min(self._up, _MOST_PHASES)
        step = max(1.0, sound.rate / rate)
        self._half = ceil(_ZERO_CROSSINGS * step)
        taps = np.arange(1 - self._half, self._half + 1)
        offsets = np.arange(phases)[:, None] / phases - taps
        inside = np.clip(1.0 - (offsets / self._half) ** 2, 0.0, None)
        window = np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
        kernels = np.sinc(offsets * _PASS / step) * window
        self._kernels = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)]; zeros outside."""
        if count <= 0:
            return np.zeros((0, self.channels), dtype=np.float32)
        places = np.arange(start, start + count, dtype=np.int64) * self._down
        whole, part = np.divmod(places, self._up)
        phase = part * len(self._kernels) // self._up
        first = int(whole[0]) + 1 - self._half
        span = int(whole[-1]) - int(whole[0]) + 2 * self._half
        windows = sliding_window_view(self._sound.read(first, span), 2 * self._half, axis=0)
        near = windows[whole - whole[0]]  # [count, channels, taps]
        out = np.matmul(near, self._kernels[phase][:, :, None])[:, :, 0]
        return np.asarray(out, dtype=np.float32)


class Rechannelled:
    """A sound with another number of channels: each of them the mean of all there are."""

    def __init__(self, sound: Sound, channels: int) -> None:
        self._sound = sound
        self.channels = channels
        self.rate, self.length = sound.rate, sound.length

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)]; zeros outside."""
        mean = self._sound.read(start, count).mean(axis=1, keepdims=True)
        return np.repeat(mean, self.channels, axis=1)


class Buffered:
    """A sound of which the places last read are kept in memory.

    Parameters
    ----------
    sound : Sound
    block : int
        Samples read at a time.
    blocks : int
        So many of them are kept.
    """

    def __init__(self, sound: Sound, block: int = 2048, blocks: int = 16) -> None:
        self._sound = sound
        self._block = block
        self._most = blocks
        self._kept: OrderedDict[int, FloatArray] = OrderedDict()
        self.rate, self.channels, self.length = sound.rate, sound.channels, sound.length

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)]; zeros outside."""
        out = np.zeros((count, self.channels), dtype=np.float32)
        at, end = max(start, 0), min(start + count, self.length)
        while at < end:
            number, offset = divmod(at, self._block)
            took = min(self._block - offset, end - at)
            kept = self._fetch(number)
            out[at - start : at - start + took] = kept[offset : offset + took]
            at += took
        return out

    def _fetch(self, number: int) -> FloatArray:
        kept = self._kept.get(number)
        if kept is None:
            kept = self._sound.read(number * self._block, self._block)
            self._kept[number] = kept
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(number)
        return kept


class Blend:
    """A recording with as much of its soloist as is wanted.

    Parameters
    ----------
    mix : Sound
        As recorded.
    accompaniment : Sound or None
        The same without the soloist: same rate, channels and length. None: there is only the mix.

    Attributes
    ----------
    solo_level : float
        0 gives the accompaniment, 1 the mix. May be changed between two readings.
    """

    def __init__(self, mix: Sound, accompaniment: Sound | None) -> None:
        if accompaniment is not None and (
            (mix.rate, mix.channels) != (accompaniment.rate, accompaniment.channels)
        ):
            raise ValueError("mix and accompaniment want the same rate and channels")
        self._mix = mix
        self._accompaniment = accompaniment
        self.solo_level = 0.0
        self.rate, self.channels, self.length = mix.rate, mix.channels, mix.length

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)]; zeros outside."""
        level = np.float32(self.solo_level)
        if self._accompaniment is None or level == 1.0:
            return self._mix.read(start, count)
        others = self._accompaniment.read(start, count)
        if level == 0.0:
            return others
        return others + level * (self._mix.read(start, count) - others)
