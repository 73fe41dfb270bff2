"""How far the position said can be believed: whether the follower is on the soloist's track at all.

Two states, on the track and off it, filtered in steps of the overview by how much better than the
pictures where the follower believes to be the best of the whole piece fits, and how much better any
single pitch does (in other music notes are heard that the score does not have there). Both compare
two explanations of the same sound, so noise and rooms, in which nothing fits well, tell little; nor
does silence.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

__all__ = ["Confidence"]

_RIGHT: Final = 0.08
"""Log-likelihood ratio of a step in which nothing fits better …"""
_SURELY_HERE: Final = 0.2
_EVEN_NEAR: Final = 0.5
"""… and, the more of the overview's belief over half is here, as much more: it hears on over many
notes, and one chord or another of a long piece fits better than the right one in any busy bar …"""
_PER_DEFICIT: Final = 0.014
"""… less this for each unit of log-likelihood a second by which another place does …"""
_PER_STRANGER: Final = 0.014
"""… and for each by which a single pitch does (on the track 0 to 5 of each, with one note in ten
wrong up to 10, in noise no more; in other music 10 to 30 and 15 to 55) …"""
_PER_LOG_HERE: Final = 0.03
_LEAST_HERE: Final = 0.01
"""… and while the overview finds another place likelier …"""
_WRONG: Final = -0.3
"""… down to this."""
_MOST_OF_NOTE: Final = 2.5
"""A note tells no more than this against the place, however long it is held: one may be wrong, only
several in a row are somewhere else."""
_NEW_NOTE_STEPS: Final = 2
"""Another pitch for so many steps is another note."""

_STRAY_PER_S: Final = 0.01
_FIND_PER_S: Final = 0.02
_FIRST: Final = 3.0
_FOUND: Final = 0.8
_FOUND_LOST: Final = -0.5
_LONG_LOST_S: Final = 1.0
"""Who had been lost for so long when found has to play there for a while before it is believed."""
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
        self._step_s = step_s
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
        self.odds, self.lost, self._lost_s, self._restless = _FIRST, False, 0.0, 0.0
        self._sounding, self._since, self._of_note = -1, 0, 0.0

    def found(self) -> None:
        """Begin anew elsewhere: the follower has jumped there."""
        long_lost = self._lost_s > _LONG_LOST_S
        self.odds = (_FOUND_LOST if long_lost else _FOUND) - _RESTLESS * self._restless
        self._restless += 1.0
        self.lost = long_lost or self.odds < _LOST

    def hear(
        self,
        deficit_per_s: float,
        stranger_per_s: float,
        presence: float,
        near: float = 1.0,
        here: float = 1.0,
        sounding: int = -1,
    ) -> None:
        """Take in one step of the overview.

        By how much another place (a single pitch) explains it better is its deficit (stranger);
        ``near`` is the overview's belief in this place, ``here`` how it is divided between it (1)
        and the best other (0); ``sounding`` is some number of the pitch that explains it best.
        """
        self._restless *= 1.0 - presence * (1.0 - self._calm)
        on = self.share
        on += presence * ((1.0 - on) * self._find - on * self._stray)
        against = _PER_DEFICIT * deficit_per_s + _PER_STRANGER * stranger_per_s
        against -= _PER_LOG_HERE * log(here + _LEAST_HERE)
        surely = max(0.0, (near - _EVEN_NEAR) / (1.0 - _EVEN_NEAR))
        told = presence * max(_WRONG, _RIGHT + _SURELY_HERE * surely - against)
        odds = log(on / (1.0 - on)) + self._limited(told, sounding)
        self.odds = min(_MOST, max(-_MOST, odds))
        if self.odds < _LOST:
            self.lost = True
        elif self.odds > _FOUND_AGAIN:
            self.lost = False
        self._lost_s = self._lost_s + self._step_s if self.lost else 0.0

    def _limited(self, told: float, sounding: int) -> float:
        """Let no note tell more against the place than one may."""
        self._since = self._since + 1 if sounding != self._sounding else 0
        if self._since >= _NEW_NOTE_STEPS:
            self._sounding, self._since, self._of_note = sounding, 0, 0.0
        before = self._of_note
        self._of_note = min(0.0, max(-_MOST_OF_NOTE, before + told))
        return told if told > 0.0 else self._of_note - before
