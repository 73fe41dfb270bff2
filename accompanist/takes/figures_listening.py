"""What an ear would object to in an accompaniment, from what was sent and how it sounds.

Conventions
-----------
*Sounded* are the notes of the ensemble as they were struck and let go. The *line* says when a
position of the score came: the soloist's true onsets, straight between them and beyond them in the
tempo of the ends. Lengths and gaps are held against it, so that a hold of the soloist's is a hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.plan import Plan

__all__ = [
    "Line",
    "Objection",
    "Sounded",
    "clicks",
    "cut_notes",
    "doubled_notes",
    "figure_gaps",
    "hanging_notes",
    "pushed_notes",
    "silent_share",
    "sounded_notes",
    "struck_after",
]

FloatArray = npt.NDArray[np.float64]
Sound = npt.NDArray[np.float32]

DOUBLED_S = 0.06
CUT_SHARE = 0.5
GAP_S = 0.15
HANGING_S = 0.3
_LEAST_CUT_S = 0.1
_FIGURE_QUARTER = 1.0
_FIGURE_S = 0.75
"""Notes of one length that follow one another no more slowly than this are a figure."""
_ALIKE = 0.05
_PUSHED_SHARE = 0.4
_LEAST_PUSHED_S = 0.08
_SAME_QUARTER = 1e-3
_END_NEIGHBOURS = 5
_CLICK_BLOCK_S = 0.005
_CLICK_RISE = 30.0
_CLICK_LEAST = 0.02
_FRAME_S = 0.02


@dataclass(frozen=True, slots=True)
class Sounded:
    """A note as it was sent."""

    on_s: float
    off_s: float
    quarter: float
    end_quarter: float
    """Where it ends in the score; its own place if the score does not know it."""
    channel: int
    pitch: int
    part: int


@dataclass(frozen=True, slots=True)
class Objection:
    """Where, when, and by how much (seconds)."""

    quarter: float
    time_s: float
    amount_s: float
    pitch: int = -1


class Line:
    """When each position came.

    Parameters
    ----------
    quarter, time_s : ndarray [shape=(n,)]
        The soloist's onsets, both increasing; at least two.
    """

    def __init__(self, quarter: FloatArray, time_s: FloatArray) -> None:
        self._quarter, self._time_s = quarter, time_s
        few = min(_END_NEIGHBOURS, len(quarter) - 1)
        self._first = float((time_s[few] - time_s[0]) / (quarter[few] - quarter[0]))
        self._last = float((time_s[-1] - time_s[-1 - few]) / (quarter[-1] - quarter[-1 - few]))

    def at(self, quarter: float) -> float:
        """When ``quarter`` came."""
        if quarter < self._quarter[0]:
            return float(self._time_s[0] + (quarter - self._quarter[0]) * self._first)
        if quarter > self._quarter[-1]:
            return float(self._time_s[-1] + (quarter - self._quarter[-1]) * self._last)
        return float(np.interp(quarter, self._quarter, self._time_s))

    def lasts(self, quarter: float, end_quarter: float) -> float:
        """How long it took from one position to another."""
        return self.at(end_quarter) - self.at(quarter)


def sounded_notes(messages: Iterable[TimedMessage], plan: Plan) -> list[Sounded]:
    """Pair what was struck with what was let go, in the order of the strokes.

    What was never let go ends when it is struck again, or with the last message.
    """
    ends: dict[tuple[int, int, float], float] = {}
    for event in plan.events:
        if event.message.kind is Kind.ON:
            struck = event.message.channel, event.message.number, round(event.quarter, 3)
            ends[struck] = plan.end_quarters[event.note]
    notes: list[Sounded] = []
    open_notes: dict[tuple[int, int], TimedMessage] = {}
    last_s = 0.0

    def close(key: tuple[int, int], time_s: float) -> None:
        begun = open_notes.pop(key)
        end = ends.get((*key, round(begun.quarter, 3)), begun.quarter)
        notes.append(Sounded(begun.time_s, time_s, begun.quarter, end, *key, begun.part))

    for timed in messages:
        message, last_s = timed.message, timed.time_s
        if message.kind not in (Kind.ON, Kind.OFF):
            continue
        key = message.channel, message.number
        if key in open_notes:
            close(key, timed.time_s)
        if message.kind is Kind.ON:
            open_notes[key] = timed
    for key in list(open_notes):
        close(key, last_s)
    return sorted(notes, key=lambda note: (note.on_s, note.pitch))


def doubled_notes(notes: Sequence[Sounded], line: Line) -> list[Objection]:
    """Find pitches struck twice within 60 ms that are not written so close."""
    last: dict[tuple[int, int], Sounded] = {}
    found = []
    for note in notes:
        before = last.get((note.channel, note.pitch))
        last[note.channel, note.pitch] = note
        if before is None or note.on_s - before.on_s >= DOUBLED_S:
            continue
        again = abs(note.quarter - before.quarter) < _SAME_QUARTER
        if again or line.lasts(before.quarter, note.quarter) > 1.5 * DOUBLED_S:
            found.append(Objection(note.quarter, note.on_s, note.on_s - before.on_s, note.pitch))
    return found


def cut_notes(notes: Sequence[Sounded], line: Line) -> list[Objection]:
    """Find notes that sounded for less than half their time; the amount is what they sounded."""
    found = []
    for note in notes:
        whole_s = line.lasts(note.quarter, note.end_quarter)
        sounded_s = note.off_s - note.on_s
        if whole_s > _LEAST_CUT_S and sounded_s < CUT_SHARE * whole_s:
            found.append(Objection(note.quarter, note.on_s, sounded_s, note.pitch))
    return found


def _steps(notes: Sequence[Sounded], line: Line) -> list[tuple[Sounded, Sounded, float]]:
    """Neighbouring notes of running figures, and the time that is written between them."""
    by_part: defaultdict[int, list[Sounded]] = defaultdict(list)
    for note in notes:
        mine = by_part[note.part]
        if not mine or note.quarter > mine[-1].quarter + _SAME_QUARTER:
            mine.append(note)
    steps = []
    for mine in by_part.values():
        for earlier, before, after in zip(mine, mine[1:], mine[2:], strict=False):
            quarters = after.quarter - before.quarter
            if quarters > _FIGURE_QUARTER or abs(quarters - before.quarter + earlier.quarter) > (
                _ALIKE * quarters
            ):
                continue
            written_s = line.lasts(before.quarter, after.quarter)
            if 0.0 < written_s <= _FIGURE_S:
                steps.append((before, after, written_s))
    return steps


def figure_gaps(notes: Sequence[Sounded], line: Line) -> tuple[list[Objection], int]:
    """Find stops of over 150 ms in running figures; how many steps there were at all."""
    steps = _steps(notes, line)
    late = [(a, a.on_s - b.on_s - written_s) for b, a, written_s in steps]
    return [Objection(a.quarter, a.on_s, s, a.pitch) for a, s in late if s > GAP_S], len(steps)


def pushed_notes(notes: Sequence[Sounded], line: Line) -> list[Objection]:
    """Find steps of running figures hurried to less than 0.4 of their time."""
    return [
        Objection(after.quarter, after.on_s, after.on_s - before.on_s, after.pitch)
        for before, after, written_s in _steps(notes, line)
        if written_s > _LEAST_PUSHED_S and after.on_s - before.on_s < _PUSHED_SHARE * written_s
    ]


def hanging_notes(notes: Sequence[Sounded], line: Line, stopped_s: float) -> list[Objection]:
    """Find notes that sound on 0.3 s past the soloist's end and past their own written one."""
    found = []
    for note in notes:
        own_s = note.on_s + line.lasts(note.quarter, note.end_quarter)
        late_s = note.off_s - max(stopped_s, own_s)
        if late_s > HANGING_S:
            found.append(Objection(note.quarter, note.on_s, late_s, note.pitch))
    return found


