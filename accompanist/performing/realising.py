"""A part's printed notes as strokes: balance, swells, articulation, ornaments, in this order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from accompanist.performing.articulation import articulated, sustains
from accompanist.performing.ornaments import alternated, realise, spread
from accompanist.performing.swells import curve_under, swelled
from accompanist.score.model import Note, Ornament, Part, Score
from accompanist.score.solo import BUCKET_QUARTER
from accompanist.score.tempo import WrittenTempo

__all__ = ["Realiser", "Stroke"]

_ROLLED = (Ornament.TREMOLO, Ornament.TRILL, Ornament.ALTERNATION)
_PHRASE_QUARTER = 1.0
"""Behind a rest of the soloist that is so long nobody knows when they come in."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key struck, and how it goes on under a hold: by turns with ``partner``, so fast."""

    note: Note
    partner: int = -1
    stroke_s: float = 0.0
    """0 where it does not."""

    def with_note(self, note: Note) -> Stroke:
        return self if note is self.note else replace(self, note=note)


class Realiser:
    """Writes out what parts play.

    Parameters
    ----------
    score : Score
    solo_number : int
        The soloist's part: the others leave it room, and arpeggios arrive with it.
    tempo : WrittenTempo
        Gives ornaments their speed.
    """

    def __init__(self, score: Score, solo_number: int, tempo: WrittenTempo) -> None:
        self._tempo = tempo
        self._keys = score.keys
        self._key_quarters = [key.quarter for key in score.keys]
        self._solo = next((p for p in score.parts if p.number == solo_number), None)
        notes = self._solo.notes if self._solo is not None else ()
        main = sorted((n for n in notes if not n.grace), key=lambda n: n.onset_quarter)
        self._onsets = [note.onset_quarter for note in main]
        self._sounded = list(accumulate((note.end_quarter for note in main), max))

    def part(self, part: Part, *, swells: bool) -> tuple[list[Stroke], list[tuple[float, int]]]:
        """Give a part's strokes, and CC 11 (quarter, value) where it swells within notes.

        ``swells``: the part has a channel of its own.
        """
        notes, steps = self._balanced(part), list[tuple[float, int]]()
        if part.percussion:
            return [stroke for note in notes for stroke in self._drummed(note)], steps
        joined = sustains(part)
        if joined and swells:
            curve = curve_under(part, self._solo)[1]
            notes, steps = swelled(notes, curve, self._tempo)
        return list(self._ornamented(articulated(notes, self._tempo, joined=joined))), steps

    def _balanced(self, part: Part) -> list[Note]:
        """Leave the soloist room."""
        written, allowed = curve_under(part, self._solo)
        if allowed is written:
            return list(part.notes)
        onsets = [note.onset_quarter for note in part.notes]
        shares = (allowed.at(onsets) / written.at(onsets)).tolist()
        return [
            note if share > 0.99 else replace(note, velocity=max(1, round(note.velocity * share)))
            for note, share in zip(part.notes, shares, strict=True)
        ]

    def _ornamented(self, notes: Iterable[Note]) -> Iterator[Stroke]:
        chords: defaultdict[float, list[Note]] = defaultdict(list)
        shaken: defaultdict[float, list[Note]] = defaultdict(list)
        for note in notes:
            if note.arpeggio:
                chords[note.onset_quarter].append(note)
            elif note.ornament is Ornament.ALTERNATION:
                shaken[note.onset_quarter].append(note)
            else:
                yield from self._realised(note)
        for onset, chord in chords.items():
            arrives = self._meets(onset)
            rate = self._tempo.rate_at(onset)
            for note in spread(chord, rate, arrives=arrives):
                yield Stroke(note)
        yield from self._alternated(shaken)

    def _drummed(self, note: Note) -> Iterator[Stroke]:
        """Of all ornaments a drum has only the roll."""
        if note.ornament is Ornament.TREMOLO:
            yield from self._realised(note)
        else:
            yield Stroke(note)

    def _realised(self, note: Note) -> Iterator[Stroke]:
        rate = self._tempo.rate_at(note.onset_quarter)
        i = bisect_right(self._key_quarters, note.onset_quarter)
        fifths = self._keys[i - 1].fifths if i else 0
        strokes = realise(note, fifths, rate)
        if note.ornament not in _ROLLED or len(strokes) < 2:
            yield from map(Stroke, strokes)
            return
        stroke_s = strokes[0].duration_quarter / rate
        for i, stroke in enumerate(strokes):
            yield Stroke(stroke, strokes[i - 1 if i else 1].pitch, stroke_s)

    def _alternated(self, shaken: dict[float, list[Note]]) -> Iterator[Stroke]:
        """Pair the chords of tremolos between two; one without a partner is struck once."""
        waiting: list[Note] = []
        for onset in sorted(shaken):
            chord = sorted(shaken[onset], key=lambda n: n.pitch)
            joins = waiting and abs(waiting[0].end_quarter - onset) < BUCKET_QUARTER
            if not joins:
                yield from map(Stroke, waiting)
                waiting = chord
                continue
            yield from self._by_turns(waiting, chord)
            waiting = []
        yield from map(Stroke, waiting)

    def _by_turns(self, first: Sequence[Note], second: Sequence[Note]) -> Iterator[Stroke]:
        rate = self._tempo.rate_at(first[0].onset_quarter)
        for stroke in alternated(first, second, rate):
            ours, theirs = (first, second) if stroke.pitch in _pitches(first) else (second, first)
            place = min(_pitches(ours).index(stroke.pitch), len(theirs) - 1)
            stroke_s = stroke.duration_quarter / rate
            yield Stroke(stroke, theirs[place].pitch, stroke_s)

    def _meets(self, quarter: float) -> bool:
        """Whether the soloist strikes a note there, out of playing."""
        i = bisect_left(self._onsets, quarter - BUCKET_QUARTER)
        if i == 0 or i == len(self._onsets) or self._onsets[i] > quarter + BUCKET_QUARTER:
            return False
        return self._onsets[i] - self._sounded[i - 1] < _PHRASE_QUARTER


def _pitches(notes: Sequence[Note]) -> list[int]:
    return [note.pitch for note in notes]
