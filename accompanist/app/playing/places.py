"""Places as a human types them: bars, and minutes and seconds of a recording."""

from __future__ import annotations

import math

from accompanist.app.bars import BarCounter
from accompanist.errors import UsageError
from accompanist.score.model import Score
from accompanist.score.outer import OuterAxis

__all__ = ["find_place", "minutes"]


def minutes(seconds: float) -> str:
    """Write seconds as a clock does.

    >>> minutes(83.96), minutes(-0.2)
    ('1:23', '0:00')
    """
    whole = math.floor(max(seconds, 0.0))
    return f"{whole // 60}:{whole % 60:02d}"


def find_place(score: Score, place: str) -> float:
    """Position in quarters of a printed bar, or of ``m:ss`` in a recording.

    Raises
    ------
    UsageError
        There is no such place.
    """
    if ":" not in place:
        return BarCounter(score).find(place).start_quarter
    if score.recording_s is None:
        raise UsageError(f"{place}: minutes and seconds are for recordings; give a bar")
    first, _, second = place.partition(":")
    try:
        seconds = 60.0 * int(first) + float(second)
    except ValueError:
        raise UsageError(f"{place}: give minutes and seconds, as in 1:23") from None
    if not 0.0 <= seconds < score.recording_s:
        raise UsageError(f"the recording goes from 0:00 to {minutes(score.recording_s)}")
    return float(OuterAxis(score).quarter(seconds))
