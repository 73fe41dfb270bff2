"""``accompaniment.mid``: what was played, on the score's grid, with the take's tempo map."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from accompanist.performing.messages import Kind, TimedMessage
from accompanist.score.model import Key, Mark, Measure, Metre, Part, Score
from accompanist.score.tempo import DEFAULT_QPM
from accompanist.takes.tempo_map import TICKS, Sent, Stretch, TempoMap, tempo_map

__all__ = ["write_midi"]

_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
_DENOMINATORS = (4, 8, 16, 32, 64)

Event = tuple[int, object]
"""Tick and mido message."""

Placed = TypeVar("Placed", Key, Mark)


def write_midi(
    path: Path,
    score: Score,
    messages: Sequence[TimedMessage],
    duration_s: float,
    beats: Sequence[tuple[float, float]] = (),
) -> None:
    """Write the played messages as a standard MIDI file of type 1, 960 ticks a quarter.

    The first track holds tempo, metre, key, rehearsal marks; each part that played has a track.
    Notes in seconds are those of ``messages`` within 0.5 ms. Where the ensemble jumped, the file
    goes on with a new bar.

    Parameters
    ----------
    path : Path
        Where to write.
    score : Score
        For metre, key, marks and the parts' names.
    messages : sequence of TimedMessage
        In the order of sending.
    duration_s : float
        Length of the take.
    beats : sequence of (time, quarter)
        Beats of a recording as it was played, in order of time: they are the grid then.
    """
    import mido

    placed = _laid(score, messages, beats)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    end = max(placed.tick(duration_s), placed.tick(messages[-1].time_s) if messages else 0)
    file.tracks.append(_track(score.title, _frame(score, placed), end))
    played = {m.part for m in messages}
    for part in score.parts:
        if part.number in played:
            file.tracks.append(_track(part.name, _voice(part, messages, placed), end))
    file.save(path)


def _laid(
    score: Score, messages: Sequence[TimedMessage], beats: Sequence[tuple[float, float]]
) -> TempoMap:
    struck = [Sent(m.time_s, m.quarter) for m in messages if m.message.kind is Kind.ON]
    if beats:
        struck = [Sent(time_s, quarter) for time_s, quarter in beats]
    others = [Sent(m.time_s, m.quarter) for m in messages if m.message.kind is Kind.OFF]
    qpm = score.tempo_marks[0].qpm if score.tempo_marks else DEFAULT_QPM
    bars = [m.start_quarter for m in score.measures]
    return tempo_map(struck, others, qpm=qpm, bar_starts_quarter=bars)


def _track(name: str, events: Iterator[Event], end: int) -> object:
    """Sort events, turn ticks into differences; equal ticks keep their order."""
    import mido

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    at = 0
    for tick, message in sorted(events, key=lambda e: e[0]):
        track.append(message.copy(time=tick - at))  # type: ignore[attr-defined]
        at = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end - at, 0)))
    return track


def _frame(score: Score, placed: TempoMap) -> Iterator[Event]:
    """Tempo, metre, key and marks along the performed order."""
    import mido

    for tick, us in placed.tempi_us:
        yield tick, mido.MetaMessage("set_tempo", tempo=us)
    first = placed.stretches[0]
    if first.first_tick > 0:
        yield 0, _metre_message(*_metre_at(score.metres, first.first_quarter))
    ends = [s.first_tick for s in placed.stretches[1:]] + [placed.ticks[-1]]
    for stretch, end in zip(placed.stretches, ends, strict=True):
        yield from _metres(score, stretch, end)
        for tick, key in _within(score.keys, stretch, end):
            name = (_MINOR if key.minor else _MAJOR)[min(max(key.fifths, -7), 7) + 7]
            yield tick, mido.MetaMessage("key_signature", key=name + "m" * key.minor)
        for tick, mark in _within(score.marks, stretch, end):
            yield tick, mido.MetaMessage("marker", text=mark.text)


def _within(places: Sequence[Placed], stretch: Stretch, end: int) -> Iterator[tuple[int, Placed]]:
    for place in places:
        tick = round(place.quarter * TICKS) + stretch.offset
        if place.quarter >= stretch.first_quarter - 1e-6 and tick < end:
            yield tick, place


def _metres(score: Score, stretch: Stretch, end: int) -> Iterator[Event]:
    """Put a time signature wherever it changes; short bars (pickups) get one of their own."""
    last: tuple[int, int] | None = None
    bars = [m for m in score.measures if m.start_quarter >= stretch.first_quarter - 1e-6]
    if bars and bars[0].start_quarter > stretch.first_quarter + 1e-3:
        rest = Measure(stretch.first_quarter, bars[0].start_quarter - stretch.first_quarter, "")
        last = _metre_of(rest, score.metres)
        yield stretch.first_tick, _metre_message(*last)
    for measure in bars:
        tick = round(measure.start_quarter * TICKS) + stretch.offset
        if tick >= end:
            break
        metre = _metre_of(measure, score.metres)
        if metre != last:
            last = metre
            yield tick, _metre_message(*metre)


def _metre_of(measure: Measure, metres: Sequence[Metre]) -> tuple[int, int]:
    numerator, denominator = _metre_at(metres, measure.start_quarter)
    if abs(numerator * 4.0 / denominator - measure.length_quarter) < 1e-3:
        return numerator, denominator
    for finer in _DENOMINATORS:
        beats = measure.length_quarter * finer / 4.0
        if abs(beats - round(beats)) < 1e-3 and 1 <= round(beats) <= 255:
            return round(beats), finer
    return numerator, denominator


def _metre_at(metres: Sequence[Metre], quarter: float) -> tuple[int, int]:
    i = bisect_right([m.quarter for m in metres], quarter + 1e-6)
    if not metres:
        return 4, 4
    metre = metres[max(i - 1, 0)]
    return metre.numerator, metre.denominator


def _metre_message(numerator: int, denominator: int) -> object:
    import mido

    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)


def _voice(part: Part, messages: Sequence[TimedMessage], placed: TempoMap) -> Iterator[Event]:
    import mido

    if part.instrument:
        yield 0, mido.MetaMessage("instrument_name", name=part.instrument)
    for timed in messages:
        if timed.part != part.number:
            continue
        m, channel = timed.message, timed.message.channel - 1
        tick = placed.tick(timed.time_s)
        match m.kind:
            case Kind.ON:
                yield (
                    tick,
                    mido.Message("note_on", channel=channel, note=m.number, velocity=m.value),
                )
            case Kind.OFF:
                yield tick, mido.Message("note_off", channel=channel, note=m.number, velocity=0)
            case Kind.CC:
                yield (
                    tick,
                    mido.Message(
                        "control_change", channel=channel, control=m.number, value=m.value
                    ),
                )
            case Kind.PROGRAM:
                yield tick, mido.Message("program_change", channel=channel, program=m.number)
            case Kind.BEND:
                yield tick, mido.Message("pitchwheel", channel=channel, pitch=m.value)
