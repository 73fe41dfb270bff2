"""A coarse look at the whole recording, to find a soloist who is somewhere else.

A filter over tenths of a second × tempi of the whole recording runs beside the fine one, a slice
a hop, so that a long recording costs no hop more than another. It never moves the fine filter: it
proposes places that the fine filter does not consider, and `Rival` tries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.followers.recording.listen import SoloEar
from accompanist.recordings.reference import COARSE_FRAMES, Reference
from accompanist.recordings.reference_coarse import coarse_of
from accompanist.recordings.reference_features import POOL, pool_bands

__all__ = ["Found", "Overview"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

_FLAT: Final = 0.2
_EVIDENCE: Final = 20.0
"""Weight of the spectrum, a second."""

_OCTAVES: Final = np.arange(-4, 5) * 0.3
_TEMPO_SPREAD: Final = 0.45
_TEMPO_MIX: Final = 0.02
_LEAK_PER_S: Final = 0.03
"""Chance, a second, that the soloist is anywhere in the next. Large: the overview proposes."""

_CLOSE: Final = 6.0
_CLOSE_S: Final = 30.0
"""A place as close as this is likelier to be gone to, up to seven times."""

_HOLD: Final = 0.05
_NEAR_S: Final = 2.5
"""On either side of the fine position this counts as the same place."""

_CORE_S: Final = 1.2
_SURE: Final = 0.3
_GOOD: Final = 0.75
_TRUSTED_S: Final = 4.0
_LEAST_AROUND: Final = 0.003
_AREA: Final = 0.3
"""Belief that a place must gather before it is gone to."""

_FIT_S: Final = 1.0
_USUAL_FIT: Final = 0.7

_RECENT_S: Final = 0.4
_NOVEL: Final = 0.5
_OLD: Final = 0.1
"""A sound that goes on tells next to nothing new: it fits wherever that one note is played."""

_SHARPENED: Final = 1.5
"""The power of each band is raised to this: the strongest partials tell most …"""

_CENTRED: Final = 0.5
"""… and what the soloist shows all the time, this much less."""

_USUAL_S: Final = 20.0


@nb.njit(cache=True, nogil=True, fastmath=True)
def _advance(
    belief: Float32Array,
    scale: float,
    fresh: Float32Array,
    tempi: FloatArray,
    prior: Float32Array,
    leak: float,
    here: float,
    reach: float,
    looks: Float32Array,
    heard: Float32Array,
    weight: float,
    first: int,
    end: int,
    fits: Float32Array,
    marginal: Float32Array,
) -> float:
    """Move and weigh the rows [first, end) of ``belief`` into ``fresh``; their sum."""
    count = belief.shape[1]
    places = belief.shape[0]
    jump = np.float32(leak / places)
    total = 0.0
    keep = np.float32((1.0 - leak) * scale)
    for i in range(first, end):
        fit = np.float32(0.0)
        for k in range(len(heard)):
            fit += heard[k] * looks[i, k]
        fits[i] = fit
        likely = np.float32(np.exp(weight * fit))
        close = max(0.0, 1.0 - abs(i - here) / reach)
        come = jump * np.float32(1.0 + _CLOSE * close)
        row = fresh[i]
        for v in range(count):
            whole = int(tempi[v])
            part = np.float32(tempi[v] - whole)
            m = np.float32(0.0)
            if i >= whole:
                m += belief[i - whole, v] * (np.float32(1.0) - part)
            if i >= whole + 1:
                m += belief[i - whole - 1, v] * part
            row[v] = np.float32(1.0 - _HOLD) * m + np.float32(_HOLD) * belief[i, v]
        previous = row[0]
        summed = np.float32(0.0)
        for v in range(count):
            current = row[v]
            following = row[v + 1] if v < count - 1 else current
            m = current + np.float32(_TEMPO_MIX) * (previous + following - 2 * current)
            previous = current
            row[v] = (m * keep + come * prior[v]) * likely
            summed += row[v]
        marginal[i] = summed
        total += float(summed)
    return total


@nb.njit(cache=True, nogil=True, fastmath=True)
def _densest(marginal: Float32Array, half: int) -> tuple[int, float]:
    """Find the middle of the stretch of 2 · half + 1 rows with the most belief, and that belief."""
    count = len(marginal)
    inside = 0.0
    for i in range(min(half, count)):
        inside += marginal[i]
    best, most = 0, -1.0
    for i in range(count):
        if i + half < count:
            inside += marginal[i + half]
        if i - half - 1 >= 0:
            inside -= marginal[i - half - 1]
        if inside > most:
            best, most = i, inside
    return best, most


@dataclass(frozen=True, slots=True)
class Found:
    """Where the soloist is thought to be: belief about rows of the reference, and tempi."""

    first: int
    weights: FloatArray
    """For rows from ``first`` on."""
    log_tempi: FloatArray
    tempo_weights: FloatArray
    odds: float
    """Logarithm of its odds, in the overview's opinion, against where the fine filter is."""


