"""How loud the soloist is, against what is expected of them: the ensemble leans that way, slowly.

Levels in dB are compared within the take only: what the microphone makes of *forte* does not
matter, only by how much it differs from the take so far. What is expected of a note comes from
the marks of the score and from earlier performances; how much of it this soloist really does is
learned on the way (a straight line through level against expectation, by weighted least squares
that forgets and that begins with a belief of its own). What is left over, beyond what chance
does, is what the ensemble leans to.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.score.solo import SoloLine

__all__ = ["LIMIT_DB", "RECORDING_LIMIT_DB", "Dynamics", "expected_levels_db", "velocity_db"]

LIMIT_DB, RECORDING_LIMIT_DB = 6.0, 3.0
"""The ensemble leans by no more than this; a recording, which has dynamics of its own, by less."""
_NOTHING_DB = -100.0
"""Below this a hop holds no sound, or the follower knows no level."""
_SMOOTH_S = 0.05
_DECAY_DB_S = 6.0
"""A held note is believed to grow softer no faster than this: strings and bells die away
without anybody playing softer."""
_FLOOR_RISE_DB_S, _FLOOR_FALL_S = 1.0, 0.2
_OVER_FLOOR_DB = 8.0
"""What is not louder than the background by this much is not counted."""
_RANGE_DB = 40.0
"""Nor what is softer by this much than the loudest of late."""
_LOUDEST_FALL_DB_S = 1.0
_LEAST_CONFIDENCE = 0.5
_MEMORY_S = 90.0
"""Sounding time in which what was heard loses most of its weight."""
_KNOWN_S = 4.0
"""After so much sounding time what is usual for them is half known, and leant from half."""
_FOLLOW_S = 1.2
"""Time constant of the leaning."""
_CHANCE_DB = 1.0
"""Differences up to this are nobody's intention."""
_MOST_DB_S = 2.0
_STEP_DB = 0.5
"""The lean goes by such steps: a new one has to be worth telling."""
_REST_S, _RETURN_S = 1.0, 3.0
"""In a written rest of the solo longer than this the ensemble returns to its own marks."""
_MARKED, _REHEARSED = 0.7, 1.0
"""Share of the expected differences that a soloist is believed to do, before anything is heard:
of marks, and of what earlier performances did."""
_BELIEF_DB2_S = 400.0
"""Weight of that belief, as squared dB of expected differences times seconds."""
_MATCH_QUARTER = 0.05
_MOST_APART_DB = 20.0
"""No note of an earlier take counts as further from its mean than this."""


def velocity_db(velocity: float) -> float:
    """Level of a MIDI velocity, 127 being 0 dB: 40 log10 (v / 127).

    So synthesisers have it (SoundFont 2.04, § 8.4.1, default modulator of velocity).

    >>> round(velocity_db(127), 1), round(velocity_db(64), 1)
    (0.0, -11.9)
    """
    return 40.0 * math.log10(max(velocity, 1.0) / 127.0)


def expected_levels_db(
    solo: SoloLine, performances: Sequence[Performance] = ()
) -> tuple[list[float], float]:
    """How loud each event of the solo is to be.

    Returns
    -------
    (list of float, float)
        Level of each event in dB, the mean of all being 0: that of its loudest note by the marks
        of the score, with earlier performances averaged in where there are any; and the share of
        these differences that a soloist is believed to do.
    """
    marks = [max(velocity_db(note.velocity) for note in event) for event in solo.notes]
    marks = _centred(marks)
    heard = [p for p in performances if p.levels_db is not None and len(p.levels_db)]
    if not heard:
        return marks, _MARKED
    sums, counts = [_MARKED * level for level in marks], [1.0] * len(marks)
    for performance in heard:
        quarters = [float(q) for q in performance.quarters]
        levels = [] if performance.levels_db is None else performance.levels_db.tolist()
        for event, quarter in enumerate(solo.onsets_quarter.tolist()):
            i = bisect_right(quarters, quarter + _MATCH_QUARTER) - 1
            if i >= 0 and quarters[i] >= quarter - _MATCH_QUARTER and math.isfinite(levels[i]):
                sums[event] += min(max(levels[i], -_MOST_APART_DB), _MOST_APART_DB)
                counts[event] += 1.0
    return _centred([s / n for s, n in zip(sums, counts, strict=True)]), _REHEARSED


def _centred(levels: list[float]) -> list[float]:
    mean = sum(levels) / len(levels) if levels else 0.0
    return [level - mean for level in levels]


