"""What is heard in a recording: the reference that a soloist is followed by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = ["Reference", "analyse_reference", "load_reference"]


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Spectra of a recording, a row a hop; may lie on disk (memory-mapped).

    Attributes
    ----------
    hop_s : float
        From row to row.
    spectra : ndarray [shape=(frames, bands), dtype=float16]
        Magnitudes of the bank (`accompanist.hearing.bank`), causal: row i knows the sound up to
        (i + 1) · hop_s.
    """

    hop_s: float
    spectra: npt.NDArray[np.float16]

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return len(self.spectra) * self.hop_s


def analyse_reference(
    sound: Sound, folder: Path, progress: Callable[[float], None] | None = None
) -> None:
    """Hear a whole recording, block by block, and write its reference into a folder.

    ``progress`` is told the seconds of the recording done since it was last told.
    """
    raise NotImplementedError


def load_reference(folder: Path) -> Reference:
    """Open the reference that lies in a folder; its rows stay on disk until they are looked at."""
    raise NotImplementedError
