"""The click of the count-in."""

from __future__ import annotations

import math

from accompanist.conducting.timeline import Timeline
from accompanist.performing.messages import Kind, Message, TimedMessage

__all__ = ["clicks"]

CHANNEL = 10
HIGH, LOW = 76, 77
"""General MIDI wood blocks."""
LENGTH_S = 0.05


def clicks(
    timeline: Timeline,
    from_s: float,
    until_s: float,
    *,
    first_quarter: float,
    beat_quarter: float,
    beats: int,
) -> tuple[TimedMessage, ...]:
    """Clicks due in [``from_s``, ``until_s``), on the beats before ``first_quarter``.

    >>> line = Timeline((0.0,), (-4.0,), 2.0)
    >>> found = clicks(line, 0.0, 1.1, first_quarter=0.0, beat_quarter=1.0, beats=4)
    >>> [(c.time_s, c.message.number) for c in found if c.message.kind is Kind.ON]
    [(0.0, 76), (0.5, 77), (1.0, 77)]
    """
    low = (timeline.to_quarter(from_s) - first_quarter) / beat_quarter
    high = (timeline.to_quarter(until_s) - first_quarter) / beat_quarter
    out: list[TimedMessage] = []
    for beat in range(math.ceil(low - 1e-9), min(math.ceil(high - 1e-9), 0)):
        quarter = first_quarter + beat * beat_quarter
        time_s = timeline.to_time(quarter)
        key = HIGH if beat % beats == 0 else LOW
        out.append(TimedMessage(time_s, quarter, 0, Message(Kind.ON, CHANNEL, key, 100)))
        off_s = time_s + LENGTH_S
        out.append(TimedMessage(off_s, quarter, 0, Message(Kind.OFF, CHANNEL, key, 0)))
    return tuple(out)
