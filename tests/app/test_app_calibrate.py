"""The round trip is found to a fraction of a sample, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.machine import calibrate, latencies
from accompanist.app.machine.calibrate import Found, find_round_trip, make_probe
from accompanist.app.machine.latencies import RoundTrip
from accompanist.errors import DeviceError

FloatArray = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]
RATE = 48_000


def delayed(samples: Samples, delay: float) -> FloatArray:
    """Delay by a fraction of samples, by a phase: exact for a band-limited signal."""
    size = 1 << (len(samples) + 4096).bit_length()
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delay)
    out = np.fft.irfft(np.fft.rfft(samples.astype(np.float64), size) * turn, size)
    return out[: len(samples)]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("delay", [0.0, 256.0, 511.3, 2048.71, 20_000.5])
def test_a_clean_loop_is_exact(rate: int, delay: float) -> None:
    probe = make_probe(rate)
    found = find_round_trip(probe, delayed(probe.samples, delay).astype(np.float32))
    assert found.round_trip_s * rate == pytest.approx(delay, abs=0.01)
    assert found.spread_s * rate < 0.01
    assert (found.heard, found.repetitions, found.clipped) == (5, 5, False)


@pytest.mark.parametrize("seed", range(4))
def test_louder_noise_than_signal_does_not_hide_it(seed: int) -> None:
    probe, noise = make_probe(RATE), np.random.default_rng(seed)
    heard = -0.02 * delayed(probe.samples, 900.25)  # turned over and 34 dB weaker
    signal_rms = np.sqrt(np.mean(heard[probe.starts[0] : probe.starts[0] + len(probe.burst)] ** 2))
    heard = heard + 4.0 * signal_rms * noise.standard_normal(len(heard))
    found = find_round_trip(probe, heard.astype(np.float32))
    assert found.round_trip_s * RATE == pytest.approx(900.25, abs=0.5)


def test_the_direct_sound_counts_and_not_a_louder_reflection() -> None:
    probe = make_probe(RATE)
    heard = 0.1 * delayed(probe.samples, 700.0) + 0.12 * delayed(probe.samples, 830.0)
    found = find_round_trip(probe, heard.astype(np.float32))
    assert found.round_trip_s * RATE == pytest.approx(700.0, abs=0.5)


def test_repetitions_that_wander_are_told_in_the_spread() -> None:
    probe = make_probe(RATE)
    heard = np.zeros(len(probe.samples))
    for i, start in enumerate(probe.starts):
        at = start + 500 + 3 * i
        heard[at : at + len(probe.burst)] += 0.1 * probe.burst
    found = find_round_trip(probe, heard.astype(np.float32))
    assert found.spread_s * RATE == pytest.approx(12.0, abs=0.05)
    assert found.round_trip_s * RATE == pytest.approx(506.0, abs=0.05)


def test_a_clipping_input_is_told() -> None:
    probe = make_probe(RATE)
    heard = np.clip(12.0 * delayed(probe.samples, 300.0), -1.0, 1.0)
    found = find_round_trip(probe, heard.astype(np.float32))
    assert found.clipped
    assert found.round_trip_s * RATE == pytest.approx(300.0, abs=0.5)


@pytest.mark.parametrize("seed", range(6))
def test_noise_alone_is_no_loop(seed: int) -> None:
    probe = make_probe(RATE)
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(probe.samples))
    with pytest.raises(DeviceError, match="not what went out; connect the output"):
        find_round_trip(probe, noise.astype(np.float32))


def test_music_alone_is_no_loop() -> None:
    probe = make_probe(RATE)
    t = np.arange(len(probe.samples)) / RATE
    music = sum(0.1 * np.sin(2 * np.pi * hz * t) * (np.sin(3 * t) > 0) for hz in (220, 277, 330))
    with pytest.raises(DeviceError, match="connect the output"):
        find_round_trip(probe, np.asarray(music, dtype=np.float32))


def test_silence_is_no_loop() -> None:
    probe = make_probe(RATE)
    with pytest.raises(DeviceError, match="stayed silent; connect the output with the input"):
        find_round_trip(probe, np.zeros(len(probe.samples), dtype=np.float32))


def test_a_loop_that_jumps_about_is_refused() -> None:
    probe = make_probe(RATE)
    heard = np.zeros(len(probe.samples))
    for i, start in enumerate(probe.starts):
        at = start + 500 + 900 * i
        heard[at : at + len(probe.burst)] += 0.1 * probe.burst
    with pytest.raises(DeviceError, match="only 1 times of 5"):
        find_round_trip(probe, heard.astype(np.float32))


def test_values_that_are_no_numbers_are_silence() -> None:
    probe = make_probe(RATE)
    heard = delayed(probe.samples, 256.0).astype(np.float32)
    heard[:100] = np.nan
    assert find_round_trip(probe, heard).round_trip_s * RATE == pytest.approx(256.0, abs=0.05)


def test_the_probe_is_bearable() -> None:
    probe = make_probe(RATE, level=0.25)
    assert np.max(np.abs(probe.samples)) == pytest.approx(0.25)
    assert len(probe.samples) / RATE < 8.0
    assert not np.any(probe.samples[: probe.starts[0]])


TRIP = RoundTrip("in", "out", RATE, 256, 0.0125, 0.0, 0.005, 0.0075, "2020-01-01T00:00:00+00:00")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "latency.json"
    monkeypatch.setattr(latencies, "latency_file", lambda: file)
    return file


def test_the_command_measures_and_keeps(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Found(0.0125, 0.0, 5, 5, 40.0, clipped=True)
    monkeypatch.setattr(calibrate, "measure_round_trip", lambda *_, **__: (TRIP, found))
    result = CliRunner().invoke(main, ["calibrate", "--json", "--no-keep"])
    assert json.loads(result.output)["round_trip"]["round_trip_s"] == 0.0125
    assert not state.exists()
    result = CliRunner().invoke(main, ["calibrate"])
    assert result.exit_code == 0
    assert "12.50 ms (600.0 samples at 48000 Hz" in result.output
    assert "the input clips" in result.output
    assert latencies.known_latency("in", "out") == TRIP
    shown = CliRunner().invoke(main, ["calibrate", "--show"])
    assert "out → in: 12.50 ms" in shown.output
    listed = json.loads(CliRunner().invoke(main, ["calibrate", "--show", "--json"]).output)
    assert listed["round_trips"][0]["input"] == "in"
    assert "1 forgotten" in CliRunner().invoke(main, ["calibrate", "--forget"]).output
    assert "nothing measured yet" in CliRunner().invoke(main, ["calibrate", "--show"]).output
    assert CliRunner().invoke(main, ["calibrate", "--show", "--forget"]).exit_code == 2


def test_no_loop_is_one_line_and_exit_code_4(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> tuple[RoundTrip, Found]:
        raise DeviceError("the input stayed silent; connect it")

    monkeypatch.setattr(calibrate, "measure_round_trip", refuse)
    result = CliRunner().invoke(main, ["calibrate"])
    assert result.exit_code == 4
    assert not state.exists()
