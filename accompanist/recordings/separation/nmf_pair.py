"""What shows the solo, frame by frame in the recording's own time: the U(t) beside each X(s)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.solo_alignment import align_line, listen
from accompanist.recordings.separation.solo_pitch import magnitudes, track_pitch
from accompanist.recordings.separation.stft import Frames
from accompanist.recordings.sound import Sound

__all__ = ["AlignedSolo", "aligned_solos"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_RUN = 400
"""Frames that are read at once."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedSolo:
    """A sound that shows the solo, and where in it each frame of the recording is.

    Attributes
    ----------
    sound : Sound
    frames : Frames
        That it is cut into, at its own rate.
    bin_ratio : float
        Its bins to one of the recording's.
    semitones : int
        That it has to be moved by to sound where the recording does.
    at : ndarray [shape=(frames of the recording,), dtype=int64]
        Its frame at each of the recording's; −1 where it shows nothing.
    """

    sound: Sound
    frames: Frames
    bin_ratio: float
    semitones: int
    at: IntArray
    top_hz: float

    def magnitudes(self, wanted: IntArray, bins: int) -> FloatArray:
        """Give magnitudes at frames of the recording [shape=(bins, frames)], 0 where it is not."""
        out = np.zeros((bins, len(wanted)), dtype=np.float32)
        where = self.at[wanted]
        shown = np.flatnonzero(where >= 0)
        for start in range(0, len(shown), _RUN):
            here = shown[start : start + _RUN]
            first, last = int(where[here].min()), int(where[here].max())
            if last - first > 8 * _RUN:  # frames far apart are read one by one
                for one in here:
                    out[:, one] = self._read(int(where[one]), 1, bins)[0]
                continue
            out[:, here] = self._read(first, last - first + 1, bins)[where[here] - first].T
        return out

    def _read(self, first: int, count: int, bins: int) -> FloatArray:
        """Read frames on the recording's bins [shape=(count, bins)]."""
        ratio = self.bin_ratio * 2.0 ** (-self.semitones / 12.0)
        found = magnitudes(self.sound, self.frames, first, count, self.top_hz * max(ratio, 1.0))
        position = np.arange(bins) * ratio
        low = np.minimum(position.astype(np.int64), found.shape[1] - 1)
        high = np.minimum(low + 1, found.shape[1] - 1)
        part = (position - low).astype(np.float32)
        spread = found[:, low] * (1.0 - part) + found[:, high] * part
        spread[:, position > found.shape[1] - 1] = 0.0
        return np.asarray(spread, dtype=np.float32)


def aligned_solos(
    mixture: Sound,
    solos: Sequence[Sound],
    frames: Frames,
    top_hz: float,
    told: Callable[[float], None] | None = None,
) -> list[AlignedSolo]:
    """Bring what shows the solo to the recording's time.

    ``told`` hears of the seconds of the mixture listened to.

    Raises
    ------
    BadInputError
        If one of them has no pitch or fits nowhere.
    """
    listened = listen(mixture, frames, told)
    count = frames.count(mixture.length)
    hop_s = frames.hop / mixture.rate
    found = []
    for sound in solos:
        alignment = align_line(listened, track_pitch(sound))
        own = Frames.lasting(sound.rate, frames.window / mixture.rate, hop_s)
        seconds = alignment.rows_at(count) * alignment.row_s
        at = np.rint(np.nan_to_num(seconds, nan=0.0) * sound.rate / own.hop).astype(np.int64)
        at = np.where(np.isnan(seconds), -1, np.minimum(at, own.count(sound.length) - 1))
        found.append(
            AlignedSolo(
                sound,
                own,
                (mixture.rate / frames.window) / (sound.rate / own.window),
                alignment.transposed,
                at,
                top_hz,
            )
        )
    return found
