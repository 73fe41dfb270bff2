"""What a recording sounds like at any moment, by the newest cue and the mixing desk.

No device, no thread and no clock of its own. A sample for take time *t* is handed to the device at
*t* of the computer's clock, as a MIDI message sent at *t* is: the delay of the device behind that
belongs to the latency that the conductor takes off. Times are monotonic seconds unless they are
named otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.performing.cue import Cue

__all__ = ["CueBoard", "RecordingCore", "Sounding"]

FloatArray = npt.NDArray[np.float32]

STALE_S = 1.0
"""While the engine has published nothing for so long, nothing sounds."""
ORIGIN_S = 0.5
"""Take time that shifts by more than this has a new origin."""
FADE_S = 0.012
"""So long silence takes to come, and sound to come back."""
HIGHEST_DB = 12.0
LOWEST_DB = -90.0
"""From here on down there is nothing."""


class CueBoard(Protocol):
    """What is read of `accompanist.app.processes.board.Board`."""

    @property
    def version(self) -> int: ...
    @property
    def read_version(self) -> int: ...
    @property
    def heartbeat_s(self) -> float: ...
    def read(self) -> tuple[Cue, float] | None: ...


class Sounding(Protocol):
    """What is used of `accompanist.performing.playback.player.Playback`."""

    solo_level: float
    gain: float

    @property
    def source_s(self) -> float | None: ...
    def take(self, cue: Cue) -> None: ...
    def render(self, start_s: float, count: int) -> FloatArray: ...


class RecordingCore:
    """Renders a recording by the cues on a board. Not thread-safe.

    Parameters
    ----------
    board : CueBoard
    now : callable
        Monotonic time.
    """

    def __init__(self, board: CueBoard, now: Callable[[], float]) -> None:
        self._board = board
        self._now = now
        self._rate = 48_000
        self._playback: Sounding | None = None
        self._loaded_s = float("-inf")
        self._silent_version: int | None = None
        self._seen = -1
        self._cue: Cue | None = None
        self._jumps = 0
        self._offset_s: float | None = None
        self._level = 0.0
        self._solo_level, self._gain_db, self._pan, self._mute = 0.0, 0.0, 0.0, False
        self._sides = np.ones(2)

    @property
    def loaded(self) -> bool:
        """Whether there is anything to play."""
        return self._playback is not None

    @property
    def source_s(self) -> float | None:
        """Second of the recording that was rendered last; None where nothing sounds."""
        if self._playback is None or self._level == 0.0:
            return None
        return self._playback.source_s

    def load(self, playback: Sounding, sample_rate: int, asked_s: float) -> None:
        """Play this from the next cue on.

        Parameters
        ----------
        playback : Sounding
        sample_rate : int
            Samples a second that are rendered from now on.
        asked_s : float
            When it was asked for: what was published before is about another piece.
        """
        self._playback, self._rate, self._loaded_s = playback, sample_rate, asked_s
        self._cue, self._seen, self._silent_version = None, -1, None
        self._level = 0.0
        self._balance()

    def unload(self) -> None:
        """Play nothing before the next `load`."""
        self._playback = None
        self._level = 0.0

    def mix(self, control: str, value: float) -> None:
        """Set ``solo`` (0–1), ``gain`` (dB), ``pan`` (−1…1) or ``mute``; out of range is cut off.

        Raises
        ------
        ValueError
            There is no such control.
        """
        match control:
            case "solo":
                self._solo_level = min(max(value, 0.0), 1.0)
            case "gain":
                self._gain_db = min(value, HIGHEST_DB)
            case "pan":
                self._pan = min(max(value, -1.0), 1.0)
            case "mute":
                self._mute = bool(value)
            case _:
                raise ValueError(f"a recording has no control {control!r}")
        self._balance()

    def silence(self) -> None:
        """Fade out now, and play nothing before there is a new cue."""
        self._silent_version = self._board.version

    def render(self, at_s: float, count: int) -> FloatArray:
        """Give the frames [shape=(count, 2)] whose first one is handed over at ``at_s``."""
        self._read()
        playback = self._playback
        wanted = 1.0 if self._plays() else 0.0
        if playback is None or self._offset_s is None or (wanted == self._level == 0.0):
            self._level = 0.0
            return np.zeros((count, 2), dtype=np.float32)
        sound = playback.render(at_s - self._offset_s, count)
        return self._panned(sound) * self._faded(wanted, count)

    def _read(self) -> None:
        board = self._board
        version = board.version
        if version in (self._seen, self._silent_version):
            return
        if board.heartbeat_s <= self._loaded_s:
            return  # this one is about another piece
        found = board.read()
        self._seen = board.read_version
        if found is None or self._seen == self._silent_version:
            return
        self._silent_version = None
        self._take(*found)

    def _take(self, cue: Cue, offset_s: float) -> None:
        before, former_s = self._cue, self._offset_s
        moved = former_s is not None and abs(former_s - offset_s) > ORIGIN_S
        if before is None or moved or before.jumps != cue.jumps:
            self._jumps += 1  # whoever counts anew has jumped, too
        self._cue, self._offset_s = cue, offset_s
        if self._playback is not None:
            self._playback.take(replace(cue, jumps=self._jumps))

    def _plays(self) -> bool:
        """Whether anything may sound: there is a cue, and the engine lives."""
        if self._cue is None or self._silent_version is not None:
            return False
        return self._now() - self._board.heartbeat_s < STALE_S

    def _balance(self) -> None:
        if self._playback is not None:
            silent = self._mute or self._gain_db <= LOWEST_DB
            self._playback.gain = 0.0 if silent else 10.0 ** (self._gain_db / 20.0)
            self._playback.solo_level = self._solo_level

    def _panned(self, sound: FloatArray) -> FloatArray:
        """Give both sides, the balance moving evenly over the block."""
        pan = self._pan
        wanted = np.array((min(1.0 - pan, 1.0), min(1.0 + pan, 1.0)))
        if sound.shape[1] == 1:
            sound = np.repeat(sound, 2, axis=1)
        if np.array_equal(wanted, self._sides):
            if pan == 0.0:
                return sound
            return np.asarray(sound * wanted.astype(np.float32), dtype=np.float32)
        ramp = np.linspace(self._sides, wanted, len(sound), dtype=np.float32)
        self._sides = wanted
        return np.asarray(sound * ramp, dtype=np.float32)

    def _faded(self, wanted: float, count: int) -> FloatArray:
        """Loudness [shape=(count, 1)] on the way from silence or into it."""
        begin = self._level
        step = 1.0 / (FADE_S * self._rate)
        if begin == wanted:
            return np.full((1, 1), wanted, dtype=np.float32)
        way = begin + np.arange(1, count + 1) * (step if wanted > begin else -step)
        levels: FloatArray = np.clip(way, 0.0, 1.0).astype(np.float32)[:, None]
        self._level = float(levels[-1, 0]) if count else begin
        return levels
