"""The follower of recordings, put together: ear, filter, what is said."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport
from accompanist.followers.recording.listen import SoloEar
from accompanist.followers.recording.overview import FITS_LEAST, Overview
from accompanist.followers.recording.place import Belief, PlaceFilter
from accompanist.followers.recording.rival import Rivals
from accompanist.followers.recording.settings import RecordingSettings
from accompanist.followers.recording.templates import TemplateWindow
from accompanist.recordings.reference import Reference, loud_level
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["RecordingFollower"]

_HELD: Final = 0.5
_REPORT_DELAY_S: Final = 0.025
_SOUNDS: Final = 0.5
_STROKE: Final = 0.2
_BEFORE_S: Final = 0.12
_AFTER_S: Final = 0.12
"""An event that is passed is reported if something begins within these of its passing."""

_AT_ONCE: Final = 3
_RIVALS: Final = 3
"""Other places tried at the same time."""

_WARM_ROWS: Final = 32
_BACK_EVENTS: Final = 4
_FIT_EVEN: Final = 0.45
_FIT_WIDTH: Final = 0.12
"""The right place fits with .6 to 1.5, another piece with -.2 to .6."""

_SETTLED: Final = 0.2
"""Who may begin anywhere is found when they are trusted so far to be where they are believed."""

_REST_S: Final = 1.9
"""Told to be where the soloist rests for longer than this, they are awaited at their entry."""

_LIKELY: Final = 0.6
_HERE: Final = 0.2
"""… and till then they are lost if the overview has not come to believe so much that they are
here, or has come to believe less than this."""

_BELIEVED: Final = 0.5
"""Who leaps, or fits badly for long, is not lost where the overview believes so much in them."""

_DOUBT: Final = 0.6
_FITS: Final = 0.6
_AWHILE_S: Final = 0.25
"""So long there must be reason to call them lost."""
_POOR: Final = 0.25


class RecordingFollower:
    """Follows a soloist by a recording of the same music; implements `Follower` for audio.

    Not thread-safe.

    Parameters
    ----------
    reference : Reference
        What is heard in the recording.
    solo, tempo
        Events that are reported, and the map from quarters to seconds of the recording.
    sample_rate, hop : int
        Hz, and samples a hop.
    settings : RecordingSettings, optional

    Raises
    ------
    ValueError
        If the reference has no row.
    """

    def __init__(
        self,
        reference: Reference,
        solo: SoloLine,
        tempo: WrittenTempo,
        sample_rate: int,
        hop: int,
        settings: RecordingSettings | None = None,
    ) -> None:
        if len(reference.spectra) == 0:
            raise ValueError("a recording without sound cannot be followed")
        self._s = settings or RecordingSettings()
        self._hop, self._hop_s = hop, hop / sample_rate
        self._row_s = reference.hop_s
        self._duration_s = reference.duration_s
        self._places = len(reference.spectra)
        self._ear = SoloEar(sample_rate, hop, reference.spectra.shape[1])
        loud = reference.loud
        if loud is None:
            loud = loud_level(reference.spectra.sum(axis=1, dtype=np.float32))
        filters = [
            PlaceFilter(
                TemplateWindow(reference, self._ear.bands, loud, self._s.most_share),
                self._places, self._row_s, self._hop_s, self._s,
            )
            for _ in range(1 + _RIVALS)
        ]  # fmt: skip
        self._filter = filters[0]
        self._rivals = Rivals(filters[1:], self._row_s, self._hop_s)
        self._overview = Overview(reference, self._ear, self._hop_s)
        self._solo, self._tempo, self._rate = solo, tempo, sample_rate
        self._onsets = solo.onsets_quarter
        self._events_s = tempo.to_seconds(solo.onsets_quarter)
        self._first_place = self._first_sound(reference, loud)
        if len(self._events_s):  # where the soloist is known to come in later: there
            entry = int(float(self._events_s[0]) / self._row_s)
            self._first_place = min(max(self._first_place, entry), self._places - 1)
        self._last_event = -1
        self.locate(None)

    def warm(self) -> None:
        """Load the compiled loops, so that the first real hop is as quick as any other.

        Works on another, tiny recording: nothing that is heard later is changed.
        """
        rows = np.zeros((_WARM_ROWS, self._ear.bands), dtype=np.float16)
        other = RecordingFollower(
            Reference(self._row_s, rows), self._solo, self._tempo, self._rate, self._hop, self._s
        )
        samples = np.zeros(self._hop, dtype=np.float32)
        for i in range(_WARM_ROWS):
            other.feed(Heard((i + 1) * self._hop_s, samples))

    @property
    def latency_s(self) -> float:
        return _REPORT_DELAY_S

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        s = self._s
        if quarter is None:
            first = max(0, self._first_place - round(0.1 / self._row_s))
            end = min(self._places, self._first_place + round(s.start_s / self._row_s) + 1)
            places = np.arange(first, end)
            weights = np.ones(len(places))
            near = 1.0 - np.abs(places - self._first_place) * self._row_s / s.start_near_s
            near = np.maximum(near, 0.0)
            weights *= (1.0 - s.start_share) / len(places)
            weights += s.start_share * near / near.sum()
            start_s = self._first_place * self._row_s
        else:
            start_s = float(np.clip(self._tempo.to_seconds(quarter), 0.0, self._duration_s))
            upcoming = self._events_s[self._events_s >= start_s - 1e-3]
            if len(upcoming) and upcoming[0] - start_s > _REST_S:
                start_s = float(upcoming[0])
            middle = min(int(start_s / self._row_s), self._places - 1)
            reach = round(s.locate_s / self._row_s)
            places = np.arange(max(0, middle - reach), min(self._places, middle + reach + 1))
            weights = 1.0 - np.abs(places - middle) / (reach + 1)
        self._filter.wait_at(places, weights)
        self._waits_s = start_s
        self._pending: tuple[tuple[int, float], ...] = ()
        self._unheard_s = 1.0
        self._heard_from_s: float | None = None
        """When they began to be heard: nothing that they play began earlier."""
        self._rivals.drop()
        told = quarter is not None and not anywhere
        self._overview.restart(start_s / self._row_s, told=told, anywhere=anywhere)
        self._sought, self._likely_here = anywhere, False
        self._lost_s = 0.0
        self._last_event = int(np.searchsorted(self._events_s, start_s - 1e-3)) - 1

    def feed(self, heard: Heard) -> Estimate:
        self._ear.hear(heard.samples)
        belief = self._filter.step(self._ear)
        found = self._overview.step(belief.place, belief.waiting < _HELD)
        chosen = self._rivals.step(self._ear, belief, self._overview.trust)
        if chosen is not None:
            self._rivals.exchange(chosen, self._filter)
            self._filter = chosen
            self._overview.distrust()
            self._sought = False
        elif found is not None:
            self._rivals.propose(found, self._overview, self._filter)
        relocated = chosen is not None
        said_s = self._say(belief)
        quarter = float(self._tempo.to_quarter(said_s))
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            quarters_per_s=belief.tempo * self._tempo.rate_at(quarter),
            confidence=self._confidence(quarter),
            state=self._state(belief, said_s),
            onsets=self._report(belief, said_s, heard.time_s, relocated),
            relocated=relocated,
            level_db=self._ear.level_db,
        )

    def _first_sound(self, reference: Reference, loud: float) -> int:
        """Find the first row that sounds."""
        from accompanist.recordings.reference_features import FLOOR_GAIN

        for first in range(0, self._places, 1000):
            levels = reference.spectra[first : first + 1000].sum(axis=1, dtype=np.float32)
            sounding = np.flatnonzero(levels / (levels + loud * FLOOR_GAIN + 1e-6) > _SOUNDS)
            if len(sounding):
                return first + int(sounding[0])
        return 0

    def _say(self, belief: Belief) -> float:
        if belief.waiting > _HELD:
            return self._waits_s
        s = self._s
        delay = s.delay_s + self._ear.delay_s
        said = (belief.place + 1.0) * self._row_s - delay * (1.0 - belief.tempo)
        going = 1.0 - belief.held
        said += s.lead_s * belief.tempo * going
        if self._ear.presence > _SOUNDS:
            wide = belief.wide * self._row_s - s.wide_from_s * belief.tempo
            said += s.wide_lead * min(max(wide, 0.0), s.wide_most_s) * going
        return float(np.clip(said, 0.0, self._duration_s))

    def _report(
        self, belief: Belief, said_s: float, time_s: float, relocated: bool
    ) -> tuple[OnsetReport, ...]:
        """Events that have been passed and were heard to begin, or begin soon after."""
        self._unheard_s += self._hop_s
        if self._ear.presence > _SOUNDS and self._heard_from_s is None:
            self._heard_from_s = time_s - _REPORT_DELAY_S
        began_s = time_s if self._heard_from_s is None else self._heard_from_s
        if self._ear.stroke > _STROKE:
            self._unheard_s = 0.0
        if belief.waiting > _HELD:
            return ()
        passed = int(np.searchsorted(self._events_s, said_s + 1e-9)) - 1
        if relocated or passed < self._last_event - _BACK_EVENTS:
            self._last_event = passed
            self._pending = ()
            return ()
        fresh = range(max(self._last_event, passed - _AT_ONCE) + 1, passed + 1)
        self._last_event = max(self._last_event, passed)
        late = tuple((e, s) for e, s in self._pending if time_s - s < _AFTER_S and e not in fresh)
        crossed = tuple(
            (e, max(began_s, time_s - max(0.0, said_s - float(self._events_s[e])) / belief.tempo))
            for e in fresh
        )
        self._pending = late + crossed
        if self._unheard_s > _BEFORE_S:
            return ()
        told, self._pending = self._pending, ()
        return tuple(
            OnsetReport(reported_s=time_s, time_s=s, quarter=float(self._onsets[e]), event=e)
            for e, s in told
        )

    def _state(self, belief: Belief, said_s: float) -> FollowerState:
        if belief.waiting > _HELD:
            return FollowerState.ARMED
        overview = self._overview
        if said_s >= self._duration_s - 2 * self._row_s and overview.leaps <= 1:
            return FollowerState.ENDED
        self._sought = self._sought and overview.trust < _SETTLED
        if self._sought:
            self._likely_here = overview.share_here > (_HERE if self._likely_here else _LIKELY)
        # Music that comes back: the other place fits better just now, this one fits as well.
        doubted = self._rivals.doubt > _DOUBT and overview.fit_here < _FITS
        # A right place that fits badly, or was left and found again, is still the likeliest of all.
        believed = overview.share_long > _BELIEVED
        stray = not believed and (overview.leaps > 1 or overview.fit_long < FITS_LEAST)
        lost = doubted or stray or overview.fit_here < _POOR
        self._lost_s = self._lost_s + self._hop_s if lost else 0.0
        if self._lost_s > _AWHILE_S or (self._sought and not self._likely_here):
            return FollowerState.LOST
        if belief.held > _HELD:
            return FollowerState.HOLDING
        return FollowerState.FOLLOWING

    def _confidence(self, quarter: float) -> float:
        """Belief within a beat of the position, less all doubt that it is this music at all."""
        bounds: npt.NDArray[np.float64] = self._tempo.to_seconds([quarter - 1.0, quarter + 1.0])
        support = self._filter.support
        first = max(int(support[0]), int(bounds[0] / self._row_s))
        end = min(int(support[1]), int(bounds[1] / self._row_s) + 1)
        rows = np.arange(first, end) & (len(self._filter.row_mass) - 1)
        near = float(self._filter.row_mass[rows].sum())
        overview = self._overview
        fits = 1.0 / (1.0 + np.exp(-(overview.fit_here - _FIT_EVEN) / _FIT_WIDTH))
        # From one place to the next, at none for long, and at none that the whole speaks for.
        if overview.leaps > 1 and overview.share_long < _BELIEVED:
            fits *= 0.5
        return float(np.clip(near * fits * (1.0 - self._rivals.doubt), 0.0, 1.0))
