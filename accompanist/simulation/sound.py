"""A performance as MIDI messages: the soloist's with tuning and vibrato, the others' in time.

General MIDI synthesisers bend by two semitones at most; a tuning further off than half a
semitone is played by other keys and the rest by the bend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log2, sin, tau

import numpy as np
import numpy.typing as npt

from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Part, Score
from accompanist.score.tempo import written_tempo
from accompanist.simulation.notes import PerformedNote
from accompanist.simulation.performance import SimulatedTake
from accompanist.simulation.player import cut_restruck
from accompanist.simulation.settings import PlayerSettings

__all__ = ["accompaniment_messages", "can_vibrate", "solo_messages", "tuning"]

FloatArray = npt.NDArray[np.float64]

SOLO_CHANNEL = 1
_BEND_CENTS = 200.0
_BEND_FULL = 8192
_EXPRESSION = 11
_REVERB = 91
"""The room is ours, not the synthesiser's."""
_EXPRESSION_LEVEL = 112
_EXPRESSION_DEPTH = 10
_VIBRATO_STEP_S = 0.012
_VIBRATO_AFTER_S = 0.15
_VIBRATO_GROWS_S = 0.25
_RANK = {Kind.OFF: 0, Kind.PROGRAM: 1, Kind.CC: 2, Kind.BEND: 3, Kind.ON: 4}


def can_vibrate(part: Part) -> bool:
    """Whether the instrument holds a tone that its player can shake: strings, voices, winds."""
    bowed_or_sung = 40 <= part.program <= 44 or 48 <= part.program <= 54
    blown = 56 <= part.program <= 79
    return not part.percussion and (bowed_or_sung or blown or part.program == 110)


def tuning(a4_hz: float) -> tuple[int, int]:
    """Semitones and pitch bend that tune a synthesiser to ``a4_hz``.

    >>> tuning(440.0), tuning(466.0)
    ((0, 0), (1, -25))
    >>> tuning(415.0)
    (-1, -52)
    """
    cents = 1200.0 * log2(a4_hz / 440.0)
    semitones = round(cents / 100.0)
    return semitones, round((cents - 100.0 * semitones) / _BEND_CENTS * _BEND_FULL)


def solo_messages(
    take: SimulatedTake,
    settings: PlayerSettings,
    seed: int,
    attack_s: Mapping[int, float] | None = None,
) -> tuple[TimedMessage, ...]:
    """Everything the soloist's instrument is sent, sorted by time, on channel 1.

    ``attack_s`` is, by pitch, how long the instrument takes to be heard; notes are sent that
    much earlier.
    """
    generator = np.random.default_rng([seed, 1])
    semitones, centre = tuning(settings.a4_hz)
    attack_s = attack_s or {}
    sent: list[TimedMessage] = []

    def send(time_s: float, quarter: float, kind: Kind, number: int, value: int) -> None:
        message = Message(kind, SOLO_CHANNEL, number, value)
        sent.append(TimedMessage(max(time_s, 0.0), quarter, take.part.number, message))

    send(0.0, 0.0, Kind.PROGRAM, take.part.program, 0)
    send(0.0, 0.0, Kind.CC, _REVERB, 0)
    send(0.0, 0.0, Kind.CC, _EXPRESSION, _EXPRESSION_LEVEL)
    send(0.0, 0.0, Kind.BEND, 0, centre)
    sent_notes = (
        replace(
            note,
            onset_s=max(note.onset_s - attack_s.get(note.pitch, 0.0), 0.0),
            pitch=min(max(note.pitch + semitones, 0), 127),
        )
        for note in take.notes
    )
    for note in cut_restruck(sent_notes):
        send(note.onset_s, note.quarter, Kind.ON, note.pitch, note.velocity)
        send(note.offset_s, note.quarter, Kind.OFF, note.pitch, 0)
    if settings.vibrato_cents > 0 and can_vibrate(take.part):
        for time_s, quarter, cents, swell in _vibrato(take.notes, settings, generator):
            bend = round(cents / _BEND_CENTS * _BEND_FULL) + centre
            send(time_s, quarter, Kind.BEND, 0, min(max(bend, -_BEND_FULL), _BEND_FULL - 1))
            loudness = _EXPRESSION_LEVEL + round(_EXPRESSION_DEPTH * swell)
            send(time_s, quarter, Kind.CC, _EXPRESSION, loudness)
    return tuple(sorted(sent, key=lambda m: (m.time_s, _RANK[m.message.kind], m.message.number)))


