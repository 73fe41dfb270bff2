"""A note at another pitch: played faster or slower, then brought back to its length.

The length is changed by overlap and add of pieces of the waveform that fit one another: W. Verhelst
and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", ICASSP 1993.
Formants move with the pitch, which for one note in ten is natural enough.
"""

from __future__ import annotations

import numpy as np

from accompanist.simulation.scenarios.material import Samples

__all__ = ["pitched", "stretched"]

_FRAME_S = 0.05
_SEARCH_S = 0.012


def pitched(sound: Samples, rate: int, semitones: float) -> Samples:
    """Move a sound by ``semitones``; it keeps its length [shape=(n,)] and its beginning."""
    ratio = 2.0 ** (semitones / 12.0)
    count = len(sound)
    if count < 4:
        return sound.copy()
    read = np.arange(0, count - 1, ratio)
    if ratio > 1.0:
        sound = _without_treble(sound, 0.5 / ratio)
    moved = np.interp(read, np.arange(count), sound).astype(np.float32)
    return stretched(moved, rate, count)


def stretched(sound: Samples, rate: int, count: int) -> Samples:
    """Make a sound last ``count`` samples at the same pitch."""
    frame = min(2 * (round(_FRAME_S * rate) // 2), 2 * (len(sound) // 2), 2 * (count // 2))
    if frame < 8:
        return np.resize(sound, count).astype(np.float32)
    half, search = frame // 2, round(_SEARCH_S * rate)
    window = np.hanning(frame + 1)[:frame].astype(np.float32)
    out = np.zeros(count + frame, dtype=np.float32)
    speed = (len(sound) - frame) / max(count - half, 1)
    out[:half] = sound[:half]
    at, taken = 0, 0
    while True:
        piece = sound[taken : taken + frame] * window
        if at == 0:
            piece[:half] = 0.0  # stands there already, not faded in: the attack is to stay
        out[at : at + frame] += piece
        at += half
        if at >= count:
            return out[:count]
        follows = sound[taken + half : taken + half + frame]
        around = round(at * speed)
        first = min(max(around - search, 0), len(sound) - frame)
        last = min(max(around + search, 0), len(sound) - frame)
        taken = first + _best_fit(sound[first : last + len(follows)], follows)


def _best_fit(sound: Samples, wanted: Samples) -> int:
    """Offset at which a piece of ``sound`` resembles ``wanted`` the most."""
    if len(wanted) < 2 or len(sound) <= len(wanted):
        return 0
    size = 1 << int(np.ceil(np.log2(len(sound) + len(wanted))))
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(wanted, size))
    likeness = np.fft.irfft(spectrum, size)[: len(sound) - len(wanted) + 1]
    power = np.cumsum(np.concatenate(([0.0], np.square(sound, dtype=np.float64))))
    level = np.sqrt(np.maximum(power[len(wanted) :] - power[: -len(wanted)], 1e-12))
    return int(np.argmax(likeness / level))


def _without_treble(sound: Samples, limit: float) -> Samples:
    """Leave out what lies above ``limit`` (a share of the rate), which would fold down."""
    spectrum = np.fft.rfft(sound)
    spectrum[int(limit * len(sound)) :] = 0.0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)
