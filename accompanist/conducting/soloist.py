"""What a follower's word is worth: which notes are believed, whether they dwell or are lost.

Reports are not taken at their word. One that comes far too early for the tempo has to be borne out
by what follows; one that the follower gives up, or makes again later, is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from accompanist.conducting.belief import Belief
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.loudness import Loudness
from accompanist.conducting.tempo_model import TempoModel
from accompanist.followers.protocol import Estimate, FollowerState

__all__ = ["News", "Soloist"]

_PAST_QUARTER = 0.01
"""A follower may stand exactly at an event without having crossed it."""
_BEFORE_QUARTER = 1e-3
_EARLY_SHARE, _EARLY_SD, _EARLY_S = 0.4, 3.0, 0.12
"""Doubtful is what comes too early by this share of the interval, these sds and this long."""
_CREDIBLE_SHARE = 0.4
"""A next event bears out a doubtful one at no less than this share of their distance."""
_RUN = 3
"""So many doubtful events in a row are a new tempo."""
_BORNE_OUT_S = 1.0
_GIVEN_UP_S = 0.06
_AGAIN_S = 0.010
_DRIFT_S, _DRIFT_FOR_S, _DRIFT_EVERY_S = 0.35, 0.3, 0.05
_STANDS_QUARTER = 0.05
"""So near before a note a follower waits for it."""
_LATER_S = 0.1
_DYING_AWAY_S = 6.0
"""So long a last note may be heard."""


@dataclass(slots=True)
class News:
    """What one hop has changed."""

    event: int | None = None
    """An event has been heard (the last one, if several)."""
    place: float | None = None
    """The soloist turns out to be at this position, not where they were believed to be."""
    changed: bool = False
    """Anything that matters for the plan."""


class Soloist(Belief):
    """The belief about the soloist, fed once a hop; see `Belief` for what else it has.

    Attributes
    ----------
    dwelling : bool
        They hold a note (or a breath) longer than the tempo says, before event ``dwell_before``.
    lost_from : float or None
        Since when the follower has been lost.
    entry : float or None
        Where the follower is to wait for them, told in one hop only; of a recording.
    """

    def __init__(
        self, grid: SoloGrid, model: TempoModel, delay_s: float, dwell_s: float = 0.0
    ) -> None:
        self._dwell_s = dwell_s
        self._loudness = Loudness()
        super().__init__(grid, model, delay_s)

    def place(self, heard: int, heard_s: float, *, counted: bool = False) -> None:
        super().place(heard, heard_s, counted=counted)
        self._paused = self._leapt = False
        self.entry: float | None = None
        self.dwelling = False
        self.dwell_before = 0
        self.lost_from: float | None = None
        self._pending: list[tuple[int, float]] = []
        self._dwell_from: float | None = None
        self._back_from: float | None = None
        self._drift_from: float | None = None
        self._drift_check_s = 0.0

    def take(self, event: int, time_s: float) -> None:
        super().take(event, time_s)
        self._dwell_from = self._back_from = None
        self._pending = []

    def retime(self, quarter: float | None, time_s: float, ratio: float, sd_log: float) -> None:
        super().retime(quarter, time_s, ratio, sd_log)
        self._pending = []

    def silent_s(self, now_s: float) -> float:
        """How long nothing has sounded; 0.0 while the level is not known (keys, taps)."""
        return self._loudness.silent_s(now_s)

    def first_note(self, estimate: Estimate, first_event: int) -> tuple[int, float] | None:
        """Event and time of the first report at or behind ``first_event`` in this hop."""
        for report in estimate.onsets:
            if first_event <= report.event < len(self._grid):
                return report.event, self._time_of(report.time_s, estimate.time_s)
        return None

    def hear(self, estimate: Estimate) -> News:
        """Take in one hop."""
        news = News()
        self._loudness.hear(estimate.level_db, estimate.time_s)
        if self._leaps_from_the_end(estimate):
            return news
        for report in estimate.onsets:
            if 0 <= report.event < len(self._grid):
                self._hear_report(
                    report.event,
                    self._time_of(report.time_s, estimate.time_s),
                    estimate.relocated,
                    news,
                )
        if estimate.relocated and news.event is None and isfinite(estimate.quarter):
            self._move(estimate.quarter, estimate.time_s, 0.1, news)
        if isfinite(estimate.quarter):
            self._weigh(estimate, news)
            self._watch(estimate, news)
        return news

    def _leaps_from_the_end(self, estimate: Estimate) -> bool:
        """Whether the follower has leapt away from the last note, and has not said why.

        What dies away sounds like much; who begins elsewhere plays a second note.
        """
        if estimate.relocated:
            last = self.heard == len(self._grid) - 1
            self._leapt = last and estimate.time_s - self.heard_s < _DYING_AWAY_S
        elif estimate.onsets:
            self._leapt = False
        return self._leapt

    # ---- reports ----------------------------------------------------------------------------

    def _hear_report(self, event: int, time_s: float, relocated: bool, news: News) -> None:
        doubtful = not relocated and self._doubtful(event, time_s)
        if doubtful and self._bears_out_the_old_line(event, time_s):
            doubtful = False
        if doubtful:
            if not self._pending or event > self._pending[-1][0]:
                self._pending.append((event, time_s))
            if len(self._pending) < _RUN:
                return
            self._change_tempo()
        else:
            for pending_event, pending_s in self._pending:
                if self.heard < pending_event < event:
                    self._learn(pending_event, pending_s)
            self.take(event, time_s)
        news.event, news.changed = self.heard, True

    def _doubtful(self, event: int, time_s: float) -> bool:
        if event <= self.heard or self.at_will:
            return False
        if self._pending and event > self._pending[-1][0]:
            last, last_s = self._pending[-1]
            between = (self._grid.seconds[event] - self._grid.seconds[last]) * self.model.ratio
            if time_s - last_s > _CREDIBLE_SHARE * between:
                return False
        expected = self.model.predict(self._grid.quarters[event])
        length_s = expected.time_s - self.heard_s
        limit_s = max(_EARLY_SHARE * length_s, _EARLY_SD * expected.sd_s, _EARLY_S)
        # Where a follower was in two minds about the last one, its first word may have been right.
        return expected.time_s - self._redated_s - time_s > limit_s

    def _bears_out_the_old_line(self, event: int, time_s: float) -> bool:
        """Whether ``event`` comes when it was due before the last one seemed so late.

        If so that one was reported late (a slur, a soft attack), or dwelt on and made up for: the
        line as it was before is taken up again.
        """
        if event != self.heard + 1 or not self._memory:
            return False
        last, _, before = self._memory[-1]
        if last >= self.heard:
            return False
        due, here = (before.predict(self._grid.quarters[e]) for e in (self.heard, event))
        late = self.heard_s - due.time_s > max(_EARLY_S, due.sd_s)
        if not late or abs(time_s - here.time_s) > max(_EARLY_S / 2.0, here.sd_s):
            return False
        self.heard_s = min(due.time_s, time_s - _AGAIN_S)
        self.model = before.copy()
        return True

    def _change_tempo(self) -> None:
        """Events that all came too early for the old tempo make a new one."""
        (first, first_s), (event, time_s) = self._pending[0], self._pending[-1]
        written_s = self._grid.seconds[event] - self._grid.seconds[first]
        self.model.set_ratio(max(time_s - first_s, 0.01) / written_s, 0.15)
        self.model.begin(self._grid.quarters[event], time_s)
        self.place(event, time_s)

    # ---- between the reports ----------------------------------------------------------------

    def _weigh(self, estimate: Estimate, news: News) -> None:
        """Believe or drop what was doubtful; take back what the follower has given up."""
        quarters, now_s = self._grid.quarters, estimate.time_s
        if self._pending:
            event, time_s = self._pending[-1]
            if event <= self.heard or estimate.quarter < quarters[event] - _BEFORE_QUARTER:
                self._pending = []
            elif now_s - time_s > _BORNE_OUT_S and not self._counted and self._due(event, now_s):
                self.take(event, time_s)
                news.event, news.changed = event, True
        behind = self.heard >= 0 and estimate.quarter < quarters[self.heard] - _BEFORE_QUARTER
        if not (behind and self._memory):
            self._back_from = None
        elif self._back_from is None:
            self._back_from = now_s
        elif now_s - self._back_from > _GIVEN_UP_S:
            self._back_from = None
            while self._memory and self.heard > self._grid.event_at(estimate.quarter):
                self.heard, self.heard_s, self.model = self._memory.pop()
            self.crossed = self.heard
            news.changed = True

    def _due(self, event: int, now_s: float) -> bool:
        """Whether a doubtful ``event`` may be: of the last one nothing behind it will tell."""
        last = event == len(self._grid) - 1
        return not last or now_s >= self.model.predict(self._grid.quarters[event]).time_s

    def _watch(self, estimate: Estimate, news: News) -> None:
        self._watch_state(estimate, news)
        now_s, state = estimate.time_s, estimate.state
        if state is not FollowerState.FOLLOWING or estimate.confidence < 0.5:
            self._drift_from = None
            return
        crossed = self._grid.event_at(estimate.quarter - _PAST_QUARTER)
        if crossed > self.crossed and not self._pending:
            self.crossed, news.changed = crossed, True
        if now_s >= self._drift_check_s and not self.by_hand:
            self._drift_check_s = now_s + _DRIFT_EVERY_S
            self._drift(estimate, news)

    def _watch_state(self, estimate: Estimate, news: News) -> None:
        """See whether they dwell, and whether they are lost."""
        now_s, state = estimate.time_s, estimate.state
        if state is FollowerState.HOLDING and not self._counted:
            if self._dwell_from is None:
                self._dwell_from = now_s
            dwelling = now_s - self._dwell_from >= self._dwell_s
            before = self._grid.event_at(estimate.quarter - _PAST_QUARTER) + 1
            news.changed |= before != self.dwell_before
            self.dwell_before = before
        else:
            self._dwell_from = None
            dwelling = self.dwelling and self._stands(estimate, news)
        dwelling = dwelling or self._paused
        news.changed |= dwelling != self.dwelling
        self.dwelling = dwelling
        lost = state is FollowerState.LOST and not self._paused
        if lost != (self.lost_from is not None):
            self.lost_from = now_s if self.lost_from is None else None
            news.changed = True

    def _stands(self, estimate: Estimate, news: News) -> bool:
        """Whether they still dwell, though the follower no longer says so.

        It does when they play on; but then it reports a note, or passes it, or says that the last
        one began later than it had seemed.
        """
        upcoming, quarters = max(self.heard, self.crossed) + 1, self._grid.quarters
        if estimate.state is not FollowerState.FOLLOWING or not 0 < upcoming < len(quarters):
            return False
        if estimate.onsets or estimate.quarter > quarters[upcoming] + _PAST_QUARTER:
            return False
        if estimate.quarter >= quarters[upcoming] - _STANDS_QUARTER:
            return True
        since = estimate.quarter - quarters[self.heard]
        if upcoming == self.heard + 1 and since >= 0.0 and estimate.quarters_per_s > 0.0:
            began_s = estimate.time_s - since / estimate.quarters_per_s
            if began_s > self.heard_s + _LATER_S:
                self.take(self.heard, began_s)
                news.changed = True
        return False

    def _drift(self, estimate: Estimate, news: News) -> None:
        """Without reports, believe a position that has been far from ours for long."""
        now_s = estimate.time_s
        off_s = self.model.predict(estimate.quarter).time_s - now_s
        if now_s - self.heard_s < 0.5 or abs(off_s) < _DRIFT_S or self._pending:
            self._drift_from = None
        elif self._drift_from is None:
            self._drift_from = now_s
        elif now_s - self._drift_from >= _DRIFT_FOR_S:
            self._move(estimate.quarter, now_s, 0.15, news)

    def _move(self, quarter: float, now_s: float, sd_s: float, news: News) -> None:
        self.trust(quarter, now_s, sd_s)
        news.place, news.changed = quarter, True
