"""Performances told by the times of their notes: tables of somebody's true timing.

A file holds ``quarter,duration,pitch,onset,offset,velocity,part`` rows, a row a note; part 1 is the
solo, the others are the ensemble. Where a file ``…Primo….csv`` has a ``…Secondo….csv`` beside it,
the two are a duo on one clock: the first is the solo, the second the ensemble, and what its player
did can be compared.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.score.model import Note, Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo
from accompanist.simulation.replaying import TimedTake
from accompanist.takes.tables import read_numbers

__all__ = ["timing_takes"]

Array = npt.NDArray[np.float64]

_COLUMNS = ("quarter", "duration", "pitch", "onset", "offset", "velocity", "part")
_QUARTER, _DURATION, _PITCH, _ONSET, _PART = 0, 1, 2, 3, 6
_SHORTEST_QUARTER = 0.05
_TEMPO_SD = 0.15
"""The tempo that is taken for the written one is off by so much (sd of its logarithm)."""
_ALIKE = 0.6
"""Takes are of one piece if they share so many of their solo's notes."""


def timing_takes(folder: Path, seed: int = 0) -> list[TimedTake]:
    """Read every performance under ``folder``, sorted by path; ``group`` is the folder it is in.

    The files do not say how fast the piece is to be: the tempo expected at first is the mean one,
    off by a chance 15 %.

    Raises
    ------
    BadInputError
        Nothing of the kind is there, or a file is damaged.
    """
    takes: list[TimedTake] = []
    pieces: list[tuple[str, set[tuple[float, int]]]] = []
    files = [path for path in sorted(folder.rglob("*.csv")) if _is_table(path)]
    partners = {path.with_name(path.name.replace("Primo", "Secondo")) for path in files}
    seconds = {p for p in partners if p in files and "Secondo" in p.name}
    within: defaultdict[Path, int] = defaultdict(int)
    for path in files:
        if path in seconds:
            continue
        number, within[path.parent] = within[path.parent], within[path.parent] + 1
        table = read_numbers(path, _COLUMNS)
        second = path.with_name(path.name.replace("Primo", "Secondo"))
        if second in seconds:
            other = read_numbers(second, _COLUMNS)
            table[:, _PART] = 1.0
            other[:, _PART] = 2.0
            table = np.concatenate((table, other))
        takes.append(_take(path, table, _piece(table, path.stem, pieces), seed + number))
    if not takes:
        raise BadInputError(
            f"{folder}: no performance is there; files with the columns {','.join(_COLUMNS)} are "
            "wanted"
        )
    return takes


def _is_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            header = [name.strip() for name in lines.readline().split(",")]
    except OSError:
        return False
    return all(name in header for name in _COLUMNS)


def _piece(table: Array, name: str, pieces: list[tuple[str, set[tuple[float, int]]]]) -> str:
    """Name of the piece that is played, new ones noted."""
    solo = table[table[:, _PART] == 1.0]
    notes = {(round(float(r[_QUARTER]), 3), int(r[_PITCH])) for r in solo}
    for known, theirs in pieces:
        if len(notes & theirs) >= _ALIKE * len(notes | theirs):
            return known
    pieces.append((name, notes))
    return name


def _take(path: Path, table: Array, piece: str, seed: int) -> TimedTake:
    solo_rows, others = table[table[:, _PART] == 1.0], table[table[:, _PART] != 1.0]
    if len(solo_rows) < 2:
        raise BadInputError(f"{path}: no notes of part 1, which is the solo")
    parts = [Part(1, "solo", _notes(solo_rows))]
    if len(others):
        parts.append(Part(2, "ensemble", _notes(others)))
    solo = solo_line(parts[0])
    times_s = _times(solo, solo_rows)
    length = float(solo.onsets_quarter[-1] - solo.onsets_quarter[0])
    if not length > 0.0 or not times_s[-1] > times_s[0]:
        raise BadInputError(f"{path}: all notes of part 1 stand at one place")
    seconds = float(times_s[-1] - times_s[0]) / length
    seconds *= float(np.exp(np.random.default_rng(seed).normal(0.0, _TEMPO_SD)))
    tempo = WrittenTempo(np.array([0.0]), np.array([0.0]), 1.0 / seconds, 1.0 / seconds)
    played: defaultdict[float, list[float]] = defaultdict(list)
    for row in others:
        played[float(row[_QUARTER])].append(float(row[_ONSET]))
    return TimedTake(
        name=path.stem,
        group=path.parent.name,
        piece=f"{path.parent}/{piece}",
        score=Score(path.stem, tuple(parts), ()),
        solo=solo,
        tempo=tempo,
        times_s=times_s,
        ensemble_quarters=tuple(sorted(played)),
        played_s={quarter: float(np.mean(times)) for quarter, times in played.items()},
    )


def _notes(rows: Array) -> tuple[Note, ...]:
    notes = [
        Note(float(r[_QUARTER]), max(float(r[_DURATION]), _SHORTEST_QUARTER), int(r[_PITCH]))
        for r in rows
    ]
    return tuple(sorted(notes, key=lambda note: (note.onset_quarter, note.pitch)))


def _times(solo: SoloLine, rows: Array) -> Array:
    """When each event began: by its highest note [shape=(n_events,)], strictly increasing."""
    top: dict[int, tuple[float, float]] = {}
    for row in rows:
        event = int(np.searchsorted(solo.onsets_quarter, row[_QUARTER] + 1e-6)) - 1
        top[event] = max(top.get(event, (-1.0, 0.0)), (float(row[_PITCH]), float(row[_ONSET])))
    times = np.array([top[i][1] for i in range(len(solo))])
    return np.asarray(np.maximum.accumulate(times) + np.arange(len(times)) * 1e-6)
