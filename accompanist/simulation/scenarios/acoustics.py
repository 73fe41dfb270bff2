"""The same playing through another room, microphone or converter, or at another tuning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from accompanist.simulation.noise import signal_noise
from accompanist.simulation.room import reverberated, sounding_rms
from accompanist.simulation.scenarios.material import (
    ImpossibleError,
    Maker,
    Samples,
    ScenarioTake,
    Source,
    untouched,
)

__all__ = [
    "at_rate",
    "clipped",
    "direct_current",
    "left_only",
    "level",
    "noisy",
    "reverberant",
    "tuned",
    "written",
]

FloatArray = npt.NDArray[np.float64]

_DIRECT_DB = 3.0
_OVERDRIVEN_DB = 18.0
_MOST_TERMS = 1000


def noisy(kind: str, snr_db: float) -> Maker:
    """Make a scenario with noise (``white``, ``pink``, ``hum``) so much under the soloist."""

    def change(sound: FloatArray, rate: int, generator: np.random.Generator) -> FloatArray:
        from scipy.fft import next_fast_len

        noise = signal_noise(kind, next_fast_len(len(sound)), rate, generator)[: len(sound)]
        return np.asarray(sound + noise * sounding_rms(sound, rate) * 10.0 ** (-snr_db / 20.0))

    return _changed(change)


def reverberant(rt60_s: float) -> Maker:
    """Make a scenario in a room of that reverberation time."""

    def change(sound: FloatArray, rate: int, generator: np.random.Generator) -> FloatArray:
        return reverberated(sound, rate, rt60_s, _DIRECT_DB, generator)

    return _changed(change)


def level(change_db: float) -> Maker:
    """Make a scenario at another level."""
    return _changed(lambda sound, _rate, _generator: sound * 10.0 ** (change_db / 20.0))


def clipped(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Overdrive the input: the loudest peaks reach 18 dB beyond what can be written."""

    def change(sound: FloatArray, _rate: int, _generator: np.random.Generator) -> FloatArray:
        gain = 10.0 ** (_OVERDRIVEN_DB / 20.0) / max(float(np.abs(sound).max()), 1e-9)
        return np.asarray(np.clip(gain * sound, -1.0, 1.0))

    return _changed(change)(source, generator)


def direct_current(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Add a constant to every sample, as loud as the loudest peak."""

    def change(sound: FloatArray, _rate: int, _generator: np.random.Generator) -> FloatArray:
        return sound + float(np.abs(sound).max())

    return _changed(change)(source, generator)


def left_only(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Record two channels, one of which stays silent."""
    take = untouched(source)
    both = np.zeros((len(take.samples), 2), dtype=np.float32)
    both[:, 0] = take.samples
    return replace(take, samples=both)


def tuned(a4_hz: float) -> Maker:
    """Make a scenario in which A = 440 Hz becomes ``a4_hz``: played faster or slower by as much.

    Pitch and tempo move together; the truth moves with them.
    """

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        ratio = a4_hz / 440.0
        fraction = Fraction(ratio).limit_denominator(_MOST_TERMS)
        samples = _resampled(source.samples, fraction.denominator, fraction.numerator)
        take = untouched(source)
        return replace(take, samples=samples, truth_time_s=take.truth_time_s / float(fraction))

    return make


def at_rate(rate: int) -> Maker:
    """Make a scenario recorded at another sampling rate."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        fraction = Fraction(rate, source.rate)
        samples = _resampled(source.samples, fraction.numerator, fraction.denominator)
        return replace(untouched(source), samples=samples, rate=rate)

    return make


def written(factor: float) -> Maker:
    """Make a scenario in which the score's tempo marks say ``factor`` times as fast."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        score = source.score
        if score.recording_s is not None:
            raise ImpossibleError("the piece is a recording: it has no tempo marks")
        if not score.tempo_marks:
            raise ImpossibleError("the score has no tempo marks")
        marks = tuple(replace(mark, qpm=mark.qpm * factor) for mark in score.tempo_marks)
        return replace(untouched(source), score=replace(score, tempo_marks=marks))

    return make


def _changed(
    change: Callable[[FloatArray, int, np.random.Generator], FloatArray],
) -> Maker:
    """Make a scenario of a change of the sound that leaves every moment where it is."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        sound = change(source.samples.astype(np.float64), source.rate, generator)
        return replace(untouched(source), samples=sound.astype(np.float32))

    return make


def _resampled(samples: Samples, up: int, down: int) -> Samples:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(samples, up, down), dtype=np.float32)
