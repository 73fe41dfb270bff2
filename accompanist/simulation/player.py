"""The hands: events with their onsets become notes with lengths, loudness and mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from accompanist.performing.ornaments import realise
from accompanist.score.model import Note, Score
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import written_tempo
from accompanist.simulation.notes import NoteKind, PerformedNote
from accompanist.simulation.settings import PlayerSettings
from accompanist.simulation.timing import GivenTiming, phrase_position

__all__ = ["Player", "cut_restruck", "parted"]

FloatArray = npt.NDArray[np.float64]

_SHORTEST_S = 0.03
_LONGEST_STRETCH = 8.0
_GRACE_S = 0.07
_ARPEGGIO_STEP_S = 0.03
_EXTRA_S = 0.15
_WRONG_STEPS = (-2, -1, 1, 2)
_PARTED_S, _PARTED_SHARE, _PARTED_MOST = 0.06, 0.12, 0.4
"""A note ends so much before its pitch comes again: seconds, or a share of the time from onset to
onset, whichever is more; but never more of that time than the last."""


class Player:
    """Plays events of a solo line, one by one and in any order.

    Parameters
    ----------
    score, line, settings :
        What is played, and how.
    generator : numpy Generator
        All chance comes from here.
    timing : GivenTiming, optional
        Lengths, velocities and spreads of chords are taken from it where it has the note.
    """

    def __init__(
        self,
        score: Score,
        line: SoloLine,
        settings: PlayerSettings,
        generator: np.random.Generator,
        timing: GivenTiming | None = None,
    ) -> None:
        self._line = line
        self._settings = settings
        self._generator = generator
        self._keys = [(k.quarter, k.fifths) for k in score.keys]
        onsets = line.onsets_quarter
        self._swell = phrase_position(score, onsets, settings.phrase_bars)
        tempo = written_tempo(score)
        self._written_s = tempo.to_seconds(np.append(onsets, line.end_quarter))
        self._end_s = [
            [float(tempo.to_seconds(note.end_quarter)) for note in chord] for chord in line.notes
        ]
        before = np.searchsorted(onsets, [g.onset_quarter - 1e-6 for g in line.grace])
        self._graces: dict[int, list[Note]] = {}
        for place, grace in zip(before, line.grace, strict=True):
            self._graces.setdefault(int(place), []).append(grace)
        self._given = {} if timing is None else _by_note(timing)

    def play(
        self,
        event: npt.NDArray[np.intp],
        onset: FloatArray,
        second_after_s: FloatArray,
    ) -> tuple[list[PerformedNote], FloatArray]:
        """Play events at their onsets [all shape=(n,)].

        ``second_after_s`` is the time to a second stroke of the same event, NaN for none.
        Returns the notes and the true onset of each event, NaN where none of its notes was
        played as written.
        """
        notes: list[PerformedNote] = []
        true_s = np.full(len(event), np.nan)
        following = np.append(onset[1:], np.inf)
        for i, index in enumerate(event.tolist()):
            start, again, until = float(onset[i]), float(second_after_s[i]), float(following[i])
            first_until = start + again if np.isfinite(again) else until
            chord = self._mistaken(self._chord(index, start, first_until))
            written = [n.onset_s for n in chord if n.kind is NoteKind.WRITTEN]
            if written:
                true_s[i] = min(written)
                notes += self._grace_notes(index, chord)
            notes += chord
            if np.isfinite(again):
                second = self._chord(index, start + again, until)
                notes += [replace(n, kind=NoteKind.REPEATED) for n in second]
            notes += self._extra(chord, until)
        return notes, true_s

    def _chord(self, index: int, onset: float, until: float) -> list[PerformedNote]:
        """Give the notes of an event, ornaments played out; ``until`` is the next onset."""
        written = self._line.notes[index]
        quarter = float(self._line.onsets_quarter[index])
        spread_s = np.abs(self._generator.standard_normal(len(written)))
        spread_s = (spread_s - spread_s.min()) * self._settings.chord_spread_s
        played: list[PerformedNote] = []
        for k, note in enumerate(written):
            start = onset + float(spread_s[k]) + (_ARPEGGIO_STEP_S * k if note.arpeggio else 0.0)
            length, velocity = self._length_s(index, k, onset, until), self._velocity(index, note)
            given = self._given.get((round(note.onset_quarter, 3), note.pitch))
            if given is not None:
                after_first, length, velocity = given
                start = onset + after_first / self._settings.tempo_factor
                length /= self._settings.tempo_factor
            length = max(length, _SHORTEST_S)
            # Strokes of an ornament are counted in seconds: a quarter a second does that.
            whole = replace(note, onset_quarter=start, duration_quarter=length, velocity=velocity)
            for place, stroke in enumerate(realise(whole, self._fifths(quarter), 1.0)):
                kind = NoteKind.ORNAMENT if place else NoteKind.WRITTEN
                end = max(stroke.end_quarter, stroke.onset_quarter + _SHORTEST_S)
                played.append(
                    PerformedNote(
                        stroke.onset_quarter, end, stroke.pitch, stroke.velocity, quarter, kind
                    )
                )
        return played

    def _fifths(self, quarter: float) -> int:
        return next((f for q, f in reversed(self._keys) if q <= quarter + 1e-6), 0)

    def _length_s(self, index: int, k: int, onset: float, until: float) -> float:
        """Sounding seconds: the written length at the tempo of the moment, articulated."""
        settings = self._settings
        written_s = self._written_s
        stretch = 1.0 / settings.tempo_factor
        gap_s = float(written_s[index + 1] - written_s[index])
        if index + 1 < len(self._line) and np.isfinite(until) and gap_s > 0:
            stretch = min((until - onset) / gap_s, _LONGEST_STRETCH)
        share = settings.articulation
        share += settings.articulation_spread * float(self._generator.standard_normal())
        length_s = self._end_s[index][k] - float(written_s[index])
        return length_s * stretch * float(np.clip(share, 0.1, 1.1))

    def _velocity(self, index: int, note: Note) -> int:
        settings = self._settings
        swell = 1.0 - (2.0 * float(self._swell[index]) - 1.0) ** 2
        loud = note.velocity * (1.0 + settings.dynamics * (swell - 0.5))
        loud += settings.velocity_spread * float(self._generator.standard_normal())
        return int(np.clip(round(loud), 20, 127))

    def _grace_notes(self, index: int, chord: list[PerformedNote]) -> list[PerformedNote]:
        """Grace notes just before the beat."""
        graces = self._graces.get(index, [])
        first = min(n.onset_s for n in chord)
        velocity = max(chord[0].velocity - 8, 1)
        quarter = chord[0].quarter
        starts = [first - _GRACE_S * (len(graces) - k) for k in range(len(graces))]
        return [
            PerformedNote(s, s + _GRACE_S, g.pitch, velocity, quarter, NoteKind.GRACE)
            for s, g in zip(starts, graces, strict=True)
            if s >= 0
        ]

    def _mistaken(self, chord: Sequence[PerformedNote]) -> list[PerformedNote]:
        """Leave notes out and change pitches, by the settings' probabilities."""
        kept: list[PerformedNote] = []
        for note in chord:
            missed, wrong = self._generator.random(2)
            step = int(self._generator.choice(_WRONG_STEPS))
            if missed < self._settings.missed:
                continue
            if note.kind is NoteKind.WRITTEN and wrong < self._settings.wrong:
                kept.append(replace(note, pitch=_moved(note.pitch, step), kind=NoteKind.WRONG))
            else:
                kept.append(note)
        return kept

    def _extra(self, chord: list[PerformedNote], until: float) -> list[PerformedNote]:
        """Sometimes a neighbouring note that nobody wrote, before the next event."""
        put_in, place = self._generator.random(2)
        step = int(self._generator.choice(_WRONG_STEPS))
        if not chord or put_in >= self._settings.extra or not np.isfinite(until):
            return []
        first = chord[0]
        start = first.onset_s + (until - first.onset_s) * (0.3 + 0.4 * float(place))
        end = start + min(_EXTRA_S, max(until - start, _SHORTEST_S))
        velocity = max(first.velocity - 10, 1)
        pitch = _moved(first.pitch, step)
        return [PerformedNote(start, end, pitch, velocity, first.quarter, NoteKind.EXTRA)]


