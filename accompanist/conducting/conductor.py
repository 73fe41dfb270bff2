"""The conductor: hears where the soloist is, says where the ensemble is to be.

One value in a hop (`accompanist.followers.protocol.Estimate`), one value out (`Direction`). It is
a pure machine: what it says at a hop follows from the estimates and commands up to that hop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accompanist.conducting.commands import Commands
from accompanist.conducting.direction import Direction
from accompanist.conducting.dynamics import LIMIT_DB, RECORDING_LIMIT_DB, Dynamics
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.flow_tempo import FlowTempo
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.hand import Hand
from accompanist.conducting.mixed_tempo import foreseeing
from accompanist.conducting.rounds import Rounds
from accompanist.conducting.settings import ConductorSettings, FollowMode
from accompanist.conducting.soloist import News
from accompanist.conducting.stage import EDGE_QUARTER, Stage
from accompanist.conducting.tempo_hand import TempoHand
from accompanist.conducting.tempo_model import TempoModel
from accompanist.conducting.transport import Transport
from accompanist.followers.protocol import Estimate
from accompanist.score.model import Score
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Conductor", "Direction"]


class Conductor(Commands):
    """Leads the ensemble with the soloist. Not thread-safe: commands come between two hops.

    Parameters
    ----------
    score, solo, tempo
        The piece, the soloist's events, the written tempo.
    settings : ConductorSettings, optional
    accompaniment_onsets_quarter : sequence of float
        Where the ensemble's notes begin; tells coincident notes and rests of everybody.
    tempo_model : callable, optional
        Makes the tempo model; unless told `foreseeing`, for a recording `FlowTempo`.
    performances : sequence of Performance
        Earlier ones of this piece, from which the next is expected.
    """

    def __init__(
        self,
        score: Score,
        solo: SoloLine,
        tempo: WrittenTempo,
        settings: ConductorSettings | None = None,
        accompaniment_onsets_quarter: Sequence[float] = (),
        *,
        tempo_model: Callable[[SoloGrid], TempoModel] | None = None,
        performances: Sequence[Performance] = (),
    ) -> None:
        settings = settings or ConductorSettings()
        grid = SoloGrid(solo, tempo, score, accompaniment_onsets_quarter)
        end_quarter = max(score.end_quarter, solo.end_quarter)
        if tempo_model is not None:
            model = tempo_model(grid)
        else:
            model = FlowTempo(grid) if grid.continuous else foreseeing(grid, solo, performances)
        stage = Stage(score, grid, model, settings, end_quarter)
        stage.soloist.rehearsed(performances)
        hand = TempoHand(grid, score.tempo_marks, stage.beats, _usual_qpm(grid, end_quarter))
        super().__init__(
            stage, Transport(stage), Rounds(stage), hand, Hand(stage, hand, self._meet)
        )
        self._auto_start_s = settings.start_at_s
        self._fade = 1.0
        limit_db = RECORDING_LIMIT_DB if grid.continuous else LIMIT_DB
        self._dynamics = Dynamics(solo, performances=performances, limit_db=limit_db)

    @property
    def model(self) -> TempoModel:
        """The belief about the soloist's tempo (read only)."""
        return self._stage.soloist.model

    @property
    def report_delay_s(self) -> float:
        """Mean report delay as measured so far."""
        return self._stage.soloist.habits.delay_s

    def hear(self, estimate: Estimate) -> Direction:
        """Take one hop's estimate; say where the ensemble is and how it goes on."""
        stage = self._stage
        stage.estimate = estimate
        stage.now_s = now_s = estimate.time_s
        stage.sound_s = now_s + stage.settings.ahead_s
        stage.jumped, stage.follower_at, stage.anywhere = False, None, False
        ensemble, soloist = stage.ensemble, stage.soloist
        ensemble.note_releases(ensemble.position(stage.sound_s))
        own_s = ensemble.released_s.pop(soloist.heard, None)
        if own_s is not None:
            stage.patience.drag.released(own_s, soloist.heard_s)
        if self._auto_start_s is not None and now_s >= self._auto_start_s:
            self._auto_start_s = None
            self.start()
        changed = bool(self._queue) and self._carry_out()
        if stage.phase == "armed" and self._transport.awaits_soloist and not stage.conducted:
            first = soloist.first_note(estimate, stage.first_event)
            if first is not None:
                stage.begin_with(*first)
                if estimate.relocated and estimate.quarter > stage.position:
                    stage.skip(min(estimate.quarter, stage.end_quarter))
                changed = True
        if stage.phase in ("playing", "countin", "ended"):
            news = soloist.hear(estimate)
            changed |= news.changed
            if soloist.entry is not None:
                stage.follower_at = soloist.entry
            if news.event is not None or news.place is not None:
                self._meet(news)
        self._fade = 1.0
        if stage.phase in ("playing", "countin"):
            if self._rounds.region is not None:
                changed |= self._rounds.go()
            changed |= stage.look_around()
            if changed or stage.sound_s >= stage.lead.review_s:
                self._replan()
            quarter = ensemble.told(stage.sound_s)
            self._judge(quarter)
        else:
            quarter = ensemble.told(stage.sound_s)
        return Direction(
            ensemble.sent,
            stage.state,
            stage.jumped,
            quarter,
            quarter if stage.entry is None else stage.place,
            stage.follower_at,
            stage.anywhere,
            self._fade,
            self._lean_db(estimate),
        )

    def _lean_db(self, estimate: Estimate) -> float:
        """How much louder than written to play, to be with the soloist."""
        stage = self._stage
        listens = stage.ears.mode is not FollowMode.FIXED
        self._dynamics.depth = stage.settings.dynamics_depth if listens else 0.0
        return self._dynamics.hear(estimate, follows=stage.phase == "playing")

    def _meet(self, news: News) -> None:
        """Jump where the ensemble can no longer get to the soloist by playing."""
        stage = self._stage
        if stage.phase == "ended" and news.place is None:
            return
        event, quarter = news.event, stage.position
        if event is not None:
            stage.phase, stage.entry = "playing", None
            self._rounds.heard(event)
            waited = stage.ensemble.at_gate(quarter)
            stage.ears.draw(stage.grid.quarters[event], stage.soloist.model, waited=waited)
        if stage.held is not None:
            self._hand.heard()
            return
        share = stage.ears.share
        if not share or stage.conducted:
            return
        at = stage.grid.release_quarter[event] if event is not None else news.place or 0.0
        at = min(max(at, 0.0), stage.end_quarter)
        if stage.lead.must_jump(
            stage.soloist,
            quarter=quarter,
            at=at,
            sound_s=stage.sound_s,
            waiting=stage.state == "waiting"
            or (stage.state == "holding" and stage.grid.continuous),
            loop=self._rounds.going_round,
            share=share,
        ):
            stage.phase = "playing"
            stage.jump(at)

    def _replan(self) -> None:
        """Find the ensemble's way on."""
        stage = self._stage
        limit = self._rounds.limit_quarter
        if stage.held is not None:
            limit = min(limit, stage.held)
        if stage.conducted:
            quarter = stage.position
            stage.lead.go_by(stage.stick.timeline(quarter, stage.sound_s), quarter, limit)
            return
        if self._tempo.limited and not stage.counting(stage.position):
            self._hand.keep_within_limits()
        stage.lead.replan(
            stage.soloist,
            now_s=stage.now_s,
            sound_s=stage.sound_s,
            own=stage.ears.own,
            share=stage.ears.share,
            entry=stage.entry,
            limit_quarter=limit,
        )

    def _judge(self, quarter: float) -> None:
        """Name the state that the outside world sees."""
        stage = self._stage
        if quarter >= stage.end_quarter - EDGE_QUARTER:
            stage.phase = stage.state = "ended"
        elif stage.entry is not None and stage.counting(quarter):
            stage.state = "countin"
        else:
            stage.phase = "playing"
            stage.state = self._playing_state(quarter)

    def _playing_state(self, quarter: float) -> str:
        stage = self._stage
        if stage.conducted:
            return stage.lead.stick_state(quarter, stage.now_s)
        state = stage.lead.state(stage.state, quarter, stage.soloist, stage.now_s)
        if stage.held is not None:
            return "holding"
        if stage.ears.away:
            return "vamping"
        if stage.soloist.lost_from is not None and stage.ears.share:
            self._fade = stage.lead.fade(stage.soloist, stage.now_s)
        return state


def _usual_qpm(grid: SoloGrid, end_quarter: float) -> float | None:
    """Mean tempo of a recording; None where the tempo is written."""
    length_s = grid.to_written(end_quarter)
    return 60.0 * end_quarter / length_s if grid.continuous and length_s > 0.0 else None
