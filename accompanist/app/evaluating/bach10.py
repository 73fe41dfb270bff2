"""Bach10: ten chorales, each of four parts recorded by itself (Duan and Pardo).

A folder ``NN-Name`` a piece holds

- ``NN-Name.mid``, the score, four parts (each player's is the one that fits best);
- ``NN-Name-violin.wav``, ``-clarinet``, ``-saxphone`` (so spelt) and ``-bassoon``, the players by
  themselves, and ``NN-Name.wav``, all of them;
- ``NN-Name-GTNotes.mat``: ``GTNotes``, a cell for each part of a cell for each note of a 2 × n
  matrix: the numbers of its frames (from 1; the first is centred on 23 ms, each is 10 ms later) and
  its pitch in each of them (MIDI numbers);
- ``NN-Name.txt``: a row for each note: its onset in the recording and in the score (ms), its pitch
  and its part (from 1).

The times of ``GTNotes`` are used where they are there, since each player's own are told in them;
else those of the ``.txt`` file. Notes are brought together with those of the score by their
pitches, in order; what is only in one of the two is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.errors import BadInputError
from accompanist.score.model import Part
from accompanist.score.solo import solo_line
from score_library.load import load_score

__all__ = ["bach10_takes", "matched", "write_truth"]

_PLAYERS = ("violin", "clarinet", "saxphone", "bassoon")
_PIECE = re.compile(r"\d\d-\w")
_FIRST_FRAME_S, _FRAME_S = 0.023, 0.010
_SAME_SEMITONES = 1
_FITS = 0.5
"""So many at least of a player's notes are in their part."""
_APART = 2.5
"""Cost of taking two different notes for one; of leaving one out it is 1."""

Notes = list[tuple[float, int]]
"""Time in seconds and pitch of each note, by time."""


def bach10_takes(folder: Path, written: Path) -> list[ManifestTake]:
    """List a take for each player of each piece under ``folder``; truths go to ``written``.

    Raises
    ------
    BadInputError
        No piece is there, or a file is damaged or missing.
    """
    takes: list[ManifestTake] = []
    pieces = [p for p in sorted(folder.rglob("*")) if p.is_dir() and _PIECE.match(p.name)]
    if _PIECE.match(folder.name):
        pieces.append(folder)
    for piece in pieces:
        if (piece / f"{piece.name}.mid").is_file():
            takes += _piece_takes(piece, written, len(takes))
    if not takes:
        raise BadInputError(
            f"{folder}: no piece of Bach10 is there; folders like 01-AchGottundHerr with a .mid "
            "file are wanted"
        )
    return takes


def _piece_takes(piece: Path, written: Path, before: int) -> list[ManifestTake]:
    path = piece / f"{piece.name}.mid"
    score = load_score(path)
    parts = [part for part in score.parts if part.notes]
    if len(parts) < len(_PLAYERS):
        raise BadInputError(f"{path}: {len(parts)} parts have notes; Bach10 has four in a piece")
    played = _played(piece)
    takes: list[ManifestTake] = []
    for i, player in enumerate(_PLAYERS):
        audio = piece / f"{piece.name}-{player}.wav"
        if not audio.is_file():
            continue
        notes = played[i] if i < len(played) else []
        part, truth = max(
            ((part, _truth(part, notes)) for part in parts), key=lambda pair: len(pair[1])
        )
        if len(truth) < max(2.0, _FITS * len(notes)):
            raise BadInputError(
                f"{piece}: the notes of the {player} do not fit the score; unpack Bach10 again"
            )
        name = f"{piece.name}-{player}"
        file = written / f"{name}.csv"
        write_truth(file, truth)
        number = before + len(takes) + 1
        takes.append(
            ManifestTake(name, "bach10", path, str(part.number), audio, file, None, number)
        )
    if not takes:
        raise BadInputError(f"{piece}: no recording like {piece.name}-violin.wav is there")
    return takes


def _played(piece: Path) -> list[Notes]:
    """Read what each player played, from whichever file is there."""
    by_frames, by_rows = piece / f"{piece.name}-GTNotes.mat", piece / f"{piece.name}.txt"
    if by_frames.is_file():
        return _notes_of_mat(by_frames)
    if by_rows.is_file():
        return _notes_of_rows(by_rows)
    raise BadInputError(f"{piece}: neither {by_frames.name} nor {by_rows.name} is there")


def _notes_of_mat(path: Path) -> list[Notes]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held: Any = loadmat(path)["GTNotes"]
        players = []
        for cell in np.asarray(held, dtype=object).ravel():
            notes: Notes = []
            for note in np.asarray(cell, dtype=object).ravel():
                frames = np.asarray(note, dtype=np.float64)
                start_s = _FIRST_FRAME_S + _FRAME_S * (float(frames[0].min()) - 1.0)
                notes.append((start_s, round(float(np.median(frames[1])))))
            players.append(sorted(notes))
    except (
        *(KeyError, IndexError, TypeError, ValueError, NotImplementedError, OSError),
        MatReadError,
    ) as error:
        raise BadInputError(
            f"{path}: not the notes of Bach10 ({error or type(error).__name__}); unpack it again"
        ) from error
    return players


def _notes_of_rows(path: Path) -> list[Notes]:
    players: list[Notes] = [[] for _ in _PLAYERS]
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read ({error}); unpack Bach10 again") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            audio_ms, _score_ms, pitch, part = (float(v) for v in line.replace(",", " ").split())
            players[int(part) - 1].append((audio_ms / 1000.0, round(pitch)))
        except (ValueError, IndexError) as error:
            raise BadInputError(
                f"{path}: line {number}: {line.strip()[:40]!r}; four numbers are wanted: onset in "
                "the recording and in the score (ms), pitch, part (1 to 4)"
            ) from error
    return [sorted(notes) for notes in players]


def _truth(part: Part, played: Notes) -> list[tuple[float, float]]:
    """Bring the notes of a player together with the events of a part: (quarter, time)."""
    line = solo_line(part)
    wanted = [max(note.pitch for note in event) for event in line.notes]
    pairs = matched(wanted, [pitch for _, pitch in played])
    return [(float(line.onsets_quarter[i]), played[j][0]) for i, j in pairs]


def matched(wanted: list[int], played: list[int]) -> list[tuple[int, int]]:
    """Pair two rows of pitches in order, at the least cost of differing and left out ones.

    >>> matched([60, 62, 64], [60, 64])
    [(0, 0), (2, 1)]
    """
    rows, columns = len(wanted) + 1, len(played) + 1
    cost = np.zeros((rows, columns))
    cost[:, 0], cost[0, :] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            differ = abs(wanted[i - 1] - played[j - 1]) > _SAME_SEMITONES
            together = cost[i - 1, j - 1] + _APART * differ
            cost[i, j] = min(together, cost[i - 1, j] + 1.0, cost[i, j - 1] + 1.0)
    pairs = []
    i, j = rows - 1, columns - 1
    while i and j:
        differ = abs(wanted[i - 1] - played[j - 1]) > _SAME_SEMITONES
        if not differ and cost[i, j] == cost[i - 1, j - 1]:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1.0:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def write_truth(path: Path, rows: list[tuple[float, float]]) -> None:
    """Write a truth file of (quarter, time) rows."""
    lines = ["quarter,time", *(f"{quarter:.6f},{time_s:.6f}" for quarter, time_s in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
