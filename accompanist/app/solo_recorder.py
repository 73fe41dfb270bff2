"""The soloist's sound, written to disk while they play."""

from __future__ import annotations

import queue
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError

__all__ = ["SoloRecorder"]

FloatArray = npt.NDArray[np.float32]


class SoloRecorder:
    """Writes blocks to a WAV file (24 bit) in a temporary folder on a thread of its own.

    `run` is the body of that thread; `write` never waits for the disk.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._folder = tempfile.TemporaryDirectory(prefix="accompanist-")
        self.path = Path(self._folder.name) / "solo.wav"
        self._blocks: queue.SimpleQueue[FloatArray | None] = queue.SimpleQueue()

    def write(self, samples: FloatArray) -> None:
        """Append a block [shape=(n,)]."""
        self._blocks.put(samples)

    def close(self) -> None:
        """Let `run` write what is left, and return."""
        self._blocks.put(None)

    def run(self) -> None:
        """Write until `close`.

        Raises
        ------
        AccompanistError
            The disk is full or may not be written to.
        """
        import soundfile

        try:
            with soundfile.SoundFile(
                self.path, "w", self.sample_rate, channels=1, subtype="PCM_24"
            ) as file:
                while (block := self._blocks.get()) is not None:
                    file.write(np.clip(np.nan_to_num(block), -1.0, 1.0))
        except (OSError, soundfile.SoundFileError) as error:
            raise AccompanistError(
                f"{self.path}: the soloist cannot be recorded ({error}); make room on the disk"
            ) from error

    def take(self) -> FloatArray:
        """Read back what was recorded, once `run` has returned [shape=(n, 1)]."""
        import soundfile

        if not self.path.is_file():
            return np.zeros((0, 1), dtype=np.float32)
        samples, _ = soundfile.read(self.path, dtype="float32", always_2d=True)
        return np.asarray(samples, dtype=np.float32)

    def discard(self) -> None:
        """Remove the file."""
        self._folder.cleanup()
