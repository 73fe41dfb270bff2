"""The semi-Markov follower, put together: ear, tuning search, event filter."""

from __future__ import annotations

from copy import deepcopy
from math import exp, log2
from typing import Final

import numpy as np

from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.strokes import StrokeMemory
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.hsmm.doubt import Doubt
from accompanist.followers.hsmm.model import Belief, EventScore, HsmmSettings
from accompanist.followers.hsmm.tuning import TuningSearch
from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport
from accompanist.hearing.bank import FilterBank
from accompanist.hearing.evidence import Ear
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["HsmmFollower"]

_DELAY_S: Final = 0.015
_A4_HZ: Final = 440.0
_LEAD_IN_S: Final = 0.7
_TAIL_S: Final = 4.0
_HELD: Final = 0.5
_REPORT_DELAY_S: Final = 0.025


class HsmmFollower:
    """Hierarchical hidden semi-Markov model; implements `Follower` for audio.

    After Cont's model of anticipation [1]_ and Jiang and Raphael's of tempo [2]_: the upper states
    are the events of the score, each with an explicit duration (log-normal about its written
    length over the tempo); below each of them "in time" and "dwelt on", and the sounds its
    notes and rests make one after another. A belief is "event e began then": each has a Gaussian
    log tempo of its own, an autoregressive walk that every ended event corrects as a
    Kalman filter would, and where two beliefs meet they are merged by their moments.

    It hears as the default follower does: the same resonator bank, pictures and onset evidence,
    so that figures of the two tell their models apart; chroma is left to `oltw` and `hmm`. It
    knows no jumps: a soloist who skips is doubted (`FollowerState.LOST`), not found.

    A hop costs about 0.2 ms, up to 1 ms until the tuning is decided, however long the score.
    Not thread-safe.

    Parameters
    ----------
    solo, tempo
        What is played, and the written tempo.
    sample_rate, hop : int
        Hz, and samples a hop.
    settings : HsmmSettings, optional
    a4_hz : float, optional
        How the soloist is tuned, to within half a semitone; found out where it is not known.

    Raises
    ------
    ValueError
        If the solo has no event.

    References
    ----------
    .. [1] A. Cont: A coupled duration-focused architecture for real-time music-to-score alignment.
       IEEE PAMI 32 (2010).
    .. [2] Y. Jiang, C. Raphael: Score following with hidden tempo using a switching state-space
       model. ISMIR 2020.
    """

    def __init__(
        self,
        solo: SoloLine,
        tempo: WrittenTempo,
        sample_rate: int,
        hop: int,
        settings: HsmmSettings | None = None,
        *,
        a4_hz: float | None = None,
    ) -> None:
        if len(solo) == 0:
            raise ValueError("a solo without notes cannot be followed")
        settings = settings or HsmmSettings()
        hop_s = hop / sample_rate
        bank = FilterBank(sample_rate)
        self._ear = Ear(bank, hop_s)
        segments = make_segments(solo, tempo, _LEAD_IN_S, _TAIL_S)
        score = EventScore(segments, settings, hop_s)
        self._score = score
        known = a4_hz is not None
        cents = 1200.0 * log2(a4_hz / _A4_HZ) if a4_hz is not None else 0.0
        self._templates = TemplateRing(bank, segments, cents)
        self._search = TuningSearch(score, self._templates, settings, hop_s, known=known)
        self._strokes = StrokeMemory(segments, hop_s)
        self._onsets = solo.onsets_quarter
        self._end_quarter = solo.end_quarter
        self._tempo = tempo
        self._hop_s = hop_s
        self._evidence_per_s = settings.evidence_per_s
        self._last_event = -1
        self._last_tempo = 1.0
        self._doubt = Doubt(bank, hop_s, cents)

    def warm(self) -> None:
        """Load the compiled loops; works on a copy."""
        hop = round(self._hop_s * self._ear.bank.sample_rate)
        deepcopy(self).feed(Heard(self._hop_s, np.zeros(hop, dtype=np.float32)))

    @property
    def latency_s(self) -> float:
        return _REPORT_DELAY_S

    @property
    def a4_hz(self) -> float:
        """The soloist's A, as believed now."""
        return float(_A4_HZ * 2.0 ** (self._search.cents / 1200.0))

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        # It looks ahead from one place only: ``anywhere`` is not heeded.
        wanted = -np.inf if quarter is None else quarter - 1e-6
        event = min(int(np.searchsorted(self._onsets, wanted)), len(self._onsets) - 1)
        self._search.wait_at(event)
        self._strokes.forget_row()
        self._last_event = event - 1
        self._doubt.forget()

    def feed(self, heard: Heard) -> Estimate:
        ear = self._ear
        samples = heard.samples
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        ear.hear(samples)
        self._strokes.hear(ear.rise)
        cents = self._search.cents
        belief = self._search.step(ear.spectrum, ear.rise, ear.presence, self._strokes.audible)
        if self._search.cents != cents:
            self._doubt.retune(self._search.cents)
        if belief.event >= 0:
            self._doubt.hear(
                ear.spectrum,
                ear.presence,
                belief.match_per_s,
                belief.noise_per_s,
                self._evidence_per_s,
            )
        tempo = exp(belief.log_tempo)
        said_s = self._say(belief, tempo)
        quarter = min(float(self._tempo.to_quarter(said_s)), self._end_quarter)
        if quarter < self._end_quarter:
            self._last_tempo = tempo
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            quarters_per_s=self._last_tempo * self._tempo.rate_at(quarter),
            confidence=self._confidence(said_s),
            state=self._state(belief, quarter),
            onsets=self._report(belief, heard.time_s),
            level_db=ear.level_db,
        )

    def _say(self, belief: Belief, tempo: float) -> float:
        """Make up for the delay, but never pass an onset that has not been heard."""
        if belief.event < 0:
            return belief.position_s
        said = belief.position_s + _DELAY_S * tempo
        if belief.event + 1 < len(self._onsets):
            said = min(said, float(self._score.event_s[belief.event + 1]))
        return said

    def _report(self, belief: Belief, time_s: float) -> tuple[OnsetReport, ...]:
        passed = belief.event
        if passed <= self._last_event:
            if belief.event >= 0:
                self._last_event = passed
            return ()
        first, self._last_event = self._last_event + 1, passed
        self._strokes.report(passed, self._templates)
        began = max(0.0, time_s - belief.age_s)
        return tuple(
            OnsetReport(
                reported_s=time_s,
                time_s=min(began, time_s),
                quarter=float(self._onsets[e]),
                event=e,
            )
            for e in range(first, passed + 1)
        )

    def _state(self, belief: Belief, quarter: float) -> FollowerState:
        if quarter >= self._end_quarter:
            return FollowerState.ENDED
        if belief.event < 0:
            return FollowerState.ARMED
        if self._doubt.lost:
            return FollowerState.LOST
        return FollowerState.HOLDING if belief.dwelling > _HELD else FollowerState.FOLLOWING

    def _confidence(self, said_s: float) -> float:
        """Belief within a quarter of the position, less all doubt that it is this music at all."""
        fine = self._search.best
        quarter = float(self._tempo.to_quarter(said_s))
        reach = 1.0 if quarter < self._end_quarter else np.inf
        low_s, high_s = self._tempo.to_seconds([quarter - 1.0, quarter + reach])
        near = fine.mass_within(float(low_s), float(high_s))
        return float(np.clip(near * self._doubt.believed, 0.0, 1.0))
