"""Where else the soloist may be, and how far the place believed in can be trusted.

The overview proposes, rivals try, and what has been heard in the last seconds decides; meanwhile it
is watched whether the place believed in goes on to fit. See `accompanist.followers.bayes.overview`,
`accompanist.followers.bayes.rival` and `accompanist.followers.bayes.confidence`.
"""

from __future__ import annotations

from math import exp, log
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.any_pitch import AnyPitch
from accompanist.followers.bayes.confidence import Confidence
from accompanist.followers.bayes.grid import Belief, FilterSettings, ScoreGrid
from accompanist.followers.bayes.overview import Overview
from accompanist.followers.bayes.pitch import PitchGrid
from accompanist.followers.bayes.recent import Recent
from accompanist.followers.bayes.rivals import Rivals
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.bayes.tuning import TuningSearch
from accompanist.hearing.bank import BANDS_PER_SEMITONE
from accompanist.hearing.evidence import Ear

__all__ = ["Found", "Seeker"]

Float32Array = npt.NDArray[np.float32]

_ENOUGH: Final = 36.0
"""Log-evidence by which another place must have expected better what was heard …"""
_ENOUGH_LOST: Final = 24.0
"""… and where the one believed in does not fit anyway."""
_ENOUGH_ANYWHERE: Final = 22.0
"""… where nobody has said where they begin …"""
_ENOUGH_TOLD: Final = 70.0
"""… and where somebody has, in the first seconds."""
_JUMP_COST: Final = 17.0
"""Of that, what a jump costs: whoever has gone somewhere else has paid it."""

_SURE_NEAR: Final = 0.5
"""Nothing is tried while the overview finds the place believed in likelier than all others."""
_WORTH_TRYING: Final = 0.05
_LITERAL: Final = 0.4
"""With so much of what this place and the best other hold, the other is the same music."""
_REFUTED_NEAR: Final = 0.75
"""Taken for the overview's belief in this place where another has been tried closely in vain."""
_BEGUN_S: Final = 3.0
_OFF_PITCH: Final = 0.8
"""Who has been followed from the beginning for so long has begun there."""

_USUAL_S: Final = 8.0
_USUAL_FIRST: Final = 100.0
_TRUSTED: Final = 2.0
_LEAST_MATCH: Final = 0.7
"""A place must explain what it heard this well, against what this soloist usually is: the right
place explains it 80 to 170 a second better than noise (45 to 110 in noise), other music 0 to 65."""


_NEAR_EVEN: Final = 3.7
_NEAR_WEIGHT: Final = 2.4
_NEAR_LEAST: Final = 0.01
"""From the overview's opinion to a probability: a logistic regression on takes with jumps and other
music in them; its constant was raised, since soloists mostly play on."""


class Found(NamedTuple):
    """Where the soloist turns out to be (written seconds), and how fast."""

    position_s: float
    tempo: float


