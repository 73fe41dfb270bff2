"""From the bank's magnitudes to the evidence that followers weigh: a spectrum and its rise."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.hearing.bank import FilterBank

__all__ = ["Ear"]

Float32Array = npt.NDArray[np.float32]

_PEAK_DECAY_S: Final = 8.0
_FLOOR_GAIN: Final = 10.0 ** (-45.0 / 20.0)
"""The noise floor is taken to lie 45 dB under the decaying peak of the level."""

_LEAST_FLOOR: Final = 1e-5
_RISE_S: Final = 0.03
"""Flux compares the spectrum with that of this long ago."""

_RISE_FLOOR: Final = 8.0
"""Floors added to a band before its logarithm: what rises below this is hiss, not a stroke."""

_PRESENT: Final = 5.6
"""Somebody plays if the level is well over the floor by this factor (30 dB under the peak)."""

_MOST_OTHERS: Final = 0.95
"""Whatever is expected of others, so much of the sound at most is taken for theirs."""

_SURE: Final = 4.0
_NOBODY: Final = 0.3
_LATELY_S: Final = 0.4
"""What is left of the sound without so many times the others' power, against what was expected of
them: so little is nobody else playing, twice as much is somebody, and was so a moment ago."""

_DOUBTED: Final = 0.25
"""What is left of a band counts less the less it is against what was expected (power)."""

_AUDIBLE: Final = 1e-12
"""Magnitudes of others below this are nobody's; their squares would be nought."""

_OTHERS_RISE: Final = 1.0
"""So much of what is expected of others is added before the logarithm of the flux, …"""

_OTHERS_PRESENT: Final = 0.1
"""… and counts as no presence: what is left of them is nobody playing."""

_NEAR_BANDS: Final = 9
_NOISE_PEAKINESS: Final = 1.26
_TONE_PEAKINESS: Final = 1.42
"""Σ y² over Σ of the squared mean of y within three semitones: noise of any colour 1.15 to 1.3,
played notes 1.6 to 2.4, thick low chords from 1.35 on. (The peakiness of the whole spectrum takes
such chords for noise.)"""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _listen(
    magnitudes: Float32Array,
    others: Float32Array,
    history: Float32Array,
    state: npt.NDArray[np.float64],
    position: int,
    heard: int,
    spectrum: Float32Array,
    whole: Float32Array,
    theirs: Float32Array,
    rise: Float32Array,
    decay: float,
) -> None:
    """Weigh one frame; ``others`` [shape=(bands,)] is the magnitude that is somebody else's.

    ``spectrum`` is what is left without them, ``whole`` is all, ``theirs`` their share of it.
    ``history`` [shape=(2, lag + 1, bands)] keeps what was left, in logarithms, and the others.
    """
    bands = len(magnitudes)
    raw, total, foreign, surely = 0.0, 0.0, 0.0, 0.0
    for k in range(bands):
        raw += magnitudes[k]
        whole[k] = magnitudes[k]
        if others[k] > _AUDIBLE:
            power = magnitudes[k] * magnitudes[k]
            sure = power - np.float32(_SURE) * others[k] * others[k]
            surely += np.sqrt(max(np.float32(0.0), sure))
            power -= others[k] * others[k]
            power = max(np.float32(0.0), power)
            doubt = np.float32(_DOUBTED) * others[k] * others[k]
            magnitudes[k] = np.sqrt(power) * power / (power + doubt)
            foreign += others[k]
        total += magnitudes[k]
    state[0] = max(state[0] * decay, total)
    floor = max(state[0] * _FLOOR_GAIN, _LEAST_FLOOR)
    nothing = floor + _OTHERS_PRESENT * foreign
    scale = 1.0 / (total + nothing)
    peakiness = 0.0
    for k in range(bands):
        spectrum[k] = magnitudes[k] * scale
        peakiness += magnitudes[k] * magnitudes[k]
    spectrum[bands] = floor * scale
    smooth = 0.0
    near = 0.0
    for k in range(-_NEAR_BANDS, bands):
        if k + _NEAR_BANDS < bands:
            near += magnitudes[k + _NEAR_BANDS]
        if k > _NEAR_BANDS:
            near -= magnitudes[k - _NEAR_BANDS - 1]
        if k >= 0:
            count = min(k, _NEAR_BANDS) + min(bands - 1 - k, _NEAR_BANDS) + 1
            smooth += (near / count) ** 2
    peakiness /= smooth + 1e-30
    tonal = (peakiness - _NOISE_PEAKINESS) / (_TONE_PEAKINESS - _NOISE_PEAKINESS)
    present = total / (total + _PRESENT * floor + _OTHERS_PRESENT * foreign)
    if foreign > 0.0:
        lately = min(1.0, max(0.0, (surely / foreign - _NOBODY) / _NOBODY))
        state[3] = max(lately, state[3] * state[4])
        present *= state[3]
    state[1] = present * min(1.0, max(0.0, tonal))
    state[2] = total / (raw + 1e-30)
    scale = 1.0 / (raw + floor)
    of_others = scale * min(1.0, _MOST_OTHERS / (foreign * scale + 1e-30))
    for k in range(bands):
        whole[k] *= scale
        theirs[k] = others[k] * of_others
    whole[bands] = floor * scale
    little = np.float32(_RISE_FLOOR * floor / bands)
    lag = history.shape[1] - 1
    now, then = history[0, position], history[0, (position + 1) % (lag + 1)]
    theirs, theirs_then = history[1, position], history[1, (position + 1) % (lag + 1)]
    for k in range(bands):
        now[k] = np.log(magnitudes[k] + little)
        theirs[k] = others[k]
        rise[k] = np.float32(0.0)
        if heard >= lag and now[k] > then[k]:
            more = np.float32(_OTHERS_RISE) * max(theirs[k], theirs_then[k])
            if more > 0.0:
                rise[k] = np.log((np.exp(now[k]) + more) / (np.exp(then[k]) + more))
            else:
                rise[k] = now[k] - then[k]


