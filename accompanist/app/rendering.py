"""From a piece and a soloist's sound to a take folder: what ``render`` and ``demo`` do."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accompanist.app.keeping.files import write_sound, write_take
from accompanist.app.offline import OfflineSettings, Take, chosen_follower, run_take
from accompanist.app.pieces import reference_of
from accompanist.app.progress import progress_bar
from accompanist.conducting.settings import ConductorSettings
from accompanist.errors import BadInputError
from accompanist.score.choose import choose_solo
from accompanist.score.introduction import introduction
from accompanist.score.model import Part
from accompanist.takes.folder import take_folder
from accompanist.takes.picture import Truth
from bridges.audio_files import Audio
from score_library.catalogue import Piece

if TYPE_CHECKING:
    from accompanist.app.closed_loop import RecordedEnsemble
    from accompanist.app.keeping.ensemble_sound import EnsembleSound

__all__ = [
    "Job",
    "Rendered",
    "announce_solo",
    "check_length",
    "offline_settings",
    "piece_facts",
    "render",
]

_SHORTEST_S = 0.1


def _keep_quiet(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A take to be made.

    Attributes
    ----------
    piece, solo
        What is played, and by whom.
    audio : Audio
        The soloist.
    source : str
        Where the sound comes from, for ``take.json`` and the picture.
    soundfont : Path or None
        None leaves out the sound of an ensemble of instruments.
    truth : Truth or None
        Adds the figures.
    extras : callable, optional
        Given the folder, puts further files into it.
    recording_sounds : bool
        Whether the sound of a recording is rendered, where the piece is one.
    stretcher : str or None
        How it is stretched; see `accompanist.recordings.stretching.registry`.
    tell : callable
        Told in a line what cannot be had.
    """

    piece: Piece
    solo: Part
    audio: Audio
    source: str
    settings: OfflineSettings
    soundfont: Path | None = None
    truth: Truth | None = None
    seed: int | None = None
    extras: Callable[[Path], None] | None = None
    input_facts: dict[str, object] = field(default_factory=dict)
    recording_sounds: bool = True
    stretcher: str | None = None
    tell: Callable[[str], None] = _keep_quiet


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """What has become of it: the content of ``take.json``, and the names of the files."""

    facts: dict[str, Any]
    files: tuple[str, ...]
    take: Take


def render(job: Job, out: Path) -> Rendered:
    """Follow, accompany and write the take folder, whole or not at all.

    Raises
    ------
    AccompanistError
        With a message for the user.
    """
    audio = job.audio
    check_length(audio, job.source)
    with take_folder(out) as folder, ExitStack() as stack:
        ensemble = _ensemble_sound(job, folder, stack)
        with progress_bar("Following", audio.duration_s) as advance:
            take = run_take(
                job.piece.score,
                job.solo,
                audio.samples,
                audio.rate,
                job.settings,
                advance,
                reference=reference_of(job.piece),
                each=None if ensemble is None else ensemble.hear,
                ensemble=_heard_back(job, stack),
            )
        if ensemble is not None:
            with progress_bar("Mixing"):
                ensemble.write(folder, audio.samples)
        stack.close()
        if job.soundfont is not None:
            with progress_bar("Rendering"):
                write_sound(folder, take, audio.samples, audio.rate, job.soundfont)
        write_take(
            folder,
            take,
            job.settings,
            piece=piece_facts(job.piece),
            input_facts={
                "source": job.source,
                "rate": audio.rate,
                "channels": audio.samples.shape[1],
                "duration_s": audio.duration_s,
                "warnings": list(audio.warnings),
                **job.input_facts,
            },
            truth=job.truth,
            soundfont=job.soundfont,
            seed=job.seed,
            subtitle=f"{job.solo.name} · {Path(job.source).name}",
        )
        if job.extras is not None:
            job.extras(folder)
        facts = json.loads((folder / "take.json").read_text(encoding="utf-8"))
        files = tuple(sorted(path.name for path in folder.iterdir()))
    return Rendered(facts, files, take)


