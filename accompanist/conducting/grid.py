"""Solo events on the axis of written seconds, where a marked change of tempo is a straight line."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from accompanist.score.model import Score
from accompanist.score.solo import BUCKET_QUARTER, SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["SoloGrid"]

_EDGE_QUARTER = 1e-6
_LONG_AGO = -1e9
_REST_S = 0.2
_TUTTI_S = 1.0
"""In a recording, where the ends of notes are heard and not written, a rest is this long."""


class _Tempo(NamedTuple):
    """A written tempo in plain floats, as `accompanist.score.tempo.WrittenTempo` has it."""

    quarters: list[float]
    seconds: list[float]
    first_rate: float
    last_rate: float

    def rate(self, quarter: float) -> float:
        i = bisect_right(self.quarters, quarter)
        if i == 0:
            return self.first_rate
        if i == len(self.quarters):
            return self.last_rate
        rise = self.quarters[i] - self.quarters[i - 1]
        return rise / (self.seconds[i] - self.seconds[i - 1])

    def times(self, factors: Sequence[tuple[float, float]]) -> _Tempo:
        starts = [quarter for quarter, _ in factors]

        def rate(quarter: float) -> float:
            return self.rate(quarter) * factors[max(bisect_right(starts, quarter) - 1, 0)][1]

        bends = {q for q in starts if q > self.quarters[0]}
        quarters = sorted(bends.union(self.quarters))
        seconds = [self.seconds[0]]
        for start, end in pairwise(quarters):
            seconds.append(seconds[-1] + (end - start) / rate(start))
        return _Tempo(quarters, seconds, rate(quarters[0] - 1.0), rate(quarters[-1]))


class SoloGrid:
    """What the conductor has to know of the score, in plain floats for speed.

    Parameters
    ----------
    solo : SoloLine
        The solo's events.
    tempo : WrittenTempo
        The written tempo.
    score : Score, optional
        For its fermatas, and to know whether the ensemble is a recording.
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
    rests_from : tuple of float [shape=(n_events,)]
        Where the soloist's note before each event ends; long ago before the first.
    still : tuple of bool [shape=(n_events,)]
        Whether nobody has a note between the event before and this one.
    led : tuple of bool [shape=(n_events,)]
        Whether the soloist comes in here after the ensemble has played alone.
    continuous : bool
        The ensemble is a recording: it sounds everywhere, and no instant of it waits for one of
        the soloist's.
    """

    def __init__(
        self,
        solo: SoloLine,
        tempo: WrittenTempo,
        score: Score | None = None,
        accompaniment_onsets_quarter: Sequence[float] = (),
    ) -> None:
        self._score = score
        self.continuous = score is not None and score.recording_s is not None
        self.quarters = tuple(float(q) for q in solo.onsets_quarter)
        self.onsets = tuple(sorted({float(q) for q in accompaniment_onsets_quarter}))
        self._written = _Tempo(
            [float(q) for q in tempo.quarters],
            [float(s) for s in tempo.seconds],
            float(tempo.first_rate),
            float(tempo.last_rate),
        )
        self._tempo = self._written
        release, coincident, rests_from, alone, still = [], [], [], [], []
        for event, quarter in enumerate(self.quarters):
            i = bisect_left(self.onsets, quarter - BUCKET_QUARTER + _EDGE_QUARTER)
            together = i < len(self.onsets) and self.onsets[i] < quarter + BUCKET_QUARTER
            together = together and not self.continuous
            release.append(min(quarter, self.onsets[i]) if together else quarter)
            coincident.append(together)
            behind = quarter - BUCKET_QUARTER
            start = _LONG_AGO
            if event > 0:
                start = min(max(n.end_quarter for n in solo.notes[event - 1]), behind)
            rests_from.append(start)
            alone.append(self.notes_between(start, behind) > 0)
            last = self.quarters[event - 1] + BUCKET_QUARTER if event else _LONG_AGO
            still.append(event > 0 and self.notes_between(last, behind) == 0)
        self.release_quarter = tuple(release)
        self.coincident, self.still = tuple(coincident), tuple(still)
        self.rests_from, self._alone = tuple(rests_from), tuple(alone)
        self._measure(score)

    def retime(self, factors: Sequence[tuple[float, float]] = ()) -> None:
        """Let the written tempo be another from now on; whoever keeps seconds has to look again.

        Parameters
        ----------
        factors : sequence of (quarter, factor)
            Sorted: from each position on the tempo of the score is multiplied by the factor; the
            first holds before its position too. Empty: as written.
        """
        self._tempo = self._written.times(factors) if factors else self._written
        self._measure(self._score)

    def _measure(self, score: Score | None) -> None:
        """Say in written seconds what the score has in quarters."""
        self._knot_quarters, self._knot_seconds, self._first_rate, self._last_rate = self._tempo
        self.seconds = tuple(self.to_written(q) for q in self.quarters)
        self.fermata_s = self._fermatas(score)
        rest_s = _TUTTI_S if self.continuous else _REST_S
        rests = [
            event == 0 or second - self.to_written(start) >= rest_s
            for event, (second, start) in enumerate(zip(self.seconds, self.rests_from, strict=True))
        ]
        self.general_pause = tuple(
            rest and event > 0 and not alone
            for event, (rest, alone) in enumerate(zip(rests, self._alone, strict=True))
        )
        self.led = tuple(r and a for r, a in zip(rests, self._alone, strict=True))

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
        return self._tempo.rate(quarter)

    def printed_rate(self, quarter: float) -> float:
        """Quarters a second just behind ``quarter`` as the score has it, whatever `retime` said."""
        return self._written.rate(quarter)

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
        """Count the onset places of the ensemble in [start, end); a recording has one anywhere."""
        if self.continuous:
            return int(end_quarter > max(start_quarter, 0.0) + _EDGE_QUARTER)
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
