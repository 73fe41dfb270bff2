"""Separations of recording pieces: made, stored with the piece, and written elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accompanist.app.interrupts import interrupts_ignored
from accompanist.app.progress import progress_bar
from accompanist.app.separating.fits import sort_out
from accompanist.app.separating.kept import KeptSolos, fingerprint
from accompanist.app.separating.place import (
    FACTS_NAME,
    FILES,
    check_place,
    hidden_folder,
    read_facts,
    separation_folder,
)
from accompanist.app.separating.run import Bar, Choice, Shown, Tell, run_separation
from accompanist.app.separating.shown import check_solo_files, open_solo
from accompanist.app.separating.stems import bytes_needed, check_room, disk_told
from accompanist.errors import BadInputError
from score_library.catalogue import Piece
from score_library.recordings import Recording

__all__ = ["Separated", "separate_piece", "separation_of"]


@dataclass(frozen=True, slots=True)
class Separated:
    """What has been done.

    Attributes
    ----------
    facts : dict
        What stands in ``separation.json``.
    left_out : tuple of (name, reason)
        What should have shown the solo and did not.
    stored : bool
        Whether the result is kept with the piece.
    """

    facts: dict[str, Any]
    left_out: tuple[tuple[str, str], ...]
    stored: bool


def separation_of(recording: Recording) -> dict[str, Any] | None:
    """Say how the soloist was taken out of a recording; None where that has not been done."""
    return read_facts(recording.folder) if recording.accompaniment is not None else None


def separate_piece(
    piece: Piece,
    solos: Sequence[Path] = (),
    choice: Choice | None = None,
    *,
    names: Sequence[str] | None = None,
    part: str | None = None,
    out: Path | None = None,
    store: bool = True,
    tell: Tell | None = None,
    bar: Bar = progress_bar,
) -> Separated:
    """Take the soloist out of a recording piece.

    What shows the solo is kept with the piece, so that the next separation has it too. Whatever
    goes wrong, the piece and ``out`` stay as they were.

    Parameters
    ----------
    piece : Piece
        A recording (``piece.recording`` is there).
    solos : sequence of Path
        Sound files or scores, besides those that are kept already.
    choice : Choice, optional
    names : sequence of str, optional
        What to call them; else by their files.
    part : str, optional
        Solo part of the scores among ``solos``.
    out : Path, optional
        A folder that the result is written to.
    store : bool
        Whether the result is stored with the piece, so that it is played by it.
    tell : callable, optional
        Is told a line of each thing that is not as expected.
    bar : callable
        Shows the progress.

    Raises
    ------
    UsageError
        Methods or parts that are not there; ``out`` is something else.
    BadInputError
        A file cannot be read, nothing fits, or nothing shows the solo of a mono recording.
    AccompanistError
        The disk is full.
    """
    from bridges.recording_file import RecordingFile

    recording = piece.recording
    if recording is None:
        raise BadInputError(f"{piece.title}: is a score, not a recording")
    choice = choice or Choice()
    say = tell or _nobody
    check_solo_files(list(solos), part)
    kept = KeptSolos(recording.folder)
    if out is not None:
        out = check_place(out, [recording.file, *solos])
    with ExitStack() as files:
        mixture = files.enter_context(RecordingFile(recording.sound_file))
        need = bytes_needed(mixture.channels, mixture.length)
        if out is not None:
            check_room(out, need)
        if store:
            check_room(recording.folder, need)
        place = recording.folder if store or out is None else out.parent
        fresh = files.enter_context(
            separation_folder(out, [recording.file, *solos])
            if out is not None
            else hidden_folder(place)
        )
        scratch = files.enter_context(hidden_folder(fresh.parent))
        shown, new = _shown(
            solos, names or [path.stem for path in solos], kept, files, scratch, part, say
        )
        left_out: tuple[tuple[str, str], ...] = ()
        if len(shown) > 1:
            fits = sort_out(mixture, shown, bar)
            shown, left_out = list(fits.used), fits.left_out
            for name, reason in left_out:
                say(f"{name}: left out: {reason}")
            # What is known already has been given again: there is something to go by.
            fresh_only = len(new) == len(solos)
            _check_of_use(recording, shown, list(new.values()) if fresh_only else [])
        name = piece.id if piece.from_library else recording.file.name
        facts = run_separation(mixture, shown, choice, fresh, name=name, bar=bar)
        if store:
            unusable = {name for name, _ in left_out}
            with disk_told(recording.folder):
                for mark, one in new.items():
                    if one.name not in unusable:
                        kept.add(mark, one.name, one.sound)
                _store(fresh, recording.folder, copied=out is not None)
    return Separated(facts, left_out, store)


def _shown(
    solos: Sequence[Path],
    names: Sequence[str],
    kept: KeptSolos,
    files: ExitStack,
    scratch: Path,
    part: str | None,
    tell: Tell,
) -> tuple[list[Shown], dict[str, Shown]]:
    """Open what is kept and what is new, and the new by their fingerprints."""
    shown = [
        Shown(kept.name(path), open_solo(path, files, scratch, tell=tell)) for path in kept.paths
    ]
    new: dict[str, Shown] = {}
    for path, name in zip(solos, names, strict=True):
        mark = fingerprint(path)
        if kept.has(mark) or mark in new:
            continue
        new[mark] = Shown(name, open_solo(path, files, scratch, part=part, tell=tell))
    return [*shown, *new.values()], new


def _check_of_use(recording: Recording, used: Sequence[Shown], new: Sequence[Shown]) -> None:
    """Refuse to begin if nothing that is new is of any use."""
    names = {one.name for one in used}
    if new and not any(one.name in names for one in new):
        raise BadInputError(
            f"{recording.file}: nothing that was given shows its solo; everything stays as it was"
        )
    if not used:
        raise BadInputError(
            f"{recording.file}: nothing that is kept with it shows its solo; 'accompanist rehearse "
            "--forget' forgets it"
        )


def _store(fresh: Path, folder: Path, *, copied: bool) -> None:
    """Put the files of a separation where the piece has them, in place of earlier ones."""
    source = fresh
    with ExitStack() as files:
        if copied:
            source = files.enter_context(hidden_folder(folder))
            for name in FILES:
                shutil.copyfile(fresh / name, source / name)
        with interrupts_ignored():
            (folder / FACTS_NAME).unlink(missing_ok=True)  # not a separation until all is there
            for name in FILES:
                os.replace(source / name, folder / name)


def _nobody(line: str) -> None:
    pass
