"""Switching between recordings of a piece at the same musical place."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from accompanist.app.cli import main
from accompanist.app.comparing.kept import AlignmentCache, Known, contents_key
from accompanist.app.comparing.offline import Turn, take_turns, write_turns
from accompanist.app.comparing.places import SharedPlaces
from accompanist.app.comparing.prepare import Comparison, matched_gains
from accompanist.app.comparing.run import Stage
from accompanist.app.comparing.screen import picture
from accompanist.app.comparing.switcher import CHANNELS, FADE_S, Switcher
from accompanist.recordings.aligning.warping import Stretch, TimeMap
from accompanist.recordings.sound import ArraySound
from bridges.audio_files import write_wav

Samples = npt.NDArray[np.float32]
RATE = 1000
HALF_TEMPO = TimeMap((Stretch(np.array([1.0, 9.0]), np.array([2.0, 18.0])),))


def places() -> SharedPlaces:
    """The second recording is half as fast, and has the first's seconds 1 to 9."""
    return SharedPlaces([None, HALF_TEMPO])


def clocks() -> list[ArraySound]:
    """Recordings whose samples say which it is (sign) and where one is (thousandths)."""
    first = (np.arange(10 * RATE) / 20_000).astype(np.float32)
    second = (-np.arange(20 * RATE) / 40_000).astype(np.float32)
    return [ArraySound(first, RATE), ArraySound(second, RATE)]


def switcher(start_s: float = 0.0) -> Switcher:
    return Switcher(clocks(), [1.0, 1.0], places(), start_s=start_s)


def test_places_are_carried_both_ways_and_to_where_there_is_none() -> None:
    shared = SharedPlaces([None, HALF_TEMPO, TimeMap((Stretch(np.r_[4.0, 6.0], np.r_[0.0, 2.0]),))])
    assert shared.carry(0, 5.0, 1) == 10.0
    assert shared.carry(1, 10.0, 0) == 5.0
    assert shared.carry(1, 10.0, 2) == 1.0
    assert shared.carry(2, 1.0, 2) == 1.0
    assert shared.carry(0, 0.5, 1) is None
    assert shared.carry(1, 1.0, 2) is None
    assert shared.from_axis(0, -1.0) is None


def test_the_music_goes_on_at_the_same_place_with_a_cross_fade() -> None:
    mixer = switcher(4.0)
    fade = round(FADE_S * RATE)
    before = mixer.render(1000)
    assert before[fade:, 0] == pytest.approx(np.arange(4000 + fade, 5000) / 20_000, abs=1e-6)
    assert mixer.switch(1)
    assert (mixer.index, mixer.place_s, mixer.axis_s) == (1, 10.0, 5.0)
    after = mixer.render(1000)
    assert after[fade:, 0] == pytest.approx(-np.arange(10_000 + fade, 11_000) / 40_000, abs=1e-6)
    shares = np.arange(1, fade + 1) / fade
    rising, falling = np.sin(0.5 * np.pi * shares), np.sin(0.5 * np.pi * (1 - shares))
    mixed = falling * np.arange(5000, 5000 + fade) / 20_000
    mixed -= rising * np.arange(10_000, 10_000 + fade) / 40_000
    assert after[:fade, 1] == pytest.approx(mixed, abs=1e-6)
    jumps = np.abs(np.diff(np.concatenate((before[-5:, 0], after[:, 0]))))
    assert jumps.max() < 0.03
    assert mixer.switch(1)
    assert not mixer.switch(7)


def test_a_place_that_is_not_there_leaves_what_sounds() -> None:
    mixer = switcher(0.2)
    mixer.render(100)
    assert not mixer.switch(1)
    assert mixer.index == 0
    assert mixer.place_s == pytest.approx(0.3)


