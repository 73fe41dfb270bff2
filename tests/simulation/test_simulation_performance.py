from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import BadInputError, UsageError
from accompanist.score.model import Measure, Note, Ornament, Part, Score
from accompanist.simulation.notes import NoteKind, PerformedNote
from accompanist.simulation.performance import SimulatedTake, simulate_take
from accompanist.simulation.player import cut_restruck, parted
from accompanist.simulation.settings import PRESETS, Jump, Pause, PlayerSettings
from accompanist.simulation.timing import GivenTiming

PITCHES = (60, 62, 64, 65, 67, 65, 64, 62)
MELODY = Part(1, "Violin", tuple(Note(float(q), 1.0, PITCHES[q % 8]) for q in range(16)))
MEASURES = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
SCORE = Score("Test", (MELODY,), MEASURES)
MACHINE = PlayerSettings(
    phrase_arc=0.0,
    accent=0.0,
    final_tempo=1.0,
    drift=0.0,
    motor_s=0.0,
    chord_spread_s=0.0,
    articulation=0.5,
    articulation_spread=0.0,
    dynamics=0.0,
    velocity_spread=0.0,
)


def play(player: PlayerSettings, seed: int = 0, part: Part = MELODY) -> SimulatedTake:
    return simulate_take(replace(SCORE, parts=(part,)), part, player, seed)


def kinds(take: SimulatedTake) -> Counter[NoteKind]:
    return Counter(note.kind for note in take.notes)


def test_a_machine_plays_every_note_in_its_place() -> None:
    take = play(MACHINE)
    # 100 qpm, after a second of silence, each note sounding half its length.
    assert take.truth_quarter.tolist() == list(range(16))
    assert take.truth_time_s == pytest.approx(1.0 + 0.6 * np.arange(16))
    first = take.notes[0]
    assert (first.onset_s, first.offset_s) == pytest.approx((1.0, 1.3))
    assert (first.pitch, first.velocity, first.kind) == (60, 80, NoteKind.WRITTEN)
    assert take.end_s == pytest.approx(1.0 + 15 * 0.6 + 0.3)


def test_the_same_seed_gives_the_same_take_and_another_another() -> None:
    player = PRESETS["student"].player
    assert play(player, 4).notes == play(player, 4).notes
    assert play(player, 4).notes != play(player, 5).notes


def test_missed_notes_have_no_truth() -> None:
    take = play(replace(MACHINE, missed=1.0))
    assert take.notes == ()
    assert len(take.truth_quarter) == 0
    assert len(take.leg_quarter[0]) == 16


def test_wrong_notes_sound_but_have_no_truth() -> None:
    take = play(replace(MACHINE, wrong=1.0))
    assert kinds(take) == {NoteKind.WRONG: 16}
    assert len(take.truth_quarter) == 0
    moved = [n.pitch - PITCHES[i % 8] for i, n in enumerate(take.notes)]
    assert set(moved) <= {-2, -1, 1, 2}


def test_one_right_note_of_a_chord_is_truth_enough() -> None:
    chord = Part(1, "Piano", tuple(Note(0.0, 1.0, p) for p in range(40, 70)))
    take = play(replace(MACHINE, wrong=0.5), part=chord)
    assert set(kinds(take)) == {NoteKind.WRONG, NoteKind.WRITTEN}
    assert take.truth_time_s.tolist() == [1.0]


def test_extra_notes_come_between() -> None:
    take = play(replace(MACHINE, extra=1.0))
    assert kinds(take) == {NoteKind.WRITTEN: 16, NoteKind.EXTRA: 15}
    order = [note.kind for note in take.notes[:4]]
    assert order == [NoteKind.WRITTEN, NoteKind.EXTRA, NoteKind.WRITTEN, NoteKind.EXTRA]


def test_a_repeated_note_delays_what_follows_and_its_first_stroke_is_the_truth() -> None:
    take = play(replace(MACHINE, repeated=1.0))
    assert kinds(take) == {NoteKind.WRITTEN: 16, NoteKind.REPEATED: 16}
    written = [n.onset_s for n in take.notes if n.kind is NoteKind.WRITTEN]
    assert take.truth_time_s.tolist() == pytest.approx(written)
    assert (np.diff(take.truth_time_s) > 0.84).all()


def test_a_pause_before_a_bar() -> None:
    take = play(replace(MACHINE, pauses=(Pause("2", 3.0),)))
    assert np.diff(take.truth_time_s)[2:5] == pytest.approx([0.6, 3.6, 0.6])


def test_a_jump_back_shows_in_the_truth() -> None:
    take = play(replace(MACHINE, jumps=(Jump("3", "2"),)))
    assert take.truth_quarter.tolist() == [*range(8), *range(4, 16)]
    assert np.diff(take.truth_time_s) == pytest.approx(0.6)
    assert [len(q) for q in take.leg_quarter] == [8, 12]


