"""All OSC addresses as one table: the server dispatches from it and OSCQuery is written from it.

Paths stand below the root (``/acc``) without the first slash; ``{part}`` is the number of a part.
Type tags are OSC's: ``i`` a whole number, ``f`` and ``d`` a number, ``s`` text. Switches are ``i``
0 or 1. Nothing here asks a desk or a socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from accompanist.app.desk.protocol import Value, Values

__all__ = ["TABLE", "Argument", "Entry", "Kind", "find", "keys"]


class Kind(StrEnum):
    """What an address is for."""

    STATE = "state"
    """Can be asked and set."""
    READING = "reading"
    """Can be asked."""
    ACTION = "action"
    """Does something; what it needs comes as arguments."""
    SIGNAL = "signal"
    """Is sent by us; asked, it tells the last one."""
    SERVER = "server"
    """Answered by the server itself: leases."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. ``low`` and ``high`` are both allowed; ``choices`` are all there are."""

    tag: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One address."""

    path: str
    kind: Kind
    arguments: tuple[Argument, ...]
    doc: str
    default: Values = ()
    """What a state is before anybody has said anything."""
    loopback_only: bool = False
    """Refused to whoever does not sit at this machine."""
    many: bool = False
    """Any number of the one argument."""

    @property
    def per_part(self) -> bool:
        return "{part}" in self.path

    @property
    def least(self) -> int:
        """How many arguments there must be at least when it is set or done."""
        return sum(not a.optional for a in self.arguments)

    def key(self, part: int | None) -> str:
        """Name of the address below the root."""
        return self.path.replace("{part}", str(part)) if self.per_part else self.path


_SWITCH = Argument("i", 0, 1)
_TEXT = Argument("s")
_PATH = Argument("s", optional=True)


def _state(path: str, doc: str, *arguments: Argument, default: Values) -> Entry:
    return Entry(path, Kind.STATE, arguments, doc, default)


def _switch(path: str, doc: str, *, default: int = 0) -> Entry:
    return Entry(path, Kind.STATE, (_SWITCH,), doc, (default,))


def _choice(path: str, doc: str, *choices: str) -> Entry:
    """Make a state of a few words; it begins with the first."""
    return Entry(path, Kind.STATE, (Argument("s", choices=choices),), doc, (choices[0],))


def _number(
    path: str, doc: str, low: float, high: float, default: float, unit: str = "", tag: str = "f"
) -> Entry:
    value: Value = int(default) if tag == "i" else float(default)
    return Entry(path, Kind.STATE, (Argument(tag, low, high, unit=unit),), doc, (value,))


def _reading(path: str, tags: str, doc: str, *, unit: str = "") -> Entry:
    arguments = tuple(Argument(tag, unit=unit) for tag in tags)
    blank: dict[str, Value] = {"i": 0, "f": 0.0, "d": 0.0, "s": ""}
    return Entry(path, Kind.READING, arguments, doc, tuple(blank[tag] for tag in tags))


def _action(path: str, doc: str, *arguments: Argument, loopback_only: bool = False) -> Entry:
    return Entry(path, Kind.ACTION, arguments, doc, loopback_only=loopback_only)


STATES = (
    "idle", "loading", "armed", "countin", "following", "holding", "waiting", "vamping", "lost",
    "paused", "ended", "error",
)  # fmt: skip

TABLE: tuple[Entry, ...] = (
    # the piece
    _action("piece/load", "Load a piece: its name in the library, or the path of a file", _TEXT),
    _reading("piece/info", "sii", "Title, number of bars, number of parts"),
    Entry("piece/marks", Kind.READING, (_TEXT,), "Rehearsal marks, in order", (), many=True),
    # transport
    _action("arm", "Wait for the soloist's first note"),
    _action("start", "Begin now, after the count-in"),
    _action("stop", "Stop; everything is silenced"),
    _action("pause", "Stand still where the music is"),
    _action("resume", "Go on from where the music stands still"),
    Entry(
        "state", Kind.READING, (Argument("s", choices=STATES),), "What is going on", ("idle",)
    ),
    # where the music is
    Entry(
        "timemap",
        Kind.SIGNAL,
        (Argument("d", unit="s"), Argument("d"), Argument("d")),
        "Time (NTP seconds), position in quarters, quarters a second; on change and once a second",
    ),
    _reading("position", "idf", "Bar, position in quarters, beat in the bar"),
    _reading("position/bar", "i", "Bar as printed"),
    _reading("position/beat", "f", "Beat in the bar, from 1"),
    _reading("position/quarter", "d", "Quarters from the beginning, repeats written out"),
    _reading("position/mark", "s", "The last rehearsal mark that was passed"),
    _reading("position/page", "i", "Page of the score"),
    Entry(
        "beat",
        Kind.SIGNAL,
        (Argument("i"), Argument("i"), Argument("f", unit="bpm")),
        "Bar, beat, quarters a minute; the bundle's time tag is when the beat sounds",
    ),
    # tempo
    _reading("tempo/now", "f", "Quarters a minute at this moment", unit="bpm"),
    _number("tempo/base", "Tempo of the piece", 10.0, 600.0, 120.0, "bpm"),
    _number("tempo/scale", "Share of the written tempo", 0.1, 4.0, 1.0),
    _number("tempo/min", "Never slower than this", 10.0, 600.0, 20.0, "bpm"),
    _number("tempo/max", "Never faster than this", 10.0, 600.0, 400.0, "bpm"),
    _action("tempo/tap", "A tap of the foot: two of them and more give the tempo"),
    _action("tempo/nudge", "Push (or hold back) by a share of a beat", Argument("f", -0.2, 0.2)),
    _switch("tempo/lock", "Freeze the tempo (loops are sounding)"),
    # following
    _choice("follow/mode", "Who leads", "follow", "wait", "fixed", "conduct"),
    _number("follow/level", "How closely to follow: 0 not at all, 10 every breath", 0, 10, 10),
    _number("follow/dynamics", "How much to get louder and softer with the soloist", 0.0, 1.0, 0.5),
    _reading("follow/here", "f", "The level in force in this passage, 0 where it is fixed"),
    _reading("follow/confidence", "f", "How sure the follower is, 0 to 1"),
    _reading("follow/lost", "i", "1 when the soloist has been lost"),
    _choice("follow/lostpolicy", "What to do then", "continue", "hold", "fade"),
    # the human hand
    _action("cue", "Go on: the soloist is at the next note now"),
    _action("hold", "Hold what sounds (1), go on (0); without either, the one or the other",
            Argument("i", 0, 1, optional=True)),
    _action("vamp/exit", "Leave the vamp at its end"),
    _action("resync", "Look for the soloist anew"),
    # locating
    _action("goto/bar", "Go to a bar as printed", Argument("i", 0, 100_000)),
    _action("goto/quarter", "Go to a position in quarters", Argument("d", 0.0, 1e6)),
    _action("goto/mark", "Go to a rehearsal mark", _TEXT),
    _action("goto/next", "Go to the next rehearsal mark"),
    _action("goto/prev", "Go to the rehearsal mark before this one"),
    _state(
        "loop",
        "On, first bar, last bar",
        _SWITCH,
        Argument("i", 0, 100_000, optional=True),
        Argument("i", 0, 100_000, optional=True),
        default=(0, 1, 1),
    ),
    # count-in
    _number("countin/bars", "Bars counted before the ensemble begins", 0, 16, 1, tag="i"),
    _switch("countin/click", "Whether the count-in can be heard", default=1),
    _choice("countin/mode", "When to count", "auto", "always", "never"),
    # parts
    _reading("part/{part}/name", "s", "Name of the part"),
    _switch("part/{part}/mute", "Silence the part"),
    _switch("part/{part}/solo", "Hear this part and others with solo only"),
    _number("part/{part}/gain", "Loudness of the part", -90.0, 12.0, 0.0, "dB"),
    _number("part/{part}/pan", "Left -1, middle 0, right 1", -1.0, 1.0, 0.0),
    _number("part/{part}/channel", "MIDI channel", 1, 16, 1, tag="i"),
    _number("part/{part}/program", "MIDI program, from 0", 0, 127, 0, tag="i"),
    _choice("part/{part}/output", "Where the part goes", "both", "midi", "synth", "none"),
    # the recording, where the ensemble is one
    _number("recording/solo", "Its own soloist: 0 gone, 1 as recorded", 0.0, 1.0, 0.0),
    _number("recording/gain", "Loudness of the recording", -90.0, 12.0, 0.0, "dB"),
    # tuning
    _number("tuning/a4", "Pitch of A", 392.0, 466.0, 440.0, "Hz"),
    _number("tuning/transpose", "Play higher or lower by semitones", -24, 24, 0, tag="i"),
    _switch("tuning/auto", "Follow the soloist's tuning"),
    # input
    _reading("input/level", "f", "Peak of the input", unit="dB"),
    _number("input/gate", "What is softer is silence", -120.0, 0.0, -120.0, "dB"),
    _number("input/gain", "Gain in front of the follower", -60.0, 60.0, 0.0, "dB"),
    _state("input/device", "Audio input, by number or name; empty: the system's", _TEXT,
           default=("",)),
    _reading("input/advice", "s", "What to do about the input, where it is bad"),
    # latency
    _number("latency/in", "From the instrument to us", 0.0, 2000.0, 0.0, "ms"),
    _number("latency/out", "From us to the loudspeaker", 0.0, 2000.0, 0.0, "ms"),
    _number("latency/lead", "Play this much ahead", -100.0, 500.0, 0.0, "ms"),
    _action("latency/calibrate", "Measure the round trip; a cable leads from output to input"),
    # takes
    _action("take/start", "A take begins here"),
    _action("take/stop", "The take ends here"),
    _action("take/save", "Keep what has been played since arm, under a name if one is given",
            _PATH),
    _action("take/discard", "Forget what has been played"),
    _action(
        "take/export",
        "Write the last kept take in a DAW's format, into a folder if one is given",
        Argument("s", choices=("smf", "rpp", "dawproject", "ardour", "csv", "audacity")),
        _PATH,
        loopback_only=True,
    ),
    # what follows us
    _switch("clock/enable", "Send MIDI clock"),
    _switch("clock/continuous", "Send it while nothing plays, too", default=1),
    _number("clock/offset", "Send it later (or earlier)", -500.0, 500.0, 0.0, "ms"),
    _choice("link/mode", "Ableton Link", "off", "follow", "lead"),
    _switch("mtc/enable", "Send MIDI time code"),
    # the machine
    _action("midi/panic", "Silence everything by all means; twice: cut the tails, too"),
    _reading("status", "s", "Everything in one line of JSON"),
    _action("control/learn", "The next pedal or key that is pressed does this from now on", _TEXT),
    _action("control/forget", "Pedals and keys are as they were made"),
    _action("reload", "Read the settings again", loopback_only=True),
    _action("quit", "Silence everything and leave", loopback_only=True),
    # talking to us
    Entry(
        "error",
        Kind.SIGNAL,
        (_TEXT, Argument("i"), _TEXT),
        "Address, code (400 arguments, 404 address, 409 state, 422 range, 503 device), what is "
        "wrong",
    ),
    Entry(
        "subscribe",
        Kind.SERVER,
        (
            _TEXT,
            Argument("i", 1, 1000, unit="Hz", optional=True),
            Argument("i", 1, 65535, optional=True),
            Argument("i", 1, 3600, unit="s", optional=True),
        ),
        "Have changes of an address (*: all) sent: at most so often, to that port, for so long",
    ),
    Entry(
        "unsubscribe",
        Kind.SERVER,
        (Argument("s", optional=True), Argument("i", 1, 65535, optional=True)),
        "Have no more sent",
    ),
    Entry("ping", Kind.SERVER, (), "Answered with pong; renews the lease of who sends it"),
)  # fmt: skip
"""Every address, in the order of the manual."""

_BY_PATH = {entry.path: entry for entry in TABLE}
_MOST_DIGITS = 4


def find(key: str) -> tuple[Entry, int | None] | None:
    """Find the entry of an address below the root, and the part that is meant.

    >>> entry, part = find("part/2/gain") or (None, None)
    >>> entry.path, part
    ('part/{part}/gain', 2)
    >>> find("part/02/gain") is None
    True
    """
    words = key.split("/")
    if len(words) == 3 and words[0] == "part":
        number = words[1]
        plain = number.isascii() and number.isdigit() and not number.startswith("0")
        entry = _BY_PATH.get(f"part/{{part}}/{words[2]}")
        if entry is None or not plain or len(number) > _MOST_DIGITS:
            return None
        return entry, int(number)
    entry = _BY_PATH.get(key)
    return (entry, None) if entry is not None and not entry.per_part else None


def keys(parts: Iterable[int]) -> Iterator[str]:
    """Give every address below the root, for the parts there are."""
    numbers = tuple(parts)
    for entry in TABLE:
        if entry.per_part:
            yield from (entry.key(part) for part in numbers)
        else:
            yield entry.path