def _vibrato(
    notes: Sequence[PerformedNote], settings: PlayerSettings, generator: np.random.Generator
) -> Iterator[tuple[float, float, float, float]]:
    """Yield (time_s, quarter, cents, swell −1…1) along every long note; at rest at its end."""
    for i, note in enumerate(notes):
        rate_hz = settings.vibrato_hz * (1.0 + 0.05 * float(generator.standard_normal()))
        depth = settings.vibrato_cents * max(1.0 + 0.2 * float(generator.standard_normal()), 0.0)
        end = min(note.offset_s, notes[i + 1].onset_s if i + 1 < len(notes) else np.inf)
        start = note.onset_s + _VIBRATO_AFTER_S
        if end - start < _VIBRATO_GROWS_S:
            continue
        for time_s in np.arange(start, end - _VIBRATO_STEP_S, _VIBRATO_STEP_S).tolist():
            grown = min((time_s - start) / _VIBRATO_GROWS_S, 1.0)
            wave = grown * sin(tau * rate_hz * (time_s - start))
            yield time_s, note.quarter, depth * wave, wave
        yield end - 1e-3, note.quarter, 0.0, 0.0


def accompaniment_messages(
    score: Score, take: SimulatedTake, delay_s: float = 0.0
) -> tuple[TimedMessage, ...]:
    """Play the other parts, exactly with the soloist wherever they went, ``delay_s`` late.

    They wait through the soloist's pauses and jump where the soloist jumps.
    """
    plan = accompaniment_plan(score, take.part.number, written_tempo(score))
    sent = [TimedMessage(0.0, 0.0, event.part, event.message) for event in plan.chase(0.0)]
    for i, leg in enumerate(take.route):
        quarters, times = take.leg_quarter[i], take.leg_time_s[i]
        if not len(quarters):
            continue
        closed_s = (
            np.inf if i + 1 == len(take.route) else _own_time_s(leg.end_quarter, quarters, times)
        )
        for event in plan.events:
            if not leg.start_quarter - 1e-6 <= event.quarter < leg.end_quarter - 1e-6:
                continue
            time_s = _own_time_s(event.quarter, quarters, times) + delay_s
            if event.message.kind is Kind.OFF or time_s < 0:
                continue
            sent.append(TimedMessage(time_s, event.quarter, event.part, event.message))
            if event.message.kind is Kind.ON:
                end_quarter = plan.end_quarters[event.note]
                end_s = min(_own_time_s(end_quarter, quarters, times), closed_s) + delay_s
                off = Message(Kind.OFF, event.message.channel, event.message.number)
                end_s = max(end_s, time_s + 0.01)
                sent.append(TimedMessage(end_s, end_quarter, event.part, off))
    return tuple(sorted(sent, key=lambda m: (m.time_s, _RANK[m.message.kind])))


def _own_time_s(quarter: float, quarters: FloatArray, times_s: FloatArray) -> float:
    """When the soloist is at ``quarter`` within a leg; beyond its events at their mean tempo."""
    span = quarters[-1] - quarters[0]
    slope = (times_s[-1] - times_s[0]) / span if span > 0 else 0.6
    inside = np.interp(quarter, quarters, times_s)
    return float(
        inside + min(quarter - quarters[0], 0.0) * slope + max(quarter - quarters[-1], 0.0) * slope
    )
