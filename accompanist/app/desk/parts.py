"""The mixer of the desk: what each part of the ensemble is set to."""

from __future__ import annotations

from collections.abc import Iterator

from accompanist.app.desk.protocol import DeskError, Value, Values
from accompanist.app.desk.recording import RecordingDesk
from accompanist.app.desk.store import Sender, Store
from accompanist.app.processes.links import Mix, PieceLoaded
from accompanist.performing.messages import Kind
from accompanist.score.model import Part

__all__ = ["PartsDesk"]

_PAN_CONTROLLER = 10
_SWITCHES = ("mute", "solo")
_CONTROLS = (*_SWITCHES, "gain", "pan", "channel", "program", "output")
_OF_RECORDINGS = (*_SWITCHES, "gain", "pan")


class PartsDesk:
    """Keeps ``part/N/…``, tells the performer and the engine. Not thread-safe.

    Where the ensemble is a recording, the part that it stands for is told to ``recording``.

    Attributes
    ----------
    recorded : int
        Number of the part that is a recording; 0 without one.
    """

    def __init__(
        self, store: Store, performer: Sender, recording: RecordingDesk, engine: Sender
    ) -> None:
        self._store = store
        self._performer = performer
        self._engine = engine
        self._recording = recording
        self.recorded = 0
        self._names: dict[int, str] = {}
        self._solo = 0
        self._piece = ""
        self._changed: dict[tuple[int, str], Value] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the parts that the ensemble plays."""
        return tuple(sorted(self._names))

    @property
    def names(self) -> dict[int, str]:
        """Names of these parts."""
        return dict(self._names)

    def load(self, loaded: PieceLoaded) -> None:
        """Begin with another piece; the same piece again keeps what was set."""
        if loaded.piece_id != self._piece:
            self._changed.clear()
        self._piece, self._solo = loaded.piece_id, loaded.solo
        channels = loaded.plan.channels
        self.recorded = _recorded_part(loaded)
        played = {*channels, self.recorded}
        parts = {p.number: p for p in loaded.score.parts if p.number in played}
        self._names = {number: part.name for number, part in parts.items()}
        self._changed = {key: v for key, v in self._changed.items() if key[0] in parts}
        self._store.drop("part/")
        pans = _pans(loaded)
        for number, part in parts.items():
            if loaded.recording is not None and part.notes:
                # The recording plays them already: notes of a score tied to it are for a host.
                self._changed.setdefault((number, "output"), "midi")
            for control, value in _defaults(part, channels.get(number, 1), pans):
                values = self._changed.get((number, control), value)
                self._store.put(f"part/{number}/{control}", values)

    def send_all(self) -> None:
        """Tell the performer whatever differs from the score."""
        for (part, control), value in self._changed.items():
            if part != self.recorded:
                self._send(part, control, value)
        self._mix_recording()

    def check(self, part: int) -> None:
        """See that there is such a part.

        Raises
        ------
        DeskError
            409 nothing is loaded; 404 no such part, or it is the soloist's.
        """
        if not self._names:
            raise DeskError(409, "no piece is loaded: there are no parts")
        if part == self._solo:
            raise DeskError(404, f"part {part} is the soloist's")
        if part not in self._names:
            there = ", ".join(str(n) for n in self.numbers)
            raise DeskError(404, f"there is no part {part}; there are {there}")

    def set(self, part: int, control: str, values: Values) -> None:
        """Set one control of one part.

        Raises
        ------
        DeskError
            There is no such part, or it cannot be set.
        """
        self.check(part)
        if control not in _CONTROLS:
            raise DeskError(404, f"part/{part}/{control} cannot be set")
        value = values[0]
        if part == self.recorded and control not in _OF_RECORDINGS:
            raise DeskError(422, f"part {part} is a recording: it has no {control}")
        self._changed[part, control] = value
        if part != self.recorded:
            self._send(part, control, bool(value) if control in _SWITCHES else value)
        if part == self.recorded or control == "solo":
            self._mix_recording()
        self._store.put(f"part/{part}/{control}", value)

    def _send(self, part: int, control: str, value: Value) -> None:
        """Tell the performer; the engine, too, what makes a part fall silent: it hears them."""
        self._performer.send(Mix(part, control, value))
        if control in _SWITCHES:
            self._engine.send(Mix(part, control, bool(value)))

    def _mix_recording(self) -> None:
        """Tell the recording's player what its part is set to, and whether another has its solo."""
        part = self.recorded
        if not part:
            return
        solos = {number for (number, name), on in self._changed.items() if name == "solo" and on}
        beside = bool(solos) and part not in solos
        self._recording.strip(
            mute=bool(self._changed.get((part, "mute"))) or beside,
            gain_db=float(self._changed.get((part, "gain"), 0.0)),
            pan=float(self._changed.get((part, "pan"), 0.0)),
        )


def _recorded_part(loaded: PieceLoaded) -> int:
    """Find the part that a recording stands for: one without notes that is not the solo."""
    if loaded.recording is None:
        return 0
    silent = (p.number for p in loaded.score.parts if p.number != loaded.solo and not p.notes)
    return next(silent, 0)


def _defaults(part: Part, channel: int, pans: dict[int, float]) -> Iterator[tuple[str, Value]]:
    yield "name", part.name
    yield "mute", 0
    yield "solo", 0
    yield "gain", 0.0
    yield "pan", pans.get(channel, 0.0)
    yield "channel", channel
    yield "program", part.program
    yield "output", "both"


def _pans(loaded: PieceLoaded) -> dict[int, float]:
    """Where the score seats each channel, −1 left to 1 right."""
    found = {}
    for event in loaded.plan.chase(0.0):
        message = event.message
        if message.kind is Kind.CC and message.number == _PAN_CONTROLLER:
            found[message.channel] = round(min(max((message.value - 64) / 63, -1.0), 1.0), 3)
    return found
