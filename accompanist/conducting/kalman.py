"""The filter of `accompanist.conducting.kalman_tempo` itself: beliefs in, beliefs out.

A belief is the mean and covariance of four numbers: the time t of an onset, the slow log ratio l of
played to written time, the fast one o, and the gain g on what is expected of the interval beyond an
even tempo (`accompanist.conducting.expecting`). An interval of w written seconds from which the
deviation c is expected takes w·exp(l + o + g·c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

from accompanist.conducting.tempo_model import FASTEST, SLOWEST

__all__ = ["Belief", "Interval", "KalmanSettings", "advance", "collapsed", "correct"]

_FAST_MOST = 0.5
_GAIN_LEAST, _GAIN_MOST = -0.5, 2.5


@dataclass(frozen=True, slots=True)
class KalmanSettings:
    """Constants of the filter; the defaults were found on solo lines of expressive pianists."""

    start_sd: float = 0.45
    """Sd of the log ratio at the start: half to double tempo lies within 1.5 of it."""
    slow_walk: float = 0.007
    """Random walk of the slow tempo, sd a root second."""
    fast_sd: float = 0.06
    fast_s: float = 4.0
    """Sd and memory of the fast tempo (Ornstein–Uhlenbeck)."""
    gain_sd: float = 0.4
    gain_walk: float = 0.01
    """Sd of the gain at the start, and its random walk, a root second."""
    onset_sd: float = 0.075
    """Relative sd of a single interval of half a second."""
    onset_power: float = 0.5
    report_sd_s: float = 0.014
    report_sd_most_s: float = 0.03
    """Of a report about the line: the least, and the most that player and ears may teach."""
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
    adapt_report: float = 0.05
    fermata_mean: float = 0.6
    fermata_sd: float = 0.6
    """A note under a fermata is longer by this share of its length."""


class Belief(NamedTuple):
    """Mean and covariance of (t, l, o, g)."""

    t: float
    l: float  # noqa: E741
    o: float
    g: float
    tt: float
    tl: float
    to: float
    tg: float
    ll: float
    lo: float
    lg: float
    oo: float
    og: float
    gg: float

    @property
    def sd_s(self) -> float:
        """Sd of the time."""
        return sqrt(max(self.tt, 0.0))


class Interval(NamedTuple):
    """From one solo event to the next."""

    written_s: float
    hold_s: float = 0.0
    """Written length of what stands under a fermata in it."""
    deviation: float = 0.0
    """Expected log ratio to an even tempo."""
    doubt: float = 0.0
    """Variance of that."""
    freedom: float = 1.0
    """Factor of the variance that an interval has anyhow."""


def advance(b: Belief, interval: Interval, noise: float, s: KalmanSettings) -> Belief:
    """Go on to the end of an interval in which nothing has been heard.

    ``noise`` scales what is random of a player.
    """
    played = interval.written_s * exp(b.l + b.o)
    stay = exp(-played / s.fast_s)
    o, to, lo, og = b.o * stay, b.to * stay, b.lo * stay, b.og * stay
    oo = b.oo * stay * stay + noise * s.fast_sd**2 * (1.0 - stay * stay)
    ll = b.ll + noise * s.slow_walk**2 * played
    gg = b.gg + s.gain_walk**2 * played
    c = interval.deviation
    ratio = exp(b.l + o + b.g * c)
    io = interval.written_s * ratio
    # The new time depends on the three others by io · (1, 1, c).
    by_l, by_o, by_g = ll + lo + c * b.lg, lo + oo + c * og, b.lg + og + c * gg
    tt = b.tt + 2.0 * io * (b.tl + to + c * b.tg) + io * io * (by_l + by_o + c * by_g)
    alone = noise * interval.freedom * s.onset_sd**2 * (max(io, 0.03) / 0.5) ** -s.onset_power
    hold = interval.hold_s * ratio
    tt += io * io * (alone + interval.doubt) + (s.fermata_sd * hold) ** 2
    t = b.t + io + s.fermata_mean * hold
    return Belief(
        t, b.l, o, b.g, tt, b.tl + io * by_l, to + io * by_o, b.tg + io * by_g,
        ll, lo, b.lg, oo, og, gg,
    )  # fmt: skip


def correct(
    b: Belief, total_s: float, time_s: float, report_sd_s: float, s: KalmanSettings
) -> tuple[Belief, float]:
    """Take a report into account; give the log of how well it was foreseen, too.

    Four things may have happened in the ``total_s`` since the last one: nothing special, a change
    of tempo, a pause, or a wrong report; each is a Kalman update of its own, and the four are
    collapsed to one Gaussian.
    """
    r = report_sd_s**2
    jump, pause = s.jump_sd**2, (s.pause_sd * total_s) ** 2
    normal = 1.0 - s.jump_share - s.pause_share - s.outlier_share
    posts: list[tuple[float, Belief]] = []
    for share, shift, d_tt, d_ll, noise in (
        (normal, 0.0, 0.0, 0.0, r),
        (s.jump_share, 0.0, total_s * total_s * jump, jump, r),
        (s.pause_share, s.pause_mean * total_s, pause, 0.0, r),
        (s.outlier_share, 0.0, 0.0, 0.0, r + s.outlier_sd_s**2),
    ):
        tt, tl, ll = b.tt + d_tt, b.tl + total_s * d_ll, b.ll + d_ll
        variance = tt + noise
        error = time_s - b.t - shift
        weight = share * exp(max(-0.5 * error * error / variance, -600.0)) / sqrt(variance)
        kt, kl, ko, kg = tt / variance, tl / variance, b.to / variance, b.tg / variance
        post = Belief(
            b.t + shift + kt * error, b.l + kl * error, b.o + ko * error, b.g + kg * error,
            tt - kt * tt, tl - kt * tl, b.to - kt * b.to, b.tg - kt * b.tg,
            ll - kl * tl, b.lo - kl * b.to, b.lg - kl * b.tg,
            b.oo - ko * b.to, b.og - ko * b.tg, b.gg - kg * b.tg,
        )  # fmt: skip
        posts.append((weight + 1e-290, post))
    return collapsed(posts), log(sum(w for w, _ in posts))


def collapsed(posts: Sequence[tuple[float, Belief]]) -> Belief:
    """Give one belief for several, each with its weight: mean and covariance of the mixture."""
    whole = sum(w for w, _ in posts)
    t, l, o, g = (sum(w * p[i] for w, p in posts) / whole for i in range(4))  # noqa: E741
    spread = [0.0] * 10
    for w, p in posts:
        a, b, c, d, w = p.t - t, p.l - l, p.o - o, p.g - g, w / whole
        between = (a * a, a * b, a * c, a * d, b * b, b * c, b * d, c * c, c * d, d * d)
        for i in range(10):
            spread[i] += w * (p[4 + i] + between[i])
    return Belief(
        t,
        min(max(l, FASTEST), SLOWEST),
        min(max(o, -_FAST_MOST), _FAST_MOST),
        min(max(g, _GAIN_LEAST), _GAIN_MOST),
        *spread,
    )
