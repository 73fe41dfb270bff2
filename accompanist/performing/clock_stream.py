"""The stream of ticks itself: one regular beat that never stops, hurries or leaves out.

Its tempo bends no faster than ears and machines can bear. Which place in the piece a tick stands
for is none of its business.
"""

from __future__ import annotations

from bisect import bisect_right
from math import ceil, copysign, exp, floor, log, sqrt

from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockPlan
from accompanist.performing.clock_target import TICKS_A_QUARTER

__all__ = ["TickStream"]

_SLEW = log(1.0395)
"""Change of the logarithm of the tempo in a beat, at most …"""
_SLEW_GRADUAL = log(1.118)
"""… and within a written ritardando or accelerando."""
_CATCH_UP_BEATS, _CHASE_BEATS = 4.0, 0.8
"""A difference in phase is made up for in about so many beats: a small one, and a large one …"""
_LARGE_S = 0.025
"""… (much more than this, which is as far as a steady player's onsets scatter) …"""
_CATCH_UP_SLEWS = 2.0
"""… but at no more than so many beats' worth of bending away from the tempo …"""
_BRAKING = 0.25
"""… and at no more than by this share of the bending there is can be given up in time."""
_SHORTEST_APPROACH_BEATS = 0.5
_AHEAD_BEATS = 2.0
"""A written change of tempo is seen coming from this far."""
_LOOKS = 4
_FARTHEST_BEATS = 3.75
"""A large one from as far as that: begun half of its bending ahead, the stream is back in phase
when the bending is over. From further off it would be 0.3 beats ahead, which soon counts as wrong.
"""
_SLOWEST_QUARTER_S = 1.0 / (TICKS_A_QUARTER * 0.190)
_FASTEST_QUARTER_S = 1.0 / (TICKS_A_QUARTER * 0.004)