class Ear:
    """Turns hops of samples into evidence; causal, from the first sample, at any level.

    Attributes
    ----------
    spectrum : ndarray [shape=(bands + 1,)]
        Share of the sound in each band; the last bin is the share of silence. Sums to 1.
    rise : ndarray [shape=(bands,)]
        Half-wave rectified log flux over 30 ms.
    whole : ndarray [shape=(bands + 1,)]
        The same with all that is expected of others still in it.
    others : ndarray [shape=(bands,)] or None
        Their share in each band of ``whole``; None where nobody is expected.
    clearness : float
        0–1: how far what is left of ``spectrum`` can be trusted; 1 where nobody is expected.
    presence : float
        0–1: how sure it is that somebody plays; energy over the floor times tonality.
    level_db : float
        RMS of the last hop, dB below full scale; less what was others'.
    magnitudes : ndarray [shape=(bands,)]
        Of the bank, in the hop last heard.
    """

    def __init__(self, bank: FilterBank, hop_s: float) -> None:
        self.bank = bank
        bands = len(bank)
        lag = max(1, round(_RISE_S / hop_s))
        self._history = np.zeros((2, lag + 1, bands), dtype=np.float32)
        self._nobody = np.zeros(bands, dtype=np.float32)
        self._state = np.array([1e-4, 0.0, 1.0, 1.0, np.exp(-hop_s / _LATELY_S)])
        self._decay = float(np.exp(-hop_s / _PEAK_DECAY_S))
        self._heard = 0
        self.magnitudes = np.zeros(bands, dtype=np.float32)
        self.spectrum = np.zeros(bands + 1, dtype=np.float32)
        self.whole = self.spectrum
        self.others: Float32Array | None = None
        self.clearness = 1.0
        self._theirs = np.zeros(bands, dtype=np.float32)
        self._whole = np.zeros(bands + 1, dtype=np.float32)
        self.rise = np.zeros(bands, dtype=np.float32)
        self.level_db = -120.0
        self.presence = 0.0

    def hear(self, samples: Float32Array) -> None:
        """Hear one hop [shape=(n,)] of finite samples; updates `spectrum` and `rise`."""
        self.push(samples)
        self.weigh()

    def push(self, samples: Float32Array) -> None:
        """Hear one hop as `hear` does, up to `magnitudes`; to be followed by `weigh`."""
        self.bank.push(samples, self.magnitudes)
        power = float(samples @ samples) / max(len(samples), 1)
        self.level_db = 10.0 * float(np.log10(power + 1e-12))

    def weigh(self, others: Float32Array | None = None) -> None:
        """Make `spectrum` and `rise` of the magnitudes just heard.

        Parameters
        ----------
        others : ndarray [shape=(bands,)], optional
            Magnitude that somebody else than the soloist is expected to have in each band: it is
            taken out of `magnitudes`, and its strokes are not taken for the soloist's.
        """
        position = self._heard % self._history.shape[1]
        _listen(
            self.magnitudes, self._nobody if others is None else others, self._history,
            self._state, position, self._heard, self.spectrum, self._whole,
            self._theirs, self.rise, self._decay,
        )  # fmt: skip
        self._heard += 1
        self.presence = float(self._state[1])
        self.whole, self.others, self.clearness = self.spectrum, None, 1.0
        if others is not None:
            self.whole, self.others = self._whole, self._theirs
            self.clearness = min(1.0, float(self._state[2])) ** 2
            self.level_db += 20.0 * float(np.log10(max(self._state[2], 1e-5)))
