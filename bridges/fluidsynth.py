"""FluidSynth: the accompaniment as sound, rendered into memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.performing.messages import TimedMessage
from bridges.fluidsynth_live import Synth
from bridges.soundfonts import find_soundfont

__all__ = ["OfflineSynth", "find_soundfont"]

FloatArray = npt.NDArray[np.float32]

_BLOCK = 64
"""FluidSynth applies messages at multiples of this many samples."""
_HIGHEST_HZ = 96_000
_LOWEST_HZ = 32_000
"""Slower rates are rendered at a multiple of themselves: the block would last too long."""


class OfflineSynth(Synth):
    """Renders messages into memory, always the same samples for the same messages.

    Parameters
    ----------
    soundfont : Path
        See `find_soundfont`.
    sample_rate : int
        Of the samples wanted, 4000–384 000 Hz. FluidSynth itself runs at 32–96 kHz; other rates
        are resampled.

    Raises
    ------
    DeviceError
        FluidSynth is not installed, or cannot read the sound font.
    """

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
        self._rate = sample_rate
        self._up = max(1, -(-_LOWEST_HZ // sample_rate))
        self._inner_rate = min(sample_rate * self._up, _HIGHEST_HZ)
        super().__init__(soundfont, self._inner_rate)

    def render(self, messages: Sequence[TimedMessage], duration_s: float) -> FloatArray:
        """Sound of the messages from 0 to ``duration_s``.

        Messages take effect within half a block of FluidSynth (32 samples, 0.7 ms at 44.1 kHz) of
        their times.

        Parameters
        ----------
        messages : sequence of TimedMessage
            In order of time; what comes at or after ``duration_s`` is left out.
        duration_s : float
            Length of the result.

        Returns
        -------
        ndarray [shape=(n, 2), dtype=float32]
            Stereo, full scale ±1.
        """
        total = round(duration_s * self._inner_rate)
        pieces: list[npt.NDArray[np.int16]] = []
        done = 0
        for timed in messages:
            at = round(timed.time_s * self._inner_rate / _BLOCK) * _BLOCK
            if at >= total:
                break
            if at > done:
                pieces.append(self._synth.get_samples(at - done))
                done = at
            self.play(timed.message)
        if total > done:
            pieces.append(self._synth.get_samples(total - done))
        if not pieces:
            return np.zeros((0, 2), dtype=np.float32)
        stereo = np.concatenate(pieces).reshape(-1, 2).astype(np.float32) / np.float32(32768.0)
        if self._inner_rate == self._rate:
            return stereo
        return self._resampled(stereo, round(duration_s * self._rate))

    def _resampled(self, stereo: FloatArray, length: int) -> FloatArray:
        import soxr

        out = np.asarray(soxr.resample(stereo, self._inner_rate, self._rate), dtype=np.float32)
        if len(out) < length:
            out = np.pad(out, ((0, length - len(out)), (0, 0)))
        return out[:length]
