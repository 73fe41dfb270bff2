"""What comes between the notes, before them or over them: pauses, tuning up, talk, coughs, pages.

Voices, coughs and pages are synthesised: noise and pulses through resonances, in the rhythm of
the real thing. They are not meant to deceive anybody; they have the spectrum and the onsets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accompanist.simulation.noise import coloured
from accompanist.simulation.room import sounding_rms
from accompanist.simulation.scenarios.editing import (
    Passage,
    Rest,
    assembled,
    laid_over,
    room_tone,
)
from accompanist.simulation.scenarios.material import (
    Event,
    EventKind,
    ImpossibleError,
    Maker,
    Samples,
    ScenarioTake,
    Source,
    untouched,
)

__all__ = ["babble", "cough", "noise_before", "over", "page", "pause", "talk_before", "tuning_up"]

FloatArray = npt.NDArray[np.float64]

_PAUSE_WITHIN = (0.3, 0.7)
_PAUSED_AFTER_S = 3.0
_OPEN_STRINGS = (55, 62, 69, 76)
_STRINGS = range(40, 44)
_CONCERT_A = (69, 69, 70, 69, 57)
_VOWELS_HZ = ((700, 1200, 2600), (350, 2100, 2800), (450, 900, 2400), (550, 1700, 2500))
_BEFORE_DB = -25.0


def pause(seconds: float) -> Maker:
    """Make a scenario in which the soloist rests so long before one of the notes."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        times = source.truth_time_s
        share = (times - times[0]) / max(times[-1] - times[0], 1e-9)
        fits = (share >= _PAUSE_WITHIN[0]) & (share <= _PAUSE_WITHIN[1])
        fits &= times <= times[-1] - _PAUSED_AFTER_S
        if not fits.any():
            raise ImpossibleError("the take is too short for a pause")
        onset = int(generator.choice(np.flatnonzero(fits)))
        rest = Rest(room_tone(source, seconds, generator))
        take = assembled(source, [Passage(0, onset), rest, Passage(onset, len(times))])
        resumed = Event(EventKind.RESUMED, float(take.truth_time_s[onset]))
        return replace(take, events=(resumed,))

    return make


def noise_before(seconds: float) -> Maker:
    """Make a scenario with a room full of people before the beginning, 25 dB under the music."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        noise = coloured(round(seconds * source.rate), 1.0, generator)
        return _after(source, _levelled(noise, source, _BEFORE_DB), generator)

    return make


def tuning_up(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Let the soloist tune first: strings their open fifths, others around the A, for 6 s."""
    stringed = source.solo.program in _STRINGS
    pitches = [*_OPEN_STRINGS[1:], *_OPEN_STRINGS[::-1]] if stringed else _CONCERT_A
    each_s = 6.0 / len(pitches)
    bursts = [_tone(pitch, each_s, source.rate, generator) for pitch in pitches]
    return _after(source, _levelled(np.concatenate(bursts), source, -3.0), generator)


