"""Tempo, metre, key and markers of a MIDI file, and the measures they make."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import mido

from accompanist.score.model import Key, Measure, Metre
from score_library.importers.cue_texts import Cue, read_cues
from score_library.importers.limits import MAX_MEASURES, check_limit
from score_library.importers.printed import PrintedBar, TempoWord
from score_library.importers.printed_tempo import TempoPlan, tempo_plan

__all__ = ["Conducting", "decoded", "measures_of", "tempo_of"]

_DEFAULT_QPM = 120.0
"""What the standard says a file without a tempo has."""
_SLOWEST_QPM, _FASTEST_QPM = 4.0, 1000.0
_MINOR_FIFTHS = {"C": -3, "D": -1, "E": 1, "F": -4, "G": -2, "A": 0, "B": 2}
_MAJOR_FIFTHS = {"C": 0, "D": 2, "E": 4, "F": -1, "G": 1, "A": 3, "B": 5}


@dataclass(slots=True)
class Conducting:
    """What concerns the whole piece, in ticks, from whichever track it stood in."""

    tempi: dict[int, float] = field(default_factory=dict)
    metres: dict[int, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, tuple[int, bool]] = field(default_factory=dict)
    markers: list[tuple[int, str]] = field(default_factory=list)
    cues: list[tuple[int, Cue]] = field(default_factory=list)
    copyright: str = ""

    def take(self, message: mido.MetaMessage, tick: int) -> None:
        """Remember one meta message; those of no interest are passed over."""
        if message.type == "set_tempo":
            if message.tempo > 0:
                qpm = 60e6 / message.tempo
                self.tempi[tick] = min(_FASTEST_QPM, max(_SLOWEST_QPM, qpm))
        elif message.type == "time_signature":
            if 1 <= message.numerator <= 64 and message.denominator <= 64:
                self.metres[tick] = (message.numerator, message.denominator)
        elif message.type == "key_signature":
            self.keys[tick] = _fifths(message.key)
        elif message.type in ("text", "marker", "cue_marker"):
            text = decoded(message.text).strip()
            cues = read_cues(text)
            if cues is not None:
                self.cues += [(tick, cue) for cue in cues]
            elif text and message.type != "text":
                self.markers.append((tick, text[:80]))
        elif message.type == "copyright" and not self.copyright:
            self.copyright = " ".join(decoded(message.text).split())[:200]

    def metres_quarter(self, resolution: int, end_quarter: float) -> tuple[Metre, ...]:
        """Get the changes of metre up to the end; 4/4 where the file is silent."""
        found = [
            Metre(tick / resolution, *metre)
            for tick, metre in sorted(self.metres.items())
            if tick == 0 or tick / resolution < end_quarter
        ]
        if not found or found[0].quarter > 0:
            found.insert(0, Metre(0.0, 4, 4))
        kept = [found[0]]
        for metre in found[1:]:
            if (metre.numerator, metre.denominator) != (kept[-1].numerator, kept[-1].denominator):
                kept.append(metre)
        return tuple(kept)

    def keys_quarter(self, resolution: int) -> tuple[Key, ...]:
        return tuple(
            Key(tick / resolution, fifths, minor)
            for tick, (fifths, minor) in sorted(self.keys.items())
        )


def decoded(text: str) -> str:
    """Read text as it was meant: mido reads bytes as Latin-1, most programs write UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return text


def _fifths(key: str) -> tuple[int, bool]:
    """Get fifths and mode of a key as mido names it.

    >>> _fifths("Bb"), _fifths("F#m")
    ((-2, False), (3, True))
    """
    minor = key.endswith("m")
    table = _MINOR_FIFTHS if minor else _MAJOR_FIFTHS
    return table[key[0]] + 7 * key.count("#") - 7 * key.count("b"), minor


def tempo_of(
    conducting: Conducting,
    resolution: int,
    metres: tuple[Metre, ...],
    measures: tuple[Measure, ...],
) -> TempoPlan:
    """Read the tempo map; where a file has none, markers that are tempo words stand in for it.

    A marker beside a number gives it its text. One without a number changes nothing as long as
    there is a tempo map: that is how the file has been heard so far.
    """
    starts = [measure.start_quarter for measure in measures]
    end_quarter = measures[-1].end_quarter
    bars = [PrintedBar(measure.printed) for measure in measures]
    said: list[tuple[float, float | None, str]] = []
    said += [(tick / resolution, qpm, "") for tick, qpm in sorted(conducting.tempi.items())]
    said += [
        (tick / resolution, None, text)
        for tick, text in conducting.markers
        if tick in conducting.tempi or not conducting.tempi
    ]
    for quarter, qpm, text in said:
        if quarter < end_quarter:
            i = bisect_right(starts, quarter) - 1
            bars[i].tempo.append(TempoWord(quarter - starts[i], qpm, text))
    places = [metre.quarter for metre in metres]
    in_force = [metres[bisect_right(places, start) - 1] for start in starts]
    return tempo_plan(
        bars, starts, [(m.numerator, m.denominator) for m in in_force], end_quarter, _DEFAULT_QPM
    )


def measures_of(metres: tuple[Metre, ...], end_quarter: float, name: str) -> tuple[Measure, ...]:
    """Draw measures up to the last note; a change of metre begins a new one."""
    measures: list[Measure] = []
    for i, metre in enumerate(metres):
        length = 4.0 * metre.numerator / metre.denominator
        last = i + 1 == len(metres)
        until = end_quarter if last else metres[i + 1].quarter
        check_limit(
            name, "measures", len(measures) + (until - metre.quarter) / length, MAX_MEASURES
        )
        start, count = metre.quarter, 0
        while start < until - 1e-6 or not measures:
            full = length if last else min(length, until - start)
            measures.append(Measure(start, full, str(len(measures) + 1)))
            count += 1
            start = metre.quarter + count * length
    return tuple(measures)
