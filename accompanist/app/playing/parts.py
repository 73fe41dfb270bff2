"""What a live take is put together from: the soloist's input, the ensemble's output."""

from __future__ import annotations

import select
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from accompanist.app.engine.feeds import AudioFeed, Feed, KeyFeed
from accompanist.app.engine.input import open_microphone
from accompanist.app.performer.link import PerformerLink
from accompanist.app.performer.midi_rig import NO_MIDI
from accompanist.app.playing.player import TapSource
from accompanist.app.playing.settings import PlaySettings
from accompanist.app.processes.links import (
    OutputInfo,
    OutputSettings,
    OutputsOpened,
    Problem,
    RecordingSource,
)
from accompanist.app.processes.recording_links import (
    LoadRecording,
    MixRecording,
    RecordingOpened,
    RecordingOutput,
    RecordingReady,
)
from accompanist.app.recording_player.link import RecordingLink
from accompanist.errors import DeviceError, UsageError
from accompanist.score.model import Score

__all__ = [
    "Ensemble",
    "Soloist",
    "open_ensemble",
    "open_recording",
    "open_soloist",
]

KEYS_RATE = 44_100
"""Without audio the hop is that of this rate."""
SETTLE_S = 0.3
LONGEST_LATENCY_S = 0.3
"""What a driver tells beyond this is nonsense."""
OPEN_S = 60.0
"""So long opening may take; big sound fonts are slow."""


@dataclass(frozen=True, slots=True)
class Soloist:
    """Where the solo comes from; ``keys`` says that it comes as keys and not as sound."""

    feed: Feed
    name: str
    sample_rate: int
    latency_s: float
    taps: TapSource | None = None
    keys: bool = False


@dataclass(slots=True)
class Ensemble:
    """Where the accompaniment goes: the performer, and what it has opened."""

    link: PerformerLink
    folder: tempfile.TemporaryDirectory[str]
    outputs: tuple[OutputInfo, ...]
    soundfont: Path | None
    warning: str = ""
    """Why there is no MIDI port, where there might have been one."""
    recording: RecordingLink | None = None
    """Plays the recording, where the ensemble is one."""
    solo_level: float = 0.0
    """How much of the recording's own soloist is heard at the beginning."""
    stretcher: str | None = None
    """How the recording is made faster and slower."""

    @property
    def name(self) -> str:
        """All outputs, as the human knows them."""
        return " + ".join(output.name for output in self.outputs) or "silence"

    @property
    def latency_s(self) -> float:
        """From sending a note to its sound, as far as the drivers are to be believed."""
        latest_s = max((output.latency_s for output in self.outputs), default=0.0)
        return min(max(latest_s, 0.0), LONGEST_LATENCY_S)

    def close(self) -> None:
        """Silence everything and end the performer; closing twice does no harm."""
        if self.recording is not None:
            self.recording.close()
        self.link.close()
        self.folder.cleanup()


def open_ensemble(settings: PlaySettings, *, notes: bool = True) -> Ensemble:
    """Start the performer and have it open the synthesiser, the MIDI port or both.

    Parameters
    ----------
    settings : PlaySettings
    notes : bool
        Whether there are notes to play; without them only what is asked for by name is opened.

    Raises
    ------
    DeviceError
        What was asked for cannot be opened: FluidSynth, sound font, audio output, MIDI.
    """
    from bridges.soundfonts import find_soundfont

    outputs = _outputs(settings, notes=notes)
    try:
        soundfont = find_soundfont(settings.soundfont)
    except DeviceError:
        if outputs.synth or settings.soundfont is not None:
            raise
        soundfont = None  # only the take will lack its sound
    outputs = replace(outputs, soundfont=soundfont)
    folder = tempfile.TemporaryDirectory(prefix="accompanist-")
    link = PerformerLink(Path(folder.name) / "board", outputs)
    ensemble = Ensemble(link, folder, (), soundfont)
    try:
        link.start()
        ensemble.outputs, problems = _opened(link, outputs, needs_midi=_wants(settings, "midi"))
        ensemble.warning = next((p for p in problems if not p.startswith(NO_MIDI)), "")
    except BaseException:
        ensemble.close()
        raise
    return ensemble


def _wants(settings: PlaySettings, where: str) -> bool:
    """Whether an output has been asked for by name."""
    return where in settings.to or (where == "midi" and settings.midi_port is not None)


