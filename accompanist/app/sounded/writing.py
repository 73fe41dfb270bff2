"""The writer's end, for those who have what sounds as arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridges.shared_sound import CAPACITY, HEAD_BYTES, WRITTEN, SharedSound

__all__ = ["SoundedWriter"]

FloatArray = npt.NDArray[np.float32]


class SoundedWriter:
    """Puts down what is handed to a device, by the frames of the device. One thread writes.

    Parameters
    ----------
    shared : SharedSound
    """

    def __init__(self, shared: SharedSound) -> None:
        self._shared = shared
        self._ring: FloatArray = np.frombuffer(
            shared.memory, dtype=np.float32, count=CAPACITY, offset=HEAD_BYTES
        )

    def begin(self, sample_rate: int) -> None:
        """Write for a device that counts from 0, at this rate."""
        self._shared.begin(sample_rate)

    def write(self, frame: int, samples: FloatArray, at_s: float) -> None:
        """Put down frames [shape=(n, 2)], the first one handed over at a monotonic time.

        Parameters
        ----------
        frame : int
            Of the first of them; those left out before it are silent.
        samples : ndarray [shape=(n, 2)]
            At most as many as the ring has.
        at_s : float
        """
        words = self._shared.words
        skipped = min(max(frame - words[WRITTEN], 0), CAPACITY)
        self._put(frame - skipped, np.zeros(skipped, dtype=np.float32))
        self._put(frame, samples.mean(axis=1, dtype=np.float32))
        words[WRITTEN] = frame + len(samples)
        self._shared.anchor(frame, at_s)

    def _put(self, frame: int, sound: FloatArray) -> None:
        place = frame % CAPACITY
        fits = min(len(sound), CAPACITY - place)
        self._ring[place : place + fits] = sound[:fits]
        self._ring[: len(sound) - fits] = sound[fits:]
