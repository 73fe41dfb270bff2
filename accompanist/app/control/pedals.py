"""Pedals, pads and keys that give commands: which message means what, long presses, learning.

Pure: bytes and times go in, wishes come out. A press counts at its first edge, so that a cue is not
a moment late; bouncing afterwards is waited out. What is kept down longer becomes a hold that ends
with the foot: down is the chord, staying down holds it, up goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from accompanist.app.desk.protocol import Values

__all__ = ["ACTIONS", "DEFAULTS", "Action", "Binding", "Pedals", "Wish", "binding_of"]


@dataclass(frozen=True, slots=True)
class Action:
    """What a pedal can do, as a call of the desk.

    ``long`` and ``end`` are called when it is kept down and when it is then let go.
    """

    key: str
    values: Values = ()
    long: tuple[str, Values] | None = None
    end: tuple[str, Values] | None = None
    toggles: bool = False
    """Whether ``key`` is a state, 0 or 1, that every press turns over."""


_HOLD: Final[tuple[str, Values]] = ("hold", (1,))
_GO_ON: Final[tuple[str, Values]] = ("hold", (0,))

ACTIONS: Final[dict[str, Action]] = {
    "cue": Action("cue", long=_HOLD, end=_GO_ON),
    "hold": Action("hold"),
    "back": Action("goto/prev"),
    "forward": Action("goto/next"),
    "panic": Action("midi/panic"),
    "start": Action("start"),
    "stop": Action("stop"),
    "arm": Action("arm"),
    "resync": Action("resync"),
    "vamp": Action("vamp/exit"),
    "tap": Action("tempo/tap"),
    "lock": Action("tempo/lock", toggles=True),
    "mark": Action("take/save"),
}
"""Name → what is done; the names are what can be learned."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A message and what it means.

    ``kind`` is ``cc``, ``note`` or ``program``; ``channel`` is 1–16, 0 takes any; ``inverted``
    belongs to pedals that send 0 when they are down.
    """

    kind: str
    number: int
    action: str
    channel: int = 0
    inverted: bool = False


DEFAULTS: Final = (
    Binding("cc", 64, "cue"),
    Binding("cc", 67, "back"),
    Binding("cc", 66, "panic"),
)
_KINDS: Final = ("cc", "note", "program")
_RELEASE: Final = 16
"""How far below the threshold a pedal has to come to be up: a foot trembles."""
_WAVERS_S: Final = 0.3
"""A pedal that sends small values and then larger ones within this is on its way down."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to be done at the desk."""

    key: str
    values: Values = ()
    toggles: bool = False


@dataclass(slots=True)
class _Foot:
    """One pedal: what is believed and what was last heard."""

    down: bool = False
    raw_down: bool = False
    changed_s: float = float("-inf")
    pressed_s: float = 0.0
    held: bool = False
    locked_out: bool = False
    """Learned with this press: it does nothing until it is up again."""


def binding_of(row: object) -> Binding | None:
    """Read a binding from what stood in a file; None where it makes no sense.

    >>> binding_of({"kind": "note", "number": 36, "action": "cue"})
    Binding(kind='note', number=36, action='cue', channel=0, inverted=False)
    >>> binding_of({"kind": "note", "number": 360, "action": "cue"}) is None
    True
    """
    if not isinstance(row, dict):
        return None
    try:
        binding = Binding(
            str(row["kind"]),
            int(row["number"]),
            str(row["action"]),
            int(row.get("channel", 0)),
            bool(row.get("inverted", False)),
        )
    except (KeyError, TypeError, ValueError):
        return None
    sound = (
        binding.kind in _KINDS
        and 0 <= binding.number <= 127
        and 0 <= binding.channel <= 16
        and binding.action in ACTIONS
    )
    return binding if sound else None


