"""How closely the ensemble is to follow, as MusicXML 4.0 says it: ``<listening>``.

``<sync>`` stands for a mode and level of ours::

    none          fixed: the ensemble keeps its own tempo
    tempo         level 3
    mostly-tempo  level 5
    mostly-event  level 8
    event         level 10
    always-event  wait: never past a note that has not been heard

Its ``latency`` is that which is to be expected of the performer, in milliseconds. Where that is not
fine enough, ``<other-listening type="accompanist">`` takes ``0`` to ``10``, ``follow``, ``wait``,
``fixed``, or ``usual`` for what is set elsewhere; of two at one place it wins. Either holds from
its place on, as it is performed, to the next. ``time-only`` is respected, ``player`` is not: who
is followed is the soloist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from accompanist.score.model import Passage
from score_library.importers.musicxml_values import number
from score_library.importers.printed import Listening, PrintedBar, Run

__all__ = ["performed_passages", "read_listening"]

_OURS = "accompanist"
_SYNC: dict[str, tuple[float | None, str | None]] = {
    "none": (None, "fixed"),
    "tempo": (3.0, None),
    "mostly-tempo": (5.0, None),
    "mostly-event": (8.0, None),
    "event": (10.0, None),
    "always-event": (None, "wait"),
}
_MODES = ("follow", "wait", "fixed")
_USUAL = "usual"
_LONGEST_LATENCY_S = 0.5


def read_listening(element: Element, offset: float, divisions: float, bar: PrintedBar) -> None:
    """Read a ``<listening>`` that stands ``offset`` quarters into a bar; an own offset is added."""
    at = max(0.0, offset + number(element.findtext("offset")) / divisions)
    for sign in _signs(element, at):
        if sign not in bar.listening:
            bar.listening.append(sign)


def _signs(element: Element, offset: float) -> Iterator[Listening]:
    for child in element:
        text = (child.text or "").strip().casefold()
        times = frozenset(int(t) for t in _words(child.get("time-only")) if t.isdecimal())
        player = child.get("player") is not None
        if child.tag == "sync" and child.get("type") in _SYNC:
            level, mode = _SYNC[child.get("type", "")]
            latency_s = min(max(number(child.get("latency")) / 1000.0, 0.0), _LONGEST_LATENCY_S)
            yield Listening(offset, level, mode, latency_s, times, player=player)
        elif child.tag == "other-listening" and child.get("type") == _OURS:
            level_said = number(text, -1.0)
            if text in _MODES:
                yield Listening(offset, None, text, 0.0, times, ours=True, player=player)
            elif text == _USUAL:
                yield Listening(offset, None, None, 0.0, times, ours=True, player=player)
            elif 0.0 <= level_said <= 10.0:
                yield Listening(offset, level_said, None, 0.0, times, ours=True, player=player)


def _words(text: str | None) -> list[str]:
    return [word.strip()[:6] for word in (text or "").split(",")]


def performed_passages(
    bars: Sequence[PrintedBar], runs: Sequence[Run], passes: Sequence[int], end_quarter: float
) -> tuple[Passage, ...]:
    """Lay what is printed along the performance; what holds goes on over repeats and jumps.

    ``passes`` tells of each run the how-manieth time its bar is played.
    """
    changes: list[tuple[float, Listening]] = []
    for run, nth in zip(runs, passes, strict=True):
        signs = [s for s in bars[run.index].listening if not s.times or nth in s.times]
        # Of several at one place the first that is ours counts, then one that is for everybody.
        signs.sort(key=lambda s: (s.offset, not s.ours, s.player))
        for sign in signs:
            at = run.start + min(sign.offset, run.length)
            if not changes or changes[-1][0] < at:
                changes.append((at, sign))
    ends = [*(at for at, _ in changes[1:]), end_quarter] if changes else []
    found: list[Passage] = []
    for (start, sign), end in zip(changes, ends, strict=True):
        if (sign.level is None and sign.mode is None) or end <= start:
            continue
        passage = Passage(start, end, sign.level, sign.mode, sign.latency_s)
        same = found and found[-1].end_quarter == start
        if same and (found[-1].level, found[-1].mode, found[-1].latency_s) == (
            passage.level,
            passage.mode,
            passage.latency_s,
        ):
            found[-1] = Passage(found[-1].start_quarter, end, sign.level, sign.mode, sign.latency_s)
        else:
            found.append(passage)
    return tuple(found)
