"""How loud a recording is, as ITU-R BS.1770-4 has it, measured block by block.

The K-weighting's two filters are given by their analogue prototypes (a shelf of +4 dB above
1682 Hz and a high-pass at 38 Hz), so that they fit any sample rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LOUDNESS_HOP_S", "SILENT_LUFS", "Loudness", "LoudnessMeter"]

FloatArray = npt.NDArray[np.float32]

LOUDNESS_HOP_S = 0.1
SILENT_LUFS = -70.0
"""Absolute gate of the standard; what is softer is silence."""

_WINDOW_HOPS = 4
_RELATIVE_GATE_LU = 10.0
_SHELF_HZ, _SHELF_GAIN_DB, _SHELF_Q = 1681.9744509555319, 3.99984385397, 0.7071752369554193
_SHELF_EXPONENT = 0.499666774155
_PASS_HZ, _PASS_Q = 38.13547087613982, 0.5003270373253953


@dataclass(frozen=True, slots=True, eq=False)
class Loudness:
    """Loudness of a whole recording.

    Attributes
    ----------
    integrated_lufs : float
        Gated mean; `SILENT_LUFS` where nothing is louder.
    momentary_lufs : ndarray [shape=(n,), dtype=float32]
        Of the 0.4 s that begin at i · `LOUDNESS_HOP_S`; `SILENT_LUFS` at least.
    """

    integrated_lufs: float
    momentary_lufs: FloatArray


class LoudnessMeter:
    """Takes a recording in blocks of any length.

    Parameters
    ----------
    rate : int
        Samples a second.
    channels : int
        All count alike (the surround channels' +1.5 dB is left out).
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._hop = round(rate * LOUDNESS_HOP_S)
        self._sections = _k_weighting(rate)
        self._state = np.zeros((len(self._sections), 2, channels))
        self._rest = np.zeros(0)
        self._powers: list[npt.NDArray[np.float64]] = []

    def feed(self, block: FloatArray) -> None:
        """Take the next samples [shape=(n, channels)]."""
        from scipy.signal import sosfilt

        weighted, self._state = sosfilt(self._sections, block, axis=0, zi=self._state)
        power = np.concatenate((self._rest, np.square(weighted, dtype=np.float64).sum(axis=1)))
        whole = len(power) // self._hop
        self._powers.append(power[: whole * self._hop].reshape(whole, self._hop).mean(axis=1))
        self._rest = power[whole * self._hop :]

    def result(self) -> Loudness:
        """Give the loudness of all that was taken; what is shorter than 0.4 s is padded."""
        if len(self._rest):
            self._powers.append(np.array([self._rest.sum() / self._hop]))
            self._rest = np.zeros(0)
        power = np.concatenate([np.zeros(0), *self._powers])
        padded = np.concatenate((power, np.zeros(_WINDOW_HOPS - 1)))
        sums = np.cumsum(np.concatenate(([0.0], padded)))
        windows = np.maximum(sums[_WINDOW_HOPS:] - sums[:-_WINDOW_HOPS], 0.0) / _WINDOW_HOPS
        momentary = np.maximum(_lufs(windows), SILENT_LUFS)
        whole_windows = windows[: max(len(power) - _WINDOW_HOPS + 1, 1)]
        return Loudness(_integrated(whole_windows), momentary.astype(np.float32))


def _integrated(windows: npt.NDArray[np.float64]) -> float:
    """Mean of the windows that are neither silent nor far softer than the others."""
    heard = windows[_lufs(windows) > SILENT_LUFS]
    if not len(heard):
        return SILENT_LUFS
    gate = 10.0 ** (-_RELATIVE_GATE_LU / 10.0) * heard.mean()
    return float(_lufs(heard[heard > gate].mean()))


def _lufs(power: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10.0 * np.log10(np.maximum(power, 1e-12)))


def _k_weighting(rate: int) -> npt.NDArray[np.float64]:
    """Give the two second-order sections [shape=(2, 6)] for a sample rate."""
    gain = 10.0 ** (_SHELF_GAIN_DB / 20.0)
    middle = gain**_SHELF_EXPONENT
    k = math.tan(math.pi * min(_SHELF_HZ / rate, 0.49))
    norm = 1.0 + k / _SHELF_Q + k * k
    shelf = [
        (gain + middle * k / _SHELF_Q + k * k) / norm,
        2.0 * (k * k - gain) / norm,
        (gain - middle * k / _SHELF_Q + k * k) / norm,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / _SHELF_Q + k * k) / norm,
    ]
    k = math.tan(math.pi * _PASS_HZ / rate)
    norm = 1.0 + k / _PASS_Q + k * k
    high_pass = [
        1.0,
        -2.0,
        1.0,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / _PASS_Q + k * k) / norm,
    ]
    return np.array([shelf, high_pass], dtype=np.float64)
