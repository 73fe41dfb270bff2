"""Who leads where, as a human types it: ``1-8:3,20:0,33-:wait``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accompanist.errors import UsageError
from accompanist.score.model import Passage, Score

__all__ = ["PassageWords", "find_passages", "parse_passages"]

_MODES = ("follow", "wait", "fixed")
_FORM = "wants BAR-BAR:LEVEL, as in 1-8:3,20:0,33-:wait (levels 0 to 10, follow, wait, fixed)"


@dataclass(frozen=True, slots=True)
class PassageWords:
    """A passage of bars as they are printed."""

    from_bar: str
    to_bar: str | None
    """Its last bar; None: to the end."""
    level: float | None = None
    mode: str | None = None
    piece: str | None = None
    """Of this piece only."""


def parse_passages(text: str) -> tuple[PassageWords, ...]:
    """Take apart what stands behind ``--passages``.

    >>> parse_passages("20:0, 33-:wait")[1]
    PassageWords(from_bar='33', to_bar=None, level=None, mode='wait', piece=None)

    Raises
    ------
    UsageError
        It is not of that form.
    """
    found = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        bars, colon, how = word.rpartition(":")
        first, dash, last = (w.strip() for w in bars.partition("-"))
        how = how.strip().casefold()
        if not colon or not first:
            raise UsageError(f"--passages {word}: {_FORM}")
        to_bar = (last or None) if dash else first
        if how in _MODES:
            found.append(PassageWords(first, to_bar, mode=how))
            continue
        try:
            level = float(how)
        except ValueError:
            level = -1.0
        if not 0.0 <= level <= 10.0:
            raise UsageError(f"--passages {word}: {_FORM}")
        found.append(PassageWords(first, to_bar, level))
    return tuple(found)


def find_passages(score: Score, words: Iterable[PassageWords]) -> tuple[Passage, ...]:
    """Find passages in a score, every time that their bars are played.

    Raises
    ------
    UsageError
        There is no such bar, or the last comes before the first.
    """
    found: list[Passage] = []
    for word in words:
        if ":" in word.from_bar or not score.measures:
            found.append(_stretch(score, word))
        else:
            found += _bars(score, word)
    return tuple(found)


def _stretch(score: Score, word: PassageWords) -> Passage:
    """Take a stretch of a recording, in minutes and seconds."""
    from accompanist.app.playing.places import find_place

    start = find_place(score, word.from_bar)
    end = score.end_quarter if word.to_bar is None else find_place(score, word.to_bar)
    if end <= start:
        raise UsageError(f"{word.from_bar}-{word.to_bar}: is no passage; name its end second")
    return Passage(start, end, word.level, word.mode)


def _bars(score: Score, word: PassageWords) -> list[Passage]:
    from accompanist.app.playing.places import find_place

    printed = list(dict.fromkeys(measure.printed for measure in score.measures))
    find_place(score, word.from_bar)  # refuses a bar that is not there
    first = printed.index(word.from_bar)
    last = len(printed) - 1
    if word.to_bar is not None:
        find_place(score, word.to_bar)
        last = printed.index(word.to_bar)
    if last < first:
        raise UsageError(
            f"bar {word.to_bar} comes before bar {word.from_bar}; name the first bar first"
        )
    inside = set(printed[first : last + 1])
    found: list[Passage] = []
    for measure in score.measures:
        if measure.printed not in inside:
            continue
        start = measure.start_quarter
        if found and abs(found[-1].end_quarter - start) < 1e-6:
            start = found.pop().start_quarter
        found.append(Passage(start, measure.end_quarter, word.level, word.mode))
    return found
