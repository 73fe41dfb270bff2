"""Noise: in a player's tempo and in a recording."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["coloured", "hum", "signal_noise"]

FloatArray = npt.NDArray[np.float64]

HUM_HZ = 50.0
_HUM_LEVELS = (1.0, 0.5, 0.35, 0.15, 0.12, 0.06, 0.05)


def coloured(count: int, exponent: float, generator: np.random.Generator) -> FloatArray:
    """Gaussian noise with power ∝ 1/f^exponent, mean 0, standard deviation 1 [shape=(count,)].

    Human tempo wanders with an exponent near 1: Gilden, Thornton, Mallon: 1/f noise in human
    cognition, Science 1995; Hennig et al., PLoS ONE 2011.
    """
    if count < 2:
        return np.zeros(count)
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency = np.fft.rfftfreq(count)
    frequency[0] = 1.0
    spectrum *= frequency ** (-exponent / 2)
    spectrum[0] = 0.0
    series = np.fft.irfft(spectrum, count)
    return np.asarray(series / max(float(np.std(series)), 1e-12))


def hum(count: int, sample_rate: int, generator: np.random.Generator) -> FloatArray:
    """Mains hum with its harmonics and a little hiss, standard deviation 1 [shape=(count,)]."""
    time_s = np.arange(count) / sample_rate
    sound = 0.02 * generator.standard_normal(count)
    for harmonic, level in enumerate(_HUM_LEVELS, start=1):
        phase = generator.uniform(0.0, 2 * np.pi)
        sound += level * np.sin(2 * np.pi * HUM_HZ * harmonic * time_s + phase)
    return np.asarray(sound / max(float(np.std(sound)), 1e-12))


def signal_noise(
    kind: str, count: int, sample_rate: int, generator: np.random.Generator
) -> FloatArray:
    """Noise of the kind (``white``, ``pink``, ``hum``), standard deviation 1 [shape=(count,)]."""
    if kind == "hum":
        return hum(count, sample_rate, generator)
    return coloured(count, 1.0 if kind == "pink" else 0.0, generator)
