"""The take folder: whole or not there at all, and the tables in it."""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EACCES, ENOTDIR
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError, UsageError
from accompanist.performing.messages import TimedMessage
from accompanist.score.outer import OuterAxis
from accompanist.takes.record import TakeRecord

__all__ = [
    "TAKE_FILE",
    "TAKE_FILES",
    "check_place",
    "is_take",
    "take_folder",
    "write_json",
    "write_tables",
]

TAKE_FILE = "take.json"
_RECORDING = "solo.wav"
_REPLACED = frozenset(
    (
        TAKE_FILE, "trace.csv", "onsets.csv", "played.csv", "truth.csv", "accompaniment.mid",
        "accompaniment.wav", "mix.wav", "take.wav", "picture.svg",
    )
)  # fmt: skip
"""Files of a take; whatever else has been put beside them stays."""
TAKE_FILES = _REPLACED | {_RECORDING}
"""All that a take folder has of its own."""


def is_take(folder: Path) -> bool:
    """Whether a folder holds a take that was written by us."""
    return (folder / TAKE_FILE).is_file() and (folder / "trace.csv").is_file()


def check_place(out: Path, source: Path | None = None) -> Path:
    """See that a take can be written to ``out``; answers its absolute path.

    Parameters
    ----------
    out : Path
        A take that is already there would be replaced.
    source : Path, optional
        The recording that the take is made of, which must not be replaced with it.

    Raises
    ------
    UsageError
        ``out`` is something else than a take or an empty folder, or a recording would be lost.
    AccompanistError
        The place cannot be written to.
    """
    out = Path(os.path.abspath(out.expanduser()))
    try:
        if out.exists():
            _check_replaceable(out, source)
            ground = out
        else:
            ground = next(folder for folder in out.parents if folder.exists())
            ground.stat()
            if not ground.is_dir():
                raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
        if not os.access(ground, os.W_OK | os.X_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as error:
        raise _unwritable(out, error) from error
    return out


def _check_replaceable(out: Path, source: Path | None) -> None:
    if not (out.is_dir() and (is_take(out) or not any(out.iterdir()))):
        raise UsageError(f"{out}: is there already and is not a take; give another --out")
    if (out / _RECORDING).exists():
        raise UsageError(
            f"{out}: is a take that was recorded live, and its {_RECORDING} would be lost; "
            "give another --out"
        )
    if source is not None and source.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"{out}: {source.name} lies there and would be lost; give another --out")


@contextmanager
def take_folder(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``out`` to write into, which becomes ``out`` at the end.

    If the block fails or is interrupted the hidden folder goes and ``out`` stays as it was. A
    take that is already there is replaced; files that are not of a take stay beside the new one.

    Raises
    ------
    UsageError, AccompanistError
        As `check_place`.
    """
    out = check_place(out)
    hidden = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        hidden.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield hidden
        _put_in_place(hidden, out)
    except OSError as error:
        if error.errno is None:
            raise
        raise AccompanistError(f"{out}: cannot be written ({_reason(error)})") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _put_in_place(hidden: Path, out: Path) -> None:
    if not out.exists():
        hidden.rename(out)
        return
    former = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.former")
    out.rename(former)
    try:
        hidden.rename(out)
    except OSError:
        former.rename(out)
        raise
    for entry in former.iterdir():
        if entry.name not in _REPLACED and not (out / entry.name).exists():
            entry.rename(out / entry.name)
    shutil.rmtree(former, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> AccompanistError:
    return AccompanistError(
        f"{out}: cannot be written ({_reason(error)}); choose another place with --out"
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def write_tables(folder: Path, record: TakeRecord, axis: OuterAxis | None = None) -> None:
    """Write ``trace.csv``, ``onsets.csv`` and ``played.csv`` of interface page 2.

    Positions and tempi are those of ``axis`` (quarters without one), which the first line names.
    """
    tables = _Tables(folder, axis)
    rates = record.qpm / 60.0
    rows = zip(
        record.times_s.tolist(),
        tables.outer(record.quarters),
        (rates if axis is None else axis.outer_rates(record.quarters, rates)).tolist(),
        record.confidences.tolist(),
        record.states,
        strict=True,
    )
    tables.write(
        "trace.csv",
        "time,quarter,qpm,confidence,state",
        (f"{t:.6f},{q:.6f},{60.0 * r:.4f},{c:.4f},{s}\n" for t, q, r, c, s in rows),
    )
    onsets = zip(record.onsets, tables.outer([o.quarter for o in record.onsets]), strict=True)
    tables.write(
        "onsets.csv",
        "reported,time,quarter",
        (f"{o.reported_s:.6f},{o.time_s:.6f},{q:.6f}\n" for o, q in onsets),
    )
    sent = zip(record.messages, tables.outer([m.quarter for m in record.messages]), strict=True)
    tables.write(
        "played.csv",
        "time,quarter,part,channel,pitch,velocity,kind",
        (_played_row(m, q) for m, q in sent),
    )


class _Tables:
    """Tables of one take, all on the same axis."""

    def __init__(self, folder: Path, axis: OuterAxis | None) -> None:
        self._folder = folder
        self._axis = axis

    def outer(self, quarters: npt.ArrayLike) -> list[float]:
        told = np.asarray(quarters, dtype=np.float64)
        values: list[float] = (told if self._axis is None else self._axis.outer(told)).tolist()
        return values

    def write(self, name: str, header: str, lines: Iterable[str]) -> None:
        unit = "quarters" if self._axis is None else self._axis.unit
        with (self._folder / name).open("w", encoding="utf-8", newline="\n") as file:
            file.write(f"# position: {unit}\n{header}\n")
            file.writelines(lines)


def _played_row(timed: TimedMessage, position: float) -> str:
    """Make a row; for ``cc``, ``program`` and ``bend`` the columns hold number and value."""
    m = timed.message
    return (
        f"{timed.time_s:.6f},{position:.6f},{timed.part},{m.channel},{m.number},{m.value},"
        f"{m.kind}\n"
    )


def write_json(folder: Path, content: Mapping[str, object]) -> None:
    """Write ``take.json``; what is not finite becomes null, numbers keep six digits."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / TAKE_FILE).write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    match value:
        case bool() | None | int() | str():
            return value
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else None
        case Mapping():
            return {str(k): _plain(v) for k, v in value.items()}
        case Iterable():
            return [_plain(v) for v in value]
        case _:
            return str(value)
