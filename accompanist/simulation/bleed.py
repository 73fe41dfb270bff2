"""The accompaniment in the soloist's microphone: a loudspeaker, a way through the room, a level.

A closed loop: what is heard depends on what is played, which depends on what is heard. Everything
here goes hop by hop and depends on samples alone, so a take is the same however it was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.errors import UsageError
from accompanist.session import Step
from accompanist.simulation.room import room_response

__all__ = ["Bleed", "BleedPath", "Ensemble", "Known", "path_response"]

FloatArray = npt.NDArray[np.float32]

_HALF_SINC = 16
"""Samples on either side of the kernel that delays by a fraction of one."""
_KAISER = 8.0
_SHORTEST_DELAY_S, _LONGEST_DELAY_S = 0.01, 1.0
_LOUDEST_DB = 40.0


class Known(StrEnum):
    """What the follower is told of the ensemble that it hears."""

    NOTHING = "nothing"
    NOTES = "notes"
    """Which notes were sent, and when: an instrument of somebody else plays them."""
    SOUND = "sound"
    """The very samples that leave: our own synthesiser, or a recording."""


@dataclass(frozen=True, slots=True)
class Bleed:
    """How the microphone hears the accompaniment of the very take that is being followed.

    Attributes
    ----------
    level_db : float
        RMS of the accompaniment against that of the soloist, each where it sounds; 0 is as loud.
    delay_s : float
        From sending a sound to hearing it, 0.01–1 s.
    rt60_s : float or None
        Reverberation on its way; None is a dry room.
    direct_db : float
        Direct sound over reverberation.
    low_hz : float
        Below this the loudspeaker fades, 12 dB an octave; 0 leaves it alone.
    known : Known
        What the follower is told of it.
    seed : int
        Of the room.
    """

    level_db: float = 0.0
    delay_s: float = 0.08
    rt60_s: float | None = None
    direct_db: float = 3.0
    low_hz: float = 100.0
    known: Known | str = Known.NOTES
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", Known(self.known))
        if not _SHORTEST_DELAY_S <= self.delay_s <= _LONGEST_DELAY_S:
            raise UsageError(
                f"bleed: a delay of {self.delay_s:g} s; it has to lie within "
                f"{_SHORTEST_DELAY_S:g} and {_LONGEST_DELAY_S:g}"
            )
        if not -200.0 <= self.level_db <= _LOUDEST_DB:
            raise UsageError(f"bleed: {self.level_db:g} dB; from -200 to {_LOUDEST_DB:g}, please")
        if self.rt60_s is not None and not 0.02 <= self.rt60_s <= 30.0:
            raise UsageError(f"bleed: a reverberation of {self.rt60_s:g} s; 0.02 to 30, please")


class Ensemble(Protocol):
    """Sounds as the steps of a take say.

    Attributes
    ----------
    behind : int
        Samples by which `render` comes after its time: what it needs to be exact.
    """

    behind: int

    def take(self, step: Step) -> None:
        """Learn what is due in the hop after a step."""
        ...

    def render(self, count: int) -> FloatArray:
        """Give the next samples [shape=(count,)], mono: those of the hop just told."""
        ...


def path_response(bleed: Bleed, sample_rate: int) -> npt.NDArray[np.float64]:
    """Impulse response of loudspeaker and room, the delay left aside; a single 1 where neither is.

    Parameters
    ----------
    bleed : Bleed
    sample_rate : int
        Hz.
    """
    response = np.ones(1)
    if bleed.rt60_s is not None:
        generator = np.random.default_rng([bleed.seed, 7])
        response = room_response(sample_rate, bleed.rt60_s, bleed.direct_db, generator)
    if bleed.low_hz > 0:
        from scipy.signal import butter, sosfilt

        tail = np.zeros(round(0.1 * sample_rate))
        speaker = butter(2, bleed.low_hz, "highpass", fs=sample_rate, output="sos")
        response = np.asarray(sosfilt(speaker, np.concatenate((response, tail))))
    return response


class BleedPath:
    """From the ensemble's samples to what the microphone has of them, a hop at a time.

    Uniformly partitioned convolution (overlap-save; Stockham 1966): exact, without a delay of its
    own but the one wanted.

    Parameters
    ----------
    bleed : Bleed
    sample_rate : int
        Hz.
    hop : int
        Samples a call.
    gain : float
        Factor upon everything.
    behind : int
        Samples by which the ensemble's sound comes late already.

    Raises
    ------
    UsageError
        The delay is too short for a hop of that length.
    """

    def __init__(
        self, bleed: Bleed, sample_rate: int, hop: int, gain: float, behind: int = 0
    ) -> None:
        delay = bleed.delay_s * sample_rate
        whole = int(np.floor(delay + 1e-9))
        part = delay - whole
        response = path_response(bleed, sample_rate) * gain
        ahead = 0
        if part > 1e-6:
            n = np.arange(-_HALF_SINC + 1, _HALF_SINC + 1)
            fade = np.sqrt(np.maximum(1.0 - ((n - part) / _HALF_SINC) ** 2, 0.0))
            kernel = np.sinc(n - part) * np.i0(_KAISER * fade) / np.i0(_KAISER)
            response = np.convolve(response, kernel)
            ahead = _HALF_SINC - 1
        wait = whole - ahead - behind - hop
        if wait < 0:
            raise UsageError(
                f"bleed: {bleed.delay_s:g} s are too short at {sample_rate} samples a second; "
                f"{(hop + behind + _HALF_SINC + 1) / sample_rate:.3f} s at least, please"
            )
        self._hop = hop
        count = -(-len(response) // hop)
        parts = np.zeros((count, 2 * hop))
        parts[:, :hop] = np.pad(response, (0, count * hop - len(response))).reshape(count, hop)
        self._filters = np.fft.rfft(parts, axis=1)
        self._spectra = np.zeros_like(self._filters)
        self._at = 0
        self._last: npt.NDArray[np.float64] = np.zeros(hop)
        self._pending: npt.NDArray[np.float64] = np.zeros(wait)

    def hear(self, ensemble: FloatArray) -> FloatArray:
        """Give what is heard in the hop after that in which ``ensemble`` [shape=(hop,)] is sent."""
        hop, count = self._hop, len(self._filters)
        window = np.concatenate((self._last, ensemble.astype(np.float64)))
        self._last = window[hop:]
        self._at = (self._at - 1) % count
        self._spectra[self._at] = np.fft.rfft(window)
        newer, older = self._spectra[self._at :], self._spectra[: self._at]
        summed = np.einsum("pk,pk->k", self._filters[: len(newer)], newer)
        summed += np.einsum("pk,pk->k", self._filters[len(newer) :], older)
        heard = np.fft.irfft(summed, 2 * hop)[hop:]
        self._pending = np.concatenate((self._pending, heard))
        out, self._pending = self._pending[:hop], self._pending[hop:]
        return out.astype(np.float32)
