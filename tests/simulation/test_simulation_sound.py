from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.performing.messages import Kind, TimedMessage
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import PRESETS, Jump, Pause, PlayerSettings
from accompanist.simulation.sound import (
    accompaniment_messages,
    can_vibrate,
    solo_messages,
    tuning,
)

VIOLIN = Part(1, "Violin", tuple(Note(float(q), 1.0, 60 + q % 5) for q in range(16)), program=40)
CELLO = Part(2, "Cello", tuple(Note(2.0 * q, 2.0, 48) for q in range(8)), program=42)
SCORE = Score("Test", (VIOLIN, CELLO), tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4)))
MACHINE = PlayerSettings(
    phrase_arc=0.0,
    accent=0.0,
    final_tempo=1.0,
    drift=0.0,
    motor_s=0.0,
    articulation=0.9,
    articulation_spread=0.0,
)


def sent(player: PlayerSettings, attack_s: dict[int, float] | None = None) -> list[TimedMessage]:
    take = simulate_take(SCORE, VIOLIN, player, 0)
    return list(solo_messages(take, player, 0, attack_s))


def of_kind(messages: list[TimedMessage], kind: Kind) -> list[TimedMessage]:
    return [m for m in messages if m.message.kind is kind]


def test_notes_are_sent_when_they_are_played() -> None:
    ons = of_kind(sent(MACHINE), Kind.ON)
    assert [m.time_s for m in ons] == pytest.approx(1.0 + 0.6 * np.arange(16))
    assert [m.message.number for m in ons[:5]] == [60, 61, 62, 63, 64]
    assert {m.message.channel for m in ons} == {1}


def test_notes_are_sent_early_by_their_attack() -> None:
    ons = of_kind(sent(MACHINE, {60: 0.02, 61: 0.01}), Kind.ON)
    assert [m.time_s for m in ons[:3]] == pytest.approx([0.98, 1.59, 2.2])


def test_the_program_comes_first() -> None:
    first = sent(MACHINE)[0]
    assert (first.time_s, first.message.kind, first.message.number) == (0.0, Kind.PROGRAM, 40)


def test_a_tuning_by_keys_and_bend() -> None:
    baroque = sent(replace(MACHINE, a4_hz=415.0, vibrato_cents=0.0))
    assert [m.message.number for m in of_kind(baroque, Kind.ON)[:2]] == [59, 60]
    assert [m.message.value for m in of_kind(baroque, Kind.BEND)] == [-52]


@given(a4_hz=st.floats(220.0, 880.0))
@settings(max_examples=50)
def test_keys_and_bend_make_the_tuning(a4_hz: float) -> None:
    semitones, bend = tuning(a4_hz)
    cents = 100 * semitones + 200 * bend / 8192
    assert cents == pytest.approx(1200 * np.log2(a4_hz / 440), abs=0.02)
    assert abs(bend) <= 2048


def test_vibrato_swings_about_the_tuning_and_comes_to_rest() -> None:
    slow = replace(MACHINE, tempo_factor=0.4, vibrato_cents=20.0)
    bends = [m.message.value for m in of_kind(sent(slow), Kind.BEND)]
    assert max(bends) > 400
    assert min(bends) < -400
    assert bends[-1] == 0


def test_only_held_tones_can_be_shaken() -> None:
    programs = {0: False, 24: False, 40: True, 45: False, 53: True, 56: True, 73: True}
    found = {p: can_vibrate(replace(VIOLIN, program=p)) for p in programs}
    assert found == programs
    assert not can_vibrate(replace(VIOLIN, percussion=True))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_on_has_its_off_in_order(name: str) -> None:
    player = PRESETS[name].player
    messages = sent(player, dict.fromkeys(range(128), 0.05))
    times = [m.time_s for m in messages]
    assert times == sorted(times)
    sounding: set[int] = set()
    for m in messages:
        if m.message.kind is Kind.ON:
            assert m.message.number not in sounding
            sounding.add(m.message.number)
        elif m.message.kind is Kind.OFF:
            sounding.remove(m.message.number)
    assert not sounding


def cello_times(player: PlayerSettings, delay_s: float = 0.0) -> list[tuple[float, float]]:
    take = simulate_take(SCORE, VIOLIN, player, 0)
    messages = list(accompaniment_messages(SCORE, take, delay_s))
    offs = of_kind(messages, Kind.OFF)
    ons = of_kind(messages, Kind.ON)
    assert len(ons) == len(offs)
    return [(m.quarter, m.time_s) for m in ons]


def test_the_others_are_with_the_soloist() -> None:
    found = cello_times(MACHINE, 0.02)
    assert [q for q, _ in found] == [2.0 * k for k in range(8)]
    assert [t for _, t in found] == pytest.approx([1.02 + 1.2 * k for k in range(8)])


def test_the_others_wait_through_a_pause() -> None:
    found = dict(cello_times(replace(MACHINE, pauses=(Pause("2", 3.0),))))
    assert found[4.0] == pytest.approx(1.0 + 4 * 0.6 + 3.0)


def test_the_others_jump_along() -> None:
    found = cello_times(replace(MACHINE, jumps=(Jump("3", "2"),)))
    assert [q for q, _ in found] == [0, 2, 4, 6, 4, 6, 8, 10, 12, 14]
    assert np.diff([t for _, t in found]) == pytest.approx(1.2)
