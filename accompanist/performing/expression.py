"""Loudness on its way to the synthesiser: velocities of notes to come, CC 11 of those that sound.

Both are heard as 40 log10 (value / 127) dB (SoundFont 2.04, § 8.4.1 and 8.4.6; so General MIDI
wants it too). An instrument that dies away is left alone once it is struck. One that sustains is
turned down within a note by CC 11, and up again as far as it was turned down before; a note that
is struck while another is turned down is struck so much harder, and so comes out as it should.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Expression", "scaled"]

_FULL = 127
_ROOM_DB = 3.0
"""Once the ensemble leans, a sustained note is struck so much harder, CC 11 holding it down: it
then has room to grow. What is left of it from the note before will do, if it is about as much."""
_LOWEST_DB = -20.0
_STEP_DB = 1.0
_APART_S = 0.02
"""CC 11 goes by such steps, and so far apart: neither a flood nor a zip."""


def scaled(value: int, db: float) -> int:
    """Give the velocity, or the value of CC 11 or 7, that is ``db`` louder; not cut off above.

    >>> scaled(80, 0.0), scaled(80, 6.0), scaled(80, -6.0)
    (80, 113, 57)
    """
    return round(value * math.pow(10.0, db / 40.0))


@dataclass(slots=True)
class _Channel:
    """One channel that sustains: how far CC 11 holds it down, and what it was told last."""

    held_db: float = 0.0
    down: int = 0
    lean_db: float = 0.0
    """The lean for which it was struck."""
    struck_db: float = 0.0
    """How far it was held down then."""
    moved_s: float = float("-inf")

    def wanted_db(self, lean_db: float) -> float:
        return min(max(self.struck_db + lean_db - self.lean_db, _LOWEST_DB), 0.0)


class Expression:
    """What the lean makes of velocities and of CC 11, channel by channel.

    Parameters
    ----------
    sustained : collection of int
        Channels whose instruments sustain.

    Attributes
    ----------
    lean_db : float
        How much louder than written the ensemble is to play.
    """

    def __init__(self, sustained: Collection[int] = ()) -> None:
        self._lean_db = 0.0
        self._leant = False
        self._channels = {channel: _Channel() for channel in sustained}

    @property
    def lean_db(self) -> float:
        return self._lean_db

    @lean_db.setter
    def lean_db(self, lean_db: float) -> None:
        self._lean_db = lean_db
        self._leant |= lean_db != 0.0

    def velocity(self, channel: int, velocity: int) -> int:
        """Velocity to strike with, 1–127."""
        state = self._channels.get(channel)
        db = self.lean_db - (0.0 if state is None else state.held_db)
        return min(127, max(1, scaled(velocity, db))) if db else velocity

    def value(self, channel: int, value: int) -> int:
        """Value of CC 11 to send for one that is written."""
        state = self._channels.get(channel)
        if state is None or not state.held_db:
            return value
        return min(_FULL, max(0, scaled(value, state.held_db)))

    def strike(self, channel: int, velocity: int) -> bool:
        """Take note of a stroke to come; tell whether CC 11 has to change before it."""
        state = self._channels.get(channel)
        if state is None:
            return False
        state.down += 1
        if state.down > 1:
            return False
        before = state.held_db
        above_db = 40.0 * math.log10(_FULL / max(velocity, 1)) - self.lean_db
        most_db = max(above_db, 0.0) if self._leant else 0.0
        room_db = -before if abs(-before - _ROOM_DB) <= _ROOM_DB / 2.0 else _ROOM_DB
        state.held_db = state.struck_db = -min(room_db, most_db)
        state.lean_db = self.lean_db
        return state.held_db != before

    def release(self, channel: int) -> None:
        """Take note that a key goes up."""
        state = self._channels.get(channel)
        if state is not None and state.down > 0:
            state.down -= 1

    def glide(self, time_s: float) -> list[int]:
        """Let CC 11 of what sounds follow the lean a step; give the channels where it changed."""
        changed = []
        for channel, state in self._channels.items():
            if not state.down or time_s - state.moved_s < _APART_S:
                continue
            way_db = state.wanted_db(self.lean_db) - state.held_db
            if way_db:
                state.held_db += min(max(way_db, -_STEP_DB), _STEP_DB)
                state.moved_s = time_s
                changed.append(channel)
        return changed

    @property
    def next_s(self) -> float:
        """When `glide` has more to do; infinite if it has not."""
        return min(
            (
                state.moved_s + _APART_S
                for state in self._channels.values()
                if state.down and state.wanted_db(self.lean_db) != state.held_db
            ),
            default=float("inf"),
        )

    def rest(self) -> None:
        """Hold nothing down any more: nothing sounds, or is to."""
        self._leant = self.lean_db != 0.0
        for state in self._channels.values():
            state.held_db = state.struck_db = 0.0
            state.lean_db = self.lean_db