def struck_after(notes: Sequence[Sounded], stopped_s: float) -> list[Objection]:
    """Find notes struck more than 0.3 s after the soloist has stopped for good."""
    return [
        Objection(note.quarter, note.on_s, note.on_s - stopped_s, note.pitch)
        for note in notes
        if note.on_s > stopped_s + HANGING_S
    ]


def clicks(sound: Sound, rate: int) -> list[Objection]:
    """Find samples that jump as no instrument does, in the mean of the channels.

    The second difference of one sample is held against that of the 5 ms before and after.
    """
    mono = sound if sound.ndim == 1 else sound.mean(axis=1)
    bend = np.abs(np.diff(mono.astype(np.float64), 2))
    block = max(2, round(_CLICK_BLOCK_S * rate))
    found: list[Objection] = []
    for at in np.flatnonzero(bend > _CLICK_LEAST).tolist():
        before, after = bend[max(at - block, 0) : max(at - 2, 0)], bend[at + 3 : at + block]
        around = np.concatenate((before, after))
        usual = float(np.sqrt(np.mean(around**2))) if len(around) else 0.0
        time_s = at / rate
        new = not found or time_s - found[-1].time_s > _CLICK_BLOCK_S
        if new and bend[at] > _CLICK_RISE * usual:
            found.append(Objection(np.nan, time_s, float(bend[at])))
    return found


def silent_share(
    sound: Sound, rate: int, notes: Sequence[Sounded], floor_db: float = -66.0
) -> float:
    """Share of the time in which notes are held and nothing is heard."""
    mono = (sound if sound.ndim == 1 else sound.mean(axis=1)).astype(np.float64)
    frame = round(_FRAME_S * rate)
    count = len(mono) // frame
    power = np.mean(mono[: count * frame].reshape(count, frame) ** 2, axis=1)
    held = np.zeros(count, dtype=bool)
    for note in notes:
        # A note may take a moment to speak, and die away under a long one.
        held[int(note.on_s / _FRAME_S) + 2 : int(note.off_s / _FRAME_S)] = True
    if not held.any():
        return 0.0
    return float(np.mean(power[held] < 10.0 ** (floor_db / 10.0)))
