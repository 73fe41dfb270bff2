"""A recording out through a device, by PortAudio (`sounddevice`)."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from bridges.audio_live import list_audio_devices
from bridges.quiet import quiet_stderr

__all__ = ["Playback", "check_output"]

FloatArray = npt.NDArray[np.float32]


def check_output() -> None:
    """Make sure that there is a device to play through.

    Raises
    ------
    DeviceError
        There is none, or PortAudio is not installed.
    """
    if not any(device.outputs > 0 for device in list_audio_devices()):
        raise DeviceError(
            "no audio output found on this machine; connect loudspeakers or headphones, or leave "
            "--play out and listen to mix.wav"
        )


class Playback:
    """Plays samples from memory; a context manager, for one time through.

    Parameters
    ----------
    samples : ndarray [shape=(n, 2)]
        Full scale ±1.
    rate : int
        Samples a second.

    Raises
    ------
    DeviceError
        No output opens at this rate.
    """

    def __init__(self, samples: FloatArray, rate: int) -> None:
        import sounddevice

        self._samples, self._rate, self._done = samples, rate, 0
        try:
            with quiet_stderr():
                self._stream = sounddevice.OutputStream(
                    channels=samples.shape[1],
                    samplerate=rate,
                    dtype="float32",
                    callback=self._called,
                )
        except sounddevice.PortAudioError as error:
            raise DeviceError(
                f"the audio output does not open ({error}); is another program using it?"
            ) from error
        self._stop: type[Exception] = sounddevice.CallbackStop

    @property
    def position_s(self) -> float:
        """What is being heard, as far as the driver tells."""
        return max(0.0, self._done / self._rate - float(self._stream.latency))

    @property
    def ended(self) -> bool:
        """Whether everything has been played, or the device has gone."""
        return not self._stream.active

    def __enter__(self) -> Self:
        self._stream.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def _called(self, out: Any, frames: int, times: Any, flags: Any) -> None:
        piece = self._samples[self._done : self._done + frames]
        out[: len(piece)] = piece
        out[len(piece) :] = 0.0
        self._done += len(piece)
        if len(piece) < frames:
            raise self._stop
