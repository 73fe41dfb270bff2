"""Sounds made for the tests (plain additive tones with a known onset), and how tests are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from standstills import run_in_real_time

HOSTS = Path(__file__).parent / "hosts"
Samples = npt.NDArray[np.float32]
PlayTones = Callable[..., Samples]


@pytest.fixture(scope="session", autouse=True)
def no_user_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Learn nothing into the data of whoever runs the tests, and expect nothing from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("user-data")))
        yield


@pytest.fixture(scope="session")
def play_tones() -> PlayTones:
    """Give ``play(notes, rate, a4_hz, gain, tail_s)``: notes are (onset_s, end_s, pitch)."""

    def play(
        notes: Sequence[tuple[float, float, float]],
        rate: int = 44_100,
        a4_hz: float = 440.0,
        gain: float = 0.2,
        tail_s: float = 0.5,
    ) -> Samples:
        length = int((max(end for _, end, _ in notes) + tail_s) * rate)
        out = np.zeros(length, dtype=np.float64)
        for onset, end, pitch in notes:
            first, last = round(onset * rate), round(end * rate)
            t = np.arange(last - first) / rate
            f0 = a4_hz * 2 ** ((pitch - 69) / 12)
            partials = [h for h in range(1, 11) if f0 * h < 0.45 * rate]
            sound = sum(0.7 ** (h - 1) * np.sin(2 * np.pi * f0 * h * t + h) for h in partials)
            attack = np.minimum(1.0, t / 0.008) * np.minimum(1.0, (t[-1] - t) / 0.02)
            out[first:last] += sound * attack * np.exp(-t / 1.5)
        return (gain * out).astype(np.float32)

    return play


REAL_TIME = (
    "test_app_engine_process.py", "test_app_performer_link.py", "test_app_recording_link.py",
    "test_bad_daemon.py", "test_cmd_daemon.py", "test_cmd_play.py", "test_link.py",
    "test_play_crash.py",
)  # fmt: skip
"""Besides those with hosts: tests of processes that run against the clock."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Tests that run against the clock want the machine's time."""
    if HOSTS not in item.path.parents and item.path.name not in REAL_TIME:
        return None
    run_in_real_time(item, nextitem)
    return True
