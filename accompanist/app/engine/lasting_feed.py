"""A feed that outlives its device.

While there is none it lets silence go by, so that the ensemble goes on as it does when the
soloist cannot be heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from accompanist.app.engine.feeds import AudioFeed, Batch, KeyFeed
from accompanist.errors import DeviceError
from accompanist.session import Session

__all__ = ["AnyFeed", "LastingFeed"]

SILENCE_S = 0.01
"""So much silence goes by at a time."""

AnyFeed: TypeAlias = AudioFeed | KeyFeed


class LastingFeed:
    """A feed that outlives its device: see `accompanist.app.engine.feeds.Feed`.

    Parameters
    ----------
    lost : callable
        Told, on the hearing thread, which feed has been lost and why; it has to close it.
    """

    def __init__(self, lost: Callable[[AnyFeed, str], None]) -> None:
        self._lost = lost
        self._inner: AnyFeed | None = None
        self._offset_s = time.monotonic()
        self._done_s = 0.0
        self._xruns = self._lost_samples = 0

    @property
    def xruns(self) -> int:
        """How often the drivers lost input, all devices together."""
        return self._xruns + (self._inner.xruns if self._inner is not None else 0)

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were heard."""
        return self._lost_samples + (self._inner.lost_samples if self._inner is not None else 0)

    @property
    def peak_db(self) -> float:
        """Input level now."""
        return self._inner.peak_db if self._inner is not None else -120.0

    @property
    def advice(self) -> str:
        """What to do about the input level, or nothing."""
        return self._inner.advice if self._inner is not None else "there is no input"

    def start(self) -> None:
        """Have nothing to start: feeds come started."""

    def begin(self) -> None:
        """Count take time from here."""
        self._done_s, self._offset_s = 0.0, time.monotonic()
        if self._inner is not None:
            self._inner.begin()

    def adopt(self, feed: AnyFeed) -> None:
        """Go on with a started feed, where take time is now."""
        self.release()
        feed.begin(self._done_s, self._offset_s)
        self._inner = feed

    def release(self) -> AnyFeed | None:
        """Go on without a device; give the feed that there was, still open."""
        feed, self._inner = self._inner, None
        if feed is not None:
            self._xruns += feed.xruns
            self._lost_samples += feed.lost_samples
        return feed

    def rewind(self) -> None:
        """Let a recording that waits begin."""
        if isinstance(self._inner, AudioFeed):
            self._inner.rewind()

    def set_gate(self, gain_db: float, gate_db: float) -> None:
        """Change gain and gate of the device that there is."""
        if isinstance(self._inner, AudioFeed):
            self._inner.set_gate(gain_db, gate_db)

    def next(self, session: Session | None) -> Batch:
        """Wait for a batch, of silence where there is no device."""
        feed = self._inner
        if feed is None:
            return self._silence(session)
        suits = session is None or _suits(feed, session)
        try:
            batch = feed.next(session if suits else None)
        except DeviceError as error:
            self.release()
            self._lost(feed, str(error))
            return self._silence(session)
        if batch is None:
            self.release()
            self._lost(feed, "the input has ended")
            return self._silence(session)
        if not suits:  # another session is on its way
            return self._silence(session)
        self._offset_s = batch.offset_s
        if isinstance(feed, KeyFeed):
            self._done_s = batch.arrived_s - batch.offset_s
        else:
            self._done_s = batch.start_s + len(batch.samples) / feed.sample_rate
        return batch

    def close(self) -> None:
        """Close the device."""
        feed = self.release()
        if feed is not None:
            feed.close()

    def _silence(self, session: Session | None) -> Batch:
        wait_s = self._offset_s + self._done_s + SILENCE_S - time.monotonic()
        if wait_s > 0.0:
            time.sleep(min(wait_s, SILENCE_S))
        now_s = time.monotonic()
        if session is None:
            self._offset_s, self._done_s = now_s, 0.0
            return Batch(iter(()), now_s, now_s)
        rate, start_s = _rate(session), self._done_s
        count = max(int((now_s - self._offset_s - start_s) * rate), 0)
        self._done_s += count / rate
        samples = np.zeros(count, dtype=np.float32)
        return Batch(session.feed(samples), self._offset_s, now_s, start_s, samples)


def _rate(session: Session) -> int:
    return round(session.hop / session.hop_s)


def _suits(feed: AnyFeed, session: Session) -> bool:
    return isinstance(feed, KeyFeed) or feed.sample_rate == _rate(session)
