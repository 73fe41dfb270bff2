"""FluidSynth rendered as messages become known: the ensemble of a closed loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from accompanist.performing.messages import TimedMessage
from bridges.fluidsynth_live import Synth

__all__ = ["StreamSynth"]

FloatArray = npt.NDArray[np.float32]

_BLOCK = 64
"""FluidSynth applies messages at multiples of this many samples."""
_LOWEST_HZ, _HIGHEST_HZ = 32_000, 96_000
"""Slower rates are rendered at a multiple of themselves: the block would last too long."""
_HALF_TAPS = 16


class StreamSynth(Synth):
    """Renders messages as they become known: what `OfflineSynth` would render of all of them.

    Parameters
    ----------
    soundfont : Path
        See `bridges.soundfonts.find_soundfont`.
    sample_rate : int
        Of the samples wanted, 4000–96 000 Hz; below 32 kHz FluidSynth runs at a multiple of it.

    Attributes
    ----------
    behind : int
        Samples by which `render` comes late: a message may take effect up to half a block of
        FluidSynth before its time, and to come down to a slow rate takes a filter.

    Raises
    ------
    DeviceError
        FluidSynth is not installed, cannot read the sound font, or not render at that rate.
    """

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
        if sample_rate > _HIGHEST_HZ:
            raise DeviceError(f"FluidSynth renders at {_HIGHEST_HZ} samples a second at most")
        self._up = max(1, -(-_LOWEST_HZ // sample_rate))
        self._inner_rate = sample_rate * self._up
        super().__init__(soundfont, self._inner_rate)
        lag = -(-_BLOCK // self._up)
        self._sound: FloatArray = np.zeros(lag * self._up, dtype=np.float32)
        self._rendered = 0
        self._waiting: deque[tuple[int, TimedMessage]] = deque()
        self._taps = np.ones(1)
        self.behind = lag
        if self._up > 1:
            from scipy.signal import firwin

            self._taps = firwin(2 * _HALF_TAPS * self._up + 1, 0.9 / self._up)
            self.behind += _HALF_TAPS
        self._history: FloatArray = np.zeros(len(self._taps) - 1, dtype=np.float32)

    def send(self, messages: Sequence[TimedMessage]) -> None:
        """Learn messages, in order, due no earlier than the end of what has been asked for."""
        for timed in messages:
            at = round(timed.time_s * self._inner_rate / _BLOCK) * _BLOCK
            self._waiting.append((at, timed))

    def render(self, count: int) -> FloatArray:
        """Give the next samples [shape=(count,)], mono, ``behind`` samples late."""
        wanted = count * self._up
        blocks = [self._sound]
        ready = len(self._sound)
        while ready < wanted:
            while self._waiting and self._waiting[0][0] <= self._rendered:
                self.play(self._waiting.popleft()[1].message)
            stereo = self._synth.get_samples(_BLOCK).reshape(-1, 2).astype(np.float32)
            blocks.append(stereo.mean(axis=1) / np.float32(32768.0))
            self._rendered += _BLOCK
            ready += _BLOCK
        sound = np.concatenate(blocks)
        out, self._sound = sound[:wanted], sound[wanted:]
        if self._up == 1:
            return out
        sound = np.concatenate((self._history, out))
        self._history = sound[len(out) :]
        full = np.convolve(sound, self._taps, mode="valid")
        return np.asarray(full[:: self._up], dtype=np.float32)
