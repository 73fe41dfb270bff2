"""Solo events on the axis of written seconds, where a marked change of tempo is a straight line."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from accompanist.score.model import Score
from accompanist.score.solo import BUCKET_QUARTER, SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["SoloGrid"]

_EDGE_QUARTER = 1e-6
_LONG_AGO = -1e9
_REST_S = 0.2


class SoloGrid:
    """What the conductor has to know of the score, in plain floats for speed.

    Parameters
    ----------
    solo : SoloLine
        The solo's events.
    tempo : WrittenTempo
        The written tempo.
    score : Score, optional
        For its fermatas.
    accompaniment_onsets_quarter : sequence of float
        Positions at which the ensemble has a note, in any order.

    Attributes
    ----------
    quarters, seconds : tuple of float [shape=(n_events,)]
        Position of each solo event in quarters and in written seconds.
    fermata_s : tuple of float [shape=(n_events,)]
        Written length of what stands under a fermata between this event and the next; 0.0 where
        there is none.
    release_quarter : tuple of float [shape=(n_events,)]
        Where the ensemble's notes of this instant begin: the event itself, or a hair before it.
    coincident : tuple of bool [shape=(n_events,)]
        Whether the ensemble has a note at this event.
    general_pause : tuple of bool [shape=(n_events,)]
        Whether everybody rests before this event: the soloist's own rest is long and no note
        of the ensemble begins in it.
    led : tuple of bool [shape=(n_events,)]
        Whether the soloist comes in here after the ensemble has played alone.
    """

    def __init__(
        self,
        solo: SoloLine,
        tempo: WrittenTempo,
        score: Score | None = None,
        accompaniment_onsets_quarter: Sequence[float] = (),
    ) -> None:
        self.quarters = tuple(float(q) for q in solo.onsets_quarter)
        self._knot_quarters = [float(q) for q in tempo.quarters]
        self._knot_seconds = [float(s) for s in tempo.seconds]
        self._first_rate, self._last_rate = float(tempo.first_rate), float(tempo.last_rate)
        self.seconds = tuple(self.to_written(q) for q in self.quarters)
        self.onsets = tuple(sorted({float(q) for q in accompaniment_onsets_quarter}))
        self.fermata_s = self._fermatas(score)
        release, coincident, pause, led = [], [], [], []
        for event, quarter in enumerate(self.quarters):
            i = bisect_left(self.onsets, quarter - BUCKET_QUARTER + _EDGE_QUARTER)
            together = i < len(self.onsets) and self.onsets[i] < quarter + BUCKET_QUARTER
            release.append(min(quarter, self.onsets[i]) if together else quarter)
            coincident.append(together)
            rest, alone = self._before_entry(solo, event)
            pause.append(rest and event > 0 and not alone)
            led.append(rest and alone)
        self.release_quarter = tuple(release)
        self.coincident = tuple(coincident)
        self.general_pause = tuple(pause)
        self.led = tuple(led)

    def __len__(self) -> int:
        return len(self.quarters)

    def to_written(self, quarter: float) -> float:
        """Written seconds at ``quarter``."""
        qs, ss = self._knot_quarters, self._knot_seconds
        i = bisect_right(qs, quarter)
        if i == 0:
            return ss[0] + (quarter - qs[0]) / self._first_rate
        if i == len(qs):
            return ss[-1] + (quarter - qs[-1]) / self._last_rate
        share = (quarter - qs[i - 1]) / (qs[i] - qs[i - 1])
        return ss[i - 1] + share * (ss[i] - ss[i - 1])

    def written_rate(self, quarter: float) -> float:
        """Written quarters a second just behind ``quarter``."""
        i = bisect_right(self._knot_quarters, quarter)
        if i == 0:
            return self._first_rate
        if i == len(self._knot_quarters):
            return self._last_rate
        rise = self._knot_quarters[i] - self._knot_quarters[i - 1]
        return rise / (self._knot_seconds[i] - self._knot_seconds[i - 1])

    def knots_between(self, start_quarter: float, end_quarter: float) -> Sequence[float]:
        """Positions strictly between the two at which the written tempo changes."""
        lo = bisect_right(self._knot_quarters, start_quarter + _EDGE_QUARTER)
        hi = bisect_left(self._knot_quarters, end_quarter - _EDGE_QUARTER)
        return self._knot_quarters[lo:hi]

    def event_at(self, quarter: float) -> int:
        """Give the last event at or before ``quarter``; −1 before the first."""
        return bisect_right(self.quarters, quarter + _EDGE_QUARTER) - 1

    def event_from(self, quarter: float) -> int:
        """Give the first event at or behind ``quarter``; ``len(self)`` if there is none."""
        return bisect_left(self.quarters, quarter - _EDGE_QUARTER)

    def notes_between(self, start_quarter: float, end_quarter: float) -> int:
        """Count the onset places of the ensemble in [start, end)."""
        lo = bisect_left(self.onsets, start_quarter - _EDGE_QUARTER)
        return bisect_left(self.onsets, end_quarter - _EDGE_QUARTER) - lo

    def _fermatas(self, score: Score | None) -> tuple[float, ...]:
        held = [0.0] * len(self.quarters)
        for fermata in score.fermatas if score is not None else ():
            event = self.event_at(fermata.quarter)
            # A fermata on the last note, or before the soloist has begun, delays no event.
            if 0 <= event < len(held) - 1:
                end = min(fermata.end_quarter, self.quarters[event + 1])
                length = self.to_written(end) - self.to_written(fermata.quarter)
                held[event] = max(held[event], length)
        return tuple(held)

    def _before_entry(self, solo: SoloLine, event: int) -> tuple[bool, bool]:
        """Whether the soloist rests before ``event``, and whether the ensemble plays in it."""
        behind = self.quarters[event] - BUCKET_QUARTER
        if event == 0:
            return True, self.notes_between(_LONG_AGO, behind) > 0
        rests_from = min(max(n.end_quarter for n in solo.notes[event - 1]), behind)
        rest_s = self.seconds[event] - self.to_written(rests_from)
        return rest_s >= _REST_S, self.notes_between(rests_from, behind) > 0
