"""How far from A = 440 the soloist sits: twelve filters listen side by side until one has won."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import Belief, FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import BANDS_PER_SEMITONE

__all__ = ["TuningSearch"]

Float32Array = npt.NDArray[np.float32]

STEP_CENTS: Final = 100.0 / BANDS_PER_SEMITONE
_SHIFTS: Final = range(-7, 5)
"""−233 to +133 cents: from A = 385 (below baroque pitch) to A = 475."""

_KNOWN_SHIFTS: Final = range(-1, 2)
"""Where the tuning is known, half a semitone either way is left to find out."""

_PRIOR_PER_CENT: Final = 0.004
_CLEAR_LEAD: Final = 40.0
_FAR_STEPS: Final = 3
_HOPELESS: Final = 60.0
"""So far behind the best (in log evidence) a hypothesis is dropped."""

_SOONEST_S: Final = 1.0
_LATEST_S: Final = 20.0
"""Seconds in which somebody played: silence and noise before a piece tell nothing."""


class TuningSearch:
    """The filters of all tunings still possible; one is left once `decided`.

    A band is a third of a semitone, so a tuning hypothesis is a shift of the heard spectrum by
    whole bands: all filters share one set of pictures.

    Parameters
    ----------
    grid, templates, settings, hop_s
        Of the filters; the templates' tuning is what the search begins at.
    known : bool
        The soloist's tuning is about that of the templates: only what is near is tried.
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
        shifts = _KNOWN_SHIFTS if known else _SHIFTS
        self._templates = templates
        self._hop_s = hop_s
        self._sounded_s = 0.0
        self.filters: dict[int, PositionFilter] = {
            shift: PositionFilter(grid, templates, settings, hop_s, shift) for shift in shifts
        }
        self._score = {shift: -_PRIOR_PER_CENT * abs(shift) * STEP_CENTS for shift in shifts}
        self.best = self.filters[0]
        self.patient = False
        """Do not decide yet, however clear it looks: it is not known where they play."""

    @property
    def decided(self) -> bool:
        """Whether one filter is left, its templates retuned to the soloist."""
        return len(self.filters) == 1

    @property
    def cents(self) -> float:
        """The tuning believed in now."""
        return self._templates.cents + self.best.shift * STEP_CENTS

    def wait_at(self, event: int) -> None:
        """Tell every filter to wait before ``event``."""
        for candidate in self.filters.values():
            candidate.wait_at(event)

    def decide(self, shift: int, refinement: float) -> None:
        """End the search: the player is ``shift`` and a fraction of bands off the templates."""
        self.best = self.filters.get(shift, self.best)
        self.filters = {shift: self.best}
        self.best.shift = 0
        cents = (shift + float(np.clip(refinement, -0.5, 0.5))) * STEP_CENTS
        self._templates.retune(self._templates.cents + cents)

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
        self._sounded_s += self._hop_s * presence
        beliefs = {}
        for shift, candidate in self.filters.items():
            beliefs[shift] = candidate.step(spectrum, rise, presence, audible, others)
            self._score[shift] += beliefs[shift].log_evidence
        winner = max(self.filters, key=lambda shift: self._score[shift])
        self.best = self.filters[winner]
        self._narrow(winner)
        return beliefs[winner]

    def _narrow(self, winner: int) -> None:
        top = self._score[winner]
        far = [s for k, s in self._score.items() if abs(k - winner) >= _FAR_STEPS]
        clear = top - max(far, default=-np.inf) > _CLEAR_LEAD and self._sounded_s >= _SOONEST_S
        if self.patient:
            return
        if clear or self._sounded_s >= _LATEST_S:
            self.decide(winner, self._refinement(winner))
            return
        for shift in [k for k in self.filters if top - self._score[k] > _HOPELESS]:
            # The winner's neighbours stay: the parabola wants them.
            if abs(shift - winner) > 1:
                del self.filters[shift]
                del self._score[shift]

    def _refinement(self, winner: int) -> float:
        """Vertex of the parabola through the winner and its neighbours, in steps."""
        left, mid, right = (self._score.get(winner + d) for d in (-1, 0, 1))
        if left is None or mid is None or right is None:
            return 0.0
        bend = left - 2 * mid + right
        return 0.5 * (left - right) / min(bend, -1e-9)
