"""The board: what one process publishes the other reads, whole or not at all."""

from __future__ import annotations

import select
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.app.processes import board as board_module
from accompanist.app.processes.board import MOST_KNOTS, MOST_PORTS, Board
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue

LINE = Timeline((1.0, 2.0), (0.0, 2.5), 2.0, 7.25)
CUE = Cue(
    1.5, LINE, "following", jumps=3, plays_from=4.0, playing=True, silences=2, fade=0.25,
    lean_db=-1.5,
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Board.create(tmp_path / "board").close()
    return tmp_path / "board"


def awake(board: Board) -> bool:
    return bool(select.select([board], [], [], 0.0)[0])


finite = st.floats(-1e6, 1e6)


@st.composite
def cues(draw: st.DrawFn) -> Cue:
    steps = draw(st.lists(st.tuples(st.floats(1e-3, 10), st.floats(1e-3, 10)), max_size=30))
    times, quarters = [draw(finite)], [draw(finite)]
    for time_step, quarter_step in steps:
        times.append(times[-1] + time_step)
        quarters.append(quarters[-1] + quarter_step)
    gate = draw(st.one_of(finite, st.sampled_from([float("inf"), float("-inf")])))
    line = Timeline(tuple(times), tuple(quarters), draw(st.floats(1e-3, 20)), gate)
    return Cue(
        time_s=draw(finite),
        timeline=line,
        state=draw(st.sampled_from(["idle", "following", "countin", "vamping"])),
        plays_from=draw(finite),
        playing=draw(st.booleans()),
        silences=draw(st.integers(0, 2**40)),
        fade=draw(st.floats(0.0, 1.0)),
        lean_db=draw(st.floats(-6.0, 6.0)),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cues(), finite), min_size=1, max_size=5))
def test_what_is_read_is_what_was_published_last(
    tmp_path_factory: pytest.TempPathFactory, published: list[tuple[Cue, float]]
) -> None:
    place = tmp_path_factory.mktemp("board") / "board"
    with Board.create(place) as writer, Board.open(place) as reader:
        for i, (drawn, offset_s) in enumerate(published):
            cue = replace(drawn, jumps=i)  # two of which only the time differs are one
            writer.publish(cue, offset_s)
            assert reader.read() == (cue, offset_s)


def test_there_is_nothing_before_the_first_cue(path: Path) -> None:
    with Board.open(path) as board:
        assert board.read() is None
        assert board.version == 0
        assert board.heartbeat_s == float("-inf")
        assert board.recall() == b""


def test_only_what_is_new_wakes(path: Path) -> None:
    with Board.open(path) as engine, Board.open(path) as performer:
        engine.publish(CUE, 100.0)
        assert performer.version == 1
        assert awake(performer)
        performer.calm()
        assert not awake(performer)
        beat_s = performer.heartbeat_s
        engine.publish(replace(CUE, time_s=1.6), 100.00001)
        assert performer.version == 1
        assert not awake(performer)
        assert performer.heartbeat_s > beat_s
        for changed, offset_s in (
            (replace(CUE, silences=3), 100.0),
            (CUE, 100.0),
            (CUE, 100.001),
            (replace(CUE, timeline=replace(LINE, gate_quarter=9.0)), 100.001),
        ):
            engine.publish(changed, offset_s)
            assert awake(performer)
            performer.calm()
        assert performer.version == 5


def test_a_half_written_cue_is_never_seen(path: Path) -> None:
    with Board.open(path) as engine, Board.open(path) as performer:
        engine.publish(CUE, 1.0)
        second = replace(CUE, state="holding")
        engine.publish(second, 2.0)
        own = len(performer._memory)
        whole = path.read_bytes()[:own]
        engine.publish(replace(CUE, state="lost"), 3.0)
        newest = path.read_bytes()[:own]
        places = [i for i in range(len(whole)) if whole[i] != newest[i]]
        slot = [i for i in places if i >= board_module._CUES_AT]
        for written in range(1, len(slot)):  # the writer has got so far, in whatever order
            for torn in (slot[:written], slot[-written:]):
                half = bytearray(whole)
                for i in torn:
                    half[i] = newest[i]
                performer._memory[:] = bytes(half)
                assert performer.read() == (second, 2.0), written
        performer._memory[:] = newest
        found = performer.read()
        assert found is not None
        assert found[0].state == "lost"


def test_a_writer_that_comes_later_goes_on_counting(path: Path) -> None:
    with Board.open(path) as first:
        first.publish(CUE, 1.0)
    with Board.open(path) as second, Board.open(path) as reader:
        second.publish(CUE, 2.0)
        assert reader.version == 2
        assert reader.read() == (CUE, 2.0)
        assert reader.read_version == 2


def test_of_a_long_timeline_the_present_and_what_comes_is_kept(path: Path) -> None:
    count = 3 * MOST_KNOTS
    line = Timeline(tuple(map(float, range(count))), tuple(0.5 * i for i in range(count)), 0.7)
    with Board.open(path) as board:
        board.publish(Cue(300.0, line, "following"), 0.0)
        found = board.read()
    assert found is not None
    kept = found[0].timeline
    assert len(kept.times_s) == MOST_KNOTS
    for time_s in (299.5, 300.0, 310.25, 500.0):
        assert kept.to_quarter(time_s) == line.to_quarter(time_s)


def test_keys_are_counted_at_each_port(path: Path) -> None:
    with Board.open(path) as performer, Board.open(path) as heir:
        table = performer.sounding
        for port, channel, pitch in ((0, 1, 60), (0, 1, 60), (0, 16, 127), (64, 10, 0)):
            table.struck(port, channel, pitch)
            table.used(port, channel)
        assert list(heir.sounding.keys(0)) == [(1, 60), (1, 60), (16, 127)]
        assert list(heir.sounding.keys(MOST_PORTS - 1)) == [(10, 0)]
        assert heir.sounding.channels(0) == (1, 16)
        table.released(0, 1, 60)
        table.released(0, 2, 5)
        assert list(heir.sounding.keys(0)) == [(1, 60), (16, 127)]
        table.clear(0)
        assert list(heir.sounding.keys(0)) == []
        assert heir.sounding.channels(0) == ()
        assert list(heir.sounding.keys(64)) == [(10, 0)]


def test_the_performer_shows_that_it_lives(path: Path) -> None:
    with Board.open(path) as performer, Board.open(path) as link:
        assert link.performer_beat_s == float("-inf")
        beats = []
        for _ in range(3):
            performer.beat()
            beats.append(link.performer_beat_s)
        assert beats == sorted(set(beats))
        assert link.heartbeat_s == float("-inf")  # the engine's is another


def test_a_few_words_are_remembered(path: Path) -> None:
    with Board.open(path) as performer, Board.open(path) as heir:
        performer.remember(b"one")
        performer.remember(b"another")
        assert heir.recall() == b"another"
        performer.remember(bytes(100_000))  # too long
        assert heir.recall() == b"another"


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board"
    path.write_bytes(b"x" * 10)
    with pytest.raises(ValueError, match="not a board"):
        Board.open(path)
    Board.create(path).close()
    size = path.stat().st_size
    path.write_bytes(bytes(size))
    with pytest.raises(ValueError, match="not a board"):
        Board.open(path)
