"""The contest of tunings among filters over places."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import Belief, FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.tuning_contest import TuningContest

__all__ = ["TuningSearch"]

Float32Array = npt.NDArray[np.float32]

_CLEAR_LEAD: Final = 40.0
_SOONEST_S: Final = 1.0
"""Seconds in which somebody played: silence and noise before a piece tell nothing."""


class TuningSearch(TuningContest[PositionFilter]):
    """Filters of all tunings still possible; see `TuningContest`.

    Parameters
    ----------
    grid, templates, settings, hop_s
        Of the filters.
    known
        As in `TuningContest`.
    """

    def __init__(
        self,
        grid: ScoreGrid,
        templates: TemplateRing,
        settings: FilterSettings,
        hop_s: float,
        *,
        known: bool = False,
    ) -> None:
        super().__init__(
            lambda shift: PositionFilter(grid, templates, settings, hop_s, shift),
            templates,
            known=known,
            clear_lead=_CLEAR_LEAD,
            soonest_s=_SOONEST_S,
        )
        self._hop_s = hop_s

    @property
    def width(self) -> int:
        """How many cells hold belief, of all filters left together."""
        return sum(candidate.width for candidate in self.filters.values())

    def step(
        self,
        spectrum: Float32Array,
        rise: Float32Array,
        presence: float,
        audible: float,
        others: Float32Array | None = None,
    ) -> Belief:
        """Hear one hop with every filter left; the belief of the best so far."""
        if self.decided:
            return self.best.step(spectrum, rise, presence, audible, others)
        beliefs = {
            shift: candidate.step(spectrum, rise, presence, audible, others)
            for shift, candidate in self.filters.items()
        }
        evidence = {shift: belief.log_evidence for shift, belief in beliefs.items()}
        return beliefs[self.weigh(evidence, self._hop_s * presence)]