class Overview:
    """Watches the whole recording beside the fine filter."""

    def __init__(self, reference: Reference, ear: SoloEar, hop_s: float) -> None:
        self._ear = ear
        coarse = reference.coarse
        if coarse is None:
            coarse = coarse_of(reference.spectra, COARSE_FRAMES)
        self._bands = min(coarse.shape[1], ear.bands // POOL)
        self._looks = _expected(coarse[:, : self._bands])
        places = len(self._looks)
        self._row_s = reference.hop_s * COARSE_FRAMES
        self._hops = max(1, round(self._row_s / hop_s))
        self._step_s = self._hops * hop_s
        self._leak = _LEAK_PER_S * self._step_s
        self._tempi = 2.0**_OCTAVES * self._step_s / self._row_s
        prior = np.exp(-0.5 * (_OCTAVES / _TEMPO_SPREAD) ** 2)
        self._prior = (prior / prior.sum()).astype(np.float32)
        self._belief = np.zeros((places, len(_OCTAVES)), dtype=np.float32)
        self._fresh = np.zeros_like(self._belief)
        self._marginal = np.zeros(places, dtype=np.float32)
        self._fits = np.zeros(places, dtype=np.float32)
        self._gathered = np.zeros(self._bands, dtype=np.float32)
        self._heard = np.zeros(self._bands, dtype=np.float32)
        self._usual = np.full(self._bands, 1.0 / self._bands)
        self._recent = np.zeros(self._bands)
        self._weight = 0.0
        self._steps = 0
        self.restart(None)

    def restart(self, place: float | None, *, told: bool = False) -> None:
        """Begin anew, presumably at a row of the reference; ``told``: a human has said so."""
        self._belief[:] = self._prior / len(self._belief)
        if place is not None:
            self._belief[min(int(place) // COARSE_FRAMES, len(self._belief) - 1)] += self._prior
        self._scale = 1.0 / float(self._belief.sum())
        self._gathered[:] = 0.0
        self._heard[:] = 0.0
        self._presence = self._heard_presence = self._weight = 0.0
        self._total = 0.0
        self._hop = 0
        self._good_s = _TRUSTED_S if told else 0.0
        self._place_then = 0.0 if place is None else place
        self.fit_here = _USUAL_FIT
        """How well the place that is believed in fits, over the last second of sound."""

    @property
    def trust(self) -> float:
        """0–1: whether the place of the fine filter has fitted for long."""
        return self._good_s / _TRUSTED_S

    def distrust(self) -> None:
        """Begin to watch a new place of the fine filter."""
        self._good_s = 0.0
        self.fit_here = _USUAL_FIT

    def step(self, place: float, begun: bool) -> Found | None:
        """Hear one hop; something found once in a long while.

        ``place`` is the row of the reference that the fine filter believes in.
        """
        ear = self._ear
        pool_bands(ear.white, self._gathered)
        self._presence += ear.presence
        i = self._hop % self._hops
        self._hop += 1
        places = len(self._belief)
        first, end = places * i // self._hops, places * (i + 1) // self._hops
        self._total += _advance(
            self._belief, self._scale, self._fresh, self._tempi, self._prior, self._leak,
            self._place_then / COARSE_FRAMES, _CLOSE_S / self._row_s, self._looks,
            self._heard, _EVIDENCE * self._weight, first, end,
            self._fits, self._marginal,
        )  # fmt: skip
        if i < self._hops - 1:
            return None
        self._belief, self._fresh = self._fresh, self._belief
        self._scale = 1.0 / max(self._total, 1e-30)
        found = self._decide(begun)
        self._ask()
        self._gathered[:] = 0.0
        self._presence = self._total = 0.0
        self._place_then = place
        return found

    def _ask(self) -> None:
        """Turn the sound gathered into what every place is asked for."""
        sharpened = self._gathered**_SHARPENED
        total = float(sharpened.sum())
        self._heard[:] = 0.0
        self._heard_presence = self._presence / self._hops
        self._weight = 0.0
        if total > 0.0:
            share = sharpened / total
            change = 1.0 - float(np.minimum(share, self._recent).sum())
            fresh = 1.0 - float(np.exp(-self._step_s / _RECENT_S))
            self._recent += fresh * (share - self._recent)
            novelty = min(1.0, max(_OLD, change / _NOVEL))
            self._weight = self._step_s * self._heard_presence * novelty
            passed = min(1.0, self._step_s / _USUAL_S + 1.0 / (1.0 + self._steps))
            self._steps += 1
            self._usual += passed * (share - self._usual)
            self._heard[:] = share - _CENTRED * self._usual

    def _decide(self, begun: bool) -> Found | None:
        """Look whether the best place of all is one that the fine filter does not consider."""
        here = int(np.clip(self._place_then / COARSE_FRAMES, 0, len(self._belief) - 1))
        near = round(_NEAR_S / self._row_s)
        fit_here = float(self._fits[max(0, here - 1) : here + 2].max())
        sure = self._step_s * self._heard_presence
        self.fit_here += sure / _FIT_S * (fit_here - self.fit_here)
        around = float(self._marginal[max(0, here - near) : here + near + 1].sum()) * self._scale
        if begun and self.fit_here > _GOOD:
            self._good_s = min(self._good_s + sure, _TRUSTED_S)
        core = round(_CORE_S / self._row_s)
        best, mass = _densest(self._marginal, core)
        if mass * self._scale < _AREA or sure < _SURE * self._step_s:
            return None
        if begun and abs(best - here) < near:
            return None
        low, high = max(0, best - core), min(len(self._belief), best + core + 1)
        area = self._marginal[low:high]
        tempi = self._belief[low:high].sum(axis=0).astype(np.float64)
        rows = np.repeat(area.astype(np.float64), COARSE_FRAMES)
        odds = float(np.log(mass * self._scale / (around + _LEAST_AROUND)))
        return Found(low * COARSE_FRAMES, rows, _OCTAVES * np.log(2.0), tempi / tempi.sum(), odds)


def _expected(coarse: npt.NDArray[np.float16]) -> Float32Array:
    """Log of the pooled spectra over the flat one [shape=(places, bands)]."""
    looks = coarse.astype(np.float32)
    looks /= looks.sum(axis=1, keepdims=True) + np.float32(1e-6)
    looks *= np.float32((1.0 - _FLAT) * looks.shape[1])
    looks += np.float32(_FLAT)
    return np.ascontiguousarray(np.log(looks, out=looks))
