"""The default follower, put together: ear, tuning search, position filter, relocation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import log2
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.company import Company
from accompanist.followers.bayes.grid import (
    LEAD_IN_S,
    TAIL_S,
    FilterSettings,
    PositionFilter,
    ScoreGrid,
)
from accompanist.followers.bayes.overview import landing_weights
from accompanist.followers.bayes.reporting import Reporting
from accompanist.followers.bayes.seek import Seeker
from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.strokes import StrokeMemory
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.bayes.tuning import TuningSearch
from accompanist.followers.protocol import (
    EnsembleNote,
    Estimate,
    FollowerState,
    Heard,
    OnsetReport,
)
from accompanist.hearing.bank import FilterBank
from accompanist.hearing.evidence import Ear
from accompanist.score.landings import weights_at
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["BayesFollower"]

_DELAY_S: Final = 0.01
"""What the filters' delay costs the position, made up for at the believed tempo."""

_A4_HZ: Final = 440.0
_TEMPO_MEMORY_S: Final = 1.0
_MATCH_MEMORY_S: Final = 1.0
_MATCH_EVEN: Final = 40.0
_MATCH_WIDTH: Final = 8.0
_MATCH_FIRST: Final = 100.0
"""The right place explains the sound 80 to 170 a second better than noise (in 10 dB of noise 45 to
110), a wrong piece 0 to 65: confidence turns between them."""

_HELD: Final = 0.5
_DOUBTFUL: Final = 2.0
_RUN: Final = 1.4
"""With log-odds under that of being right, nothing runs ahead at more than this times the tempo."""

_COAST_S: Final = 2.0
"""Whoever is lost is taken to go on in tempo for so long; then nothing more is claimed."""

_REPORT_DELAY_S: Final = 0.025


