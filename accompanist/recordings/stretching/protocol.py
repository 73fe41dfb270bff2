"""What a stretcher is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = ["MakeStretcher", "Stretcher"]

FloatArray = npt.NDArray[np.float32]


class Stretcher(Protocol):
    """Gives the sound of a recording from any place on, at any rate. Not thread-safe.

    Positions are samples of the sound, fractions included. Rates are samples of the sound a sample
    given: above 1 it goes faster than recorded, at 0 it stays where it is.
    """

    @property
    def lookahead(self) -> int:
        """Samples to come that a new rate changes nothing of any more."""
        ...

    @property
    def position(self) -> float:
        """Position of the next sample to be given."""
        ...

    @property
    def head(self) -> float:
        """Position that will have been reached after ``lookahead`` more samples."""
        ...

    def locate(self, position: float, rate: float) -> None:
        """Go on from ``position``, at first at ``rate``."""
        ...

    def render(self, count: int, rate: float) -> FloatArray:
        """Give the next samples [shape=(count, channels)]; `head` moves on by count · rate."""
        ...


MakeStretcher = Callable[[Sound], Stretcher]
"""Makes a stretcher of a sound; its output has the sound's rate and channels."""
