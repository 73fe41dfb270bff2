"""The notes of a part as performed: ties merged, grace notes placed, one sound a pitch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import Level, Note
from score_library.importers.printed import PrintedNote, PrintedPart, Run

__all__ = ["GRACE_QUARTER", "performed_levels", "performed_notes"]

GRACE_QUARTER = 0.1
"""Length of a grace note, and its distance from what follows."""
_MEET_QUARTER = 0.01
"""A tie joins notes that meet within this."""


def performed_notes(part: PrintedPart, runs: Sequence[Run]) -> tuple[Note, ...]:
    """Play a part's measures in the order of ``runs``."""
    played: list[Note] = []
    tied: dict[int, int] = {}  # pitch → index of the note whose tie is open
    for run in runs:
        for printed in sorted(part.measures[run.index].notes, key=_place):
            if printed.offset > run.length - 1e-6 and not printed.grace_steps:
                continue  # beyond the end of a bar that it overfills
            note = _note(printed, run)
            before = tied.pop(note.pitch, None) if printed.tie_stops else None
            if (
                before is not None
                and abs(played[before].end_quarter - note.onset_quarter) < _MEET_QUARTER
            ):
                first = played[before]
                played[before] = replace(
                    first,
                    duration_quarter=note.end_quarter - first.onset_quarter,
                    tied=True,
                    fermata=first.fermata or note.fermata,
                    articulation=note.articulation,
                )
            else:
                before = len(played)
                played.append(note)
            if printed.tie_starts:
                tied[note.pitch] = before
    return _one_sound_a_pitch(played)


def performed_levels(
    part: PrintedPart, starts: Sequence[float], runs: Sequence[Run]
) -> tuple[Level, ...]:
    """Put the curve of a part's loudness in the order of ``runs``.

    Parameters
    ----------
    part : PrintedPart
    starts : sequence of float
        Quarter of each printed measure on the printed axis.
    runs : sequence of Run
    """
    if not part.curve:
        return ()
    quarters = [quarter for quarter, _ in part.curve]
    corners: list[Level] = []
    for run in runs:
        start = starts[run.index]
        first, last = bisect_right(quarters, start), bisect_left(quarters, start + run.length)
        inner = part.curve[first:last]
        for quarter, velocity in (
            (start, _at(part.curve, quarters, start)),
            *inner,
            (start + run.length, _before(part.curve, quarters, start + run.length)),
        ):
            _add_corner(corners, Level(run.start + quarter - start, velocity))
    return tuple(corners)


def _at(curve: Sequence[tuple[float, float]], quarters: Sequence[float], quarter: float) -> float:
    """Value just behind a place."""
    i = bisect_right(quarters, quarter)
    if i in (0, len(curve)):
        return curve[i - 1 if i else 0][1]
    return _between(curve[i - 1], curve[i], quarter)


def _before(
    curve: Sequence[tuple[float, float]], quarters: Sequence[float], quarter: float
) -> float:
    """Value just before a place."""
    i = bisect_left(quarters, quarter)
    if i in (0, len(curve)):
        return curve[i - 1 if i else 0][1]
    return _between(curve[i - 1], curve[i], quarter)


def _between(first: tuple[float, float], last: tuple[float, float], quarter: float) -> float:
    if last[0] <= first[0]:
        return last[1]
    return first[1] + (quarter - first[0]) / (last[0] - first[0]) * (last[1] - first[1])


def _add_corner(corners: list[Level], corner: Level) -> None:
    """Add a corner, but none that says nothing: of a stretch that is even only the ends stay."""
    if corners and corners[-1] == corner:
        return
    if len(corners) > 1 and corners[-2].velocity == corners[-1].velocity == corner.velocity:
        corners[-1] = corner
    else:
        corners.append(corner)


def _place(note: PrintedNote) -> tuple[float, int]:
    return note.offset, -note.grace_steps


def _note(printed: PrintedNote, run: Run) -> Note:
    onset = run.start + printed.offset
    duration = min(printed.duration, run.length - printed.offset)
    if printed.grace_steps:
        onset = max(0.0, onset - printed.grace_steps * GRACE_QUARTER)
        duration = GRACE_QUARTER
    return Note(
        onset_quarter=onset,
        duration_quarter=duration,
        pitch=printed.pitch,
        velocity=printed.velocity,
        grace=printed.grace_steps > 0,
        arpeggio=printed.arpeggio,
        fermata=printed.fermata,
        ornament=printed.ornament,
        staff=printed.staff,
        articulation=printed.articulation,
        stroke_quarter=printed.stroke_quarter,
    )


def _one_sound_a_pitch(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Two voices on one pitch are one string: unisons merge, a later stroke ends the earlier."""
    kept: list[Note] = []
    last: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: (n.onset_quarter, n.pitch, n.grace)):
        i = last.get(note.pitch)
        if i is not None and note.onset_quarter < kept[i].end_quarter - 1e-9:
            earlier = kept[i]
            if note.onset_quarter - earlier.onset_quarter < 1e-9:
                longest = max(earlier.duration_quarter, note.duration_quarter)
                loudest = max(earlier.velocity, note.velocity)
                if not (note.grace and not earlier.grace):
                    kept[i] = replace(earlier, duration_quarter=longest, velocity=loudest)
                continue
            gap = note.onset_quarter - earlier.onset_quarter
            kept[i] = replace(earlier, duration_quarter=gap)
        last[note.pitch] = len(kept)
        kept.append(note)
    return tuple(sorted(kept, key=lambda n: (n.onset_quarter, n.pitch)))
