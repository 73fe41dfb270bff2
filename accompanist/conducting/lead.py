"""How the ensemble is led on from where it stands: its path, its gate, and what to call that."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from accompanist.conducting.beginning import Entry
from accompanist.conducting.ending import Ending
from accompanist.conducting.ensemble import EnsembleLine
from accompanist.conducting.glide import glide_path
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.patience import Patience
from accompanist.conducting.planner import Path, lead_in, plan_path
from accompanist.conducting.policy import Policy
from accompanist.conducting.settings import ConductorSettings, FollowMode, LostPolicy
from accompanist.conducting.soloist import Soloist
from accompanist.conducting.tempo_keeper import Leaning, TempoKeeper
from accompanist.conducting.tempo_model import Foresight, TempoModel
from accompanist.conducting.timeline import Timeline
from accompanist.score.solo import BUCKET_QUARTER

__all__ = ["Lead"]

_OPEN = float("inf")
_LOOP_EDGE_QUARTER = 1.0
_AT_THE_GATE_QUARTER = 5e-7
"""It is taken to stand so little before its gate: the note there is still to come."""
_NEARLY_S = 0.1
_LAST_SHARE, _LAST_S = 1.0, 1.2
"""So much of the interval before it, and so long at most, the last chord waits for the soloist."""
_NEAR_THE_END = 5
"""So many solo events before the end, the path reaches it."""
_PLAYED_ON_S = 0.15
"""So long behind a note that is not heard a figure under way plays on."""


class Lead:
    """Keeps the ensemble's line pointed at the soloist. Not thread-safe.

    Parameters
    ----------
    grid : SoloGrid
    settings : ConductorSettings
    patience : Patience
        Says how long to wait for the soloist, and where.
    ensemble : EnsembleLine
        The line that is led.
    end_quarter : float
        End of the score.

    Attributes
    ----------
    settings : ConductorSettings
        May be replaced at any time.
    review_s : float
        When the line has to be looked at again although nothing new has been heard.
    """

    def __init__(
        self,
        grid: SoloGrid,
        settings: ConductorSettings,
        patience: Patience,
        ensemble: EnsembleLine,
        end_quarter: float,
    ) -> None:
        self._grid = grid
        self.settings = settings
        self._patience = patience
        self._ensemble = ensemble
        self._end_quarter = end_quarter
        self._blocked_from: float | None = None
        self._keeper = TempoKeeper()
        self.review_s = _OPEN

    def unblock(self) -> None:
        """Forget that the ensemble was held up: it is somewhere else now."""
        self._blocked_from = None

    def replan(
        self,
        soloist: Soloist,
        *,
        now_s: float,
        sound_s: float,
        own: TempoModel | None = None,
        share: float = 1.0,
        entry: Entry | None = None,
        limit_quarter: float = _OPEN,
    ) -> None:
        """Find the ensemble's way on and its gate.

        Parameters
        ----------
        soloist : Soloist
            What is believed of them.
        now_s, sound_s : float
            Now, and the time at which what is sent now will sound.
        own : TempoModel, optional
            The ensemble's own tempo, when it does not simply take the soloist's.
        share : float
            How much it listens all the same, 0 (to nobody) to 1.
        entry : Entry, optional
            The end of the count-in, until the soloist has been heard there. What lies before it
            is only counted: straight through, in tempo.
        limit_quarter : float
            Never past this position.
        """
        quarter = self._ensemble.position(sound_s)
        counting = entry is not None and quarter < entry.quarter and sound_s < entry.time_s
        self._keeper.hear(soloist.heard, soloist.heard_s, soloist.model.ratio)
        lean_s = self._keeper.lean_s if self.settings.anti_drag else 0.0
        model: Foresight = own or Leaning(soloist.model, lean_s)
        start_s, start = sound_s, quarter
        if counting and entry:
            start_s, start = entry.time_s, entry.quarter
        elif own is None and self._waits_at(quarter, soloist):
            start = quarter - _AT_THE_GATE_QUARTER
        if self._grid.continuous:
            path = glide_path(
                self._grid,
                model,
                now_s=start_s,
                quarter=start,
                late_s=self._patience.late_s(soloist) if own is None else 0.0,
                end_quarter=self._end_quarter,
            )
        else:
            wait_s = partial(self._wait_s, soloist=soloist, holds=own is None)
            path = plan_path(
                self._grid,
                model,
                now_s=start_s,
                quarter=start,
                heard=soloist.heard if own is None else -1,
                wait_s=wait_s
                if own is None
                else lambda event: share * wait_s(event) if share else 0.0,
                end_quarter=self._end_quarter,
                ending=Ending(self._grid) if self._ends(soloist, share, limit_quarter) else None,
            )
        if counting:
            path = lead_in(path, sound_s, quarter)
        gate = _OPEN
        if share:
            gate = self._patience.gate_quarter(
                path,
                soloist,
                quarter=quarter,
                now_s=now_s,
                sound_s=sound_s,
                counted_event=-1 if entry is None else entry.event,
            )
            if soloist.dwelling and gate < _OPEN:
                gate = self._played_on(path, soloist, gate, quarter, sound_s, share)
            gate = max(gate, quarter)
        gate = min(gate, max(limit_quarter, quarter))
        self._ensemble.follow(replace(path.timeline, gate_quarter=gate))
        self.review_s = path.timeline.times_s[-1]
        if soloist.lost_from is not None:
            patience_ends_s = soloist.lost_from + self.settings.lost_s + self.settings.ahead_s
            if sound_s < patience_ends_s:
                self.review_s = min(self.review_s, patience_ends_s)
        if soloist.dwelling:
            overdue_s = self._patience.overdue_s(soloist)
            if now_s < overdue_s:
                self.review_s = min(self.review_s, overdue_s + sound_s - now_s)
        if self.review_s <= sound_s:
            self.review_s = _OPEN

    def _waits_at(self, quarter: float, soloist: Soloist) -> bool:
        """Whether it stands at the gate of an event that has not been heard: none of it sounds."""
        if self._grid.continuous or quarter != self._ensemble.plan.gate_quarter:
            return False
        event = self._grid.event_from(quarter)
        begins = event < len(self._grid) and self._grid.release_quarter[event] == quarter
        return begins and event > soloist.heard

    def _wait_s(self, event: int, soloist: Soloist, *, holds: bool) -> float:
        """How long ``event`` is held for a report: the last chord of all longer than others.

        Nobody minds that it comes a moment late; and before the soloist it is a disaster.
        """
        wait_s = self._patience.wait_s(event, soloist, holds=holds)
        grid = self._grid
        if event < len(grid) - 1 or wait_s <= 0.0 or grid.led[event]:
            return wait_s
        behind = grid.notes_between(grid.quarters[event] + BUCKET_QUARTER, self._end_quarter)
        if behind or grid.event_at(grid.quarters[event]) == 0:
            return wait_s
        length_s = soloist.model.predict(grid.quarters[event]).time_s - soloist.heard_s
        return max(wait_s, min(_LAST_SHARE * length_s, _LAST_S))

    def _ends(self, soloist: Soloist, share: float, limit_quarter: float) -> bool:
        """Whether the end of the piece is near, and may be played as an end."""
        near = max(soloist.heard, soloist.crossed) >= len(self._grid) - _NEAR_THE_END
        return near and share > 0.0 and limit_quarter == _OPEN

    def _played_on(
        self,
        path: Path,
        soloist: Soloist,
        gate: float,
        quarter: float,
        sound_s: float,
        share: float,
    ) -> float:
        """Where to stop for a soloist who dwells, or has not been heard.

        A figure under way does not stop for a note that is a little late, and who listens less
        gives way later; but what is marked is waited for, and so is who wants to be waited for.
        """
        grid, settings = self._grid, self.settings
        practising = self._patience.mode is FollowMode.WAIT or settings.policy == Policy.HOLD
        if grid.continuous or practising or (gate >= quarter and share >= 1.0):
            return gate
        event = grid.event_from(gate)
        marked = event < len(grid) and grid.general_pause[event]
        marked = marked or (0 < event < len(grid) and grid.fermata_s[event - 1] > 0)
        if gate >= quarter and marked:
            return gate
        after_s = _PLAYED_ON_S * (1.0 / share - (1.0 if gate >= quarter else 0.0))
        expected_s = soloist.model.predict(gate).time_s
        return path.timeline.to_quarter(max(expected_s + after_s, sound_s))

    def go_by(self, line: Timeline, quarter: float, limit_quarter: float) -> None:
        """Go by somebody else's line from ``quarter`` on, but never past the limit."""
        gate = min(line.gate_quarter, max(limit_quarter, quarter))
        self._ensemble.follow(replace(line, gate_quarter=gate))
        self.review_s = _OPEN

    def must_jump(
        self,
        soloist: Soloist,
        *,
        quarter: float,
        at: float,
        sound_s: float,
        waiting: bool,
        loop: tuple[float, float] | None = None,
        share: float = 1.0,
    ) -> bool:
        """Whether the ensemble at ``quarter`` cannot get to the soloist ``at`` by playing.

        The less it listens (``share``, over 0), the further apart they may be.
        """
        if quarter < at:
            return self.too_far(quarter, at, soloist.model.ratio * share)
        if waiting and quarter > at and not self._nearly(soloist, quarter, sound_s):
            return True
        if loop is not None:  # the soloist has gone round just before the ensemble does
            first, last = loop
            if last - quarter < _LOOP_EDGE_QUARTER and at < first + _LOOP_EDGE_QUARTER:
                return True
        behind_s = soloist.model.predict(quarter).time_s - sound_s
        return behind_s * share > self.settings.rewind_s

    def _nearly(self, soloist: Soloist, quarter: float, sound_s: float) -> bool:
        """Whether a recording is so little ahead that it had better slow down than go back."""
        ahead_s = soloist.model.predict(quarter).time_s - sound_s
        return self._grid.continuous and ahead_s < _NEARLY_S

    def too_far(self, quarter: float, at: float, ratio: float) -> bool:
        """Whether there is too much to play between ``quarter`` and ``at`` to hurry through it."""
        written_s = self._grid.to_written(at) - self._grid.to_written(quarter)
        too_far = written_s * ratio > self.settings.compress_s
        return too_far and self._grid.notes_between(quarter, at) > 0

    def stick_state(self, quarter: float, now_s: float) -> str:
        """Name what it does under a stick."""
        if not self._ensemble.at_gate(quarter):
            self._blocked_from = None
            return "following"
        if self._blocked_from is None:
            self._blocked_from = now_s
        return "waiting" if now_s - self._blocked_from > self.settings.stop_s else "holding"

    def state(self, before: str, quarter: float, soloist: Soloist, now_s: float) -> str:
        """Name what the ensemble does while the piece goes on; ``before`` is what it did."""
        if not self._ensemble.at_gate(quarter):
            self._blocked_from = None
            return "following" if soloist.lost_from is None else "lost"
        if self._blocked_from is None:
            self._blocked_from = now_s
        held_s = now_s - self._blocked_from
        quiet_s = min(soloist.silent_s(now_s), held_s)
        if held_s > self.settings.stop_s or quiet_s > self.settings.silence_s:
            return "waiting"
        if soloist.lost_from is not None and self.fade(soloist, now_s) <= 0.0:
            return "waiting"
        return before if before == "waiting" else "holding"

    def fade(self, soloist: Soloist, now_s: float) -> float:
        """Share of full loudness, less than 1 while it fades out because they are lost."""
        if soloist.lost_from is None or self.settings.lost_policy != LostPolicy.FADE:
            return 1.0
        left_s = soloist.lost_from + self.settings.lost_s - now_s
        return min(max(left_s / max(self.settings.lost_s, 1e-3), 0.0), 1.0)
