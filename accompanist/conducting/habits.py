"""What is learned of the ears and of the soloist by counting: delays, missing reports, holds."""

from __future__ import annotations

from math import sqrt

__all__ = ["Habits"]

_DELAY_GAIN = 0.05
_LEAST_DELAY_S, _MOST_DELAY_S = 0.005, 0.15
_REPORT_SD_S = 0.01
"""Error of a report's own idea of when it began."""
_MISSED, _MISSED_GAIN, _MISSED_MOST = 0.02, 1 / 60, 3
"""Share of notes not reported, how fast it is learned; more than so many in a row are left out."""
_STILL_HOLDS, _STILL = 0.9, 30.0
_MOVING_HOLDS, _MOVING = 0.3, 40.0
"""Of so many longer notes so many are held by a soloist of whom nothing is known: in bars where
everybody stands still, and under a line that moves on (piano sonatas: 2.3 and 0.6 %) …"""
_FORGET = 0.015
"""… and what has been counted fades by so much a note."""
_HOLD_LATE_S, _HOLD_LATE_SHARE, _HOLD_SD = 0.15, 0.3, 3.0


class Habits:
    """Running means, over the last few dozen notes.

    Attributes
    ----------
    delay_s : float
        Mean delay of the reports; at first as it is told.
    missed_share : float
        Share of notes that are never reported.
    """

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.missed_share = _MISSED
        self._delay_variance = 0.0
        self._still, self._moving = _Held(_STILL_HOLDS, _STILL), _Held(_MOVING_HOLDS, _MOVING)

    def hold_share(self, *, still: bool) -> float:
        """Share of longer notes that they dwell on although nothing in the score says so.

        ``still``: of those under which nobody else moves.
        """
        return (self._still if still else self._moving).share

    @property
    def delay_sd_s(self) -> float:
        """How far the delay scatters, the reports' own errors included."""
        return sqrt(self._delay_variance + _REPORT_SD_S**2)

    def reported(self, delay_s: float) -> None:
        """Count a report that came so long after what it reports."""
        off_s = min(max(delay_s, _LEAST_DELAY_S), _MOST_DELAY_S) - self.delay_s
        self.delay_s += _DELAY_GAIN * off_s
        self._delay_variance += _DELAY_GAIN * (off_s * off_s - self._delay_variance)

    def missed(self, count: int) -> None:
        """Count a note that has been reported, and those before it that have not."""
        if count > _MISSED_MOST:
            return
        for gone in (*[1.0] * count, 0.0):
            self.missed_share += _MISSED_GAIN * (gone - self.missed_share)

    def came(self, late_s: float, length_s: float, sd_s: float, *, still: bool) -> None:
        """Count a note that came so late after one of this length, foreseen with this sd."""
        held = late_s > max(_HOLD_LATE_S, _HOLD_LATE_SHARE * length_s, _HOLD_SD * sd_s)
        (self._still if still else self._moving).count(held)


class _Held:
    """How many notes of a kind were held, and of how many; at first as of others."""

    def __init__(self, held: float, notes: float) -> None:
        self._usual_held, self._usual_notes = held, notes
        self._held = self._notes = 0.0

    @property
    def share(self) -> float:
        return (self._usual_held + self._held) / (self._usual_notes + self._notes)

    def count(self, held: bool) -> None:
        self._held += held - _FORGET * self._held
        self._notes += 1.0 - _FORGET * self._notes
