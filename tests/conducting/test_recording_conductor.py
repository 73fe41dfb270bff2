"""The conductor of a recording: smooth, patient, and alone where the soloist rests."""

from __future__ import annotations

import numpy as np
import pytest
from virtual_recording import HOP_S, Played, recorded

from accompanist.conducting.settings import ConductorSettings
from accompanist.score.tempo import written_tempo

SCORE, STROKES = recorded(60.0)
TUTTI = (15.0, 27.0)
CONCERTO, ENTRIES = recorded(50.0, [TUTTI])


def steady(speed: float, start_s: float = 1.0) -> Played:
    return Played(SCORE, STROKES, lambda t: speed * (t - start_s), until_s=40.0, sag_s=0.15)


@pytest.mark.parametrize("speed", [0.7, 0.9, 1.0, 1.3])
def test_a_steady_soloist_is_followed_without_a_wobble(speed: float) -> None:
    played = steady(speed)
    late_s = played.played_s - played.places_s
    settled = played.within(8.0, 40.0)
    assert np.median(np.abs(late_s[settled])) < 0.02
    rates = played.speed(0.06)[-1600:]
    assert np.std(rates) / speed < 0.03
    assert np.mean(rates) == pytest.approx(speed, rel=0.01)
    assert set(played.states[100:]) == {"following"}


def test_it_begins_where_the_soloist_begins() -> None:
    played = Played(SCORE, STROKES, lambda t: 20.0 + t - 1.0 if t >= 1.0 else -1.0, until_s=4.0)
    began = next(i for i, d in enumerate(played.said) if d.state == "following")
    assert played.times_s[began] < 2.0
    assert played.said[began].jumped
    assert played.played_s[began] == pytest.approx(played.places_s[began], abs=0.15)


def test_a_change_of_tempo_is_taken_up_within_a_second_or_two() -> None:
    played = Played(
        SCORE, STROKES, lambda t: t - 1.0 if t < 20.0 else 19.0 + 0.75 * (t - 20.0), until_s=40.0
    )
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(8.0, 40.0), initial=0.0) < 0.35
    assert off_s.max(where=played.within(23.0, 40.0), initial=0.0) < 0.06
    assert (np.diff(played.played_s) >= 0.0).all()


def test_the_speed_stays_within_bounds_while_it_makes_up() -> None:
    played = Played(
        SCORE, STROKES, lambda t: t - 1.0 + 0.2 * np.sin(t), until_s=40.0, report_sd_s=0.03
    )
    speeds = played.speed(0.02)[200:]
    assert speeds.min() > 0.45
    assert speeds.max() < 2.0


def test_a_pause_is_waited_for_and_gone_on_from() -> None:
    def place_s(t: float) -> float:
        return t - 1.0 if t < 15.0 else max(14.0, t - 6.0)

    played = Played(SCORE, STROKES, place_s, until_s=30.0, silent=lambda t: 15.0 < t < 20.0)
    waiting = played.within(15.7, 19.9)
    assert {s for s, w in zip(played.states, waiting, strict=True) if w} <= {"holding", "waiting"}
    assert np.ptp(played.played_s[played.within(15.7, 19.9)]) < 1e-6
    assert played.played_s[played.within(19.0, 19.9)][-1] == pytest.approx(14.0, abs=0.65)
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(22.0, 30.0), initial=0.0) < 0.1


@pytest.mark.parametrize("missed", [0.0, 0.6])
def test_a_pause_in_which_the_follower_runs_on_is_waited_for_too(missed: float) -> None:
    def place_s(t: float) -> float:
        return t - 1.0 if t < 15.0 else max(14.0, t - 6.0)

    played = Played(
        SCORE, STROKES, place_s, until_s=26.0, silent=lambda t: 15.0 < t < 20.0, missed=missed,
        said_s=lambda t: t - 1.0 if t < 20.6 else place_s(t),
    )  # fmt: skip
    assert np.ptp(played.played_s[played.within(16.0, 20.0)]) < 1e-6
    assert played.states[round(16.5 / HOP_S)] == "holding"
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(21.5, 26.0), initial=0.0) < 0.12


def test_a_soloist_who_comes_back_elsewhere_is_found_there() -> None:
    def place_s(t: float) -> float:
        return t - 1.0 if t < 15.0 else max(14.0, t - 6.0) if t < 20.0 else t + 4.0

    played = Played(
        SCORE, STROKES, place_s, until_s=28.0, silent=lambda t: 15.0 < t < 20.0,
        said_s=place_s,
    )  # fmt: skip
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(22.5, 28.0), initial=0.0) < 0.12


def test_a_skip_is_jumped_with() -> None:
    played = Played(SCORE, STROKES, lambda t: t - 1.0 if t < 15.0 else t + 11.0, until_s=25.0)
    leaps = [t for t, d in zip(played.times_s, played.said, strict=True) if d.jumped]
    assert len(leaps) == 2  # the beginning, and this
    assert leaps[1] == pytest.approx(15.0, abs=0.1)
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(16.0, 25.0), initial=0.0) < 0.1


def test_it_comes_to_the_end() -> None:
    score, strokes = recorded(12.0)
    played = Played(score, strokes, lambda t: t - 1.0, until_s=16.0)
    assert played.states[-1] == "ended"
    ended = played.states.index("ended")
    assert played.played_s[ended] == pytest.approx(12.0, abs=0.6)


