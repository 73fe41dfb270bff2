"""From paper to performance: repeats written out, ties merged, grace notes placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from accompanist.errors import BadInputError
from accompanist.score.instruments import program_for
from accompanist.score.model import (
    Fermata,
    Key,
    Mark,
    Measure,
    Metre,
    OscCue,
    Part,
    Score,
)
from accompanist.score.unfold import unfold, visits
from score_library.importers.limits import (
    MAX_MEASURES,
    MAX_NOTES,
    MAX_PARTS,
    MAX_QUARTERS,
    check_limit,
)
from score_library.importers.listening import performed_passages
from score_library.importers.loudness import set_velocities
from score_library.importers.perform_notes import performed_levels, performed_notes
from score_library.importers.perform_tempo import performed_tempo
from score_library.importers.printed import PrintedBar, PrintedMeasure, PrintedPart, Run
from score_library.importers.printed_tempo import tempo_plan

__all__ = ["Heading", "perform"]

_VOICE_PROGRAM = 53
_SHORTEST_QUARTER = 0.03
"""A measure that is shorter than a 128th note is taken for an empty one."""
_ROUNDING_QUARTER = 0.04
"""Tuplets written in whole ticks miss the bar line by about this much at most."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the first system."""

    title: str
    composer: str = ""
    licence: str = ""


def perform(
    heading: Heading, parts: Sequence[PrintedPart], bars: Sequence[PrintedBar], name: str
) -> Score:
    """Write out a printed score in the order of performance.

    Every part has one `PrintedMeasure` for each of ``bars``. Raises BadInputError where there is
    nothing to play or far too much.
    """
    check_limit(name, "parts", len(parts), MAX_PARTS)
    metres = _metres_in_force(bars)
    lengths = _lengths(parts, bars, metres)
    starts = [0.0]
    for length in lengths:
        starts.append(starts[-1] + length)
    end_printed = starts.pop()
    for part in parts:
        set_velocities(part, starts)
    order = unfold([bar.signs for bar in bars], MAX_MEASURES)
    check_limit(name, "measures", len(order), MAX_MEASURES)
    per_measure = [sum(len(p.measures[i].notes) for p in parts) for i in range(len(bars))]
    check_limit(name, "notes", sum(per_measure[i] for i in order), MAX_NOTES)
    runs = _runs(order, lengths)
    end_quarter = runs[-1].start + runs[-1].length if runs else 0.0
    check_limit(name, "quarters", end_quarter, MAX_QUARTERS)
    made = tuple(_part(part, number, starts, runs) for number, part in enumerate(parts, 1))
    if not any(part.notes for part in made):
        raise BadInputError(f"{name}: there are no notes in this score; choose another one")
    plan = tempo_plan(bars, starts, metres, end_printed)
    tempo_marks, tempo_spans = performed_tempo(plan, starts, runs, end_quarter)
    return Score(
        title=heading.title,
        composer=heading.composer,
        licence=heading.licence,
        parts=made,
        measures=tuple(
            Measure(run.start, run.length, bars[run.index].number, visit, bars[run.index].page)
            for run, visit in zip(runs, visits(order), strict=True)
        ),
        tempo_marks=tempo_marks,
        tempo_spans=tempo_spans,
        metres=_metres(metres, runs),
        keys=_keys(bars, runs),
        marks=tuple(
            Mark(run.start + offset, text) for run in runs for offset, text in bars[run.index].marks
        ),
        fermatas=_fermatas(parts, bars, runs),
        cues=_cues(bars, runs),
        passages=performed_passages(bars, runs, visits(order), end_quarter),
    )


def _cues(bars: Sequence[PrintedBar], runs: Sequence[Run]) -> tuple[OscCue, ...]:
    """Put the OSC messages at their performed places, in every pass."""
    found = [
        OscCue(run.start + offset, address, arguments)
        for run in runs
        for offset, (address, arguments) in bars[run.index].cues
    ]
    return tuple(sorted(found, key=lambda cue: cue.quarter))