class TickStream:
    """When the next tick falls. Pure; not thread-safe.

    Parameters
    ----------
    plan : ClockPlan
        Gives beats, written changes of tempo, and the tempo to begin with.

    Attributes
    ----------
    next_s : float
        The next tick, infinite while the stream does not run.
    interval_s : float
        From the tick before to the next one.
    rate_quarter_s : float
        Tempo of the stream now.

    Notes
    -----
    With the rate *r* as a function of the quarters *q* gone by and the beat *B*, keeping
    abs(d ln r / d q) below ln(1.04) / B keeps the mean tempi of any two neighbouring stretches of
    a beat within a factor of 1.04 of one another. Within that limit it bends to the tempo that the
    soloist is believed to have, and a little beyond it to close the distance to the ensemble:
    hardly for a distance that is no more than scatter, soon for one that is more.
    """

    def __init__(self, plan: ClockPlan) -> None:
        self.next_s = float("inf")
        self.interval_s = 1.0
        self.load(plan)
        self.rate_quarter_s = self._aim = _within(plan.rate_quarter_s)

    def load(self, plan: ClockPlan) -> None:
        """Take another piece; the stream goes on and bends towards its tempo."""
        self._beats = plan.beats_quarter or ((0.0, 1.0),)
        self._beat_quarters = tuple(quarter for quarter, _ in self._beats)
        self._gradual = plan.gradual_quarter
        self._gradual_starts = tuple(first for first, _ in plan.gradual_quarter)
        self._written = plan.written_quarter_s or ((0.0, plan.rate_quarter_s),)
        self._written_quarters = tuple(quarter for quarter, _ in self._written)
        self._aim = _within(plan.rate_quarter_s)

    @property
    def running(self) -> bool:
        return self.next_s < float("inf")

    def beat_quarter(self, quarter: float) -> float:
        """Length of a beat at a position."""
        return self._beats[max(bisect_right(self._beat_quarters, quarter + 1e-6) - 1, 0)][1]

    def expected(self, timeline: Timeline, quarter: float) -> float:
        """Tempo of the next beats at ``quarter``, as believed and as written.

        The path of a timeline waits and hurries to keep together; the rate with which it goes on
        behind its last knot is the tempo itself, at that place.
        """
        relative = timeline.rate_quarter_s / self._written_rate(timeline.quarters[-1])
        beat = self.beat_quarter(quarter)
        i = bisect_right(self._written_quarters, quarter)
        if i < len(self._written) and self._written[i][0] <= quarter + _FARTHEST_BEATS * beat:
            there, rate = self._written[i]
            bending_beats = abs(log(relative * rate / self.rate_quarter_s)) / self._slew(quarter)
            if there - quarter <= 0.5 * bending_beats * beat:
                return relative * rate
        step = _AHEAD_BEATS * beat / _LOOKS
        ahead = [self._written_rate(quarter + i * step) for i in range(_LOOKS + 1)]
        return relative * sum(ahead) / len(ahead)

    def run(self, first_s: float, rate_quarter_s: float | None) -> None:
        """Begin with a tick at ``first_s``, at once in tempo."""
        self._aim = self._aim if rate_quarter_s is None else _within(rate_quarter_s)
        self.rate_quarter_s = self._aim
        self.interval_s = 1.0 / (TICKS_A_QUARTER * self.rate_quarter_s)
        self.next_s = first_s

    def resume(self, time_s: float) -> None:
        """Go on with a tick at ``time_s`` if it runs, in the tempo that it has."""
        self.next_s = time_s if self.running else self.next_s

    def halt(self) -> None:
        """No tick more."""
        self.next_s = float("inf")

    def shift(self, by_s: float) -> None:
        """Move with the origin of time."""
        self.next_s += by_s

    def advance(self, quarter: float, wish_quarter_s: float | None, ahead_quarter: float) -> None:
        """Go on to the tick after the next one.

        Parameters
        ----------
        quarter : float
            Position of the tick that falls at ``next_s``.
        wish_quarter_s : float or None
            Tempo of the ensemble; None keeps to what it was last.
        ahead_quarter : float
            How far the ensemble is ahead of the stream.
        """
        beat = self.beat_quarter(quarter)
        slew = self._slew(quarter)
        if wish_quarter_s is not None:
            self._aim = _within(wish_quarter_s)
        correction = self._correction(ahead_quarter, beat, slew)
        self._bend(log(self._aim / self.rate_quarter_s) + correction, slew / beat)

    def _correction(self, ahead_quarter: float, beat: float, slew: float) -> float:
        """How much faster than the tempo to go (as a logarithm) to make up for a distance.

        Scatter is to be borne and a real distance made up for: the gain grows with the square of
        the square of the distance. Tempo bends by ``slew`` a beat only, so what is c faster than it
        should be gets c²/2 slew beats ahead before it is in tempo again: hence the square root.
        """
        apart, apart_s = abs(ahead_quarter) / beat, abs(ahead_quarter) / self.rate_quarter_s
        large = (apart_s**2 / (apart_s**2 + _LARGE_S**2)) ** 2
        gain = 1.0 / _CATCH_UP_BEATS + large * (1.0 / _CHASE_BEATS - 1.0 / _CATCH_UP_BEATS)
        most = min(_CATCH_UP_SLEWS * slew, sqrt(2.0 * _BRAKING * slew * apart))
        return copysign(min(gain * apart, most), ahead_quarter)

    def approach(self, quarter: float, wish_quarter_s: float, due_s: float) -> None:
        """Go on in such a way that some tick falls on ``due_s``, in the tempo wished for by then.

        Parameters
        ----------
        quarter : float
            Position of the tick that falls at ``next_s``.
        wish_quarter_s : float
            Tempo of the ensemble.
        due_s : float
            When receivers are to be started.
        """
        beat, rate, left_s = self.beat_quarter(quarter), self.rate_quarter_s, due_s - self.next_s
        slope = self._slew(quarter) / beat
        self._aim = aim = _within(wish_quarter_s)
        bend_s = abs(1.0 / rate - 1.0 / aim) / slope
        if bend_s < left_s:
            ahead = abs(log(aim / rate)) / slope + aim * (left_s - bend_s)
            missing = round(ahead * TICKS_A_QUARTER) / TICKS_A_QUARTER - ahead
            most = _CATCH_UP_SLEWS * slope * beat
            correction = missing / max(ahead, _SHORTEST_APPROACH_BEATS * beat)
            bend = log(aim / rate) + min(max(correction, -most), most)
        else:  # the whole way is bending: a little less of it, then
            sign = 1.0 if aim > rate else -1.0
            ahead = -log(1.0 - sign * slope * rate * left_s) / (sign * slope)
            whole = floor if aim > rate else ceil
            wanted = whole(ahead * TICKS_A_QUARTER) / TICKS_A_QUARTER
            straight = max(rate * left_s, 1.0 / TICKS_A_QUARTER)
            bend = 2.0 * (wanted / straight - 1.0) / straight / TICKS_A_QUARTER
        self._bend(bend, slope)

    def keep(self) -> None:
        """Go on to the tick after the next one in the same tempo."""
        self._go()

    def _bend(self, bend: float, slope: float) -> None:
        step = slope / TICKS_A_QUARTER
        self.rate_quarter_s = _within(self.rate_quarter_s * exp(min(max(bend, -step), step)))
        self._go()

    def _go(self) -> None:
        self.interval_s = 1.0 / (TICKS_A_QUARTER * self.rate_quarter_s)
        self.next_s += self.interval_s

    def _written_rate(self, quarter: float) -> float:
        return self._written[max(bisect_right(self._written_quarters, quarter) - 1, 0)][1]

    def _slew(self, quarter: float) -> float:
        i = bisect_right(self._gradual_starts, quarter + 1e-6) - 1
        return _SLEW_GRADUAL if i >= 0 and quarter < self._gradual[i][1] else _SLEW


def _within(rate_quarter_s: float) -> float:
    """Keep a tempo to what the ticks can show: none more than 190 ms apart."""
    return min(max(rate_quarter_s, _SLOWEST_QUARTER_S), _FASTEST_QUARTER_S)
