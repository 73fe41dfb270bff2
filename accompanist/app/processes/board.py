"""What the engine and the performer have in common: the cue now, and what sounds.

A file in memory that both map. The engine writes the newest cue, the performer reads it; a FIFO
beside it (``wake``) wakes the performer at once. The performer writes which keys are down at
which port, so that whoever takes its place can let them go.

Every record stands twice, with a number and a checksum: a reader that meets a half-written one
takes the other, on whatever architecture, and nobody ever waits for a lock.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from accompanist.app.sounded.rings import END, FIRST_AT
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue

__all__ = ["MOST_KNOTS", "MOST_PORTS", "Board", "SoundingTable"]

MOST_KNOTS = 256
"""Of a timeline; later knots are left out and come with a later cue."""
MOST_PORTS = 65
"""`parts`, and one port for each of 64 parts."""
_WAKE = "wake"
_MAGIC = b"accompanist board 4\n"
_STATE_BYTES = 16
_HEAD = struct.Struct("<QII")  # number, length, checksum
_BEAT = struct.Struct("<QdI")  # number, monotonic seconds, checksum
_CUE = struct.Struct(f"<ddQdB Q{_STATE_BYTES}sddddI")
_KNOT = struct.Struct("<dd")
_CUES_AT = 256
_SLOT = 8192
_NOTE_AT = _CUES_AT + 2 * _SLOT
_NOTE_SLOT = 32_768
_ENGINE_BEAT_AT, _PERFORMER_BEAT_AT, _BEAT_SLOT = 128, 192, 32
_TABLE_AT = _NOTE_AT + 2 * _NOTE_SLOT
_KEYS = 16 * 128
_PORT = _KEYS + 16
_SIZE = END
"""With what sounds behind it: see `accompanist.app.sounded`."""
_JITTER_S = 50e-6
"""The offset of the sound card's clock wanders by so much without anybody being woken."""
_DOWN = re.compile(rb"[^\0]")


