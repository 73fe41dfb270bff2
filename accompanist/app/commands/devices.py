"""``accompanist devices``: what there is to hear with and to play through."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from accompanist.app.machine.latencies import RoundTrip
    from bridges.audio_live import AudioDevice
    from bridges.midi_ports import MidiPort

__all__ = ["Devices", "command", "find_devices", "lines"]

_EPILOG = """\b
Examples:
  accompanist devices
  accompanist devices --json
"""

_OURS: Final = "accompanist"
_BACKENDS: Final = {"jack": "JACK", "coremidi": "CoreMIDI", "alsa": "ALSA sequencer"}


@dataclass(frozen=True, slots=True)
class Devices:
    """Everything found on this machine, and in ``problems`` what could not be looked at."""

    audio: tuple[AudioDevice, ...] = ()
    midi_inputs: tuple[MidiPort, ...] = ()
    midi_outputs: tuple[MidiPort, ...] = ()
    soundfonts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    """MIDI systems that answer; our own ports are opened in the first."""
    latencies: tuple[RoundTrip, ...] = ()
    """Round trips known by calibration, the newest last."""


def find_devices() -> Devices:
    """Look at everything; a library that is missing is a problem to tell, not an error."""
    from accompanist.app.machine.latencies import kept_latencies
    from accompanist.errors import DeviceError
    from bridges.audio_live import list_audio_devices
    from bridges.midi_control import answering_backends
    from bridges.midi_ports import list_midi_ports
    from bridges.soundfonts import find_soundfont

    problems: list[str] = []
    audio: tuple[AudioDevice, ...] = ()
    inputs: tuple[MidiPort, ...] = ()
    outputs: tuple[MidiPort, ...] = ()
    soundfonts: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    try:
        audio = list_audio_devices()
    except DeviceError as error:
        problems.append(str(error))
    try:
        inputs, outputs = list_midi_ports(), list_midi_ports(outputs=True)
        backends = answering_backends()
    except DeviceError as error:
        problems.append(str(error))
    try:
        soundfonts = (str(find_soundfont(None)),)
    except DeviceError as error:
        problems.append(str(error))
    return Devices(audio, inputs, outputs, soundfonts, tuple(problems), backends, kept_latencies())


def lines(found: Devices) -> list[str]:
    """Say it in words, a line each."""
    out = ["Audio inputs (--input NUMBER or a part of the name):"]
    for device in (d for d in found.audio if d.inputs):
        mark = "  (default)" if device.default_input else ""
        out.append(
            f"  {device.number:>3}  {device.name}  [{device.host}, {device.inputs} ch, "
            f"{device.sample_rate} Hz]{mark}{_round_trip(found, device.name)}"
        )
    if not any(d.inputs for d in found.audio):
        out.append("  none: connect a microphone, or play with --midi-in or --tap")
    out.append("Audio outputs:")
    for device in (d for d in found.audio if d.outputs):
        mark = "  (default)" if device.default_output else ""
        out.append(
            f"  {device.number:>3}  {device.name}  [{device.host}, {device.outputs} ch, "
            f"{device.sample_rate} Hz]{mark}"
        )
    if not any(d.outputs for d in found.audio):
        out.append("  none: connect loudspeakers or headphones, or play with --silent")
    out.append("MIDI inputs (--midi-in NUMBER or a part of the name):")
    out += _ports(found.midi_inputs)
    out.append("MIDI outputs:")
    out += _ports(found.midi_outputs)
    out.append("Our own MIDI ports are opened in:")
    if found.backends:
        out.append(f"  {_BACKENDS.get(found.backends[0], found.backends[0])}")
    else:
        out.append("  none: neither JACK nor the system's MIDI answers; see accompanist doctor")
    out.append("Sound font:")
    out.append(f"  {found.soundfonts[0]}" if found.soundfonts else "  none")
    out.extend(f"Missing: {problem}" for problem in found.problems)
    return out


def _ports(ports: tuple[MidiPort, ...]) -> list[str]:
    told = [
        f"  {port.number:>3}  {port.name}  [{port.system}]"
        + ("  (ours)" if port.name.casefold().startswith(_OURS) else "")
        for port in ports
    ]
    return told or ["  none"]


def _round_trip(found: Devices, name: str) -> str:
    """Latest calibration of an input."""
    trips = [trip for trip in found.latencies if trip.input == name]
    if not trips:
        return ""
    return f"  round trip {1000.0 * trips[-1].round_trip_s:.1f} ms with {trips[-1].output}"


@click.command(name="devices", epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(as_json: bool) -> None:
    """List audio devices, MIDI ports and the sound font found on this machine."""
    found = find_devices()
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
        return
    for line in lines(found):
        click.echo(line)