class Pedals:
    """Bindings and the feet on them. Not thread-safe.

    Parameters
    ----------
    bindings : iterable of Binding
        What means what.
    hold_s : float
        A press longer than this is a long one.
    debounce_s : float
        Edges closer than this to one that counted are waited out.
    threshold : int
        Value from which a controller counts as down.
    """

    def __init__(
        self,
        bindings: Iterable[Binding] = DEFAULTS,
        *,
        hold_s: float = 0.6,
        debounce_s: float = 0.03,
        threshold: int = 64,
    ) -> None:
        self._bindings = tuple(bindings)
        self._hold_s, self._debounce_s, self._threshold = hold_s, debounce_s, threshold
        self._feet: dict[Binding, _Foot] = {}
        self._learning = ""
        self._low: tuple[Binding, int, float] | None = None
        """Candidate of the learning that has sent a small value: binding, value, time."""

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What means what now."""
        return self._bindings

    @property
    def learning(self) -> str:
        """Name of the action that the next message is bound to; empty if none."""
        return self._learning

    def learn(self, action: str) -> None:
        """Bind the next message to an action; an empty name gives up.

        Raises
        ------
        ValueError
            There is no such action.
        """
        if action and action not in ACTIONS:
            raise ValueError(f"no action is called {action!r}; there are {', '.join(ACTIONS)}")
        self._learning, self._low = action, None

    def bind(self, bindings: Iterable[Binding]) -> tuple[Wish, ...]:
        """Take other bindings; what was held by a pedal goes on."""
        wishes = self.release()
        self._bindings = tuple(bindings)
        return wishes

    def release(self) -> tuple[Wish, ...]:
        """Take all feet off: the port has gone."""
        wishes = [
            wish
            for binding, foot in self._feet.items()
            if foot.held and (wish := _wish(ACTIONS[binding.action].end)) is not None
        ]
        self._feet.clear()
        return tuple(wishes)

    def heard(self, message: bytes, time_s: float) -> tuple[Wish, ...]:
        """Take one MIDI message at a monotonic time."""
        wishes = list(self.due(time_s))
        read = _read(message)
        if read is None:
            return tuple(wishes)
        kind, channel, number, value = read
        if self._learning:
            self._consider(kind, channel, number, value, time_s)
            return tuple(wishes)
        for binding in self._bindings:
            if (binding.kind, binding.number) != (kind, number):
                continue
            if binding.channel not in (0, channel):
                continue
            wishes += self._moved(binding, value, time_s)
        return tuple(wishes)

    def due(self, time_s: float) -> tuple[Wish, ...]:
        """Do what time alone brings: long presses, the end of bouncing, the end of learning."""
        wishes: list[Wish] = []
        if self._low is not None and time_s - self._low[2] >= _WAVERS_S:
            binding, value, _ = self._low
            self._low = None
            if value < self._threshold - _RELEASE:  # it stayed small: this one sends 0 when down
                self._bind_learned(binding, inverted=True)
        for binding, foot in self._feet.items():
            settled = time_s - foot.changed_s >= self._debounce_s
            if settled and foot.raw_down != foot.down:
                wishes += self._edge(binding, foot, time_s)
            if foot.down and not foot.held and not foot.locked_out:
                action = ACTIONS[binding.action]
                wish = _wish(action.long)
                if wish is not None and time_s - foot.pressed_s >= self._hold_s:
                    foot.held = True
                    wishes.append(wish)
        return tuple(wishes)

    def _moved(self, binding: Binding, value: int, time_s: float) -> list[Wish]:
        """Take a new value of a bound pedal."""
        if binding.kind == "program":  # a press without an end
            action = ACTIONS[binding.action]
            return [Wish(action.key, action.values, action.toggles)]
        foot = self._feet.setdefault(binding, _Foot())
        level = 127 - value if binding.inverted else value
        limit = self._threshold if not foot.raw_down else max(1, self._threshold - _RELEASE)
        foot.raw_down = level >= limit
        if foot.raw_down == foot.down or time_s - foot.changed_s < self._debounce_s:
            return []
        return self._edge(binding, foot, time_s)

    def _edge(self, binding: Binding, foot: _Foot, time_s: float) -> list[Wish]:
        """Let a pedal go down or up for good."""
        foot.down, foot.changed_s = foot.raw_down, time_s
        action = ACTIONS[binding.action]
        if foot.down:
            foot.pressed_s = time_s
            return [] if foot.locked_out else [Wish(action.key, action.values, action.toggles)]
        held, foot.held, foot.locked_out = foot.held, False, False
        wish = _wish(action.end) if held else None
        return [wish] if wish is not None else []

    def _consider(self, kind: str, channel: int, number: int, value: int, time_s: float) -> None:
        """See whether this message is the one that is to be learned."""
        binding = Binding(kind, number, self._learning, channel)
        if kind != "cc":
            if value > 0 or kind == "program":  # a release is no press
                self._bind_learned(binding, inverted=False)
            return
        if value >= self._threshold:
            self._low = None
            self._bind_learned(binding, inverted=False)
        elif self._low is None or self._low[0] != binding or value < self._low[1]:
            self._low = (binding, value, time_s)
        else:  # rising, on its way down: wait for the threshold
            self._low = (binding, max(value, self._threshold), time_s)

    def _bind_learned(self, binding: Binding, *, inverted: bool) -> None:
        """Put the learned binding in the place of all of that action and of that message."""
        learned = Binding(binding.kind, binding.number, binding.action, binding.channel, inverted)
        others = [
            other
            for other in self._bindings
            if other.action != learned.action
            and not (
                (other.kind, other.number) == (learned.kind, learned.number)
                and (other.channel == learned.channel or 0 in (other.channel, learned.channel))
            )
        ]
        self._bindings = (*others, learned)
        self._learning, self._low = "", None
        self._feet = {b: foot for b, foot in self._feet.items() if b in others}
        if learned.kind != "program":  # the foot is down now, and this press was for learning
            self._feet[learned] = _Foot(down=True, raw_down=True, locked_out=True)

    def as_rows(self) -> list[dict[str, object]]:
        """Give the bindings as they are kept in a file."""
        return [asdict(binding) for binding in self._bindings]


def _wish(call: tuple[str, Values] | None) -> Wish | None:
    return None if call is None else Wish(*call)


def _read(message: bytes) -> tuple[str, int, int, int] | None:
    """Give kind, channel from 1, number and value of a message that a pedal may send."""
    if not message or message[0] < 0x80 or any(byte > 127 for byte in message[1:]):
        return None
    kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
    if kind == 0xC0 and len(message) == 2:
        return "program", channel, message[1], 127
    if len(message) != 3:
        return None
    if kind == 0xB0:
        return "cc", channel, message[1], message[2]
    if kind == 0x90:
        return "note", channel, message[1], 127 if message[2] else 0
    if kind == 0x80:
        return "note", channel, message[1], 0
    return None
