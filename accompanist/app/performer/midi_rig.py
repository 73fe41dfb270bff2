"""Opening the MIDI outputs of a performer: which system, which ports, under which names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from accompanist.app.performer.sinks import Outlet, Rig, Sink
from accompanist.app.processes.board import MOST_PORTS, SoundingTable
from accompanist.app.processes.links import OutputSettings
from accompanist.errors import DeviceError
from bridges.jack_midi import JackMidi, JackPort, NameTakenError

__all__ = ["CLOCK", "NO_MIDI", "PARTS", "MidiRig", "open_midi", "part_port_names"]

PARTS, CLOCK = "parts", "clock"
NO_MIDI = "no MIDI system answers"
_LONGEST_NAME = 48


@dataclass(slots=True)
class MidiRig:
    """The MIDI side of a rig: outlets, and the client of JACK that they belong to, if any."""

    rig: Rig
    jack: JackMidi | None = None
    sinks: list[Sink] = field(default_factory=list)

    @property
    def gone(self) -> str:
        """Why nothing leaves any more; empty while all is well."""
        return next((sink.gone for sink in self.sinks if sink.gone), "")

    def look(self) -> None:
        """Ask the system whether ports of others are still there."""
        for sink in self.sinks:
            lost = getattr(sink, "lost", None)
            if lost is not None:
                lost()

    def close(self) -> None:
        """Close every port."""
        for sink in self.sinks:
            sink.close()
        if self.jack is not None:
            self.jack.close()


def part_port_names(names: Mapping[int, str]) -> dict[int, str]:
    """Name a port for each part: its own name, numbered where two are the same.

    >>> part_port_names({2: "Violin", 5: "Violin", 7: "", 8: "clock"})
    {2: 'Violin', 5: 'Violin 2', 7: 'part 7', 8: 'clock 2'}
    """
    taken = {PARTS, CLOCK}
    out: dict[int, str] = {}
    for number in sorted(names):
        base = names[number].replace(":", " ").strip()[:_LONGEST_NAME] or f"part {number}"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base} {count}"
        taken.add(name)
        out[number] = name
    return out


def open_midi(
    settings: OutputSettings,
    part_names: Mapping[int, str],
    table: SoundingTable,
    *,
    on_shutdown: Callable[[], None],
    name_s: float = 0.0,
) -> MidiRig:
    """Open what the settings ask for, in the first system that answers.

    Parameters
    ----------
    settings : OutputSettings
    part_names : mapping of int to str
        The parts that are to have a port each; none if all leave by one.
    table : SoundingTable
        Where what sounds is written down.
    on_shutdown : callable
        Called when the sound server has gone, on a thread of its library.
    name_s : float
        So long our name may still be taken by one of us that has died.

    Raises
    ------
    DeviceError
        Nothing opens, or our name is taken.
    """
    if settings.backend == "port" or (settings.backend == "auto" and settings.port):
        return _existing(settings, table)
    parts = part_port_names(part_names)
    shorts = [PARTS, *list(parts.values())[: MOST_PORTS - 1]] if settings.midi else []
    if settings.clock:
        shorts.append(CLOCK)
    if settings.backend in ("auto", "jack"):
        try:
            jack = JackMidi(
                settings.client_name, shorts, on_shutdown=on_shutdown, wait_for_name_s=name_s
            )
        except NameTakenError:
            raise
        except DeviceError:
            if settings.backend == "jack":
                raise
        else:
            ports = {name: JackPort(jack, i, name) for i, name in enumerate(shorts)}
            return _rigged(settings, ports, parts, table, jack)
    return _rigged(settings, _virtual(settings, shorts), parts, table, None)


def _virtual(settings: OutputSettings, shorts: Sequence[str]) -> dict[str, Sink]:
    from bridges.midi_out import VirtualPort, virtual_backends

    client = settings.client_name
    backends = virtual_backends() if settings.backend == "auto" else (settings.backend,)
    for backend in backends:
        ports: dict[str, Sink] = {}
        try:
            for short in shorts:
                ports[short] = VirtualPort(backend, client, f"{client} {short}")
        except DeviceError:
            for port in ports.values():
                port.close()
            if settings.backend != "auto":
                raise
        else:
            return ports
    raise DeviceError(
        f"{NO_MIDI} (JACK, PipeWire, CoreMIDI, ALSA sequencer); start one, or name an existing port"
    )


def _existing(settings: OutputSettings, table: SoundingTable) -> MidiRig:
    from bridges.midi_out import ExistingPort, find_midi_output

    port = ExistingPort(find_midi_output(settings.port), settings.client_name)
    # Notes and clock share it, as instruments with one socket have it.
    outlet = Outlet(port, 0, table)
    rig = Rig(midi=outlet if settings.midi else None, clock=outlet if settings.clock else None)
    return MidiRig(rig, None, [port])


def _rigged(
    settings: OutputSettings,
    ports: Mapping[str, Sink],
    parts: Mapping[int, str],
    table: SoundingTable,
    jack: JackMidi | None,
) -> MidiRig:
    rig = Rig()
    if settings.midi:
        rig.midi = Outlet(ports[PARTS], 0, table)
        for row, (number, name) in enumerate(parts.items(), start=1):
            if name in ports:
                rig.parts[number] = Outlet(ports[name], row, table)
    if settings.clock:
        rig.clock = Outlet(ports[CLOCK])
    return MidiRig(rig, jack, list(ports.values()))
