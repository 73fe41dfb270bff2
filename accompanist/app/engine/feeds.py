"""What feeds a live session: a microphone's samples, or struck keys against the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.app.engine.gate import Gate
from accompanist.app.engine.level import LevelMeter
from accompanist.app.engine.stream_clock import StreamClock
from accompanist.errors import DeviceError
from accompanist.followers.protocol import PlayedNote
from accompanist.session import Session, Step

__all__ = ["AudioFeed", "AudioSource", "Batch", "Feed", "KeyFeed", "KeySource"]

FloatArray = npt.NDArray[np.float32]

GONE_S = 1.5
"""A device that gives nothing for so long has gone."""
WAIT_S = 0.05
"""So long a feed waits for something to come; commands are obeyed in between."""


def _no_sound() -> FloatArray:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What has come since the last batch."""

    steps: Iterator[Step]
    """The hops that it completes; nothing is computed before they are asked for."""
    offset_s: float
    """Monotonic minus take time."""
    arrived_s: float
    """Monotonic time at which it was there."""
    start_s: float = 0.0
    """Take time of the first sample."""
    samples: FloatArray = field(default_factory=_no_sound)
    """The sound, gain included, gate left aside [shape=(n,)]."""


class Feed(Protocol):
    """Gives what comes from the soloist to a session. One thread calls it."""

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

    def start(self) -> None:
        """Let it come."""
        ...

    def begin(self) -> None:
        """Count take time from here: a new session takes over."""
        ...

    def next(self, session: Session | None) -> Batch | None:
        """Wait a moment for something to come; an empty batch if nothing has, None at the end.

        Without a session what comes is measured and forgotten.

        Raises
        ------
        DeviceError
            The device has gone.
        """
        ...

    def close(self) -> None:
        """Give the device back; closing twice does no harm."""
        ...


class Samples(Protocol):
    """A block from a source: `bridges.audio_ring.Block`."""

    @property
    def samples(self) -> FloatArray: ...
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
    def latency_s(self) -> float: ...
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

    @property
    def present(self) -> bool: ...
    def take(self) -> list[PlayedNote]: ...
    def close(self) -> None: ...


