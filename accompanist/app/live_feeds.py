"""What feeds a live session: a microphone's samples, or struck keys against the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.app.level import LevelMeter
from accompanist.app.solo_recorder import SoloRecorder
from accompanist.app.stream_clock import StreamClock
from accompanist.errors import DeviceError
from accompanist.followers.protocol import PlayedNote
from accompanist.session import Session, Step

__all__ = ["AudioFeed", "AudioSource", "Batch", "Feed", "KeyFeed", "KeySource"]

GONE_S = 3.0
"""A device that gives nothing for so long has gone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps that can be had now, and monotonic minus take time."""

    steps: Iterator[Step]
    offset_s: float


class Feed(Protocol):
    """Feeds a session until told to stop, or until its source ends."""

    @property
    def xruns(self) -> int:
        """How often the driver lost input."""
        ...

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were heard."""
        ...

    @property
    def peak_db(self) -> float:
        """Input level now."""
        ...

    @property
    def advice(self) -> str:
        """What the soloist should do about it, or nothing."""
        ...

    def batches(self, session: Session, stopping: threading.Event) -> Iterator[Batch]:
        """Give steps as they come; an empty batch now and then, so that commands are obeyed."""
        ...

    def close(self) -> None:
        """Give the device back; closing twice does no harm."""
        ...


class Samples(Protocol):
    """A block from a source: `bridges.audio_ring.Block`."""

    @property
    def samples(self) -> npt.NDArray[np.float32]: ...
    @property
    def end_sample(self) -> int: ...
    @property
    def arrived_s(self) -> float: ...


class AudioSource(Protocol):
    """Sound that comes in: `bridges.audio_live.MicrophoneInput`, or a file that pretends."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def ended(self) -> bool: ...
    @property
    def xruns(self) -> int: ...
    @property
    def lost_samples(self) -> int: ...
    def start(self) -> None: ...
    def read(self, timeout_s: float) -> Samples: ...
    def close(self) -> None: ...


class KeySource(Protocol):
    """Keys that are struck, with monotonic times: a MIDI input, or taps."""

    def take(self) -> list[PlayedNote]: ...
    def close(self) -> None: ...


class AudioFeed:
    """Samples from a source into the session and to the recorder.

    Parameters
    ----------
    source : AudioSource
    recorder : SoloRecorder, optional
    ends : bool
        Whether the source may end (a file); a microphone that does has been lost.
    settle_s : float
        What comes first is left out for so long: devices wake up with silence and a click.
    """

    def __init__(
        self,
        source: AudioSource,
        recorder: SoloRecorder | None = None,
        *,
        ends: bool = False,
        settle_s: float = 0.0,
    ) -> None:
        self._source = source
        self._settle_samples = round(settle_s * source.sample_rate)
        self._recorder = recorder
        self._ends = ends
        self._meter = LevelMeter(source.sample_rate)
        self._clock = StreamClock(source.sample_rate)

    @property
    def peak_db(self) -> float:
        """Input level now, dB below full scale."""
        return self._meter.peak_db

    @property
    def advice(self) -> str:
        """What to do about the input level, or nothing."""
        return self._meter.advice

    @property
    def xruns(self) -> int:
        """How often the driver lost input."""
        return self._source.xruns

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were heard."""
        return self._source.lost_samples

    def batches(self, session: Session, stopping: threading.Event) -> Iterator[Batch]:
        """Give the steps of each block as it arrives.

        Raises
        ------
        DeviceError
            The device has gone in the middle of the take.
        """
        self._source.start()
        last_s = time.monotonic()
        while not stopping.is_set():
            block = self._source.read(0.05)
            if not len(block.samples):
                ended = self._source.ended
                if ended and self._ends:
                    return
                if ended or time.monotonic() - last_s > GONE_S:
                    raise DeviceError(
                        f"{self._source.name}: gives no sound any more; is it still connected?"
                    )
                yield Batch(iter(()), 0.0)
                continue
            last_s = block.arrived_s
            samples = block.samples
            end_sample = block.end_sample - self._settle_samples
            if end_sample < len(samples):
                samples = samples[len(samples) - max(end_sample, 0) :]
            if not len(samples):
                continue
            self._clock.hear(end_sample, block.arrived_s)
            self._meter.hear(samples)
            if self._recorder is not None:
                self._recorder.write(samples)
            yield Batch(session.feed(samples), self._clock.monotonic_s(0.0))

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class KeyFeed:
    """Struck keys into the session, a hop at a time by the computer's clock."""

    peak_db = -120.0
    advice = ""
    xruns = 0
    lost_samples = 0

    def __init__(self, source: KeySource) -> None:
        self._source = source

    def batches(self, session: Session, stopping: threading.Event) -> Iterator[Batch]:
        """Give the step of each hop when it is over."""
        self._source.take()  # what was struck before does not count
        start_s = time.monotonic()
        hops = 0
        while not stopping.is_set():
            hops += 1
            wait_s = start_s + hops * session.hop_s - time.monotonic()
            if wait_s > 0.0:
                stopping.wait(wait_s)
            else:
                hops = int((time.monotonic() - start_s) / session.hop_s)
            now_s = hops * session.hop_s
            keys = [
                replace(key, time_s=max(key.time_s - start_s, 0.0)) for key in self._source.take()
            ]
            yield Batch(session.feed_notes(keys, now_s), start_s)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
