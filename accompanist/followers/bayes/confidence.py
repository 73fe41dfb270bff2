"""How far the position said can be believed: whether the follower is on the soloist's track at all.

Two states, on the track and off it, filtered in steps of the overview by how much
better the best picture of the whole piece fits than those where the follower believes to be, and
how much worse those fit than they are used to (other music fits nowhere). Silence tells nothing.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

__all__ = ["Confidence"]

_RIGHT: Final = 0.15
"""Log-likelihood ratio of a step in which no other picture fits better …"""
_PER_DEFICIT: Final = 0.012
"""… less this for each unit of log-likelihood a second by which another does …"""
_PER_SHORTFALL: Final = 0.006
"""… and for each by which what is heard is explained worse than half as well as usual …"""
_USUAL_SHARE: Final = 0.5
_PER_LOG_HERE: Final = 0.08
_LEAST_HERE: Final = 0.01
"""… and while the overview finds another place likelier …"""
_WRONG: Final = -0.2
"""… down to this. One note is heard in some ten steps, which are far from independent, and may
be a wrong one: only a second of wrong ones is somewhere else."""

_STRAY_PER_S: Final = 0.01
_FIND_PER_S: Final = 0.02
_FIRST: Final = 3.0
_FOUND: Final = 0.8
_RESTLESS: Final = 1.0
_REST_S: Final = 4.0
"""Who has just been found, and is found elsewhere so soon after, may be nowhere: of the odds, so
much for each time."""
_MOST: Final = 5.0
_LOST: Final = -1.5
_FOUND_AGAIN: Final = 0.5


class Confidence:
    """Log-odds of being on the track.

    Attributes
    ----------
    odds : float
        Natural logarithm of the odds.
    lost : bool
        Off the track, and not found again; changes with hysteresis.
    """

    def __init__(self, step_s: float) -> None:
        self._stray = 1.0 - exp(-_STRAY_PER_S * step_s)
        self._find = 1.0 - exp(-_FIND_PER_S * step_s)
        self._calm = exp(-step_s / _REST_S)
        self.restart()

    @property
    def share(self) -> float:
        """Probability of being on the track."""
        return 1.0 / (1.0 + exp(-self.odds))

    def restart(self) -> None:
        """Begin anew: a human has said where."""
        self.odds, self.lost, self._restless = _FIRST, False, 0.0

    def found(self) -> None:
        """Begin anew elsewhere: the follower has jumped there."""
        self.odds = _FOUND - _RESTLESS * self._restless
        self._restless += 1.0
        self.lost = self.odds < _LOST

    def hear(
        self,
        deficit_per_s: float,
        match_per_s: float,
        usual_per_s: float,
        presence: float,
        here: float = 1.0,
    ) -> None:
        """Take in one step of the overview.

        ``match_per_s`` is by how much the filter explains the step better than noise would,
        ``usual_per_s`` by how much it usually does, ``here`` how the overview's belief is divided
        between this place (1) and the best other (0).
        """
        self._restless *= 1.0 - presence * (1.0 - self._calm)
        shortfall = max(0.0, _USUAL_SHARE * usual_per_s - match_per_s)
        on = self.share
        on += presence * ((1.0 - on) * self._find - on * self._stray)
        against = _PER_DEFICIT * deficit_per_s + _PER_SHORTFALL * shortfall
        against -= _PER_LOG_HERE * log(here + _LEAST_HERE)
        told = max(_WRONG, _RIGHT - against)
        odds = log(on / (1.0 - on)) + presence * told
        self.odds = min(_MOST, max(-_MOST, odds))
        if self.odds < _LOST:
            self.lost = True
        elif self.odds > _FOUND_AGAIN:
            self.lost = False
