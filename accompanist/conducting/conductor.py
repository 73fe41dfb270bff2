"""The conductor: hears where the soloist is, says where the ensemble is to be.

One value in a hop (`accompanist.followers.protocol.Estimate`), one value out (`Direction`). It is
a pure machine: what it says at a hop follows from the estimates and commands up to that hop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite

from accompanist.conducting.beginning import Beginnings, Entry
from accompanist.conducting.direction import Direction
from accompanist.conducting.ensemble import EnsembleLine
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.lead import Lead
from accompanist.conducting.patience import Patience
from accompanist.conducting.settings import ConductorSettings, FollowMode, Start
from accompanist.conducting.soloist import News, Soloist
from accompanist.conducting.tempo_model import KalmanTempo, TempoModel
from accompanist.followers.protocol import Estimate
from accompanist.score.model import Score
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Conductor", "Direction"]

_OPEN = float("inf")
_COUNTED_SD_S, _COUNTED_SD = 0.03, 0.12
"""How sure the soloist's entry and tempo are after a count-in."""
_EDGE_QUARTER = 1e-9


class Conductor:
    """Leads the ensemble with the soloist. Not thread-safe: commands come between two hops.

    Parameters
    ----------
    score, solo, tempo
        The piece, the soloist's events, the written tempo.
    settings : ConductorSettings, optional
    accompaniment_onsets_quarter : sequence of float
        Where the ensemble's notes begin; tells coincident notes and rests of everybody.
    tempo_model : callable, optional
        Makes the tempo model; the extended Kalman filter unless told.
    """

    def __init__(
        self,
        score: Score,
        solo: SoloLine,
        tempo: WrittenTempo,
        settings: ConductorSettings | None = None,
        accompaniment_onsets_quarter: Sequence[float] = (),
        *,
        tempo_model: Callable[[SoloGrid], TempoModel] = KalmanTempo,
    ) -> None:
        self._set = settings or ConductorSettings()
        self._grid = SoloGrid(solo, tempo, score, accompaniment_onsets_quarter)
        self._soloist = Soloist(
            self._grid, tempo_model(self._grid), self._set.report_delay_s, self._set.dwell_s
        )
        self._patience = Patience(self._grid, self._set)
        self._beginnings = Beginnings(self._grid, score.measures)
        self._end_quarter = max(score.end_quarter, solo.end_quarter)
        self._commands: deque[Callable[[float], None]] = deque()
        self._auto_start_s = self._set.start_at_s
        self._locked = self._patience.mode is FollowMode.FIXED
        self._own_model: TempoModel | None = None
        self._loop: tuple[float, float] | None = None
        self._state = self._phase = "armed"
        self._awaits_soloist = self._set.start == Start.SOLOIST
        self._start_quarter, self._first_event = 0.0, 0
        self._now_s = 0.0
        self._jumped = False
        self._follower_at: float | None = None
        self._entry: Entry | None = None
        self._ensemble = EnsembleLine(self._grid, self._set.latency_out_s)
        self._lead = Lead(self._grid, self._set, self._patience, self._ensemble, self._end_quarter)

    @property
    def model(self) -> TempoModel:
        """The belief about the soloist's tempo (read only)."""
        return self._soloist.model

    @property
    def report_delay_s(self) -> float:
        """Mean report delay as measured so far."""
        return self._soloist.delay_s

    # ---- the human hand: every command takes effect with the next hop ---------------------------

    def start(self) -> None:
        """Begin now, with a count-in if the settings say so, without waiting for the soloist."""
        self._commands.append(self._do_start)

    def stop(self) -> None:
        """Stop; `start`, `arm` or `locate` go on from here."""
        self._commands.append(self._do_stop)

    def arm(self) -> None:
        """Wait for the soloist's next note at the place where the ensemble stands."""
        self._commands.append(lambda sound_s: self._do_locate(self._place(sound_s), sound_s))

    def locate(self, quarter: float) -> None:
        """Go to ``quarter`` and wait for the soloist there."""
        self._commands.append(partial(self._do_locate, quarter))

    def lock(self, locked: bool) -> None:
        """Freeze the tempo, or follow again."""
        self._commands.append(partial(self._do_lock, locked))

    def cue(self) -> None:
        """Go on: the soloist is at the next solo note now."""
        self._commands.append(self._do_cue)

    def loop(self, first_quarter: float | None, last_quarter: float | None = None) -> None:
        """Go back to the first position whenever the last is reached; ``None`` ends it."""
        wanted = None
        if first_quarter is not None and last_quarter is not None and last_quarter > first_quarter:
            wanted = (first_quarter, last_quarter)
        self._commands.append(partial(self._do_loop, wanted))

    def follow(self, mode: FollowMode | str) -> None:
        """Change who leads."""
        self._commands.append(partial(self._do_mode, FollowMode(mode)))

    # ---- every hop ------------------------------------------------------------------------------

    def hear(self, estimate: Estimate) -> Direction:
        """Take one hop's estimate; say where the ensemble is and how it goes on."""
        self._now_s = now_s = estimate.time_s
        sound_s = now_s + self._set.latency_out_s
        self._jumped, self._follower_at = False, None
        self._ensemble.note_releases(self._position(sound_s))
        own_s = self._ensemble.released_s.pop(self._soloist.heard, None)
        if own_s is not None:
            self._patience.drag.released(own_s, self._soloist.heard_s)
        if self._auto_start_s is not None and now_s >= self._auto_start_s:
            self._auto_start_s = None
            self._commands.append(self._do_start)
        changed = bool(self._commands)
        while self._commands:
            self._commands.popleft()(sound_s)
        if self._phase == "armed" and self._awaits_soloist:
            first = self._soloist.first_note(estimate, self._first_event)
            if first is not None:
                self._begin_with(*first, sound_s)
                changed = True
        if self._phase in ("playing", "countin", "ended"):
            news = self._soloist.hear(estimate)
            changed |= news.changed
            if news.event is not None or news.place is not None:
                self._meet(news, sound_s)
        if self._phase in ("playing", "countin"):
            if self._loop is not None and self._position(sound_s) >= self._loop[1] - _EDGE_QUARTER:
                self._go_round(self._loop[0], sound_s)
                changed = True
            if changed or sound_s >= self._lead.review_s:
                self._replan(sound_s)
            self._judge(sound_s)
        return Direction(
            self._ensemble.sent,
            self._state,
            self._jumped,
            self._position(sound_s),
            self._place(sound_s),
            self._follower_at,
        )

    def _begin_with(self, event: int, time_s: float, sound_s: float) -> None:
        """Begin where the soloist has begun."""
        at = self._grid.release_quarter[event]
        self._soloist.begin(event, time_s)
        self._phase = "playing"
        self._begin_at(at, sound_s)
        self._own_model = self._frozen(at, sound_s) if self._locked else None

    def _meet(self, news: News, sound_s: float) -> None:
        """Jump where the ensemble can no longer get to the soloist by playing."""
        if self._phase == "ended" and news.place is None:
            return
        event = news.event
        if event is not None:
            self._phase, self._entry = "playing", None
        if self._locked:
            return
        at = self._grid.release_quarter[event] if event is not None else news.place or 0.0
        at = min(max(at, 0.0), self._end_quarter)
        if self._lead.must_jump(
            self._soloist,
            quarter=self._position(sound_s),
            at=at,
            sound_s=sound_s,
            waiting=self._state == "waiting",
            loop=self._loop,
        ):
            self._phase = "playing"
            self._jump(at, sound_s)

    def _replan(self, sound_s: float) -> None:
        self._lead.replan(
            self._soloist,
            now_s=self._now_s,
            sound_s=sound_s,
            alone=self._own_model if self._locked else None,
            entry=self._entry,
            loop_end=_OPEN if self._loop is None else self._loop[1],
        )

    def _judge(self, sound_s: float) -> None:
        """Name the state that the outside world sees."""
        quarter = self._position(sound_s)
        if quarter >= self._end_quarter - _EDGE_QUARTER:
            self._phase = self._state = "ended"
        elif self._counting(quarter):
            self._state = "countin"
        else:
            self._phase = "playing"
            self._state = self._lead.state(self._state, quarter, self._soloist, self._now_s)

    # ---- commands -------------------------------------------------------------------------------

    def _do_start(self, sound_s: float) -> None:
        if self._phase not in ("armed", "idle"):
            return
        soloist = self._soloist
        bars = self._set.countin_bars if self._set.start == Start.COUNTIN else 0.0
        ratio = soloist.model.ratio
        entry = self._beginnings.entry(self._start_quarter, bars, sound_s, ratio)
        soloist.model.set_ratio(ratio, _COUNTED_SD)
        soloist.model.begin(entry.quarter, entry.time_s, _COUNTED_SD_S)
        before = self._grid.event_from(entry.quarter) - 1
        soloist.place(before, sound_s, counted=True)
        self._begin_at(entry.quarter, sound_s, entry.lead_quarter)
        self._phase = "countin" if entry.lead_quarter else "playing"
        self._entry = entry
        if self._locked:
            self._own_model = soloist.model.copy()

    def _do_stop(self, sound_s: float) -> None:
        at = self._place(sound_s)
        self._start_quarter = min(max(at, 0.0), self._end_quarter)
        self._first_event = self._beginnings.first_event(self._start_quarter)
        self._phase = self._state = "idle"
        self._ensemble.close(at, sound_s)

    def _do_locate(self, quarter: float, sound_s: float) -> None:
        if not isfinite(quarter):
            return
        self._start_quarter = at = min(max(quarter, 0.0), self._end_quarter)
        self._first_event = self._beginnings.first_event(at)
        self._phase = self._state = "armed"
        self._awaits_soloist = True
        self._follower_at = at
        self._jumped = True
        self._ensemble.close(at, sound_s)

    def _do_lock(self, locked: bool, sound_s: float) -> None:
        self._locked = locked
        playing = locked and self._phase in ("playing", "countin")
        self._own_model = self._frozen(self._position(sound_s), sound_s) if playing else None

    def _do_mode(self, mode: FollowMode, sound_s: float) -> None:
        was, self._patience.mode = self._patience.mode, mode
        if (mode is FollowMode.FIXED) != (was is FollowMode.FIXED):
            self._do_lock(mode is FollowMode.FIXED, sound_s)

    def _do_cue(self, sound_s: float) -> None:
        if self._phase == "armed" and len(self._grid):
            self._begin_with(self._first_event, self._now_s, sound_s)
            return
        quarter, soloist = self._position(sound_s), self._soloist
        event = self._grid.event_from(quarter)
        if self._ensemble.at_gate(quarter):
            event = max(soloist.heard, soloist.crossed) + 1
        if self._phase == "playing" and event < len(self._grid):
            soloist.take(event, self._now_s)
            self._meet(News(event=event), sound_s)

    def _do_loop(self, wanted: tuple[float, float] | None, sound_s: float) -> None:
        self._loop = wanted

    def _go_round(self, first: float, sound_s: float) -> None:
        """Start the loop again; the soloist is believed to do the same."""
        self._soloist.model.begin(first, sound_s, _COUNTED_SD_S)
        self._soloist.place(self._grid.event_from(first) - 1, sound_s)
        self._own_model = self._frozen(first, sound_s) if self._locked else None
        self._jump(first, sound_s)
        self._follower_at = first

    # ---- small change ---------------------------------------------------------------------------

    def _frozen(self, quarter: float, sound_s: float) -> TempoModel:
        """Make a model that stands at ``quarter`` and hears nobody."""
        model = self._soloist.model.copy()
        if not self._counting(quarter):
            model.begin(quarter, sound_s)
        return model

    def _counting(self, quarter: float) -> bool:
        """Whether ``quarter`` is still only counted."""
        if self._phase != "countin" or self._entry is None:
            return False
        return quarter < self._entry.quarter and not self._ensemble.at_gate(quarter)

    def _position(self, sound_s: float) -> float:
        return self._ensemble.position(sound_s)

    def _place(self, sound_s: float) -> float:
        """Give the position, but not before the place that is being counted in to."""
        quarter = self._position(sound_s)
        return self._entry.quarter if self._entry and self._counting(quarter) else quarter

    def _put(self, quarter: float, sound_s: float, lead_quarter: float = 0.0) -> None:
        rate = self._grid.written_rate(quarter) / self._soloist.model.ratio
        self._ensemble.put(quarter, sound_s, rate, lead_quarter)
        self._lead.unblock()
        self._entry = None

    def _begin_at(self, quarter: float, sound_s: float, lead_quarter: float = 0.0) -> None:
        at = quarter - lead_quarter
        moved = abs(at - self._position(sound_s)) > _EDGE_QUARTER
        self._jumped = self._jumped or moved or at > 0
        self._put(quarter, sound_s, lead_quarter)

    def _jump(self, quarter: float, sound_s: float) -> None:
        self._jumped = True
        self._put(quarter, sound_s)
        self._state = "following"