class BayesFollower:
    """Exact Bayesian filter on position × tempo; implements `Follower` for audio.

    Finds tuning (−233…+133 cents) and tempo (0.4…3.4 times the written one) by itself, from the
    first sample. A hop costs about 0.13 ms once the tuning is decided, twice that in a score of
    100 000 events, and up to 1 ms before. Not thread-safe.

    Parameters
    ----------
    solo, tempo
        What is played, and the written tempo.
    sample_rate, hop : int
        Hz, and samples a hop.
    settings : FilterSettings, optional
    a4_hz : float, optional
        How the soloist is tuned, to within half a semitone; found out where it is not known.
    landings : ndarray [shape=(n, 2)], optional
        Positions (quarters) where they would rather begin or go to, and how much rather.

    Raises
    ------
    ValueError
        If the solo has no event.
    """

    def __init__(
        self,
        solo: SoloLine,
        tempo: WrittenTempo,
        sample_rate: int,
        hop: int,
        settings: FilterSettings | None = None,
        *,
        a4_hz: float | None = None,
        landings: npt.NDArray[np.float64] | None = None,
    ) -> None:
        if len(solo) == 0:
            raise ValueError("a solo without notes cannot be followed")
        settings = settings or FilterSettings()
        hop_s = hop / sample_rate
        bank = FilterBank(sample_rate)
        self._ear = Ear(bank, hop_s)
        segments = make_segments(solo, tempo, LEAD_IN_S, TAIL_S)
        self._grid = ScoreGrid(segments, settings, hop_s)
        known = a4_hz is not None
        cents = 1200.0 * log2(a4_hz / _A4_HZ) if a4_hz is not None else 0.0
        self._templates = TemplateRing(bank, segments, cents)
        self._search = TuningSearch(self._grid, self._templates, settings, hop_s, known=known)
        likelier = None if landings is None else weights_at(solo.onsets_quarter, landings)
        landing = landing_weights(segments, likelier)
        self._seeker = Seeker(
            self._grid, self._templates, self._search, settings, self._ear, hop_s, landing
        )
        self._coasts: tuple[float, float] | None = None
        self._strokes = StrokeMemory(segments, hop_s)
        self._company: Company | None = None
        self._segment = 0
        self._onsets = solo.onsets_quarter
        self._end_quarter = solo.end_quarter
        self._tempo = tempo
        self._hop_s = hop_s
        self._memory = float(np.exp(-hop_s / _TEMPO_MEMORY_S))
        self._usual_tempo = self._grid.tempo_prior.copy()
        self._reporting = Reporting(self._grid, settings)
        self._leash_s = float(segments.event_s[0])
        self._last_tempo = 1.0
        self._match_per_s = _MATCH_FIRST

    def warm(self) -> None:
        """Load the compiled loops, so that the first real hop is as quick as any other.

        Works on a copy: nothing that is heard later is changed.
        """
        hop = round(self._hop_s * self._ear.bank.sample_rate)
        other, silence = deepcopy(self), np.zeros(hop, dtype=np.float32)
        for i in range(self._seeker.hops):
            other.feed(Heard((i + 1) * self._hop_s, silence))

    @property
    def latency_s(self) -> float:
        return _REPORT_DELAY_S

    @property
    def tuning_cents(self) -> float:
        """The soloist's tuning as believed now, cents above A = 440."""
        return self._search.cents

    @property
    def a4_hz(self) -> float:
        """The soloist's A, as believed now."""
        return float(_A4_HZ * 2.0 ** (self._search.cents / 1200.0))

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        wanted = -np.inf if quarter is None else quarter - 1e-6
        event = min(int(np.searchsorted(self._onsets, wanted)), len(self._onsets) - 1)
        self._search.wait_at(event)
        self._strokes.forget_row()
        self._seeker.restart(event, anywhere=anywhere)
        self._coasts = None
        self._reporting.last_event = event - 1
        self._leash_s = float(self._grid.segments.event_s[event])
        self._match_per_s = _MATCH_FIRST

    def ensemble(self, notes: Sequence[EnsembleNote]) -> None:
        self._with_company().notes(notes)

    def ensemble_sound(self, samples: npt.NDArray[np.float32]) -> None:
        self._with_company().sound(samples)

    def _with_company(self) -> Company:
        if self._company is None:
            self._company = Company(self._ear, self._grid.segments, self._hop_s)
        return self._company

    def feed(self, heard: Heard) -> Estimate:
        ear = self._ear
        if self._company is None:
            ear.hear(heard.samples)
        else:
            templates = self._templates
            self._company.hear(heard.samples, heard.time_s, self._segment, templates)
        self._strokes.hear(ear.rise)
        was_open = not self._search.decided
        belief = self._search.step(
            ear.whole, ear.rise, ear.presence, self._strokes.audible, ear.others
        )
        if was_open and self._search.decided:
            self._seeker.retune()
        weight = self._hop_s / _MATCH_MEMORY_S * ear.presence
        self._match_per_s += weight * (belief.match_per_s - self._match_per_s)
        position_s, tempo, held = self._grid.position_s(belief.cell), belief.tempo, belief.held
        sure_s = self._grid.position_s(belief.sure_cell)
        self._segment = int(self._grid.cell_segment[int(belief.cell)])
        if held < _HELD:
            self._usual_tempo *= self._memory
            self._usual_tempo += (1 - self._memory) * self._search.best.tempo_mass
        found = self._seeker.step(belief, self._strokes.audible, self._usual_tempo)
        fine = self._search.best
        if found is not None:
            position_s, tempo, held = found.position_s, found.tempo, 0.0
            sure_s = position_s
            self._strokes.forget_row()
            self._reporting.go_back(position_s)
        said_s = self._restrained(self._say(position_s, tempo), found is not None)
        was_lost = self._coasts is not None
        said_s = self._coast(said_s, heard.time_s)
        lost = self._coasts is not None
        relocated = not lost and (was_lost or found is not None)
        quarter = min(float(self._tempo.to_quarter(said_s)), self._end_quarter)
        if quarter < self._end_quarter:
            self._last_tempo = tempo
        onsets: tuple[OnsetReport, ...] = ()
        if not lost:
            sure_s = min(said_s, self._say(sure_s, tempo))
            onsets = self._report(sure_s, said_s, heard.time_s, tempo, relocated)
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            # Behind the last note there is nothing to tell a tempo by.
            quarters_per_s=self._last_tempo * self._tempo.rate_at(quarter),
            confidence=self._confidence(quarter, fine),
            state=self._state(held, quarter, waits=fine.waits >= 0),
            onsets=onsets,
            relocated=relocated,
            level_db=self._ear.level_db,
        )

    def _restrained(self, said_s: float, found: bool) -> float:
        """Keep what is said from running ahead while it is doubtful where they are."""
        if not found and self._seeker.trust.odds < _DOUBTFUL:
            weight = float(self._usual_tempo.sum())
            usual = float(np.exp(self._usual_tempo @ self._grid.log_tempi / weight))
            said_s = min(said_s, self._leash_s + _RUN * usual * self._hop_s)
        self._leash_s = said_s
        return said_s

    def _coast(self, said_s: float, time_s: float) -> float:
        """Go on in tempo for a while from where the track was lost, and then no further."""
        if not self._seeker.trust.lost:
            self._coasts = None
            return said_s
        if self._coasts is None:
            self._coasts = (said_s, time_s)
        at_s, since_s = self._coasts
        return at_s + min(time_s - since_s, _COAST_S) * self._last_tempo

    def _say(self, position_s: float, tempo: float) -> float:
        """Make up for the delay, but never pass an onset that has not been crossed."""
        said = position_s + _DELAY_S * tempo
        events = self._grid.segments.event_s
        following = int(np.searchsorted(events, position_s, side="right"))
        if following < len(events):
            said = min(said, max(position_s, float(events[following])))
        return said

    def _report(
        self, sure_s: float, said_s: float, time_s: float, tempo: float, relocated: bool
    ) -> tuple[OnsetReport, ...]:
        events = self._grid.segments.event_s
        due = self._reporting.passed(sure_s, self._search.best, relocated=relocated)
        if due:
            self._strokes.report(due[-1], self._templates)
        return tuple(
            OnsetReport(
                reported_s=time_s,
                time_s=time_s - max(0.0, said_s - float(events[e])) / tempo,
                quarter=float(self._onsets[e]),
                event=e,
            )
            for e in due
        )

    def _state(self, held: float, quarter: float, *, waits: bool) -> FollowerState:
        if quarter >= self._end_quarter:
            return FollowerState.ENDED
        if self._seeker.trust.lost:
            return FollowerState.LOST
        if held > _HELD:
            return FollowerState.ARMED if waits else FollowerState.HOLDING
        return FollowerState.FOLLOWING

    def _confidence(self, quarter: float, fine: PositionFilter) -> float:
        """Belief within a quarter of the position, less all doubt that it is this music at all."""
        grid = self._grid
        reach = 1.0 if quarter < self._end_quarter else np.inf
        bounds = self._tempo.to_seconds([quarter - 1.0, quarter + reach])
        first = max(int(fine.support[4]), grid.cell_of(float(bounds[0])))
        end = min(int(fine.support[5]), grid.cell_of(float(bounds[1])) + 1)
        rows = np.arange(first, end) & (len(fine.row_mass) - 1)
        near = float(fine.row_mass[rows].sum())
        fits = 1.0 / (1.0 + np.exp(-(self._match_per_s - _MATCH_EVEN) / _MATCH_WIDTH))
        return float(np.clip(near * self._seeker.sureness * fits, 0.0, 1.0))
