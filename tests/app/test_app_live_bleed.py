"""The ensemble's own sound is taken out of the microphone live, by what was really put down."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import resample_poly

from accompanist.app.engine.feeds import AudioFeed
from accompanist.app.engine.live import LiveEngine
from accompanist.app.processes.board import Board
from accompanist.app.sounded.beside import EnsembleSound
from accompanist.app.sounded.rings import RECORDING, shared_sound
from accompanist.app.sounded.writing import SoundedWriter
from accompanist.conducting.conductor import Conductor
from accompanist.followers.protocol import Estimate, FollowerState, Heard
from accompanist.performing.cue import Cue
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, hop_samples
from bridges.audio_ring import Block

FloatArray = npt.NDArray[np.float32]

RATE, CARD_RATE = 16_000, 48_000
HOP = hop_samples(RATE)
BEGAN_S = 500.0
SECONDS = 6.0
WAY_S = 0.08


class Listener:
    """Keeps what it hears."""

    latency_s = 0.0

    def __init__(self) -> None:
        self.heard: list[FloatArray] = []

    def feed(self, heard: Heard) -> Estimate:
        self.heard.append(heard.samples.copy())
        return Estimate(heard.time_s, 0.0, 2.0, 1.0, FollowerState.ARMED)

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        pass


class Knowing(Listener):
    """One that takes it out by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[int, FloatArray] = {}

    def ensemble_sound(self, samples: FloatArray) -> None:
        self.told[len(self.heard)] = samples


class Microphone:
    """Hears what the loudspeaker plays, `WAY_S` later, by a clock in which nobody waits."""

    sample_rate = RATE
    name = "microphone"
    latency_s = 0.0
    xruns = lost_samples = 0
    ended = False

    def __init__(self, sound: FloatArray, writer: SoundedWriter, dies_s: float = np.inf) -> None:
        coming = resample_poly(sound.astype(np.float64), RATE, CARD_RATE)
        late = np.zeros(round(WAY_S * RATE))
        self.hears = np.concatenate((late, coming)).astype(np.float32) * np.float32(0.5)
        self._sound, self._writer, self._dies_s = sound, writer, dies_s
        self._frame = self._done = 0
        writer.begin(CARD_RATE)

    def start(self) -> None:
        pass

    def read(self, timeout_s: float) -> Block:
        block = self.hears[self._done : self._done + 128]
        if len(block) < 128:
            self.ended = True
            return Block(np.zeros(0, dtype=np.float32), self._done, float("nan"))
        self._done += len(block)
        now_s = self._done / RATE
        while self._frame / CARD_RATE < min(now_s + 0.016, self._dies_s):
            sound = self._sound[self._frame : self._frame + 256]
            if not len(sound):
                break
            stereo = np.stack((2.0 * sound, np.zeros_like(sound)), axis=1)
            self._writer.write(self._frame, stereo, BEGAN_S + self._frame / CARD_RATE)
            self._frame += len(sound)
        return Block(block, self._done, BEGAN_S + now_s)

    def close(self) -> None:
        pass


class Nobody:
    def publish(self, cue: Cue, offset_s: float) -> None:
        pass


@pytest.fixture
def board(tmp_path: Path) -> Path:
    Board.create(tmp_path / "board").close()
    return tmp_path / "board"


def noise(seconds: float = SECONDS) -> FloatArray:
    count = int(seconds * CARD_RATE)
    return np.random.default_rng(2).normal(0.0, 0.1, count).astype(np.float32)


def listen(
    board: Path, follower: Listener, *, known: bool = True, dies_s: float = np.inf
) -> tuple[FloatArray, EnsembleSound]:
    """Play a take to its end; give what the microphone heard, and what was known."""
    part = Part(1, "Flute", tuple(Note(float(i), 1.0, 72 + i) for i in range(8)))
    score = Score("Solo", (part,), (Measure(0.0, 8.0, "1"),))
    line, tempo = solo_line(part), written_tempo(score)
    beside = EnsembleSound(board, RATE)
    session = Session(
        follower=follower,
        conductor=Conductor(score, line, tempo),
        sounding=beside if known else None,
        sample_rate=RATE,
        hop=HOP,
    )
    microphone = Microphone(noise(), SoundedWriter(shared_sound(board, RECORDING)), dies_s)
    feed = AudioFeed(microphone, ends=True)
    with LiveEngine(feed, Nobody(), session=session, beside=beside) as engine:
        pause = threading.Event()
        while engine.check():
            pause.wait(0.01)
    return microphone.hears, beside


def loudness_db(sound: FloatArray) -> float:
    return 10.0 * float(np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-20))


def test_what_sounds_is_told_in_the_hop_in_which_it_is_handed_over(board: Path) -> None:
    follower = Knowing()
    heard, beside = listen(board, follower)
    np.testing.assert_array_equal(
        np.concatenate(follower.heard), heard[: len(follower.heard) * HOP]
    )
    assert beside.known
    hops = sorted(follower.told)
    assert hops == list(range(hops[0], len(follower.heard)))
    told = np.concatenate([follower.told[hop] for hop in hops])
    coming = heard[hops[0] * HOP :][: len(told)] * 2.0
    lags = [
        float(np.corrcoef(told[: -RATE // 2], coming[lag : lag + len(told) - RATE // 2])[0, 1])
        for lag in range(RATE // 4)
    ]
    # 4 ms behind, so that nobody has to hurry.
    assert int(np.argmax(lags)) == round((WAY_S - 0.004) * RATE)
    assert max(lags) > 0.98


def test_the_microphone_is_rid_of_it(board: Path) -> None:
    plain, follower = Listener(), Listener()
    listen(board, plain, known=False)
    listen(board, follower)
    end = slice(-int(1.5 * RATE / HOP), None)
    before, after = (np.concatenate(each.heard[end]) for each in (plain, follower))
    assert loudness_db(after) < loudness_db(before) - 20.0


def test_it_is_left_alone_once_the_writer_has_died(board: Path) -> None:
    follower = Knowing()
    _, beside = listen(board, follower, dies_s=2.0)
    assert not beside.known
    assert max(follower.told) * HOP / RATE == pytest.approx(2.5, abs=0.1)
