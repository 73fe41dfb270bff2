"""The folder of a separation: whole or not there at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EACCES, ENOTDIR
from pathlib import Path
from typing import Any

from accompanist.app.interrupts import interrupts_ignored
from accompanist.app.separating.stems import disk_told
from accompanist.errors import AccompanistError, UsageError
from score_library.recordings import ACCOMPANIMENT_NAME, SOLO_NAME

__all__ = [
    "FACTS_NAME",
    "FILES",
    "check_place",
    "hidden_folder",
    "read_facts",
    "remove_leftovers",
    "separation_folder",
    "write_facts",
]

FACTS_NAME = "separation.json"
FILES = (ACCOMPANIMENT_NAME, SOLO_NAME, FACTS_NAME)
"""What a separation consists of; the last one makes it one."""
_HIDDEN = ".separating-"


def check_place(out: Path, sources: Sequence[Path] = ()) -> Path:
    """See that a separation can be written to ``out``; answers its absolute path.

    Parameters
    ----------
    out : Path
        Not there, an empty folder, or an earlier separation, which would be replaced.
    sources : sequence of Path
        What it is made of, which must not be replaced with it.

    Raises
    ------
    UsageError
        There is something else.
    AccompanistError
        The place cannot be written to.
    """
    out = Path(os.path.abspath(out.expanduser()))
    try:
        if out.exists():
            if not out.is_dir():
                raise UsageError(f"{out}: is a file; give a folder with --out")
            others = sorted(entry.name for entry in out.iterdir() if entry.name not in FILES)
            if others or (any(out.iterdir()) and not (out / FACTS_NAME).is_file()):
                named = f" ({others[0]}, …)" if others else ""
                raise UsageError(
                    f"{out}: is there already with other things in it{named}; "
                    "give a new folder with --out"
                )
            if any(source.resolve().is_relative_to(out.resolve()) for source in sources):
                raise UsageError(
                    f"{out}: what the separation is made of lies there and would be lost; "
                    "give another --out"
                )
            ground = out.parent
        else:
            ground = next(folder for folder in out.parents if folder.exists())
            if not ground.is_dir():
                raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
        if not os.access(ground, os.W_OK | os.X_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise AccompanistError(
            f"{out}: cannot be written ({said}); choose another place with --out"
        ) from error
    return out


@contextmanager
def hidden_folder(beside: Path) -> Iterator[Path]:
    """Give a hidden folder within ``beside`` that is gone at the end of the block.

    It is locked meanwhile: what a killed run has left is known by that nobody holds it, and goes.
    """
    with disk_told(beside):
        beside.mkdir(parents=True, exist_ok=True)
        remove_leftovers(beside)
        folder = beside / f"{_HIDDEN}{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        finally:
            os.close(lock)
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(beside: Path) -> None:
    """Remove hidden folders of killed runs: those that nobody holds."""
    for folder in beside.glob(f"{_HIDDEN}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)


@contextmanager
def separation_folder(out: Path, sources: Sequence[Path] = ()) -> Iterator[Path]:
    """Give a hidden folder beside ``out`` to write into, which becomes ``out`` at the end.

    If the block fails or is interrupted the hidden folder goes and ``out`` stays as it was.

    Raises
    ------
    UsageError, AccompanistError
        As `check_place`; and where the disk is full.
    """
    out = check_place(out, sources)
    above = next(folder for folder in out.parents if folder.exists())
    with hidden_folder(above) as folder:
        yield folder
        with interrupts_ignored():
            out.parent.mkdir(parents=True, exist_ok=True)
            if out.exists():
                former = out.with_name(f"{_HIDDEN}{uuid.uuid4().hex[:8]}")
                out.rename(former)
                folder.rename(out)
                shutil.rmtree(former, ignore_errors=True)
            else:
                folder.rename(out)


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write what was done, how and of what."""
    text = json.dumps(dict(facts), indent=2, ensure_ascii=False)
    (folder / FACTS_NAME).write_text(text + "\n", encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Read what was done; None where nothing was, or not by us."""
    try:
        found = json.loads((folder / FACTS_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
