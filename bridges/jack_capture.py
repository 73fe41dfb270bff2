"""Samples out of a JACK port without Python: what JACK's own thread runs is compiled code.

A callback in Python has to wait for the interpreter's lock, and all of the server's graph waits
with it: on a busy machine that is an xrun for every program. The callback here copies the port
into a ring, counts, and writes (samples so far, time) into a pipe, which wakes the reader and
orders what the two of them see.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import carray, cfunc

from bridges.audio_ring import Block

__all__ = ["JackCapture"]

FloatArray = npt.NDArray[np.float32]

LONGEST_GAP_S: Final = 10.0
if sys.platform == "darwin":
    _CLOCK: Final = time.CLOCK_UPTIME_RAW
else:
    _CLOCK: Final = time.CLOCK_MONOTONIC
_WORDS: Final = 16
_HEAD: Final = 2 * _WORDS
"""The ring stands behind 16 words of 64 bits, 32 floats."""
_WRITTEN, _ARRIVED, _SECONDS, _NANOSECONDS, _NEXT, _PORT, _CLIENT, _CAPACITY, _PIPE, _BASE, _GAP = (
    range(11)
)
_RECORD: Final = struct.Struct("<qq")
_WRAP: Final = 1 << 32


class JackCapture:
    """A ring that JACK's thread fills from one port.

    One thread reads. The memory must outlive the client's activity: `close` comes after that.

    Parameters
    ----------
    library, types
        JACK-Client's ``_lib`` and ``_ffi``: the library itself, whose functions are called.
    client, port : int
        Addresses of the client and of its input port.
    sample_rate, capacity : int
        Hz, samples that fit.
    """

    def __init__(
        self, library: Any, types: Any, *, client: int, port: int, sample_rate: int, capacity: int
    ) -> None:
        self._rate = sample_rate
        self._capacity = capacity
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._memory: FloatArray = np.zeros(_HEAD + capacity, dtype=np.float32)
        self._words = self._memory[:_HEAD].view(np.int64)
        base = int(self._memory.ctypes.data)
        self._words[_NEXT] = -1
        self._words[_PORT], self._words[_CLIENT] = port, client
        self._words[_CAPACITY], self._words[_PIPE] = capacity, self._write_fd
        self._words[_BASE], self._words[_GAP] = base, round(LONGEST_GAP_S * sample_rate)
        self._ring = self._memory[_HEAD:]
        self._taken = 0
        self._closed = False
        self._compiled = _callback(library, types, _HEAD + capacity)
        self.address: int = self._compiled.address
        """Of the function to be called by JACK …"""
        self.argument = base
        """… and of its argument."""
        self.lost_samples = 0
        """Samples overwritten before they were read."""

    def read(self, timeout_s: float) -> Block:
        """Take all that has come since the last call; wait up to a time for the first."""
        if self._closed or not select.select([self._read_fd], [], [], timeout_s)[0]:
            return Block(np.zeros(0, dtype=np.float32), self._taken, float("nan"))
        records = os.read(self._read_fd, 1 << 16)
        written, arrived_ns = _RECORD.unpack(records[-_RECORD.size :])
        count = written - self._taken
        kept = min(count, self._capacity - self._capacity // 8)
        samples = np.zeros(count, dtype=np.float32)
        places = np.arange(written - kept, written) % self._capacity
        samples[count - kept :] = self._ring[places]
        self.lost_samples += count - kept
        self._taken = written
        return Block(samples, written, arrived_ns * 1e-9)

    def close(self) -> None:
        """Close the pipe; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            os.close(self._read_fd)
            os.close(self._write_fd)


def _callback(library: Any, types: Any, floats: int) -> Any:
    """Compile JACK's process callback for memory of so many floats."""

    def function(name: str, result: Any, *arguments: Any) -> Any:
        address = int(types.cast("uintptr_t", types.addressof(library, name)))
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    word, count = ctypes.c_int64, ctypes.c_uint32
    buffer_of = function("jack_port_get_buffer", ctypes.POINTER(ctypes.c_float), word, count)
    frame_of = function("jack_last_frame_time", count, word)
    system = ctypes.CDLL(None)
    write, clock = system.write, system.clock_gettime
    write.argtypes, write.restype = (ctypes.c_int32, word, word), word
    clock.argtypes, clock.restype = (ctypes.c_int32, word), ctypes.c_int32

    @cfunc("int32(uint32, voidptr)")
    def process(frames, argument):  # type: ignore[no-untyped-def]
        words = carray(argument, (_WORDS,), np.int64)
        ring = carray(argument, (floats,), np.float32)[_HEAD:]
        capacity, written = words[_CAPACITY], words[_WRITTEN]
        start = np.int64(frame_of(words[_CLIENT]))
        if words[_NEXT] >= 0:  # what an xrun has swallowed is silence
            gap = (start - words[_NEXT]) % _WRAP
            if gap < words[_GAP]:
                for _ in range(gap):
                    ring[written % capacity] = 0.0
                    written += 1
        words[_NEXT] = (start + frames) % _WRAP
        sound = carray(buffer_of(words[_PORT], np.uint32(frames)), (frames,))
        for i in range(frames):
            ring[written % capacity] = sound[i]
            written += 1
        clock(np.int32(_CLOCK), words[_BASE] + 8 * _SECONDS)
        words[_ARRIVED] = words[_SECONDS] * 1_000_000_000 + words[_NANOSECONDS]
        words[_WRITTEN] = written
        write(np.int32(words[_PIPE]), words[_BASE], np.int64(16))
        return 0

    return process
