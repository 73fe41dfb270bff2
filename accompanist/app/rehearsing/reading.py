"""From a take folder, or a recording, to what is learned of it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.rehearsing.folders import find_take, read_onsets
from accompanist.app.rehearsing.hindsight import aligned_onsets, in_hindsight, recording_onsets
from accompanist.app.rehearsing.loudness import Envelope, envelope
from accompanist.app.rehearsing.stretches import played_on
from accompanist.app.rehearsing.takes import LearnedTake, Stretch
from accompanist.errors import AccompanistError, BadInputError
from accompanist.score.model import Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo

__all__ = ["check_long_enough", "read_recording", "read_take"]

FloatArray = npt.NDArray[np.float64]
Events = npt.NDArray[np.intp]

_FEWEST = 12
_SHORTEST_S = 6.0
_UNHEARD_DB = 35.0
_LEAST_STEP_S = 0.01
_HASH_BYTES = 1 << 20


def read_take(
    folder: Path, score: Score, solo: Part, *, own: bool = True, hindsight: bool = True
) -> LearnedTake:
    """Learn from a take folder.

    Parameters
    ----------
    folder : Path
    score, solo
        The piece, and the part that was played in the take.
    own : bool
        Whether the soloist to be accompanied played it.
    hindsight : bool
        Whether its sound is listened to again, where it is still there.

    Raises
    ------
    BadInputError
        It is no take, or why it cannot be learned from.
    """
    take = find_take(folder)
    line = solo_line(solo)
    onsets = read_onsets(take, line)
    written_s = written_tempo(score).to_seconds(line.onsets_quarter)
    stretches = played_on(written_s, onsets.events, onsets.times_s)
    source = "truth" if onsets.true else "reports"
    course: Envelope | None = None
    name = str(folder.resolve())
    check_long_enough(
        _learned(onsets.id, name, line, stretches, None, own=own, source=source), line
    )
    sound = take.sound
    if sound is not None and stretches:
        course = _loudness(sound)
        if hindsight and course is not None and not onsets.true:
            aligned_s = aligned_onsets(score, solo, sound)
            better = None
            if aligned_s is not None:
                better = in_hindsight(written_s, stretches, aligned_s)
            if better:
                stretches, source = better, "sound"
    learned = _learned(onsets.id, name, line, stretches, course, own=own, source=source)
    check_long_enough(learned, line)
    return learned


def read_recording(file: Path, score: Score, solo: Part, *, own: bool = False) -> LearnedTake:
    """Learn the timing of a recording of the whole piece, or of its solo part alone.

    Raises
    ------
    BadInputError
        It cannot be read, or is of another piece.
    """
    line = solo_line(solo)
    written_s = written_tempo(score).to_seconds(line.onsets_quarter)
    times_s = recording_onsets(score, solo, file)
    events = np.flatnonzero(np.isfinite(times_s)).astype(np.intp)
    order = np.argsort(times_s[events], kind="stable")
    stretches = played_on(written_s, events[order], times_s[events][order])
    learned = _learned(
        _digest(file), str(file.resolve()), line, stretches, None, own=own, source="recording"
    )
    check_long_enough(learned, line)
    return learned


def check_long_enough(take: LearnedTake, solo: SoloLine) -> None:
    """Refuse what says next to nothing.

    Raises
    ------
    BadInputError
        Hardly anything was played in it.
    """
    length_s = sum(float(s.times_s[-1] - s.times_s[0]) for s in take.stretches)
    fewest = min(_FEWEST, len(solo) // 2)
    if take.onsets < fewest or (length_s < _SHORTEST_S and take.onsets < len(solo) // 2):
        raise BadInputError(
            f"{take.name}: too little of the piece was played in it to learn from "
            f"({take.onsets} of {len(solo)} notes, {length_s:.0f} s)"
        )


def _learned(
    take_id: str,
    name: str,
    line: SoloLine,
    stretches: list[tuple[Events, FloatArray]],
    course: Envelope | None,
    *,
    own: bool,
    source: str,
) -> LearnedTake:
    if course is not None:
        stretches = _heard(stretches, course)
    levels = [None if course is None else course.levels_db(times_s) for _, times_s in stretches]
    known = [level for level in levels if level is not None]
    mean = float(np.concatenate(known).mean()) if known else 0.0
    return LearnedTake(
        id=take_id,
        name=name,
        own=own,
        source=source,
        when=datetime.now().astimezone().isoformat(timespec="milliseconds"),
        stretches=tuple(
            Stretch(
                quarters=line.onsets_quarter[events],
                times_s=times_s,
                levels_db=None if level is None else level - mean,
                silences_s=None if course is None else course.silences_s(times_s),
            )
            for (events, times_s), level in zip(stretches, levels, strict=True)
        ),
    )


def _heard(
    stretches: list[tuple[Events, FloatArray]], course: Envelope
) -> list[tuple[Events, FloatArray]]:
    """Put onsets where something sounds; leave out those that were only supposed to be there.

    Behind a breath neither a follower nor an alignment is exact, and a breath is just what is to
    be learned.
    """
    out = []
    for events, supposed_s in stretches:
        times_s = course.begun_s(supposed_s)
        levels = course.levels_db(times_s)
        heard = levels > np.median(levels) - _UNHEARD_DB
        heard &= np.append(True, np.diff(times_s) > _LEAST_STEP_S)
        if heard.sum() >= 2:
            out.append((events[heard], times_s[heard]))
    return out


def _loudness(sound: Path) -> Envelope | None:
    """Course of loudness of a file; None where it cannot be read."""
    from accompanist.app.aligning.listening import readable_recording

    try:
        with readable_recording(sound) as file:
            return envelope(file)
    except AccompanistError:
        return None


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(_HASH_BYTES):
                digest.update(block)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()[:16]
