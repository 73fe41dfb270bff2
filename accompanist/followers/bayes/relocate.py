"""A coarse look at the whole score, to find a soloist who is somewhere else.

A forward hidden Markov model over all segments, in steps of about 40 ms. It never moves the fine
filter for a small advantage: its fit must beat the fine filter's for a while (a CUSUM) at a place
that the fine filter does not consider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import PositionFilter, ScoreGrid
from accompanist.followers.bayes.templates import coarse_templates

__all__ = ["Relocation", "Relocator"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

_STEP_S: Final = 0.04
_JUMP: Final = 1e-4
_EVIDENCE_PER_S: Final = 100.0
_FLOOR: Final = 12.0
_LEAST_ADVANCE: Final = 0.01
_MOST_ADVANCE: Final = 0.8
_WAIT_ADVANCE: Final = 0.02
_NEAR_S: Final = 2.5
"""Playing time on either side that counts as the same place."""

_CORE_S: Final = 1.5
_PLAUSIBLE: Final = 0.01
_CANDIDATE: Final = 0.08
_CANDIDATE_AREA: Final = 0.3
_FORGET_S: Final = 1.5
_THRESHOLD: Final = 25.0
_PATIENCE_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Relocation:
    """Where the soloist is thought to be: cells [start, end) and weight of each segment there."""

    ranges: list[tuple[int, int, float]]


class Relocator:
    """Watches the whole score beside the fine filter.

    Emissions are computed a slice a hop, so that a long score costs no hop more than another.
    """

    def __init__(self, grid: ScoreGrid, templates: Float32Array, hop_s: float) -> None:
        self._grid = grid
        seg = grid.segments
        self._hops = max(1, round(_STEP_S / hop_s))
        self._step_s = self._hops * hop_s
        self._start = seg.start_s
        self._end = seg.start_s + seg.duration_s
        bands = templates.shape[1]
        self._gathered = np.zeros(bands, dtype=np.float32)
        self._heard = np.zeros(bands, dtype=np.float32)
        self._fit = np.zeros(len(seg.unique), dtype=np.float32)
        self._alpha: FloatArray = np.zeros(len(seg))
        self._alpha[0] = 1.0
        self._belief: FloatArray = np.ones(1)
        self._believed = np.zeros(1, dtype=np.int32)
        self._hop = 0
        self._patience_s = 0.0
        self.doubt = 0.0
        """The CUSUM: how much better somewhere else has fitted lately; over 25 is convincing."""
        self.retune(templates)

    def retune(self, templates: Float32Array) -> None:
        """Take new pitch templates [shape=(pitches, bands)]."""
        self._looks = coarse_templates(self._grid.segments, templates)

    def restart(self, event: int) -> None:
        """Begin anew with all belief before ``event``."""
        self._alpha[:] = 0.0
        self._alpha[int(self._grid.segments.event_segment[event]) - 1] = 1.0
        self.doubt = self._patience_s = 0.0

    def step(
        self, spectrum: Float32Array, position_s: float, tempo: float, fine: PositionFilter
    ) -> Relocation | None:
        """Hear one hop; a relocation once in a long while.

        ``position_s`` and ``tempo`` are the fine filter's belief (written seconds, relative).
        """
        self._gathered += spectrum[:-1]
        i = self._hop % self._hops
        self._hop += 1
        count = len(self._fit)
        piece = slice(count * i // self._hops, count * (i + 1) // self._hops)
        self._fit[piece] = self._looks[piece] @ self._heard
        if i < self._hops - 1:
            return None
        found = self._decide(position_s, tempo)
        self._heard[:] = self._gathered / self._hops
        self._gathered[:] = 0.0
        self._note_belief(fine)
        return found

    def _decide(self, position_s: float, tempo: float) -> Relocation | None:
        seg = self._grid.segments
        fit = _EVIDENCE_PER_S * self._step_s * self._fit.astype(np.float64)
        likely = np.exp(np.maximum(fit - fit.max(), -_FLOOR))
        advance = np.clip(
            self._step_s * tempo / np.maximum(seg.duration_s, 1e-6), _LEAST_ADVANCE, _MOST_ADVANCE
        )
        advance[0] = _WAIT_ADVANCE
        alpha = self._alpha * (1 - advance) + _JUMP / len(seg)
        alpha[1:] += self._alpha[:-1] * advance[:-1]
        alpha *= likely[seg.unique_of]
        alpha /= alpha.sum()
        self._alpha = alpha

        reach = _NEAR_S * tempo
        core = _CORE_S * tempo
        near = (self._end > position_s - reach) & (self._start < position_s + reach)
        if alpha[near].sum() >= _PLAUSIBLE:
            self.doubt = self._patience_s = 0.0
            return None
        target = self._candidate(alpha, position_s, reach, core)
        place = int(np.argmax(alpha)) if target is None else target
        middle = self._start[place]
        area = (self._end > middle - core) & (self._start < middle + core)
        there = float(alpha[area] @ fit[seg.unique_of[area]]) / (alpha[area].sum() + 1e-9)
        here = self._fine_fit(fit, likely)
        self.doubt = max(0.0, self.doubt * np.exp(-self._step_s / _FORGET_S) + there - here)
        if target is None or not 0 < target < len(seg) - 1 or self.doubt <= _THRESHOLD:
            self._patience_s = 0.0
            return None
        self._patience_s += self._step_s
        if self._patience_s < _PATIENCE_S:
            return None
        self._patience_s = self.doubt = 0.0
        chosen = np.flatnonzero(area & (alpha > 1e-6))
        weights = alpha[chosen] / alpha[chosen].sum()
        alpha[~area] = 0.0
        alpha /= alpha.sum()
        cells = self._grid.segment_cell
        ends = np.append(cells[1:], len(self._grid.cell_segment))
        return Relocation(
            [
                (int(cells[s]), int(ends[s]), float(w))
                for s, w in zip(chosen, weights, strict=True)
                if ends[s] > cells[s]
            ]
        )

    def _candidate(
        self, alpha: FloatArray, position_s: float, reach: float, core: float
    ) -> int | None:
        """Find the nearest place that holds enough belief; among near equals the likelier."""
        summed = np.concatenate(([0.0], np.cumsum(alpha)))
        best: int | None = None
        best_distance = np.inf
        for s in np.flatnonzero(alpha > _CANDIDATE):
            if s == 0:
                continue
            first = int(np.searchsorted(self._end, self._start[s] - core, side="right"))
            last = int(np.searchsorted(self._start, self._start[s] + core, side="left"))
            if summed[last] - summed[first] <= _CANDIDATE_AREA:
                continue
            distance = abs(float(self._start[s]) - position_s)
            closer = distance < best_distance - reach
            likelier = best is not None and alpha[s] > alpha[best]
            if best is None or closer or (distance < best_distance + reach and likelier):
                best, best_distance = int(s), distance
        return best

    def _fine_fit(self, fit: FloatArray, likely: FloatArray) -> float:
        """How well the coarse pictures fit where the fine filter was when the sound was heard.

        Weighed by that very sound, as the candidate's is: in a fast passage either may be a note
        off, and the one that is judged by its best note only would win every comparison.
        """
        weight = self._belief * likely[self._believed]
        return float(weight @ fit[self._believed] / (weight.sum() + 1e-30))

    def _note_belief(self, fine: PositionFilter) -> None:
        """Keep what the fine filter believes at the end of the sound gathered just now."""
        g = self._grid
        first, end = int(fine.support[4]), int(fine.support[5])
        cells = np.arange(max(first, 0), min(end, len(g.cell_segment)))
        self._belief = fine.row_mass[cells & (len(fine.row_mass) - 1)].astype(np.float64)
        self._believed = g.segments.unique_of[g.cell_segment[cells]]
