"""The hidden semi-Markov model: its constants, the score as it sees it, one filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.segments import Segments
from accompanist.followers.bayes.templates import AGES_S, SLOTS, TemplateRing
from accompanist.followers.hsmm.passing import advance
from accompanist.followers.hsmm.weighing import read, weigh

__all__ = ["Belief", "EventFilter", "EventScore", "HsmmSettings", "look_weights"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

_ROWS: Final = 64
_MOST: Final = _ROWS - 4
_MEMORY_S: Final = 4.0
"""Entries older than this are put together."""

_LOOK_S: Final = 0.2
"""From this age on a note looks as it will."""


@dataclass(frozen=True, slots=True)
class HsmmSettings:
    """Constants of the model; rates are a second, so they do not depend on the hop."""

    tempo_spread: float = 0.25
    """Standard deviation of the first log tempo about the written one: a third of an octave."""
    jitter: float = 0.05
    """Standard deviation of a single log duration given the tempo …"""
    jitter_s: float = 0.025
    """… and in seconds, both ends together."""
    wander: float = 0.08
    """Standard deviation of log tempo that gathers in a (written) second."""
    regress_per_s: float = 0.02
    """With this rate the tempo leans back to that of the last while."""
    usual_s: float = 15.0
    dwell: float = 0.25
    """Share of the notes that are dwelt on: they end when they end."""
    dwell_repeat: tuple[float, float] = (0.12, 0.3)
    """The same for a note before its repetition, of a soloist whose strokes cannot or can be
    heard."""
    leave_dwell_per_s: float = 4.0
    leave_wait_per_s: float = 0.5
    silent_leave: float = 0.02
    skip: float = 0.004
    """Share of the notes that are left out."""
    evidence_per_s: float = 150.0
    """Weight κ of the spectrum: log-likelihood is κ·dt·Σ y log w."""
    onset_per_s: float = 200.0
    onset_zero: float = 0.40
    onset_width: float = 0.43
    onset_least: float = -0.3
    onset_most: float = 1.5
    repeat_least: tuple[float, float] = (-0.1, -0.5)
    attack_s: float = 0.06
    lag_s: float = 0.03
    """Mean time from the onset to where the sound of the note is as the filters expect it."""
    passed: float = 0.45
    """An event has begun once this share of the belief says so."""
    prune: float = 1e-12
    unexpected: float = 0.3


def look_weights(hop_s: float, lag_s: float) -> Float32Array:
    """Weights [shape=(ages in hops, looks)] of the looks of `AGES_S`; an attack lags a little.

    The lag is exponential with mean ``lag_s``; each look stands for the ages nearer to it than to
    its neighbours.
    """
    looks = np.array(AGES_S)
    reach = np.minimum(looks[1:], looks[:-1] + 0.08)
    edges = np.concatenate(([-np.inf], (looks[:-1] + reach) / 2, [np.inf]))
    bins = max(2, round(_LOOK_S / hop_s))
    out = np.zeros((bins, len(looks)))
    for b in range(bins):
        age = (b + 0.5) * hop_s
        below = np.where(edges >= age, 1.0, np.exp(-np.maximum(age - edges, 0.0) / lag_s))
        out[b] = np.diff(below)
    out[-1] = np.eye(len(looks))[-1]
    out += 1e-6
    weights: Float32Array = (out / out.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


class EventScore:
    """The score as a row of events with written lengths: what all filters of a follower share."""

    def __init__(self, segments: Segments, settings: HsmmSettings, hop_s: float) -> None:
        self.segments = segments
        self.event_s = segments.event_s
        end_s = float(segments.start_s[-1])
        lengths = np.diff(np.append(segments.event_s, max(end_s, segments.event_s[-1] + 1e-3)))
        self.length_s: FloatArray = np.maximum(lengths, 1e-3)
        self.repeats = np.append(segments.stroke_only[1:], False)
        self.looks = look_weights(hop_s, settings.lag_s)
        self.attack_hops = int(
            np.sum((np.arange(len(self.looks)) + 0.5) * hop_s < settings.attack_s)
        )


@dataclass(slots=True)
class Belief:
    """What one filter says after a hop."""

    event: int
    """−1 while waiting."""
    position_s: float
    """Written seconds."""
    age_s: float
    """Since that event began."""
    log_tempo: float
    dwelling: float
    waiting: float
    log_evidence: float
    match_per_s: float
    """By how much the score explains this hop better than noise would, log-likelihood a second."""
    noise_per_s: float
    """How well noise explains it."""


class EventFilter:
    """One filter under one hypothesis of the tuning: ``shift`` bands of the heard spectrum."""

    def __init__(
        self,
        score: EventScore,
        templates: TemplateRing,
        settings: HsmmSettings,
        hop_s: float,
        shift: int = 0,
    ) -> None:
        self.score = score
        self.templates = templates
        self.shift = shift
        self._s = settings
        self._hop_s = hop_s
        ages = max(16, round(_MEMORY_S / hop_s))
        self.flow = np.zeros((_ROWS, ages), dtype=np.float32)
        self.dwell = np.zeros((_ROWS, ages), dtype=np.float32)
        self._drift = np.zeros((_ROWS, ages), dtype=np.float32)
        self._spread = np.zeros((_ROWS, ages), dtype=np.float32)
        self._lasting = np.zeros((_ROWS, ages), dtype=np.float32)
        self._born = np.zeros((_ROWS, 2), dtype=np.int64)
        self._old = np.zeros((_ROWS, 4))
        self._leaving = np.zeros((_ROWS, 3))
        self.waiting = np.zeros(4)
        self.support = np.zeros(2, dtype=np.int64)
        self.event_mass = np.zeros(_ROWS)
        self.event_age = np.zeros((_ROWS, 2))
        self._factor = np.zeros((SLOTS, len(score.looks) + 1))
        self._out = np.zeros(2)
        self._leave_dwell = 1 - float(np.exp(-settings.leave_dwell_per_s * hop_s))
        self._leave_wait = 1 - float(np.exp(-settings.leave_wait_per_s * hop_s))
        self._now = 0
        self._usual = 0.0
        self._event = 0
        self._usual_weight = hop_s / settings.usual_s
        self.wait_at(0)

    def wait_at(self, event: int) -> None:
        """Put all belief before ``event``, at any tempo that the prior allows."""
        self.support[:] = event
        self.waiting[:] = (1.0, event, self._usual, self._s.tempo_spread**2)

    def mass_of(self, event: int) -> float:
        """Belief that ``event`` is the one that sounds."""
        if not self.support[0] <= event < self.support[1]:
            return 0.0
        return float(self.event_mass[event & (_ROWS - 1)])

    def mass_within(self, low_s: float, high_s: float) -> float:
        """Belief in written seconds [low_s, high_s], each event taken at its mean position."""
        low, high = int(self.support[0]), int(self.support[1])
        rows = np.arange(low, high) & (_ROWS - 1)
        places = self.score.event_s[low:high] + self.event_age[rows, 0]
        inside = (places >= low_s) & (places <= high_s)
        start_s = self.score.event_s[int(self.waiting[1])]
        mass = float(self.event_mass[rows][inside].sum())
        return mass + float(self.waiting[0]) * float(low_s <= start_s <= high_s)

    def step(
        self, spectrum: Float32Array, rise: Float32Array, presence: float, audible: float
    ) -> Belief:
        """Hear one hop of an `accompanist.hearing.evidence.Ear`."""
        s, score, seg = self._s, self.score, self.score.segments
        self._now += 1
        advance(
            self._now, self._hop_s, self.support, self.flow, self.dwell, self._drift, self._spread,
            self._lasting, self._born, self._old, self._leaving, self.waiting, score.length_s,
            score.repeats, self._leave_wait, s.dwell, _between(s.dwell_repeat, audible),
            self._leave_dwell, max(presence, s.silent_leave), s.skip, s.jitter, s.jitter_s,
            s.wander, s.regress_per_s, self._usual,
        )  # fmt: skip
        low, high = int(self.support[0]), int(self.support[1])
        if high > low:
            first = int(seg.event_segment[low])
            last = int(seg.event_segment[high]) if high < len(seg.event_segment) else len(seg)
            self.templates.fill(first, min(last - 1, first + SLOTS - 1))
        kappa = s.evidence_per_s * self._hop_s
        total, scale = weigh(
            self._now, self._hop_s, self.support, self.flow, self.dwell, self._drift, self._born,
            self._old, self.waiting, self.event_mass, seg.event_segment, seg.start_s, seg.rest,
            score.length_s, seg.stroke_only, spectrum, rise, self.shift, self.templates.looks,
            self.templates.stroke, self.templates.waiting, score.looks, self._factor, kappa,
            s.onset_per_s * self._hop_s, s.onset_zero, s.onset_width, s.onset_least,
            s.onset_most * presence, _between(s.repeat_least, audible), score.attack_hops,
            s.unexpected,
        )  # fmt: skip
        if not 0.0 < total < np.inf:
            # Nothing that can be heard fits: begin again with the event that was believed in.
            self.wait_at(max(self._event, 0))
            return self._belief(0.0, 0.0)
        read(
            self._now, self._hop_s, self.support, self.flow, self.dwell, self._drift, self._born,
            self._old, self.waiting, self.event_mass, self.event_age, score.length_s, total,
            s.prune, _MOST, self._out,
        )  # fmt: skip
        evidence = float(np.log(total)) + scale
        noise = kappa * float(spectrum @ self.templates.waiting)
        return self._belief(evidence, noise)

    def _belief(self, evidence: float, noise: float) -> Belief:
        low, high = int(self.support[0]), int(self.support[1])
        log_tempo, dwelling = float(self._out[0]), float(self._out[1])
        waiting = float(self.waiting[0])
        event, position_s, age_s = -1, float(self.score.event_s[int(self.waiting[1])]), 0.0
        if waiting < 0.5:
            self._usual += self._usual_weight * (log_tempo - self._usual)
            rows = np.arange(low, high) & (_ROWS - 1)
            summed = waiting + np.cumsum(self.event_mass[rows])
            wanted = (1.0 - self._s.passed) * summed[-1]
            event = low + min(int(np.searchsorted(summed, wanted)), high - low - 1)
            gone_s, hops = self.event_age[event & (_ROWS - 1)]
            position_s = float(self.score.event_s[event] + gone_s)
            age_s = float(hops) * self._hop_s
        self._event = event
        match_per_s, noise_per_s = (evidence - noise) / self._hop_s, noise / self._hop_s
        return Belief(
            event,
            position_s,
            age_s,
            log_tempo,
            dwelling,
            waiting,
            evidence,
            match_per_s,
            noise_per_s,
        )


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])
