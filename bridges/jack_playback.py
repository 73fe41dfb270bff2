"""Samples into JACK ports without Python: what JACK's own thread runs is compiled code.

The counterpart of `bridges.jack_capture`, for the same reason: a callback in Python has to wait for
the interpreter's lock, and all of the server's graph waits with it. The ring is counted in JACK's
frames, so that each sample leaves at the frame that it was made for, whatever the server has
skipped. Where there is none in time, what sounded dies away within some milliseconds.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import carray, cfunc

__all__ = ["CAPACITY", "JackPlayback", "compiled_callback"]

FloatArray = npt.NDArray[np.float32]

CAPACITY: Final = 1 << 16
"""Frames that fit into the ring: more than a second at 48 kHz."""
_WORDS: Final = 16
_HEAD: Final = 2 * _WORDS
"""The ring stands behind 16 words of 64 bits, 32 floats."""
_TAKEN, _WRITTEN, _START, _FIRST_PORT, _SECOND_PORT, _CLIENT, _CAPACITY, _PIPE = range(8)
_BASE, _DROP_OUTS, _MISSING, _LACKING = range(8, 12)
_STATE: Final = 28
"""Floats of the callback's own: loudness, and what left last on either side."""
_WRAP: Final = 1 << 32
_RISE: Final = np.float32(1.0 / 192.0)
_DECAY: Final = np.float32(0.97)


class JackPlayback:
    """A ring that JACK's thread empties into two ports.

    One thread writes. The memory must outlive the client's activity: `close` comes after that.

    Parameters
    ----------
    library, types
        JACK-Client's ``_lib`` and ``_ffi``: the library itself, whose functions are called.
    client, ports
        Addresses of the client and of its two output ports.
    """

    def __init__(self, library: Any, types: Any, *, client: int, ports: tuple[int, int]) -> None:
        capacity = self._capacity = CAPACITY
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._memory: FloatArray = np.zeros(_HEAD + 2 * capacity, dtype=np.float32)
        self._memory.fill(0.0)  # so that every page is there
        self._words = self._memory[:_HEAD].view(np.int64)
        base = int(self._memory.ctypes.data)
        self._words[_START] = -1
        self._words[_FIRST_PORT], self._words[_SECOND_PORT] = ports
        self._words[_CLIENT], self._words[_CAPACITY] = client, capacity
        self._words[_PIPE], self._words[_BASE] = self._write_fd, base
        self._ring = self._memory[_HEAD:].reshape(capacity, 2)
        self._closed = False
        self._compiled = compiled_callback(library, types)
        self.address: int = self._compiled.address
        """Of the function to be called by JACK …"""
        self.argument = base
        """… and of its argument."""

    def fileno(self) -> int:
        """File descriptor to wait on: readable when JACK has taken a block; `calm` empties it."""
        return self._read_fd

    def calm(self) -> None:
        """Take what woke us out of the pipe."""
        try:
            while len(os.read(self._read_fd, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    @property
    def started(self) -> bool:
        """Whether JACK has called."""
        return bool(self._words[_START] >= 0)

    @property
    def cycle_start(self) -> int:
        """First frame of the last cycle, as JACK counts (32 bits)."""
        return int(self._words[_START])

    @property
    def taken(self) -> int:
        """First frame that JACK has not taken yet, counted without end."""
        return int(self._words[_TAKEN])

    @property
    def written(self) -> int:
        """First frame that has not been written yet."""
        return int(self._words[_WRITTEN])

    @property
    def drop_outs(self) -> int:
        """How often there was nothing to take."""
        return int(self._words[_DROP_OUTS])

    @property
    def missing_samples(self) -> int:
        """How many frames were not there in time."""
        return int(self._words[_MISSING])

    def skip(self, frame: int) -> None:
        """Go on writing at a frame; there is nothing before it."""
        self._words[_WRITTEN] = frame

    def write(self, samples: FloatArray) -> None:
        """Append frames [shape=(n, 2)], at most as many as fit."""
        start = self.written
        place = start % self._capacity
        first = min(len(samples), self._capacity - place)
        self._ring[place : place + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]
        self._words[_WRITTEN] = start + len(samples)

    def close(self) -> None:
        """Close the pipe; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            os.close(self._read_fd)
            os.close(self._write_fd)


@cache
def compiled_callback(library: Any, types: Any) -> Any:
    """Compile JACK's process callback, once; that takes a second.

    Parameters
    ----------
    library, types
        JACK-Client's ``_lib`` and ``_ffi``.
    """
    floats = _HEAD + 2 * CAPACITY

    def function(name: str, result: Any, *arguments: Any) -> Any:
        address = int(types.cast("uintptr_t", types.addressof(library, name)))
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    word, count = ctypes.c_int64, ctypes.c_uint32
    buffer_of = function("jack_port_get_buffer", ctypes.POINTER(ctypes.c_float), word, count)
    frame_of = function("jack_last_frame_time", count, word)
    system = ctypes.CDLL(None)
    write = system.write
    write.argtypes, write.restype = (ctypes.c_int32, word, word), word

    @cfunc("int32(uint32, voidptr)")
    def process(frames, argument):  # type: ignore[no-untyped-def]
        words = carray(argument, (_WORDS,), np.int64)
        memory = carray(argument, (floats,), np.float32)
        state, ring = memory[_STATE : _STATE + 3], memory[_HEAD:]
        capacity, written = words[_CAPACITY], words[_WRITTEN]
        begin = np.int64(frame_of(words[_CLIENT]))
        start = begin
        if words[_START] >= 0:  # cycles may have been skipped
            ahead = (begin - words[_TAKEN]) % _WRAP
            if ahead >= _WRAP // 2:
                ahead -= _WRAP
            start = words[_TAKEN] + ahead
        left = carray(buffer_of(words[_FIRST_PORT], np.uint32(frames)), (frames,))
        right = carray(buffer_of(words[_SECOND_PORT], np.uint32(frames)), (frames,))
        loudness = state[0]
        for i in range(frames):
            frame = start + i
            if frame < written and frame >= written - capacity:
                loudness = min(loudness + _RISE, np.float32(1.0))
                at = 2 * (frame % capacity)
                state[1] = ring[at]
                state[2] = ring[at + 1]
                left[i] = loudness * ring[at]
                right[i] = loudness * ring[at + 1]
                words[_LACKING] = 0
            else:
                if written > 0:
                    words[_MISSING] += 1
                    if words[_LACKING] == 0:
                        words[_DROP_OUTS] += 1
                        words[_LACKING] = 1
                loudness *= _DECAY
                left[i] = loudness * state[1]
                right[i] = loudness * state[2]
        state[0] = loudness
        words[_TAKEN] = start + frames
        words[_START] = begin
        write(np.int32(words[_PIPE]), words[_BASE], np.int64(8))
        return 0

    return process
