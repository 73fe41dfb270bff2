"""Where the music is, as it sounds: time map, position and beats out of the engine's cues.

Pure: the clock and the cue come in, what has changed goes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from accompanist.app.desk.places import Beat, Places
from accompanist.app.desk.protocol import Values
from accompanist.performing.cue import Cue

__all__ = ["Moment", "Stage"]

BEAT_AHEAD_S = 0.12
"""Beats are told so long before they sound, so that they can be dated."""
_BEAT_LATE_S = 0.5
"""What is later than this is not told any more."""
_SLOPE_S = 0.02
"""The speed is taken over this stretch ahead."""
_MAP_ERROR_S = 0.001
"""A time map is told anew when the last one is off by more …"""
_MAP_RATE = 0.002
"""… or its speed by this share."""
_GATE_QUARTER = 1e-6
_RUNNING = frozenset({"following", "countin", "vamping", "holding", "waiting", "lost"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the clocks.

    ``offset_s`` is monotonic minus take time, ``ntp_s`` the NTP time (seconds since 1900) at
    ``monotonic_s``.
    """

    monotonic_s: float
    ntp_s: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class _Map:
    """Where the music is, as told outside: quarters, or seconds of a recording."""

    ntp_s: float
    quarter: float
    rate_quarter_s: float

    def at(self, ntp_s: float) -> float:
        return self.quarter + (ntp_s - self.ntp_s) * self.rate_quarter_s


class Stage:
    """Follows the cues of one piece at a time. Not thread-safe.

    Attributes
    ----------
    latency_out_s : float
        From sending to sounding: the cue's timeline is that of sending.
    quarter : float
        Where the ensemble was at the last look.
    """

    def __init__(self, latency_out_s: float = 0.0) -> None:
        self.latency_out_s = latency_out_s
        self.quarter = 0.0
        self._places: Places | None = None
        self._map: _Map | None = None
        self._told: dict[str, Values] = {}
        self._jumps = -1
        self._announced = 0.0

    def load(self, places: Places | None) -> None:
        """Begin with another piece, or none."""
        self._places = places
        self._map = None
        self._told.clear()
        self._jumps = -1
        self.quarter = 0.0

    @property
    def timemap(self) -> Values | None:
        """Give the last time map told: NTP seconds, quarter, quarters a second."""
        if self._map is None:
            return None
        return (self._map.ntp_s, self._map.quarter, self._map.rate_quarter_s)

    def look(self, cue: Cue, now: Moment) -> Iterator[tuple[str, Values]]:
        """Tell what has changed since the last look.

        ``beat`` comes with four values: bar, beat, qpm, and the NTP time at which it sounds.
        """
        places = self._places
        if places is None:
            return
        sending_s = now.monotonic_s - now.offset_s - self.latency_out_s
        at, rate = _place_and_rate(cue, sending_s)
        if at >= places.end_quarter:
            at, rate = places.end_quarter, 0.0
        self.quarter = at
        told, ahead = places.axis.outer(at), places.axis.outer(at + rate * _SLOPE_S)
        yield from self._mapped(_Map(now.ntp_s, told, (ahead - told) / _SLOPE_S))
        yield from self._placed(places, at)
        yield from self._beaten(places, cue, now)

    def _mapped(self, fresh: _Map) -> Iterator[tuple[str, Values]]:
        old = self._map
        if old is not None:
            error_quarter = abs(old.at(fresh.ntp_s) - fresh.quarter)
            speed = max(fresh.rate_quarter_s, 0.1)
            same_rate = abs(old.rate_quarter_s - fresh.rate_quarter_s) <= _MAP_RATE * speed
            if error_quarter <= _MAP_ERROR_S * speed and same_rate:
                return
        self._map = fresh
        yield "timemap", (fresh.ntp_s, fresh.quarter, fresh.rate_quarter_s)

    def _placed(self, places: Places, quarter: float) -> Iterator[tuple[str, Values]]:
        bar, beat = places.bar(quarter), round(places.beat(quarter), 3)
        at = round(places.axis.outer(quarter), 4)
        for key, values in (
            ("position", (bar, at, beat)),
            ("position/bar", (bar,)),
            ("position/beat", (beat,)),
            ("position/quarter", (at,)),
            ("position/mark", (places.mark(quarter),)),
            ("position/page", (places.page(quarter),)),
        ):
            if self._told.get(key) != values:
                self._told[key] = values
                yield key, values

    def _beaten(self, places: Places, cue: Cue, now: Moment) -> Iterator[tuple[str, Values]]:
        if cue.jumps != self._jumps or cue.state not in _RUNNING:
            self._jumps = cue.jumps
            start = self.quarter if cue.state == "countin" else cue.plays_from
            self._announced = min(start, self.quarter) - _GATE_QUARTER
            if cue.state not in _RUNNING:
                return
        line = cue.timeline
        horizon_s = now.monotonic_s - now.offset_s + BEAT_AHEAD_S - self.latency_out_s
        until = min(line.to_quarter(horizon_s), line.gate_quarter - _GATE_QUARTER)
        if until <= self._announced:
            return
        for beat in places.beats(self._announced, until):
            yield from self._told_beat(beat, cue, now)
        self._announced = until

    def _told_beat(self, beat: Beat, cue: Cue, now: Moment) -> Iterator[tuple[str, Values]]:
        sound_s = cue.timeline.to_time(beat.quarter) + self.latency_out_s + now.offset_s
        if now.monotonic_s - sound_s > _BEAT_LATE_S:
            return
        _, rate = _place_and_rate(cue, cue.timeline.to_time(beat.quarter))
        ntp_s = now.ntp_s + sound_s - now.monotonic_s
        yield "beat", (beat.bar, beat.beat, round(60.0 * rate, 2), ntp_s)


def _place_and_rate(cue: Cue, sending_s: float) -> tuple[float, float]:
    """Where the ensemble is at a take time and how fast it goes there, in quarters a second."""
    line = cue.timeline
    at = line.to_quarter(sending_s)
    if at >= line.gate_quarter - _GATE_QUARTER:  # where nothing is to come the gate is at −∞
        return (line.gate_quarter if isfinite(line.gate_quarter) else line.quarters[0]), 0.0
    if cue.state not in _RUNNING:
        return at, 0.0
    return at, (line.to_quarter(sending_s + _SLOPE_S) - at) / _SLOPE_S