class Board:
    """The shared file. Make it with `create`, or open the one that is there with `open`.

    One process publishes, one reads; neither is ever held up by the other. Within a process:
    one thread.
    """

    def __init__(self, path: Path, memory: mmap.mmap, wake_fd: int) -> None:
        self.path = path
        self._memory = memory
        self._wake_fd = wake_fd
        self._number = self._newest(_CUES_AT, _SLOT)[0]
        self._beat_number = self._beat(_ENGINE_BEAT_AT)[0]
        self._own_number = self._beat(_PERFORMER_BEAT_AT)[0]
        self._note_number = self._newest(_NOTE_AT, _NOTE_SLOT)[0]
        self._told: tuple[Cue, float] | None = None
        self.read_version = 0
        """Number of the cue that `read` gave last."""
        self.sounding = SoundingTable(memory)

    @classmethod
    def create(cls, path: Path) -> Board:
        """Make a board with nothing on it, or wipe the one that lies there."""
        wake = path.with_name(_WAKE)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(wake, 0o600)
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(_MAGIC.ljust(_SIZE, b"\0"))
        fresh.replace(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Board:
        """Open a board that is there.

        Raises
        ------
        ValueError
            The file is no board of this version.
        """
        with path.open("r+b") as file:
            if os.fstat(file.fileno()).st_size != _SIZE:
                raise ValueError(f"{path}: this is not a board of this version")
            memory = mmap.mmap(file.fileno(), FIRST_AT)
        if memory[: len(_MAGIC)] != _MAGIC:
            memory.close()
            raise ValueError(f"{path}: this is not a board of this version")
        # Read and write, so that neither side's coming and going closes the FIFO.
        wake_fd = os.open(path.with_name(_WAKE), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return cls(path, memory, wake_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmap it; the file stays. Closing twice does no harm."""
        if not self._memory.closed:
            self.sounding.forget()
            self._memory.close()
            os.close(self._wake_fd)

    # ---- the engine's side ---------------------------------------------------------------------

    def publish(self, cue: Cue, offset_s: float) -> None:
        """Put up a cue; the performer is woken if it says anything new.

        Parameters
        ----------
        cue : Cue
        offset_s : float
            Monotonic minus take time.
        """
        self._put_up(cue, offset_s)
        # The beat comes last: whoever sees it reads a cue that is at least as new.
        self._beat_number += 1
        self._put_beat(_ENGINE_BEAT_AT, self._beat_number)

    def _put_up(self, cue: Cue, offset_s: float) -> None:
        told = self._told
        if (
            told is not None
            and abs(offset_s - told[1]) < _JITTER_S
            and (told[0] is cue or replace(cue, time_s=told[0].time_s) == told[0])
        ):
            return
        self._told = (cue, offset_s)
        self._number += 1
        self._put(_CUES_AT, _SLOT, self._number, _packed(cue, offset_s))
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits for the FIFO."""
        with contextlib.suppress(BlockingIOError):  # it is full: they will wake anyway
            os.write(self._wake_fd, b"\1")

    # ---- the performer's side ------------------------------------------------------------------

    def fileno(self) -> int:
        """File descriptor to wait on for a new cue; `calm` empties it."""
        return self._wake_fd

    def calm(self) -> None:
        """Take what woke us out of the FIFO."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._wake_fd, 4096)) == 4096:
                pass

    @property
    def version(self) -> int:
        """Number of the newest cue, perhaps still being written; 0 before the first. Cheap."""
        first: int = _HEAD.unpack_from(self._memory, _CUES_AT)[0]
        second: int = _HEAD.unpack_from(self._memory, _CUES_AT + _SLOT)[0]
        return max(first, second)

    @property
    def heartbeat_s(self) -> float:
        """Monotonic time of the last `publish`, be it of nothing new; −∞ before the first."""
        return self._beat(_ENGINE_BEAT_AT)[1]

    def read(self) -> tuple[Cue, float] | None:
        """Give the newest whole cue and monotonic minus take time; None before the first."""
        self.read_version, payload = self._newest(_CUES_AT, _SLOT)
        return _unpacked(payload) if self.read_version else None

    def beat(self) -> None:
        """Show that the performer lives."""
        self._own_number += 1
        self._put_beat(_PERFORMER_BEAT_AT, self._own_number)

    @property
    def performer_beat_s(self) -> float:
        """Monotonic time of the performer's last sign of life; −∞ before the first."""
        return self._beat(_PERFORMER_BEAT_AT)[1]

    def remember(self, note: bytes) -> None:
        """Keep a few words for whoever comes after us (at most 32 kB; more is not kept)."""
        if len(note) <= _NOTE_SLOT - _HEAD.size:
            self._note_number += 1
            self._put(_NOTE_AT, _NOTE_SLOT, self._note_number, note)

    def recall(self) -> bytes:
        """Give what was last remembered; nothing before the first time."""
        return self._newest(_NOTE_AT, _NOTE_SLOT)[1]

    # ---- records that stand twice --------------------------------------------------------------

    def _put(self, first: int, slot: int, number: int, payload: bytes) -> None:
        at = first + slot * (number & 1)
        check = zlib.crc32(payload, number & 0xFFFFFFFF)
        self._memory[at + _HEAD.size : at + _HEAD.size + len(payload)] = payload
        _HEAD.pack_into(self._memory, at, number, len(payload), check)

    def _newest(self, first: int, slot: int) -> tuple[int, bytes]:
        found = (0, b"")
        for at in (first, first + slot):
            number, length, check = _HEAD.unpack_from(self._memory, at)
            if number <= found[0] or length > slot - _HEAD.size:
                continue
            payload = bytes(self._memory[at + _HEAD.size : at + _HEAD.size + length])
            if zlib.crc32(payload, number & 0xFFFFFFFF) == check:
                found = (number, payload)
        return found

    def _put_beat(self, first: int, number: int) -> None:
        row = struct.pack("<Qd", number, time.monotonic())
        at = first + _BEAT_SLOT * (number & 1)
        self._memory[at : at + _BEAT.size] = row + struct.pack("<I", zlib.crc32(row))

    def _beat(self, first: int) -> tuple[int, float]:
        found = (0, float("-inf"))
        for at in (first, first + _BEAT_SLOT):
            number, beat_s, check = _BEAT.unpack_from(self._memory, at)
            row = bytes(self._memory[at : at + _BEAT.size - 4])
            if number > found[0] and zlib.crc32(row) == check:
                found = (number, beat_s)
        return found


class SoundingTable:
    """How often each key is down at each port, and which channels have been used.

    Written by the performer, a byte at a time; read by the one that takes its place.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._table = memoryview(memory)[_TABLE_AT : _TABLE_AT + MOST_PORTS * _PORT]

    def struck(self, port: int, channel: int, pitch: int) -> None:
        """Count a key down (channel 1–16)."""
        at = port * _PORT + (channel - 1) * 128 + pitch
        self._table[at] = min(self._table[at] + 1, 255)

    def released(self, port: int, channel: int, pitch: int) -> None:
        """Count it up again."""
        at = port * _PORT + (channel - 1) * 128 + pitch
        self._table[at] = max(self._table[at] - 1, 0)

    def used(self, port: int, channel: int) -> None:
        """Note that a channel of a port has been sent something, a pedal perhaps."""
        self._table[port * _PORT + _KEYS + channel - 1] = 1

    def keys(self, port: int) -> Iterator[tuple[int, int]]:
        """(channel, pitch) of each key that is down, as often as it is down."""
        row = bytes(self._table[port * _PORT : port * _PORT + _KEYS])
        for found in _DOWN.finditer(row):
            at = found.start()
            for _ in range(row[at]):
                yield at // 128 + 1, at % 128

    def channels(self, port: int) -> tuple[int, ...]:
        """Channels that have been sent something."""
        first = port * _PORT + _KEYS
        return tuple(c + 1 for c in range(16) if self._table[first + c])

    def clear(self, port: int) -> None:
        """Nothing sounds there any more."""
        self._table[port * _PORT : (port + 1) * _PORT] = bytes(_PORT)

    def forget(self) -> None:
        """Let the memory go, so that it can be unmapped."""
        self._table.release()


def _packed(cue: Cue, offset_s: float) -> bytes:
    """Bytes of a cue, its timeline from the present on."""
    line = cue.timeline
    first = 0
    if len(line.times_s) > MOST_KNOTS:
        past = sum(1 for t in line.times_s if t <= cue.time_s)
        first = min(max(past - 2, 0), len(line.times_s) - MOST_KNOTS)
    knots = list(islice(zip(line.times_s, line.quarters, strict=True), first, first + MOST_KNOTS))
    head = _CUE.pack(
        cue.time_s,
        offset_s,
        cue.jumps,
        cue.plays_from,
        cue.playing,
        cue.silences,
        cue.state.encode()[:_STATE_BYTES],
        line.rate_quarter_s,
        line.gate_quarter,
        cue.fade,
        cue.lean_db,
        len(knots),
    )
    return head + b"".join(_KNOT.pack(*knot) for knot in knots)


def _unpacked(payload: bytes) -> tuple[Cue, float]:
    time_s, offset_s, jumps, plays_from, playing, silences, state, *numbers = _CUE.unpack_from(
        payload
    )
    rate, gate, fade, lean_db, count = numbers
    knots = tuple(_KNOT.iter_unpack(payload[_CUE.size : _CUE.size + count * _KNOT.size]))
    line = Timeline(tuple(t for t, _ in knots), tuple(q for _, q in knots), rate, gate)
    cue = Cue(
        time_s=time_s,
        timeline=line,
        state=state.rstrip(b"\0").decode(),
        jumps=jumps,
        plays_from=plays_from,
        playing=bool(playing),
        silences=silences,
        fade=fade,
        lean_db=lean_db,
    )
    return cue, offset_s
