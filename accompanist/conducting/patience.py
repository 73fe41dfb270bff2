"""How long the ensemble waits for the soloist, and where it does not go on without them."""

from __future__ import annotations

from accompanist.conducting.deadlines import Deadlines
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.planner import Path
from accompanist.conducting.policy import AntiDrag, Policy
from accompanist.conducting.settings import ConductorSettings, FollowMode, LostPolicy
from accompanist.conducting.soloist import Soloist
from accompanist.score.solo import BUCKET_QUARTER

__all__ = ["Patience"]

_OPEN = float("inf")
_UNCERTAIN_SHARE = 0.3
"""A prediction is worth nothing when its sd is more than this share of the interval."""

_CLOCKWORK_S, _CLOCKWORK_SHARE = 0.010, 0.015
"""Who is foreseen as well as this, or to this share of the interval, needs no waiting for even
after a rest of everybody."""
_STEADY_SD_S = 0.02
"""Who is foreseen better than this is as steady as a clock, and no clock dwells on a note."""
_HOLD_S = 0.4
"""Who dwells on a note unannounced dwells for so long, …"""
_HOLDING_S = 0.13
"""… and so long past the moment of a report a follower says that the note before is held."""
_REPORT_SPREAD_S = 0.02


class Patience:
    """Deadlines and gates for the settings' policy and mode.

    Attributes
    ----------
    settings : ConductorSettings
        May be replaced at any time.
    mode : FollowMode
        In force now, whatever the settings said at first.
    drag : AntiDrag
    """

    def __init__(self, grid: SoloGrid, settings: ConductorSettings) -> None:
        self._grid = grid
        self.settings = settings
        self.mode = FollowMode(settings.mode)
        self.drag = AntiDrag()
        self._deadlines = Deadlines(*settings.costs, verdict_s=_HOLDING_S)

    def wait_s(self, event: int, soloist: Soloist, *, holds: bool = True) -> float:
        """How long past its predicted time ``event`` is held for a report.

        ``holds``: they may dwell where nothing announces it.
        """
        if self.settings.policy == Policy.PREDICT or not self._grid.coincident[event]:
            return 0.0
        sd_s = soloist.model.predict(self._grid.quarters[event]).sd_s
        delay_s = soloist.habits.delay_s + self.settings.ahead_s
        if self._deadlines.costs != self.settings.costs:
            self._deadlines = Deadlines(*self.settings.costs, verdict_s=_HOLDING_S)
        ears = delay_s, soloist.habits.delay_sd_s, soloist.habits.missed_share
        running = self._running(event)
        wait = self._deadlines.wait_s(sd_s, *ears, running=running)
        if self.settings.anti_drag:
            wait *= self.drag.patience
        if event <= soloist.crossed:
            return 0.0  # it lies behind them, though nobody has reported it
        held_s = _HOLD_S * soloist.hold_share(event) if holds else 0.0
        held_s *= min(sd_s / _STEADY_SD_S, 1.0) ** 2
        if held_s and held_s > self._deadlines.patience_s(sd_s, *ears, running=running):
            # Where they may dwell unannounced, silence at the moment of a report is news.
            wait = max(wait, delay_s + _HOLDING_S)
        led = self._grid.led[event]
        wait = min(wait, self.settings.lead_wait_s if led else self.settings.longest_wait_s)
        return wait + self.settings.reaction_s if wait > 0.0 else wait

    def _running(self, event: int) -> bool:
        """Whether the ensemble plays a line of its own up to ``event``."""
        grid = self._grid
        if event == 0:
            return False
        start = grid.quarters[event - 1] + BUCKET_QUARTER
        return grid.notes_between(start, grid.quarters[event] - BUCKET_QUARTER) > 0

    def late_s(self, soloist: Soloist) -> float:
        """How far a recording keeps behind the soloist, so that it need not stop for reports."""
        if self._never_first:
            return soloist.habits.delay_s + self.settings.ahead_s + _REPORT_SPREAD_S
        return 0.0

    @property
    def _never_first(self) -> bool:
        """Whether no note of the soloist may be passed unheard."""
        return self.mode is FollowMode.WAIT or self.settings.policy == Policy.HOLD

    def gate_quarter(
        self,
        path: Path,
        soloist: Soloist,
        *,
        quarter: float,
        now_s: float,
        sound_s: float,
        counted_event: int = -1,
    ) -> float:
        """Where the ensemble has to stop until more has been heard; infinite for nowhere.

        Everybody has been counted in to ``counted_event``: that one needs no waiting for.
        """
        upcoming = max(soloist.heard, soloist.crossed) + 1
        if upcoming >= len(self._grid):
            return _OPEN
        if self._never_first:
            return self._before(upcoming)
        if soloist.lost_from is not None:
            policy = self.settings.lost_policy
            going_on = policy != LostPolicy.HOLD
            if going_on and now_s - soloist.lost_from < self.settings.lost_s:
                return _OPEN
            if policy == LostPolicy.FADE:
                return quarter
            return self._before(self._grid.event_from(quarter))
        if self._grid.continuous:
            if soloist.dwelling and not self._grid.led[upcoming]:
                return quarter
            return self._as_far_as_expected(upcoming, path, soloist, sound_s)
        if soloist.dwelling and now_s >= self.overdue_s(soloist):
            return self._before(max(upcoming, soloist.dwell_before))
        doubtful = self.settings.policy == Policy.AUTO and upcoming != counted_event
        if doubtful and self._must_wait(upcoming, soloist):
            return self._before(upcoming)
        # Played through: but the ensemble does not run away from a soloist who has stopped.
        expected_s = soloist.model.predict(self._grid.quarters[upcoming]).time_s
        limit = path.timeline.to_quarter(max(expected_s + self.settings.runaway_s, sound_s))
        gate = self._before(upcoming + self.settings.missed_events)
        return min(gate, max(limit, self._before(upcoming)))

    def overdue_s(self, soloist: Soloist) -> float:
        """From when on a note that has not been reported is late, and dwelling is believed."""
        upcoming = max(soloist.heard, soloist.crossed) + 1
        if upcoming >= len(self._grid):
            return _OPEN
        expected_s = soloist.model.predict(self._grid.quarters[upcoming]).time_s
        return expected_s + _REPORT_SPREAD_S

    def _as_far_as_expected(
        self, upcoming: int, path: Path, soloist: Soloist, sound_s: float
    ) -> float:
        """Where a recording stops: not at every event, as many of them are never reported.

        It may run on for a while; less where the soloist comes in after playing without them.
        """
        settings = self.settings
        patience_s = settings.lead_wait_s if self._grid.led[upcoming] else settings.runaway_s
        expected_s = soloist.model.predict(self._grid.quarters[upcoming]).time_s
        limit = path.timeline.to_quarter(max(expected_s + patience_s, sound_s))
        return max(limit, self._before(upcoming))

    def _before(self, event: int) -> float:
        return self._grid.release_quarter[event] if event < len(self._grid) else _OPEN

    def _must_wait(self, event: int, soloist: Soloist) -> bool:
        """Whether it would be wrong to play ``event`` before the soloist."""
        grid = self._grid
        if event > 0 and grid.fermata_s[event - 1] > 0:
            return True
        expected = soloist.model.predict(grid.quarters[event])
        if grid.general_pause[event]:
            length_s = expected.time_s - soloist.heard_s
            return expected.sd_s > max(_CLOCKWORK_S, _CLOCKWORK_SHARE * length_s)
        if grid.led[event]:
            return False
        length_s = max(expected.time_s - soloist.heard_s, 0.1)
        return expected.sd_s > _UNCERTAIN_SHARE * length_s
