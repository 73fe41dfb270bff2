"""How far a warping path can be believed: how well it fits, and whether it is alone."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Trust"]

FloatArray = npt.NDArray[np.float64]

_MEMORY_S: Final = 1.0
_EVEN: Final = 0.6
_WIDTH: Final = 0.06
_FIRST: Final = 0.4
_SHARPNESS: Final = 1.0
_LOST: Final = 0.2
_LOST_AFTER_S: Final = 1.5


class Trust:
    """Confidence and the state of being lost, from distances and path costs.

    Parameters
    ----------
    frame_s : float
    """

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._distance = _FIRST
        self._low_s = 0.0
        self.confidence = 1.0

    def weigh(self, distance: float, costs: FloatArray, best: int, reach: int) -> None:
        """Take in one frame.

        Parameters
        ----------
        distance : float
            From what is heard to what is expected where the path is.
        costs : ndarray [shape=(n,)]
            Path costs of the neighbourhood, not normalised; inf where there is no path.
        best : int
            Where in it the path is.
        reach : int
            Frames in a beat.
        """
        weight = min(1.0, self._frame_s / _MEMORY_S)
        self._distance += weight * (distance - self._distance)
        fits = 1.0 / (1.0 + np.exp((self._distance - _EVEN) / _WIDTH))
        # Costs grow along the score as well: what a place costs beyond the longer way to it.
        longer = np.arange(len(costs)) - best
        beyond = costs - costs[best] - self._distance * longer
        likely = np.exp(-_SHARPNESS * np.clip(beyond, -30.0, 700.0))
        near = likely[max(0, best - reach) : best + reach + 1].sum()
        self.confidence = float(np.clip(fits * near / max(likely.sum(), 1e-300), 0.0, 1.0))
        self._low_s = self._low_s + self._frame_s if fits < _LOST else 0.0

    @property
    def lost(self) -> bool:
        """Whether nothing has fitted for a while."""
        return self._low_s >= _LOST_AFTER_S