def test_a_skip_forward() -> None:
    take = play(replace(MACHINE, jumps=(Jump("2", "4"),)))
    assert take.truth_quarter.tolist() == [0, 1, 2, 3, 12, 13, 14, 15]


def test_an_arpeggio_is_spread_upwards_and_a_trill_played_out() -> None:
    chord = tuple(Note(0.0, 2.0, p, arpeggio=True) for p in (48, 52, 55))
    trill = Note(2.0, 2.0, 60, ornament=Ornament.TRILL)
    take = play(MACHINE, part=Part(1, "Piano", (*chord, trill)))
    spread = [n.onset_s for n in take.notes[:3]]
    assert spread == pytest.approx([1.0, 1.03, 1.06])
    assert [n.pitch for n in take.notes[:3]] == [48, 52, 55]
    shaken = take.notes[3:]
    assert [n.pitch for n in shaken[:3]] == [60, 62, 60]
    assert kinds(take) == {NoteKind.WRITTEN: 4, NoteKind.ORNAMENT: len(shaken) - 1}
    assert take.truth_time_s == pytest.approx([1.0, 2.2])


def test_grace_notes_come_before_the_beat() -> None:
    part = Part(
        1, "Flute", (Note(0.0, 1.0, 60), Note(0.9, 0.1, 64, grace=True), Note(1.0, 1.0, 62))
    )
    take = play(MACHINE, part=part)
    grace = next(n for n in take.notes if n.kind is NoteKind.GRACE)
    assert grace.pitch == 64
    assert grace.onset_s == pytest.approx(1.53)
    assert take.truth_quarter.tolist() == [0.0, 1.0]


def test_given_timing_gives_onsets_lengths_and_velocities() -> None:
    human = GivenTiming(
        quarter=np.arange(16.0),
        pitch=np.array([PITCHES[q % 8] for q in range(16)]),
        onset_s=5.0 + np.cumsum(np.linspace(0.5, 0.9, 16)),
        offset_s=5.4 + np.cumsum(np.linspace(0.5, 0.9, 16)),
        velocity=np.arange(40, 56),
    )
    take = simulate_take(SCORE, MELODY, replace(MACHINE, lead_in_s=2.0), 0, human)
    assert take.truth_time_s == pytest.approx(2.0 + human.onset_s - human.onset_s[0])
    assert [n.velocity for n in take.notes] == list(range(40, 56))
    assert take.notes[0].offset_s - take.notes[0].onset_s == pytest.approx(0.4)


def test_jumps_and_a_given_timing_are_refused_together() -> None:
    human = GivenTiming(np.arange(2.0), np.array([60, 62]), *(np.arange(2.0),) * 2, np.ones(2, int))
    with pytest.raises(UsageError, match="exclude each other"):
        simulate_take(SCORE, MELODY, replace(MACHINE, jumps=(Jump("2", "1"),)), 0, human)


def test_a_part_without_notes_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"part 2 \(Kazoo\)"):
        simulate_take(SCORE, Part(2, "Kazoo", ()), MACHINE, 0)


@pytest.mark.parametrize("name", sorted(PRESETS))
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_every_preset_makes_a_sound_take(name: str, seed: int) -> None:
    take = play(PRESETS[name].player, seed)
    assert (np.diff(take.truth_time_s) > 0).all()
    assert all(note.offset_s > note.onset_s >= 0 for note in take.notes)
    assert all(0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 for note in take.notes)
    for pitch in {note.pitch for note in take.notes}:
        same = [n for n in take.notes if n.pitch == pitch]
        assert all(a.offset_s <= b.onset_s for a, b in pairwise(same))


def test_a_key_is_let_go_before_it_is_struck_again() -> None:
    long, short = (PerformedNote(t, 2.0, 60, 80, 0.0, NoteKind.WRITTEN) for t in (0.0, 1.0))
    cut = cut_restruck([short, long], gap_s=0.1)
    assert [(n.onset_s, n.offset_s) for n in cut] == [(0.0, 0.9), (1.0, 2.0)]


@pytest.mark.parametrize(
    ("apart_s", "gap_s"), [(2.0, 0.24), (0.5, 0.06), (0.25, 0.06), (0.1, 0.04), (0.01, 0.004)]
)
def test_a_repeated_pitch_is_parted_from_the_one_before(apart_s: float, gap_s: float) -> None:
    first = PerformedNote(0.0, apart_s, 60, 80, 0.0, NoteKind.WRITTEN)
    again = PerformedNote(apart_s, apart_s + 1.0, 60, 80, 1.0, NoteKind.WRITTEN)
    other = replace(again, pitch=62)
    assert parted([first, again])[0].offset_s == pytest.approx(apart_s - gap_s)
    assert parted([first, other])[0] == first
    short = replace(first, offset_s=0.3 * apart_s)
    assert parted([short, again])[0] == short


@pytest.mark.parametrize(
    "wrong", [{"wrong": 1.1}, {"tempo_factor": 0.0}, {"a4_hz": 100.0}, {"motor_s": float("nan")}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        replace(MACHINE, **wrong)
