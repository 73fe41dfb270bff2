"""What a way of taking the soloist out is, the table of them, and the driver that runs one.

A method gives the solo that it hears in the recording, block after block. The accompaniment is what
is left: mixture = solo + accompaniment, sample for sample, whatever the method does. Nothing here
holds more of a recording than a block.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError, UsageError
from accompanist.recordings.sound import Sound

__all__ = [
    "METHOD_NAMES",
    "Method",
    "Progress",
    "SeparationSettings",
    "Write",
    "default_method",
    "make_method",
    "separate",
]

FloatArray = npt.NDArray[np.float32]


class Progress(Protocol):
    """Told of work done, now and then; may raise, which ends the work.

    The amounts are seconds of the mixture done since it was last told; however many passes a method
    makes, they add up to the mixture's duration.
    """

    def __call__(self, seconds: float, /) -> None: ...


Write = Callable[[FloatArray, FloatArray], None]
"""Takes the next block of accompaniment and of solo [each shape=(n, channels)]."""


@dataclass(frozen=True, slots=True)
class SeparationSettings:
    """What a user may choose.

    Attributes
    ----------
    alpha : float
        Weight of the solo in the mask: 0 takes nothing out, 1 what the model says, more takes the
        solo out harder at the price of the accompaniment.
    seed : int
        Of whatever is drawn at random; the same seed gives the same samples.
    block_s, overlap_s : float
        Length of the blocks that are worked on at once, the overlap of neighbours included, in
        which their masks are cross-faded.
    """

    alpha: float = 1.0
    seed: int = 0
    block_s: float = 40.0
    overlap_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha <= 100.0:
            raise UsageError(f"alpha {self.alpha} is not between 0 and 100")
        if not 0.0 < 2.0 * self.overlap_s <= self.block_s:
            raise UsageError("a block must be at least twice as long as the overlap of two")


class Method(Protocol):
    """A way of hearing the soloist in a recording."""

    @property
    def name(self) -> str: ...

    @property
    def needs_solo(self) -> bool:
        """Whether it cannot do without a sound that shows the solo."""
        ...

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        """Give the solo within the mixture as consecutive blocks [shape=(n, channels)].

        Together exactly the mixture's length. ``solos`` are sounds that show the solo: of any rate
        and number of channels, with another sound, tempo and timing than the mixture's, perhaps in
        another octave, perhaps of a part of it only.

        Raises
        ------
        BadInputError
            Where the solos do not fit the mixture.
        """
        ...


_TABLE: dict[str, tuple[str, str]] = {
    "harmonic": ("accompanist.recordings.separation.harmonic", "full_quality"),
    "harmonic-fast": ("accompanist.recordings.separation.harmonic", "fast"),
    "nmf": ("accompanist.recordings.separation.nmf", "method"),
    "hpss": ("accompanist.recordings.separation.simple", "hpss"),
    "centre": ("accompanist.recordings.separation.simple", "centre"),
}
"""Module, and the function in it that makes the method; imported only when it is asked for."""

METHOD_NAMES: tuple[str, ...] = tuple(_TABLE)


def make_method(name: str) -> Method:
    """Make the method of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in _TABLE:
        raise UsageError(f"no separation method {name!r}: there are {', '.join(METHOD_NAMES)}")
    module, maker = _TABLE[name]
    made: Method = getattr(importlib.import_module(module), maker)()
    return made


def default_method(mixture: Sound, solos: Sequence[Sound]) -> str:
    """Name the method for what is there.

    Without a solo, the centre of a stereo recording; in mono, the harmonic rest: both are
    the weaker way.
    """
    if solos:
        return "harmonic"
    return "centre" if mixture.channels == 2 else "hpss"


def separate(
    mixture: Sound,
    solos: Sequence[Sound],
    method: Method,
    settings: SeparationSettings,
    write: Write,
    progress: Progress | None = None,
) -> None:
    """Take the soloist out of a recording.

    Parameters
    ----------
    mixture : Sound
    solos : sequence of Sound
        Whatever shows the solo; may be empty where the method allows it.
    method : Method
    settings : SeparationSettings
    write : Write
        Is given consecutive blocks, together exactly as long as the mixture; their sum is the
        mixture (to the rounding of 32-bit floats).
    progress : Progress, optional

    Raises
    ------
    UsageError
        If the method needs a solo and there is none.
    BadInputError
        If the mixture is empty or the solos do not fit it.
    """
    if method.needs_solo and not solos:
        raise UsageError(f"the method {method.name!r} needs a sound that shows the solo")
    if mixture.length == 0:
        raise BadInputError("the recording is empty: nothing to separate")
    start = 0
    for block in method.solo(mixture, solos, settings, progress or _nobody):
        solo = np.ascontiguousarray(block, dtype=np.float32)
        mixed = mixture.read(start, len(solo))
        if solo.shape != mixed.shape or start + len(solo) > mixture.length:
            raise AssertionError(f"{method.name}: solo {solo.shape} for mixture {mixed.shape}")
        start += len(solo)
        write(mixed - solo, solo)
    if start != mixture.length:
        raise AssertionError(f"{method.name}: {start} samples of {mixture.length}")


def _nobody(seconds: float, /) -> None:
    pass
