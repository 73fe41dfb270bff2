"""What in a score may be followed badly, and what can be done about it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from accompanist.score.instruments import Role, role_of
from accompanist.score.model import Measure, Note, Ornament, Part, Score
from accompanist.score.solo import BUCKET_QUARTER, SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo

__all__ = ["Finding", "Severity", "bar_at", "check"]

LOWEST_PITCH, HIGHEST_PITCH = 33, 108
"""A1 (55 Hz) to C8: below and above, a microphone hears little of a note's pitch."""
FAST_S = 0.08
"""Events closer than this run into one another."""
REPEATED_RUN = 6
FAST_RUN = 6
LONG_NOTE_S = 10.0
GAP_S = 20.0
POLYPHONIC_SHARE = 0.1
DOUBLED_SHARE = 0.3


class Severity(StrEnum):
    """How much a finding matters."""

    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: where (a printed bar, empty for the whole piece), what, and the remedy."""

    severity: Severity
    bar: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """What every check looks at."""

    score: Score
    part: Part
    line: SoloLine
    tempo: WrittenTempo
    onsets_s: npt.NDArray[np.float64]

    def bar(self, quarter: float) -> str:
        measure = bar_at(self.score, quarter)
        return measure.printed if measure is not None else ""


def bar_at(score: Score, quarter: float) -> Measure | None:
    """Find the performed measure at a position: the last one beyond the end, None without any."""
    i = bisect_right([m.start_quarter for m in score.measures], quarter + 1e-6) - 1
    return score.measures[max(0, i)] if score.measures else None


def check(score: Score, solo: Part) -> list[Finding]:
    """Look for what makes a score hard to follow or dull to play, worst first.

    Parameters
    ----------
    score : Score
        The piece.
    solo : Part
        Its solo part.
    """
    line = solo_line(solo)
    if len(line) == 0:
        return [
            Finding(Severity.PROBLEM, "", "the solo part has no notes", "choose another solo part")
        ]
    tempo = written_tempo(score)
    case = _Case(score, solo, line, tempo, tempo.to_seconds(line.onsets_quarter))
    findings = [
        finding
        for look in (
            _percussion, _tempo_missing, _voices, _range, _doubled, _fast, _repeated, _tremolo,
            _long_notes, _gaps, _nothing_to_play,
        )
        for finding in look(case)
    ]  # fmt: skip
    order = [Severity.PROBLEM, Severity.WARNING, Severity.NOTE]
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _percussion(case: _Case) -> Iterator[Finding]:
    if case.part.percussion:
        yield Finding(
            Severity.PROBLEM,
            "",
            "the solo part is percussion without pitch",
            "choose another solo part, or play it on a MIDI pad (--midi-in)",
        )


def _tempo_missing(case: _Case) -> Iterator[Finding]:
    if not any(mark.written for mark in case.score.tempo_marks):
        rate_qpm = 60 * case.tempo.rate_at(0.0)
        yield Finding(
            Severity.WARNING,
            "",
            f"no tempo is written; {rate_qpm:.0f} quarters a minute are assumed",
            "write one into the score, or begin clearly in the tempo you want",
        )


def _voices(case: _Case) -> Iterator[Finding]:
    keyboard = role_of(case.part) in (Role.CHORDS, Role.UPPER_STAFF, Role.LOWER_STAFF)
    several, sounding_until = [], -1.0
    for onset, notes in zip(case.line.onsets_quarter.tolist(), case.line.notes, strict=True):
        if len(notes) > 1 or sounding_until > onset + 0.1:
            several.append(onset)
        sounding_until = max(sounding_until, max(note.end_quarter for note in notes))
    share = len(several) / len(case.line)
    if share > POLYPHONIC_SHARE and not keyboard:
        yield Finding(
            Severity.NOTE,
            case.bar(several[0]),
            f"the solo has two or more voices in {share:.0%} of its events",
            "if they are several players, give each a part of their own",
        )


def _range(case: _Case) -> Iterator[Finding]:
    beyond = [n for n in case.part.notes if not LOWEST_PITCH <= n.pitch <= HIGHEST_PITCH]
    if beyond:
        yield Finding(
            Severity.WARNING,
            case.bar(beyond[0].onset_quarter),
            f"{_count(len(beyond), 'note')} below A1 or above C8, which microphones hardly hear",
            "check the part's transposition and octave",
        )


def _doubled(case: _Case) -> Iterator[Finding]:
    others = [
        (note.onset_quarter, note.pitch)
        for part in case.score.parts
        if part.number != case.part.number and not part.percussion
        for note in part.notes
    ]
    together = {(round(q / BUCKET_QUARTER), pitch) for q, pitch in others}
    doubled = [note for notes in case.line.notes for note in notes if _near(note, together)]
    total = sum(len(notes) for notes in case.line.notes)
    if len(doubled) > DOUBLED_SHARE * total:
        yield Finding(
            Severity.WARNING,
            case.bar(doubled[0].onset_quarter),
            f"the accompaniment plays {len(doubled) / total:.0%} of the solo's notes in unison",
            "use headphones, so that the microphone hears the soloist alone",
        )


def _near(note: Note, together: set[tuple[int, int]]) -> bool:
    bucket = round(note.onset_quarter / BUCKET_QUARTER)
    return any((bucket + step, note.pitch) in together for step in (-1, 0, 1))


def _fast(case: _Case) -> Iterator[Finding]:
    close = np.diff(case.onsets_s) < FAST_S
    run = 0
    for i, is_close in enumerate(close.tolist()):
        run = run + 1 if is_close else 0
        if run == FAST_RUN - 1:
            start = case.line.onsets_quarter[i + 1 - run]
            yield Finding(
                Severity.WARNING,
                case.bar(float(start)),
                f"{FAST_RUN} or more notes less than {1000 * FAST_S:.0f} ms apart",
                "check the written tempo; the position there is only known at the end of the run",
            )
            return


def _repeated(case: _Case) -> Iterator[Finding]:
    pitches = [tuple(sorted(note.pitch for note in notes)) for notes in case.line.notes]
    runs, start = [], 0
    for i in range(1, len(pitches) + 1):
        if i == len(pitches) or pitches[i] != pitches[start]:
            runs.append((i - start, start))
            start = i
    longest, first = max(runs)
    if longest >= REPEATED_RUN:
        yield Finding(
            Severity.NOTE,
            case.bar(float(case.line.onsets_quarter[first])),
            f"the same pitch {longest} times in a row",
            "part the notes clearly: where they run together, they are hard to count",
        )


def _tremolo(case: _Case) -> Iterator[Finding]:
    tremolos = (Ornament.TREMOLO, Ornament.ALTERNATION)
    for kinds, word in ((tremolos, "tremolo"), ((Ornament.TRILL,), "trill")):
        notes = [note for note in case.part.notes if note.ornament in kinds]
        if notes:
            yield Finding(
                Severity.NOTE,
                case.bar(notes[0].onset_quarter),
                f"{_count(len(notes), word)} in the solo, whose strokes are not counted",
                "nothing to do: the accompaniment goes on by the tempo",
            )


def _long_notes(case: _Case) -> Iterator[Finding]:
    for onset, notes in zip(case.line.onsets_quarter.tolist(), case.line.notes, strict=True):
        end = max(note.end_quarter for note in notes)
        ends_s = case.tempo.to_seconds(np.array([onset, end]))
        if ends_s[1] - ends_s[0] > LONG_NOTE_S:
            yield Finding(
                Severity.WARNING,
                case.bar(onset),
                f"a solo note of {ends_s[1] - ends_s[0]:.0f} s, during which nothing can be heard "
                "of the tempo",
                "mark a fermata where it is not to be counted; else it goes by the tempo",
            )
            return


def _gaps(case: _Case) -> Iterator[Finding]:
    ends = np.array([max(note.end_quarter for note in notes) for notes in case.line.notes])
    ends_s = np.maximum.accumulate(case.tempo.to_seconds(ends))
    gaps_s = case.onsets_s[1:] - ends_s[:-1]
    if len(gaps_s) and gaps_s.max() > GAP_S:
        i = int(gaps_s.argmax())
        yield Finding(
            Severity.NOTE,
            case.bar(float(ends[i])),
            f"the solo rests for {gaps_s[i]:.0f} s",
            "the accompaniment plays on in the tempo it has; come in with it",
        )


def _nothing_to_play(case: _Case) -> Iterator[Finding]:
    if not any(p.notes for p in case.score.parts if p.number != case.part.number):
        yield Finding(
            Severity.NOTE,
            "",
            "there is no accompaniment: the solo is all there is",
            "nothing is played; only the position is followed",
        )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