def _moved(pitch: int, step: int) -> int:
    return pitch + step if 0 <= pitch + step <= 127 else pitch - step


def _by_note(timing: GivenTiming) -> dict[tuple[float, int], tuple[float, float, int]]:
    """Seconds after the first note of its place, length and velocity of each given note."""
    first = {q: float(timing.onset_s[timing.quarter == q].min()) for q in np.unique(timing.quarter)}
    return {
        (round(float(q), 3), int(p)): (float(on - first[q]), float(off - on), int(velocity))
        for q, p, on, off, velocity in zip(
            timing.quarter,
            timing.pitch,
            timing.onset_s,
            timing.offset_s,
            timing.velocity,
            strict=True,
        )
    }


def parted(notes: Iterable[PerformedNote]) -> list[PerformedNote]:
    """Let a repeated pitch be heard as a new note: the bow turns, the tongue touches.

    A sampled instrument rings on for 60 to 350 ms. With TimGM6mb a gap of 10 ms between two notes
    of a pitch lowers the level by 2 to 3 dB only (cello, flute, voice), 60 ms by 8 to 16.
    """
    return _ended_before_repetition(
        notes, lambda apart_s: min(max(_PARTED_S, _PARTED_SHARE * apart_s), _PARTED_MOST * apart_s)
    )


def cut_restruck(notes: Iterable[PerformedNote], gap_s: float = 0.01) -> list[PerformedNote]:
    """Let every pitch go before it is struck again; sorted by onset."""
    return _ended_before_repetition(notes, lambda _: gap_s)


def _ended_before_repetition(
    notes: Iterable[PerformedNote], gap_s: Callable[[float], float]
) -> list[PerformedNote]:
    """``gap_s`` tells the gap by the time between the onsets; the notes come sorted by onset."""
    ordered = sorted(notes, key=lambda n: (n.pitch, n.onset_s))
    cut = list(ordered)
    for i, (note, after) in enumerate(pairwise(ordered)):
        if note.pitch != after.pitch:
            continue
        latest_s = after.onset_s - gap_s(after.onset_s - note.onset_s)
        if note.offset_s > latest_s:
            latest_s = max(latest_s, note.onset_s + 1e-3)
            cut[i] = replace(note, offset_s=min(note.offset_s, latest_s))
    return sorted(cut, key=lambda n: (n.onset_s, n.pitch, n.offset_s))
