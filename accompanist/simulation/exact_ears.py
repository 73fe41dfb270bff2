"""Ears without error: every onset of a soloist reported for what it is, only later.

What a tempo model and a conductor are worth is seen best when the follower makes no mistakes. The
reports come with the delays of a good follower, a few of them late, a few never.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

__all__ = ["HOP_S", "EarSettings", "ExactEars", "estimates"]

FloatArray = npt.NDArray[np.float64]

HOP_S = 256 / 44_100
_PASSED_S = 0.1
"""So long after an onset that is never reported the position is past it all the same."""
_LEAST_DELAY_S = 0.003
_CONFIDENCE = 0.9
_DRAWN = 0.3
"""By so much the last interval draws the tempo between the reports."""
_SHORTEST_S = 0.02
_BEFORE_QUARTER = 1e-3
_HELD_S = 0.03
_TAIL_S = 6.0


@dataclass(frozen=True, slots=True)
class EarSettings:
    """How onsets are reported: 25 ± 10 ms late, one in twenty 60 ms, one in fifty never."""

    mean_s: float = 0.025
    sd_s: float = 0.010
    late_share: float = 0.05
    late_s: float = 0.060
    missed: float = 0.02

    @property
    def known_s(self) -> float:
        """Mean delay, by which a report is dated back."""
        return (1.0 - self.late_share) * self.mean_s + self.late_share * self.late_s

    def delays_s(self, count: int, seed: int) -> FloatArray:
        """Delay of each report [shape=(count,)], NaN where there is none; the first is heard."""
        generator = np.random.default_rng(seed)
        delays = np.maximum(generator.normal(self.mean_s, self.sd_s, count), _LEAST_DELAY_S)
        delays[generator.random(count) < self.late_share] = self.late_s
        missed = generator.random(count) < self.missed
        missed[:1] = False
        delays[missed] = np.nan
        return np.asarray(delays)


class ExactEars:
    """A follower that is told the truth. Not thread-safe; some microseconds a hop.

    Between two reports its position goes on in the tempo of the last intervals and stops before
    the next event; there it reports a held note.

    Parameters
    ----------
    onsets_quarter : sequence of float
        Of the solo's events.
    quarters_per_s : float
        Tempo at first.
    settings : EarSettings
    seed : int
        Of the delays.
    """

    def __init__(
        self,
        onsets_quarter: Sequence[float],
        quarters_per_s: float,
        settings: EarSettings,
        seed: int,
    ) -> None:
        self._onsets = [float(q) for q in onsets_quarter]
        self._rate = quarters_per_s
        self._known_s = settings.known_s
        self._delays: list[float] = settings.delays_s(len(self._onsets), seed).tolist()
        self._coming: list[tuple[float, float, int, bool]] = []
        self._last, self._last_s = -1, 0.0

    def played(self, event: int, time_s: float, *, heard: bool = True) -> None:
        """Learn that ``event`` begins at ``time_s``, which is not before the last hop.

        ``heard`` false: it is passed, but never reported.
        """
        delay_s = self._delays[event] if heard else nan
        told = not isnan(delay_s)
        if not told:
            delay_s = _PASSED_S
        at_s = max(time_s + delay_s - self._known_s, 0.0)
        insort(self._coming, (time_s + delay_s, at_s, event, told))

    def hear(self, now_s: float) -> Estimate:
        """Say where the soloist is at ``now_s``, the end of a hop."""
        reports = []
        while self._coming and self._coming[0][0] <= now_s:
            _, at_s, event, told = self._coming.pop(0)
            if event <= self._last:
                continue
            if self._last >= 0 and at_s > self._last_s + _SHORTEST_S:
                fresh = (self._onsets[event] - self._onsets[self._last]) / (at_s - self._last_s)
                fresh = min(max(fresh, self._rate / 2.0), self._rate * 2.0)
                self._rate += _DRAWN * (fresh - self._rate)
            self._last, self._last_s = event, at_s
            if told:
                reports.append(OnsetReport(now_s, min(at_s, now_s), self._onsets[event], event))
        if self._last < 0:
            return Estimate(now_s, self._onsets[0], self._rate, _CONFIDENCE, FollowerState.ARMED)
        quarter = self._onsets[self._last] + (now_s - self._last_s) * self._rate
        state = FollowerState.FOLLOWING
        if self._last + 1 < len(self._onsets):
            following = self._onsets[self._last + 1]
            if quarter >= following - _BEFORE_QUARTER:
                if quarter > following + _HELD_S * self._rate:
                    state = FollowerState.HOLDING
                quarter = following - _BEFORE_QUARTER
        return Estimate(now_s, quarter, self._rate, _CONFIDENCE, state, tuple(reports))


def estimates(
    onsets_quarter: Sequence[float],
    times_s: FloatArray,
    quarters_per_s: float,
    settings: EarSettings,
    seed: int,
) -> Iterator[Estimate]:
    """Hear a performance whose times are known, hop by hop.

    Parameters
    ----------
    onsets_quarter : sequence of float
        Of the solo's events.
    times_s : ndarray [shape=(n_events,)]
        Their times; NaN for what was not played: that is passed without a report.
    quarters_per_s, settings, seed
        See `ExactEars`.
    """
    ears = ExactEars(onsets_quarter, quarters_per_s, settings, seed)
    there = np.isfinite(times_s)
    quarters = np.asarray(onsets_quarter, dtype=np.float64)
    whole = np.interp(quarters, quarters[there], times_s[there], left=np.nan, right=np.nan)
    for event, time_s in enumerate(whole.tolist()):
        if isfinite(time_s):
            ears.played(event, time_s, heard=bool(there[event]))
    for hop in range(1, int((float(np.nanmax(times_s)) + _TAIL_S) / HOP_S)):
        yield ears.hear(hop * HOP_S)
