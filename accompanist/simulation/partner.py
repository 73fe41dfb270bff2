"""A soloist who hears the ensemble, and keeps together with it as people do.

The model is linear phase correction: two levels of noise, those of a timekeeper and of the hands
(A. Wing, A. Kristofferson: Response delays and the timing of discrete motor responses, 1973), and a
share of each asynchrony heard made up for at the next onset (D. Vorberg, A. Wing: Modeling
variability and dependence in timing, 1996). The hands' delays make neighbouring intervals
correlate: what comes late makes one longer and the next shorter. Two who play together neither
hurry nor drag when each hears the other 11.5 ms late (C. Chafe, J.-P. Cáceres, M. Gurevich: Effect
of temporal separation on synchronization in rhythmic performance, 2010): so much passes for
together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from accompanist.errors import UsageError

__all__ = ["PARTNERS", "ListeningSoloist", "PartnerSettings", "partner"]

_FIRST_S = 1.0
_LEAST_INTERVAL_S = 0.02
_MOST_SHARE = 0.3
"""An asynchrony counts as no more than this share of the interval: nobody jumps further."""
_USUAL_S = 0.02
_ADAPT = 0.2
_LEAST_TURN, _MOST_TURN = 0.5, 3.0


@dataclass(frozen=True, slots=True)
class PartnerSettings:
    """What the soloist is like.

    Attributes
    ----------
    gain : float
        Share of an asynchrony that the next onset makes up for; 0 listens to nobody.
    period_gain : float
        Share of it, in the interval, by which their tempo changes for good.
    adaptive : bool
        The gain grows up to threefold while the two are apart, and sinks by half while together.
    timekeeper : float
        Sd of an interval as intended, as a share of it.
    wander : float
        Correlation of neighbouring intervals as intended.
    motor_s : float
        Sd of each onset by itself, which the next does not inherit.
    delay_s : float
        From the ensemble's sound to their ear.
    together_s : float
        What they hear this late seems to them to be together.
    ensemble_db : float
        How loud the ensemble is at their ear against themselves.
    masked_db : float
        Below this they do not hear it.
    reaction_s : float
        What they hear later than this before an onset counts for the one after.
    """

    gain: float = 0.25
    period_gain: float = 0.0
    adaptive: bool = False
    timekeeper: float = 0.02
    wander: float = 0.0
    motor_s: float = 0.006
    delay_s: float = 0.010
    together_s: float = 0.0115
    ensemble_db: float = -6.0
    masked_db: float = -30.0
    reaction_s: float = 0.1

    @property
    def audible(self) -> bool:
        """Whether they hear the ensemble at all."""
        return self.ensemble_db >= self.masked_db


_FORGOTTEN = 1.0 / 16.0
PARTNERS = ("listening", "adaptive", "stubborn", "forgetful")


def partner(kind: str, gain: float | None = None) -> PartnerSettings:
    """Make the soloist of that kind; ``gain`` in place of the usual quarter.

    ``listening`` corrects and comes back to the tempo in mind; ``adaptive`` corrects the more, the
    further apart they are; ``stubborn`` corrects nothing; ``forgetful`` takes a sixteenth of each
    correction over into their tempo and has no other in mind: if the ensemble comes 25 ms late
    with every note, they are at half their tempo in ten minutes.

    Raises
    ------
    UsageError
        There is no such kind.
    """
    usual = PartnerSettings(gain=PartnerSettings().gain if gain is None else gain)
    match kind:
        case "listening":
            return usual
        case "adaptive":
            return replace(usual, adaptive=True)
        case "stubborn":
            return replace(usual, gain=0.0)
        case "forgetful":
            return replace(usual, period_gain=usual.gain * _FORGOTTEN)
    raise UsageError(f"no soloist is {kind!r}; choose from {', '.join(PARTNERS)}")


class ListeningSoloist:
    """Plays a line, onset by onset, and listens meanwhile. Not thread-safe.

    Parameters
    ----------
    onsets_quarter : sequence of float
        Of the solo's events.
    seconds_per_quarter : float
        The tempo in mind.
    settings : PartnerSettings
    seed : int

    Attributes
    ----------
    onsets_s : list of float
        When they have played.
    """

    def __init__(
        self,
        onsets_quarter: Sequence[float],
        seconds_per_quarter: float,
        settings: PartnerSettings,
        seed: int,
    ) -> None:
        self._quarters = [float(q) for q in onsets_quarter]
        self._period_s = seconds_per_quarter
        self._set = settings
        self._generator = np.random.default_rng(seed)
        self._clock_s = _FIRST_S
        self._uneven = 0.0
        self._apart_s = _USUAL_S
        self._before: dict[int, float] = {}
        self.onsets_s: list[float] = []
        self._next_s = _FIRST_S + self._motor_s()

    @property
    def seconds_per_quarter(self) -> float:
        """The tempo in mind now."""
        return self._period_s

    def due(self, now_s: float) -> Iterator[tuple[int, float]]:
        """Play what comes until ``now_s``: events and their times."""
        while len(self.onsets_s) < len(self._quarters) and self._next_s <= now_s:
            event = len(self.onsets_s)
            self.onsets_s.append(self._next_s)
            yield event, self._next_s
            if event + 1 < len(self._quarters):
                length_s = (self._quarters[event + 1] - self._quarters[event]) * self._period_s
                self._clock_s += length_s * (1.0 + self._unevenness())
                earliest_s = self._next_s + _LEAST_INTERVAL_S
                self._next_s = max(self._clock_s + self._motor_s(), earliest_s)
                before_s = self._before.pop(event, None)
                if before_s is not None:
                    self.hear(event, before_s)

    def hear(self, event: int, time_s: float) -> None:
        """Hear at ``time_s`` (at their ear) what the ensemble plays together with ``event``.

        To be told in time: no later than the hop in which it is heard.
        """
        s = self._set
        if not s.audible or event + 1 >= len(self._quarters):
            return
        if event >= len(self.onsets_s):
            self._before[event] = time_s
            return
        quarters = self._quarters[event + 1] - self._quarters[event]
        most_s = _MOST_SHARE * quarters * self._period_s
        late_s = min(max(time_s - self.onsets_s[event] - s.together_s, -most_s), most_s)
        self._apart_s = sqrt((1.0 - _ADAPT) * self._apart_s**2 + _ADAPT * late_s**2)
        turn = min(max(self._apart_s / _USUAL_S, _LEAST_TURN), _MOST_TURN) if s.adaptive else 1.0
        move_s = turn * s.gain * late_s
        self._period_s += turn * s.period_gain * late_s / max(quarters, 0.5)
        self._clock_s += move_s
        if len(self.onsets_s) < len(self._quarters) and time_s <= self._next_s - s.reaction_s:
            self._next_s += move_s

    def _motor_s(self) -> float:
        return float(self._set.motor_s * self._generator.standard_normal())

    def _unevenness(self) -> float:
        s = self._set
        fresh = float(s.timekeeper * self._generator.standard_normal())
        self._uneven = s.wander * self._uneven + sqrt(1.0 - s.wander**2) * fresh
        return self._uneven
