"""The stream of ticks bends after an ensemble that is a little, or a good deal, elsewhere."""

from __future__ import annotations

from math import pi, sin

import pytest

from accompanist.performing.clock import ClockPlan
from accompanist.performing.clock_stream import TickStream

RATE = 2.0
TICK = 1.0 / 24.0


def apart(ahead_quarter: float, beats: int) -> tuple[list[float], list[float]]:
    """How far the ensemble is ahead after every tick, and the stream's tempo there."""
    stream = TickStream(ClockPlan(rate_quarter_s=RATE))
    stream.run(0.0, RATE)
    distances, rates = [], []
    for tick in range(24 * beats):
        quarter = tick * TICK
        ahead = RATE * stream.next_s + ahead_quarter - quarter
        stream.advance(quarter, RATE, ahead)
        distances.append(ahead)
        rates.append(stream.rate_quarter_s)
    return distances, rates


@pytest.mark.parametrize("ahead_quarter", [0.3, 0.12, -0.12, -0.3])
def test_a_real_distance_is_made_up_for_soon_and_hardly_overshot(ahead_quarter: float) -> None:
    distances, rates = apart(ahead_quarter, 16)
    assert abs(distances[24 * 8]) < 0.3 * abs(ahead_quarter)
    assert abs(distances[-1]) < 0.02
    overshot = max(-d if ahead_quarter > 0 else d for d in distances)
    assert overshot < 0.2 * abs(ahead_quarter)
    bends = [max(b / a, a / b) for a, b in zip(rates, rates[24:], strict=False)]
    assert max(bends) < 1.04


def test_scatter_is_borne() -> None:
    _, rates = apart(0.008, 2)  # 4 ms
    assert max(rates) < RATE * 1.0022


def test_a_rubato_is_kept_up_with() -> None:
    """Ten per cent up and down over 32 beats, the believed tempo two and a half beats late."""
    stream = TickStream(ClockPlan(rate_quarter_s=RATE))
    stream.run(0.0, RATE)

    def rate(quarter: float) -> float:
        return RATE * (1.0 + 0.1 * sin(2.0 * pi * quarter / 32.0))

    step_s, place, time_s = 0.001, 0.0, 0.0
    late_s = []
    for tick in range(24 * 96):
        while time_s < stream.next_s:
            place += step_s * rate(place)
            time_s += step_s
        quarter = tick * TICK
        stream.advance(quarter, rate(place - 2.5), place - quarter)
        late_s.append(abs(place - quarter) / rate(place))
    settled = late_s[24 * 16 :]
    assert sum(settled) / len(settled) < 0.035
    assert max(settled) < 0.06
