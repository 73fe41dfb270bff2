"""The soloist's input as the settings name it: a device, a MIDI keyboard, a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accompanist.app.engine.feeds import AudioFeed, KeyFeed
from accompanist.app.engine.lasting_feed import AnyFeed
from accompanist.app.engine.piece import KEYS_RATE, InputFacts
from accompanist.app.processes.links import InputSettings
from accompanist.errors import AccompanistError, BadInputError

if TYPE_CHECKING:
    from bridges.audio_jack import JackInput
    from bridges.audio_live import AudioDevice, MicrophoneInput

__all__ = [
    "check_input",
    "find_device",
    "look_again",
    "needs_opening",
    "open_feed",
    "open_microphone",
]

JACK_HOST = "JACK"
SETTLE_S = 0.3
LONGEST_LATENCY_S = 0.3
"""What a driver tells beyond this is nonsense."""


def open_feed(settings: InputSettings) -> tuple[AnyFeed, InputFacts]:
    """Open and start what the settings name.

    Raises
    ------
    DeviceError
        There is no such input, or it does not open.
    BadInputError
        The recording cannot be read.
    """
    if settings.midi_in is not None:
        from bridges.midi_in import MidiInput
        from bridges.midi_ports import find_midi_input

        keys = MidiInput(find_midi_input(settings.midi_in))
        latency_s = settings.latency_s or 0.0
        return KeyFeed(keys), InputFacts(keys.name, KEYS_RATE, latency_s, keys=True)
    if settings.from_file is not None:
        from bridges.audio_files import read_audio
        from bridges.audio_pretend import PretendInput

        audio = read_audio(settings.from_file)
        name = settings.from_file.name
        source = PretendInput(audio.samples, audio.rate, name=name, waits=True)
        feed = AudioFeed(source, rewind=source.rewind)
        latency_s = source.latency_s
    else:
        microphone = open_microphone(settings.device, settings.channel)
        feed = AudioFeed(microphone, settle_s=SETTLE_S)
        latency_s = _measured_s(feed) or min(max(microphone.latency_s, 0.0), LONGEST_LATENCY_S)
    feed.set_gate(settings.gain_db, settings.gate_db)
    try:
        feed.start()
    except AccompanistError:
        feed.close()
        raise
    if settings.latency_s is not None:
        latency_s = settings.latency_s
    return feed, InputFacts(feed.name, feed.sample_rate, latency_s)


def _measured_s(feed: AudioFeed) -> float | None:
    """Give the delay of an input as it was calibrated, if it was."""
    from accompanist.app.machine.latencies import known_latency

    known = known_latency(feed.name, sample_rate=feed.sample_rate)
    return None if known is None else known.in_s


def open_microphone(wanted: str | None, channel: int = 1) -> MicrophoneInput | JackInput:
    """Open an audio input, through JACK where it is JACK's; it still has to be started.

    Raises
    ------
    DeviceError
        There is none such, or it does not open.
    """
    from bridges.audio_jack import JackInput
    from bridges.audio_live import MicrophoneInput

    device = find_device(wanted)
    if device.host == JACK_HOST:
        return JackInput(device.name, channel=channel)
    return MicrophoneInput(device, channel=channel)


def find_device(wanted: str | None) -> AudioDevice:
    """Find an audio input by number or a part of its name; None: a JACK server's, if one runs.

    Raises
    ------
    DeviceError
        There is none such.
    """
    from bridges.audio_jack import jack_hidden, list_jack_inputs
    from bridges.audio_live import find_input, list_audio_devices

    with jack_hidden():  # PortAudio may begin here
        heard = [d for d in list_audio_devices() if JACK_HOST not in d.host]
    jack = list_jack_inputs(1 + max((d.number for d in heard), default=-1))
    if wanted is None and jack:
        return jack[0]
    return find_input(wanted, [*heard, *jack])


def check_input(settings: InputSettings) -> None:
    """See whether there is what the settings name, without opening it.

    Raises
    ------
    DeviceError, BadInputError
        There is not.
    """
    if settings.midi_in is not None:
        from bridges.midi_ports import find_midi_input

        find_midi_input(settings.midi_in)
    elif settings.from_file is not None:
        if not settings.from_file.is_file():
            raise BadInputError(f"{settings.from_file}: there is no such file; check the path")
    else:
        find_device(settings.device)


def look_again() -> None:
    """Have devices looked for anew. No audio device of ours may be open."""
    from bridges import audio_live
    from bridges.audio_jack import jack_hidden

    with jack_hidden():
        audio_live.look_again()


def needs_opening(before: InputSettings | None, after: InputSettings) -> bool:
    """Whether two settings differ in more than gain, gate and a delay that somebody knows."""
    if before is None or (after.latency_s is None and before.latency_s is not None):
        return True
    alike = replace(before, gain_db=after.gain_db, gate_db=after.gate_db, latency_s=after.latency_s)
    return alike != after