def _ensemble_sound(job: Job, folder: Path, stack: ExitStack) -> EnsembleSound | None:
    """Make ready what is heard of a recording; None where the ensemble is made of instruments."""
    recording = job.piece.recording
    if recording is None or not job.recording_sounds:
        return None

    from accompanist.app.keeping.ensemble_sound import EnsembleSound
    from accompanist.app.recording_player.opening import open_recorded

    playback, _ = open_recorded(
        recording.sound_file,
        recording.accompaniment,
        job.piece.score,
        job.audio.rate,
        stack,
        job.tell,
        stretcher=job.stretcher,
    )
    return stack.enter_context(EnsembleSound(playback, folder))


def _heard_back(job: Job, stack: ExitStack) -> tuple[RecordedEnsemble, float] | None:
    """Make ready what the microphone hears of a recording; see `run_take`."""
    recording, bleed = job.piece.recording, job.settings.bleed
    if recording is None or bleed is None:
        return None

    from accompanist.app.closed_loop import RecordedEnsemble, recorded_level
    from accompanist.app.recording_player.opening import open_recorded
    from bridges.recording_file import RecordingFile

    file, without, rate = recording.sound_file, recording.accompaniment, job.audio.rate
    playback, _ = open_recorded(
        file, without, job.piece.score, rate, stack, job.tell, stretcher=job.stretcher
    )
    with RecordingFile(without or file) as sound:
        return RecordedEnsemble(playback), recorded_level(sound, bleed)


def check_length(audio: Audio, source: str) -> None:
    """Raise BadInputError if there is hardly any sound."""
    if audio.duration_s < _SHORTEST_S:
        raise BadInputError(
            f"{source}: {audio.duration_s:.2f} s of sound are too short to follow; "
            "record at least a second"
        )


def offline_settings(
    piece: Piece,
    solo: Part,
    follower: str | None,
    policy: str,
    block: int = 4096,
    *,
    dynamics: float = 0.5,
    mode: str = "follow",
    level: float = 10.0,
) -> OfflineSettings:
    """Make settings of the command's words.

    Raises
    ------
    UsageError
        There is no such follower, or it cannot follow this piece.
    """
    name = chosen_follower(piece.score, solo, follower)
    how = ConductorSettings(policy=policy, dynamics_depth=dynamics, mode=mode, level=level)
    return OfflineSettings(name, how, block)


def announce_solo(
    piece: Piece, wanted: str | None, tell: Callable[[str], None], *, introduced: bool = False
) -> Part:
    """Choose the solo part and say which, why, who accompanies it, and what is left out.

    ``introduced``: the introduction is played, not left out.

    Raises
    ------
    UsageError
        There is no such part, or it has no notes.
    """
    choice = choose_solo(piece.score, wanted)
    others = [p.name for p in piece.score.parts if p.notes and p.number != choice.part.number]
    if piece.recording is not None:
        others.insert(0, f"the recording {piece.recording.file.name}")
    company = f"accompanied by {_listed(others)}" if others else "nobody else plays"
    part = f"part {choice.part.number} ({choice.part.name}; {choice.reason})"
    tell(f"{piece.title}: solo is {part}; {company}")
    before = introduction(piece.score, choice.part)
    if before is not None and not introduced:
        tell(
            f"The introduction ({before.length}) is left out: on a recording the ensemble begins "
            "with the soloist. play plays it; so does render --introduction, where the take "
            "begins with it."
        )
    return choice.part


def piece_facts(piece: Piece) -> dict[str, object]:
    """Describe a piece for ``take.json``."""
    return {
        "id": piece.id,
        "title": piece.title,
        "composer": piece.composer,
        "licence": piece.licence,
        "parts": [{"part": p.number, "name": p.name} for p in piece.score.parts],
    }


def _listed(names: list[str], most: int = 4) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
