"""A recording in which the pitch tells the place, its soloist alone, and where one hears it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["NOTE_S", "Places", "write_recording", "write_soloist"]

RATE_HZ = 48_000
NOTE_S = 0.5
NOTES = 70
LOWEST_HZ, STEP_HZ = 90.0, 10.0
"""Below the melody a tone is 10 Hz higher with every note: the place in the recording."""
MELODY = (72, 76, 79, 77, 74, 71, 67, 69, 72, 74, 77, 76, 81, 79, 74, 72, 69, 65, 67, 71)
_WINDOW_S, _HOP_S = 0.16, 0.01

FloatArray = npt.NDArray[np.float64]


def _pitch(note: int) -> int:
    return MELODY[(note + 3 * (note // len(MELODY))) % len(MELODY)]


def _sung(hz: float, seconds: float) -> FloatArray:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    voices = sum(np.sin(2 * np.pi * hz * h * times) / h**1.2 for h in range(1, 7))
    shape = np.minimum(times / 0.01, 1.0) * np.clip((seconds - times) / 0.03, 0.0, 1.0)
    return np.asarray(voices * shape * np.exp(-1.5 * times))


def _melody(into: FloatArray, begin_s: float, note_s: float) -> None:
    for note in range(NOTES):
        tone = 0.15 * _sung(440.0 * 2 ** ((_pitch(note) - 69) / 12), 0.95 * note_s)
        at = round((begin_s + note * note_s) * RATE_HZ)
        into[at : at + len(tone)] += tone


def write_recording(path: Path) -> Path:
    """Write the melody over a tone whose pitch tells the place."""
    hz = np.repeat(LOWEST_HZ + STEP_HZ * np.arange(NOTES), round(NOTE_S * RATE_HZ))
    sound = 0.2 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    sound = np.concatenate((sound, np.zeros(RATE_HZ)))
    _melody(sound, 0.0, NOTE_S)
    soundfile.write(path, np.stack([sound, sound], axis=1), RATE_HZ)
    return path


def write_soloist(path: Path, speed: float, begin_s: float) -> Path:
    """Write the melody alone, faster than in the recording, after some silence."""
    sound = np.zeros(round((begin_s + (NOTES + 1) * NOTE_S / speed) * RATE_HZ))
    _melody(sound, begin_s, NOTE_S / speed)
    soundfile.write(path, sound, RATE_HZ)
    return path


@dataclass(frozen=True)
class Places:
    """Seconds of the recording [shape=(n,)] at the times of a sound; NaN in silence."""

    times_s: FloatArray
    seconds: FloatArray
    levels: FloatArray

    @classmethod
    def of(cls, path: Path) -> Places:
        """Find out by the pitch of the lowest tone, to a note: half a second of the recording."""
        stereo, rate = soundfile.read(path, always_2d=True)
        sound = stereo.mean(axis=1)
        window, hop = round(_WINDOW_S * rate), round(_HOP_S * rate)
        starts = np.arange(0, max(len(sound) - window, 1), hop)
        shape = np.hanning(window)
        tones = np.exp(
            -2j * np.pi * np.outer(np.arange(window) / rate, LOWEST_HZ + STEP_HZ * np.arange(NOTES))
        )
        frames = np.stack([sound[start : start + window] for start in starts])
        heard = np.abs((frames * shape) @ tones) / (shape.sum() / 2.0)
        levels = np.sqrt(np.mean(frames**2, axis=1))
        notes = np.argmax(heard, axis=1).astype(np.float64)
        notes[heard.max(axis=1) < 0.03] = np.nan
        return cls((starts + window / 2) / rate, notes * NOTE_S, levels)

    def begins(self) -> dict[float, float]:
        """Give when each place was come to from the one before it: {second: time}."""
        found: dict[float, float] = {}
        for i in range(1, len(self.seconds)):
            here, before = self.seconds[i], self.seconds[i - 1]
            if here == before + NOTE_S:
                found[float(here)] = float(self.times_s[i] + self.times_s[i - 1]) / 2.0
        return found

    def silent(self, from_s: float, until_s: float) -> bool:
        """Whether nothing is heard between two times."""
        among = (self.times_s > from_s) & (self.times_s < until_s)
        return bool(np.max(self.levels[among]) < 1e-3)
