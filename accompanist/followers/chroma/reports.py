"""From a position in written seconds to quarters, a tempo and reports of the events passed."""

from __future__ import annotations

from typing import Final

import numpy as np

from accompanist.followers.protocol import OnsetReport
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["EventReporter", "EventTempo", "PathTempo"]

_TEMPI: Final = (0.25, 4.0)
_EVENTS: Final = 6
_KNOWN_S: Final = 2.0
"""A tempo over less than this is partly the written one."""


class EventReporter:
    """Reports every event once, when the position has come to it.

    Attributes
    ----------
    events_s : ndarray [shape=(m,)]
        Written seconds of the events.
    last : int
        The last event reported, −1 at the beginning.
    """

    def __init__(self, solo: SoloLine, tempo: WrittenTempo) -> None:
        self._onsets = solo.onsets_quarter
        self.events_s = tempo.to_seconds(solo.onsets_quarter)
        self.last = -1

    def event_at(self, quarter: float | None) -> int:
        """Index of the first event at or after ``quarter``; the last one beyond the end."""
        wanted = -np.inf if quarter is None else quarter - 1e-6
        return min(int(np.searchsorted(self._onsets, wanted)), len(self._onsets) - 1)

    def ahead(self, position_s: float, by_s: float) -> float:
        """Go on from a position, but not past an event that has not been reached."""
        following = int(np.searchsorted(self.events_s, position_s + 1e-9, side="right"))
        if following >= len(self.events_s):
            return position_s + by_s
        return min(position_s + by_s, float(self.events_s[following]))

    def report(
        self, position_s: float, time_s: float, tempo: float, age_s: float
    ) -> tuple[OnsetReport, ...]:
        """Give the events passed since the last report, in score order.

        Parameters
        ----------
        position_s : float
            Where the path was ``age_s`` before ``time_s``, written seconds.
        time_s : float
            Now.
        tempo : float
            Written seconds a second.
        age_s : float
        """
        passed = int(np.searchsorted(self.events_s, position_s + 1e-9, side="right")) - 1
        first, self.last = self.last + 1, max(passed, self.last)
        return tuple(
            OnsetReport(
                reported_s=time_s,
                time_s=time_s - age_s - max(0.0, position_s - float(self.events_s[e])) / tempo,
                quarter=float(self._onsets[e]),
                event=e,
            )
            for e in range(first, passed + 1)
        )


class PathTempo:
    """Slope of the latest positions: a line through the last ``memory_s`` of them.

    Until so much has been seen the written tempo has its share. 1.0 is the written tempo.
    """

    def __init__(self, frame_s: float, memory_s: float) -> None:
        self._frame_s = frame_s
        self._count = max(2, round(memory_s / frame_s))
        self._past: list[float] = []
        self.tempo = 1.0

    def clear(self) -> None:
        """Forget all frames."""
        self._past.clear()
        self.tempo = 1.0

    def add(self, position_s: float) -> None:
        """Tell the position of one more frame."""
        past = self._past
        past.append(position_s)
        del past[: -self._count]
        if len(past) < 2:
            return
        t = np.arange(len(past)) * self._frame_s
        t -= t.mean()
        slope = float(t @ np.asarray(past)) / float(t @ t)
        known = len(past) / self._count
        self.tempo = float(np.clip(known * slope + 1.0 - known, *_TEMPI))


class EventTempo:
    """Slope through the times at which the latest events were recognised. 1.0 is as written."""

    def __init__(self) -> None:
        self._past: list[tuple[float, float]] = []
        self.tempo = 1.0

    def clear(self) -> None:
        """Forget all events."""
        self._past.clear()
        self.tempo = 1.0

    def add(self, event_s: float, time_s: float) -> None:
        """Tell that the event at ``event_s`` of the score was recognised at ``time_s``."""
        past = self._past
        past.append((event_s, time_s))
        del past[:-_EVENTS]
        passed_s = past[-1][1] - past[0][1]
        moved_s = past[-1][0] - past[0][0]
        known = min(1.0, passed_s / _KNOWN_S)
        if passed_s > 0.0:
            self.tempo = float(np.clip(known * moved_s / passed_s + 1.0 - known, *_TEMPI))
