from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_sources import (
    LEAD_S,
    RATE,
    STEP_S,
    melody_source,
    pitch_at,
    pitches,
)

from accompanist.errors import UsageError
from accompanist.simulation.scenarios.catalogue import (
    CLEAN,
    chosen_scenarios,
    scenario_named,
    scenarios,
)
from accompanist.simulation.scenarios.material import EventKind, ImpossibleError, ScenarioTake

SOURCE = melody_source()
NAMES = [scenario.name for scenario in scenarios()]


def made(name: str, seed: int = 0) -> ScenarioTake:
    return scenario_named(name).make(SOURCE, seed)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_the_same_for_the_same_seed_and_leaves_its_source_alone(name: str) -> None:
    before = SOURCE.samples.copy()
    one, two = made(name, 5), made(name, 5)
    assert np.array_equal(one.samples, two.samples)
    assert np.array_equal(one.truth_time_s, two.truth_time_s)
    assert np.array_equal(SOURCE.samples, before)
    assert one.samples.dtype == np.float32
    assert np.isfinite(one.samples).all()
    assert (np.diff(one.truth_time_s) > 0).all()
    duration_s = len(one.samples) / one.rate
    assert not len(one.truth_time_s) or one.truth_time_s[-1] < duration_s
    assert all(0 <= event.time_s <= duration_s for event in one.events)
    assert np.array_equal(one.truth_quarter, SOURCE.truth_quarter[one.origin])


KEEPING_PITCH = [
    "skip-forward", "go-back", "repeat-bars", "two-jumps", "self-corrections", "start-anywhere",
    "start-anywhere-told", "missed-10", "pause-5s", "noise-before-6s", "tuning-before",
    "talking-before", "page-turn", "level-40db", "rate-16k", "rate-48k",
]  # fmt: skip


@pytest.mark.parametrize("name", KEEPING_PITCH)
def test_at_every_true_onset_the_note_of_the_score_sounds(name: str) -> None:
    take = made(name)
    melody = pitches(len(SOURCE.truth_quarter))
    heard = [pitch_at(take.samples, take.rate, t) for t in take.truth_time_s]
    wanted = [melody[round(q)] for q in take.truth_quarter]
    off = np.abs(np.array(heard) - wanted)
    assert np.mean(off < 0.3) > 0.97, [(h, w) for h, w in zip(heard, wanted, strict=True)]


@pytest.mark.parametrize("name", ["skip-forward", "go-back", "repeat-bars", "two-jumps"])
def test_a_jump_is_a_new_leg_and_costs_no_time(name: str) -> None:
    take = made(name)
    jumps = np.flatnonzero(np.diff(take.leg))
    assert len(jumps) == len(take.events) == (2 if name == "two-jumps" else 1)
    assert np.allclose(np.diff(take.truth_time_s), STEP_S)
    within = np.diff(take.leg) == 0
    assert np.allclose(np.diff(take.truth_quarter)[within], 1.0)
    assert [event.time_s for event in take.events] == take.truth_time_s[jumps + 1].tolist()
    assert {event.kind for event in take.events} == {EventKind.JUMP}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_jumps_go_as_far_as_they_say(seed: int) -> None:
    skip = made("skip-forward", seed)
    leap = np.diff(skip.truth_quarter).max()
    assert leap * STEP_S == pytest.approx(12.0 + STEP_S, abs=STEP_S)
    back = made("go-back", seed)
    assert 8.0 <= -(np.diff(back.truth_quarter).min() - 1.0) * STEP_S <= 12.0
    bars = made("repeat-bars", seed)
    at = int(np.argmin(np.diff(bars.truth_quarter)))
    assert bars.truth_quarter[at + 1] % 4 == 0
    assert bars.truth_quarter[at] + 1 - bars.truth_quarter[at + 1] == 8


def test_who_starts_anywhere_is_told_of_or_not() -> None:
    told, untold = made("start-anywhere-told"), made("start-anywhere")
    assert told.start_quarter == told.truth_quarter[0] > 0
    assert untold.start_quarter is None
    assert (told.anywhere, untold.anywhere) == (False, True)
    assert untold.truth_time_s[0] == pytest.approx(1.0 + 0.02, abs=2 / RATE)
    begun = round((untold.truth_time_s[0] - 0.03) * RATE)
    assert np.abs(untold.samples[:begun]).max() < 0.01


