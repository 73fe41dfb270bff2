"""FluidSynth as it sounds: messages played at once through FluidSynth's own audio driver.

Nothing here needs numpy: the process that keeps time goes without.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from accompanist.errors import DeviceError
from accompanist.performing.clock import ClockEvent
from accompanist.performing.messages import Kind, Message
from bridges.midi_bytes import panics
from bridges.quiet import quiet_stderr
from bridges.soundfonts import HOW_TO_GET_ONE

if TYPE_CHECKING:
    from bridges.fluidsynth_tap import SynthTap
    from bridges.shared_sound import SharedSound

__all__ = ["LiveSynth", "Synth", "fluidsynth_library"]

_LOG = logging.getLogger(__name__)
_GAIN = 0.35
_LOG_LEVELS = 5
_SETTINGS = {
    "synth.polyphony": 256,
    "synth.reverb.active": 1,
    "synth.chorus.active": 0,
    "synth.cpu-cores": 1,
}


class Synth:
    """A FluidSynth instance with one sound font; channels 1–16 outside, 0–15 inside."""

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
        self._library = fluidsynth_library()
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

    def play(self, message: Message) -> None:
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
        for message in panics((), tails=True):
            self.play(message)

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


class LiveSynth(Synth):
    """Plays messages as they come, through FluidSynth's own audio driver. A sink.

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
    shared : SharedSound, optional
        Where what sounds is put down, if the driver allows it.

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
        shared: SharedSound | None = None,
    ) -> None:
        super().__init__(soundfont, sample_rate)
        self._tap: SynthTap | None = None
        self._latency_s = period_samples * periods / sample_rate
        self._synth.setting("audio.period-size", period_samples)
        self._synth.setting("audio.periods", periods)
        self._synth.setting("audio.realtime-prio", 60)
        self._synth.setting("audio.jack.autoconnect", 1)  # else it plays to nobody
        self.name = f"FluidSynth, {soundfont.stem}"
        self.driver = ""
        tried = (driver,) if driver else _usual_drivers()
        for name in tried:
            self._synth.setting("audio.driver", name)
            with quiet_stderr():
                rate = (_jack_rate() if name == "jack" else 0) or sample_rate
                self._synth.audio_driver = self._driven(shared, rate)
            if self._synth.audio_driver:
                _LOG.info("FluidSynth plays through %s", name)
                self.driver = name
                return
        self.close()
        raise DeviceError(
            f"FluidSynth found no audio output ({', '.join(tried)}); connect loudspeakers or "
            "headphones and see that the sound server runs, or go without sound (play --silent)"
        )

    kind = "synth"
    ahead_s = 0.0

    @property
    def tapped(self) -> bool:
        """Whether what sounds is put down."""
        return self._tap is not None

    def _driven(self, shared: SharedSound | None, sample_rate: int) -> Any:
        """Open the driver, where it can be with a callback that puts down what sounds."""
        synth, settings = self._synth.synth, self._synth.settings
        if shared is not None:
            library = self._library._fl
            try:
                from bridges.fluidsynth_tap import SynthTap

                tap = SynthTap(library, synth, shared, sample_rate)
                opened = library.new_fluid_audio_driver2
            except (ImportError, OSError, AttributeError) as error:
                _LOG.info("what FluidSynth sounds cannot be put down: %s", error)
            else:
                opened.argtypes = (ctypes.c_void_p,) * 3
                opened.restype = ctypes.c_void_p
                if driver := opened(settings, tap.address, tap.argument):
                    self._tap = tap
                    return driver
        return self._library.new_fluid_audio_driver(settings, synth)

    @property
    def gone(self) -> str:
        """Why it does not sound any more: only because it has been closed."""
        return "" if self._open else f"{self.name}: closed"

    @property
    def latency_s(self) -> float:
        """Delay from a message to its sound, as far as the buffers tell."""
        return self._latency_s

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        """Sound a message now; a synthesiser has no use for a clock."""
        if self._open and isinstance(message, Message):
            self.play(message)

    def sent(self) -> list[tuple[object, float]]:
        """Nothing: what is sent has left."""
        return []


def _jack_rate() -> int:
    """Give the rate of the JACK server, which FluidSynth adopts; 0 where there is none."""
    try:
        import jack

        client = jack.Client("accompanist rate", no_start_server=True)
    except (ImportError, OSError):
        return 0
    except jack.JackError:
        return 0
    with client:
        return int(client.samplerate)


def _usual_drivers() -> tuple[str, ...]:
    if sys.platform == "darwin":
        return ("coreaudio",)
    if sys.platform == "win32":
        return ("wasapi", "dsound")
    return ("pipewire", "pulseaudio", "jack", "alsa")


def fluidsynth_library() -> ModuleType:
    """Load pyfluidsynth and keep libfluidsynth from writing to our stderr.

    Raises
    ------
    DeviceError
        FluidSynth is not installed.
    """
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
