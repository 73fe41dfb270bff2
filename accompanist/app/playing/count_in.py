"""The click of the count-in."""

from __future__ import annotations

from accompanist.app.bars import BarCounter
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Score
from accompanist.session import Step

__all__ = ["CountIn"]

CHANNEL = 10
HIGH, LOW = 76, 77
"""General MIDI wood blocks."""
LENGTH_S = 0.05
VELOCITY = 100
AHEAD_S = 0.1
"""Clicks are given out so early that no way they go is too long."""


class CountIn:
    """Clicks on the beats before the ensemble begins, whenever it counts in.

    Parameters
    ----------
    score : Score
    bars : float
        Length of the count-in, as the conductor has it.
    """

    def __init__(self, score: Score, bars: float) -> None:
        self._counter = BarCounter(score)
        self._bars = bars
        self._counting = False
        self._left = 0
        self._beats = 4
        self._beat_s = 0.0
        self._first_quarter = 0.0
        self._first_beat = 0

    def clicks(self, step: Step) -> tuple[TimedMessage, ...]:
        """Give the clicks due in the next tenth of a second; to be called for every step."""
        now_s = step.estimate.time_s
        if step.state != "countin":
            self._counting = False
            return ()
        if not self._counting:
            self._begin(step)
        out: list[TimedMessage] = []
        begins_s = step.timeline.to_time(self._first_quarter)
        while self._left and begins_s - self._left * self._beat_s < now_s + AHEAD_S:
            time_s = max(begins_s - self._left * self._beat_s, now_s)
            downbeat = (self._first_beat - self._left) % self._beats == 0
            key = HIGH if downbeat else LOW
            on = Message(Kind.ON, CHANNEL, key, VELOCITY)
            out.append(TimedMessage(time_s, self._first_quarter, 0, on))
            off = Message(Kind.OFF, CHANNEL, key)
            out.append(TimedMessage(time_s + LENGTH_S, self._first_quarter, 0, off))
            self._left -= 1
        return tuple(out)

    def _begin(self, step: Step) -> None:
        """See how many beats there are from here to the place where the ensemble begins."""
        first = step.played_quarter
        for _ in range(3):  # the length of the bar is that of the place looked for
            lead_quarter = self._bars * self._counter.bar_length(first)
            first = step.played_quarter + lead_quarter
        beat_quarter, self._beats = self._counter.metre(first)
        self._counting = True
        self._left = round(lead_quarter / beat_quarter)
        self._first_quarter = first
        self._first_beat = round(self._counter.position(first).beat) - 1
        length_s = step.timeline.to_time(first) - step.estimate.time_s
        self._beat_s = length_s / max(self._left, 1)