def test_a_correction_stops_and_takes_some_notes_again() -> None:
    take = made("self-corrections")
    back = -np.diff(take.truth_quarter)[np.diff(take.leg) > 0]
    assert len(back) == len(take.events) == 2
    assert ((back >= 1) & (back <= 4)).all()


def test_mistakes_are_as_many_as_said_and_the_other_notes_are_untouched() -> None:
    take = made("wrong-10")
    melody = pitches(80)
    heard = np.array([pitch_at(take.samples, RATE, t) for t in take.truth_time_s])
    off = np.abs(heard - melody)
    assert np.sum(off > 0.5) == 8
    assert set(np.round(off[off > 0.5]).astype(int)) <= {1, 2}
    assert (off[off <= 0.5] < 0.1).all()
    assert len(take.samples) == len(SOURCE.samples)


def test_octave_slips_are_an_octave_off() -> None:
    take = made("octave-10")
    heard = np.array([pitch_at(take.samples, RATE, t) for t in take.truth_time_s])
    off = heard - pitches(80)
    slips = off[np.abs(off) > 0.5]
    assert len(slips) == 8
    assert np.abs(np.abs(slips) - 12).max() < 0.3


def test_missed_notes_are_silent_and_not_in_the_truth() -> None:
    take = made("missed-10")
    gone = np.setdiff1d(np.arange(80), take.origin)
    assert len(gone) == 8
    for i in gone:
        first = round((LEAD_S + STEP_S * i + 0.05) * RATE)
        assert np.abs(take.samples[first : first + 2000]).max() < 0.01


@pytest.mark.parametrize("name", ["extra-10", "repeated-10"])
def test_a_second_stroke_comes_in_the_middle_of_the_note(name: str) -> None:
    take = made(name)
    assert len(take.truth_time_s) == 80
    changed = np.abs(take.samples - SOURCE.samples) > 0.02
    notes = {int((i / RATE - LEAD_S + 0.02) / STEP_S) for i in np.flatnonzero(changed)}
    assert len(notes) == 8
    for i in notes:
        first = round((LEAD_S + STEP_S * i) * RATE)
        assert not changed[first : first + round(0.2 * RATE)].any()


def test_a_pause_moves_what_follows_and_is_quiet() -> None:
    take = made("pause-30s")
    gaps = np.diff(take.truth_time_s)
    assert sorted(gaps)[-2:] == pytest.approx([STEP_S, 30.0 + STEP_S])
    assert take.events[0].kind is EventKind.RESUMED
    (at,) = np.flatnonzero(gaps > 1)
    first, last = (
        round((take.truth_time_s[at] + 1) * RATE),
        round((take.events[0].time_s - 0.05) * RATE),
    )
    assert np.abs(take.samples[first:last]).max() < 0.01
    assert (take.leg == 0).all()


@pytest.mark.parametrize(
    ("name", "seconds"), [("noise-before-6s", 6.5), ("tuning-before", 6.5), ("talking-before", 6.5)]
)
def test_what_comes_before_delays_everything(name: str, seconds: float) -> None:
    take = made(name)
    assert take.truth_time_s[0] == pytest.approx(LEAD_S + seconds, abs=0.002)
    assert np.abs(take.samples[: round(6 * RATE)]).max() > 0.005


def test_noise_is_as_loud_as_it_says() -> None:
    take = made("snr-10db")
    noise = take.samples - SOURCE.samples
    loud = SOURCE.samples[np.abs(SOURCE.samples) > 0]
    assert 20 * np.log10(loud.std() / noise.std()) == pytest.approx(10.0, abs=1.0)


@pytest.mark.parametrize("hz", [392, 415, 430, 452, 466])
def test_another_tuning_moves_pitch_and_truth_alike(hz: int) -> None:
    take = made(f"a4-{hz}")
    assert take.truth_time_s * hz / 440 == pytest.approx(SOURCE.truth_time_s, rel=1e-4)
    heard = pitch_at(take.samples, RATE, float(take.truth_time_s[5]))
    assert heard - pitches(80)[5] == pytest.approx(12 * np.log2(hz / 440), abs=0.1)


