"""FluidSynth's audio callback that also puts down what it renders: compiled, it never waits.

A callback in Python would have to wait for the interpreter's lock in the driver's own thread.
"""

from __future__ import annotations

import ctypes
import sys
import time
from functools import cache
from typing import Any, Final

import numpy as np
from numba import carray, cfunc

from bridges.shared_sound import (
    ANCHORED,
    ANCHORS,
    ANCHORS_AT,
    CAPACITY,
    HEAD_BYTES,
    WRITTEN,
    SharedSound,
)

__all__ = ["SynthTap", "compiled_tap"]

_MOST: Final = 8192
"""Samples of a block; longer ones sound, but are not put down."""
_CLOCK_NAME: Final = "CLOCK_UPTIME_RAW" if sys.platform == "darwin" else "CLOCK_MONOTONIC"
"""What `time.monotonic` asks."""
_WORDS: Final = 8
_SYNTH, _SHARED, _OWN, _CLOCK, _SECONDS, _NANOSECONDS, _COUNT = range(7)
_FLOATS: Final = 2 * _WORDS + 2 * _MOST


class SynthTap:
    """What FluidSynth's driver calls, and the memory that it uses; to be kept while it is called.

    Parameters
    ----------
    library : CDLL
        FluidSynth itself.
    synth : int
        Address of the synthesiser.
    shared : SharedSound
        Where what sounds is put down; `SharedSound.begin` is called here.
    sample_rate : int
    """

    def __init__(
        self, library: ctypes.CDLL, synth: int, shared: SharedSound, sample_rate: int
    ) -> None:
        shared.begin(sample_rate)
        self._shared = shared
        self._own = (ctypes.c_float * _FLOATS)()
        words = (ctypes.c_int64 * _WORDS).from_buffer(self._own)
        words[_SYNTH], words[_SHARED] = synth, shared.address
        words[_OWN] = self.argument = ctypes.addressof(self._own)
        words[_CLOCK] = getattr(time, _CLOCK_NAME)
        self._compiled = compiled_tap(library)
        self.address: int = self._compiled.address
        """Of the function to be called by FluidSynth; ``argument`` is its argument."""


@cache
def compiled_tap(library: ctypes.CDLL) -> Any:
    """Compile the callback, once; that takes a second.

    Raises
    ------
    OSError, AttributeError
        The system has no clock that can be asked without Python.
    """
    word, number = ctypes.c_int64, ctypes.c_int32

    def function(name: str, of: ctypes.CDLL, result: Any, *arguments: Any) -> Any:
        address = ctypes.cast(getattr(of, name), ctypes.c_void_p).value or 0
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    system = ctypes.CDLL(None)
    copy = function("memmove", system, word, word, word, word)
    clock = function("clock_gettime", system, number, number, word)
    write = function(
        "fluid_synth_write_float", library, number,
        word, number, word, number, number, word, number, number,
    )  # fmt: skip
    capacity, head, most, floats = CAPACITY, HEAD_BYTES, _MOST, 4

    @cfunc("int32(voidptr, int32, int32, voidptr, int32, voidptr)")
    def render(argument, frames, _effects, _wet, outs, out):  # type: ignore[no-untyped-def]
        if outs < 2:
            return 0
        words = carray(argument, (_WORDS,), np.int64)
        sides = carray(out, (2,), np.int64)
        shared, own = words[_SHARED], words[_OWN]
        clock(np.int32(words[_CLOCK]), own + 8 * _SECONDS)
        failed = write(
            words[_SYNTH], frames, sides[0], np.int32(0), np.int32(1), sides[1],
            np.int32(0), np.int32(1),
        )  # fmt: skip
        if frames > most:
            return failed
        first = own + 8 * _WORDS
        copy(first, sides[0], floats * frames)
        copy(first + floats * most, sides[1], floats * frames)
        sound = carray(argument, (_FLOATS,), np.float32)[2 * _WORDS :]
        for i in range(frames):
            sound[i] = np.float32(0.5) * (sound[i] + sound[most + i])
        copy(own + 8 * _COUNT, shared + 8 * WRITTEN, 8)
        frame = words[_COUNT]
        place = frame % capacity
        fits = min(np.int64(frames), capacity - place)
        copy(shared + head + floats * place, first, floats * fits)
        copy(shared + head, first + floats * fits, floats * (frames - fits))
        words[_COUNT] = frame + frames
        copy(shared + 8 * WRITTEN, own + 8 * _COUNT, 8)
        copy(own + 8 * _COUNT, shared + 8 * ANCHORED, 8)
        count = words[_COUNT]
        at = shared + 8 * (ANCHORS_AT + 2 * (count % ANCHORS))
        words[_NANOSECONDS] += 1_000_000_000 * words[_SECONDS]
        words[_COUNT] = frame
        copy(at, own + 8 * _COUNT, 8)
        copy(at + 8, own + 8 * _NANOSECONDS, 8)
        words[_COUNT] = count + 1
        copy(shared + 8 * ANCHORED, own + 8 * _COUNT, 8)
        return failed

    return render
