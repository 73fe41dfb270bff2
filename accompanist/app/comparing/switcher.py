"""The mixer of a comparison: one recording sounds, others are cross-faded to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.app.comparing.places import SharedPlaces
from accompanist.recordings.sound import Sound

__all__ = ["CHANNELS", "FADE_S", "Switcher"]

FloatArray = npt.NDArray[np.float32]

CHANNELS = 2
FADE_S = 0.04


@dataclass(slots=True)
class _Voice:
    """A recording that sounds. ``share`` of its fade is done; ``rising`` or going away."""

    index: int
    place: int
    share: float = 0.0
    rising: bool = True


class Switcher:
    """Plays one of several recordings, each at its own speed. Pure: it makes samples, no sound.

    Switching takes the music on at the same place in another recording; fades are of equal
    power, since two recordings of one moment are not alike in their waves.

    Parameters
    ----------
    sounds : sequence of Sound
        All at one rate.
    gains : sequence of float
        A factor for each.
    places : SharedPlaces
    start_s : float
        Where the first one begins.
    """

    def __init__(
        self,
        sounds: Sequence[Sound],
        gains: Sequence[float],
        places: SharedPlaces,
        *,
        start_s: float = 0.0,
    ) -> None:
        self._sounds = tuple(sounds)
        self._gains = tuple(gains)
        self._places = places
        self.rate = self._sounds[0].rate
        self._step = 1.0 / (FADE_S * self.rate)
        self._voice = _Voice(0, round(start_s * self.rate))
        self._leaving: list[_Voice] = []
        self._paused = False

    def __len__(self) -> int:
        return len(self._sounds)

    @property
    def index(self) -> int:
        """Which recording sounds, from 0."""
        return self._voice.index

    @property
    def place_s(self) -> float:
        """Where in it the next sample is."""
        return self._voice.place / self.rate

    @property
    def axis_s(self) -> float | None:
        """The same place on the common axis."""
        return self._places.axis_s(self.index, self.place_s)

    @property
    def paused(self) -> bool:
        """Whether nothing is to sound."""
        return self._paused

    @property
    def ended(self) -> bool:
        """Whether the recording is over."""
        return self._voice.place >= self._sounds[self.index].length

    def switch(self, index: int) -> bool:
        """Go on in another recording; False where it has not got this place."""
        if not 0 <= index < len(self._sounds):
            return False
        if index == self.index:
            return True
        place_s = self._places.carry(self.index, self.place_s, index)
        if place_s is None:
            return False
        self._begin(index, place_s)
        return True

    def seek(self, by_s: float) -> None:
        """Go forward or back in what sounds."""
        length_s = self._sounds[self.index].length / self.rate
        self._begin(self.index, min(max(self.place_s + by_s, 0.0), length_s))

    def pause(self, paused: bool) -> None:
        """Fall silent, or go on where it was."""
        if paused == self._paused:
            return
        self._paused = paused
        self._begin(self.index, self.place_s)

    def render(self, count: int) -> FloatArray:
        """Make the next samples [shape=(count, 2)], full scale ±1."""
        out = np.zeros((count, CHANNELS), dtype=np.float32)
        for voice in self._leaving:
            self._add(voice, out)
        self._leaving = [v for v in self._leaving if v.share > 0.0]
        if not self._paused:
            self._add(self._voice, out)
        return np.clip(out, -1.0, 1.0, out=out)

    def _begin(self, index: int, place_s: float) -> None:
        if self._voice.share > 0.0:
            self._voice.rising = False
            self._leaving.append(self._voice)
        self._voice = _Voice(index, round(place_s * self.rate))

    def _add(self, voice: _Voice, out: FloatArray) -> None:
        count = len(out)
        samples = self._sounds[voice.index].read(voice.place, count)
        samples = samples[:, [0, -1]] if samples.shape[1] != CHANNELS else samples
        step = self._step if voice.rising else -self._step
        shares = np.clip(voice.share + step * np.arange(1, count + 1), 0.0, 1.0)
        level = np.sin(0.5 * np.pi * shares) * self._gains[voice.index]
        out += samples * level[:, None].astype(np.float32)
        voice.share = float(shares[-1]) if count else voice.share
        voice.place += count
