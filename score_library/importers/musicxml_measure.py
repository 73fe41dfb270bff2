"""One part of a MusicXML score, measure by measure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from score_library.importers.listening import read_listening
from score_library.importers.loudness import struck_at
from score_library.importers.musicxml_directions import (
    read_direction,
    read_dynamics,
    read_sound,
)
from score_library.importers.musicxml_notations import Slurs, read_notation, share_signs
from score_library.importers.musicxml_values import (
    ending_numbers,
    key_of,
    metre_of,
    midi_pitch,
    number,
)
from score_library.importers.printed import PrintedBar, PrintedMeasure, PrintedNote

__all__ = ["PartReader"]

_SILENT_HEADS = {"none"}
_DEFAULT_DRUM = 38


@dataclass(slots=True)
class PartReader:
    """Walks the measures of one part and keeps what goes on from one to the next.

    ``first`` says that this part's keys and metres count for all.
    """

    drums: dict[str, int]
    """Sounding pitch of each instrument of an unpitched part."""
    first: bool
    divisions: float = 1.0
    transposition: int = 0
    first_transposition: int | None = None
    nominal_quarter: float = 4.0
    staves: int = 1
    lyrics: bool = False
    unpitched: int = 0
    pitched: int = 0
    _cursor: float = 0.0
    _chord_at: float = 0.0
    _measure: PrintedMeasure = field(default_factory=PrintedMeasure)
    _bar: PrintedBar = field(default_factory=lambda: PrintedBar(""))
    _next: PrintedBar | None = None
    _graces: dict[str, list[list[PrintedNote]]] = field(default_factory=dict)
    _accents: list[tuple[float, int]] = field(default_factory=list)
    _slurs: Slurs = field(default_factory=Slurs)
    _chord_first: PrintedNote | None = None

    def read(
        self, element: Element, bar: PrintedBar, following: PrintedBar | None
    ) -> PrintedMeasure:
        """Read one measure; what concerns all parts goes into ``bar`` (or the one behind it)."""
        self._measure, self._bar, self._next = PrintedMeasure(), bar, following
        self._cursor = self._chord_at = 0.0
        self._accents.clear()
        for child in element:
            tag = child.tag
            if tag == "note":
                self._note(child)
            elif tag == "backup":
                self._cursor = max(0.0, self._cursor - self._duration(child))
            elif tag == "forward":
                self._cursor += self._duration(child)
                self._fill()
            elif tag == "attributes":
                self._attributes(child)
            elif tag == "direction":
                shift = number(child.findtext("offset")) / self.divisions
                here = self._here()
                offset = min(max(0.0, here + shift), max(self.nominal_quarter, here))
                self._accents += read_direction(child, offset, bar, self._measure)
                for listening in child.findall("listening"):
                    own = listening.find("offset") is not None
                    read_listening(listening, here if own else offset, self.divisions, bar)
            elif tag == "barline":
                self._barline(child)
            elif tag == "sound":
                read_sound(child, self._here(), bar, self._measure)
            elif tag == "listening":
                read_listening(child, self._here(), self.divisions, bar)
        for strokes in self._graces.values():
            self._place_graces(strokes)
        self._graces.clear()
        offsets = sorted(note.offset for note in self._measure.notes)
        for offset, steps in self._accents:
            struck = struck_at(offset, offsets)
            for note in self._measure.notes:
                if abs(note.offset - struck) < 0.01:
                    note.accent += steps
        return self._measure

    # positions

    def _here(self) -> float:
        return self._cursor / self.divisions

    def _duration(self, element: Element) -> float:
        return max(0.0, number(element.findtext("duration")))

    def _fill(self) -> None:
        """Rests and gaps fill a bar, but do not make it longer than its metre."""
        here = self._here()
        self._measure.reach_quarter = max(self._measure.reach_quarter, here)
        filled = max(self._measure.content_quarter, min(here, self.nominal_quarter))
        self._measure.content_quarter = filled

    # attributes

    def _attributes(self, element: Element) -> None:
        divisions = number(element.findtext("divisions"))
        if divisions > 0:
            self._cursor *= divisions / self.divisions
            self._chord_at *= divisions / self.divisions
            self.divisions = divisions
        transpose = element.find("transpose")
        if transpose is not None:
            octaves = number(transpose.findtext("octave-change"))
            steps = number(transpose.findtext("chromatic"))
            self.transposition = max(-60, min(60, round(steps + 12 * octaves)))
        self.staves = max(self.staves, min(8, int(number(element.findtext("staves"), 1.0))))
        time = element.find("time")
        if time is not None and (metre := metre_of(time)) is not None:
            self.nominal_quarter = 4.0 * metre[0] / metre[1]
            self._bar.metre = self._bar.metre or metre
        key = element.find("key")
        if key is not None and self.first and self._bar.key is None:
            self._bar.key = key_of(key, self.transposition)

    # notes

    def _note(self, element: Element) -> None:
        grace = element.find("grace") is not None
        duration = 0.0 if grace else self._duration(element)
        if element.find("chord") is None:
            start = self._cursor
            self._chord_at = start
            if not grace:
                self._cursor += duration
        else:
            start = self._chord_at
        offset, length = start / self.divisions, duration / self.divisions
        rest = element.find("rest")
        if rest is not None:
            self._rest(element, rest, offset, length)
            return
        if element.find("cue") is not None:
            self._fill()
            return
        if not grace:
            end = max(self._here(), offset + length)
            self._measure.content_quarter = max(self._measure.content_quarter, end)
            self._measure.reach_quarter = max(self._measure.reach_quarter, end)
        pitch = self._pitch(element)
        head = (element.findtext("notehead") or "").strip()
        if pitch is None or head in _SILENT_HEADS or (length <= 0 and not grace):
            return
        note = PrintedNote(offset, length, pitch, staff=int(number(element.findtext("staff"), 1.0)))
        self._ties(element, note)
        for notations in element.findall("notations"):
            self._notations(notations, note, element.findtext("type"))
        if element.find("chord") is None:
            self._slurs.read(element, element.findtext("voice") or "1", note)
            self._chord_first = note
        elif self._chord_first is not None:
            share_signs(self._chord_first, note)
        if element.find("lyric/text") is not None:
            self.lyrics = True
        self._measure.notes.append(note)
        strokes = self._graces.setdefault(element.findtext("voice") or "1", [])
        if grace:
            if element.find("chord") is not None and strokes:
                strokes[-1].append(note)
            else:
                strokes.append([note])
        elif strokes:
            self._place_graces(strokes)
            strokes.clear()

    @staticmethod
    def _place_graces(strokes: list[list[PrintedNote]]) -> None:
        for steps, stroke in enumerate(reversed(strokes), 1):
            for note in stroke:
                note.grace_steps = steps

    def _rest(self, element: Element, rest: Element, offset: float, length: float) -> None:
        if rest.get("measure") == "yes":
            self._measure.rest_quarter = max(self._measure.rest_quarter, length)
        else:
            self._fill()
        if element.find("notations/fermata") is not None and length > 0:
            self._bar.fermatas.append((offset, offset + length))

    def _pitch(self, element: Element) -> int | None:
        pitch = element.find("pitch")
        if pitch is not None:
            self.pitched += 1
            written = midi_pitch(
                pitch.findtext("step"), pitch.findtext("alter"), pitch.findtext("octave")
            )
            sounding = None if written is None else written + self.transposition
        else:
            unpitched = element.find("unpitched")
            if unpitched is None:
                return None
            self.unpitched += 1
            instrument = element.find("instrument")
            drum = self.drums.get(instrument.get("id", "") if instrument is not None else "")
            shown = midi_pitch(
                unpitched.findtext("display-step"), None, unpitched.findtext("display-octave")
            )
            sounding = drum if drum is not None else shown if shown is not None else _DEFAULT_DRUM
        return sounding if sounding is not None and 0 <= sounding <= 127 else None

    @staticmethod
    def _ties(element: Element, note: PrintedNote) -> None:
        for tie in (*element.findall("tie"), *element.findall("notations/tied")):
            note.tie_starts |= tie.get("type") == "start"
            note.tie_stops |= tie.get("type") == "stop"

    def _notations(self, notations: Element, note: PrintedNote, kind: str | None) -> None:
        for child in notations:
            if child.tag == "dynamics":
                self._accents += read_dynamics(child, note.offset, self._measure)
            else:
                read_notation(child, note, kind)

    # barlines

    def _barline(self, element: Element) -> None:
        bar, left = self._bar, element.get("location", "right") == "left"
        repeat = element.find("repeat")
        if repeat is not None:
            if repeat.get("direction") == "forward":
                bar.signs = replace(bar.signs, repeat_start=True)
            else:
                times = int(min(1e6, number(repeat.get("times"), 2.0)))
                most = max(bar.signs.repeat_times, times, 2)
                bar.signs = replace(bar.signs, repeat_times=most)
        ending = element.find("ending")
        if ending is not None:
            if ending.get("type") == "start":
                bar.ending_start = bar.ending_start or ending_numbers(ending)
            else:
                bar.ending_stop = True
        signed = bar if left else self._next
        if signed is not None and (element.find("segno") is not None or element.get("segno")):
            signed.signs = replace(signed.signs, segno=True)
        if signed is not None and (element.find("coda") is not None or element.get("coda")):
            signed.signs = replace(signed.signs, coda=True)
        if element.find("fermata") is not None and not left:
            bar.fermata_at_end = True
