"""Phases from their gradient, along time where sound lasts and along frequency where it begins."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.frames import FrameStretcher, Spectrum, frame_size

__all__ = ["phase_gradient"]

_TOLERANCE = 1e-5
"""Bins weaker than this share of the strongest go their own way."""
_SLOWEST = 0.25
"""Below this rate the stretch of a frame in itself does not grow any more."""


def phase_gradient(sound: Sound) -> FrameStretcher:
    """Make a phase vocoder that integrates the gradient of the phase from the loudest bin on.

    Method of Z. Průša and N. Holighaus, "Phase vocoder done right" (EUSIPCO 2017), in the real-time
    form that looks at no frame to come. The phase of a bin is continued either from the frame
    before or from its neighbour in frequency, whichever was reached first from where the sound is
    strongest: attacks stay sharp without having to be detected. All channels turn by the same
    angle, found from their cross-spectra, so that they stay where they are in the room.
    """
    return FrameStretcher(sound, _integrated, frame_size(sound.rate))


def _integrated(sounded: Spectrum, before: Spectrum, there: Spectrum, rate: float) -> Spectrum:
    out = np.empty_like(there)
    _turn(sounded, before, there, 1.0 / max(rate, _SLOWEST) - 1.0, _TOLERANCE, out)
    return out


@nb.njit(cache=True, nogil=True)
def _push(
    keys: npt.NDArray[np.float32], names: npt.NDArray[np.int32], size: int, key: float, name: int
) -> int:
    """Put a name into the heap; give its new size."""
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if keys[parent] >= key:
            break
        keys[i] = keys[parent]
        names[i] = names[parent]
        i = parent
    keys[i] = key
    names[i] = name
    return size + 1


@nb.njit(cache=True, nogil=True)
def _drop_first(keys: npt.NDArray[np.float32], names: npt.NDArray[np.int32], size: int) -> int:
    """Take the name of the largest key out of the heap; give its new size."""
    size -= 1
    key, name = keys[size], names[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[i] = keys[child]
        names[i] = names[child]
        i = child
    keys[i] = key
    names[i] = name
    return size


@nb.njit(cache=True, nogil=True)
def _turn(
    sounded: Spectrum,
    before: Spectrum,
    there: Spectrum,
    spread: float,
    tolerance: float,
    out: Spectrum,
) -> None:
    """Fill ``out`` with ``there``, each bin turned by the angle that the gradient asks for."""
    channels, bins = there.shape
    lasting = np.zeros(bins, dtype=np.float32)
    power = np.zeros(bins, dtype=np.float32)
    along = np.zeros(bins, dtype=np.float64)
    across = np.zeros(bins, dtype=np.float64)
    for k in range(bins):
        turn = 0.0j
        slope = 0.0j
        for c in range(channels):
            here, was = there[c, k], sounded[c, k]
            power[k] += here.real * here.real + here.imag * here.imag
            lasting[k] += was.real * was.real + was.imag * was.imag
            turn += was * before[c, k].conjugate()
            if k + 1 < bins:
                slope += there[c, k + 1] * here.conjugate()
        along[k] = np.arctan2(turn.imag, turn.real)
        across[k] = spread * np.arctan2(slope.imag, slope.real)
    weakest = power.max() * tolerance * tolerance
    keys = np.empty(2 * bins + 1, dtype=np.float32)
    names = np.empty(2 * bins + 1, dtype=np.int32)
    open_ = power > weakest
    angle = along.copy()
    size = 0
    for k in range(bins):
        if open_[k]:
            size = _push(keys, names, size, lasting[k], k + bins)
    while size > 0:
        name = names[0]
        size = _drop_first(keys, names, size)
        if name >= bins:
            k = name - bins
            if open_[k]:
                open_[k] = False
                size = _push(keys, names, size, power[k], k)
            continue
        if name + 1 < bins and open_[name + 1]:
            angle[name + 1] = angle[name] + across[name]
            open_[name + 1] = False
            size = _push(keys, names, size, power[name + 1], name + 1)
        if name > 0 and open_[name - 1]:
            angle[name - 1] = angle[name] - across[name - 1]
            open_[name - 1] = False
            size = _push(keys, names, size, power[name - 1], name - 1)
    for k in range(bins):
        turn = complex(np.cos(angle[k]), np.sin(angle[k]))
        for c in range(channels):
            out[c, k] = there[c, k] * turn
