"""Tempo models: from the reports heard so far to the time of any position to come.

All of them work in *written seconds* (`accompanist.conducting.grid.SoloGrid`), so that a marked
change of tempo is expected and the state is the ratio of played to written time.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple, Protocol, Self

from accompanist.conducting.grid import SoloGrid

__all__ = ["FASTEST", "SLOWEST", "KalmanSettings", "KalmanTempo", "Prediction", "TempoModel"]

_EDGE_QUARTER = 1e-6
SLOWEST, FASTEST = log(6.0), log(1.0 / 6.0)
"""Bounds of the log ratio of played to written time: no player is six times off."""


class Prediction(NamedTuple):
    """When a position will come, and the standard deviation of that."""

    time_s: float
    sd_s: float


class TempoModel(Protocol):
    """Predicts the soloist. Not thread-safe; every call is O(events looked ahead)."""

    @property
    def ratio(self) -> float:
        """Played seconds for each written second, now."""
        ...

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        """Put the soloist at ``quarter`` at ``time_s``, however they got there; tempo is kept."""
        ...

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        """Believe in this ratio of played to written time, with that sd of its logarithm."""
        ...

    def report(self, event: int, time_s: float) -> None:
        """Solo event ``event`` began at ``time_s``; it lies behind the last one reported."""
        ...

    def predict(self, quarter: float) -> Prediction:
        """When ``quarter`` comes. Behind the last report it is read off the line backwards."""
        ...

    def copy(self) -> Self:
        """Make an independent twin (the tables are shared)."""
        ...


@dataclass(frozen=True, slots=True)
class KalmanSettings:
    """Constants of `KalmanTempo`; the defaults were found on solo lines of expressive pianists."""

    start_sd: float = 0.45
    """Sd of the log ratio at the start: half to double tempo lies within 1.5 of it."""
    slow_walk: float = 0.007
    """Random walk of the slow tempo, sd a root second."""
    fast_sd: float = 0.06
    fast_s: float = 4.0
    """Sd and memory of the fast tempo (Ornstein–Uhlenbeck)."""
    onset_sd: float = 0.075
    """Relative sd of a single interval of half a second."""
    onset_power: float = 0.5
    report_sd_s: float = 0.014
    jump_share: float = 0.004
    jump_sd: float = 0.22
    pause_share: float = 0.20
    pause_sd: float = 0.35
    pause_mean: float = 0.03
    outlier_share: float = 0.03
    outlier_sd_s: float = 0.06
    adapt: float = 0.05
    adapt_low: float = 0.05
    adapt_high: float = 6.0
    fermata_mean: float = 0.6
    fermata_sd: float = 0.6
    """A note under a fermata is longer by this share of its length."""


class _State(NamedTuple):
    """Mean and covariance of (time t, slow log ratio l, fast log ratio o)."""

    t: float
    l: float  # noqa: E741
    o: float
    tt: float
    tl: float
    to: float
    ll: float
    lo: float
    oo: float


class KalmanTempo:
    """Extended Kalman filter on (onset time, slow and fast log tempo) with discrete modes.

    At a report four things may have happened since the last: nothing special, a change of tempo,
    a pause, or a wrong report; each is a Kalman update of its own, and the four are collapsed
    to one Gaussian. The scale of the noise adapts to the player.
    """

    def __init__(self, grid: SoloGrid, settings: KalmanSettings | None = None) -> None:
        self._grid = grid
        self._set = settings or KalmanSettings()
        self._quarter = grid.quarters[0] if len(grid) else 0.0
        self._noise = 1.0
        self._reports = 0
        s = self._set
        self._state = _State(
            0.0, 0.0, 0.0, s.report_sd_s**2, 0.0, 0.0, s.start_sd**2, 0.0, s.fast_sd**2
        )
        self._ahead: list[tuple[float, _State]] = []

    @property
    def ratio(self) -> float:
        return exp(self._state.l + self._state.o)

    @property
    def noise(self) -> float:
        """Adapted scale of the process noise; 1.0 is an expressive pianist."""
        return self._noise

    def copy(self) -> Self:
        twin = copy.copy(self)
        twin._ahead = list(self._ahead)
        return twin

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        x = self._state
        self._state = _State(time_s, x.l, x.o, sd_s**2, 0.0, 0.0, x.ll, x.lo, x.oo)
        self._quarter = quarter
        self._ahead = []

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        x, fast = self._state, self._set.fast_sd**2
        level = min(max(log(ratio), FASTEST), SLOWEST)
        self._state = _State(x.t, level, 0.0, x.tt, 0.0, 0.0, sd_log**2, 0.0, fast)
        self._ahead = []

    def report(self, event: int, time_s: float) -> None:
        grid, s = self._grid, self._set
        quarter = grid.quarters[event]
        before = self._walk_to(event)
        total = max(before.t - self._state.t, 0.0)
        held = any(grid.fermata_s[grid.event_at(self._quarter) : event])
        self._reports += 1
        if self._reports > 3 and not held:
            surprise = (time_s - before.t) ** 2 / (before.tt + s.report_sd_s**2)
            self._noise *= exp(s.adapt * (min(surprise, 4.0) / 0.8 - 1.0))
            self._noise = min(max(self._noise, s.adapt_low), s.adapt_high)
        self._state = self._collapse(before, total, time_s)
        self._quarter = quarter
        self._ahead = []

    def predict(self, quarter: float) -> Prediction:
        grid = self._grid
        if quarter <= self._quarter:
            x = self._state
            back = grid.to_written(self._quarter) - grid.to_written(quarter)
            return Prediction(x.t - back * exp(x.l + x.o), sqrt(x.tt))
        event = grid.event_at(quarter)
        if event >= 0 and grid.quarters[event] > self._quarter + _EDGE_QUARTER:
            left, state = grid.quarters[event], self._walk_to(event)
        else:
            left, state = self._quarter, self._state
        if quarter <= left + _EDGE_QUARTER:
            return Prediction(state.t, sqrt(state.tt))
        # Within an interval the line is straight in written time, a fermata's hold included.
        if event + 1 < len(grid):
            right = grid.quarters[event + 1]
            reached = self._walk_to(event + 1)
            whole = grid.to_written(right) - grid.to_written(left)
            share = (grid.to_written(quarter) - grid.to_written(left)) / whole
            variance = state.tt + (reached.tt - state.tt) * share * share
            return Prediction(state.t + share * (reached.t - state.t), sqrt(max(variance, 0.0)))
        x = self._step(state, grid.to_written(quarter) - grid.to_written(left), 0.0)
        return Prediction(x.t, sqrt(x.tt))

    def _walk_to(self, event: int) -> _State:
        """State just before event ``event`` is heard; steps already taken are kept."""
        grid = self._grid
        first = grid.event_at(self._quarter) + 1
        if event < first:
            return self._state
        while len(self._ahead) <= event - first:
            done = len(self._ahead)
            quarter, x = self._ahead[-1] if done else (self._quarter, self._state)
            at = grid.quarters[first + done]
            length = grid.to_written(at) - grid.to_written(quarter)
            held = grid.fermata_s[first + done - 1] if first + done > 0 else 0.0
            self._ahead.append((at, self._step(x, length, held)))
        return self._ahead[event - first][1]

    def _step(self, x: _State, written_s: float, fermata_s: float) -> _State:
        s, noise = self._set, self._noise
        played = written_s * exp(x.l + x.o)
        stay = exp(-played / s.fast_s)
        o, to, lo = x.o * stay, x.to * stay, x.lo * stay
        oo = x.oo * stay * stay + noise * s.fast_sd**2 * (1.0 - stay * stay)
        ll = x.ll + noise * s.slow_walk**2 * played
        ratio = exp(x.l + o)
        io = written_s * ratio
        tt = x.tt + 2.0 * io * (x.tl + to) + io * io * (ll + 2.0 * lo + oo)
        tl = x.tl + io * (ll + lo)
        to = to + io * (lo + oo)
        tt += io * io * noise * s.onset_sd**2 * (max(io, 0.03) / 0.5) ** -s.onset_power
        hold = fermata_s * ratio
        tt += (s.fermata_sd * hold) ** 2
        return _State(x.t + io + s.fermata_mean * hold, x.l, o, tt, tl, to, ll, lo, oo)

    def _collapse(self, x: _State, total: float, time_s: float) -> _State:
        s = self._set
        r = s.report_sd_s**2
        jump, pause = s.jump_sd**2, (s.pause_sd * total) ** 2
        normal = 1.0 - s.jump_share - s.pause_share - s.outlier_share
        posts: list[tuple[float, _State]] = []
        for share, shift, d_tt, d_ll, noise in (
            (normal, 0.0, 0.0, 0.0, r),
            (s.jump_share, 0.0, total * total * jump, jump, r),
            (s.pause_share, s.pause_mean * total, pause, 0.0, r),
            (s.outlier_share, 0.0, 0.0, 0.0, r + s.outlier_sd_s**2),
        ):
            tt, tl, ll = x.tt + d_tt, x.tl + total * d_ll, x.ll + d_ll
            variance = tt + noise
            error = time_s - x.t - shift
            weight = share * exp(max(-0.5 * error * error / variance, -600.0)) / sqrt(variance)
            kt, kl, ko = tt / variance, tl / variance, x.to / variance
            mean = (x.t + shift + kt * error, x.l + kl * error, x.o + ko * error)
            spread = (
                tt - kt * tt,
                tl - kt * tl,
                x.to - kt * x.to,
                ll - kl * tl,
                x.lo - kl * x.to,
                x.oo - ko * x.to,
            )
            posts.append((weight + 1e-290, _State(*mean, *spread)))
        whole = sum(w for w, _ in posts)
        t = sum(w * p.t for w, p in posts) / whole
        l = sum(w * p.l for w, p in posts) / whole  # noqa: E741
        o = sum(w * p.o for w, p in posts) / whole
        tt = tl = to = ll = lo = oo = 0.0
        for w, p in posts:
            a, b, c, w = p.t - t, p.l - l, p.o - o, w / whole
            tt += w * (p.tt + a * a)
            tl += w * (p.tl + a * b)
            to += w * (p.to + a * c)
            ll += w * (p.ll + b * b)
            lo += w * (p.lo + b * c)
            oo += w * (p.oo + c * c)
        l = min(max(l, FASTEST), SLOWEST)  # noqa: E741
        return _State(t, l, min(max(o, -0.5), 0.5), tt, tl, to, ll, lo, oo)
