"""What is believed of a soloist who is followed by a recording.

A follower of notes is silent until it reports one; a follower of a recording says all the time
where they are. What it says right behind a stroke (a report) is good. In between it hangs back:
on a long note it hears nothing new while the recording's accompaniment goes on, until the next
stroke puts it right. So reports count for much, what is said in between for little, and the less
where it lies behind the soloist's own tempo.

In silence a follower of recordings knows nothing. Where the soloist is known to rest the recording
plays on, nobody is waited for before the next entry, and the follower is told to look for them
there. Anywhere else silence is a pause: they are where they fell silent until they are heard again,
there or, after a moment, wherever the follower then finds them.
"""

from __future__ import annotations

from math import isfinite

from accompanist.conducting.flow_tempo import FlowTempo
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.soloist import News, Soloist
from accompanist.followers.protocol import Estimate, FollowerState

__all__ = ["FlowingSoloist"]

_LOOK_EVERY_S = 0.2
_AHEAD_SD_S, _BEHIND_SD_S = 0.08, 0.3
"""What a look is worth that puts them ahead of their tempo, or behind it."""
_SPEED_SD = 0.3
_SURE = 0.5
_FAR_S, _FAR_FOR_S = 0.8, 1.5
"""They are elsewhere if the follower says so for so long, by so much."""
_RESUMED_SD_S = 0.05
_SURPRISE_S = 1.0
_REST_S = 1.0
"""So long nothing is to be heard before a known rest is believed."""
_LEFT_S = 0.5
_PAUSE_S = 0.8
"""So long nothing is to be heard before it is a pause."""
_SAME_PLACE_S = 1.0
_FOUND_S = 1.0
"""So long the follower has to find them elsewhere than where they fell silent."""
_SOUNDS_S = 0.1
_PAST_QUARTER = 0.01


