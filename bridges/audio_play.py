"""Samples out through a device as they are made, by PortAudio; or to nowhere, at the same pace.

The callback copies from a ring and counts. Time is counted in samples: PortAudio's own time stamps
are zero or wrong on several systems.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from bridges.audio_live import AudioDevice, list_audio_devices
from bridges.quiet import quiet_stderr

__all__ = ["DeviceOutput", "PlayRing", "PretendOutput", "find_output"]

FloatArray = npt.NDArray[np.float32]

RING_S: Final = 1.0
LONGEST_LATENCY_S: Final = 0.3
"""What a driver tells beyond this is nonsense."""
CHANNELS: Final = 2
_RISE_SAMPLES: Final = 192
_DIE_SAMPLES: Final = 256
_DRIFT: Final = 2e-4
"""How far the clock of the sound card and that of the computer may run apart."""


class PlayRing:
    """A preallocated ring of frames for one writer and one reader, the audio callback.

    Where there is nothing to take, what sounded dies away within some milliseconds; when there is
    something again it rises as gently.

    Parameters
    ----------
    capacity : int
        Frames that fit.
    """

    def __init__(self, capacity: int) -> None:
        self._ring: FloatArray = np.zeros((capacity, CHANNELS), dtype=np.float32)
        self._ring.fill(0.0)  # so that every page is there
        self._capacity = capacity
        self._rise = np.linspace(0.0, 1.0, _RISE_SAMPLES, dtype=np.float32)[:, None]
        self._die = np.linspace(1.0, 0.0, _DIE_SAMPLES + 1, dtype=np.float32)[1:, None]
        self._died = _DIE_SAMPLES
        self._last: FloatArray = np.zeros(CHANNELS, dtype=np.float32)
        self._lacking = True
        self.taken = 0
        """First frame that has not been taken yet."""
        self.written = 0
        """First frame that has not been written yet."""
        self.drop_outs = 0
        """How often there was nothing to take."""

    def skip(self, frame: int) -> None:
        """Go on writing at a frame; before it there is nothing."""
        self.written = frame

    def write(self, samples: FloatArray) -> None:
        """Append frames [shape=(n, 2)], at most as many as fit."""
        place = self.written % self._capacity
        first = min(len(samples), self._capacity - place)
        self._ring[place : place + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]
        self.written += len(samples)

    def read(self, out: FloatArray) -> None:
        """Take frames into ``out`` [shape=(n, 2)]; does not wait, for the audio callback."""
        count = len(out)
        ready = min(max(self.written - self.taken, 0), count)
        place = self.taken % self._capacity
        first = min(ready, self._capacity - place)
        out[:first] = self._ring[place : place + first]
        out[first:ready] = self._ring[: ready - first]
        if self._lacking and ready:
            rising = min(ready, _RISE_SAMPLES)
            out[:rising] *= self._rise[:rising]
        if ready:
            self._last[:] = out[ready - 1]
            self._died = 0
        if ready < count:
            dying = min(count - ready, _DIE_SAMPLES - self._died)
            out[ready : ready + dying] = self._die[self._died : self._died + dying] * self._last
            out[ready + dying :] = 0.0
            self._died += dying
            if self.written and (ready or not self._lacking):
                self.drop_outs += 1
        self._lacking = ready < count
        self.taken += count


class _Counted:
    """What all outputs with a ring of ours have in common: a pipe that wakes, frames ↔ time."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.xruns = 0
        """How many times the driver has said that output was lost."""
        self.gone = ""
        """Why nothing leaves any more; empty while all is well."""
        self._ring = PlayRing(round(RING_S * sample_rate))
        self._wake_in, self._wake_out = os.pipe()
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        self._offset_s = float("inf")
        self._heard = -1
        self._called_at = (-1, 0.0)
        self._closed = False

    @property
    def taken(self) -> int:
        """First frame that has not been taken yet, counted without end."""
        return self._ring.taken

    @property
    def written(self) -> int:
        """First frame that has not been written yet."""
        return self._ring.written

    @property
    def drop_outs(self) -> int:
        """How often there was nothing to take."""
        return self._ring.drop_outs

    @property
    def started(self) -> bool:
        """Whether frames are being taken."""
        return self._heard >= 0

    def fileno(self) -> int:
        """File descriptor to wait on: readable when a block has been taken."""
        return self._wake_in

    def calm(self) -> None:
        """Take note of what has been taken, once `fileno` is readable."""
        with suppress(OSError):
            os.read(self._wake_in, 4096)
        frame, at_s = self._called_at
        if frame >= 0 and frame != self._heard:
            # Callbacks come late by more or less, never early: the earliest of late is right.
            risen_s = self._offset_s + _DRIFT * (frame - self._heard) / self.sample_rate
            self._offset_s = min(risen_s, at_s - frame / self.sample_rate)
            self._heard = frame

    def time_s(self, frame: int) -> float:
        """Monotonic time at which a frame is handed to the driver."""
        return self._offset_s + frame / self.sample_rate

    def skip(self, frame: int) -> None:
        """Go on writing at a frame; before it there is nothing."""
        self._ring.skip(frame)

    def write(self, samples: FloatArray) -> None:
        """Append frames [shape=(n, 2)]."""
        self._ring.write(samples)

    def connections(self) -> tuple[tuple[str, str], ...]:
        """Nobody has to be connected."""
        return ()

    def _emptied(self, out: FloatArray, now_s: float) -> None:
        """Fill ``out`` from the ring; for the thread that takes."""
        self._called_at = (self._ring.taken, now_s)
        self._ring.read(out)
        with suppress(OSError):  # full: it is awake anyway
            os.write(self._wake_out, b"\1")

    def _close_pipe(self) -> None:
        self.gone = self.gone or "closed"
        if not self._closed:
            self._closed = True
            os.close(self._wake_in)
            os.close(self._wake_out)


