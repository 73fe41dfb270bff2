"""Sound in from a device, by PortAudio (`sounddevice`).

The callback copies one channel into a ring and collects flags. Time is counted in samples:
PortAudio's own time stamps are zero or wrong on several systems.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from accompanist.errors import DeviceError
from bridges.audio_ring import AudioRing, Block
from bridges.quiet import quiet_stderr

__all__ = ["AudioDevice", "MicrophoneInput", "find_input", "list_audio_devices", "look_again"]

RING_S = 20.0
LONGEST_LATENCY_S = 0.2
"""PortAudio's figure is garbage on some systems; beyond this it is not believed."""


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A device as PortAudio lists it. ``number`` is what `--input` takes besides the name."""

    number: int
    name: str
    host: str
    inputs: int
    outputs: int
    sample_rate: int
    default_input: bool = False
    default_output: bool = False


def _sounddevice() -> ModuleType:
    try:
        with quiet_stderr():
            import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is not installed; install it (Debian/Ubuntu: libportaudio2, "
            "Fedora: portaudio, macOS: it comes with the Python package sounddevice)"
        ) from error
    module: ModuleType = sounddevice
    return module


def list_audio_devices() -> tuple[AudioDevice, ...]:
    """All audio devices that PortAudio sees, none being no error.

    Raises
    ------
    DeviceError
        The PortAudio library is not installed.
    """
    sounddevice = _sounddevice()
    hosts = sounddevice.query_hostapis()
    default_in, default_out = sounddevice.default.device
    return tuple(
        AudioDevice(
            number=number,
            name=str(device["name"]),
            host=str(hosts[device["hostapi"]]["name"]),
            inputs=int(device["max_input_channels"]),
            outputs=int(device["max_output_channels"]),
            sample_rate=round(float(device["default_samplerate"])),
            default_input=number == default_in,
            default_output=number == default_out,
        )
        for number, device in enumerate(sounddevice.query_devices())
    )


def look_again() -> None:
    """Have PortAudio look for devices (and a JACK server) anew; it does so only when it begins.

    No stream of ours may be open: it would be closed.

    Raises
    ------
    DeviceError
        The PortAudio library is not installed, or does not begin again.
    """
    sounddevice = _sounddevice()
    try:
        with quiet_stderr():
            sounddevice._terminate()
            sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"audio does not start again ({error}); restart the program") from error


def find_input(
    wanted: str | None = None, devices: Iterable[AudioDevice] | None = None
) -> AudioDevice:
    """Find an input by number or by a part of its name; None: the system's default.

    Parameters
    ----------
    wanted : str, optional
    devices : iterable of AudioDevice, optional
        Where to look; among those that PortAudio sees unless told.

    Raises
    ------
    DeviceError
        There is none such; the message names those that there are.
    """
    if devices is None:
        devices = list_audio_devices()
    inputs = [device for device in devices if device.inputs > 0]
    if not inputs:
        raise DeviceError(
            "no audio input found on this machine; connect a microphone, or play with --midi-in "
            "or --tap"
        )
    if wanted is None:
        return next((device for device in inputs if device.default_input), inputs[0])
    if wanted.isdecimal():
        matching = [device for device in inputs if device.number == int(wanted)]
    else:
        exact = [device for device in inputs if device.name == wanted]
        part = wanted.casefold()
        matching = exact or [d for d in inputs if part in f"{d.name} ({d.host})".casefold()]
    if not matching:
        there = "; ".join(f"{device.number}: {device.name}" for device in inputs)
        raise DeviceError(f"no audio input is called {wanted!r}; there are {there}")
    return matching[0]


class MicrophoneInput:
    """A running input stream. Use as a context manager, or `close` it.

    Parameters
    ----------
    device : AudioDevice
        See `find_input`.
    channel : int
        Which of its channels is the soloist, from 1.
    sample_rate : int, optional
        None: the device's own, which is the safest.
    block_samples : int
        Wanted size of the driver's blocks; 0 leaves it to the driver.

    Raises
    ------
    DeviceError
        The device does not open, or has no such channel.
    """

    def __init__(
        self,
        device: AudioDevice,
        *,
        channel: int = 1,
        sample_rate: int | None = None,
        block_samples: int = 256,
    ) -> None:
        if not 1 <= channel <= device.inputs:
            raise DeviceError(
                f"{device.name}: has no channel {channel}; choose 1 to {device.inputs}"
            )
        sounddevice = _sounddevice()
        self._port_audio_error: type[Exception] = sounddevice.PortAudioError
        self.sample_rate = sample_rate or device.sample_rate
        self.name = device.name
        self.xruns = 0
        """How many times the driver has said that input was lost."""
        self._channel = channel - 1
        self._block_s = block_samples / self.sample_rate
        self._ring = AudioRing(round(RING_S * self.sample_rate))
        try:
            with quiet_stderr():
                self._stream = sounddevice.InputStream(
                    device=device.number,
                    channels=channel,
                    samplerate=self.sample_rate,
                    blocksize=block_samples,
                    dtype="float32",
                    latency="low",
                    callback=self._called,
                )
        except self._port_audio_error as error:
            raise DeviceError(
                f"{device.name}: does not open for input ({error}); is another program using it, "
                "or may this one not use the microphone?"
            ) from error

    @property
    def latency_s(self) -> float:
        """From the air to the ring, as the driver tells, or a block where it tells nonsense."""
        told_s = float(self._stream.latency)
        return told_s if 0.0 < told_s < LONGEST_LATENCY_S else self._block_s

    @property
    def ended(self) -> bool:
        """Whether the device has gone away."""
        return not self._stream.active

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were read."""
        return self._ring.lost_samples

    def start(self) -> None:
        """Let the samples come."""
        try:
            with quiet_stderr():
                self._stream.start()
        except self._port_audio_error as error:
            raise DeviceError(f"{self.name}: does not start ({error})") from error

    def read(self, timeout_s: float) -> Block:
        """Take all samples that have come since the last call; empty after ``timeout_s``."""
        return self._ring.read(timeout_s)

    def close(self) -> None:
        """Stop and free the device; closing twice does no harm."""
        self._stream.close()

    def _called(self, samples: Any, frames: int, times: Any, flags: Any) -> None:
        now_s = time.monotonic()
        if flags:
            self.xruns += 1
        self._ring.write(samples[:, self._channel], now_s)