def _metres_in_force(bars: Sequence[PrintedBar]) -> list[tuple[int, int]]:
    first = next((bar.metre for bar in bars if bar.metre is not None), (4, 4))
    metres, now = [], first
    for bar in bars:
        now = bar.metre or now
        metres.append(now)
    return metres


def _lengths(
    parts: Sequence[PrintedPart], bars: Sequence[PrintedBar], metres: Sequence[tuple[int, int]]
) -> list[float]:
    """How long each printed measure is: what stands in it, else what the metre says.

    A pickup, a bar split by a repeat and a cadenza are as long as their contents.
    """
    return [
        _length([part.measures[i] for part in parts], 4.0 * metres[i][0] / metres[i][1])
        for i in range(len(bars))
    ]


def _length(measures: Sequence[PrintedMeasure], nominal: float) -> float:
    content = max((m.content_quarter for m in measures), default=0.0)
    if content < _SHORTEST_QUARTER:
        filling = max((m.rest_quarter for m in measures), default=0.0)
        return filling if _SHORTEST_QUARTER < filling < nominal else nominal
    if abs(content - nominal) < _ROUNDING_QUARTER:
        return nominal
    if content > nominal:
        # A bar that one part overfills while others with notes fill it exactly has an error in
        # it; a cadenza lets all of them wait to its end.
        wide = sum(m.reach_quarter > nominal + _ROUNDING_QUARTER for m in measures)
        exact = sum(
            bool(m.notes) and abs(m.reach_quarter - nominal) < _ROUNDING_QUARTER for m in measures
        )
        return nominal if exact >= wide else content
    return content


def _runs(order: Sequence[int], lengths: Sequence[float]) -> list[Run]:
    runs, at = [], 0.0
    for previous, index in pairwise([-1, *order]):
        runs.append(Run(index, at, lengths[index], index == previous + 1))
        at += lengths[index]
    return runs


def _part(part: PrintedPart, number: int, starts: Sequence[float], runs: Sequence[Run]) -> Part:
    program = part.program
    if program is None:
        program = program_for(part.name) or (_VOICE_PROGRAM if part.lyrics else 0)
    return Part(
        number=number,
        name=part.name or part.instrument or f"Part {number}",
        notes=performed_notes(part, runs),
        instrument=part.instrument,
        program=program,
        percussion=part.percussion,
        transposition=part.transposition,
        lyrics=part.lyrics,
        levels=performed_levels(part, starts, runs),
    )


def _metres(metres: Sequence[tuple[int, int]], runs: Sequence[Run]) -> tuple[Metre, ...]:
    found: list[Metre] = []
    for run in runs:
        now = metres[run.index]
        if not found or (found[-1].numerator, found[-1].denominator) != now:
            found.append(Metre(run.start, *now))
    return tuple(found)


def _keys(bars: Sequence[PrintedBar], runs: Sequence[Run]) -> tuple[Key, ...]:
    in_force: list[tuple[int, bool] | None] = []
    now: tuple[int, bool] | None = None
    for bar in bars:
        now = bar.key or now
        in_force.append(now)
    found: list[Key] = []
    for run in runs:
        key = in_force[run.index]
        if key is not None and (not found or (found[-1].fifths, found[-1].minor) != key):
            found.append(Key(run.start, *key))
    return tuple(found)


def _fermatas(
    parts: Sequence[PrintedPart], bars: Sequence[PrintedBar], runs: Sequence[Run]
) -> tuple[Fermata, ...]:
    """Collect the holds of all parts; those that overlap are one."""
    holds: list[tuple[float, float]] = []
    for run in runs:
        measures = [part.measures[run.index] for part in parts]
        notes = [n for m in measures for n in m.notes if not n.grace_steps]
        spans = [(n.offset, n.offset + n.duration) for n in notes if n.fermata]
        spans += bars[run.index].fermatas
        if bars[run.index].fermata_at_end and not spans and notes:
            spans.append((max(n.offset for n in notes), run.length))
        holds += [
            (run.start + a, run.start + min(b, run.length)) for a, b in spans if a < run.length
        ]
    merged: list[tuple[float, float]] = []
    for start, end in sorted(holds):
        if merged and start < merged[-1][1] - 1e-6:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(Fermata(start, end) for start, end in merged if end > start)
