"""The contest of tunings among filters over events."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.hsmm.model import Belief, EventFilter, EventScore, HsmmSettings
from accompanist.followers.tuning_contest import TuningContest

__all__ = ["TuningSearch"]

Float32Array = npt.NDArray[np.float32]

_CLEAR_LEAD: Final = 60.0
_SOONEST_S: Final = 2.0


class TuningSearch(TuningContest[EventFilter]):
    """Filters of all tunings still possible; see `TuningContest`.

    Parameters
    ----------
    score, templates, settings, hop_s
        Of the filters.
    known
        As in `TuningContest`.
    """

    def __init__(
        self,
        score: EventScore,
        templates: TemplateRing,
        settings: HsmmSettings,
        hop_s: float,
        *,
        known: bool = False,
    ) -> None:
        super().__init__(
            lambda shift: EventFilter(score, templates, settings, hop_s, shift),
            templates,
            known=known,
            clear_lead=_CLEAR_LEAD,
            soonest_s=_SOONEST_S,
        )
        self._hop_s = hop_s

    def step(
        self, spectrum: Float32Array, rise: Float32Array, presence: float, audible: float
    ) -> Belief:
        """Hear one hop with every filter left; the belief of the best so far."""
        if self.decided:
            return self.best.step(spectrum, rise, presence, audible)
        beliefs = {
            shift: candidate.step(spectrum, rise, presence, audible)
            for shift, candidate in self.filters.items()
        }
        evidence = {shift: belief.log_evidence for shift, belief in beliefs.items()}
        return beliefs[self.weigh(evidence, self._hop_s)]
