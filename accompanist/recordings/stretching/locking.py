"""Phases of the classical vocoder: each peak goes its way and takes its surroundings along."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.frames import FrameStretcher, Spectrum, frame_size

__all__ = ["phase_vocoder", "plain_vocoder", "regions_of"]

_ATTACK_DB = 2.0
"""Where the sound has risen by so much on average since a hop before, phases begin anew."""
_FLOOR = 1e-4
"""Of the strongest bin: what is weaker says nothing about attacks."""


def phase_vocoder(sound: Sound) -> FrameStretcher:
    """Make a phase vocoder with identity phase locking and phases reset at attacks.

    Method of J. Laroche and M. Dolson, "Improved phase vocoder time-scale modification of audio"
    (1999), §IV; at attacks the phases of the recording are taken over, as in C. Duxbury, M. Davies
    and M. Sandler, "Improved time-scaling of musical audio using phase locking at transients"
    (AES 2002). The channels turn together, so that they stay where they are in the room.
    """
    return FrameStretcher(sound, _locked, frame_size(sound.rate))


def plain_vocoder(sound: Sound) -> FrameStretcher:
    """Make a phase vocoder in which every bin goes its own way: for comparison only."""
    return FrameStretcher(sound, partial(_locked, locked=False), frame_size(sound.rate))


def regions_of(magnitudes: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """To which peak each bin belongs: that nearest to it [shape of the magnitudes, (bins,)].

    A peak is higher than its two neighbours on both sides.
    """
    inner = magnitudes[2:-2]
    higher = (inner > magnitudes[1:-3]) & (inner >= magnitudes[3:-1])
    higher &= (inner > magnitudes[:-4]) & (inner >= magnitudes[4:])
    peaks = np.flatnonzero(higher) + 2
    if not len(peaks):
        return np.arange(len(magnitudes))
    borders = (peaks[1:] + peaks[:-1]) / 2
    return peaks[np.searchsorted(borders, np.arange(len(magnitudes)))]


def _locked(
    sounded: Spectrum, before: Spectrum, there: Spectrum, rate: float, *, locked: bool = True
) -> Spectrum:
    del rate
    magnitudes = _power(there)
    if locked and _is_attack(_power(before), magnitudes):
        return there
    turn = (sounded * before.conj()).sum(axis=0)
    if locked:
        turn = turn[regions_of(magnitudes)]
    size = np.abs(turn)
    still = size < 1e-20
    turn = np.where(still, 1.0, turn / np.where(still, 1.0, size))
    return np.asarray(there * turn, dtype=np.complex64)


def _power(spectrum: Spectrum) -> npt.NDArray[np.float32]:
    return np.asarray(np.square(np.abs(spectrum)).sum(axis=0), dtype=np.float32)


def _is_attack(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> bool:
    """Whether the sound rises in most of its bins."""
    floor = float(now.max()) * _FLOOR
    if floor <= 0.0:
        return False
    rise = 10.0 * np.log10((now + floor) / (before + floor))
    return bool(np.maximum(rise, 0.0).mean() > _ATTACK_DB)