def test_pause_seek_and_end() -> None:
    mixer = switcher(2.0)
    mixer.render(500)
    mixer.pause(True)
    fading = mixer.render(200)
    assert fading[round(FADE_S * RATE) :].max() == 0.0
    assert mixer.place_s == 2.5
    mixer.pause(False)
    assert mixer.render(500)[-1, 0] == pytest.approx(2.999 / 20, abs=1e-6)
    mixer.seek(-100.0)
    assert mixer.place_s == 0.0
    mixer.seek(100.0)
    assert mixer.ended
    assert np.abs(mixer.render(300)[100:]).max() == 0.0


@given(
    st.lists(
        st.tuples(st.sampled_from(("switch", "seek", "pause")), st.integers(0, 3)), max_size=12
    ),
    st.lists(st.integers(1, 400), min_size=12, max_size=12),
)
@settings(max_examples=30, deadline=None)
def test_no_click_and_no_overflow_whatever_is_done(
    deeds: list[tuple[str, int]], counts: list[int]
) -> None:
    mixer = switcher(3.0)
    out = [mixer.render(100)]
    for (deed, value), count in zip(deeds, counts, strict=False):
        if deed == "switch":
            mixer.switch(value)
        elif deed == "seek":
            mixer.seek(value - 1.5)
        else:
            mixer.pause(not mixer.paused)
        out.append(mixer.render(count))
    heard = np.concatenate([np.zeros((1, CHANNELS)), *out])
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    # Every fade lasts 40 samples here; a dozen may run at once.
    assert np.abs(np.diff(heard[:, 0])).max() < 0.05 * (1 + len(deeds))


def test_loudness_is_matched_without_clipping() -> None:
    assert matched_gains([(-30.0, 0.1), (-20.0, 1.0)]) == pytest.approx([10**0.35, 10**-0.15])
    assert matched_gains([(-40.0, 0.98), (-20.0, 0.5)])[0] == pytest.approx(1.0)
    assert matched_gains([(-70.0, 0.0), (-20.0, 0.5)]) == pytest.approx([1.0, 10**-0.15])


def test_recordings_take_turns(tmp_path: Path) -> None:
    turns: list[Turn] = []
    blocks = list(take_turns(switcher(), 2.0, turns))
    assert sum(len(block) for block in blocks) >= 10 * RATE
    told = [(t.time_s, t.index, round(t.place_s, 6)) for t in turns]
    # 2 s of the first, 2 s of the second (one second of music), …
    assert told[:4] == [(0.0, 0, 0.0), (2.0, 1, 4.0), (4.0, 0, 3.0), (6.0, 1, 10.0)]
    out = tmp_path / "turns.wav"
    assert write_turns(switcher(), 2.0, out)[1] == turns[1]
    with soundfile.SoundFile(out) as file:
        assert (file.samplerate, file.channels) == (RATE, CHANNELS)
        assert file.frames == sum(len(block) for block in blocks)
    assert [p.name for p in tmp_path.iterdir()] == ["turns.wav"]


class FakeOutput:
    """Takes frames when it is told to."""

    def __init__(self) -> None:
        self.sample_rate = RATE
        self.gone = ""
        self.taken = 0
        self.written = 0
        self.heard: list[npt.NDArray[np.float32]] = []

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        self.heard.append(samples)
        self.written += len(samples)


def test_keys_switch_stop_and_leave() -> None:
    mixer, output = switcher(4.0), FakeOutput()
    comparison = Comparison(("quick", "slow"), mixer, places(), None, None, None)
    stage = Stage(comparison, output)
    stage.step(iter(()))
    ahead = output.written
    assert 0.05 * RATE < ahead < 0.3 * RATE
    output.taken = 500
    stage.step(iter("2"))
    assert output.written == 500 + ahead
    assert mixer.index == 1
    stage.step(iter(["\t"]))
    assert mixer.index == 0
    stage.step(iter([" ", "\x1b[C", "?"]))
    assert mixer.paused
    assert mixer.place_s == pytest.approx(9.0, abs=0.6)
    mixer.seek(0.9)
    stage.step(iter("2"))
    assert stage.message == "slow has not got this place"
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(picture(comparison, None, stage.message, True))
    shown = console.export_text()
    assert "quick" in shown
    assert "slow has not got this place" in shown
    assert not stage.over
    stage.step(iter("q"))
    assert stage.over


