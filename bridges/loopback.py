"""Plays a signal and records at the same time, sample by sample (PortAudio by `sounddevice`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from bridges.audio_live import AudioDevice, find_input, list_audio_devices
from bridges.quiet import quiet_stderr

__all__ = ["Pair", "Recording", "find_pair", "play_and_record"]

FloatArray = npt.NDArray[np.float32]
GRACE_S = 5.0
SETTLE_S = 0.3


@dataclass(frozen=True, slots=True)
class Pair:
    """An input and an output that run on one clock."""

    input: AudioDevice
    output: AudioDevice
    sample_rate: int


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What came in while a signal went out; its first sample belongs to the signal's first."""

    samples: FloatArray
    xruns: int
    told_in_s: float
    told_out_s: float
    """Latencies as the driver tells them; not to be believed everywhere."""


def find_pair(input_name: str | None = None, output_name: str | None = None) -> Pair:
    """Find an input and an output of the same audio system.

    Parameters
    ----------
    input_name, output_name : str, optional
        By number or a part of the name; None: the system's.

    Raises
    ------
    DeviceError
        There is none such, or they do not belong to one system.
    """
    source = find_input(input_name)
    outputs = [device for device in list_audio_devices() if device.outputs > 0]
    if not outputs:
        raise DeviceError("no audio output found on this machine; connect loudspeakers or a cable")
    target = _choose_output(outputs, source, output_name)
    if target.host != source.host:
        raise DeviceError(
            f"{source.name} is of {source.host}, {target.name} of {target.host}: they cannot be "
            "measured together; choose --input and --output of one system (accompanist devices)"
        )
    return Pair(source, target, source.sample_rate)


def _choose_output(
    outputs: list[AudioDevice], source: AudioDevice, wanted: str | None
) -> AudioDevice:
    if wanted is None:
        same = [device for device in outputs if device.host == source.host]
        own = [device for device in same if device.number == source.number]
        default = [device for device in same if device.default_output]
        return (own or default or same or outputs)[0]
    if wanted.isdecimal():
        matching = [device for device in outputs if device.number == int(wanted)]
    else:
        part = wanted.casefold()
        named = [d for d in outputs if part in f"{d.name} ({d.host})".casefold()]
        exact = [device for device in named if device.name == wanted]
        matching = sorted(exact or named, key=lambda device: device.host != source.host)
    if not matching:
        there = "; ".join(f"{device.number}: {device.name}" for device in outputs)
        raise DeviceError(f"no audio output is called {wanted!r}; there are {there}")
    return matching[0]


def play_and_record(
    pair: Pair,
    signal: FloatArray,
    *,
    channel: int = 1,
    block_samples: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Play a signal to the first two channels of the output, and record one of the input.

    Parameters
    ----------
    pair : Pair
        See `find_pair`.
    signal : ndarray [shape=(n,), dtype=float32]
        Full scale ±1.
    channel : int
        Of the input, from 1.
    block_samples : int
        Size of the blocks; 0 takes the driver's own. PortAudio adds a block of delay where it
        has to regroup them (a duplex JACK stream, even at the server's own period).
    progress : callable, optional
        Told the share that is done, a few times a second, in this thread.

    Raises
    ------
    DeviceError
        The devices do not open together, or stop in the middle.
    """
    if not 1 <= channel <= pair.input.inputs:
        raise DeviceError(
            f"{pair.input.name}: has no channel {channel}; choose 1 to {pair.input.inputs}"
        )
    import sounddevice

    recorded = np.zeros(len(signal), dtype=np.float32)
    state = {"done": 0, "xruns": 0}
    ended = threading.Event()

    def called(incoming: Any, outgoing: Any, frames: int, times: Any, flags: Any) -> None:
        begin = state["done"]
        # flags while the streams find together mean nothing; the signal begins later
        if flags and begin > SETTLE_S * pair.sample_rate:
            state["xruns"] += 1
        part = signal[begin : begin + frames]
        outgoing[:] = 0.0
        outgoing[: len(part)] = part[:, None]
        recorded[begin : begin + len(part)] = incoming[: len(part), channel - 1]
        state["done"] = begin + len(part)
        if len(part) < frames:
            raise sounddevice.CallbackStop

    try:
        with quiet_stderr():
            stream = sounddevice.Stream(
                device=(pair.input.number, pair.output.number),
                channels=(channel, min(2, pair.output.outputs)),
                samplerate=pair.sample_rate,
                blocksize=block_samples,
                dtype="float32",
                latency="low",
                callback=called,
                finished_callback=ended.set,
            )
            stream.start()
    except sounddevice.PortAudioError as error:
        raise DeviceError(
            f"{pair.input.name} and {pair.output.name} do not open together ({error}); is another "
            "program using them?"
        ) from error
    try:
        told_in_s, told_out_s = (float(latency_s) for latency_s in stream.latency)
        left_s = len(signal) / pair.sample_rate + GRACE_S
        while not ended.wait(0.2) and left_s > 0.0:
            left_s -= 0.2
            if progress is not None:
                progress(state["done"] / len(signal))
    finally:
        stream.close()
    if state["done"] < len(signal):
        raise DeviceError(f"{pair.input.name}: stopped in the middle; is it still connected?")
    return Recording(recorded, state["xruns"], told_in_s, told_out_s)
