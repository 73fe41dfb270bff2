"""A take folder as it is read to learn from it: whose it is, what was heard, whether it held."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.app.rehearsing.takes import events_at, line_key
from accompanist.errors import BadInputError
from accompanist.score.solo import SoloLine
from accompanist.takes.folder import TAKE_FILE, is_take
from accompanist.takes.tables import read_numbers

__all__ = ["FoundTake", "TakeOnsets", "find_take", "read_onsets"]

FloatArray = npt.NDArray[np.float64]

_MOST_BYTES = 4 << 20
_LEAST_FITTING = 0.95
"""So many of the onsets have to be notes of the piece."""
_LEAST_CONFIDENCE = 0.5
_MOST_LOST = 0.25
"""Share of the time that the follower may have been lost."""
_AT_REST = frozenset({"armed", "idle", "countin", "waiting", "paused", "ended"})
_LATEST_S = 1e5
_LONGEST_ROW = 1_000
_LIVE_SOUND = "solo.wav"
_TRUTH = "truth.csv"


@dataclass(frozen=True, slots=True, eq=False)
class FoundTake:
    """A take folder and what stands in its ``take.json``."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def simulated(self) -> bool:
        """Whether nobody has really played it."""
        return _table(self.facts.get("input")).get("simulated") is True

    @property
    def sound(self) -> Path | None:
        """The soloist's sound, where it still is."""
        live = self.folder / _LIVE_SOUND
        if live.is_file():
            return live
        told = _table(self.facts.get("input"))
        source = told.get("source")
        if told.get("live") or not isinstance(source, str) or not source or "\0" in source:
            return None  # a live take's source is a device
        for place in (Path(source), self.folder / source, self.folder / "take.wav"):
            if place.is_file():
                return place
        return None


@dataclass(frozen=True, slots=True, eq=False)
class TakeOnsets:
    """The solo's onsets of a take, in the order in which they were heard.

    Attributes
    ----------
    id : str
        By the contents of the table that they come from.
    events : ndarray [shape=(n,)]
        Which event of the solo.
    times_s : ndarray [shape=(n,)]
        When it is believed to have begun.
    true : bool
        Known from the simulation, not heard.
    """

    id: str
    events: npt.NDArray[np.intp]
    times_s: FloatArray
    true: bool = False


def find_take(folder: Path) -> FoundTake:
    """Open a take folder.

    Raises
    ------
    BadInputError
        It is none, or its ``take.json`` cannot be read.
    """
    if folder.is_file():
        raise BadInputError(f"{folder}: is a file; name take folders (recordings: --recording)")
    if not folder.is_dir():
        raise BadInputError(f"{folder}: there is no such folder; name take folders")
    if not is_take(folder):
        raise BadInputError(f"{folder}: is no take folder (no {TAKE_FILE} in it)")
    try:
        with (folder / TAKE_FILE).open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError("too large")
        facts = json.loads(text.decode("utf-8"))
        if not isinstance(facts, dict) or not isinstance(facts.get("input"), dict):
            raise ValueError("something else stands in it")
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{folder / TAKE_FILE}: cannot be read ({error})") from error
    return FoundTake(folder, facts)


def read_onsets(take: FoundTake, solo: SoloLine) -> TakeOnsets:
    """Read the onsets of a take as events of a solo part.

    Those that were reported while the follower was lost or hardly sure do not count.

    Raises
    ------
    BadInputError
        Why it cannot be learned from: of another piece or part, lost, nothing in it, broken.
    """
    if take.facts.get("position_unit", "quarters") != "quarters":
        raise BadInputError(f"{take.folder}: is a take of a recording, not of this score")
    _check_part(take, solo)
    truth = take.folder / _TRUTH
    if truth.is_file():
        table, true = read_numbers(truth, ("quarter", "time")), True
        digest = _digest(truth)
        table = np.column_stack((table[:, 1], table[:, 1], table[:, 0]))
    else:
        file = take.folder / "onsets.csv"
        table, true = read_numbers(file, ("reported", "time", "quarter")), False
        digest = _digest(file)
    if not len(table):
        raise BadInputError(f"{take.folder}: no note of the soloist was recognised in it")
    if np.abs(table).max() > _LATEST_S:
        raise BadInputError(f"{take.folder}: its onsets have times or places that cannot be")
    events = events_at(table[:, 2], solo.onsets_quarter)
    fitting = events >= 0
    if fitting.mean() < _LEAST_FITTING:
        raise BadInputError(
            f"{take.folder}: is of another piece or part ({100 * fitting.mean():.0f} % of its "
            "onsets are notes of this one)"
        )
    sure = np.ones(len(table), dtype=bool) if true else _sure(take, table[:, 0])
    kept = fitting & sure
    if not kept.any():
        raise BadInputError(f"{take.folder}: the follower was never sure where the soloist was")
    order = np.argsort(table[kept, 1], kind="stable")
    return TakeOnsets(digest, events[kept][order], table[kept, 1][order], true)


def _check_part(take: FoundTake, solo: SoloLine) -> None:
    """Refuse a take that says itself that it is of another part.

    Raises
    ------
    BadInputError
        It does.
    """
    said = take.facts.get("solo_line")
    if isinstance(said, str) and said != line_key(solo):
        title = str(_table(take.facts.get("piece")).get("title") or "another piece")
        raise BadInputError(f"{take.folder}: is of {title}, or of another part or edition of it")


def _sure(take: FoundTake, reported_s: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether the follower was sure where the soloist is when it reported each onset.

    Raises
    ------
    BadInputError
        It was lost for too long, or at the end.
    """
    times_s, confidences, lost, playing = _trace(take.folder / "trace.csv")
    if lost.sum() > _MOST_LOST * max(int(playing.sum()), 1):
        raise BadInputError(
            f"{take.folder}: the follower was lost for {100 * lost.sum() / playing.sum():.0f} % "
            "of it"
        )
    at = np.clip(np.searchsorted(times_s, reported_s - 1e-6), 0, len(times_s) - 1)
    sure: npt.NDArray[np.bool_] = (confidences[at] >= _LEAST_CONFIDENCE) & ~lost[at]
    return sure


def _trace(
    path: Path,
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Time, confidence, whether lost and whether playing, of each hop.

    An hour has more than half a million rows: they are read one by one into small columns.

    Raises
    ------
    BadInputError
        It is no such table.
    """
    times_s, confidences = array("d"), array("d")
    lost, playing = bytearray(), bytearray()
    columns: list[int] = []
    try:
        with path.open(encoding="utf-8") as file:
            while line := file.readline(_LONGEST_ROW):
                row = line.strip().split(",")
                if not columns and not line.startswith("#"):
                    columns = [row.index(name) for name in ("time", "confidence", "state")]
                elif columns and len(row) > 1:
                    time_s, confidence, state = (row[i] for i in columns)
                    times_s.append(float(time_s))
                    confidences.append(float(confidence))
                    lost.append(state == "lost")
                    playing.append(state not in _AT_REST)
    except (OSError, ValueError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInputError(f"{path}: cannot be read ({reason})") from error
    times, sure = np.array(times_s), np.array(confidences)
    if not len(times) or not (np.isfinite(times) & np.isfinite(sure)).all():
        raise BadInputError(f"{path}: there is nothing in it, or what is no number")
    flags = [np.frombuffer(flag, dtype=np.uint8).astype(np.bool_) for flag in (lost, playing)]
    return times, sure, flags[0], flags[1]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