def tutti(late_s: float = 0.0, speed: float = 0.8) -> Played:
    """A soloist who rests while the orchestra plays, and comes in late (or early)."""
    first, last = (1.0 + s / speed for s in TUTTI)

    def place_s(t: float) -> float:
        if t < first:
            return speed * (t - 1.0)
        return TUTTI[0] if t < last + late_s else TUTTI[1] + speed * (t - last - late_s)

    return Played(
        CONCERTO, ENTRIES, place_s, until_s=last + 12.0,
        silent=lambda t: first < t < last + late_s, missed=0.0,
    )  # fmt: skip


def test_where_the_soloist_rests_the_recording_plays_on_in_their_tempo() -> None:
    played = tutti()
    first, last = (1.0 + s / 0.8 for s in TUTTI)
    alone = played.within(first + 0.5, last - 0.2)
    assert {s for s, a in zip(played.states, alone, strict=True) if a} == {"following"}
    rise = np.diff(played.played_s[alone])
    assert np.mean(rise) / HOP_S == pytest.approx(0.8, rel=0.03)
    told = [d.follower_at for d in played.said if d.follower_at is not None]
    assert len(told) == 1
    assert played.tempo.to_seconds(told[0]) == pytest.approx(TUTTI[1], abs=1e-6)
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(last + 1.0, last + 12.0), initial=0.0) < 0.12


def test_at_the_entry_it_waits_for_a_soloist_who_is_late() -> None:
    played = tutti(late_s=3.0)
    last = 1.0 + TUTTI[1] / 0.8
    before = played.within(last + 1.0, last + 2.9)
    assert np.ptp(played.played_s[before]) < 1e-6
    assert played.played_s[before][0] == pytest.approx(TUTTI[1], abs=0.6)
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(last + 6.0, last + 12.0), initial=0.0) < 0.12


def test_a_soloist_who_comes_in_early_is_jumped_to() -> None:
    played = tutti(late_s=-3.0)
    last = 1.0 + TUTTI[1] / 0.8 - 3.0
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(last + 1.5, last + 10.0), initial=0.0) < 0.12


def test_in_wait_mode_no_stroke_is_passed_unheard_and_it_does_not_stutter() -> None:
    played = Played(
        SCORE, STROKES, lambda t: t - 1.0, until_s=30.0, missed=0.0,
        settings=ConductorSettings(mode="wait"),
    )  # fmt: skip
    late_s = played.played_s - played.places_s
    assert late_s.max(where=played.within(5.0, 30.0), initial=-1.0) < 0.02
    assert late_s.min(where=played.within(5.0, 30.0), initial=0.0) > -0.25
    holding = np.mean([s == "holding" for s in played.states[250:]])
    assert holding < 0.1


def test_goto_waits_there_for_the_soloist() -> None:
    def place_s(t: float) -> float:
        return t - 1.0 if t < 11.0 else 30.0 + t - 11.0

    there = float(np.searchsorted(STROKES, 30.0))
    quarter = SCORE.parts[0].notes[int(there)].onset_quarter
    played = Played(SCORE, STROKES, place_s, until_s=20.0, at={10.5: lambda c: c.locate(quarter)})
    assert "armed" in played.states[525:550]
    off_s = np.abs(played.played_s - played.places_s)
    assert off_s.max(where=played.within(13.0, 20.0), initial=0.0) < 0.1


def test_a_loop_goes_round_without_the_speed_changing() -> None:
    first, last = 8.0, 16.0  # quarters

    tempo = written_tempo(SCORE)
    loop_s = [float(s) for s in tempo.to_seconds([first, last])]

    def place_s(t: float) -> float:
        there = loop_s[0] + (t - 1.0 - loop_s[0]) % (loop_s[1] - loop_s[0])
        return t - 1.0 if t - 1.0 < loop_s[1] else there

    played = Played(SCORE, STROKES, place_s, until_s=20.0, at={0.5: lambda c: c.loop(first, last)})
    rounds = [t for t, d in zip(played.times_s, played.said, strict=True) if d.jumped][1:]
    assert len(rounds) >= 3
    off_s = np.abs(played.played_s - played.places_s)
    assert np.median(off_s[played.within(6.0, 20.0)]) < 0.05


def test_fixed_keeps_its_tempo() -> None:
    played = Played(
        SCORE, STROKES, lambda t: 0.8 * (t - 1.0), until_s=20.0,
        at={10.0: lambda c: c.follow("fixed"), 12.0: lambda c: c.tempo_scale(1.5)},
    )  # fmt: skip
    assert played.speed(0.06)[-50:] == pytest.approx(1.5, rel=0.02)


def test_the_base_tempo_is_that_of_the_whole_recording() -> None:
    played = Played(SCORE, STROKES, lambda t: t - 1.0, until_s=10.0)
    base = played.conductor.base_qpm
    assert base == pytest.approx(120.0, rel=0.05)
    played = Played(
        SCORE, STROKES, lambda t: t - 1.0, until_s=30.0,
        at={5.0: lambda c: c.follow("fixed"), 6.0: lambda c: c.tempo_base(base / 2)},
    )  # fmt: skip
    assert played.speed(0.06)[-750:] == pytest.approx(0.5, rel=0.02)
