"""How much the ensemble listens: entirely, in part, or to nobody.

At level 10 it goes by its belief about the soloist alone. At level 0, in ``fixed``, with the tempo
locked and in a vamp it keeps a tempo of its own. In between it has a tempo of its own too, but
every solo note heard draws it, as players draw one another: linear phase and period correction
(Vorberg and Schulze, "Linear phase-correction in synchronization", J. Math. Psychology 46, 2002).
Of what they are apart in time it makes up, in half a second, about a tenth of a share at level 2,
a quarter to a half around level 5, where chamber players have been found (Wing, Endo, Bradbury and
Vorberg, "Optimal feedback correction in string quartet synchronization", J. R. Soc. Interface 11,
2014); of the tempo less than that (Repp and Keller, "Sensorimotor synchronization with adaptively
timed sequences", Human Movement Science 27, 2008). After a shorter interval it is less, after a
longer one more, up to a point (Repp, Keller and Jacoby, Acta Psychologica 139, 2012). Two who
correct one another do not swing as long as their shares of a step add up to less than 2, and swing
ever less up to there. Where it has had to wait for the soloist it goes on with them, whatever the
level.
"""

from __future__ import annotations

from collections.abc import Callable

from accompanist.conducting.settings import FollowMode
from accompanist.conducting.tempo_model import TempoModel

__all__ = ["Ears"]

_WHOLE = 10.0
_DRAWN_SD = 0.1
_PHASE_POWER = 1.3
"""Of the phase it makes up the level's share to this power in …"""
_STEP_S = 0.5
"""… so long, and …"""
_LONGEST_STEPS = 2.0
"""… after so many of these at most. Of the tempo it makes up the level's share of that."""


class Ears:
    """Who leads, and the ensemble's own tempo while the soloist does not.

    Parameters
    ----------
    mode : FollowMode
    level : float
        0–10.

    Attributes
    ----------
    mode, level
        In force now.
    locked : bool
        The tempo is frozen.
    away : bool
        It goes round in a vamp and does not listen.
    own : TempoModel or None
        Its own tempo, while it plays and does not follow entirely.
    """

    def __init__(self, mode: FollowMode, level: float) -> None:
        self.mode, self.level = mode, level
        self.locked = self.away = False
        self.own: TempoModel | None = None
        self._drawn_s = float("-inf")

    @property
    def share(self) -> float:
        """How much it listens, 0–1."""
        if self.locked or self.away or self.mode is FollowMode.FIXED:
            return 0.0
        return self.level / _WHOLE

    def settle(self, frozen: Callable[[], TempoModel]) -> None:
        """Have an own tempo, or none, as what was changed wants it."""
        if self.share >= 1.0:
            self.own = None
        elif self.own is None:
            self.own = frozen()

    def draw(self, quarter: float, theirs: TempoModel, *, waited: bool) -> None:
        """Let the solo note heard at ``quarter`` draw the own tempo, if it is listened to."""
        own, share = self.own, self.share
        if own is None or not share:
            return
        time_s = theirs.predict(quarter).time_s
        own_s = own.predict(quarter).time_s
        steps = min(max((time_s - self._drawn_s) / _STEP_S, 0.0), _LONGEST_STEPS)
        self._drawn_s = time_s
        phase = 1.0 - (1.0 - share**_PHASE_POWER) ** steps
        period = phase * share
        ratio = own.ratio ** (1.0 - period) * theirs.ratio**period
        own.begin(quarter, time_s if waited else own_s + phase * (time_s - own_s))
        own.set_ratio(ratio, _DRAWN_SD)
