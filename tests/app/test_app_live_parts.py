"""The small parts of the live driver: clock, bars, level, count-in, keys, screen."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from accompanist.app.bars import BarCounter, BarPosition
from accompanist.app.engine.level import LevelMeter
from accompanist.app.engine.live import LiveView
from accompanist.app.engine.stream_clock import StreamClock
from accompanist.app.playing.count_in import CountIn
from accompanist.app.playing.keymap import Action, Command, KeyMap
from accompanist.app.playing.player import Router, TapSource
from accompanist.app.playing.terminal import Flags, Screen, sparkline
from accompanist.conducting.timeline import Timeline
from accompanist.errors import UsageError
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.score.model import Measure, Metre, Score
from accompanist.session import Step
from bridges.keyboard import KeyPress


def waltz() -> Score:
    """A pickup of a beat, then bars of three; bar 2 is played twice."""
    printed = (("0", 1), ("1", 1), ("2", 1), ("2", 2), ("3", 1))
    starts = (0.0, 1.0, 4.0, 7.0, 10.0)
    measures = tuple(
        Measure(start, 1.0 if name == "0" else 3.0, name, visit)
        for start, (name, visit) in zip(starts, printed, strict=True)
    )
    return Score(title="Waltz", parts=(), measures=measures, metres=(Metre(0.0, 3, 4),))


def step_of(estimate: Estimate, line: Timeline, state: str, quarter: float) -> Step:
    return Step(estimate, (), Cue(estimate.time_s, line, state), quarter)


# --- clock ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1e-4, 1e-4))
def test_the_clock_finds_the_earliest_arrival(seed: int, drift: float) -> None:
    rng = np.random.default_rng(seed)
    clock = StreamClock(48_000)
    for block in range(1, 2000):
        true_s = 100.0 + block * 256 / 48_000 * (1.0 + drift)
        late_s = rng.exponential(0.003) if block % 20 else 0.0
        clock.hear(256 * block, true_s + late_s)
    now_s = 1999 * 256 / 48_000
    assert clock.monotonic_s(now_s) == pytest.approx(100.0 + now_s * (1.0 + drift), abs=1e-3)


# --- bars ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quarter", "expected"),
    [
        (0.0, BarPosition("0", 3.0, 3)),
        (1.0, BarPosition("1", 1.0, 3)),
        (5.5, BarPosition("2", 2.5, 3)),
        (7.0, BarPosition("2", 1.0, 3, visit=2)),
        (12.0, BarPosition("3", 3.0, 3)),
        (-1.0, BarPosition("0", 3.0, 3)),
    ],
)
def test_bars_and_beats(quarter: float, expected: BarPosition) -> None:
    assert BarCounter(waltz()).position(quarter) == expected


def test_compound_metres_count_eighths() -> None:
    score = Score("", (), (Measure(0.0, 3.0, "1"),), metres=(Metre(0.0, 6, 8),))
    assert BarCounter(score).position(1.0) == BarPosition("1", 3.0, 6)


def test_bars_are_found_by_their_printed_number() -> None:
    assert BarCounter(waltz()).find(" 2 ").start_quarter == 4.0
    with pytest.raises(UsageError, match="no bar 9; bars go from 0 to 3"):
        BarCounter(waltz()).find("9")


# --- level ---------------------------------------------------------------------------------------


def meter_after(amplitude: float, seconds: float = 6.0) -> LevelMeter:
    meter = LevelMeter(8000)
    t = np.arange(80)
    for _ in range(int(seconds * 100)):
        meter.hear((amplitude * np.sin(t / 3)).astype(np.float32))
    return meter


@pytest.mark.parametrize(
    ("amplitude", "words"),
    [(1.0, "clipping"), (0.3, ""), (0.02, ""), (0.003, "too quiet"), (0.0, "nothing comes in")],
)
def test_advice_about_the_input(amplitude: float, words: str) -> None:
    advice = meter_after(amplitude).advice
    assert advice.startswith(words)
    assert bool(advice) == bool(words)


def test_a_rest_is_not_too_quiet_yet_and_clipping_is_forgotten() -> None:
    meter = meter_after(1.0)
    silence = np.zeros(8000, dtype=np.float32)
    meter.hear(silence)
    meter.hear(silence)
    meter.hear(silence)
    assert meter.advice == ""
    assert meter.peak_db == pytest.approx(-72.0, abs=1.0)
    meter.hear(np.full(10, np.nan, dtype=np.float32))
    assert np.isfinite(meter.peak_db)


# --- count-in ------------------------------------------------------------------------------------


def counted(begin_quarter: float, bars: int, rate: float, hop_s: float) -> list[TimedMessage]:
    """Clicks of a count-in of so many bars before a position, at a steady tempo."""
    measures = tuple(Measure(3.0 * i, 3.0, str(i + 1)) for i in range(8))
    score = Score("", (), measures, metres=(Metre(0.0, 3, 4),))
    counter = CountIn(score, bars)
    line = Timeline((hop_s,), (begin_quarter - 3.0 * bars,), rate)
    found: list[TimedMessage] = []
    for k in range(1, int(3.0 * bars / rate / hop_s) + 10):
        quarter = line.to_quarter(k * hop_s)
        estimate = Estimate(k * hop_s, begin_quarter, rate, 1.0, FollowerState.ARMED)
        state = "countin" if quarter < begin_quarter else "following"
        found += counter.clicks(step_of(estimate, line, state, quarter))
    return found


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([0.0, 12.0]), st.integers(1, 2), st.floats(0.5, 4.0), st.floats(0.003, 0.05))
def test_every_beat_of_the_count_in_clicks_once(
    begin_quarter: float, bars: int, rate: float, hop_s: float
) -> None:
    found = counted(begin_quarter, bars, rate, hop_s)
    ons = [c for c in found if c.message.kind is Kind.ON]
    assert [c.time_s for c in ons] == pytest.approx([hop_s + i / rate for i in range(3 * bars)])
    assert [c.message.number for c in ons] == [76, 77, 77] * bars
    assert len(found) == 2 * len(ons)


def test_a_pickup_is_counted_to() -> None:
    counter = CountIn(waltz(), 1.0)
    line = Timeline((0.01,), (-3.0,), 1.0)
    estimate = Estimate(0.01, 0.0, 1.0, 1.0, FollowerState.ARMED)
    counter.clicks(step_of(estimate, line, "countin", -3.0))
    estimate = Estimate(2.9, 0.0, 1.0, 1.0, FollowerState.ARMED)
    ons = [
        c.message.number
        for c in counter.clicks(step_of(estimate, line, "countin", -0.1))
        if c.message.kind is Kind.ON
    ]
    assert ons == [76, 77]  # the pickup is beat 3


# --- keys ----------------------------------------------------------------------------------------


def typed(keys: str, *, tapping: bool = False) -> list[Command]:
    keymap = KeyMap(tapping=tapping)
    commands = [keymap.press(key) for key in keys]
    return [command for command in commands if command is not None]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (" ", [Command(Action.TOGGLE)]),
        ("tcmq", [Command(a) for a in (Action.LOCK, Action.CUE, Action.MUTE, Action.LEAVE)]),
        ("g1x\x7f7\r", [Command(Action.GOTO, ("17",))]),
        ("g\r ", [Command(Action.TOGGLE)]),
        ("g5\x1bq", [Command(Action.LEAVE)]),
        ("l9-12\n", [Command(Action.LOOP, ("9", "12"))]),
        ("l9\n", [Command(Action.LOOP, ("9",))]),
        ("l\n", [Command(Action.LOOP)]),
        ("x7?", []),
    ],
)
def test_keys(keys: str, expected: list[Command]) -> None:
    assert typed(keys) == expected


def test_while_tapping_every_key_is_a_tap_but_shift_commands() -> None:
    assert typed("aq 7", tapping=True) == [Command(Action.TAP)] * 4
    assert typed("Q\rG3\r\x1b", tapping=True) == [
        Command(Action.LEAVE),
        Command(Action.TOGGLE),
        Command(Action.GOTO, ("3",)),
        Command(Action.LEAVE),
    ]
    assert KeyMap(tapping=True).press("\x1b[A") is None


def test_the_prompt_shows_what_is_typed() -> None:
    keymap = KeyMap()
    assert keymap.prompt == ""
    keymap.press("g")
    keymap.press("4")
    assert keymap.prompt == "go to bar: 4_"


def test_taps_go_to_the_follower_and_held_keys_count_once() -> None:
    taps = TapSource()
    router = Router(KeyMap(tapping=True), taps)
    for time_s, key in ((0.0, "a"), (0.03, "a"), (0.06, "a"), (0.3, "a"), (0.31, "b"), (0.4, "M")):
        router.struck(KeyPress(key, time_s))
    assert [tap.time_s for tap in taps.take()] == [0.0, 0.3, 0.31]
    assert taps.take() == []
    assert list(router.commands()) == [Command(Action.MUTE)]


# --- screen --------------------------------------------------------------------------------------


def picture(view: LiveView | None, flags: Flags) -> str:
    screen = Screen(waltz(), heading="Waltz · Flute", sources="mic → synth", keys="q leave")
    console = Console(width=100, file=StringIO())
    console.print(screen.picture(view, flags))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def view_of(state: str = "following", *, behind_s: float = 0.0, advice: str = "") -> LiveView:
    estimate = Estimate(2.0, 5.0, 1.5, 0.87, FollowerState.FOLLOWING, level_db=-20.0)
    step = step_of(estimate, Timeline((0.0,), (0.0,), 1.5), state, 5.0)
    return LiveView(step, -12.0, advice, behind_s)


def test_the_screen_shows_bar_beat_tempo_confidence_and_level() -> None:
    text = picture(view_of(), Flags(locked=True, muted=True, loop="2-3"))
    for words in ("Waltz · Flute", "2  beat  2.0", "○ ● ○", "90.0", "87 %", "-12 dB", "following"):
        assert words in text
    for words in ("locked", "muted", "loop 2-3", "q leave", "mic → synth"):
        assert words in text


def test_the_screen_shows_prompt_message_and_advice() -> None:
    assert "go to bar: 4_" in picture(view_of(), Flags(prompt="go to bar: 4_", message="hm"))
    assert "no bar 99" in picture(view_of(), Flags(message="no bar 99"))
    assert "too quiet" in picture(view_of(advice="too quiet"), Flags())
    assert "does not keep up" in picture(view_of(behind_s=0.5), Flags())
    assert "starting" in picture(None, Flags())


@pytest.mark.parametrize(
    ("state", "words"),
    [("armed", "waiting for your first note"), ("lost", "press g"), ("ended", "the end")],
)
def test_the_screen_says_the_state_in_words(state: str, words: str) -> None:
    assert words in picture(view_of(state), Flags())


@pytest.mark.parametrize(
    ("state", "place"), [("armed", "0  beat  3.0"), ("following", "1  beat  3.0")]
)
def test_while_the_ensemble_plays_alone_the_screen_shows_where_it_is(
    state: str, place: str
) -> None:
    estimate = Estimate(2.0, 0.0, 1.5, 0.87, FollowerState.ARMED)
    step = step_of(estimate, Timeline((0.0,), (0.0,), 1.5), state, 3.0)
    assert place in picture(LiveView(step, -90.0, "", 0.0), Flags())


@given(st.lists(st.floats(20, 400), max_size=60))
def test_a_sparkline_is_as_long_as_its_values(values: list[float]) -> None:
    assert len(sparkline(values)) == len(values)
