"""What a live take is put together from: the soloist's input, the ensemble's output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from accompanist.app.live_feeds import AudioFeed, Feed, KeyFeed
from accompanist.app.playing import TapSource
from accompanist.app.sender import Sink
from accompanist.app.solo_recorder import SoloRecorder
from accompanist.errors import DeviceError, UsageError
from accompanist.performing.messages import Message

__all__ = ["Ensemble", "PlaySettings", "SilentSink", "Soloist", "open_ensemble", "open_soloist"]

KEYS_RATE = 44_100
"""Without audio the hop is that of this rate."""
SETTLE_S = 0.3
LONGEST_LATENCY_S = 0.3
"""What a driver tells beyond this is nonsense."""


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """The options of ``accompanist play``."""

    piece: str
    solo: str | None = None
    input_name: str | None = None
    channel: int = 1
    midi_in: str | None = None
    tap: bool = False
    from_file: Path | None = None
    follower: str | None = None
    policy: str = "auto"
    start_bar: str | None = None
    count_in_bars: float | None = None
    soundfont: Path | None = None
    driver: str | None = None
    silent: bool = False
    further_latency_s: float = 0.0
    out: Path | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Soloist:
    """Where the solo comes from. Without a ``recorder`` it comes as keys, not as sound."""

    feed: Feed
    name: str
    sample_rate: int
    latency_s: float
    taps: TapSource | None = None
    recorder: SoloRecorder | None = None


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Where the accompaniment goes."""

    sink: Sink
    name: str
    soundfont: Path | None

    @property
    def latency_s(self) -> float:
        """From sending a note to its sound, as far as the driver is to be believed."""
        return min(max(self.sink.latency_s, 0.0), LONGEST_LATENCY_S)


class SilentSink:
    """Takes messages and makes no sound."""

    latency_s = 0.0

    def send(self, message: Message) -> None:
        """Take a message."""

    def panic(self) -> None:
        """There is nothing to silence."""

    def close(self) -> None:
        """There is nothing to give back."""


def open_ensemble(settings: PlaySettings) -> Ensemble:
    """Open the synthesiser and its audio output.

    Raises
    ------
    DeviceError
        No FluidSynth, sound font or audio output.
    """
    from bridges.fluidsynth import LiveSynth, find_soundfont

    if settings.silent:
        try:
            soundfont = find_soundfont(settings.soundfont)
        except DeviceError:
            if settings.soundfont is not None:
                raise
            return Ensemble(SilentSink(), "silence", None)
        return Ensemble(SilentSink(), "silence", soundfont)
    soundfont = find_soundfont(settings.soundfont)
    synth = LiveSynth(soundfont, driver=settings.driver)
    return Ensemble(synth, f"FluidSynth, {soundfont.stem}", soundfont)


def open_soloist(settings: PlaySettings) -> Soloist:
    """Open the microphone, the MIDI keyboard, the recording or the computer's keyboard.

    Raises
    ------
    DeviceError
        There is no such input.
    BadInputError
        The recording cannot be read.
    UsageError
        Taps are wanted where there is no terminal.
    """
    if settings.tap:
        if not sys.stdin.isatty():
            raise UsageError("--tap needs a terminal: standard input is a file or a pipe here")
        taps = TapSource()
        return Soloist(KeyFeed(taps), "computer keyboard", KEYS_RATE, 0.0, taps=taps)
    if settings.midi_in is not None:
        from bridges.midi_in import MidiInput, find_midi_input

        keys = MidiInput(find_midi_input(settings.midi_in))
        return Soloist(KeyFeed(keys), keys.name, KEYS_RATE, 0.0)
    if settings.from_file is not None:
        from bridges.audio_files import read_audio
        from bridges.audio_pretend import PretendInput

        audio = read_audio(settings.from_file)
        pretended = PretendInput(audio.samples, audio.rate, name=settings.from_file.name)
        recorder = SoloRecorder(audio.rate)
        feed = AudioFeed(pretended, recorder, ends=True)
        return Soloist(feed, pretended.name, audio.rate, pretended.latency_s, recorder=recorder)

    from bridges.audio_live import MicrophoneInput, find_input

    microphone = MicrophoneInput(find_input(settings.input_name), channel=settings.channel)
    recorder = SoloRecorder(microphone.sample_rate)
    return Soloist(
        AudioFeed(microphone, recorder, settle_s=SETTLE_S),
        microphone.name,
        microphone.sample_rate,
        min(max(microphone.latency_s, 0.0), LONGEST_LATENCY_S),
        recorder=recorder,
    )
