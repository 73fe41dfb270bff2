"""How much the ensemble listens: entirely, in part, or to nobody.

At level 10 it goes by its belief about the soloist alone. At level 0, in ``fixed``, with the tempo
locked and in a vamp it keeps a tempo of its own. In between it has a tempo of its own too, but
every solo note heard draws it: by a tenth of what it is apart for each level, in time and in
tempo (linear phase and period correction, as players do it among themselves; Vorberg and Wing,
"Modeling variability and dependence in timing", 1996). Where it has had to wait for the soloist it
goes on with them, whatever the level.
"""

from __future__ import annotations

from collections.abc import Callable

from accompanist.conducting.settings import FollowMode
from accompanist.conducting.tempo_model import TempoModel

__all__ = ["Ears"]

_WHOLE = 10.0
_DRAWN_SD = 0.1


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
        ratio = own.ratio ** (1.0 - share) * theirs.ratio**share
        own.begin(quarter, time_s if waited else own_s + share * (time_s - own_s))
        own.set_ratio(ratio, _DRAWN_SD)