class FlowingSoloist(Soloist):
    """The belief about a soloist, fed once a hop; see `Soloist`."""

    def __init__(
        self, grid: SoloGrid, model: FlowTempo, delay_s: float, dwell_s: float = 0.0
    ) -> None:
        self._flow = model
        super().__init__(grid, model, delay_s, dwell_s)

    def place(self, heard: int, heard_s: float, *, counted: bool = False) -> None:
        super().place(heard, heard_s, counted=counted)
        self._look_s = 0.0
        self._far_from: float | None = None
        self._held = False
        self._entry_told = -1
        self._sounded_at: float | None = None
        self._fell_silent_at: float | None = None
        self._back_s: float | None = None

    def hear(self, estimate: Estimate) -> News:
        news, now_s = News(), estimate.time_s
        self.entry = None
        self._loudness.hear(estimate.level_db, now_s)
        if isfinite(estimate.quarter):
            if estimate.relocated:
                self._move(estimate.quarter, now_s, _RESUMED_SD_S, news)
            if not self._pauses(estimate, news):
                self._listen(estimate, news)
            self._paused = self._fell_silent_at is not None
            self._watch_state(estimate, news)
            self._expect_entry(now_s)
        return news

    def take(self, event: int, time_s: float) -> None:
        self._anchor(event, time_s)

    # ---- within a hop ---------------------------------------------------------------------------

    def _listen(self, estimate: Estimate, news: News) -> None:
        for report in estimate.onsets:
            if 0 <= report.event < len(self._grid):
                self._stroke(report.event, self._time_of(report.time_s, estimate.time_s), news)
        self._follow(estimate, news)

    def _pauses(self, estimate: Estimate, news: News) -> bool:
        """Whether they have stopped: nothing is believed then before they are found again."""
        now_s = estimate.time_s
        silent_s = self.silent_s(now_s)
        if self._fell_silent_at is None:
            if silent_s < _SOUNDS_S:
                self._sounded_at = estimate.quarter
            if silent_s < _PAUSE_S or self._rests or self._counted or self._sounded_at is None:
                return False
            self._fell_silent_at, self._back_s = self._sounded_at, None
            news.changed = True
            return True
        if silent_s >= _SOUNDS_S:
            self._back_s = None
            return True
        if self._back_s is None:
            self._back_s = now_s
        there_s = self._grid.to_written(self._fell_silent_at)
        for report in estimate.onsets:
            known = 0 <= report.event < len(self._grid)
            if known and abs(self._grid.seconds[report.event] - there_s) < _SAME_PLACE_S:
                self._fell_silent_at = None
                self._anchor(report.event, self._time_of(report.time_s, now_s))
                news.event, news.changed = report.event, True
                return True
        near = abs(self._grid.to_written(estimate.quarter) - there_s) < _SAME_PLACE_S
        if near or now_s - self._back_s > _FOUND_S:
            self._move(estimate.quarter, now_s, _RESUMED_SD_S, news)
            return False
        return True

    def _stroke(self, event: int, time_s: float, news: News) -> None:
        expected_s = self.model.predict(self._grid.quarters[event]).time_s
        anew = self.at_will or self._grid.led[event] or abs(time_s - expected_s) > _SURPRISE_S
        if anew and self._counted and time_s < expected_s:
            return  # they are being counted in: that was nothing
        if anew:
            self._anchor(event, time_s)
        else:
            self.model.report(event, time_s)
            self.heard, self.heard_s = max(event, self.heard), time_s
            self.crossed = max(self.crossed, self.heard)
        self._counted = self.at_will = self.by_hand = False
        news.event, news.changed = event, True

    def _anchor(self, event: int, time_s: float) -> None:
        self.model.begin(self._grid.quarters[event], time_s, _RESUMED_SD_S)
        self.heard = self.crossed = event
        self.heard_s = time_s
        self._held = False

    def _follow(self, estimate: Estimate, news: News) -> None:
        """Look where they are said to be, every now and then."""
        now_s = estimate.time_s
        following = estimate.state is FollowerState.FOLLOWING
        if following and self._held and not self._rests:
            self.model.begin(estimate.quarter, now_s, _RESUMED_SD_S)
            news.place, news.changed = estimate.quarter, True
        self._held = estimate.state is FollowerState.HOLDING
        if not following or estimate.confidence < _SURE or self.by_hand or self._counted:
            self._far_from = None
            return
        crossed = self._grid.event_at(estimate.quarter - _PAST_QUARTER)
        if crossed > self.crossed:
            self.crossed, news.changed = crossed, True
        behind_s = self.model.predict(estimate.quarter).time_s - now_s
        if abs(behind_s) < _FAR_S:
            self._far_from = None
        elif self._far_from is None:
            self._far_from = now_s
        elif now_s - self._far_from >= _FAR_FOR_S:
            self._move(estimate.quarter, now_s, _RESUMED_SD_S, news)
            return
        if now_s >= self._look_s:
            self._look_s = now_s + _LOOK_EVERY_S
            sd_s = _AHEAD_SD_S if behind_s > 0.0 else _BEHIND_SD_S
            self._flow.observe(estimate.quarter, now_s, sd_s)
            written = self._grid.written_rate(estimate.quarter)
            if estimate.quarters_per_s > 0.0:
                self._flow.observe_speed(written / estimate.quarters_per_s, _SPEED_SD)
            news.changed = True

    @property
    def _rests(self) -> bool:
        """Whether the recording goes on alone here."""
        upcoming = max(self.heard, self.crossed) + 1
        return upcoming < len(self._grid) and self._grid.led[upcoming]

    def _expect_entry(self, now_s: float) -> None:
        """Have the follower wait at the next entry, once a known rest has begun."""
        upcoming = max(self.heard, self.crossed) + 1
        if not self._rests or upcoming == self._entry_told:
            return
        if self.silent_s(now_s) < _REST_S:
            return
        at = self._grid.quarters[upcoming]
        if self.model.predict(at).time_s - now_s > _LEFT_S:
            self._entry_told, self.entry = upcoming, at
