"""MusicNet: recordings of classical music with labels on every note (Thickstun et al.).

``train_data/ID.wav`` and ``train_labels/ID.csv`` (and ``test_…``); the labels have the columns
``start_time,end_time,instrument,note,start_beat,end_beat,note_value``: samples at 44.1 kHz
whatever the rate of the file, the number of a General MIDI program from 1, a MIDI pitch, the
place in the score in beats, and (under the name of ``end_beat``) how many beats the note lasts.
A beat is a quarter. ``musicnet_metadata.csv``, if there, names each recording's ensemble.

The labels are all there is of the score. Everybody who plays is heard, so that all of them
together are what is followed: one part with all notes. There is no mark of a tempo; the one given
to the follower is that of the recording to the nearest half octave, so that it still has to be
found.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np

from accompanist.app.evaluating.bach10 import write_truth
from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.errors import BadInputError
from accompanist.score.solo import bucket_indices
from accompanist.takes.tables import read_numbers, read_rows

__all__ = ["musicnet_takes"]

_COLUMNS = ("start_time", "end_time", "instrument", "note", "start_beat", "end_beat")
_LABEL_RATE = 44_100
_TICKS = 10_080
"""A quarter, so that all note values down to sixty-fourths, triplets to septuplets, are whole."""
_MOST_BEATS = 20_000.0
_SHORTEST_BEATS = 1.0 / 64.0
_VELOCITY = 80
_SLOWEST_QPM, _FASTEST_QPM = 10.0, 400.0


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Notes by place in the score: seconds, beats, pitches, programs [all shape=(n,)]."""

    start_s: np.ndarray
    beat: np.ndarray
    length: np.ndarray
    pitch: np.ndarray
    program: np.ndarray


def musicnet_takes(folder: Path, written: Path) -> list[ManifestTake]:
    """List a take for each recording under ``folder`` that has labels.

    Scores and truths go to ``written``.

    Raises
    ------
    BadInputError
        None is there, or the labels of one are damaged.
    """
    ensembles = _ensembles(folder)
    takes: list[ManifestTake] = []
    for labels in sorted(folder.rglob("*_labels/*.csv")):
        kind = labels.parent.name.removesuffix("_labels")
        audio = labels.parent.parent / f"{kind}_data" / f"{labels.stem}.wav"
        if not audio.is_file():
            continue
        notes = _read(labels)
        score, truth = written / f"{labels.stem}.mid", written / f"{labels.stem}.csv"
        rows = _truth(labels, notes)
        write_truth(truth, rows)
        _write_score(score, notes, _mark_qpm(rows))
        group = ensembles.get(labels.stem, "musicnet")
        takes.append(
            ManifestTake(labels.stem, group, score, "1", audio, truth, None, len(takes) + 1)
        )
    if not takes:
        raise BadInputError(
            f"{folder}: no recording of MusicNet is there; train_data/ID.wav and "
            "train_labels/ID.csv are wanted"
        )
    return takes


def _ensembles(folder: Path) -> dict[str, str]:
    for path in (folder / "musicnet_metadata.csv", folder.parent / "musicnet_metadata.csv"):
        if path.is_file():
            rows = read_rows(path, ("id", "ensemble"))
            return {row["id"]: row["ensemble"] or "musicnet" for row in rows}
    return {}


def _read(path: Path) -> _Labels:
    table = read_numbers(path, _COLUMNS)
    if len(table) < 2:
        raise BadInputError(f"{path}: {len(table)} notes; labels of a recording are wanted")
    start, _end, program, pitch, beat, length = table.T
    wrong = (start < 0) | (pitch < 0) | (pitch > 127) | (beat < 0) | (beat > _MOST_BEATS)
    wrong |= (length <= 0) | (length > _MOST_BEATS) | (program < 1) | (program > 128)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BadInputError(
            f"{path}: row {row + 1}: a sample, program, pitch or beat is out of range; "
            "unpack MusicNet again"
        )
    order = np.lexsort((pitch, beat))
    return _Labels(
        start_s=start[order] / _LABEL_RATE,
        beat=beat[order],
        length=np.maximum(length[order], _SHORTEST_BEATS),
        pitch=pitch[order].astype(np.intp),
        program=program[order].astype(np.intp) - 1,
    )


def _truth(path: Path, notes: _Labels) -> list[tuple[float, float]]:
    """Give where each event stands and when it begins: the median of its notes.

    One that would begin before the last one is left out.
    """
    bucket = bucket_indices(notes.beat)
    rows: list[tuple[float, float]] = []
    for number in range(int(bucket[-1]) + 1):
        mine = bucket == number
        quarter, time_s = float(notes.beat[mine].min()), float(np.median(notes.start_s[mine]))
        if not rows or time_s > rows[-1][1]:
            rows.append((round(quarter * _TICKS) / _TICKS, time_s))
    if len(rows) < 2:
        raise BadInputError(f"{path}: its notes come in no order; unpack MusicNet again")
    return rows


def _mark_qpm(rows: list[tuple[float, float]]) -> float:
    """Tempo of the recording to the nearest half octave."""
    slopes = [(q1 - q0) / (t1 - t0) for (q0, t0), (q1, t1) in pairwise(rows) if t1 > t0]
    qpm = min(max(60.0 * float(np.median(slopes)), _SLOWEST_QPM), _FASTEST_QPM)
    return float(2.0 ** (round(2.0 * np.log2(qpm)) / 2.0))


def _write_score(path: Path, notes: _Labels, qpm: float) -> None:
    """Write all notes as one part; of two of one pitch the first ends where the second begins."""
    starts = np.round(notes.beat * _TICKS).astype(np.int64)
    ends = np.round((notes.beat + notes.length) * _TICKS).astype(np.int64)
    last: dict[int, int] = {}
    for i in range(len(starts)):
        before = last.get(int(notes.pitch[i]))
        if before is not None and ends[before] > starts[i]:
            ends[before] = max(starts[i], starts[before] + 1)
        last[int(notes.pitch[i])] = i
    events = [(int(t), 1, int(p)) for t, p in zip(starts, notes.pitch, strict=True)]
    events += [(int(t), 0, int(p)) for t, p in zip(ends, notes.pitch, strict=True)]
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name="All", time=0))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(qpm), time=0))
    program = int(np.bincount(notes.program).argmax())
    track.append(mido.Message("program_change", program=program, time=0))
    now = 0
    for tick, on, pitch in sorted(events):
        velocity = _VELOCITY * on
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    file.tracks.append(track)
    file.save(path)
