"""A piece made ready to be followed: read, transposed, planned, its session warmed."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from accompanist.app.analysing.listen import Bar, no_bar
from accompanist.app.engine.live import REACTION_S
from accompanist.app.keeping.journal import JournalFacts
from accompanist.app.offline import chosen_follower
from accompanist.app.passages import find_passages
from accompanist.app.pieces import open_any, reference_of
from accompanist.app.processes.links import (
    EngineSettings,
    LoadPiece,
    PieceLoaded,
    RecordingSource,
)
from accompanist.app.rehearsing.kept import NOTHING, Rehearsal, kept_rehearsal
from accompanist.app.sounded.beside import EnsembleSound
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings, Start
from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Follower, HearsEnsemble
from accompanist.followers.registry import make_follower
from accompanist.performing.clock_plan import clock_plan
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.choose import choose_solo
from accompanist.score.introduction import introduction
from accompanist.score.landings import landing_places
from accompanist.score.model import Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo
from accompanist.score.transpose import transposed
from accompanist.session import Session, hop_samples
from score_library.catalogue import Piece
from score_library.index import user_pieces_dir

__all__ = [
    "KEYS_RATE",
    "InputFacts",
    "ReadyPiece",
    "Stamp",
    "file_stamp",
    "make_ready",
    "piece_file",
    "piece_of_journal",
    "recording_source",
]

KEYS_RATE = 44_100
"""Without audio the hop is that of this rate."""
USUAL_COUNT_IN_BARS = 1.0
KEYS_FOLLOWER = "notes"

Stamp: TypeAlias = tuple[int, int] | None
"""Time of the last change and size of a file; None where there is none."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What a session has to know of the input."""

    name: str = ""
    sample_rate: int = KEYS_RATE
    latency_s: float = 0.0
    keys: bool = False
    """Whether the soloist comes as MIDI notes."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadyPiece:
    """A session that can be fed, and what belongs to it.

    Attributes
    ----------
    request : LoadPiece
    input : InputFacts
        The input that it was made for.
    loaded : PieceLoaded
        What the daemon is told.
    session, follower, line
        To be fed; the soloist's events.
    follower_name : str
    conducting : ConductorSettings
    piece : Piece
        As the library has it.
    stamp : tuple or None
        Of the score's file when it was read.
    rehearsal : Rehearsal
        What earlier takes of it tell.
    beside : EnsembleSound or None
        What the session asks for the ensemble's sound, where it may come back by the microphone.
    """

    request: LoadPiece
    input: InputFacts
    loaded: PieceLoaded
    session: Session
    follower_name: str
    follower: Follower
    line: SoloLine
    conducting: ConductorSettings
    piece: Piece
    stamp: Stamp
    rehearsal: Rehearsal = NOTHING
    beside: EnsembleSound | None = None

    def suits(self, input_facts: InputFacts) -> bool:
        """Whether the session can be fed by this input."""
        known = (self.input.sample_rate, self.input.keys)
        return known == (input_facts.sample_rate, input_facts.keys)

    @property
    def bleed(self) -> str:
        """What is known of the ensemble in the microphone: ``sound``, ``notes``, or ``off``."""
        if self.input.keys or not self.request.settings.bleed:
            return "off"
        if self.beside is not None and self.beside.known:
            return "sound"
        return "notes" if isinstance(self.follower, HearsEnsemble) else "off"

    def journal_facts(self, input_facts: InputFacts) -> JournalFacts:
        """Say what a take of it begins with."""
        loaded = self.loaded
        return JournalFacts(
            piece=piece_of_journal(self.piece),
            score=loaded.score,
            solo=loaded.solo,
            follower=self.follower_name,
            conductor=asdict(self.conducting),
            sample_rate=None if input_facts.keys else input_facts.sample_rate,
            hop_s=self.session.hop_s,
            report_s=self.follower.latency_s,
            input={
                "live": True,
                "source": input_facts.name,
                "sample_rate": input_facts.sample_rate,
                "input_latency_s": input_facts.latency_s,
                "output_latency_s": self.request.settings.latency_out_s,
                "transpose": self.request.settings.transpose,
                "rehearsal": self.rehearsal.facts(),
            },
        )


def make_ready(
    request: LoadPiece, input_facts: InputFacts, bar: Bar = no_bar, board: Path | None = None
) -> ReadyPiece:
    """Read a piece and make its session, with everything compiled that it runs.

    A recording that has not been listened to yet takes a while: ``bar`` is told how far it is,
    and may raise to give up. What our own processes sound stands in the file of the ``board``.

    Raises
    ------
    AccompanistError
        There is no such piece, part or follower, or the file cannot be read.
    """
    settings = request.settings
    stamp = file_stamp(piece_file(request.piece))
    piece = open_any(request.piece, bar=bar)
    choice = choose_solo(piece.score, settings.solo)
    score = transposed(piece.score, settings.transpose)
    solo = next(p for p in score.parts if p.number == choice.part.number)
    tempo, line = written_tempo(score), solo_line(solo)
    plan = accompaniment_plan(score, solo.number, tempo)
    name, follower = _follower(settings, piece, score, solo, input_facts)
    how = _conducting(settings, score, solo, input_facts.latency_s)
    here = (w for w in settings.passages if w.piece in (None, piece.id, request.piece))
    how = replace(how, passages=find_passages(score, here))
    rehearsal = kept_rehearsal(score, solo) if settings.rehearse else NOTHING
    conductor = Conductor(
        score, line, tempo, how, plan.onsets_quarter, performances=rehearsal.performances
    )
    bled = settings.bleed and not input_facts.keys
    rate = input_facts.sample_rate
    beside = EnsembleSound(board, rate) if bled and board is not None else None
    session = Session(
        follower=follower,
        conductor=conductor,
        company=Performer(plan) if bled else None,
        sounding=beside,
        sample_rate=rate,
        hop=hop_samples(rate),
    )
    if settings.start_quarter > 0.0:
        conductor.locate(settings.start_quarter)
    conductor.stop()  # nobody is listened to before `arm` or `start`
    loaded = PieceLoaded(
        piece_id=piece.id,
        title=piece.title,
        composer=piece.composer,
        score=score,
        solo=solo.number,
        plan=plan,
        clock=clock_plan(score, tempo),
        recording=recording_source(piece),
    )
    return ReadyPiece(
        request, input_facts, loaded, session, name, follower, line, how, piece, stamp, rehearsal,
        beside,
    )  # fmt: skip


def recording_source(piece: Piece) -> RecordingSource | None:
    """Give the files that sound, where the ensemble of a piece is a recording."""
    recording = piece.recording
    if recording is None:
        return None
    return RecordingSource(recording.sound_file, recording.accompaniment)


def piece_of_journal(piece: Piece) -> dict[str, object]:
    """Say which piece a take is of, and what its sound is made from where that is a recording."""
    about: dict[str, object] = {
        "id": piece.id,
        "title": piece.title,
        "composer": piece.composer,
    }
    source = recording_source(piece)
    if source is not None:
        about["recording"] = str(source.file)
        if source.accompaniment is not None:
            about["recording_without_solo"] = str(source.accompaniment)
    return about


def piece_file(piece: str) -> Path | None:
    """Give the file that a piece comes from, if it is one that may change."""
    own = user_pieces_dir() / piece
    try:
        if own.is_dir():
            files = [f for f in sorted(own.iterdir()) if f.is_file() and f.suffix != ".toml"]
            return files[0] if len(files) == 1 else None
        path = Path(piece)
        return path if path.is_file() else None
    except OSError:
        return None


def file_stamp(path: Path | None) -> Stamp:
    """Say when a file was last changed, and how long it is."""
    try:
        found = None if path is None else os.stat(path)
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)


def _follower(
    settings: EngineSettings, piece: Piece, score: Score, solo: Part, input_facts: InputFacts
) -> tuple[str, Follower]:
    line, tempo = solo_line(solo), written_tempo(score)
    if input_facts.keys:
        return KEYS_FOLLOWER, NotesFollower(line, tempo)
    name = chosen_follower(score, solo, settings.follower)
    return name, make_follower(
        name,
        solo=line,
        tempo=tempo,
        sample_rate=input_facts.sample_rate,
        hop=hop_samples(input_facts.sample_rate),
        a4_hz=settings.a4_hz,
        reference=reference_of(piece),
        landings=landing_places(score),
    )


def _conducting(
    settings: EngineSettings, score: Score, solo: Part, latency_in_s: float
) -> ConductorSettings:
    bars = settings.countin_bars
    if bars is None:
        before = introduction(score, solo)
        alone = before is not None and settings.start_quarter <= before.start_quarter
        # Nobody has to be counted in by a recording: it begins by itself.
        bars = USUAL_COUNT_IN_BARS if alone and score.recording_s is None else 0.0
    return replace(
        ConductorSettings(policy=settings.policy),
        start=Start.COUNTIN,
        countin_bars=bars,
        # What is heard late is answered by so much earlier.
        latency_out_s=max(latency_in_s + settings.latency_out_s, 0.0),
        reaction_s=REACTION_S,
    )
