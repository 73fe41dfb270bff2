"""What hears, follows and conducts in a live take, put together."""

from __future__ import annotations

from dataclasses import dataclass

import click

from accompanist.app.engine.live import REACTION_S
from accompanist.app.offline import chosen_follower
from accompanist.app.passages import find_passages
from accompanist.app.pieces import reference_of
from accompanist.app.playing.parts import Ensemble, Soloist
from accompanist.app.playing.settings import PlaySettings
from accompanist.app.rehearsing.kept import NOTHING, Rehearsal, kept_rehearsal
from accompanist.app.sounded.beside import EnsembleSound
from accompanist.app.warm import warm_up
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings, Start
from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Follower
from accompanist.followers.registry import make_follower
from accompanist.performing.clock import ClockPlan
from accompanist.performing.clock_plan import clock_plan
from accompanist.performing.performer import Performer
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.landings import landing_places
from accompanist.score.model import Part
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo
from accompanist.session import Session, hop_samples
from score_library.catalogue import Piece

__all__ = ["Prepared", "prepare"]

_KEYS_FOLLOWER = "notes"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A session that may begin, and what a take has to know of it."""

    session: Session
    conductor: Conductor
    how: ConductorSettings
    follower: str
    report_s: float
    """From an onset to its report, as the follower expects."""
    plan: Plan
    clock_plan: ClockPlan
    rehearsal: Rehearsal
    beside: EnsembleSound | None
    """Where the ensemble's own sound is looked up; None where nobody could hear it."""


def prepare(
    settings: PlaySettings,
    piece: Piece,
    solo: Part,
    soloist: Soloist,
    ensemble: Ensemble,
    start_quarter: float,
) -> Prepared:
    """Put follower, conductor and session together, armed or about to begin.

    Raises
    ------
    UsageError
        The follower cannot follow this piece, or a passage is not in it.
    """
    score = piece.score
    tempo, line = written_tempo(score), solo_line(solo)
    name, follower = _follower(settings, piece, solo, soloist, line, tempo)
    plan = accompaniment_plan(score, solo.number, tempo)
    how = ConductorSettings(
        policy=settings.policy,
        mode=settings.mode,
        level=settings.level,
        dynamics_depth=settings.dynamics,
        start=Start.SOLOIST if settings.count_in_bars is None else Start.COUNTIN,
        countin_bars=settings.count_in_bars or 0.0,
        latency_out_s=soloist.latency_s + ensemble.latency_s + settings.further_latency_s,
        reaction_s=REACTION_S,
        passages=find_passages(score, settings.passages),
    )
    rehearsal = kept_rehearsal(score, solo) if settings.rehearse else NOTHING
    if rehearsal.takes:
        click.echo(f"What to expect of you is known from {rehearsal.words}.", err=True)
    conductor = Conductor(
        score, line, tempo, how, plan.onsets_quarter, performances=rehearsal.performances
    )
    if settings.start_bar is not None:
        conductor.locate(start_quarter)
    elif settings.count_in_bars is None:
        conductor.arm()
    if settings.count_in_bars is not None:
        conductor.start()
    bled = not soloist.keys and not settings.headphones
    board = ensemble.link.board_path
    beside = EnsembleSound(board, soloist.sample_rate) if bled else None
    session = Session(
        follower=follower,
        conductor=conductor,
        company=Performer(plan) if bled else None,
        sounding=beside,
        sample_rate=soloist.sample_rate,
        hop=hop_samples(soloist.sample_rate),
    )
    return Prepared(
        session,
        conductor,
        how,
        name,
        follower.latency_s,
        plan,
        clock_plan(score, tempo),
        rehearsal,
        beside,
    )


def _follower(
    settings: PlaySettings,
    piece: Piece,
    solo: Part,
    soloist: Soloist,
    line: SoloLine,
    tempo: WrittenTempo,
) -> tuple[str, Follower]:
    """Make the follower that is wanted, or usual, and its name."""
    if soloist.keys:
        return _KEYS_FOLLOWER, NotesFollower(line, tempo)
    name = chosen_follower(piece.score, solo, settings.follower)
    follower = make_follower(
        name,
        solo=line,
        tempo=tempo,
        sample_rate=soloist.sample_rate,
        hop=hop_samples(soloist.sample_rate),
        reference=reference_of(piece),
        landings=landing_places(piece.score),
    )
    warm_up(name, sample_rate=soloist.sample_rate)  # no compiling in the first bar
    return name, follower
