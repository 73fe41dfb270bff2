"""The notes of a part as performed: ties merged, grace notes placed, one sound a pitch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import Note
from score_library.importers.printed import PrintedNote, PrintedPart, Run

__all__ = ["GRACE_QUARTER", "performed_notes"]

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
                )
            else:
                before = len(played)
                played.append(note)
            if printed.tie_starts:
                tied[note.pitch] = before
    return _one_sound_a_pitch(played)


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
