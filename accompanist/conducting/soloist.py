"""What is believed of the soloist: the last event heard, the tempo, whether they dwell or are lost.

Reports are not taken at their word. One that comes far too early for the tempo has to be borne out
by what follows; one that the follower gives up, or makes again later, is taken back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isfinite

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.habits import Habits
from accompanist.conducting.tempo_model import TempoModel
from accompanist.followers.protocol import Estimate, FollowerState

__all__ = ["News", "Soloist"]

_MEMORY = 6
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
_STOPPED_S = 1.0
_DRIFT_S, _DRIFT_FOR_S, _DRIFT_EVERY_S = 0.35, 0.3, 0.05
_HOLD_LEAST_S = 0.25
"""Shorter notes are not dwelt on."""
_QUIET_DB = 35.0
_FALL_DB, _SILENT_FALL_DB = 0.005, 0.0005
"""What loud is is forgotten by so much a hop: slowly in silence, lest a room's noise pass for
playing at the end of a long rest."""
_NOTHING_DB = -100.0


@dataclass(slots=True)
class News:
    """What one hop has changed."""

    event: int | None = None
    """An event has been heard (the last one, if several)."""
    place: float | None = None
    """The soloist turns out to be at this position, not where they were believed to be."""
    changed: bool = False
    """Anything that matters for the plan."""


class Soloist:
    """The belief about the soloist, fed once a hop.

    Attributes
    ----------
    model : TempoModel
        Predicts them.
    heard : int
        Last event heard, −1 for none.
    heard_s : float
        When it began.
    crossed : int
        Last event that lies behind them; more than ``heard`` where a report is missing.
    dwelling : bool
        They hold a note (or a breath) longer than the tempo says, before event ``dwell_before``.
    lost_from : float or None
        Since when the follower has been lost.
    habits : Habits
        What is learned of the reports and of the soloist's holds.
    at_will : bool
        They come in when they like: their next note is neither early nor late.
    by_hand : bool
        A human has said where they are or how fast: until their next note, where the follower
        carries on to by itself counts for nothing.
    entry : float or None
        Where the follower is to wait for them, told in one hop only; of a recording.
    """

    def __init__(
        self, grid: SoloGrid, model: TempoModel, delay_s: float, dwell_s: float = 0.0
    ) -> None:
        self._grid = grid
        self.model = model
        self.habits = Habits(delay_s)
        self._dwell_s = dwell_s
        self._loud_db = _NOTHING_DB
        self._sounded_s = 0.0
        self.place(-1, 0.0)

    def place(self, heard: int, heard_s: float, *, counted: bool = False) -> None:
        """Forget what was heard and be behind event ``heard``; the model is left alone.

        ``counted``: the ensemble begins of itself, and counts them in from ``heard_s`` on.
        """
        self._counted = counted
        self._paused = False
        self.entry: float | None = None
        self.at_will = self.by_hand = False
        self.heard = self.crossed = heard
        self.heard_s = heard_s
        self.dwelling = False
        self.dwell_before = 0
        self.lost_from: float | None = None
        self._memory: deque[tuple[int, float, TempoModel]] = deque(maxlen=_MEMORY)
        self._pending: list[tuple[int, float]] = []
        self._dwell_from: float | None = None
        self._back_from: float | None = None
        self._drift_from: float | None = None
        self._drift_check_s = 0.0

    def silent_s(self, now_s: float) -> float:
        """How long nothing has sounded; 0.0 while the level is not known (keys, taps)."""
        return now_s - self._sounded_s if self._loud_db > _NOTHING_DB else 0.0

    def first_note(self, estimate: Estimate, first_event: int) -> tuple[int, float] | None:
        """Event and time of the first report at or behind ``first_event`` in this hop."""
        for report in estimate.onsets:
            if first_event <= report.event < len(self._grid):
                return report.event, self._time_of(report.time_s, estimate.time_s)
        return None

    def begin(self, event: int, time_s: float) -> None:
        """Begin with ``event``, the soloist's first note."""
        self.place(event, time_s)
        self.model.begin(self._grid.quarters[event], time_s)

    def hear(self, estimate: Estimate) -> News:
        """Take in one hop."""
        news = News()
        self._track_level(estimate)
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

    def take(self, event: int, time_s: float) -> None:
        """Believe that ``event`` began at ``time_s``, ahead, again or behind."""
        if event == self.heard:
            if self._memory and time_s > self.heard_s + _AGAIN_S:
                _, before_s, model = self._memory[-1]
                self.model = model.copy()
                self._update(event, time_s, before_s)
                self.heard_s = time_s
        elif event > self.heard:
            self._learn(event, time_s)
        else:
            while self._memory and self._memory[-1][0] >= event:
                self._memory.pop()
            if self._memory:
                _, before_s, self.model = self._memory[-1]
                self.model = self.model.copy()
                self._update(event, time_s, before_s)
            else:
                self.model.begin(self._grid.quarters[event], time_s)
            self.heard, self.heard_s = event, time_s
        self.crossed = self.heard
        self._dwell_from = self._back_from = None
        self._pending = []

    def trust(self, quarter: float, now_s: float, sd_s: float) -> None:
        """Believe that they are at ``quarter`` now, however they got there."""
        self.model.begin(quarter, now_s, sd_s)
        self.place(self._grid.event_at(quarter - _PAST_QUARTER), now_s)

    def retime(self, quarter: float | None, time_s: float, ratio: float, sd_log: float) -> None:
        """Take another tempo by the human's word; the rest of the belief stays.

        ``quarter``: where they are at ``time_s``, if they play.
        """
        if quarter is not None:
            if self.heard >= 0 and quarter <= self._grid.quarters[self.heard]:
                quarter, time_s = self._grid.quarters[self.heard], self.heard_s
            self.model.begin(quarter, time_s)
        self.model.set_ratio(ratio, sd_log)
        self._memory.clear()
        self._pending = []
        self.by_hand = True

    # ---- reports ----------------------------------------------------------------------------

    def _time_of(self, time_s: float, now_s: float) -> float:
        """When it began, kept within the last second; the mean delay is learned from it."""
        at_s = min(max(time_s, now_s - 1.0), now_s) if isfinite(time_s) else now_s
        self.habits.reported(now_s - at_s)
        return at_s

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
        return expected.time_s - time_s > limit_s

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

    def _learn(self, event: int, time_s: float) -> None:
        if self.heard >= 0:
            self.habits.missed(event - self.heard - 1)
        self._memory.append((self.heard, self.heard_s, self.model.copy()))
        self._update(event, time_s, self.heard_s)
        self.heard, self.heard_s = event, time_s
        self._counted = self.at_will = self.by_hand = False

    def _update(self, event: int, time_s: float, before_s: float) -> None:
        quarter = self._grid.quarters[event]
        time_s = max(time_s, before_s + 0.005)
        expected_s, sd_s = self.model.predict(quarter)
        if event == self.heard + 1 and self.may_hold(event) and not self._grid.fermata_s[event - 1]:
            self.habits.came(time_s - expected_s, expected_s - before_s, sd_s)
        usual_s = _STOPPED_S if self._counted else max(_STOPPED_S, 1.5 * (expected_s - before_s))
        if self.at_will or abs(time_s - expected_s) > usual_s:
            # A stop, a skip or an introduction left out says nothing of the tempo.
            self.model.begin(quarter, time_s)
        else:
            self.model.report(event, time_s)

    def may_hold(self, event: int) -> bool:
        """Whether the note before ``event`` is long enough to be dwelt on."""
        if event <= 0:
            return False
        written_s = self._grid.seconds[event] - self._grid.seconds[event - 1]
        return written_s * self.model.ratio >= _HOLD_LEAST_S

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
            self._dwell_from, dwelling = None, False
        dwelling = dwelling or self._paused
        news.changed |= dwelling != self.dwelling
        self.dwelling = dwelling
        lost = state is FollowerState.LOST and not self._paused
        if lost != (self.lost_from is not None):
            self.lost_from = now_s if self.lost_from is None else None
            news.changed = True

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

    def _track_level(self, estimate: Estimate) -> None:
        level = estimate.level_db
        if level <= _NOTHING_DB:
            return
        sounds = level > self._loud_db - _QUIET_DB
        fall_db = _FALL_DB if sounds else _SILENT_FALL_DB
        self._loud_db = max(level, self._loud_db - fall_db, _NOTHING_DB + 1.0)
        if sounds:
            self._sounded_s = estimate.time_s
