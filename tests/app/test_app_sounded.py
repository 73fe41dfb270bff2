"""What is sounded in one process is heard of in another: in time, evenly, whoever dies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.app.processes.board import Board
from accompanist.app.sounded.beside import EnsembleSound
from accompanist.app.sounded.reading import BEHIND_S, FRESH_S, SoundedReader
from accompanist.app.sounded.rings import END, RECORDING, SYNTH, shared_sound
from accompanist.app.sounded.writing import SoundedWriter
from bridges.shared_sound import CAPACITY

FloatArray = npt.NDArray[np.float32]

RATE = 48_000
BLOCK, HOP = 256, 240
BEGAN_S = 1000.0
BEHIND = round(BEHIND_S * RATE)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    Board.create(tmp_path / "board").close()
    return tmp_path / "board"


def noise(count: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 0.1, count).astype(np.float32)


class Card:
    """A sound card that is handed blocks, a little ahead, by a clock of its own."""

    def __init__(
        self,
        board: Path,
        sound: FloatArray,
        *,
        source: str = RECORDING,
        rate: int = RATE,
        began_s: float = BEGAN_S,
        fast: float = 0.0,
        block: int = BLOCK,
    ) -> None:
        self.sound = sound
        self.rate, self.began_s, self.block = rate, began_s, block
        self.true_rate = rate * (1.0 + fast)
        self.frame = 0
        self.writer = SoundedWriter(shared_sound(board, source))
        self.writer.begin(rate)

    def run(self, until_s: float) -> None:
        """Hand over everything due, and two blocks more."""
        while self.began_s + (self.frame - 2 * self.block) / self.true_rate < until_s:
            mono = self.sound[self.frame : self.frame + self.block]
            if not len(mono):
                return
            at_s = self.began_s + self.frame / self.true_rate
            self.writer.write(self.frame, np.repeat(mono[:, None], 2, axis=1), at_s)
            self.frame += len(mono)


def heard(
    reader: SoundedReader, card: Card, seconds: float, *, rate: int = RATE, start_s: float = BEGAN_S
) -> FloatArray:
    """Read hop by hop while the card plays; a hop of which nothing is known is silent."""
    hops = []
    for hop in range(int(seconds * rate / HOP)):
        at_s = start_s + hop * HOP / rate
        card.run(at_s + HOP / rate)
        found = reader.read(at_s, HOP)
        hops.append(np.zeros(HOP, dtype=np.float32) if found is None else found)
    return np.concatenate(hops)


def test_what_is_sounded_is_read_to_the_sample_round_the_ring_and_round_again(board: Path) -> None:
    sound = noise(2 * CAPACITY + 1000)
    card = Card(board, sound)
    got = heard(SoundedReader(shared_sound(board, RECORDING), RATE), card, 2.0 * CAPACITY / RATE)
    assert len(got) > 1.9 * CAPACITY
    np.testing.assert_allclose(got[BEHIND:], sound[: len(got) - BEHIND], atol=1e-4)
    assert np.abs(got[:BEHIND]).max() < 1e-4


@settings(max_examples=8, deadline=None)
@given(
    block=st.integers(16, 4096),
    ahead=st.integers(0, 2000),
    skipped=st.integers(0, 5000),
)
def test_blocks_of_any_size_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, block: int, ahead: int, skipped: int
) -> None:
    path = tmp_path_factory.mktemp("sounded") / "board"
    Board.create(path).close()
    sound = noise(2 * CAPACITY)
    sound[:skipped] = 0.0
    card = Card(path, sound, block=block)
    card.frame = skipped  # frames left out are silent, whatever stood there
    card.run(BEGAN_S + (skipped + ahead) / RATE)
    got = heard(SoundedReader(shared_sound(path, RECORDING), RATE), card, 0.5)
    whole = np.concatenate((np.zeros(BEHIND, dtype=np.float32), sound))
    np.testing.assert_allclose(got, whole[: len(got)], atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_another_rate_is_brought_to_that_of_the_microphone(board: Path, rate: int) -> None:
    n = np.arange(4 * RATE)
    sound = np.sin(2 * np.pi * 1000.0 * n / RATE).astype(np.float32)
    card = Card(board, sound)
    reader = SoundedReader(shared_sound(board, RECORDING), rate)
    got = heard(reader, card, 2.0, rate=rate)
    at_s = np.arange(len(got)) / rate - BEHIND / RATE
    wanted = np.sin(2 * np.pi * 1000.0 * at_s)
    settled = slice(rate // 2, None)
    assert np.sqrt(np.mean((got - wanted)[settled] ** 2)) < 2e-3


def test_what_the_microphone_cannot_hear_of_it_is_left_out(board: Path) -> None:
    n = np.arange(2 * RATE)
    card = Card(board, np.sin(2 * np.pi * 6000.0 * n / RATE).astype(np.float32))
    got = heard(SoundedReader(shared_sound(board, RECORDING), 8_000), card, 1.0, rate=8_000)
    assert np.abs(got[4000:]).max() < 0.01


@pytest.mark.parametrize("fast", [2e-5, -1e-4])
def test_a_card_with_a_clock_of_its_own_is_kept_up_with_evenly(board: Path, fast: float) -> None:
    seconds = 30.0
    n = np.arange(int((seconds + 1) * RATE))
    pitch_hz = 400.0
    card = Card(board, np.sin(2 * np.pi * pitch_hz * n / RATE).astype(np.float32), fast=fast)
    reader = SoundedReader(shared_sound(board, RECORDING), RATE)
    generator = np.random.default_rng(3)
    errors_s = []
    for hop in range(int(seconds * RATE / HOP)):
        at_s = BEGAN_S + hop * HOP / RATE
        card.run(at_s + HOP / RATE)
        # The hearing side's own clock is known to some ten microseconds.
        reader.read(at_s + generator.uniform(-2e-5, 2e-5), HOP)
        assert reader._at is not None
        truth = (at_s + HOP / RATE - BEHIND_S - BEGAN_S) * card.true_rate
        errors_s.append((reader._at - truth) / RATE)
    late = np.array(errors_s[len(errors_s) // 2 :])
    assert np.abs(late).max() < 1e-4
    assert np.abs(np.diff(late)).max() < 2e-7
    assert reader._drift == pytest.approx(fast, abs=5e-6)


def test_one_that_jumps_is_read_where_it_is(board: Path) -> None:
    sound = noise(4 * RATE)
    card = Card(board, sound)
    reader = SoundedReader(shared_sound(board, RECORDING), RATE)
    heard(reader, card, 1.0)
    moved_s = 0.25  # the take goes on later by so much: we were suspended
    got = heard(reader, card, 1.0, start_s=BEGAN_S + 1.0 + moved_s)
    first = round((1.0 + moved_s) * RATE) - BEHIND
    np.testing.assert_allclose(got, sound[first : first + len(got)], atol=1e-4)


def test_a_writer_that_is_killed_falls_silent_and_the_next_one_is_heard(board: Path) -> None:
    sound = noise(RATE)
    card = Card(board, sound)
    reader = SoundedReader(shared_sound(board, RECORDING), RATE)
    heard(reader, card, 0.5)
    written = card.frame  # it dies here; its memory stays as it is
    del card
    left = BEGAN_S + (written + BEHIND) / RATE
    tail = reader.read(left, HOP)
    assert tail is not None
    assert np.abs(tail).max() < 1e-6
    assert reader.read(left + FRESH_S + 0.1, HOP) is None
    heir = Card(board, noise(RATE, 2), rate=44_100, began_s=BEGAN_S + 2.0)
    got = heard(reader, heir, 0.5, start_s=BEGAN_S + 2.0)
    assert np.sqrt(np.mean(got[RATE // 10 :] ** 2)) == pytest.approx(0.1, rel=0.15)


def test_a_reader_that_comes_late_hears_what_sounds_now(board: Path) -> None:
    sound = noise(3 * RATE)
    card = Card(board, sound)
    card.run(BEGAN_S + 2.0)
    got = heard(
        SoundedReader(shared_sound(board, RECORDING), RATE), card, 0.5, start_s=BEGAN_S + 2.0
    )
    first = 2 * RATE - BEHIND
    np.testing.assert_allclose(got, sound[first : first + len(got)], atol=1e-4)


def test_a_reader_that_lags_behind_hears_what_sounded_then(board: Path) -> None:
    sound = noise(3 * RATE)
    card = Card(board, sound)
    reader = SoundedReader(shared_sound(board, RECORDING), RATE)
    heard(reader, card, 1.0)
    card.run(BEGAN_S + 2.0)  # a busy machine: it has been heard a second too late
    got = [reader.read(BEGAN_S + 1.0 + hop * HOP / RATE, HOP) for hop in range(10)]
    first = RATE - BEHIND
    whole = np.concatenate([hop for hop in got if hop is not None])
    assert len(whole) == 10 * HOP
    np.testing.assert_allclose(whole, sound[first : first + len(whole)], atol=1e-4)


def test_nothing_is_known_where_nobody_sounds_and_all_that_sounds_is_summed(board: Path) -> None:
    beside = EnsembleSound(board, RATE)
    beside.shift(BEGAN_S)
    got = [beside(0.0, HOP)]
    one, two = noise(RATE, 4), noise(RATE, 5)
    cards = (Card(board, one, source=SYNTH), Card(board, two))
    for hop in range(50):
        for card in cards:
            card.run(BEGAN_S + (hop + 1) * HOP / RATE)
        got.append(beside(hop * HOP / RATE, HOP))
    assert got[0] is None
    last = got[-1]
    assert last is not None
    assert beside.known
    first = 49 * HOP - BEHIND
    np.testing.assert_allclose(last, (one + two)[first : first + HOP], atol=1e-4)


def test_no_number_is_not_passed_on(board: Path) -> None:
    sound = noise(RATE)
    sound[5000:5100] = np.nan
    got = heard(SoundedReader(shared_sound(board, RECORDING), RATE), Card(board, sound), 0.5)
    assert np.isfinite(got).all()


def test_it_lies_in_the_boards_own_file_and_goes_with_it(board: Path) -> None:
    assert board.stat().st_size == END
    card = Card(board, noise(RATE))
    card.run(BEGAN_S + 0.5)
    assert [p.name for p in sorted(board.parent.iterdir())] == ["board", "wake"]
    Board.create(board).close()  # whoever comes after a crash wipes it
    assert not any(shared_sound(board, RECORDING).words[:8])
    short = board.with_name("short")
    short.write_bytes(b"x")
    with pytest.raises(ValueError, match="not a board"):
        shared_sound(short, SYNTH)


def test_two_readers_hear_the_same(board: Path) -> None:
    sound = noise(RATE)
    card = Card(board, sound)
    readers = [SoundedReader(shared_sound(board, RECORDING), RATE) for _ in range(2)]
    for hop in range(100):
        card.run(BEGAN_S + (hop + 1) * HOP / RATE)
        first, second = (r.read(BEGAN_S + hop * HOP / RATE, HOP) for r in readers)
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            np.testing.assert_array_equal(first, second)
