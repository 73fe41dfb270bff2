"""What is believed of the soloist: the last event heard, when it began, and the tempo.

A note that is believed changes the belief at once. The last few states of it are kept, so that a
note can be taken back, or turn out to have begun later than it had seemed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import isfinite

from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.habits import Habits
from accompanist.conducting.tempo_model import TempoModel

__all__ = ["Belief"]

_MEMORY = 6
_PAST_QUARTER = 0.01
"""A follower may stand exactly at an event without having crossed it."""
_AGAIN_S = 0.010
_STOPPED_S = 1.0
_HOLD_LEAST_S, _STILL_LEAST_S = 0.25, 0.45
"""Shorter notes are not dwelt on, and shorter ones are none on which everybody stands still."""


_OWN_TAKE, _TAKE = 1.0, 0.3
"""What one earlier take tells of unannounced holds, against what is known of players at large."""


class Belief:
    """Where the soloist is and how fast, as far as the notes tell that were believed.

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
    habits : Habits
        What is learned of the reports and of the soloist's holds.
    at_will : bool
        They come in when they like: their next note is neither early nor late.
    by_hand : bool
        A human has said where they are or how fast: until their next note, where the follower
        carries on to by itself counts for nothing.
    """

    def __init__(self, grid: SoloGrid, model: TempoModel, delay_s: float) -> None:
        self._grid = grid
        self.model = model
        self.habits = Habits(delay_s)
        self._known = [1.0] * len(grid)
        self.place(-1, 0.0)

    def rehearsed(self, performances: Sequence[Performance]) -> None:
        """Learn which notes have been played before: what is done there is foreseen."""
        for performance in performances:
            weight = _OWN_TAKE if performance.own else _TAKE
            for event in range(
                self._grid.event_from(float(performance.quarters[0])),
                self._grid.event_at(float(performance.quarters[-1])) + 1,
            ):
                self._known[event] += weight

    def place(self, heard: int, heard_s: float, *, counted: bool = False) -> None:
        """Forget what was heard and be behind event ``heard``; the model is left alone.

        ``counted``: the ensemble begins of itself, and counts them in from ``heard_s`` on.
        """
        self._counted = counted
        self.at_will = self.by_hand = False
        self.heard = self.crossed = heard
        self.heard_s = heard_s
        self._memory: deque[tuple[int, float, TempoModel]] = deque(maxlen=_MEMORY)
        self._redated_s = 0.0

    def begin(self, event: int, time_s: float) -> None:
        """Begin with ``event``, the soloist's first note."""
        self.place(event, time_s)
        self.model.begin(self._grid.quarters[event], time_s)

    def take(self, event: int, time_s: float) -> None:
        """Believe that ``event`` began at ``time_s``, ahead, again or behind."""
        if event == self.heard:
            if self._memory and time_s > self.heard_s + _AGAIN_S:
                _, before_s, model = self._memory[-1]
                self.model = model.copy()
                self._update(event, time_s, before_s)
                self._redated_s += time_s - self.heard_s
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
        self.by_hand = True

    def _learn(self, event: int, time_s: float) -> None:
        if self.heard >= 0:
            self.habits.missed(event - self.heard - 1)
        self._memory.append((self.heard, self.heard_s, self.model.copy()))
        self._update(event, time_s, self.heard_s)
        self.heard, self.heard_s = event, time_s
        self._redated_s = 0.0
        self._counted = self.at_will = self.by_hand = False

    def _update(self, event: int, time_s: float, before_s: float) -> None:
        quarter = self._grid.quarters[event]
        time_s = max(time_s, before_s + 0.005)
        expected_s, sd_s = self.model.predict(quarter)
        if event == self.heard + 1 and self._may_hold(event):
            still = self._still(event)
            self.habits.came(time_s - expected_s, expected_s - before_s, sd_s, still=still)
        usual_s = _STOPPED_S if self._counted else max(_STOPPED_S, 1.5 * (expected_s - before_s))
        if self.at_will or abs(time_s - expected_s) > usual_s:
            # A stop, a skip or an introduction left out says nothing of the tempo.
            self.model.begin(quarter, time_s)
        else:
            self.model.report(event, time_s)

    def hold_share(self, event: int) -> float:
        """How likely they dwell on the note before ``event`` although nothing announces it."""
        if not self._may_hold(event):
            return 0.0
        return self.habits.hold_share(still=self._still(event)) / self._known[event]

    def _may_hold(self, event: int) -> bool:
        """Whether the note before ``event`` is long enough to be dwelt on unannounced."""
        if event <= 0 or self._grid.fermata_s[event - 1] > 0.0:
            return False
        return self._length_s(event) >= _HOLD_LEAST_S

    def _still(self, event: int) -> bool:
        """Whether nobody moves under the note before ``event``, a long one."""
        return self._grid.still[event] and self._length_s(event) >= _STILL_LEAST_S

    def _length_s(self, event: int) -> float:
        """Length of the interval before ``event`` in the tempo of now."""
        return (self._grid.seconds[event] - self._grid.seconds[event - 1]) * self.model.ratio

    def _time_of(self, time_s: float, now_s: float) -> float:
        """When it began, kept within the last second; the mean delay is learned from it."""
        at_s = min(max(time_s, now_s - 1.0), now_s) if isfinite(time_s) else now_s
        self.habits.reported(now_s - at_s)
        return at_s
