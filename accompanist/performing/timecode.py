"""MIDI time code: linear time for whoever rolls with the take, as bytes.

Unlike the clock it knows nothing of beats: a recorder that chases it runs at speed 1.0 whatever
the music does, and finds the take's zero. Source: MIDI Time Code, MMA RP-004/RP-008: eight quarter
frames spell one time and take two frames; they spell the time at which the first of them is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite

__all__ = ["FRAME_RATES", "TimecodeEvent", "TimecodeLine", "full_frame", "quarter_frame"]

FRAME_RATES = {25: 1, 30: 3}
"""Frames a second (30 without dropping) and the code of it in the hours' bits."""
_DAY_S = 24 * 60 * 60
_PIECES = 8
_SAME_FRAME = 1e-6


@dataclass(frozen=True, slots=True)
class TimecodeEvent:
    """Bytes that are to be sent at a take time."""

    time_s: float
    data: bytes


def quarter_frame(frame: int, piece: int, fps: int = 30) -> bytes:
    """Give one eighth of the time of a frame: ``F1`` and a nibble.

    >>> [quarter_frame(61, piece).hex() for piece in range(8)]
    ['f101', 'f110', 'f122', 'f130', 'f140', 'f150', 'f160', 'f176']
    """
    hours, minutes, seconds, frames = _split(frame, fps)
    value = (frames, seconds, minutes, FRAME_RATES[fps] << 5 | hours)[piece // 2]
    nibble = value >> 4 if piece % 2 else value & 0x0F
    return bytes((0xF1, piece << 4 | nibble))


def full_frame(frame: int, fps: int = 30) -> bytes:
    """Give the time of a frame at once, for whoever stands: a locate.

    >>> full_frame(30 * 3661 + 7).hex(' ')
    'f0 7f 7f 01 01 61 01 01 07 f7'
    """
    hours, minutes, seconds, frames = _split(frame, fps)
    rate_hours = FRAME_RATES[fps] << 5 | hours
    return bytes((0xF0, 0x7F, 0x7F, 0x01, 0x01, rate_hours, minutes, seconds, frames, 0xF7))


def _split(frame: int, fps: int) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds, frames; after a day it begins again."""
    seconds, frames = divmod(frame % (_DAY_S * fps), fps)
    return seconds // 3600, seconds // 60 % 60, seconds % 60, frames


class TimecodeLine:
    """Says which bytes of time code are due. Pure; not thread-safe.

    Parameters
    ----------
    fps : int
        25 or 30 frames a second.

    Raises
    ------
    ValueError
        Any other number of frames.

    Notes
    -----
    `roll` begins, `halt` ends, `locate` tells a place while it stands (or moves it while it
    rolls). Each of them has one full frame sent, but `halt`: silence is how time code stops. The
    first quarter frame after it is that of the next even frame, so that receivers, which want two
    whole frames, are in step as soon as can be.
    """

    def __init__(self, fps: int = 30) -> None:
        if fps not in FRAME_RATES:
            known = " or ".join(map(str, FRAME_RATES))
            raise ValueError(f"time code has {known} frames a second here, not {fps}")
        self._fps = fps
        self._zero_s = 0.0
        self._rolling = False
        self._full: TimecodeEvent | None = None
        self._next_quarter = 0
        self._now_s = float("-inf")

    @property
    def rolling(self) -> bool:
        """Whether quarter frames are being sent."""
        return self._rolling

    @property
    def next_s(self) -> float:
        """When the next bytes are due; infinite while it stands."""
        if self._full is not None:
            return self._full.time_s
        return self._time_of(self._next_quarter) if self._rolling else float("inf")

    def roll(self, time_s: float, at_s: float = 0.0) -> None:
        """Run from ``time_s`` on; the code shows ``at_s`` then.

        Raises
        ------
        ValueError
            A time that is no number.
        """
        self._rolling = True
        self.locate(time_s, at_s)

    def locate(self, time_s: float, at_s: float) -> None:
        """Show ``at_s`` at ``time_s``, running or not.

        Raises
        ------
        ValueError
            A time that is no number.
        """
        if not (isfinite(time_s) and isfinite(at_s)):
            raise ValueError("time code wants a time")
        time_s, at_s = max(time_s, self._now_s), max(at_s, 0.0)
        self._zero_s = time_s - at_s
        frame = int(at_s * self._fps + _SAME_FRAME)
        self._full = TimecodeEvent(time_s, full_frame(frame, self._fps))
        even = 2 * ceil(at_s * self._fps / 2.0 - _SAME_FRAME)
        self._next_quarter = 4 * even

    def halt(self) -> None:
        """Send nothing more."""
        self._rolling, self._full = False, None

    def shift(self, by_s: float) -> None:
        """Move with the origin of take time; the code shows the same and goes on."""
        self._zero_s += by_s
        self._now_s += by_s
        if self._full is not None:
            self._full = TimecodeEvent(self._full.time_s + by_s, self._full.data)

    def skip(self, time_s: float) -> None:
        """Leave out what was not asked for before ``time_s``; a full frame says where it is."""
        if time_s > self._now_s:
            self._now_s = time_s
            if self._rolling:
                self.locate(time_s, time_s - self._zero_s)

    def due(self, until_s: float) -> tuple[TimecodeEvent, ...]:
        """Give bytes due before ``until_s`` and not given yet, in order."""
        out: list[TimecodeEvent] = []
        while self.next_s < until_s:
            if self._full is not None:
                out.append(self._full)
                self._full = None
                continue
            frame, piece = divmod(self._next_quarter, 4)
            piece += 4 * (frame % 2)
            data = quarter_frame(frame - frame % 2, piece, self._fps)
            out.append(TimecodeEvent(self._time_of(self._next_quarter), data))
            self._next_quarter += 1
        self._now_s = max(self._now_s, until_s)
        return tuple(out)

    def _time_of(self, quarter: int) -> float:
        """When a quarter frame is sent; counted from the zero, so that nothing adds up."""
        return self._zero_s + quarter / (4.0 * self._fps)
