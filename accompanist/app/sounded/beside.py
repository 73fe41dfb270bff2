"""What the ensemble sounds beside the soloist, hop by hop, as a live session asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.sounded.reading import SoundedReader
from accompanist.app.sounded.rings import SOURCES, shared_sound

__all__ = ["EnsembleSound"]

FloatArray = npt.NDArray[np.float32]


class EnsembleSound:
    """The sum of all that our own processes sound. For the hearing thread.

    Parameters
    ----------
    board : Path
        In whose file they put it down.
    sample_rate : int
        Of the microphone.

    Raises
    ------
    OSError, ValueError
        There is no board.
    """

    def __init__(self, board: Path, sample_rate: int) -> None:
        self._readers = [SoundedReader(shared_sound(board, s), sample_rate) for s in SOURCES]
        self._offset_s = 0.0
        self.known = False
        """Whether anything was put down for the hop that was asked for last; from any thread."""

    def shift(self, offset_s: float) -> None:
        """Say what monotonic minus take time is from now on."""
        self._offset_s = offset_s

    def __call__(self, start_s: float, count: int) -> FloatArray | None:
        """Give what sounds in the hop that begins at a take time [shape=(count,)], mono.

        None where no process of ours sounds.
        """
        found: FloatArray | None = None
        for reader in self._readers:
            sound = reader.read(start_s + self._offset_s, count)
            if sound is not None:
                found = sound if found is None else found + sound
        self.known = found is not None
        return found
