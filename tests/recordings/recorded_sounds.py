"""Sounds made for tests of recordings: clicks, notes and chords at known times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE = 22_050
FloatArray = npt.NDArray[np.float32]


def note(hz: float, seconds: float, rate: int = RATE, attack_s: float = 0.004) -> FloatArray:
    """A decaying tone of four partials, without a click at its end."""
    t = np.arange(round(seconds * rate)) / rate
    wave = sum(
        (np.sin(2 * np.pi * hz * h * t) / h for h in (1, 2, 3, 4) if hz * h < 0.45 * rate),
        np.zeros(len(t)),
    )
    fade = np.minimum(t / attack_s, 1.0) * np.clip((seconds - t) / 0.05, 0.0, 1.0)
    return np.asarray(wave * np.exp(-3.0 * t) * fade, dtype=np.float32)


def placed(
    sounds: Sequence[tuple[float, FloatArray]], seconds: float, rate: int = RATE
) -> FloatArray:
    """Sounds at their times [shape=(n,)]."""
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    for at, sound in sounds:
        start = round(at * rate)
        end = min(start + len(sound), len(out))
        out[start:end] += sound[: end - start]
    return 0.2 * out


def waltz(
    beats_s: Sequence[float], beats_a_bar: int, seconds: float, first: int = 0, seed: int = 0
) -> FloatArray:
    """An accompaniment: a bass note and a new chord on each downbeat, softer chords between.

    ``first`` is the number of the first downbeat.
    """
    rng = np.random.default_rng(seed)
    roots = [48, 53, 55, 45, 50, 52]
    sounds: list[tuple[float, FloatArray]] = []
    root = roots[0]
    for i, at in enumerate(beats_s):
        down = (i - first) % beats_a_bar == 0
        if down:
            root = roots[int(rng.integers(len(roots)))]
            sounds.append((at, 1.2 * note(440.0 * 2.0 ** ((root - 81) / 12), 0.9)))
        for step in (0, 4, 7):
            hz = 440.0 * 2.0 ** ((root + step - 57) / 12)
            sounds.append((at, (0.5 if down else 0.3) * note(hz, 0.4)))
    return placed(sounds, seconds)
