"""How far from A = 440 the soloist sits: twelve filters listen side by side until one has won."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import BANDS_PER_SEMITONE

__all__ = ["STEP_CENTS", "Candidate", "TuningContest"]

STEP_CENTS: Final = 100.0 / BANDS_PER_SEMITONE
_SHIFTS: Final = range(-7, 5)
"""−233 to +133 cents: from A = 385 (below baroque pitch) to A = 475."""

_KNOWN_SHIFTS: Final = range(-1, 2)
"""Where the tuning is known, half a semitone either way is left to find out."""

_PRIOR_PER_CENT: Final = 0.004
_FAR_STEPS: Final = 3
_HOPELESS: Final = 60.0
"""So far behind the best (in log evidence) a hypothesis is dropped."""

_LATEST_S: Final = 20.0


class Candidate(Protocol):
    """A filter that listens ``shift`` bands off its templates."""

    shift: int

    def wait_at(self, event: int) -> None:
        """Wait before ``event``."""


F = TypeVar("F", bound=Candidate)


class TuningContest(Generic[F]):
    """The filters of all tunings still possible; one is left once `decided`.

    A band is a third of a semitone, so a tuning hypothesis is a shift of the heard spectrum by
    whole bands: all filters share one set of pictures.

    Parameters
    ----------
    make : callable
        Gives the filter for a shift.
    templates : TemplateRing
        Of the filters; their tuning is what the search begins at.
    known : bool
        The soloist's tuning is about that of the templates: only what is near is tried.
    clear_lead : float
        So far ahead (in log evidence) of all that are more than a neighbour off, one has won.
    soonest_s : float
        Not before so much has been heard.
    """

    def __init__(
        self,
        make: Callable[[int], F],
        templates: TemplateRing,
        *,
        known: bool,
        clear_lead: float,
        soonest_s: float,
    ) -> None:
        shifts = _KNOWN_SHIFTS if known else _SHIFTS
        self._templates = templates
        self._clear_lead, self._soonest_s = clear_lead, soonest_s
        self._heard_s = 0.0
        self.filters: dict[int, F] = {shift: make(shift) for shift in shifts}
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

    def weigh(self, log_evidence: Mapping[int, float], heard_s: float) -> int:
        """Take what a hop tells each filter, and drop those that have lost.

        Parameters
        ----------
        log_evidence : mapping of int to float
            By shift, of every filter left.
        heard_s : float
            How much of the hop tells anything, in seconds.

        Returns
        -------
        int
            Shift of the best.
        """
        self._heard_s += heard_s
        for shift, evidence in log_evidence.items():
            self._score[shift] += evidence
        winner = max(self.filters, key=lambda shift: self._score[shift])
        self.best = self.filters[winner]
        if not self.patient:
            self._narrow(winner)
        return winner

    def _narrow(self, winner: int) -> None:
        top = self._score[winner]
        far = [s for k, s in self._score.items() if abs(k - winner) >= _FAR_STEPS]
        lead = top - max(far, default=-np.inf)
        clear = lead > self._clear_lead and self._heard_s >= self._soonest_s
        if clear or self._heard_s >= _LATEST_S:
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
