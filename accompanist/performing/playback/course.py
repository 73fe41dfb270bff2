"""Where in the recording the ensemble is to be, as the cue in force has it."""

from __future__ import annotations

from accompanist.performing.cue import Cue
from accompanist.score.tempo import WrittenTempo

__all__ = ["FASTEST", "SILENT_STATES", "SLOWEST", "Course"]

SILENT_STATES = frozenset({"idle", "armed", "countin", "waiting", "paused", "ended"})
"""In these nothing of a recording is heard."""
SLOWEST, FASTEST = 0.25, 4.0
"""Bounds of the speed, as a share of the recorded one."""
_CORRECTION_S = 0.06
"""An error of place dies away with this time constant."""
_MOST_CORRECTION = 1.0


class Course:
    """A cue, told in seconds of the recording. Immutable."""

    def __init__(self, cue: Cue, tempo: WrittenTempo) -> None:
        self.cue = cue
        self._tempo = tempo
        self.gate_s = self._seconds(cue.timeline.gate_quarter)
        """Place that must not be passed; infinite where there is none."""
        self.from_s = self._seconds(cue.plays_from)
        """Nothing before this place is to be heard."""
        self.silent = cue.state in SILENT_STATES

    def at(self, time_s: float) -> float:
        """Place in the recording, in seconds, at a take time; never behind the gate."""
        return min(self._seconds(self.cue.timeline.to_quarter(time_s)), self.gate_s)

    def speed(self, time_s: float, span_s: float) -> float:
        """Seconds of the recording a second, from a take time on."""
        return (self.at(time_s + span_s) - self.at(time_s)) / span_s

    def steered(self, place_s: float, time_s: float, span_s: float) -> float:
        """Speed for a span of time that begins at ``place_s``, a little off the course perhaps.

        What it is off by dies away; the gate is not passed.
        """
        correction = (self.at(time_s) - place_s) / _CORRECTION_S
        correction = min(max(correction, -_MOST_CORRECTION), _MOST_CORRECTION)
        wanted = min(max(self.speed(time_s, span_s) + correction, SLOWEST), FASTEST)
        return min(wanted, max(0.0, (self.gate_s - place_s) / span_s))

    def _seconds(self, quarter: float) -> float:
        if quarter in (float("inf"), float("-inf")):
            return quarter
        return float(self._tempo.to_seconds(quarter))
