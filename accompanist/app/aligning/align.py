"""Takes of a piece on its time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.app.aligning.listening import hear_file
from accompanist.app.aligning.table import AlignmentTable, column_names, rows_at
from accompanist.app.progress import progress_bar
from accompanist.errors import BadInputError
from accompanist.score.model import Score
from accompanist.score.outer import OuterAxis

if TYPE_CHECKING:
    from accompanist.recordings.aligning.alignment import Alignment
    from accompanist.recordings.aligning.features import Features

__all__ = ["Aligned", "Axis", "TakeFacts", "align_takes", "align_with", "open_axis"]

FloatArray = npt.NDArray[np.float64]

_LEAST_GAP_S = 0.5
_LEAST_NOTES, _MOST_PARTS = 16, 8
"""Parts with fewer notes are not tried alone, nor more parts than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """What takes are aligned with.

    Attributes
    ----------
    name : str
    unit : str
        ``quarters`` or ``seconds``.
    features : Features
    end : float
        Last position.
    onsets : ndarray
        Positions where notes begin, rising.
    onsets_s : ndarray
        The same on the features' own axis.
    own_s : callable
        Positions → seconds on the features' own axis.
    alone : tuple of (Features, ndarray)
        Features and onsets of each part alone, on the same axis: a take may be of one player.
    """

    name: str
    unit: str
    features: Features
    end: float
    onsets: FloatArray
    onsets_s: FloatArray
    own_s: Callable[[FloatArray], FloatArray]
    alone: tuple[tuple[Features, FloatArray], ...] = ()


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """How a take fits the piece; for ``--json`` and the summary."""

    name: str
    file: str
    duration_s: float
    certainty: float
    transposed_semitones: int
    first_position: float
    last_position: float
    gaps: tuple[tuple[float, float], ...]
    """Stretches of the piece between the first and the last position that it leaves out."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """The table, and how the takes fit."""

    table: AlignmentTable
    takes: tuple[TakeFacts, ...]


def open_axis(piece: str) -> Axis:
    """Open a piece by its id, or a score or a recording by its path.

    Raises
    ------
    AccompanistError
        There is no such piece, or its file cannot be read.
    """
    from accompanist.app.pieces import open_any
    from score_library.index import find_info, user_pieces_dir
    from score_library.load import is_recording

    path = Path(piece)
    if find_info(piece, user_pieces_dir()) is None and is_recording(path):
        return _recording_axis(path, path.name)
    opened = open_any(piece)
    if opened.recording is not None:
        return _recording_axis(opened.recording.sound_file, opened.title, opened.score)
    return _score_axis(opened.score, opened.title)


def align_takes(axis: Axis, files: Sequence[Path], step: float) -> Aligned:
    """Align takes with a piece.

    Parameters
    ----------
    axis : Axis
    files : sequence of Path
    step : float
        Distance of the rows, in quarters or seconds of the piece; onsets have rows anyway.

    Raises
    ------
    BadInputError
        A take cannot be read, is too short or silent, or is not of this piece.
    """
    positions = rows_at(axis.end, step, axis.onsets)
    own_s = axis.own_s(positions)
    names = column_names(files)
    columns, facts = [], []
    for file, name in zip(files, names, strict=True):
        heard = hear_file(file)
        alignment = align_with(axis, heard, str(file))
        column = _rising(alignment.map.second_s(own_s))
        covered = np.flatnonzero(~np.isnan(column))
        if not len(covered):
            raise BadInputError(f"{file}: hardly anything of {axis.name} is in it")
        columns.append(column)
        facts.append(_facts(name, file, heard, alignment, positions, column))
    table = AlignmentTable(axis.unit, names, positions, np.column_stack(columns))
    return Aligned(table, tuple(facts))


def align_with(axis: Axis, heard: Features, name: str) -> Alignment:
    """Align one take, with a progress bar: with the whole piece, else with one part of it.

    Raises
    ------
    BadInputError
        It is too short or silent, or not of this piece.
    """
    from accompanist.recordings.aligning.alignment import align_features

    refusal: BadInputError | None = None
    with progress_bar(f"Aligning {name}"):
        for features, onsets_s in ((axis.features, axis.onsets_s), *axis.alone):
            try:
                return align_features(
                    features, heard, onsets_s=onsets_s, first_name=axis.name, second_name=name
                )
            except BadInputError as error:
                refusal = refusal or error
    assert refusal is not None
    raise refusal


def _score_axis(score: Score, title: str) -> Axis:
    from accompanist.recordings.aligning.notes import LEAD_S, score_features, score_onsets_s
    from accompanist.score.tempo import written_tempo

    tempo = written_tempo(score)
    onsets_s = score_onsets_s(score)
    pitched = [p for p in score.parts if len(p.notes) >= _LEAST_NOTES and not p.percussion]
    solos = [replace(score, parts=(part,)) for part in pitched[:_MOST_PARTS]]
    return Axis(
        name=title,
        unit="quarters",
        features=score_features(score),
        end=score.end_quarter,
        onsets=tempo.to_quarter(onsets_s - LEAD_S),
        onsets_s=onsets_s,
        own_s=lambda quarters: tempo.to_seconds(quarters) + LEAD_S,
        alone=tuple((score_features(s), score_onsets_s(s)) for s in solos if len(pitched) > 1),
    )


def _recording_axis(file: Path, title: str, score: Score | None = None) -> Axis:
    from accompanist.recordings.aligning.refining import heard_onsets

    features = hear_file(file)
    onsets_s = heard_onsets(features)
    if score is not None:  # what the piece has as its notes is what others count by
        quarters = sorted({n.onset_quarter for p in score.parts for n in p.notes})
        onsets_s = OuterAxis(score).outer(quarters) if quarters else onsets_s
    return Axis(
        name=title,
        unit="seconds",
        features=features,
        end=features.duration_s,
        onsets=onsets_s,
        onsets_s=onsets_s,
        own_s=lambda seconds: seconds,
    )


def _rising(times_s: FloatArray) -> FloatArray:
    """Round as the table does, and leave out what would then stand still."""
    out = np.round(times_s, 4)
    last = -np.inf
    for i, t in enumerate(out):
        if not np.isnan(t):
            if t <= last:
                out[i] = np.nan
            else:
                last = t
    return out


def _facts(
    name: str,
    file: Path,
    heard: Features,
    alignment: Alignment,
    positions: FloatArray,
    column: FloatArray,
) -> TakeFacts:
    there = ~np.isnan(column)
    covered = np.flatnonzero(there)
    gaps = []
    for before, after in pairwise(covered):
        if after - before > 1 and positions[after] - positions[before] > _LEAST_GAP_S:
            gaps.append((float(positions[before]), float(positions[after])))
    return TakeFacts(
        name=name,
        file=str(file),
        duration_s=round(heard.duration_s, 3),
        certainty=round(alignment.certainty, 2),
        transposed_semitones=alignment.transposed,
        first_position=float(positions[covered[0]]),
        last_position=float(positions[covered[-1]]),
        gaps=tuple(gaps),
    )
