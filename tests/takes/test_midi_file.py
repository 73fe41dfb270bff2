from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Key, Mark, Measure, Metre, Note, Part, Score, TempoMark
from accompanist.takes.midi_file import write_midi
from accompanist.takes.tempo_map import TICKS, Sent, tempo_map


def make_score(bars: int = 8, pickup_quarter: float = 0.0) -> Score:
    measures = [Measure(0.0, pickup_quarter, "0")] if pickup_quarter else []
    measures += [Measure(pickup_quarter + 4.0 * i, 4.0, str(i + 1)) for i in range(bars)]
    return Score(
        "Prüfung",
        (Part(1, "Solo", ()), Part(2, "Klavier", (Note(0.0, 1.0, 60),), instrument="Piano")),
        tuple(measures),
        tempo_marks=(TempoMark(0.0, 90.0),),
        metres=(Metre(0.0, 4, 4),),
        keys=(Key(0.0, -3),),
        marks=(Mark(pickup_quarter + 8.0, "B"),),
    )


def played(times_s: list[float], quarters: list[float], length: float = 0.9) -> list[TimedMessage]:
    messages = []
    for i, (time_s, quarter) in enumerate(zip(times_s, quarters, strict=True)):
        pitch = 40 + i % 60
        after = times_s[i + 1] if i + 1 < len(times_s) else time_s + 0.5
        off_s = time_s + length * (after - time_s)
        messages.append(TimedMessage(time_s, quarter, 2, Message(Kind.ON, 1, pitch, 70)))
        messages.append(TimedMessage(off_s, quarter + 0.9, 2, Message(Kind.OFF, 1, pitch)))
    return sorted(messages, key=lambda m: m.time_s)


def notes_in(path: Path) -> list[tuple[float, float, int, int]]:
    """(on seconds, off seconds, pitch, tick of the on) of every note, read back."""
    file = mido.MidiFile(path, charset="utf-8")
    tempi = [(0, 500_000)]
    tick = 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            tempi.append((tick, message.tempo))

    def seconds(at: int) -> float:
        total = 0.0
        for (start, us), (end, _) in zip(tempi, [*tempi[1:], (10**9, 0)], strict=True):
            total += max(min(at, end) - start, 0) * us * 1e-6 / TICKS
        return total

    found = []
    for track in file.tracks[1:]:
        tick, down = 0, defaultdict(list)
        for message in track:
            tick += message.time
            if message.type == "note_on":
                down[message.note].append(tick)
            elif message.type == "note_off":
                on = down[message.note].pop(0)
                found.append((seconds(on), seconds(tick), message.note, on))
        assert not any(down.values())
    return sorted(found)


def assert_times(path: Path, messages: list[TimedMessage], within_s: float = 0.0005) -> None:
    ons = sorted(m.time_s for m in messages if m.message.kind is Kind.ON)
    offs = sorted(m.time_s for m in messages if m.message.kind is Kind.OFF)
    read = notes_in(path)
    np.testing.assert_allclose([n[0] for n in read], ons, atol=within_s)
    np.testing.assert_allclose(sorted(n[1] for n in read), offs, atol=within_s)


