"""Sounds to be separated, made to order, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.methods import Method, SeparationSettings, separate
from accompanist.recordings.sound import ArraySound, Sound

FloatArray = npt.NDArray[np.float32]

RATE = 22_050


def tone(
    pitch: float, seconds: float, timbre: float, rate: int = RATE, vibrato_cents: float = 0.0
) -> FloatArray:
    """A harmonic tone that swells and fades; ``timbre`` is how fast its partials fall."""
    t = np.arange(round(seconds * rate)) / rate
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    swing = vibrato_cents / 1200.0 * np.log(2.0) / (2.0 * np.pi * 5.5)
    at = t + swing * (1.0 - np.cos(2.0 * np.pi * 5.5 * t))
    partials = range(1, int(min(9000.0, 0.45 * rate) / hz) + 1)
    sound = sum(np.sin(2.0 * np.pi * n * hz * at + n) / n**timbre for n in partials)
    envelope = np.minimum(1.0, t / 0.03) * np.minimum(1.0, (seconds - t) / 0.05)
    return np.asarray(0.12 * sound * envelope, dtype=np.float32)


def line(
    pitches: Sequence[float],
    each_s: float,
    timbre: float,
    rate: int = RATE,
    vibrato_cents: float = 0.0,
) -> FloatArray:
    """One tone after the other, half a second of nothing after them."""
    tones = [tone(pitch, each_s, timbre, rate, vibrato_cents) for pitch in pitches]
    return np.concatenate([*tones, np.zeros(rate // 2, dtype=np.float32)])


def chords(count: int, each_s: float) -> FloatArray:
    """Low triads that change: the others. As long as a line of six tones of 0.6 s."""
    roots = (48, 53, 50, 55, 52, 57)
    length = round(6 * 0.6 * RATE) + RATE // 2
    sound = np.concatenate(
        [sum(tone(roots[i % 6] + n, each_s, 1.3) for n in (0, 4, 7)) for i in range(count)]
    )
    out = np.zeros(length, dtype=np.float32)
    out[: min(length, len(sound))] = sound[:length]
    return out


def separated(
    method: Method,
    channels: Sequence[FloatArray],
    solos: Sequence[FloatArray | Sound],
    settings: SeparationSettings | None = None,
) -> tuple[FloatArray, FloatArray, list[float]]:
    """Accompaniment and solo [shape=(n, channels)], and what was told of the progress."""
    mixture = ArraySound(np.stack(channels, axis=1).astype(np.float32), RATE)
    sounds = [ArraySound(u, RATE) if isinstance(u, np.ndarray) else u for u in solos]
    accompaniment: list[FloatArray] = []
    solo: list[FloatArray] = []
    told: list[float] = []

    def write(one: FloatArray, other: FloatArray) -> None:
        accompaniment.append(one)
        solo.append(other)

    separate(mixture, sounds, method, settings or SeparationSettings(), write, told.append)
    return np.concatenate(accompaniment), np.concatenate(solo), told


def si_sdr_db(estimate: FloatArray, truth: FloatArray) -> float:
    """Scale-invariant ratio of signal to distortion (Le Roux and others, 2019)."""
    scale = float(estimate @ truth) / float(truth @ truth)
    error = estimate - scale * truth
    return float(10.0 * np.log10(scale**2 * float(truth @ truth) / float(error @ error)))


def improvement_db(estimate: FloatArray, truth: FloatArray, other: FloatArray) -> float:
    """How much better than the mixture."""
    return si_sdr_db(estimate, truth) - si_sdr_db(truth + other, truth)
