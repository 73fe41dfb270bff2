"""A take folder into a file for a DAW, by the name of its format."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.takes.export.arrangement import Arrangement, Clip, read_arrangement
from accompanist.takes.export.dawproject import write_dawproject
from accompanist.takes.export.reaper import reaper_project
from accompanist.takes.export.tables import audacity_labels, beats_csv
from accompanist.takes.folder import TAKE_FILES

__all__ = ["FORMATS", "export_take"]

_SOUNDS = (("solo", "solo.wav"), ("soloist", "take.wav"), ("ensemble", "accompaniment.wav"))


def _smf(take: Arrangement, folder: Path, out: Path) -> None:
    shutil.copyfile(folder / "accompaniment.mid", out)


def _rpp(take: Arrangement, folder: Path, out: Path) -> None:
    out.write_text(reaper_project(take, out.parent), "utf-8")


def _dawproject(take: Arrangement, folder: Path, out: Path) -> None:
    write_dawproject(out, take)


def _ardour(take: Arrangement, folder: Path, out: Path) -> None:
    from accompanist.app.hosts.ardour_take import write_ardour_take

    write_ardour_take(take, out)


def _csv(take: Arrangement, folder: Path, out: Path) -> None:
    out.write_text(beats_csv(take), "utf-8")


def _audacity(take: Arrangement, folder: Path, out: Path) -> None:
    out.write_text(audacity_labels(take), "utf-8")


FORMATS: dict[str, tuple[str, Callable[[Arrangement, Path, Path], None]]] = {
    "smf": (".mid", _smf),
    "rpp": (".rpp", _rpp),
    "dawproject": (".dawproject", _dawproject),
    "ardour": ("-ardour", _ardour),
    "csv": ("-beats.csv", _csv),
    "audacity": ("-labels.txt", _audacity),
}
"""Format → what its file's name ends with, and who writes it."""


def export_take(folder: Path, wanted: str, out: Path | None = None) -> Path:
    """Write a take for a DAW.

    Parameters
    ----------
    folder : Path
        The take folder.
    wanted : str
        One of `FORMATS`.
    out : Path, optional
        The file, or the folder of an Ardour session; in the take folder, with its name, unless
        told. In a folder that is there it gets that name, too.

    Returns
    -------
    Path
        What was written: a file, or the folder of an Ardour session.

    Raises
    ------
    BadInputError
        It is not a take folder, or something in it cannot be read.
    UsageError
        There is no such format, or the file is one that the take needs.
    AccompanistError
        The file cannot be written.
    """
    if wanted not in FORMATS:
        raise UsageError(f"there is no format {wanted!r}; there are {', '.join(FORMATS)}")
    if not folder.is_dir():
        raise BadInputError(f"{folder}: there is no such folder")
    ending, write = FORMATS[wanted]
    path = folder if out is None else out
    if path.is_dir() and not any(path.glob("*.ardour")):
        path = path / f"{folder.resolve().name}{ending}"
    if path.resolve() in {(folder / name).resolve() for name in TAKE_FILES}:
        raise UsageError(f"{path}: that is the take's own file; name another with --out")
    take = read_arrangement(folder, _clips(folder))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(take, folder, path)
    except OSError as error:
        raise AccompanistError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def _clips(folder: Path) -> Iterator[Clip]:
    import soundfile

    for name, file in _SOUNDS:
        path = folder / file
        if not path.is_file():
            continue
        try:
            info = soundfile.info(path)
        except (OSError, soundfile.SoundFileError) as error:
            raise BadInputError(f"{path}: cannot be read ({error})") from error
        if not info.frames:
            raise BadInputError(f"{path}: there is no sound in it; move it away to do without")
        yield Clip(name, path, info.duration, info.samplerate, info.channels)
