"""Balance of soloist and ensemble, and a level that is safe to listen to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["balance", "limited", "loudness_db"]

FloatArray = npt.NDArray[np.float32]

_BELOW_SOLO_DB = 4.0
"""So much softer than the soloist is the ensemble."""
_TARGET_DB = -20.0
"""Loudness of the mix, dB below full scale."""
_CEILING = 0.89
"""Highest peak, −1 dB."""
_MOST_GAIN_DB = 30.0
_WINDOW_S = 0.4
_GATE_DB = -60.0
_RELATIVE_GATE_DB = -10.0
_LOOKAHEAD_S = 0.005


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
    power = np.square(np.asarray(samples, dtype=np.float32))
    if power.ndim == 2:
        power = power.sum(axis=1)
    window = max(1, round(_WINDOW_S * rate))
    count = -(-len(power) // window)
    padded = np.pad(power, (0, count * window - len(power)))
    powers = padded.reshape(count, window).mean(axis=1, dtype=np.float64)
    powers = powers[powers > 10 ** (_GATE_DB / 10)]
    if not len(powers):
        return float("-inf")
    powers = powers[powers > powers.mean() * 10 ** (_RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(powers.mean()))


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
    soloist = _stereo(solo, length)
    others = _stereo(ensemble, length)
    solo_db, others_db = loudness_db(soloist, rate), loudness_db(others, rate)
    if np.isfinite(solo_db):
        soloist = soloist * _gain(_TARGET_DB - solo_db)
    if np.isfinite(others_db):
        below = _BELOW_SOLO_DB if np.isfinite(solo_db) else 0.0
        others = others * _gain(_TARGET_DB - below - others_db)
    return limited(others, rate), limited(soloist + others, rate)


def limited(samples: FloatArray, rate: int) -> FloatArray:
    """Turn down what would exceed −1 dB, 5 ms ahead and gently, and leave the rest alone."""
    if not len(samples) or float(np.abs(samples).max()) <= _CEILING:
        return samples
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    peaks = np.abs(samples).max(axis=1)
    wanted = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    width = 2 * max(1, round(_LOOKAHEAD_S * rate)) + 1
    gain = uniform_filter1d(minimum_filter1d(wanted, 2 * width + 1), width)
    out = samples * gain[:, None].astype(np.float32)
    return np.asarray(np.clip(out, -_CEILING, _CEILING), dtype=np.float32)


def _stereo(samples: FloatArray, length: int) -> FloatArray:
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.shape[1] > 2:
        samples = samples.mean(axis=1, keepdims=True)
    out = np.zeros((length, 2), dtype=np.float32)
    out[: len(samples)] = samples
    return out


def _gain(db: float) -> np.float32:
    return np.float32(10 ** (min(db, _MOST_GAIN_DB) / 20))