def test_notes_stand_on_the_grid_of_the_score_at_the_seconds_they_were_sent(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.mid"
    rubato = [2.0, 2.71, 3.3, 4.05, 4.8, 5.9, 6.4]
    messages = played(rubato, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    write_midi(path, make_score(), messages, 8.0)
    assert_times(path, messages)
    ticks = [n[3] for n in notes_in(path)]
    assert [t % TICKS for t in ticks] == [0] * 7
    assert ticks[0] % (4 * TICKS) == 0
    assert np.diff(ticks).tolist() == [TICKS] * 6


def test_the_file_has_the_frame_of_the_score(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    score = make_score(pickup_quarter=1.0)
    messages = played([1.0 + 0.6 * i for i in range(16)], [float(i) for i in range(16)])
    write_midi(path, score, messages, 12.0)
    file = mido.MidiFile(path, charset="utf-8")
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert [t.name for t in file.tracks] == ["Prüfung", "Klavier"]
    tick = 0
    places: defaultdict[str, list[tuple[int, mido.MetaMessage]]] = defaultdict(list)
    for message in file.tracks[0]:
        tick += message.time
        places[message.type].append((tick, message))
    first_note = notes_in(path)[0][3]
    metres = [(t - first_note, m.numerator, m.denominator) for t, m in places["time_signature"]]
    assert metres == [(-first_note, 4, 4), (0, 1, 4), (960, 4, 4)]
    assert [(t - first_note, m.text) for t, m in places["marker"]] == [(9 * 960, "B")]
    assert [m.key for _, m in places["key_signature"]] == ["Eb"]


def test_an_upbeat_soon_after_the_beginning_begins_within_its_bar(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    messages = played([0.15 + 0.7 * i for i in range(5)], [3.0, 4.0, 5.0, 6.0, 7.0])
    write_midi(path, make_score(), messages, 4.0)
    assert_times(path, messages)
    frame = mido.MidiFile(path).tracks[0]
    assert next(m.tempo for m in frame if m.type == "set_tempo") == 600_000
    metres = [(m.time, m.numerator, m.denominator) for m in frame if m.type == "time_signature"]
    assert metres[0] == (0, 5, 16)
    assert (notes_in(path)[1][3], metres[1][1:]) == (240 + 960, (4, 4))


def test_a_jump_goes_on_with_a_new_bar(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    messages = played([1.0, 1.5, 2.0, 2.5, 3.0], [8.0, 9.0, 10.0, 2.0, 3.0])
    write_midi(path, make_score(), messages, 4.0)
    assert_times(path, messages)


def test_a_skip_far_ahead_does_not_race_through_what_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    messages = played([1.0, 1.5, 2.0, 2.1, 2.6], [0.0, 1.0, 2.0, 24.0, 25.0])
    write_midi(path, make_score(), messages, 4.0)
    assert_times(path, messages)
    tempi = [m.tempo for m in mido.MidiFile(path).tracks[0] if m.type == "set_tempo"]
    assert min(tempi) > 20_000


def test_a_hold_longer_than_a_tempo_can_tell_gets_bars_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    messages = played([1.0, 1.2, 31.2, 31.8], [0.0, 0.25, 0.5, 1.0])
    write_midi(path, make_score(), messages, 33.0)
    assert_times(path, messages)


def test_controllers_programs_and_bends_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    messages = [
        TimedMessage(0.005, 0.0, 2, Message(Kind.PROGRAM, 3, 41)),
        TimedMessage(0.005, 0.0, 2, Message(Kind.CC, 3, 7, 99)),
        TimedMessage(0.005, 0.0, 2, Message(Kind.BEND, 3, 0, -8192)),
        TimedMessage(0.5, 0.0, 2, Message(Kind.ON, 3, 60, 1)),
        TimedMessage(0.9, 1.0, 2, Message(Kind.OFF, 3, 60)),
    ]
    write_midi(path, make_score(), messages, 2.0)
    kinds = [(m.type, m.channel) for m in mido.MidiFile(path).tracks[1] if not m.is_meta]
    assert kinds == [
        ("program_change", 2),
        ("control_change", 2),
        ("pitchwheel", 2),
        ("note_on", 2),
        ("note_off", 2),
    ]


def test_a_take_in_which_nothing_was_played_is_a_file_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    write_midi(path, make_score(), [], 10.0)
    file = mido.MidiFile(path)
    assert len(file.tracks) == 1
    assert file.length == pytest.approx(10.0, abs=0.01)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.floats(0.002, 3.0),
            st.sampled_from([0.03, 1 / 7, 0.25, 1 / 3, 1.0, 4.0, -6.0, -0.5, 20.0]),
        ),
        min_size=1,
        max_size=30,
    ),
    start_s=st.floats(0.0, 5.0),
)
def test_times_are_kept_whatever_the_performance(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, float]], start_s: float
) -> None:
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    times, quarters = [start_s], [3.0]
    for seconds, rise in steps:
        times.append(times[-1] + seconds)
        quarters.append(max(quarters[-1] + rise, 0.0))
    messages = played(times, quarters)
    write_midi(path, make_score(40), messages, times[-1] + 1.0)
    ons = [m.time_s for m in messages if m.message.kind is Kind.ON]
    np.testing.assert_allclose([n[0] for n in notes_in(path)], ons, atol=0.0005)


def test_rounding_of_tempi_does_not_add_up() -> None:
    struck = [Sent(1.0 + i / 7, i / 3) for i in range(3000)]
    laid = tempo_map(struck, [], qpm=100.0, bar_starts_quarter=[4.0 * i for i in range(300)])
    seconds, at = 0.0, 0
    ends = [t for t, _ in laid.tempi_us[1:]] + [laid.tick(struck[-1].time_s)]
    for (tick, us), end in zip(laid.tempi_us, ends, strict=True):
        assert tick == at
        seconds += (end - at) * us * 1e-6 / TICKS
        at = end
    assert abs(seconds - struck[-1].time_s) < 0.0005
