"""Loops and vamps.

A loop is for practice: soloist and ensemble go back together at its end. A vamp is the ensemble's
alone: it goes round in its own tempo until the soloist comes in or the human lets it go on.
"""

from __future__ import annotations

from accompanist.conducting.stage import COUNTED_SD, COUNTED_SD_S, EDGE_QUARTER, Stage

__all__ = ["Rounds"]

_LATE_S = 0.02
"""It is gone round at most this long after the end was reached."""


class Rounds:
    """Goes back at the end of a region.

    Attributes
    ----------
    region : tuple of float or None
        First and last position.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.region: tuple[float, float] | None = None
        self._vamp = self._solo_rests = self._till_entry = self._last_round = False

    @property
    def going_round(self) -> tuple[float, float] | None:
        """The region, if it will go back at its end."""
        return None if self._last_round else self.region

    @property
    def limit_quarter(self) -> float:
        """Where it will not play on."""
        return self.region[1] if self.region and not self._last_round else float("inf")

    def begin(self, first: float, last: float, *, vamp: bool) -> None:
        """Go round from now on; as a vamp, whatever the soloist does.

        A region in which the soloist has no note is a vamp that ends with their entry.
        """
        grid = self._stage.grid
        self._leave()
        self.region = (first, last)
        self._solo_rests = grid.event_from(first) >= grid.event_from(last)
        self._till_entry = self._solo_rests and not vamp
        self._vamp = vamp or self._solo_rests

    def end(self) -> None:
        """Play on behind the end when this round is over.

        Until then a vamp over notes of the soloist stays one; else they are listened to at once.
        """
        if self._stage.ears.away and not self._solo_rests:
            self._last_round = True
        else:
            self._leave()

    def heard(self, event: int) -> None:
        """End a vamp that waits for the soloist's entry, if ``event`` is that or lies behind."""
        if self.region is None or not self._till_entry:
            return
        if event >= self._stage.grid.event_from(self.region[1]):
            self._forget()

    def left_for(self, quarter: float) -> None:
        """End it if a human has gone to ``quarter``, behind its end."""
        if self.region is not None and quarter >= self.region[1] - EDGE_QUARTER:
            self._forget()

    def go(self) -> bool:
        """Begin to vamp at the first position, go back at the last; say if anything changed."""
        stage = self._stage
        quarter = stage.position
        if self.region is None or stage.counting(quarter):
            return False
        first, last = self.region
        began = self._vamp and not stage.ears.away and quarter >= first - EDGE_QUARTER
        if began:
            stage.ears.away = True
            stage.settle()
            stage.soloist.at_will = self._till_entry
        if quarter < last - EDGE_QUARTER:
            return began
        if self._last_round:
            self._leave()
            return True
        end_s = min(max(stage.ensemble.plan.to_time(last), stage.sound_s - _LATE_S), stage.sound_s)
        stage.jump(first)
        stage.soloist.place(stage.grid.event_from(first) - 1, stage.sound_s)
        stage.soloist.at_will = self._till_entry
        for model in stage.models:
            model.begin(first, end_s, COUNTED_SD_S)
        if not self._till_entry:
            stage.follower_at = first
        return True

    def _leave(self) -> None:
        """Listen again, in the tempo of the vamp, and expect the soloist here."""
        stage = self._stage
        was_away, own = stage.ears.away, stage.ears.own
        self._forget()
        if was_away:
            if own is not None:
                stage.soloist.model.set_ratio(own.ratio, COUNTED_SD)
            stage.expect(stage.position)
            stage.follower_at = stage.position

    def _forget(self) -> None:
        self.region = None
        self._vamp = self._till_entry = self._last_round = self._stage.ears.away = False
        self._stage.settle()