class AudioFeed:
    """Samples from a source into a session.

    Parameters
    ----------
    source : AudioSource
    ends : bool
        Whether the source may end (a file); a microphone that does has been lost.
    settle_s : float
        What comes first is left out for so long: devices wake up with silence and a click.
    rewind : callable, optional
        Lets a recording that waits begin.
    """

    def __init__(
        self,
        source: AudioSource,
        *,
        ends: bool = False,
        settle_s: float = 0.0,
        rewind: Callable[[], None] | None = None,
    ) -> None:
        self._source = source
        self._rate = source.sample_rate
        self._done = round(settle_s * self._rate)
        self._ends = ends
        self._rewind = rewind
        self._meter = LevelMeter(self._rate)
        self._clock = StreamClock(self._rate)
        self._gate = Gate(self._rate)
        self._base = self._done
        self._at_s = 0.0
        self._join_s: float | None = None
        self._last_s = 0.0

    @property
    def sample_rate(self) -> int:
        """Of the sound, Hz."""
        return self._rate

    @property
    def name(self) -> str:
        """Name of the device."""
        return self._source.name

    @property
    def latency_s(self) -> float:
        """From the air to here, as the driver tells."""
        return self._source.latency_s

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

    def set_gate(self, gain_db: float, gate_db: float) -> None:
        """Amplify by ``gain_db``; take for silence what is softer than ``gate_db`` then."""
        self._gate.gain_db, self._gate.gate_db = gain_db, gate_db

    def rewind(self) -> None:
        """Let a recording that waits begin; a microphone has no beginning."""
        if self._rewind is not None:
            self._rewind()

    def start(self) -> None:
        """Start the source.

        Raises
        ------
        DeviceError
            It does not start.
        """
        self._source.start()
        self._last_s = time.monotonic()

    def begin(self, at_s: float = 0.0, offset_s: float | None = None) -> None:
        """Let what comes next have the take time ``at_s``.

        Parameters
        ----------
        at_s : float
            Take time that has been fed up to.
        offset_s : float, optional
            Monotonic minus take time until now. If given, what has been missed since ``at_s`` is
            made up for by silence, so that take time goes on as it did.
        """
        self._base, self._at_s, self._join_s = self._done, at_s, offset_s

    def next(self, session: Session | None) -> Batch | None:
        """Wait for a block; see `Feed.next`.

        Raises
        ------
        DeviceError
            The device has gone in the middle of the take.
        """
        block = self._source.read(WAIT_S)
        if not len(block.samples):
            ended = self._source.ended
            if ended and self._ends:
                return None
            if ended or time.monotonic() - self._last_s > GONE_S:
                raise DeviceError(
                    f"{self._source.name}: gives no sound any more; is it still connected?"
                )
            return Batch(iter(()), self._offset_s(), time.monotonic())
        self._last_s = block.arrived_s
        fresh = block.end_sample - self._done
        if fresh <= 0:  # it settles; drivers begin with a burst, which the clock must not hear of
            return Batch(iter(()), self._offset_s(), block.arrived_s)
        self._clock.hear(block.end_sample, block.arrived_s)
        sound = self._gate.amplified(block.samples[-fresh:])
        self._meter.hear(sound)
        first, self._done = self._done, block.end_sample
        if self._join_s is not None:
            sound, first = self._joined(sound, first)
        start_s = self._at_s + (first - self._base) / self._rate
        steps = iter(()) if session is None else session.feed(self._gate.gated(sound))
        return Batch(steps, self._offset_s(), block.arrived_s, start_s, sound)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _offset_s(self) -> float:
        return self._clock.monotonic_s(self._base / self._rate) - self._at_s

    def _joined(self, sound: FloatArray, first: int) -> tuple[FloatArray, int]:
        """Put silence before the first block, or cut it, so that it comes at its time."""
        join_s, self._join_s = self._join_s or 0.0, None
        came_s = self._clock.monotonic_s(first / self._rate)
        missing = round((came_s - join_s - self._at_s) * self._rate)
        if missing >= 0:
            self._base -= missing
            return np.concatenate((np.zeros(missing, dtype=np.float32), sound)), first - missing
        cut = min(-missing, len(sound))
        self._base += cut
        return sound[cut:], first + cut


class KeyFeed:
    """Struck keys into a session, a hop at a time by the computer's clock."""

    peak_db = -120.0
    advice = ""
    xruns = 0
    lost_samples = 0

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._start_s = 0.0
        self._done_s = 0.0

    @property
    def present(self) -> bool:
        """Whether the keys are still connected; may be asked from another thread."""
        return self._source.present

    def start(self) -> None:
        """Let the keys count from now."""
        self.begin()

    def begin(self, at_s: float = 0.0, offset_s: float | None = None) -> None:
        """Let it be the take time ``at_s`` now, or go on with ``offset_s``; see `AudioFeed`."""
        self._source.take()
        self._start_s = time.monotonic() - at_s if offset_s is None else offset_s
        self._done_s = at_s

    def next(self, session: Session | None) -> Batch | None:
        """Wait for the end of a hop; give its step and those that have been missed."""
        if session is None:
            time.sleep(WAIT_S)
            self._source.take()
            return Batch(iter(()), self._start_s, time.monotonic())
        hop_s = session.hop_s
        due_s = (int(self._done_s / hop_s + 1e-6) + 1) * hop_s
        wait_s = self._start_s + due_s - time.monotonic()
        if wait_s > 0.0:
            time.sleep(wait_s)
        now_s = time.monotonic() - self._start_s
        began_s, self._done_s = self._done_s, max(due_s, int(now_s / hop_s) * hop_s)
        keys = [
            replace(key, time_s=max(key.time_s - self._start_s, 0.0)) for key in self._source.take()
        ]
        steps = session.feed_notes(keys, self._done_s)
        return Batch(steps, self._start_s, self._start_s + self._done_s, began_s)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
