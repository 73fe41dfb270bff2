"""FluidSynth: the accompaniment as sound, rendered into memory or played by its own driver."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.quiet import quiet_stderr
from bridges.soundfonts import HOW_TO_GET_ONE, find_soundfont

__all__ = ["LiveSynth", "OfflineSynth", "find_soundfont"]

FloatArray = npt.NDArray[np.float32]

_LOG = logging.getLogger(__name__)
_BLOCK = 64
"""FluidSynth applies messages at multiples of this many samples."""
_GAIN = 0.35
_HIGHEST_HZ = 96_000
_LOWEST_HZ = 32_000
"""Slower rates are rendered at a multiple of themselves: the block would last too long."""
_LOG_LEVELS = 5
_SETTINGS = {
    "synth.polyphony": 256,
    "synth.reverb.active": 1,
    "synth.chorus.active": 0,
    "synth.cpu-cores": 1,
}


class _Synth:
    """A FluidSynth instance with one sound font; channels 1–16 outside, 0–15 inside."""

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
        self._library = _library()
        self._synth: Any = self._library.Synth(
            gain=_GAIN, samplerate=float(sample_rate), channels=16, **_SETTINGS
        )
        if not self._synth.synth:
            raise DeviceError(f"FluidSynth does not start at {sample_rate} samples a second")
        with quiet_stderr():
            font = self._synth.sfload(str(soundfont))
        if font < 0:
            self._synth.delete()
            raise DeviceError(
                f"{soundfont}: FluidSynth cannot read this sound font; {HOW_TO_GET_ONE}"
            )
        for channel in range(16):
            bank = 128 if channel == 9 else 0
            self._synth.program_select(channel, font, bank, 0)
        self._open = True

    def send(self, message: Message) -> None:
        """Give a message to the synthesiser, to take effect with its next block of samples."""
        channel = message.channel - 1
        match message.kind:
            case Kind.ON:
                self._synth.noteon(channel, message.number, message.value)
            case Kind.OFF:
                self._synth.noteoff(channel, message.number)
            case Kind.CC:
                self._synth.cc(channel, message.number, message.value)
            case Kind.PROGRAM:
                self._synth.program_change(channel, message.number)
            case Kind.BEND:
                self._synth.pitch_bend(channel, message.value)

    def panic(self) -> None:
        """Silence everything at once: pedals up, keys up, tails off."""
        for channel in range(16):
            self._synth.cc(channel, 64, 0)
            self._synth.all_notes_off(channel)
            self._synth.all_sounds_off(channel)

    def close(self) -> None:
        """Free the synthesiser; closing twice does no harm."""
        if self._open:
            self._open = False
            self._synth.delete()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class OfflineSynth(_Synth):
    """Renders messages into memory, always the same samples for the same messages.

    Parameters
    ----------
    soundfont : Path
        See `find_soundfont`.
    sample_rate : int
        Of the samples wanted, 4000–384 000 Hz. FluidSynth itself runs at 32–96 kHz; other rates
        are resampled.

    Raises
    ------
    DeviceError
        FluidSynth is not installed, or cannot read the sound font.
    """

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
        self._rate = sample_rate
        self._up = max(1, -(-_LOWEST_HZ // sample_rate))
        self._inner_rate = min(sample_rate * self._up, _HIGHEST_HZ)
        super().__init__(soundfont, self._inner_rate)

    def render(self, messages: Sequence[TimedMessage], duration_s: float) -> FloatArray:
        """Sound of the messages from 0 to ``duration_s``.

        Messages take effect within half a block of FluidSynth (32 samples, 0.7 ms at 44.1 kHz) of
        their times.

        Parameters
        ----------
        messages : sequence of TimedMessage
            In order of time; what comes at or after ``duration_s`` is left out.
        duration_s : float
            Length of the result.

        Returns
        -------
        ndarray [shape=(n, 2), dtype=float32]
            Stereo, full scale ±1.
        """
        total = round(duration_s * self._inner_rate)
        pieces: list[npt.NDArray[np.int16]] = []
        done = 0
        for timed in messages:
            at = round(timed.time_s * self._inner_rate / _BLOCK) * _BLOCK
            if at >= total:
                break
            if at > done:
                pieces.append(self._synth.get_samples(at - done))
                done = at
            self.send(timed.message)
        if total > done:
            pieces.append(self._synth.get_samples(total - done))
        if not pieces:
            return np.zeros((0, 2), dtype=np.float32)
        stereo = np.concatenate(pieces).reshape(-1, 2).astype(np.float32) / np.float32(32768.0)
        if self._inner_rate == self._rate:
            return stereo
        return self._resampled(stereo, round(duration_s * self._rate))

    def _resampled(self, stereo: FloatArray, length: int) -> FloatArray:
        import soxr

        out = np.asarray(soxr.resample(stereo, self._inner_rate, self._rate), dtype=np.float32)
        if len(out) < length:
            out = np.pad(out, ((0, length - len(out)), (0, 0)))
        return out[:length]


class LiveSynth(_Synth):
    """Plays messages as they come, through FluidSynth's own audio driver.

    Parameters
    ----------
    soundfont : Path
        See `find_soundfont`.
    sample_rate : int
        Of the audio device, Hz.
    driver : str, optional
        FluidSynth's name of the driver (``pulseaudio``, ``jack``, ``alsa``, ``coreaudio``);
        None tries the usual ones of the system.
    period_samples, periods : int
        Size and number of the driver's buffers: the synthesiser's delay.

    Raises
    ------
    DeviceError
        No FluidSynth, no readable sound font, or no audio device that opens.
    """

    def __init__(
        self,
        soundfont: Path,
        sample_rate: int = 48_000,
        *,
        driver: str | None = None,
        period_samples: int = 128,
        periods: int = 3,
    ) -> None:
        super().__init__(soundfont, sample_rate)
        self._latency_s = period_samples * periods / sample_rate
        self._synth.setting("audio.period-size", period_samples)
        self._synth.setting("audio.periods", periods)
        self._synth.setting("audio.realtime-prio", 60)
        self._synth.setting("audio.jack.autoconnect", 1)  # else it plays to nobody
        tried = (driver,) if driver else _usual_drivers()
        for name in tried:
            self._synth.setting("audio.driver", name)
            with quiet_stderr():
                self._synth.audio_driver = self._library.new_fluid_audio_driver(
                    self._synth.settings, self._synth.synth
                )
            if self._synth.audio_driver:
                _LOG.info("FluidSynth plays through %s", name)
                return
        self.close()
        raise DeviceError(
            f"FluidSynth found no audio output ({', '.join(tried)}); connect loudspeakers or "
            "headphones and see that the sound server runs, or go without sound (play --silent)"
        )

    @property
    def latency_s(self) -> float:
        """Delay from a message to its sound, as far as the buffers tell."""
        return self._latency_s


def _usual_drivers() -> tuple[str, ...]:
    if sys.platform == "darwin":
        return ("coreaudio",)
    if sys.platform == "win32":
        return ("wasapi", "dsound")
    return ("pipewire", "pulseaudio", "jack", "alsa")


def _library() -> ModuleType:
    """Load pyfluidsynth and keep libfluidsynth from writing to our stderr."""
    try:
        import fluidsynth
    except (ImportError, OSError) as error:
        raise DeviceError(
            "the FluidSynth library is not installed; install it (Debian/Ubuntu: libfluidsynth3, "
            "Fedora: fluidsynth-libs, macOS: brew install fluid-synth), or go without sound "
            "(render --no-audio, play --silent)"
        ) from error
    library: ModuleType = fluidsynth
    set_log = fluidsynth._fl.fluid_set_log_function
    set_log.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    set_log.restype = ctypes.c_void_p
    for level in range(_LOG_LEVELS):
        set_log(level, None, None)
    return library
