"""Sound files of recordings made for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 11_025
BEAT_S = 0.5
FIRST_S = 0.6

FloatArray = npt.NDArray[np.float32]


def music(seconds: float = 8.0, channels: int = 1, rate: int = RATE, seed: int = 1) -> FloatArray:
    """Decaying chords on a beat of 0.5 s [shape=(n, channels)]."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(seconds * rate))
    for at in np.arange(FIRST_S, seconds - 0.6, BEAT_S):
        t = np.arange(round(0.45 * rate)) / rate
        hz = 110.0 * 2.0 ** (rng.integers(0, 24) / 12)
        chord = sum(np.sin(2 * np.pi * hz * ratio * t) for ratio in (1.0, 1.25, 1.5, 2.0))
        start = round(at * rate)
        out[start : start + len(t)] += chord * np.exp(-6.0 * t) * np.minimum(t / 0.005, 1.0)
    return np.repeat((0.1 * out)[:, None], channels, axis=1).astype(np.float32)


def recording(path: Path, samples: FloatArray | None = None, rate: int = RATE, **how: str) -> Path:
    """Write a recording, `music` by default."""
    soundfile.write(path, music() if samples is None else samples, rate, **how)
    return path
