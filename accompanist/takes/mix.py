"""Balance of soloist and ensemble, and a level that is safe to listen to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import ArraySound, Sound

__all__ = ["balance", "balanced", "limited", "loudness_db"]

FloatArray = npt.NDArray[np.float32]

_BELOW_SOLO_DB = 4.0
"""So much softer than the soloist is the ensemble while they play."""
_LEAST_WINDOWS = 5
"""In fewer windows of both nothing can be said of their balance: then each counts by itself."""
_TARGET_DB = -20.0
"""Loudness of the mix, dB below full scale."""
_CEILING = 0.89
"""Highest peak, −1 dB."""
_MOST_GAIN_DB = 30.0
_WINDOW_S = 0.4
_GATE_DB = -60.0
_RELATIVE_GATE_DB = -10.0
_LOOKAHEAD_S = 0.005
_BLOCK_S = 20.0


def loudness_db(samples: npt.ArrayLike, rate: int) -> float:
    """Level of the passages that sound, dB below full scale, in the manner of EBU R 128.

    Mean power of windows of 0.4 s, first those above −60 dB, then those less than 10 dB below
    the mean of the former; without the weighting of frequencies, which music at one's own
    instrument hardly needs. −∞ for silence.

    Parameters
    ----------
    samples : array_like [shape=(n,) or (n, channels)]
        Channels add up, as two loudspeakers do.
    rate : int
        Samples a second.
    """
    sound = np.asarray(samples, dtype=np.float32)
    return _level_db([_window_powers(sound if sound.ndim == 2 else sound[:, None], rate)])


def balanced(
    solo: Sound, ensemble: Sound, length: int | None = None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Mix a soloist with the ensemble, which leans under them, block by block.

    The balance is that of the passages in which the soloist plays: where the ensemble is alone it
    may be as loud as it is against itself. Both are read twice: for their loudness, and to be
    mixed.

    Parameters
    ----------
    solo, ensemble : Sound
        Of the same rate; more than two channels are mixed to one.
    length : int, optional
        Samples wanted; by default those of the longer of the two.

    Yields
    ------
    (ndarray, ndarray) [shape=(n, 2), dtype=float32]
        The ensemble as it is in the mix, and the mix. Neither exceeds −1 dB.
    """
    rate = solo.rate
    if length is None:
        length = max(solo.length, ensemble.length)
    window = max(1, round(_WINDOW_S * rate))
    block = max(1, round(_BLOCK_S / _WINDOW_S)) * window
    solo_powers, powers = (
        np.concatenate(
            [np.zeros(0)]
            + [
                _window_powers(_stereo(sound.read(start, block)), rate)
                for start in range(0, length, block)
            ]
        )
        for sound in (solo, ensemble)
    )
    solo_db, others_db = _level_db([solo_powers]), _level_db([_beneath(solo_powers, powers)])
    below = _BELOW_SOLO_DB if np.isfinite(solo_db) else 0.0
    solo_gain = _gain(_TARGET_DB - solo_db) if np.isfinite(solo_db) else np.float32(1)
    gain = _gain(_TARGET_DB - below - others_db) if np.isfinite(others_db) else np.float32(1)
    around = 4 * (2 * _lookahead(rate) + 1)
    for start in range(0, length, block):
        count = min(block, length - start)
        first, last = max(start - around, 0), min(start + count + around, length)
        others = _stereo(ensemble.read(first, last - first)) * gain
        both = _stereo(solo.read(first, last - first)) * solo_gain + others
        inner = slice(start - first, start - first + count)
        yield limited(others, rate)[inner], limited(both, rate)[inner]


def balance(solo: FloatArray, ensemble: FloatArray, rate: int) -> tuple[FloatArray, FloatArray]:
    """Mix a soloist with the ensemble, which leans under them.

    Parameters
    ----------
    solo : ndarray [shape=(n,) or (n, channels)]
        As recorded; more than two channels are mixed to one.
    ensemble : ndarray [shape=(m, 2)]
        As rendered.
    rate : int
        Samples a second, of both.

    Returns
    -------
    (ndarray, ndarray) [shape=(max(n, m), 2), dtype=float32]
        The ensemble as it is in the mix, and the mix. Neither exceeds −1 dB.
    """
    length = max(len(solo), len(ensemble))
    nothing = np.zeros((0, 2), dtype=np.float32)
    blocks = list(balanced(ArraySound(solo, rate), ArraySound(ensemble, rate), length))
    others = np.concatenate([nothing, *(others for others, _ in blocks)])
    return others, np.concatenate([nothing, *(mix for _, mix in blocks)])


def limited(samples: FloatArray, rate: int) -> FloatArray:
    """Turn down what would exceed −1 dB, 5 ms ahead and gently, and leave the rest alone."""
    if not len(samples) or float(np.abs(samples).max()) <= _CEILING:
        return samples
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    peaks = np.abs(samples).max(axis=1)
    wanted = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    width = 2 * _lookahead(rate) + 1
    gain = uniform_filter1d(minimum_filter1d(wanted, 2 * width + 1), width)
    out = samples * gain[:, None].astype(np.float32)
    return np.asarray(np.clip(out, -_CEILING, _CEILING), dtype=np.float32)


def _lookahead(rate: int) -> int:
    return max(1, round(_LOOKAHEAD_S * rate))


def _window_powers(samples: FloatArray, rate: int) -> npt.NDArray[np.float64]:
    """Mean power of each window of 0.4 s, the channels added up; the last is filled with zeros."""
    power = np.square(samples).sum(axis=1)
    window = max(1, round(_WINDOW_S * rate))
    count = -(-len(power) // window)
    padded = np.pad(power, (0, count * window - len(power)))
    return np.asarray(padded.reshape(count, window).mean(axis=1), dtype=np.float64)


def _beneath(
    solo: npt.NDArray[np.float64], ensemble: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Powers of the ensemble where both play; all of them where that is hardly ever."""
    count = min(len(solo), len(ensemble))
    level_db = _level_db([solo])
    if not count or not np.isfinite(level_db):
        return ensemble
    plays = solo[:count] > 10 ** ((level_db + _RELATIVE_GATE_DB) / 10)
    both = plays & (ensemble[:count] > 10 ** (_GATE_DB / 10))
    return ensemble[:count][both] if np.count_nonzero(both) >= _LEAST_WINDOWS else ensemble


def _level_db(blocks: Iterable[npt.NDArray[np.float64]]) -> float:
    """Loudness of the windows of all blocks."""
    powers = np.concatenate([np.zeros(0), *blocks])
    powers = powers[powers > 10 ** (_GATE_DB / 10)]
    if not len(powers):
        return float("-inf")
    powers = powers[powers > powers.mean() * 10 ** (_RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(powers.mean()))


def _stereo(samples: FloatArray) -> FloatArray:
    if samples.shape[1] > 2:
        samples = samples.mean(axis=1, keepdims=True)
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples


def _gain(db: float) -> np.float32:
    return np.float32(10 ** (min(db, _MOST_GAIN_DB) / 20))
