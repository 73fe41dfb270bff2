"""The default tempo model: several filters in one, each for another kind of player.

One believes in a *metronome*: a player without whims, whose onsets scatter about an even tempo. One
*expects* of the player what players do with notes like these, and learns what this one does. With
rehearsal there is a third that expects what was *rehearsed*. Each counts by how well it has
foreseen the reports, and the player may change from one kind to another at any note: interacting
multiple models (Blom and Bar-Shalom, "The interacting multiple model algorithm for systems with
Markovian switching coefficients", IEEE Trans. Automatic Control 33, 1988). So a steady soloist is
accompanied steadily, and a rehearsal that was of something else does little harm.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import exp, log, sqrt
from typing import Final, Self

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman import KalmanSettings, collapsed
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.tempo_model import Prediction
from accompanist.score.solo import SoloLine

__all__ = ["MixedTempo", "foreseeing"]

METRONOME: Final = KalmanSettings(
    slow_walk=0.0003,
    fast_sd=0.0005,
    onset_sd=0.001,
    report_sd_s=0.017,
    jump_share=0.0001,
    pause_share=0.0,
    outlier_share=0.01,
    outlier_sd_s=0.04,
    adapt=0.0,
    adapt_report=0.0,
)
_SHARES = (0.5, 0.5)
_SHARES_REHEARSED = (0.3, 0.2, 0.5)
"""How likely each kind of player is beforehand."""
_INTO, _OUT_OF = 0.001, 0.002
"""Shares of notes at which a player becomes a metronome, and ceases to be one."""
_BETWEEN = 0.01
"""The same from rehearsed to not, and back."""
_DOUBT, _DOUBT_NOTES = 0.09, 16.0
"""Share of those who seem metronomes and are none, and after how many more notes it is halved."""
_LEAST = 1e-6


class MixedTempo:
    """Filters that share what they believe, by how well each foresees.

    Parameters
    ----------
    filters : sequence of KalmanTempo
        The first is the metronome; the last tells how uncertain all others are.
    shares : sequence of float
        Probability of each beforehand; sum 1.
    changes : sequence of sequence of float
        ``changes[i][j]``: probability that player i has become player j at the next report.
    """

    def __init__(
        self,
        filters: Sequence[KalmanTempo],
        shares: Sequence[float],
        changes: Sequence[Sequence[float]],
    ) -> None:
        self._filters = tuple(filters)
        self._shares = tuple(shares)
        self._changes = changes
        self._even_notes = 0.0

    @property
    def shares(self) -> tuple[float, ...]:
        """Probability of each filter at the next report."""
        return self._shares

    @property
    def ratio(self) -> float:
        each = zip(self._shares, self._filters, strict=True)
        return exp(sum(share * log(model.ratio) for share, model in each))

    def copy(self) -> Self:
        twin = copy.copy(self)
        twin._filters = tuple(model.copy() for model in self._filters)
        return twin

    def plain(self) -> KalmanTempo:
        best = self._filters[max(range(len(self._shares)), key=self._shares.__getitem__)]
        twin = best.plain()
        twin.set_ratio(best.ratio, sqrt(best.belief.ll + best.belief.oo))
        return twin

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        for model in self._filters:
            model.begin(quarter, time_s, sd_s)

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        for model in self._filters:
            model.set_ratio(ratio, sd_log)

    def report(self, event: int, time_s: float) -> None:
        for model in self._filters:
            model.report(event, time_s)
        best = max(model.evidence for model in self._filters)
        after = [
            max(share * exp(model.evidence - best), _LEAST)
            for share, model in zip(self._shares, self._filters, strict=True)
        ]
        beliefs = [model.belief for model in self._filters]
        whole, shares = sum(after), []
        for j, model in enumerate(self._filters):
            came = [share * self._changes[i][j] / whole for i, share in enumerate(after)]
            shares.append(sum(came))
            model.believe(collapsed(list(zip(came, beliefs, strict=True))))
        self._shares = tuple(shares)
        self._even_notes = (self._even_notes + 1.0) * shares[0]

    def predict(self, quarter: float) -> Prediction:
        each = [model.predict(quarter) for model in self._filters]
        time_s = sum(w * p.time_s for w, p in zip(self._shares, each, strict=True))
        apart = sum(w * (p.time_s - time_s) ** 2 for w, p in zip(self._shares, each, strict=True))
        # A metronome is sure of itself as long as it is one: nobody knows how long. The longer it
        # has been one the less it is doubted, down to the share that ceases at any note.
        free_s = each[-1].sd_s
        seems = _DOUBT_NOTES / (_DOUBT_NOTES + self._even_notes)
        doubt = _OUT_OF + (_DOUBT - _OUT_OF) * seems
        even_s = max(each[0].sd_s, sqrt(doubt) * free_s)
        even = self._shares[0]
        return Prediction(time_s, sqrt(apart + even * even_s**2 + (1.0 - even) * free_s**2))


def foreseeing(
    grid: SoloGrid, solo: SoloLine, performances: Sequence[Performance] = ()
) -> MixedTempo:
    """Make the model that expects all that can be expected.

    Parameters
    ----------
    grid : SoloGrid
    solo : SoloLine
        The notes.
    performances : sequence of Performance
        Earlier ones of this piece.
    """
    metronome = KalmanTempo(grid, METRONOME)
    cold = KalmanTempo(grid, expectation=Expectation(grid, solo))
    known = Expectation(grid, solo, performances) if performances else None
    if known is None or not known.rehearsed:
        changes = (1.0 - _OUT_OF, _OUT_OF), (_INTO, 1.0 - _INTO)
        return MixedTempo((metronome, cold), _SHARES, changes)
    away = 1.0 - _INTO - _BETWEEN
    return MixedTempo(
        (metronome, cold, KalmanTempo(grid, expectation=known)),
        _SHARES_REHEARSED,
        (
            (1.0 - _OUT_OF, _OUT_OF / 2.0, _OUT_OF / 2.0),
            (_INTO, away, _BETWEEN),
            (_INTO, _BETWEEN, away),
        ),
    )
