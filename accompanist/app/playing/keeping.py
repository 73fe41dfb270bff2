"""What becomes of a live take: the folder that keeps it, and what is learned from it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from accompanist.app.keeping.keep_take import write_kept
from accompanist.app.playing.parts import Ensemble
from accompanist.errors import AccompanistError
from accompanist.score.model import Part
from score_library.catalogue import Piece

__all__ = ["default_folder", "keep_take", "learn_from"]


def default_folder(piece_id: str) -> Path:
    """Where a take goes unless told otherwise."""
    return Path("takes") / f"{piece_id}-{datetime.now():%Y%m%d-%H%M%S}"


def keep_take(
    journal: Path,
    wanted: Path | None,
    piece_id: str,
    ensemble: Ensemble,
    changes: Sequence[tuple[float, str, float]],
) -> Path:
    """Make a take folder of a journal, in the temporary folder if it does not go elsewhere.

    Parameters
    ----------
    journal : Path
        What was written down while it was played.
    wanted : Path or None
        The take folder; None is the usual place.
    piece_id : str
    ensemble : Ensemble
        What played, for the sound.
    changes : sequence of (float, str, float)
        Take time, control and value of what was turned on a recording meanwhile.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    AccompanistError
        It can be written nowhere.
    """
    out = wanted or default_folder(piece_id)
    soundfont = ensemble.soundfont
    sounds = soundfont is not None or ensemble.recording is not None

    def write(folder: Path) -> None:
        write_kept(
            journal,
            folder,
            soundfont=soundfont,
            audio=sounds,
            desk={"solo": ensemble.solo_level},
            changes=changes,
            stretcher=ensemble.stretcher,
            warn=_warn,
        )

    click.echo(f"Keeping the take in {out} …", err=True)
    try:
        write(out)
    except AccompanistError as error:
        _warn(str(error))
        out = Path(tempfile.gettempdir()) / default_folder(piece_id)
        write(out)
    listen = "mix.wav to listen to, " if sounds else ""
    click.echo(f"Kept: {out} ({listen}accompaniment.mid for a DAW)", err=True)
    return out


def learn_from(take: Path, piece: Piece, solo: Part) -> None:
    """Learn from a take that was kept, and say what came of it."""
    from accompanist.app.rehearsing.learning import learn_by_itself

    about = {"id": piece.id, "title": piece.title, "composer": piece.composer}
    said = learn_by_itself(take, piece.score, solo, about).text
    if said:
        click.echo(f"{take}: {said}", err=True)


def _warn(text: str) -> None:
    click.echo(f"accompanist: {text}", err=True)
