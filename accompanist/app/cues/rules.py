"""When which OSC cue goes out: at its beat, in its bar, or with a note that the soloist plays.

Pure: cues of the ensemble and reports of the follower in, messages with their take time out. Every
cue goes out once in a pass. A pass begins anew when the music is put somewhere else (a start, a
goto, a loop's way back); the small steps back of an ensemble that has run ahead do not count.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accompanist.app.bars import BarCounter
from accompanist.app.processes.links import Reported
from accompanist.errors import UsageError
from accompanist.performing.cue import Cue
from accompanist.score.model import Score

__all__ = ["CueBook", "Due", "Rule", "Send", "pitch_of", "receiver", "rules_from"]

Argument = int | float | str | bool
_JITTER_QUARTER = 1.0
"""A jump back by less than this, while all play, is a correction and no new pass."""
_EDGE_QUARTER = 1e-6
_RESTING = frozenset({"idle", "armed", "ended"})
_NOTE = re.compile(r"([A-Ga-g])([#♯sb♭]{0,2})(-?\d{1,2})")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ADDRESS = re.compile(r"(/[^\s/#*,?\[\]{}]+)+")
_TO = re.compile(r"(?P<host>[^\s:]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Send:
    """A message, and to whom: host and port, or None for whoever gets the cues of the score."""

    address: str
    arguments: tuple[Argument, ...] = ()
    to: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """``send`` goes out when all of ``pitches`` are played at once, or when ``bar`` comes.

    With both it is the notes, and in that bar only.
    """

    send: Send
    pitches: frozenset[int] = frozenset()
    bar: str = ""
    beat: float = 1.0
    every: bool = False
    """Whether every such note of a pass counts, or only the first."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is to go out at ``time_s`` (take time of sending, as in `Cue`)."""

    time_s: float
    quarter: float
    send: Send


def pitch_of(said: str | int) -> int:
    """MIDI number of a note's name; C4 is 60.

    >>> pitch_of("C5"), pitch_of("F#4"), pitch_of("Bb3"), pitch_of("60")
    (72, 66, 58, 60)

    Raises
    ------
    UsageError
        It is no note.
    """
    text = str(said).strip()
    if text.isascii() and text.isdigit():
        pitch = int(text)
    else:
        found = _NOTE.fullmatch(text)
        if found is None:
            raise UsageError(f"{text[:20]!r} is no note; write it like C5, F#4 or Bb3")
        signs = found[2].replace("♯", "#").replace("s", "#").replace("♭", "b")
        shift = signs.count("#") - signs.count("b")
        pitch = _SEMITONES[found[1].upper()] + shift + 12 * (int(found[3]) + 1)
    if not 0 <= pitch <= 127:
        raise UsageError(f"{text[:20]!r} is beyond the notes of MIDI (C-1 to G9)")
    return pitch