def test_sound_scenarios_change_what_they_say() -> None:
    assert np.abs(made("level-40db").samples).max() == pytest.approx(
        np.abs(SOURCE.samples).max() / 100, rel=1e-4
    )
    assert np.mean(np.abs(made("clipping").samples) >= 1.0) > 0.05
    assert np.mean(made("dc-offset").samples) == pytest.approx(
        np.abs(SOURCE.samples).max(), rel=0.1
    )
    both = made("one-channel-dead").samples
    assert both.shape == (len(SOURCE.samples), 2)
    assert not both[:, 1].any()
    assert made("rate-96k").rate == 96_000
    assert len(made("rate-96k").samples) == 12 * len(SOURCE.samples)


@pytest.mark.parametrize(("name", "qpm"), [("written-half", 60.0), ("written-double", 240.0)])
def test_only_the_mark_changes(name: str, qpm: float) -> None:
    take = made(name)
    assert [mark.qpm for mark in take.score.tempo_marks] == [qpm]
    assert np.array_equal(take.samples, SOURCE.samples)


def test_a_closed_loop_leaves_the_sound_alone_and_adds_a_bass() -> None:
    take = made("bleed+6db")
    assert take.bleed is not None
    assert take.bleed.level_db == 6.0
    assert 0.03 <= take.bleed.delay_s <= 0.15
    assert np.array_equal(take.samples, SOURCE.samples)
    bass = take.score.parts[-1]
    assert bass.number == 2
    under = [(p - n.pitch) % 12 for p, n in zip(pitches(80), bass.notes, strict=True)]
    assert under == [0, 7, 4, 9] * 20
    assert {n.pitch // 12 for n in bass.notes} == {3}


def test_variants_of_a_scenario_draw_the_same_numbers() -> None:
    rooms = [made(f"bleed{name}").bleed for name in ("-0db", "+6db", "-0db-unknown")]
    assert len({(room.delay_s, room.rt60_s, room.seed) for room in rooms if room}) == 1
    assert made("start-anywhere").origin[0] == made("start-anywhere-told").origin[0]


def test_a_bleed_beforehand_is_as_loud_as_it_says() -> None:
    others = made("bleed-0db-before").samples - SOURCE.samples
    sounding = np.abs(SOURCE.samples) > 0
    ratio = np.std(others[sounding]) / np.std(SOURCE.samples[sounding])
    assert 20 * np.log10(ratio) == pytest.approx(0.0, abs=1.0)


def test_another_piece_has_no_truth_and_the_astray_return() -> None:
    other = made("another-piece")
    assert len(other.truth_time_s) == 0
    assert other.away == ((0.0, len(other.samples) / RATE),)
    astray = made("astray")
    left, back = astray.events
    assert (left.kind, back.kind) == (EventKind.ASTRAY, EventKind.RETURNED)
    assert back.time_s - left.time_s == pytest.approx(12.0, abs=0.05)
    assert astray.away == ((left.time_s, back.time_s),)
    assert len(astray.truth_time_s) == 80
    assert pitch_at(astray.samples, RATE, left.time_s + 0.42) == pytest.approx(51.0, abs=0.3)


def test_a_take_too_short_for_a_scenario_is_told() -> None:
    short = melody_source(12)
    for name in ("skip-forward", "go-back", "start-anywhere", "astray"):
        with pytest.raises(ImpossibleError, match="take"):
            scenario_named(name).make(short)
    alone = replace(short, another=None, company=None)
    with pytest.raises(ImpossibleError, match="no other piece"):
        scenario_named("another-piece").make(alone)
    with pytest.raises(ImpossibleError, match="play the other parts"):
        scenario_named("bleed-0db-before").make(alone)


def test_scenarios_are_chosen_by_name_by_kind_or_all() -> None:
    assert [s.name for s in chosen_scenarios("pause-5s, go-back")] == [CLEAN, "go-back", "pause-5s"]
    assert {s.kind for s in chosen_scenarios("jump")} == {"clean", "jump"}
    assert [s.name for s in chosen_scenarios("all")] == NAMES
    assert len(set(NAMES)) == len(NAMES)
    with pytest.raises(UsageError, match="no scenario 'fire'"):
        chosen_scenarios("fire")