def find_output(wanted: str | None = None) -> AudioDevice:
    """Find an output by number or by a part of its name; None: the system's default.

    Raises
    ------
    DeviceError
        There is none such; the message names those that there are.
    """
    outputs = [device for device in list_audio_devices() if device.outputs > 0]
    if not outputs:
        raise DeviceError(
            "no audio output found on this machine; connect loudspeakers or headphones, or start "
            "a JACK server"
        )
    if wanted is None:
        return next((device for device in outputs if device.default_output), outputs[0])
    if wanted.isdecimal():
        matching = [device for device in outputs if device.number == int(wanted)]
    else:
        part = wanted.casefold()
        exact = [device for device in outputs if device.name == wanted]
        matching = exact or [d for d in outputs if part in f"{d.name} ({d.host})".casefold()]
    if not matching:
        there = "; ".join(f"{device.number}: {device.name}" for device in outputs)
        raise DeviceError(f"no audio output is called {wanted!r}; there are {there}")
    return matching[0]


class DeviceOutput(_Counted):
    """A running output stream.

    Parameters
    ----------
    device : AudioDevice
        See `find_output`.
    sample_rate : int, optional
        None: the device's own, which is the safest.
    block_samples : int
        Wanted size of the driver's blocks.

    Raises
    ------
    DeviceError
        The device does not open.
    """

    kind = "device"

    def __init__(
        self, device: AudioDevice, *, sample_rate: int | None = None, block_samples: int = 256
    ) -> None:
        import sounddevice

        super().__init__(sample_rate or device.sample_rate)
        self.name = device.name
        self.block_samples = block_samples
        self._error: type[Exception] = sounddevice.PortAudioError
        self._mono = device.outputs < CHANNELS
        self._both: FloatArray = np.zeros((8192, CHANNELS), dtype=np.float32)
        try:
            with quiet_stderr():
                self._stream = sounddevice.OutputStream(
                    device=device.number,
                    channels=1 if self._mono else CHANNELS,
                    samplerate=self.sample_rate,
                    blocksize=block_samples,
                    dtype="float32",
                    latency="low",
                    callback=self._called,
                    finished_callback=self._finished,
                )
        except self._error as error:
            self._close_pipe()
            raise DeviceError(
                f"{device.name}: does not open for output ({error}); is another program using it?"
            ) from error

    @property
    def latency_s(self) -> float:
        """From the callback to the air, as the driver tells, or a block where it tells nonsense."""
        told_s = float(self._stream.latency)
        good = 0.0 < told_s < LONGEST_LATENCY_S
        return told_s if good else self.block_samples / self.sample_rate

    def start(self) -> None:
        """Let the samples go.

        Raises
        ------
        DeviceError
            The device does not start.
        """
        try:
            with quiet_stderr():
                self._stream.start()
        except self._error as error:
            raise DeviceError(f"{self.name}: does not start ({error})") from error

    def close(self) -> None:
        """Stop and free the device; closing twice does no harm."""
        self.gone = self.gone or "closed"
        with suppress(self._error):
            self._stream.close()
        self._close_pipe()

    # ---- PortAudio's thread ----------------------------------------------------------------------

    def _called(self, out: Any, frames: int, times: Any, flags: Any) -> None:
        now_s = time.monotonic()
        if flags:
            self.xruns += 1
        if self._mono:
            both = self._both[:frames]
            self._emptied(both, now_s)
            out[:, 0] = 0.5 * (both[:, 0] + both[:, 1])
        else:
            self._emptied(out, now_s)

    def _finished(self) -> None:
        self.gone = self.gone or f"{self.name} has gone"


class PretendOutput(_Counted):
    """Takes samples as fast as a device would, on a thread of its own: to try things in silence.

    Parameters
    ----------
    sample_rate : int
    wav : Path, optional
        Where what would have been heard is written when it is closed.
    """

    kind = "silent"
    block_samples = 256
    latency_s = 0.0

    def __init__(self, sample_rate: int = 48_000, wav: Path | None = None) -> None:
        super().__init__(sample_rate)
        self.name = "silence" if wav is None else wav.name
        self._wav = wav
        self._heard_blocks: list[FloatArray] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pretend output", daemon=True)
        self.began_s = 0.0
        """Monotonic time of frame 0."""

    def start(self) -> None:
        """Let the samples go."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and write what was heard; closing twice does no harm."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._wav is not None and not self._closed:
            from bridges.audio_files import write_wav

            blocks = self._heard_blocks or [np.zeros((1, CHANNELS), dtype=np.float32)]
            write_wav(self._wav, np.concatenate(blocks), self.sample_rate)
        self._close_pipe()

    def _run(self) -> None:
        self.began_s = time.monotonic()
        block: FloatArray = np.zeros((self.block_samples, CHANNELS), dtype=np.float32)
        while True:
            due_s = self.began_s + self.taken / self.sample_rate
            if self._stop.wait(max(due_s - time.monotonic(), 0.0)):
                return
            self._emptied(block, time.monotonic())
            if self._wav is not None:
                self._heard_blocks.append(block.copy())
