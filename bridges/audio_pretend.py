"""A sound file that comes in as slowly as a microphone would: to try things without a soloist."""

from __future__ import annotations

import threading
import time

import numpy as np
import numpy.typing as npt

from bridges.audio_ring import AudioRing, Block

__all__ = ["PretendInput"]

BLOCK_SAMPLES = 256


class PretendInput:
    """Plays samples into a ring on a thread of its own, in real time.

    Parameters
    ----------
    samples : ndarray [shape=(n,) or (n, channels), dtype=float32]
        Mixed to mono.
    sample_rate : int
    name : str
        What to call it.
    speed : float
        Times real time.
    waits : bool
        Whether there is silence before the file, until `rewind`, and behind it for ever.
    """

    def __init__(
        self,
        samples: npt.NDArray[np.float32],
        sample_rate: int,
        *,
        name: str = "a sound file",
        speed: float = 1.0,
        waits: bool = False,
    ) -> None:
        mixed = samples.mean(axis=1) if samples.ndim == 2 else samples
        self._samples = np.ascontiguousarray(mixed, dtype=np.float32)
        self.sample_rate = sample_rate
        self.name = name
        self.xruns = 0
        self.latency_s = BLOCK_SAMPLES / sample_rate
        self._speed = speed
        self._waits = waits
        self._again = threading.Event()
        self._ring = AudioRing(20 * sample_rate)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pretend input", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether all samples have been written."""
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were read."""
        return self._ring.lost_samples

    def start(self) -> None:
        """Let the samples come."""
        self._thread.start()

    def rewind(self) -> None:
        """Let the file begin now; from any thread."""
        self._again.set()

    def read(self, timeout_s: float) -> Block:
        """Take all samples that have come since the last call; empty after ``timeout_s``."""
        return self._ring.read(timeout_s)

    def close(self) -> None:
        """Stop; closing twice does no harm."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        started_s, done = time.monotonic(), 0
        silence = np.zeros(BLOCK_SAMPLES, dtype=np.float32)
        at = len(self._samples) if self._waits else 0
        while self._waits or at < len(self._samples):
            if self._again.is_set():
                self._again.clear()
                at = 0
            block = self._samples[at : at + BLOCK_SAMPLES]
            at += len(block)
            if not len(block):
                block = silence
            done += len(block)
            due_s = started_s + done / self.sample_rate / self._speed
            if self._stop.wait(max(due_s - time.monotonic(), 0.0)):
                return
            self._ring.write(block, time.monotonic())
