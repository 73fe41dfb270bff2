"""What sounds: one voice that leads, and those that fade away behind it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.stretching.protocol import Stretcher

__all__ = ["Fader", "Limiter", "Voice"]

FloatArray = npt.NDArray[np.float32]

_CEILING = 0.97
_KNEE = 0.9
_ATTACK = 64
"""Samples in which the limiter turns down."""
_RECOVERY = 0.02
"""Share of what was turned down that comes back, a call."""


class Voice:
    """A stretcher that is faded in, plays, and is faded out.

    Parameters
    ----------
    stretcher : Stretcher
        Located already.
    fade_in : int
        Samples until full loudness.
    wait : int
        Samples of silence before it begins.
    """

    def __init__(self, stretcher: Stretcher, fade_in: int, wait: int = 0) -> None:
        self.stretcher = stretcher
        self._wait = wait
        self._level, self._step = 0.0, 1.0 / max(1, fade_in)
        self.rate = 1.0

    @property
    def gone(self) -> bool:
        """Faded out."""
        return self._step < 0.0 and self._level <= 0.0

    @property
    def fading(self) -> bool:
        """On its way out."""
        return self._step < 0.0

    def leave(self, fade_out: int) -> None:
        """Fade out from here."""
        self._step = -1.0 / max(1, fade_out)

    def render(self, count: int) -> FloatArray:
        """Give the next samples [shape=(count, channels)].

        Fades are those of equal power: two recordings, or two places of one, know nothing of one
        another.
        """
        if self._wait:
            wait, self._wait = min(self._wait, count), 0
            sounds = self.render(count - wait)
            return np.concatenate((np.zeros_like(sounds, shape=(wait, sounds.shape[1])), sounds))
        sound = self.stretcher.render(count, self.rate)
        if self._level >= 1.0 and self._step > 0.0:
            return sound
        levels = np.clip(self._level + self._step * np.arange(1, count + 1), 0.0, 1.0)
        self._level = float(levels[-1])
        gains = np.sin(levels * (np.pi / 2))[:, None].astype(np.float32)
        return np.asarray(sound * gains, dtype=np.float32)


class Fader:
    """A factor that follows what it is set to without a step."""

    def __init__(self, value: float, time: int) -> None:
        self.wanted = value
        self._value = value
        self._most = 1.0 / max(1, time)

    def next(self, count: int) -> tuple[float, float]:
        """Give the factor at the beginning and at the end of the next ``count`` samples."""
        before = self._value
        most = self._most * count * max(1.0, abs(before))
        self._value += min(max(self.wanted - before, -most), most)
        return before, self._value


class Limiter:
    """Turns down, quickly and softly, what would exceed full scale."""

    def __init__(self) -> None:
        self._gain = 1.0

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Give samples [shape=(n, channels)] none of which reaches ±1."""
        peak = float(np.abs(samples).max(initial=0.0))
        recovered = self._gain + _RECOVERY * (1.0 - self._gain)
        wanted = min(recovered, _CEILING / peak if peak > _CEILING else 1.0)
        if wanted == self._gain == 1.0 and peak <= _KNEE:
            return samples
        ramp = np.minimum(np.arange(1, len(samples) + 1) / min(_ATTACK, len(samples)), 1.0)
        gains = self._gain + ramp * (wanted - self._gain)
        self._gain = wanted
        return _rounded(samples * gains.astype(np.float32)[:, None])


def _rounded(samples: FloatArray) -> FloatArray:
    """Bend what lies beyond the knee, so that ±1 is never reached."""
    over = np.abs(samples) - _KNEE
    if not (over > 0).any():
        return samples
    room = 1.0 - _KNEE
    bent = _KNEE + room * np.tanh(np.maximum(over, 0.0) / room)
    return np.asarray(np.where(over > 0, np.sign(samples) * bent, samples), dtype=np.float32)
