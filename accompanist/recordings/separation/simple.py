"""The weaker ways: the soloist guessed from the recording alone, with nothing that shows the solo.

`Hpss` takes for the solo what is neither steady nor struck, `Centre` what stands in the middle of a
stereo recording. Neither knows the soloist: whatever else is of that kind goes too, and a soloist
who is not stays. Anything that shows the solo, be it hummed, does better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.separation.blocks_simple import blockwise, masked, share
from accompanist.recordings.separation.methods import Progress, SeparationSettings
from accompanist.recordings.separation.stft import Frames, spectra
from accompanist.recordings.sound import ArraySound, Sound

__all__ = ["Centre", "Hpss", "best_method", "centre", "has_centre", "hpss"]

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]

_LOWEST_HZ = 110.0
"""Below it hardly any soloist has a fundamental; what stands there in the middle is the bass."""
_LEAST_SIDE = 0.04
"""What a side 20 dB under the middle makes of the determinant of the channels' covariance, their
mean power being 1: below it a recording is as good as mono, wherever it stands, and everything
in it would be taken for the soloist."""
_LOOKED_AT, _LOOK_S = 24, 1.0


@dataclass(frozen=True, slots=True)
class Hpss:
    """Harmonic–percussive separation at two resolutions; the solo is what lies between.

    Under a long window a voice or a bowed tone, never quite steady, is not harmonic; under a short
    one it is not percussive. The solo is what the long window does not call harmonic and the short
    one does. The masks come of median filters along time and along frequency (D. FitzGerald,
    "Harmonic/percussive separation using median filtering", DAFx 2010); the two stages are after
    H. Tachibana and others, "Melody line estimation in homophonic music audio signals based on
    temporal-variability of melodic source", ICASSP 2010.

    A soloist on a steady tone among steady tones, a flute among flutes, is not found by it.
    """

    name: str = "hpss"
    needs_solo: bool = False
    long_s: float = 0.37
    short_s: float = 0.046
    median: int = 17

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        """Give the solo within the mixture; see `Method.solo`. ``solos`` are not looked at."""
        rate = mixture.rate
        long = Frames.lasting(rate, self.long_s, self.long_s / 4)
        short = Frames.lasting(rate, self.short_s, self.short_s / 4)

        def moving(found: ComplexArray) -> FloatArray:
            steady, across = self._medians(found)
            return _above(_LOWEST_HZ * long.window / rate, share(across, steady, 1.0))

        def sung(found: ComplexArray) -> FloatArray:
            steady, across = self._medians(found)
            return share(steady, across, settings.alpha)

        def work(samples: FloatArray) -> FloatArray:
            return masked(masked(samples, rate, long, moving), rate, short, sung)

        return blockwise(mixture, settings, progress, work)

    def _medians(self, found: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Give what is steady in time and what is steady in frequency [shape=(bins, frames)]."""
        from scipy.ndimage import median_filter

        loud = np.sqrt((found.real**2 + found.imag**2).mean(axis=0))
        return (
            median_filter(loud, (1, self.median), mode="nearest"),
            median_filter(loud, (self.median, 1), mode="nearest"),
        )


@dataclass(frozen=True, slots=True)
class Centre:
    """What both channels of a stereo recording share, as a soloist in the middle is shared.

    In each bin the power common to the channels, Re⟨L·R*⟩ averaged over its neighbours, is set
    against all the power there (C. Avendano, J.-M. Jot, "Frequency domain techniques for stereo to
    multichannel upmix", AES 22nd conference, 2002). Only what both channels hold is taken, from
    both alike. The bass, which stands there too, is left.
    """

    name: str = "centre"
    needs_solo: bool = False
    window_s: float = 0.09
    sharpness: float = 6.0

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        """Give the solo within the mixture; see `Method.solo`. ``solos`` are not looked at.

        Raises
        ------
        BadInputError
            If the recording is mono or both its channels are the same.
        """
        if not has_centre(mixture):
            raise BadInputError(_NO_CENTRE)
        rate = mixture.rate
        frames = Frames.lasting(rate, self.window_s, self.window_s / 4)

        def work(samples: FloatArray) -> FloatArray:
            channels = spectra(ArraySound(samples, rate), frames, 0, frames.count(len(samples)))
            common = self._common(channels[0], channels[1])
            mask = share(common, 1.0 - common, settings.alpha)
            middle = samples.mean(axis=1, keepdims=True)
            lowest = _LOWEST_HZ * frames.window / rate
            found = masked(middle, rate, frames, lambda _: _above(lowest, mask))
            return np.repeat(found, 2, axis=1)

        return blockwise(mixture, settings, progress, work)

    def _common(self, left: ComplexArray, right: ComplexArray) -> FloatArray:
        """Give the share of the common power in all, 0 … 1, sharpened."""
        from scipy.ndimage import uniform_filter

        cross = uniform_filter(left.real * right.real + left.imag * right.imag, (3, 3))
        power = uniform_filter(np.abs(left) ** 2 + np.abs(right) ** 2, (3, 3))
        common = np.clip(2.0 * cross / np.maximum(power, 1e-12), 0.0, 1.0)
        return np.asarray(common**self.sharpness, dtype=np.float32)


def _above(lowest: float, mask: FloatArray) -> FloatArray:
    """Leave nothing below a bin."""
    mask[: int(np.ceil(lowest))] = 0.0
    return mask


_NO_CENTRE = (
    "mono: the centre cannot be told from the rest; give --solo with anything that shows the solo "
    "(a take, a hummed line, another recording, a score)"
)


def hpss() -> Hpss:
    """Make the method at its usual settings."""
    return Hpss()


def centre() -> Centre:
    """Make the method at its usual settings."""
    return Centre()


def has_centre(mixture: Sound) -> bool:
    """Whether a recording has two channels that differ, looked at in a few places."""
    if mixture.channels != 2:
        return False
    count = min(mixture.length, max(1, round(_LOOK_S * mixture.rate)))
    power = np.zeros((2, 2))
    for start in np.linspace(0, mixture.length - count, _LOOKED_AT).astype(int).tolist():
        channels = mixture.read(start, count).astype(np.float64)
        power += channels.T @ channels
    apart = power[0, 0] * power[1, 1] - power[0, 1] ** 2
    return bool(apart > _LEAST_SIDE * (0.5 * (power[0, 0] + power[1, 1])) ** 2)


def best_method(mixture: Sound, solos: Sequence[Sound], *, fast: bool = False) -> str:
    """Name the best method for what there is.

    With anything that shows the solo, the harmonic model of it. Without, the centre of a stereo
    recording, the weaker way; for a mono one there is none that is worth its noise (`Hpss` can be
    asked for by name).

    Raises
    ------
    BadInputError
        If there is nothing to go by: nothing shows the solo, and the recording is mono.
    """
    if solos:
        return "harmonic-fast" if fast else "harmonic"
    if not has_centre(mixture):
        raise BadInputError(_NO_CENTRE)
    return "centre"
