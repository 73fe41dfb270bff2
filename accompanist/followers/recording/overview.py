"""A coarse look at the whole recording, to find a soloist who is somewhere else.

A filter over tenths of a second × tempi of the whole recording runs beside the fine one, a slice
a hop, so that a long recording costs no hop more than another. It never moves the fine filter: it
proposes places that the fine filter does not consider, and `Rivals` tries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.recording.listen import SoloEar
from accompanist.followers.recording.overview_kernels import advance, densest
from accompanist.recordings.reference import COARSE_FRAMES, Reference
from accompanist.recordings.reference_coarse import coarse_of
from accompanist.recordings.reference_features import POOL, pool_bands

__all__ = ["FITS_LEAST", "Found", "Overview"]

FITS_LEAST: Final = 0.4
"""The right place fits better for some seconds on end; another piece often not."""

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

_FLAT: Final = 0.2
_EVIDENCE: Final = 20.0
"""Weight of the spectrum, a second."""

_OCTAVES: Final = np.arange(-4, 5) * 0.3
_TEMPO_SPREAD: Final = 0.45
_LEAK_PER_S: Final = 0.03
"""Chance, a second, that the soloist is anywhere in the next. Large: the overview proposes."""

_CLOSE_S: Final = 30.0
"""A place as close as this is likelier to be gone to, up to seven times."""

_NEAR_S: Final = 1.0
"""On either side of the fine position this counts as the same place."""

_CORE_S: Final = 0.8
_MOST_FOUND: Final = 3
_SURE: Final = 0.3
_GOOD: Final = 0.75
_TRUSTED_S: Final = 4.0
_FOUND_S: Final = 1.0
"""So long a place must have fitted to be trusted; one that was found begins with so much of it."""

_LEAST: Final = 0.003
_AREA: Final = 0.15
"""Belief that a place must gather before it is tried."""

_FIT_S: Final = 1.0
_LONG_FIT_S: Final = 3.0
_LONG_SHARE_S: Final = 2.0
_USUAL_FIT: Final = 0.7
_USUAL_FIT_S: Final = 8.0
_FALLEN: Final = 0.1
_KEPT: Final = 0.45
"""Who has fitted and fits no more than these shares of it is trusted least, or as before."""
_LEAST_TRUST: Final = 0.35
"""In a place that somebody has named, and be it the beginning."""
_SETTLED_S: Final = 6.0
_WELL: Final = 2.0
"""After so long in one place the next leap counts as the first; a good fit counts more."""

_RECENT_S: Final = 0.4
_NOVEL: Final = 0.5
_OLD: Final = 0.1
"""A sound that goes on tells next to nothing new: it fits wherever that one note is played."""

_SHARPENED: Final = 1.5
"""The power of each band is raised to this: the strongest partials tell most …"""

_CENTRED: Final = 0.5
"""… and what the soloist shows all the time, this much less."""

_USUAL_S: Final = 20.0


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
        self._left = np.zeros(places, dtype=np.float32)
        self._fits = np.zeros(places, dtype=np.float32)
        self._gathered = np.zeros(self._bands, dtype=np.float32)
        self._heard = np.zeros(self._bands, dtype=np.float32)
        self._usual = np.full(self._bands, 1.0 / self._bands)
        self._recent = np.zeros(self._bands)
        self._weight = 0.0
        self._steps = 0
        self.restart(None)

    def restart(self, place: float | None, *, told: bool = False, anywhere: bool = False) -> None:
        """Begin anew, presumably at a row of the reference.

        ``told``: a human has said so; ``anywhere``: nobody has said that it is not elsewhere.
        """
        self._least_trust = 0.0 if anywhere else _LEAST_TRUST
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
        self._usual_fit = self.fit_here = _USUAL_FIT
        """How well the place that is believed in fits, over the last second of sound."""
        self.fit_long = _USUAL_FIT
        """The same over some seconds, whatever place was believed in."""
        self.share_long = 0.0
        """The overview's belief, 0–1, that they are where the fine filter had them, of late."""
        self.leaps = 0
        """How often in a row another place has been believed in, none of them for long."""
        self._settled_s = 0.0

    @property
    def share_here(self) -> float:
        """The overview's belief, 0–1, that they are where the fine filter has them."""
        return min(1.0, self._mass(self._place_then))

    @property
    def trust(self) -> float:
        """0–1: whether the place of the fine filter has fitted for long, and still does."""
        fits = self.fit_here / max(self._usual_fit, _USUAL_FIT)
        kept = min(1.0, max(0.0, (fits - _FALLEN) / (_KEPT - _FALLEN)))
        return max(self._least_trust, kept * self._good_s / _TRUSTED_S)

    def distrust(self) -> None:
        """Begin to watch a new place of the fine filter."""
        self._good_s, self._least_trust = _FOUND_S, 0.0
        self.leaps, self._settled_s = self.leaps + 1, 0.0
        self._usual_fit = self.fit_here = _USUAL_FIT

    def odds(self, place: float) -> float:
        """Log odds of a row of the reference against where the fine filter is."""
        return float(np.log((self._mass(place) + _LEAST) / (self._mass(self._place_then) + _LEAST)))

    def _mass(self, place: float) -> float:
        """Belief about a row of the reference."""
        middle, core = int(place) // COARSE_FRAMES, round(_CORE_S / self._row_s)
        return float(self._marginal[max(0, middle - core) : middle + core + 1].sum()) * self._scale

    def step(self, place: float, begun: bool) -> list[Found] | None:
        """Hear one hop; ten times a second, what has been found by then.

        ``place`` is the row of the reference that the fine filter believes in.
        """
        ear = self._ear
        pool_bands(ear.white, self._gathered)
        self._presence += ear.presence
        i = self._hop % self._hops
        self._hop += 1
        places = len(self._belief)
        first, end = places * i // self._hops, places * (i + 1) // self._hops
        self._total += advance(
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

    def _decide(self, begun: bool) -> list[Found]:
        """Look for the best places of all that the fine filter does not consider."""
        here = int(np.clip(self._place_then / COARSE_FRAMES, 0, len(self._belief) - 1))
        near, core = round(_NEAR_S / self._row_s), round(_CORE_S / self._row_s)
        fit_here = float(self._fits[max(0, here - 1) : here + 2].max())
        sure = self._step_s * self._heard_presence
        self.share_long += self._step_s / _LONG_SHARE_S * (self.share_here - self.share_long)
        self.fit_here += sure / _FIT_S * (fit_here - self.fit_here)
        self.fit_long += sure / _LONG_FIT_S * (fit_here - self.fit_long)
        self._usual_fit += sure / _USUAL_FIT_S * (fit_here - self._usual_fit)
        self._settled_s += sure * (_WELL if fit_here > _GOOD else 1.0)
        if self._settled_s > _SETTLED_S:
            self.leaps = 0
        if begun and self.fit_here > _GOOD:
            self._good_s = min(self._good_s + sure, _TRUSTED_S)
        if sure < _SURE * self._step_s:
            return []
        np.copyto(self._left, self._marginal)
        if begun:
            self._left[max(0, here - near) : here + near + 1] = 0.0
        found: list[Found] = []
        while len(found) < _MOST_FOUND:
            best, mass = densest(self._left, core)
            if mass * self._scale < _AREA:
                break
            low, high = max(0, best - core), min(len(self._belief), best + core + 1)
            tempi = self._belief[low:high].sum(axis=0).astype(np.float64)
            rows = np.repeat(self._left[low:high].astype(np.float64), COARSE_FRAMES)
            odds = self.odds(best * COARSE_FRAMES)
            shares = tempi / tempi.sum()
            found.append(Found(low * COARSE_FRAMES, rows, _OCTAVES * np.log(2.0), shares, odds))
            self._left[low:high] = 0.0
        return found


def _expected(coarse: npt.NDArray[np.float16]) -> Float32Array:
    """Log of the pooled spectra over the flat one [shape=(places, bands)]."""
    looks = coarse.astype(np.float32)
    looks /= looks.sum(axis=1, keepdims=True) + np.float32(1e-6)
    looks *= np.float32((1.0 - _FLAT) * looks.shape[1])
    looks += np.float32(_FLAT)
    return np.ascontiguousarray(np.log(looks, out=looks))
