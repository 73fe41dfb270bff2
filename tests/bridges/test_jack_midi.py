"""Frames of JACK and monotonic time, without any server."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.jack_midi import FrameClock, OffsAgain

RATE, PERIOD = 48_000, 256
WRAP = 2**32


def run_cycles(
    clock: FrameClock, cycles: int, *, first: int = 0, jitter_frames: float = 0.0, ppm: float = 0.0
) -> float:
    """Let it hear so many cycles; give the error of its last frame estimate, in frames."""
    rng = np.random.default_rng(5)
    rate = RATE * (1.0 + ppm * 1e-6)
    for i in range(cycles):
        start = first + i * PERIOD
        woken_s = 500.0 + (start - first + rng.uniform(0, 100)) / rate
        now = start + (woken_s - 500.0) * rate - (start - first)
        told = round(now + rng.uniform(-jitter_frames, jitter_frames))
        clock.hear(start % WRAP, woken_s, told % WRAP)
    wanted_s = 500.0 + (cycles * PERIOD) / rate
    return clock.frame(wanted_s) - (first + cycles * PERIOD)


def test_a_monotonic_time_has_its_frame() -> None:
    assert abs(run_cycles(FrameClock(RATE), 400)) < 1.0


@settings(max_examples=20, deadline=None)
@given(st.floats(-200, 200), st.floats(0, 10))
def test_jitter_is_smoothed_and_drift_followed(ppm: float, jitter_frames: float) -> None:
    error = run_cycles(FrameClock(RATE), 1500, jitter_frames=jitter_frames, ppm=ppm)
    # what remains: a tenth of the jitter, and the lag behind the drift
    assert abs(error) < 0.5 + 0.35 * jitter_frames + abs(ppm) * 1e-6 * PERIOD / 0.02 + 0.5


def test_the_count_goes_on_when_32_bits_are_full() -> None:
    clock = FrameClock(RATE)
    first = WRAP - 3 * PERIOD
    assert abs(run_cycles(clock, 10, first=first)) < 2.0
    assert clock.hear((first + 10 * PERIOD) % WRAP, 501.0, 0) == first + 10 * PERIOD


def test_a_skip_of_the_server_is_followed_at_once() -> None:
    clock = FrameClock(RATE)
    run_cycles(clock, 100)
    now_s = 500.0 + 100 * PERIOD / RATE
    skipped = 100 * PERIOD + 4800  # an xrun: the frames have moved on by a tenth of a second
    clock.hear(skipped, now_s, skipped)
    assert clock.frame(now_s) == pytest.approx(skipped, abs=1.0)


def test_offs_of_lost_cycles_are_said_again() -> None:
    offs = OffsAgain()
    for frame, port, data in (
        (100, 0, "903c40"),
        (200, 0, "803c00"),  # too long ago
        (900, 0, "904040"),
        (1000, 0, "804000"),
        (1000, 1, "804000"),
        (1010, 0, "b04000"),
        (1020, 0, "c00500"),
        (1030, 0, "914840"),
        (1040, 0, "814800"),
        (1050, 0, "914840"),  # struck again since
    ):
        offs.wrote(frame, port, bytes.fromhex(data))
    assert [(port, data.hex()) for port, data in offs.again(950)] == [
        (0, "804000"),
        (1, "804000"),
        (0, "b04000"),
    ]
