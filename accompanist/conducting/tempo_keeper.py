"""Keeps the tempo from creeping while two listen to one another.

Each of two who follow each other takes what the other does late for a slower tempo, and neither
knows how late the other hears them. Whoever keeps nothing in mind ends up somewhere else: a
millisecond and a half with every note is a tenth of the tempo in ten minutes. So the ensemble has
the tempo of the last minutes in mind, and where it has crept away from that in steady music the
ensemble comes earlier or later by a few milliseconds, which is enough to lead and too little to be
heard. A tempo that is taken on purpose is clearly another, and becomes the one to be kept.
"""

from __future__ import annotations

from math import exp, log

from accompanist.conducting.tempo_model import Prediction, TempoModel

__all__ = ["Leaning", "TempoKeeper"]

_NOW_S = 12.0
_HOME_S = 600.0
"""What the tempo is now, and what it has been: over so many seconds."""
_MOST_STEP_S = 2.0
_ANOTHER = 0.06
"""A tempo that is so much another (logarithm of the ratio) is meant."""
_GAIN_S = 1.0
_MOST_S = 0.005
"""So much earlier where the tempo is slower by that logarithm; never more than this."""
_STEADY = 0.04
"""Sd of the tempo in music in which creeping can be told from playing."""
_START_S = 10.0


class TempoKeeper:
    """Says how much earlier than expected to sound. Not thread-safe.

    Attributes
    ----------
    lean_s : float
        Earlier (positive) or later than the soloist is expected.
    """

    def __init__(self) -> None:
        self._event = -1
        self._time_s = self._kept_s = 0.0
        self._now = self._home = self._variance = 0.0
        self.lean_s = 0.0

    def hear(self, event: int, time_s: float, ratio: float) -> None:
        """Learn the ratio of played to written time as believed at ``event``, the last heard."""
        if event == self._event or event < 0:
            return
        level = log(ratio)
        if self._event < 0:
            self._now = self._home = level
        follows = event > self._event >= 0
        step_s = min(max(time_s - self._time_s, 0.0), _MOST_STEP_S) if follows else 0.0
        self._event, self._time_s = event, time_s
        self._kept_s = min(self._kept_s + step_s, _HOME_S)
        share = 1.0 - exp(-step_s / min(max(self._kept_s, _MOST_STEP_S), _NOW_S))
        self._variance += share * ((level - self._now) ** 2 - self._variance)
        self._now += share * (level - self._now)
        self._home += step_s / max(self._kept_s, _MOST_STEP_S) * (level - self._home)
        crept = self._now - self._home
        if self._kept_s < _START_S or abs(crept) > _ANOTHER:
            self._home, self.lean_s = self._now, 0.0
            self._kept_s = min(self._kept_s, _START_S)
            return
        calm = 1.0 / (1.0 + (self._variance / _STEADY**2) ** 2)
        self.lean_s = calm * min(max(_GAIN_S * crept, -_MOST_S), _MOST_S)


class Leaning:
    """What a tempo model predicts, a little earlier or later: as much as a path is planned by."""

    def __init__(self, model: TempoModel, lean_s: float) -> None:
        self._model, self._lean_s = model, lean_s

    @property
    def ratio(self) -> float:
        """Of the model."""
        return self._model.ratio

    def predict(self, quarter: float) -> Prediction:
        """When to be at ``quarter``."""
        time_s, sd_s = self._model.predict(quarter)
        return Prediction(time_s - self._lean_s, sd_s)
