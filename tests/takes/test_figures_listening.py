import numpy as np
import pytest

from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.score.tempo import written_tempo
from accompanist.takes.figures_listening import (
    Line,
    Sounded,
    clicks,
    cut_notes,
    doubled_notes,
    figure_gaps,
    hanging_notes,
    pushed_notes,
    silent_share,
    sounded_notes,
    struck_after,
)

LINE = Line(np.arange(9.0), 0.5 * np.arange(9.0))
RATE = 44_100


def note(
    quarter: float, on_s: float, off_s: float, pitch: int = 60, length: float = 0.5
) -> Sounded:
    return Sounded(on_s, off_s, quarter, quarter + length, 0, pitch, 2)


def figure(late: dict[int, float] | None = None) -> list[Sounded]:
    """Eighths on time, at half a second a quarter, some of them late."""
    times = [0.25 * i + (late or {}).get(i, 0.0) for i in range(16)]
    return [note(0.5 * i, t, t + 0.2, 60 + i % 3) for i, t in enumerate(times)]


def test_the_line_goes_on_beyond_its_ends() -> None:
    assert LINE.at(3.5) == pytest.approx(1.75)
    assert LINE.at(-1.0) == pytest.approx(-0.5)
    assert LINE.at(10.0) == pytest.approx(5.0)
    assert LINE.lasts(7.0, 9.0) == pytest.approx(1.0)


def test_strokes_and_releases_are_paired_and_know_their_ends() -> None:
    parts = (
        Part(1, "solo", (Note(0.0, 4.0, 72),)),
        Part(2, "bass", (Note(0.0, 1.0, 40), Note(1.0, 2.0, 43))),
    )
    score = Score("", parts, (Measure(0.0, 4.0, "1"),))
    plan = accompaniment_plan(score, 1, written_tempo(score))
    channel = plan.channels[2]
    messages = [
        TimedMessage(t, q, 2, Message(kind, channel, pitch, 64))
        for t, q, kind, pitch in (
            (1.0, 0.0, Kind.ON, 40),
            (1.5, 1.0, Kind.OFF, 40),
            (1.5, 1.0, Kind.ON, 43),
            (2.2, 3.0, Kind.CC, 64),
        )
    ]
    first, second = sounded_notes(messages, plan)
    assert (first.on_s, first.off_s, first.end_quarter, first.pitch) == (1.0, 1.5, 1.0, 40)
    assert (second.on_s, second.off_s, second.end_quarter) == (1.5, 2.2, 3.0)


def test_a_pitch_struck_twice_is_heard_unless_it_is_written() -> None:
    twice = [note(1.0, 0.5, 0.52), note(1.0, 0.55, 0.9), note(2.0, 1.0, 1.2)]
    assert [o.amount_s for o in doubled_notes(twice, LINE)] == [pytest.approx(0.05)]
    crushed = [note(1.0, 0.5, 0.52), note(1.5, 0.54, 0.9)]
    assert len(doubled_notes(crushed, LINE)) == 1
    trill = [note(1.0, 0.5, 0.52), note(1.1, 0.55, 0.6)]
    assert not doubled_notes(trill, LINE)
    assert not doubled_notes([note(1.0, 0.5, 0.6), note(1.0, 0.55, 0.6, 64)], LINE)


def test_a_note_is_cut_when_it_sounds_less_than_half_its_time() -> None:
    notes = [
        note(1.0, 0.5, 0.7, 60, 2.0),
        note(1.0, 0.5, 1.1, 64, 2.0),
        note(3.0, 1.5, 1.52, 67, 0.1),
    ]
    (cut,) = cut_notes(notes, LINE)
    assert (cut.pitch, cut.amount_s) == pytest.approx((60, 0.2))


def test_a_gap_in_a_running_figure_is_heard_and_a_hold_is_none() -> None:
    assert figure_gaps(figure(), LINE) == ([], 14)
    (gap,), steps = figure_gaps(figure(dict.fromkeys(range(9, 16), 0.2)), LINE)
    assert (gap.quarter, steps) == (4.5, 14)
    assert gap.amount_s == pytest.approx(0.2)
    held = Line(np.arange(9.0), 0.5 * np.arange(9.0) + np.where(np.arange(9) > 4, 1.0, 0.0))
    waits = {i: min(max(0.5 * i - 4.0, 0.0), 1.0) for i in range(16)}
    assert figure_gaps(figure(waits), held)[0] == []


def test_single_long_notes_are_no_figure() -> None:
    slow = [note(2.0 * i, 1.0 * i + (0.4 if i > 2 else 0.0), i + 0.9) for i in range(5)]
    assert figure_gaps(slow, LINE) == ([], 0)


def test_crushed_steps_are_heard() -> None:
    (pushed,) = pushed_notes(figure({6: 0.18}), LINE)
    assert (pushed.quarter, pushed.amount_s) == pytest.approx((3.5, 0.07))


def test_what_hangs_on_and_what_comes_after_the_end() -> None:
    notes = [note(7.0, 3.5, 4.0, 60, 1.0), note(7.0, 3.5, 5.0, 64, 1.0), note(8.0, 4.6, 4.8, 67)]
    (hanging,) = hanging_notes(notes, LINE, 4.0)
    assert (hanging.pitch, hanging.amount_s) == pytest.approx((64, 1.0))
    (after,) = struck_after(notes, 4.0)
    assert (after.pitch, after.amount_s) == pytest.approx((67, 0.6))


def test_a_click_is_found_and_a_struck_string_is_none() -> None:
    time_s = np.arange(RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s) * np.exp(-4 * time_s)
    tone[: RATE // 10] = 0.0
    rise = 0.3 * np.sin(2 * np.pi * 440 * time_s[: RATE // 2]) * np.exp(-6 * time_s[: RATE // 2])
    tone[RATE // 2 :] += rise
    sound = tone.astype(np.float32)
    assert clicks(sound, RATE) == []
    sound[30_000] += 0.2
    (click,) = clicks(sound, RATE)
    assert click.time_s == pytest.approx(30_000 / RATE, abs=1e-4)
    assert len(clicks(np.stack((sound, sound), axis=1), RATE)) == 1


def test_silence_where_a_note_is_held_is_heard() -> None:
    sound = np.zeros(2 * RATE, dtype=np.float32)
    sound[:RATE] = 0.1
    assert silent_share(sound, RATE, [note(0.0, 0.0, 1.0)]) == 0.0
    assert silent_share(sound, RATE, [note(0.0, 0.0, 2.0)]) == pytest.approx(0.5, abs=0.03)
    assert silent_share(sound, RATE, []) == 0.0