def talk_before(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Let somebody talk for 6 s before the beginning, 10 dB under the music."""
    talk = babble(6.0, source.rate, generator)
    return _after(source, _levelled(talk, source, -10.0), generator)


def over(
    sound: Callable[[float, int, np.random.Generator], FloatArray],
    *,
    every_s: float,
    seconds: float,
    level_db: float,
) -> Maker:
    """Make a scenario with a sound over the music again and again, at random moments.

    Parameters
    ----------
    sound : callable
        Makes it, given seconds, rate and generator.
    every_s : float
        One for each so many seconds of the take, one at least.
    seconds : float
        Length of each.
    level_db : float
        Against the soloist (RMS while sounding).
    """

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        samples = source.samples.copy()
        count = max(round(source.duration_s / every_s), 1)
        latest_s = max(source.duration_s - seconds, 0.0)
        for start_s in generator.uniform(0.0, latest_s, count).tolist():
            made = _levelled(sound(seconds, source.rate, generator), source, level_db)
            laid_over(samples, made, round(start_s * source.rate))
        return replace(untouched(source), samples=samples)

    return make


def babble(seconds: float, rate: int, generator: np.random.Generator) -> FloatArray:
    """Give something like speech: syllables of a gliding voice, each with a vowel of its own."""
    count = round(seconds * rate)
    out = np.zeros(count)
    at_s = 0.0
    while at_s < seconds:
        length_s = generator.uniform(0.09, 0.28)
        size = min(round(length_s * rate), count - round(at_s * rate))
        if size < 16:
            break
        time_s = np.arange(size) / rate
        hz = generator.uniform(100.0, 220.0) * (1 - 0.25 * time_s / length_s)
        phase = np.cumsum(hz) / rate
        vowel = _VOWELS_HZ[int(generator.integers(len(_VOWELS_HZ)))]
        voice = np.zeros(size)
        for harmonic in range(1, 31):
            at_hz = harmonic * float(np.mean(hz))
            gain = sum(1.0 / (1.0 + ((at_hz - f) / 120.0) ** 2) for f in vowel) / harmonic**0.5
            if at_hz < 0.45 * rate:
                voice += gain * np.sin(2 * np.pi * harmonic * phase)
        hiss_size = min(round(0.06 * rate), size)
        if generator.random() < 0.4:
            voice[:hiss_size] += 0.3 * generator.standard_normal(hiss_size)
        start = round(at_s * rate)
        out[start : start + size] += voice * np.sin(np.pi * np.arange(size) / size)
        pause_s = 0.4 if generator.random() < 0.12 else 0.02
        at_s += length_s + pause_s
    return out


def cough(seconds: float, rate: int, generator: np.random.Generator) -> FloatArray:
    """Give a cough: two bursts of throaty noise with an abrupt beginning."""
    out = np.zeros(round(seconds * rate))
    for start_s in (0.0, 0.45 * seconds):
        size = round(0.4 * seconds * rate)
        burst = coloured(size, 0.7, generator) * np.exp(-np.arange(size) / (0.12 * seconds * rate))
        first = round(start_s * rate)
        out[first : first + size] += burst[: len(out) - first]
    return out


def page(seconds: float, rate: int, generator: np.random.Generator) -> FloatArray:
    """Give a page turned: hiss that swells and crackles."""
    count = round(seconds * rate)
    swell = np.sin(np.pi * np.arange(count) / max(count, 1)) ** 2
    crackle = np.repeat(generator.uniform(0.1, 1.0, count // 400 + 1), 400)[:count]
    return np.asarray(generator.standard_normal(count) * swell * crackle)


def _after(source: Source, before: Samples, generator: np.random.Generator) -> ScenarioTake:
    """Put a sound before the take, and half a second of rest between them."""
    rests = [Rest(before), Rest(room_tone(source, 0.5, generator))]
    return assembled(source, [*rests, Passage(0, len(source.truth_time_s))])


def _levelled(sound: FloatArray, source: Source, level_db: float) -> Samples:
    """Set a sound's level against the soloist's."""
    mine = sounding_rms(sound, source.rate)
    solo = sounding_rms(source.samples.astype(np.float64), source.rate)
    gain = solo * 10 ** (level_db / 20) / max(mine, 1e-12)
    return np.asarray(gain * sound, dtype=np.float32)


def _tone(pitch: int, seconds: float, rate: int, generator: np.random.Generator) -> FloatArray:
    """Give a bowed or blown tone that slides into tune."""
    count = round(seconds * rate)
    time_s = np.arange(count) / rate
    cents = generator.uniform(-30.0, 30.0) * np.exp(-time_s / 0.5)
    hz = 440.0 * 2.0 ** ((pitch - 69 + cents / 100.0) / 12.0)
    phase = np.cumsum(hz) / rate
    tone = np.zeros(count)
    for harmonic in range(1, 16):
        if harmonic * float(hz.max()) < 0.45 * rate:
            tone += 0.75**harmonic * np.sin(2 * np.pi * harmonic * phase)
    swell = np.minimum(np.minimum(time_s / 0.08, (seconds - time_s) / 0.08), 1.0)
    return np.asarray(tone * swell)
