"""How a host is told things over OSC, as data, and one machine that reads all such tables.

Pure: messages in, messages out. Sockets are somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol, TypeAlias

__all__ = [
    "Blank",
    "Heard",
    "HostDriver",
    "HostNews",
    "HostTable",
    "News",
    "Osc",
    "Place",
    "TableDriver",
    "Template",
]

Argument: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class Osc:
    """One message; ``types`` has an OSC type tag for each argument."""

    address: str
    arguments: tuple[Argument, ...] = ()
    types: str = ""
    rest_s: float = 0.0
    """The host wants to be left alone for so long after it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place as hosts count it: seconds and quarters from the start of their timeline."""

    seconds: float
    quarter: float


class Blank(Enum):
    """What a template leaves open."""

    SAMPLES = "samples"
    SECONDS = "seconds"
    QUARTER = "quarter"
    QPM = "qpm"
    TEXT = "text"
    REPLY_URL = "reply url"


@dataclass(frozen=True, slots=True)
class Template:
    """A message with blanks among its arguments."""

    address: str
    arguments: tuple[Argument | Blank, ...] = ()
    types: str = ""
    rest_s: float = 0.0


class News(StrEnum):
    """What a host can tell us."""

    SECONDS = "seconds"
    SAMPLES = "samples"
    QUARTER = "quarter"
    ROLLING = "rolling"
    QPM = "qpm"
    SAMPLE_RATE = "sample rate"
    ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the host's: the argument at ``index`` is the news.

    Where ``first`` is given the first argument must be that word.
    """

    address: str
    news: News
    index: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True)
class HostNews:
    """Something the host has told: SECONDS, QUARTER, ROLLING (0 or 1), QPM or ALIVE (1)."""

    news: News
    value: float


@dataclass(frozen=True, slots=True)
class HostTable:
    """All that we know of a host. An empty tuple: it cannot be told that."""

    name: str
    title: str
    port: int
    """UDP port on which it listens."""
    reply_port: int = 0
    """Where it answers whatever the sender's port is; 0: to the sender."""
    hello: tuple[Template, ...] = ()
    roll: tuple[Template, ...] = ()
    stop: tuple[Template, ...] = ()
    locate: tuple[Template, ...] = ()
    """Go there, stopped."""
    locate_rolling: tuple[Template, ...] = ()
    """Go there and roll on; empty: as ``locate``."""
    tempo: tuple[Template, ...] = ()
    lowest_qpm: float = 20.0
    highest_qpm: float = 999.0
    marker: tuple[Template, ...] = ()
    ask: tuple[Template, ...] = ()
    """Asks for the position."""
    heard: tuple[Heard, ...] = ()
    remedy: str = ""
    """What to do when it does not answer."""


class HostDriver(Protocol):
    """Speaks to a host and understands it. Not thread-safe; no input, no output, no clock."""

    @property
    def table(self) -> HostTable: ...

    def hello(self, reply_host: str, reply_port: int) -> tuple[Osc, ...]:
        """Introduce us: where answers are to go."""
        ...

    def roll(self) -> tuple[Osc, ...]: ...

    def stop(self) -> tuple[Osc, ...]: ...

    def locate(self, place: Place, *, rolling: bool) -> tuple[Osc, ...]:
        """Go there; nothing if the host cannot, or its sample rate would be needed first."""
        ...

    def tempo(self, qpm: float) -> tuple[Osc, ...]:
        """Set the tempo, held within what the host takes."""
        ...

    def marker(self, text: str) -> tuple[Osc, ...]:
        """Put a marker where the host is now."""
        ...

    def ask(self) -> tuple[Osc, ...]:
        """Ask for the position."""
        ...

    def decode(self, address: str, arguments: Sequence[object]) -> HostNews | None:
        """Understand a message of the host's; None if it says nothing to us."""
        ...


class TableDriver:
    """A `HostDriver` that does what a table says."""

    def __init__(self, table: HostTable) -> None:
        self._table = table
        self._sample_rate: float | None = None
        self._reply_url = ""

    @property
    def table(self) -> HostTable:
        """The table that it goes by."""
        return self._table

    def hello(self, reply_host: str, reply_port: int) -> tuple[Osc, ...]:
        self._reply_url = f"osc.udp://{reply_host}:{reply_port}/"
        return self._filled(self._table.hello)

    def roll(self) -> tuple[Osc, ...]:
        return self._filled(self._table.roll)

    def stop(self) -> tuple[Osc, ...]:
        return self._filled(self._table.stop)

    def locate(self, place: Place, *, rolling: bool) -> tuple[Osc, ...]:
        table = self._table
        templates = (table.locate_rolling or table.locate) if rolling else table.locate
        return self._filled(templates, place=place)

    def tempo(self, qpm: float) -> tuple[Osc, ...]:
        held = min(max(qpm, self._table.lowest_qpm), self._table.highest_qpm)
        return self._filled(self._table.tempo, qpm=round(held, 2))

    def marker(self, text: str) -> tuple[Osc, ...]:
        return self._filled(self._table.marker, text=text)

    def ask(self) -> tuple[Osc, ...]:
        return self._filled(self._table.ask)

    def decode(self, address: str, arguments: Sequence[object]) -> HostNews | None:
        told: HostNews | None = None
        for heard in self._table.heard:
            if heard.address != address:
                continue
            if heard.first and (not arguments or arguments[0] != heard.first):
                continue
            told = self._understood(heard, arguments) or told
        return told

    def _understood(self, heard: Heard, arguments: Sequence[object]) -> HostNews | None:
        if heard.news is News.ALIVE:
            return HostNews(News.ALIVE, 1.0)
        if heard.index >= len(arguments):
            return None
        value = _number(arguments[heard.index])
        if value is None:
            return None
        if heard.news is News.SAMPLE_RATE:
            if value > 0:
                self._sample_rate = value
            return HostNews(News.ALIVE, 1.0)
        if heard.news is News.SAMPLES:
            if self._sample_rate is None:
                return HostNews(News.ALIVE, 1.0)
            return HostNews(News.SECONDS, value / self._sample_rate)
        if heard.news is News.ROLLING:
            return HostNews(News.ROLLING, float(value != 0))
        return HostNews(heard.news, value)

    def _filled(
        self,
        templates: Sequence[Template],
        place: Place | None = None,
        qpm: float | None = None,
        text: str | None = None,
    ) -> tuple[Osc, ...]:
        """Fill the blanks; nothing at all if one of them is not known yet."""
        values: dict[Blank, Argument | None] = {
            Blank.QPM: qpm,
            Blank.TEXT: text,
            Blank.REPLY_URL: self._reply_url,
        }
        if place is not None:
            values[Blank.SECONDS] = place.seconds
            values[Blank.QUARTER] = place.quarter
            if self._sample_rate is not None:
                values[Blank.SAMPLES] = round(place.seconds * self._sample_rate)
        filled = []
        for template in templates:
            arguments = []
            for argument in template.arguments:
                value = values.get(argument) if isinstance(argument, Blank) else argument
                if value is None:
                    return ()
                arguments.append(value)
            message = Osc(template.address, tuple(arguments), template.types, template.rest_s)
            filled.append(message)
        return tuple(filled)


def _number(argument: object) -> float | None:
    """Read a number, also one that comes as text.

    >>> _number("1.5"), _number(True), _number("1|2")
    (1.5, 1.0, None)
    """
    if isinstance(argument, bool | int | float):
        return float(argument)
    if isinstance(argument, str):
        try:
            return float(argument)
        except ValueError:
            return None
    return None