def open_recording(
    ensemble: Ensemble, settings: PlaySettings, source: RecordingSource, score: Score
) -> None:
    """Start the process that plays a recording, and wait until it can sound.

    Raises
    ------
    DeviceError
        It cannot: there is no output, or the recording does not open.
    """
    driver = {None: None, "jack": "jack"}.get(settings.driver, "device")
    output = RecordingOutput(
        driver="silent" if settings.silent else driver,
        device=settings.output_name,
        wav=settings.heard,
    )
    level = settings.solo_level
    if level is None:
        level = 1.0 if source.accompaniment is None else 0.0
    link = RecordingLink(ensemble.link.board_path, output)
    ensemble.recording, ensemble.solo_level = link, level
    ensemble.stretcher = settings.stretcher
    link.start()
    link.send(MixRecording("solo", level))
    link.send(LoadRecording(source, score, settings.stretcher))
    ready = False
    opened: OutputInfo | None = None
    end_s = time.monotonic() + OPEN_S
    while not (ready and opened is not None):
        if time.monotonic() > end_s:
            raise DeviceError("the recording does not begin to sound; see 'accompanist doctor'")
        select.select([link], [], [], 0.5)
        for event in link.events():
            match event:
                case Problem():
                    raise DeviceError(event.text)
                case RecordingOpened():
                    opened = event.output
                case RecordingReady():
                    ready = True
    ensemble.outputs = (*ensemble.outputs, opened)


def _outputs(settings: PlaySettings, *, notes: bool) -> OutputSettings:
    """Say what to open: both, unless told otherwise, a MIDI port only where there can be one."""
    usual = notes and not settings.to
    return OutputSettings(
        midi=not settings.silent and (usual or _wants(settings, "midi")),
        synth=not settings.silent and (usual or _wants(settings, "synth")),
        port=settings.midi_port or "",
        driver=settings.driver,
        tapped=settings.loudspeakers,
    )


def _opened(
    link: PerformerLink, outputs: OutputSettings, *, needs_midi: bool
) -> tuple[tuple[OutputInfo, ...], list[str]]:
    """Wait until the outputs are open; give them, and what could not be.

    Raises
    ------
    DeviceError
        One that is needed is not.
    """
    problems: list[str] = []
    end_s = time.monotonic() + OPEN_S
    while time.monotonic() < end_s:
        select.select([link], [], [], 0.5)
        for event in link.events():
            if isinstance(event, Problem):
                problems.append(event.text)
            elif isinstance(event, OutputsOpened):
                kinds = {output.kind for output in event.outputs}
                lacks_synth = outputs.synth and "synth" not in kinds
                if lacks_synth or (needs_midi and not kinds - {"synth"}):
                    raise DeviceError(problems[-1 if lacks_synth else 0])
                return event.outputs, problems
    raise DeviceError("the performer opens no output; see what 'accompanist doctor' says")


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
    if settings.tap or settings.conducted:
        if not sys.stdin.isatty():
            option = "--tap" if settings.tap else "--mode conduct"
            raise UsageError(f"{option} needs a terminal: standard input is a file or a pipe here")
        taps = TapSource()
        return Soloist(KeyFeed(taps), "computer keyboard", KEYS_RATE, 0.0, taps=taps, keys=True)
    if settings.midi_in is not None:
        from bridges.midi_in import MidiInput
        from bridges.midi_ports import find_midi_input

        keys = MidiInput(find_midi_input(settings.midi_in))
        return Soloist(KeyFeed(keys), keys.name, KEYS_RATE, 0.0, keys=True)
    if settings.from_file is not None:
        from bridges.audio_files import read_audio
        from bridges.audio_pretend import PretendInput

        audio = read_audio(settings.from_file)
        pretended = PretendInput(audio.samples, audio.rate, name=settings.from_file.name)
        feed = AudioFeed(pretended, ends=True)
        return Soloist(feed, pretended.name, audio.rate, pretended.latency_s)

    microphone = open_microphone(settings.input_name, settings.channel)
    return Soloist(
        AudioFeed(microphone, settle_s=SETTLE_S),
        microphone.name,
        microphone.sample_rate,
        min(max(microphone.latency_s, 0.0), LONGEST_LATENCY_S),
    )