def test_it_is_over_when_the_recording_is_or_the_output_has_gone() -> None:
    mixer, output = switcher(9.9), FakeOutput()
    stage = Stage(Comparison(("a", "b"), mixer, places(), None, None, None), output)
    for _ in range(30):
        output.taken += 50
        stage.step(iter(()))
    assert stage.over
    gone = Stage(Comparison(("a", "b"), switcher(), places(), None, None, None), FakeOutput())
    assert not gone.over


def test_by_itself_it_switches_every_so_often() -> None:
    mixer, output = switcher(4.0), FakeOutput()
    stage = Stage(Comparison(("a", "b"), mixer, places(), None, None, None), output, 0.5)
    seen = []
    for _ in range(40):
        output.taken += 50
        stage.step(iter(()))
        seen.append(mixer.index)
    assert {0, 1} == set(seen)


def test_alignments_are_kept_by_contents(tmp_path: Path) -> None:
    one, same, other = (tmp_path / n for n in ("one", "same", "other"))
    one.write_bytes(b"1")
    same.write_bytes(b"1")
    other.write_bytes(b"2")
    assert contents_key(one) == contents_key(same) != contents_key(other)
    cache = AlignmentCache(tmp_path / "cache")
    assert cache.get("a", "b") is None
    cache.put("a", "b", Known(HALF_TEMPO, -1))
    found = cache.get("a", "b")
    assert found is not None
    assert found.transposed == -1
    assert found.map.second_s([5.0]).tolist() == [10.0]
    assert cache.get("b", "a") is None
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(b"PK half a file")
    assert cache.get("a", "b") is None


def test_the_command_writes_turns_at_the_same_music(
    tmp_path: Path, play_tones: Callable[..., Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    melody = (60, 64, 67, 72, 71, 67, 65, 62, 69, 65, 60, 59, 62, 67, 74, 72, 64, 66, 67, 60)
    for name, note_s, rate in (("quick", 0.4, 16_000), ("slow", 0.7, 22_050)):
        notes = [(0.5 + note_s * i, 0.5 + note_s * (i + 1), p) for i, p in enumerate(melody)]
        write_wav(tmp_path / f"{name}.wav", play_tones(notes, rate), rate)
    out = tmp_path / "turns.wav"
    call = ["play", "--compare", str(tmp_path / "quick.wav"), str(tmp_path / "slow.wav")]
    call += ["--out", str(out), "--switch-every", "3"]
    for _ in range(2):  # the second time from what was kept
        result = CliRunner().invoke(main, call)
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert lines[0].split() == ["0:00", "quick", "from", "0:00"]
        # 3 s of the quick one are 6.25 notes: 4.875 s of the slow one
        assert lines[1].split() == ["0:03", "slow", "from", "0:04"]
        assert lines[-1] == f"written to {out}"
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 1
    with soundfile.SoundFile(out) as file:
        assert (file.samplerate, file.channels) == (16_000, 2)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--compare", "a.wav"], 2, "two to 9 recordings"),
        (["--compare", "a.wav", "b.wav", "--tap"], 2, "--tap means nothing with --compare"),
        (["a.mid", "b.mid"], 2, "one PIECE at a time"),
        (["a.mid", "--switch-every", "3"], 2, "--switch-every goes with --compare"),
        (["--compare", "a.wav", "b.wav", "--out", "x.wav"], 3, "a.wav"),
    ],
)
def test_wrong_words_are_told(words: list[str], code: int, text: str) -> None:
    result = CliRunner().invoke(main, ["play", *words])
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