def rules_from(raw: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read rules as they stand in a settings file.

    Each is ``when`` (``note``, ``chord`` or ``bar`` with ``beat``; ``every = true`` for each such
    note and not the first of a pass only) and ``send`` (``to``, ``address``, ``arguments``).

    Raises
    ------
    UsageError
        Something is wrong with one; it says which.
    """
    rules = []
    for number, entry in enumerate(raw, start=1):
        try:
            rules.append(_rule(entry))
        except UsageError as error:
            raise UsageError(f"rule {number}: {error}") from error
    return tuple(rules)


def _rule(entry: Mapping[str, Any]) -> Rule:
    when, send = entry.get("when"), entry.get("send")
    if not isinstance(when, Mapping) or not isinstance(send, Mapping):
        raise UsageError("a rule wants when = {…} and send = {…}")
    _known(entry, ("when", "send"))
    _known(when, ("note", "chord", "bar", "beat", "every"))
    _known(send, ("to", "address", "arguments"))
    notes = [when["note"]] if "note" in when else list(when.get("chord", ()))
    bar = str(when.get("bar", "")).strip()
    beat = when.get("beat", 1.0)
    if (not notes and not bar) or ("note" in when and "chord" in when):
        raise UsageError("when wants a note, a chord or a bar")
    if not isinstance(beat, int | float) or isinstance(beat, bool) or not 1 <= beat <= 64:
        raise UsageError("beat must be from 1 to 64")
    return Rule(
        _send(send),
        frozenset(pitch_of(note) for note in notes),
        bar,
        float(beat),
        bool(when.get("every", False)),
    )


def _known(table: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in table:
        if name not in names:
            raise UsageError(f"there is no {name!r} here; known are {', '.join(names)}")


def _send(table: Mapping[str, Any]) -> Send:
    address = table.get("address")
    if not isinstance(address, str) or _ADDRESS.fullmatch(address) is None:
        raise UsageError(f"send.address must be an OSC address like /lights/1, not {address!r}")
    arguments = table.get("arguments", ())
    if not isinstance(arguments, list | tuple) or not all(
        isinstance(a, int | float | str | bool) for a in arguments
    ):
        raise UsageError("send.arguments must be a list of numbers, texts, true and false")
    said = table.get("to") or ""
    return Send(address, tuple(arguments), receiver(said) if said else None)


def receiver(said: str) -> tuple[str, int]:
    """Host and port of ``host:port``.

    Raises
    ------
    UsageError
        It is not written like that.
    """
    found = _TO.fullmatch(str(said))
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise UsageError(f"{str(said)[:60]!r} must be host:port, like 127.0.0.1:9000")
    return found["host"].strip("[]"), int(found["port"])


class CueBook:
    """All cues of a piece. Not thread-safe.

    Parameters
    ----------
    score : Score
    rules : sequence of Rule
    """

    def __init__(self, score: Score, rules: Sequence[Rule] = ()) -> None:
        points = [(c.quarter, Send(c.address, c.arguments)) for c in score.cues]
        bars = BarCounter(score)
        self._note_rules: list[tuple[Rule, list[tuple[float, float]]]] = []
        for rule in rules:
            wanted = [m for m in score.measures if rule.bar and m.printed == rule.bar]
            if rule.pitches:
                spans = [(m.start_quarter, m.end_quarter) for m in wanted]
                self._note_rules.append((rule, spans))
                continue
            for measure in wanted:
                into = (rule.beat - bars.position(measure.start_quarter).beat) * bars.metre(
                    measure.start_quarter
                )[0]
                if -_EDGE_QUARTER <= into < measure.length_quarter:
                    points.append((measure.start_quarter + max(into, 0.0), rule.send))
        points.sort(key=lambda point: point[0])
        self._quarters = [quarter for quarter, _ in points]
        self._sends = [send for _, send in points]
        self._cursor = 0
        self._cue: Cue | None = None
        self._fired: dict[int, list[float]] = {}

    def take(self, cue: Cue) -> None:
        """Go on by a newer cue of the ensemble."""
        before, self._cue = self._cue, cue
        if before is not None and cue.jumps == before.jumps:
            return
        goal = cue.plays_from
        place = bisect_left(self._quarters, goal - _EDGE_QUARTER)
        if place >= self._cursor or before is None:
            self._cursor = place
        if before is None:
            return
        reached = min(before.timeline.to_quarter(cue.time_s), before.timeline.gate_quarter)
        resting = before.state in _RESTING or cue.state in _RESTING or cue.state == "countin"
        if resting or reached - goal >= _JITTER_QUARTER:
            self._cursor = place
            for number, quarters in self._fired.items():
                self._fired[number] = [q for q in quarters if q < goal - _EDGE_QUARTER]

    @property
    def next_s(self) -> float:
        """Take time of the next cue by the timeline at hand; infinite if none is to come."""
        if self._cue is None or self._cursor >= len(self._quarters):
            return float("inf")
        return self._cue.timeline.due_s(self._quarters[self._cursor])

    def due(self, until_s: float) -> tuple[Due, ...]:
        """Take the cues of the score and its bars that come up to ``until_s`` (take time)."""
        found = []
        while self._cue is not None and self.next_s <= until_s:
            quarter, send = self._quarters[self._cursor], self._sends[self._cursor]
            found.append(Due(self.next_s, quarter, send))
            self._cursor += 1
        return tuple(found)

    def reported(self, event: Reported) -> tuple[Due, ...]:
        """Take a solo event that was recognised; give what its notes set off."""
        found = []
        played = frozenset(event.pitches)
        for number, (rule, spans) in enumerate(self._note_rules):
            if not rule.pitches <= played:
                continue
            if rule.bar and not any(
                a - _EDGE_QUARTER <= event.quarter < b - _EDGE_QUARTER for a, b in spans
            ):
                continue
            before = self._fired.setdefault(number, [])
            again = any(abs(q - event.quarter) < _EDGE_QUARTER for q in before)
            if again or (before and not rule.every):
                continue
            before.append(event.quarter)
            found.append(Due(event.time_s, event.quarter, rule.send))
        return tuple(found)