class Seeker:
    """Looks after the filter that is believed in. Not thread-safe.

    Parameters
    ----------
    grid, templates, search, settings
        Of the filters.
    ear : Ear
        What is heard; read after each hop.
    hop_s : float
    landing : ndarray [shape=(segments,)]
        Where whoever goes elsewhere lands (`overview.landing_weights`).

    Attributes
    ----------
    trust : Confidence
        Whether the place believed in is the right one.
    """

    def __init__(
        self,
        grid: ScoreGrid,
        templates: TemplateRing,
        search: TuningSearch,
        settings: FilterSettings,
        ear: Ear,
        hop_s: float,
        landing: Float32Array,
    ) -> None:
        self._grid, self._templates, self._search = grid, templates, search
        self._ear, self._hop_s = ear, hop_s
        self._anything = AnyPitch(ear.bank, templates.cents)
        self._overview = Overview(grid, templates.templates, hop_s, landing, self._anything)
        self._step_hops = max(1, round(self._overview.step_s / hop_s))
        self._rivals = Rivals(grid, ear.bank, settings, hop_s)
        self._recent = Recent(len(ear.bank), hop_s)
        self._pitch = PitchGrid(templates.templates, hop_s)
        self._shifted = np.zeros_like(ear.spectrum)
        self._usual_match = _USUAL_FIRST
        self.trust = Confidence(self._overview.step_s)
        self.restart(0)

    @property
    def hops(self) -> int:
        """Hops in a step of the overview."""
        return self._step_hops

    @property
    def sureness(self) -> float:
        """Probability that the place believed in is the right one, for all that is heard."""
        odds = _NEAR_EVEN + _NEAR_WEIGHT * log(self._overview.near + _NEAR_LEAST)
        return self.trust.share / (1.0 + exp(-odds))

    def restart(self, event: int, *, anywhere: bool = False) -> None:
        """Begin anew before ``event``, or (most likely there, but) ``anywhere``."""
        self._overview.restart(event)
        self._rivals.drop()
        self.trust.restart()
        self._anywhere, self._played_s = anywhere, 0.0
        self._search.patient = False

    def retune(self) -> None:
        """Look at the whole score with the templates as they are now."""
        self._overview.retune(self._templates.templates)
        self._anything.retune(self._templates.cents)

    def step(self, belief: Belief, audible: float, usual_tempo: Float32Array) -> Found | None:
        """Follow one hop; a place that is to be believed in from now on, once in a long while.

        The filter believed in stands there then. ``usual_tempo`` [shape=(tempi,)] is how the
        soloist has played lately.
        """
        ear, fine, overview = self._ear, self._search.best, self._overview
        self._recent.keep(
            ear.whole, ear.rise, ear.presence, audible, belief.log_evidence, ear.others
        )
        if self.trust.odds > _TRUSTED:
            share = ear.presence * self._hop_s / _USUAL_S
            self._usual_match += share * (belief.match_per_s - self._usual_match)
        position_s = self._grid.position_s(belief.cell)
        weights = (usual_tempo / usual_tempo.sum()).astype(np.float32)
        tempo = float(np.exp(weights @ self._grid.log_tempi))
        spectrum, shift = self._as_tuned()
        clear = ear.presence * ear.clearness
        if overview.step(spectrum, position_s, tempo, fine, clear):
            waits = fine.waits >= 0
            if not waits and (self._search.decided or shift == fine.shift):
                self._watch()
            if overview.near < _SURE_NEAR and (self._anywhere or not waits):
                self._propose(weights, shift)
            self._settle_down(waits)
        return self._judge(position_s, tempo) if self._rivals.active else None

    def _watch(self) -> None:
        """See whether the place believed in goes on to fit."""
        overview, presence = self._overview, self._ear.presence * self._ear.clearness
        near, here = overview.near, overview.here
        if here > _LITERAL:
            near = min(1.0, near / here)
        if near < _REFUTED_NEAR and self._rivals.refute(overview.other_s):
            near, here = _REFUTED_NEAR, 1.0
        self.trust.hear(
            overview.deficit_per_s,
            overview.stranger_per_s,
            presence,
            near,
            here,
            overview.sounding,
        )

    def _as_tuned(self) -> tuple[Float32Array, int]:
        """Give the spectrum as if its player were tuned as the templates are, and the shift."""
        spectrum = self._ear.spectrum
        if self._search.decided:
            return spectrum, 0
        self._pitch.hear(spectrum, self._ear.presence)
        shift = round(self._pitch.shift) if self._anywhere else self._search.best.shift
        if shift == 0:
            return spectrum, 0
        self._shifted[:] = 0.0
        if shift > 0:
            self._shifted[: -1 - shift] = spectrum[shift:-1]
        else:
            self._shifted[-shift:-1] = spectrum[: -1 + shift]
        return self._shifted, shift

    def _propose(self, tempo_weights: Float32Array, shift: int) -> None:
        overview = self._overview
        for found in overview.propose(_WORTH_TRYING):
            # What the overview weighed in step k was gathered in the step before.
            ago = (overview.steps - found.came_step + 1) * self._step_hops
            self._rivals.propose(
                found.came_segment,
                float(self._grid.segments.start_s[found.segment]),
                found.share,
                self._recent.hops - ago,
                self._recent,
                tempo_weights + np.float32(1e-3),
                self._templates,
                shift,
            )

    def _settle_down(self, waits: bool) -> None:
        """Take it, when they have played for a while, that they began where they were awaited."""
        if self._played_s < _BEGUN_S and not waits:
            self._played_s += self._overview.step_s * self._ear.presence
            self._anywhere &= self._played_s < _BEGUN_S
        off = abs(self._search.best.shift - self._pitch.shift)
        self._search.patient = self._anywhere and off > _OFF_PITCH

    def _judge(self, position_s: float, tempo: float) -> Found | None:
        rivals, search, overview = self._rivals, self._search, self._overview
        busy = search.width - search.best.width
        rivals.step(self._recent, position_s, tempo * self._hop_s, self.trust.lost, busy)
        rivals.weigh(overview.share)
        enough = _ENOUGH_LOST + (_ENOUGH - _ENOUGH_LOST) * self.trust.share
        if self._anywhere:
            enough = _ENOUGH_ANYWHERE
        elif self._played_s < _BEGUN_S:
            enough = _ENOUGH_TOLD
        winner = rivals.winner(enough, _LEAST_MATCH * self._usual_match, overview.share)
        if winner is None:
            return None
        if not search.decided:
            half = BANDS_PER_SEMITONE / 2
            off = (self._pitch.shift - winner.filter.shift + half) % BANDS_PER_SEMITONE - half
            search.decide(winner.filter.shift, off)
            self.retune()
        found = Found(winner.position_s, winner.tempo)
        search.best.take_over(winner.filter)
        cost = 0.0 if self._anywhere else _JUMP_COST
        winner.take_over(self._recent, cost)
        rivals.give_way(winner, cost)
        overview.settle(found.position_s)
        self.trust.found()
        search.patient = False
        return found
