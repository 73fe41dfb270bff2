"""OSC cues: of the score, of bars, of notes that the soloist plays; when, and once in a pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osc_virtual import UNIX_S, VirtualLoop

from accompanist.app.cues.files import piece_rules
from accompanist.app.cues.rules import CueBook, Rule, Send, pitch_of, rules_from
from accompanist.app.cues.sender import CueSender
from accompanist.app.processes.links import Reported
from accompanist.conducting.timeline import Timeline
from accompanist.errors import BadInputError, UsageError
from accompanist.performing.cue import Cue
from accompanist.score.model import Measure, Metre, OscCue, Score
from bridges.osc import OscArgument, decode
from bridges.osc_udp import OscUdp

BARS = ("1", "2", "1", "2", "3")
"""Printed numbers as played: a repeat, then on."""


def score(*quarters: float) -> Score:
    visits = {"1": 0, "2": 0, "3": 0}
    measures = []
    for i, printed in enumerate(BARS):
        visits[printed] += 1
        measures.append(Measure(4.0 * i, 4.0, printed, visits[printed]))
    return Score(
        "t",
        (),
        tuple(measures),
        metres=(Metre(0.0, 4, 4),),
        cues=tuple(OscCue(q, f"/at/{q:g}") for q in quarters),
    )


def cue(
    time_s: float = 0.0,
    quarter: float | None = None,
    *,
    rate: float = 2.0,
    gate: float = float("inf"),
    state: str = "following",
    jumps: int = 0,
    to: float = 0.0,
) -> Cue:
    """Say: at this time the ensemble is at this quarter."""
    at = 2.0 * time_s if quarter is None else quarter
    return Cue(time_s, Timeline((time_s,), (at,), rate, gate), state, jumps, to)


def fired(book: CueBook, until_s: float) -> list[tuple[float, str]]:
    return [(due.time_s, due.send.address) for due in book.due(until_s)]


# ---- positions -----------------------------------------------------------------------------------


def test_cues_come_at_their_beats_and_once() -> None:
    book = CueBook(score(0.0, 1.0, 4.0))
    assert book.next_s == float("inf")
    assert fired(book, 100.0) == []
    book.take(cue())
    assert book.next_s == 0.0
    assert fired(book, 0.4) == [(0.0, "/at/0")]
    assert fired(book, 0.4) == []
    assert book.next_s == 0.5
    assert fired(book, 2.0) == [(0.5, "/at/1"), (2.0, "/at/4")]
    assert (book.next_s, fired(book, 100.0)) == (float("inf"), [])


def test_a_newer_tempo_moves_what_is_to_come_and_repeats_nothing() -> None:
    book = CueBook(score(0.0, 1.0, 4.0))
    book.take(cue())
    assert len(fired(book, 0.6)) == 2
    # the position jitters back behind the cue at 1.0 that has gone out, without a jump
    book.take(cue(0.6, 0.9, rate=1.0))
    assert fired(book, 1.0) == []
    assert book.next_s == pytest.approx(0.6 + 3.1)


def test_a_gate_holds_a_cue_until_it_opens() -> None:
    book = CueBook(score(4.0))
    book.take(cue(gate=4.0))
    assert (book.next_s, fired(book, 100.0)) == (float("inf"), [])
    book.take(replace(cue(), time_s=3.0))
    assert fired(book, 3.0) == [(2.0, "/at/4")]


def test_a_jump_back_arms_again_and_a_jump_ahead_leaves_out() -> None:
    book = CueBook(score(0.0, 1.0, 4.0, 8.0, 12.0))
    book.take(cue())
    assert len(fired(book, 2.1)) == 3
    book.take(cue(2.1, 12.0, jumps=1, to=12.0))  # over the cue at 8
    assert fired(book, 2.1) == [(2.1, "/at/12")]
    book.take(cue(3.0, 1.0, jumps=2, to=1.0))
    assert [a for _, a in fired(book, 100.0)] == ["/at/1", "/at/4", "/at/8", "/at/12"]


def test_the_small_steps_back_of_an_ensemble_that_ran_ahead_are_no_new_pass() -> None:
    book = CueBook(score(4.0, 5.0))
    book.take(cue())
    assert len(fired(book, 2.2)) == 1
    book.take(cue(2.2, 3.6, jumps=1, to=3.6))  # from 4.4 back to 3.6
    assert fired(book, 2.5) == []
    assert [a for _, a in fired(book, 10.0)] == ["/at/5"]


@pytest.mark.parametrize("state", ["armed", "countin"])
def test_a_new_start_is_a_new_pass_however_near(state: str) -> None:
    book = CueBook(score(0.0))
    book.take(cue())
    assert len(fired(book, 0.1)) == 1
    book.take(cue(0.1, 0.0, gate=float("-inf"), state=state, jumps=1, to=0.0))
    assert fired(book, 50.0) == []
    book.take(cue(50.0, 0.0, jumps=1))
    assert fired(book, 50.0) == [(50.0, "/at/0")]


def test_a_piece_that_begins_in_the_middle() -> None:
    book = CueBook(score(0.0, 8.0))
    book.take(cue(0.0, 8.0, to=8.0))
    assert fired(book, 0.0) == [(0.0, "/at/8")]


@settings(max_examples=200)
@given(
    st.lists(st.integers(0, 40).map(lambda n: n / 2), min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(-0.4, 0.4), st.floats(0.5, 4.0))),
)
def test_without_a_jump_nothing_is_sent_twice_or_out_of_order(
    quarters: list[float], steps: list[tuple[float, float, float]]
) -> None:
    book = CueBook(score(*sorted(quarters)))
    now_s, at = 0.0, 0.0
    sent: list[str] = []
    for wait_s, jitter, rate in steps:
        book.take(cue(now_s, at + jitter, rate=rate))
        now_s += wait_s
        sent += [due.send.address for due in book.due(now_s)]
        at += jitter + wait_s * rate
    book.take(cue(now_s, at))
    sent += [due.send.address for due in book.due(1e6)]
    assert sent == [f"/at/{q:g}" for q in sorted(quarters)]


# ---- rules ---------------------------------------------------------------------------------------


def rules(*entries: dict[str, Any]) -> tuple[Rule, ...]:
    return rules_from([{"send": {"address": f"/r/{i}"}, **e} for i, e in enumerate(entries)])


def test_a_bar_comes_in_every_pass_of_a_repeat() -> None:
    book = CueBook(score(), rules({"when": {"bar": "2"}}, {"when": {"bar": 3, "beat": 2.5}}))
    book.take(cue())
    assert fired(book, 100.0) == [(2.0, "/r/0"), (6.0, "/r/0"), (8.75, "/r/1")]


def test_a_bar_or_beat_that_is_not_there_never_comes() -> None:
    book = CueBook(score(), rules({"when": {"bar": "9"}}, {"when": {"bar": "1", "beat": 5}}))
    book.take(cue())
    assert book.next_s == float("inf")


def test_a_bar_with_a_pickup_counts_its_beats_as_printed() -> None:
    pickup = Score(
        "t", (), (Measure(0.0, 1.0, "0"), Measure(1.0, 4.0, "1")), metres=(Metre(0.0, 4, 4),)
    )
    book = CueBook(pickup, rules({"when": {"bar": "0", "beat": 4}}, {"when": {"bar": "0"}}))
    book.take(cue())
    assert fired(book, 10.0) == [(0.0, "/r/0")]


def heard(book: CueBook, quarter: float, *pitches: int) -> list[str]:
    return [due.send.address for due in book.reported(Reported(1.0, quarter, pitches))]


def test_a_note_and_a_chord_set_off_their_rules_once_in_a_pass() -> None:
    book = CueBook(score(), rules({"when": {"note": "C5"}}, {"when": {"chord": ["C4", "E4"]}}))
    book.take(cue())
    assert heard(book, 0.0, 60) == []
    assert heard(book, 1.0, 72) == ["/r/0"]
    assert heard(book, 2.0, 72) == []
    assert heard(book, 3.0, 60, 64, 67) == ["/r/1"]
    book.take(cue(5.0, 2.0, jumps=1, to=2.0))  # behind the first, before the second
    assert heard(book, 2.0, 72) == []
    assert heard(book, 3.0, 64, 60) == ["/r/1"]
    book.take(cue(9.0, 0.0, jumps=2, to=0.0))
    assert heard(book, 1.0, 72, 60, 64) == ["/r/0", "/r/1"]


def test_every_such_note_but_each_once() -> None:
    book = CueBook(score(), rules({"when": {"note": 72, "every": True}}))
    book.take(cue())
    assert [heard(book, q, 72) for q in (1.0, 1.0, 2.0, 1.0)] == [["/r/0"], [], ["/r/0"], []]


def test_a_note_in_its_bar_only() -> None:
    book = CueBook(score(), rules({"when": {"note": "C5", "bar": "2", "every": True}}))
    book.take(cue())
    assert [heard(book, q, 72) for q in (3.9, 4.0, 7.9, 8.0, 12.5)] == [
        [], ["/r/0"], ["/r/0"], [], ["/r/0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "pitch"),
    [("C4", 60), ("c4", 60), ("B#3", 60), ("Cb4", 59), ("F##5", 79), ("Bbb2", 45), ("A♭3", 56),
     ("F♯3", 54), ("C-1", 0), ("G9", 127), ("0", 0), (127, 127)],
)  # fmt: skip
def test_names_of_notes(name: str | int, pitch: int) -> None:
    assert pitch_of(name) == pitch


@pytest.mark.parametrize(
    "name", ["", "H4", "C", "4", "C#", "C10", "Cb-1", "128", "-1", "C44", "ö4"]
)
def test_what_is_no_note(name: str) -> None:
    if name == "4":
        assert pitch_of(name) == 4
        return
    with pytest.raises(UsageError, match="note"):
        pitch_of(name)


def test_rules_as_they_stand_in_a_file() -> None:
    (rule,) = rules_from(
        [
            {
                "when": {"note": "C5"},
                "send": {
                    "to": "127.0.0.1:9000",
                    "address": "/lights/1",
                    "arguments": [1, 0.5, "red", True],
                },
            }
        ]
    )
    assert rule == Rule(
        Send("/lights/1", (1, 0.5, "red", True), ("127.0.0.1", 9000)), frozenset({72})
    )


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "when"),
        ({"when": {"note": "C5"}}, "send"),
        ({"when": {}, "send": {"address": "/a"}}, "a note, a chord or a bar"),
        ({"when": {"note": "C5", "chord": ["C4"]}, "send": {"address": "/a"}}, "a note, a chord"),
        ({"when": {"note": "X"}, "send": {"address": "/a"}}, "no note"),
        ({"when": {"bar": 1, "beat": 0}, "send": {"address": "/a"}}, "beat"),
        ({"when": {"bar": 1, "beat": "2"}, "send": {"address": "/a"}}, "beat"),
        ({"when": {"bar": 1, "baet": 2}, "send": {"address": "/a"}}, "'baet'"),
        ({"when": {"bar": 1}, "send": {"address": "lights"}}, "OSC address"),
        ({"when": {"bar": 1}, "send": {"address": "/a b"}}, "OSC address"),
        ({"when": {"bar": 1}, "send": {"address": "/a", "to": "host"}}, "host:port"),
        ({"when": {"bar": 1}, "send": {"address": "/a", "to": "host:70000"}}, "host:port"),
        ({"when": {"bar": 1}, "send": {"address": "/a", "arguments": [[1]]}}, "arguments"),
        ({"when": {"bar": 1}, "send": {"address": "/a", "arguments": "x"}}, "arguments"),
    ],
)
def test_wrong_rules_are_named(entry: dict[str, Any], why: str) -> None:
    good = {"when": {"bar": 1}, "send": {"address": "/a"}}
    with pytest.raises(UsageError, match=f"rule 2: .*{why}"):
        rules_from([good, entry])


def test_rules_of_a_piece(tmp_path: Path) -> None:
    text = '[[rules]]\nwhen = { bar = "2" }\nsend = { address = "/a" }\n'
    own = tmp_path / "mine.musicxml"
    own.write_text("x")
    assert piece_rules(str(own)) == ()
    (tmp_path / "mine.rules.toml").write_text(text)
    assert piece_rules(str(own)) == (Rule(Send("/a"), bar="2"),)
    folder = tmp_path / "pieces" / "etude"
    folder.mkdir(parents=True)
    (folder / "piece.toml").write_text('title = "Etude"\nfile = "score.mid"\n')
    assert piece_rules("etude", tmp_path / "pieces") == ()
    (folder / "rules.toml").write_text(text)
    assert piece_rules("etude", tmp_path / "pieces") == (Rule(Send("/a"), bar="2"),)
    assert piece_rules("nothing-like-it", tmp_path / "pieces") == ()
    for broken in ("[[rules]", "[[rules]]\n", "rules = 3\n", "other = 1\n"):
        (folder / "rules.toml").write_text(broken)
        with pytest.raises(BadInputError, match=r"rules\.toml"):
            piece_rules("etude", tmp_path / "pieces")


# ---- sending -------------------------------------------------------------------------------------


class Lights:
    """A sender on a virtual clock with one listener on a real socket."""

    def __init__(self, *quarters: float, given: tuple[Rule, ...] = ()) -> None:
        self.loop = VirtualLoop()
        self.udp = OscUdp("127.0.0.1")
        self.problems: list[tuple[int, str]] = []
        self.told: list[tuple[str, float]] = []
        self.sender = CueSender(
            given,
            [f"127.0.0.1:{self.udp.port}"],
            later=self.loop.later,
            problem=lambda code, text: self.problems.append((code, text)),
            broadcast=self.broadcast,
            monotonic=self.loop.monotonic,
            wall=self.loop.wall,
        )
        self.sender.open()
        self.sender.load(score(*quarters))

    def broadcast(self, address: str, arguments: object, at_s: float) -> None:
        self.told.append((address, round(at_s - UNIX_S, 6)))

    def received(self) -> list[tuple[float, str, tuple[OscArgument, ...]]]:
        found = []
        while (got := self.udp.receive()) is not None:
            for due_s, message in decode(got[0]):
                found.append((round(due_s - UNIX_S, 3), message.address, message.arguments))
        return found

    def close(self) -> None:
        self.sender.close()
        self.udp.close()


def test_a_cue_is_sent_when_it_is_to_sound_and_dated_so() -> None:
    lights = Lights(0.0, 1.0, 4.0)
    # take time 0 is 100 s of the machine's clock; 0.05 s from sending to sounding
    lights.loop.run_until(99.9)
    lights.sender.take(cue(), 100.0, 0.05)
    lights.loop.run_until(100.04)
    assert lights.received() == []
    lights.loop.run_until(100.06)
    assert lights.received() == [(100.05, "/at/0", ())]
    lights.loop.run_until(100.56)
    assert lights.received() == [(100.55, "/at/1", ())]
    lights.sender.take(cue(0.6, 1.2, rate=1.0), 100.0, 0.05)  # slower: 4.0 comes at 3.4
    lights.loop.run_until(103.44)
    assert lights.received() == []
    lights.loop.run_until(103.46)
    assert lights.received() == [(103.45, "/at/4", ())]
    assert lights.told == [("/at/0", 100.05), ("/at/1", 100.55), ("/at/4", 103.45)]
    assert (lights.problems, lights.loop.pending) == ([], 0)
    lights.close()


def test_a_late_cue_is_dated_now() -> None:
    lights = Lights(1.0)
    lights.loop.run_until(10.0)
    lights.sender.take(cue(), 0.0)
    lights.loop.run_until(10.0)
    assert lights.received() == [(10.0, "/at/1", ())]
    lights.close()


def test_a_rule_of_a_note_goes_to_its_own_receiver_at_once() -> None:
    other = OscUdp("127.0.0.1")
    given = rules_from(
        [
            {
                "when": {"note": "C5"},
                "send": {
                    "to": f"127.0.0.1:{other.port}",
                    "address": "/go",
                    "arguments": [1, 0.5, "x", False],
                },
            }
        ]
    )
    lights = Lights(given=given)
    lights.sender.take(cue(), 0.0)
    lights.sender.reported(Reported(1.0, 2.0, (72,)))
    got = other.receive()
    assert got is not None
    ((_, message),) = decode(got[0])
    assert (message.address, message.arguments) == ("/go", (1, 0.5, "x", False))
    assert lights.received() == []
    assert lights.told == []
    other.close()
    lights.close()


def test_nothing_goes_out_between_pieces() -> None:
    lights = Lights(0.0)
    lights.sender.take(cue(), 0.0)
    lights.sender.load(None)
    lights.sender.take(cue(), 0.0)
    lights.sender.reported(Reported(1.0, 2.0, (72,)))
    lights.loop.run_until(10.0)
    assert lights.received() == []
    lights.sender.load(score(2.0))
    lights.sender.take(cue(10.0, 0.0), 0.0)
    lights.loop.run_until(11.0)
    assert [address for _, address, _ in lights.received()] == ["/at/2"]
    lights.close()


def test_who_cannot_be_reached_is_told_once() -> None:
    loop = VirtualLoop()
    problems: list[tuple[int, str]] = []
    sender = CueSender(
        (),
        ["no-such-host.invalid:9000"],
        later=loop.later,
        problem=lambda code, text: problems.append((code, text)),
    )
    sender.open()
    sender.load(score(0.0, 1.0))
    sender.take(cue(), 0.0)
    loop.run_until(10.0)
    sender.close()
    sender.close()
    assert [code for code, _ in problems] == [503]
    with pytest.raises(UsageError, match="host:port"):
        CueSender((), ["9000"], later=loop.later, problem=lambda code, text: None)