class Dynamics:
    """Follows the soloist's loudness. Not thread-safe.

    Parameters
    ----------
    solo : SoloLine
        What is played, with the velocities that the score's marks give.
    depth : float
        How much of it the ensemble does, 0–1; may be changed at any time.
    performances : sequence of Performance
        Earlier ones of the piece; those with levels tell how loud each note is to be expected.
    limit_db : float
        The lean never exceeds this, either way.

    Attributes
    ----------
    depth : float
    lean_db : float
        By how much the ensemble plays louder now than its own marks say; in steps of 0.5 dB.
    """

    def __init__(
        self,
        solo: SoloLine,
        *,
        depth: float = 0.5,
        performances: Sequence[Performance] = (),
        limit_db: float = LIMIT_DB,
    ) -> None:
        self.depth = depth
        self.lean_db = 0.0
        self._limit_db = limit_db
        self._starts = [float(q) for q in solo.onsets_quarter]
        self._ends = [max(note.end_quarter for note in event) for event in solo.notes]
        self._expected_db, self._share = expected_levels_db(solo, performances)
        self._now_s: float | None = None
        self._power = 0.0
        self._note_db = self._loudest_db = self._floor_db = _NOTHING_DB
        self._counted_s = float("-inf")
        self._weight = self._x = self._y = self._xx = self._xy = 0.0
        self._apart_db = self._exact_db = 0.0

    def hear(self, estimate: Estimate, *, follows: bool = True) -> float:
        """Take in one hop; give the lean in dB.

        Parameters
        ----------
        estimate : Estimate
        follows : bool
            The ensemble plays with the soloist. Else what is heard counts for nothing.
        """
        before_s, self._now_s = self._now_s, estimate.time_s
        if before_s is None or estimate.time_s <= before_s:
            return self.lean_db
        lapse_s = min(estimate.time_s - before_s, 0.1)
        if not self.depth and self.lean_db:
            self._lean(lapse_s)
        level_db = self._smoothed(estimate.level_db, lapse_s)
        event = self._event_at(estimate.quarter)
        if not follows or estimate.state is FollowerState.ARMED:
            self._background(level_db, lapse_s)
            return self.lean_db
        if estimate.state is not FollowerState.FOLLOWING:
            return self.lean_db
        if estimate.onsets:
            self._note_db = level_db
        if event is None:
            self._background(level_db, lapse_s)
            if estimate.time_s - self._counted_s > _REST_S:
                self._apart_db *= math.exp(-lapse_s / _RETURN_S)
                self._lean(lapse_s)
            return self.lean_db
        self._note_db = max(level_db, self._note_db - _DECAY_DB_S * lapse_s)
        self._loudest_db = max(level_db, self._loudest_db - _LOUDEST_FALL_DB_S * lapse_s)
        counts = (
            estimate.confidence >= _LEAST_CONFIDENCE
            and level_db > self._floor_db + _OVER_FLOOR_DB
            and level_db > max(self._loudest_db - _RANGE_DB, _NOTHING_DB)
        )
        if counts:
            self._counted_s = estimate.time_s
            self._learn(self._note_db, self._expected_db[event], lapse_s)
            self._lean(lapse_s)
        return self.lean_db

    def _event_at(self, quarter: float) -> int | None:
        """Solo event that is to sound at a position; None in a rest."""
        if not math.isfinite(quarter):
            return None
        event = bisect_right(self._starts, quarter) - 1
        return event if event >= 0 and quarter < self._ends[event] else None

    def _smoothed(self, level_db: float, lapse_s: float) -> float:
        power = 10.0 ** (level_db / 10.0) if level_db > _NOTHING_DB else 0.0
        self._power += (power - self._power) * min(lapse_s / _SMOOTH_S if self._power else 1.0, 1.0)
        return 10.0 * math.log10(self._power) if self._power > 1e-10 else _NOTHING_DB

    def _background(self, level_db: float, lapse_s: float) -> None:
        """Learn how loud it is while nobody plays: the softest of it, whoever else may sound."""
        above_db = level_db - self._floor_db
        if self._floor_db <= _NOTHING_DB:
            self._floor_db = level_db
        elif above_db < 0.0:
            self._floor_db += above_db * min(lapse_s / _FLOOR_FALL_S, 1.0)
        else:
            self._floor_db += min(above_db, _FLOOR_RISE_DB_S * lapse_s)

    def _learn(self, level_db: float, expected_db: float, lapse_s: float) -> None:
        """Take a moment's loudness into the line of level against expectation."""
        keep = math.exp(-lapse_s / _MEMORY_S)
        self._weight = keep * self._weight + lapse_s
        self._x = keep * self._x + lapse_s * expected_db
        self._y = keep * self._y + lapse_s * level_db
        self._xx = keep * self._xx + lapse_s * expected_db * expected_db
        self._xy = keep * self._xy + lapse_s * expected_db * level_db
        mean_x, mean_y = self._x / self._weight, self._y / self._weight
        spread = max(self._xx - self._weight * mean_x * mean_x, 0.0)
        common = self._xy - self._weight * mean_x * mean_y
        share = (common + self._share * _BELIEF_DB2_S) / (spread + _BELIEF_DB2_S)
        share = min(max(share, 0.0), 1.0)
        apart_db = level_db - mean_y - share * (expected_db - mean_x)
        self._apart_db += (apart_db - self._apart_db) * min(lapse_s / _FOLLOW_S, 1.0)

    def _lean(self, lapse_s: float) -> None:
        """Go towards what is left over beyond chance, no faster than a player would."""
        beyond_db = max(abs(self._apart_db) - _CHANCE_DB, 0.0)
        known = self._weight**2 / (self._weight**2 + _KNOWN_S**2)
        wanted_db = self.depth * known * math.copysign(beyond_db, self._apart_db)
        wanted_db = min(max(wanted_db, -self._limit_db), self._limit_db)
        most_db = _MOST_DB_S * lapse_s
        self._exact_db += min(max(wanted_db - self._exact_db, -most_db), most_db)
        if abs(self._exact_db - self.lean_db) >= _STEP_DB:
            self.lean_db = round(self._exact_db / _STEP_DB) * _STEP_DB
