"""The conductor: hears where the soloist is, says where the ensemble is to be.

One value in a hop (`accompanist.followers.protocol.Estimate`), one value out (`Direction`). It is
a pure machine: what it says at a hop follows from the estimates and commands up to that hop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite

from accompanist.conducting.ensemble import EnsembleLine
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.patience import Patience
from accompanist.conducting.planner import Path, plan_path
from accompanist.conducting.settings import ConductorSettings, FollowMode, Start
from accompanist.conducting.soloist import News, Soloist
from accompanist.conducting.tempo_model import KalmanTempo, TempoModel
from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import Estimate
from accompanist.score.model import Score
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Conductor", "Direction"]

_OPEN = float("inf")
_COUNTED_SD_S, _COUNTED_SD = 0.03, 0.12
"""How sure the soloist's entry and tempo are after a count-in."""
_LOOP_EDGE_QUARTER = 1.0
_EDGE_QUARTER = 1e-9


@dataclass(frozen=True, slots=True)
class Direction:
    """What the ensemble is to do from this hop on."""

    timeline: Timeline
    """Quarter ↔ time of *sending* (the latency of the output already taken off)."""
    state: str
    """One of idle, armed, countin, following, holding, waiting, lost, ended."""
    jumped: bool
    """The ensemble's position has jumped to ``quarter``: what lies between is not played."""
    quarter: float
    """The ensemble's position now; it goes back only when ``jumped``."""
    follower_at: float | None = None
    """Where the follower is to look for the soloist, when a human (or a loop) has moved them."""


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
        self._bars = tuple((m.start_quarter, m.length_quarter) for m in score.measures)
        self._end_quarter = max(score.end_quarter, solo.end_quarter)
        self._commands: deque[Callable[[float], None]] = deque()
        self._auto_start_s = self._set.start_at_s
        self._locked = self._patience.mode is FollowMode.FIXED
        self._own_model: TempoModel | None = None
        self._loop: tuple[float, float] | None = None
        self._state = self._phase = "armed"
        self._start_quarter, self._first_event = 0.0, 0
        self._now_s = 0.0
        self._jumped = False
        self._follower_at: float | None = None
        self._blocked_from: float | None = None
        self._review_s = _OPEN
        self._ensemble = EnsembleLine(self._grid, self._set.latency_out_s)

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
        self._commands.append(lambda sound_s: self._do_locate(self._position(sound_s), sound_s))

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
        if self._phase == "armed" and self._set.start == Start.SOLOIST:
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
            if changed or sound_s >= self._review_s:
                self._replan(sound_s)
            self._judge(sound_s)
        return Direction(
            self._ensemble.sent,
            self._state,
            self._jumped,
            self._position(sound_s),
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
            self._phase = "playing"
        if self._locked:
            return
        model, quarter = self._soloist.model, self._position(sound_s)
        at = self._grid.release_quarter[event] if event is not None else news.place or 0.0
        at = min(max(at, 0.0), self._end_quarter)
        if quarter < at:
            written_s = self._grid.to_written(at) - self._grid.to_written(quarter)
            too_far = written_s * model.ratio > self._set.compress_s
            jump = too_far and self._grid.notes_between(quarter, at) > 0
        else:
            ahead_s = model.predict(quarter).time_s - sound_s
            rested = self._state == "waiting" and quarter > at
            jump = rested or self._goes_round(quarter, at) or ahead_s > self._set.rewind_s
        if jump:
            self._phase = "playing"
            self._jump(at, sound_s)

    # ---- planning -------------------------------------------------------------------------------

    def _replan(self, sound_s: float) -> None:
        soloist, quarter = self._soloist, self._position(sound_s)
        alone = self._locked and self._own_model is not None
        model = self._own_model if self._locked and self._own_model else soloist.model
        path = plan_path(
            self._grid,
            model,
            now_s=sound_s,
            quarter=quarter,
            heard=-1 if alone else soloist.heard,
            wait_s=(lambda _: 0.0) if alone else partial(self._patience.wait_s, soloist=soloist),
            end_quarter=self._end_quarter,
        )
        gate = _OPEN if alone else self._gate(path, quarter, sound_s)
        if self._loop is not None:
            gate = min(gate, max(self._loop[1], quarter))
        self._ensemble.follow(replace(path.timeline, gate_quarter=gate))
        self._review_s = path.timeline.times_s[-1]
        if soloist.lost_from is not None:
            patience_ends_s = soloist.lost_from + self._set.lost_s + self._set.latency_out_s
            if sound_s < patience_ends_s:
                self._review_s = min(self._review_s, patience_ends_s)
        if self._review_s <= sound_s:
            self._review_s = _OPEN

    def _gate(self, path: Path, quarter: float, sound_s: float) -> float:
        gate = self._patience.gate_quarter(
            path, self._soloist, quarter=quarter, now_s=self._now_s, sound_s=sound_s
        )
        return max(gate, quarter)

    def _judge(self, sound_s: float) -> None:
        """Name the state that the outside world sees."""
        quarter = self._position(sound_s)
        if quarter >= self._end_quarter - _EDGE_QUARTER:
            self._phase = self._state = "ended"
            return
        if self._phase == "countin" and quarter < self._start_quarter:
            self._state = "countin"
            return
        self._phase = "playing"
        if not self._ensemble.at_gate(quarter):
            self._blocked_from = None
            self._state = "following" if self._soloist.lost_from is None else "lost"
            return
        if self._blocked_from is None:
            self._blocked_from = self._now_s
        held_s = self._now_s - self._blocked_from
        quiet_s = min(self._soloist.silent_s(self._now_s), held_s)
        if held_s > self._set.stop_s or quiet_s > self._set.silence_s:
            self._state = "waiting"
        elif self._state != "waiting":
            self._state = "holding"

    # ---- commands -------------------------------------------------------------------------------

    def _do_start(self, sound_s: float) -> None:
        if self._phase not in ("armed", "idle"):
            return
        start, soloist = self._start_quarter, self._soloist
        bars = self._set.countin_bars if self._set.start == Start.COUNTIN else 0.0
        lead = bars * self._bar_length(start)
        first_s = sound_s + lead / self._grid.written_rate(start) * soloist.model.ratio
        soloist.model.set_ratio(soloist.model.ratio, _COUNTED_SD)
        soloist.model.begin(start, first_s, _COUNTED_SD_S)
        soloist.place(self._grid.event_from(start) - 1, first_s)
        self._begin_at(start - lead, sound_s)
        self._phase = "countin" if lead else "playing"
        if self._locked:
            self._own_model = soloist.model.copy()

    def _do_stop(self, sound_s: float) -> None:
        at = self._position(sound_s)
        self._start_quarter = min(max(at, 0.0), self._end_quarter)
        self._first_event = self._event_to_begin_with(self._start_quarter)
        self._phase = self._state = "idle"
        self._ensemble.close(at, sound_s)

    def _do_locate(self, quarter: float, sound_s: float) -> None:
        if not isfinite(quarter):
            return
        self._start_quarter = at = min(max(quarter, 0.0), self._end_quarter)
        self._first_event = self._event_to_begin_with(at)
        self._phase = self._state = "armed"
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

    def _goes_round(self, quarter: float, at: float) -> bool:
        """Whether the soloist has begun the loop again just before the ensemble does."""
        if self._loop is None:
            return False
        first, last = self._loop
        return last - quarter < _LOOP_EDGE_QUARTER and at < first + _LOOP_EDGE_QUARTER

    def _go_round(self, first: float, sound_s: float) -> None:
        """Start the loop again; the soloist is believed to do the same."""
        self._soloist.model.begin(first, sound_s, _COUNTED_SD_S)
        self._soloist.place(self._grid.event_from(first) - 1, sound_s)
        self._own_model = self._frozen(first, sound_s) if self._locked else None
        self._jump(first, sound_s)
        self._follower_at = first

    # ---- small change ---------------------------------------------------------------------------

    def _event_to_begin_with(self, quarter: float) -> int:
        return max(min(self._grid.event_from(quarter), len(self._grid) - 1), 0)

    def _frozen(self, quarter: float, sound_s: float) -> TempoModel:
        """Make a model that stands at ``quarter`` and hears nobody."""
        model = self._soloist.model.copy()
        model.begin(quarter, sound_s)
        return model

    def _bar_length(self, quarter: float) -> float:
        lengths = [length for start, length in self._bars if start + length > quarter]
        # A pickup is counted in with a whole bar.
        return max(lengths[:2], default=4.0)

    def _position(self, sound_s: float) -> float:
        return self._ensemble.position(sound_s)

    def _put(self, quarter: float, sound_s: float) -> None:
        rate = self._grid.written_rate(quarter) / self._soloist.model.ratio
        self._ensemble.put(quarter, sound_s, rate)
        self._blocked_from = None

    def _begin_at(self, quarter: float, sound_s: float) -> None:
        moved = abs(quarter - self._position(sound_s)) > _EDGE_QUARTER
        self._jumped = self._jumped or moved or quarter > 0
        self._put(quarter, sound_s)

    def _jump(self, quarter: float, sound_s: float) -> None:
        self._jumped = True
        self._put(quarter, sound_s)
        self._state = "following"
