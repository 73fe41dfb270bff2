"""A MIDI keyboard as the soloist (python-rtmidi)."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from accompanist.errors import DeviceError
from accompanist.followers.protocol import PlayedNote
from bridges.midi_ports import MidiPort, rtmidi_library
from bridges.quiet import quiet_stderr

__all__ = ["MidiInput", "note_of"]

CLIENT_NAME: Final = "accompanist solo"
NOTE_OFF, NOTE_ON = 0x80, 0x90


def note_of(message: list[int] | tuple[int, ...], time_s: float) -> PlayedNote | None:
    """Make a note out of the bytes of a channel message; None if it is something else.

    >>> note_of([0x93, 60, 64], 1.5)
    PlayedNote(time_s=1.5, pitch=60, velocity=64)
    >>> note_of([0x90, 60, 0], 2.0)
    PlayedNote(time_s=2.0, pitch=60, velocity=0)
    >>> note_of([0xB0, 64, 127], 2.0) is None
    True
    """
    if len(message) != 3:
        return None
    kind = message[0] & 0xF0
    if kind == NOTE_ON:
        return PlayedNote(time_s, message[1], message[2])
    if kind == NOTE_OFF:
        return PlayedNote(time_s, message[1], 0)
    return None


class MidiInput:
    """An open MIDI input; the keys wait here with their monotonic times until they are taken.

    Raises
    ------
    DeviceError
        The port does not open.
    """

    def __init__(self, port: MidiPort) -> None:
        rtmidi = rtmidi_library()
        self._error: type[Exception] = rtmidi.RtMidiError
        self.name = port.name
        self._keys: deque[PlayedNote] = deque()
        self._closed = False
        try:
            with quiet_stderr():
                self._input = rtmidi.MidiIn(port.api, name=CLIENT_NAME)
        except rtmidi.RtMidiError as error:
            raise DeviceError(f"{port.name}: does not open ({error})") from error
        try:
            with quiet_stderr():
                self._input.open_port(port.index, name="solo")
        except (rtmidi.RtMidiError, OSError) as error:
            self._input.delete()
            raise DeviceError(f"{port.name}: does not open ({error})") from error
        self._input.ignore_types(sysex=True, timing=True, active_sense=True)
        self._input.set_callback(self._received)

    def take(self) -> list[PlayedNote]:
        """Take the keys struck and released since the last call, in monotonic time."""
        taken = []
        while self._keys:
            taken.append(self._keys.popleft())
        return taken

    @property
    def present(self) -> bool:
        """Whether the port is still there: MIDI tells nobody when a keyboard is pulled out."""
        try:
            with quiet_stderr():
                return not self._closed and self.name in self._input.get_ports()
        except self._error:  # the MIDI system has gone
            return False

    def close(self) -> None:
        """Close the port and free the client, which rtmidi alone would leak."""
        if not self._closed:
            self._closed = True
            self._input.cancel_callback()
            self._input.close_port()
            self._input.delete()

    def _received(self, event: tuple[list[int], float], _data: object = None) -> None:
        note = note_of(event[0], time.monotonic())
        if note is not None:
            self._keys.append(note)
