"""A coarse look at the whole score, to propose where else the soloist may be.

A forward hidden Markov model over all segments in steps of about 40 ms, with jumps in the
factorised form of Nakamura et al.: whoever leaves lands with a probability that depends on the
place of landing only, so that a step is linear in the length of the score. The pictures are
coarse and the jumps cheap: the overview proposes, `accompanist.followers.bayes.rival` decides. With
every place it remembers when and where whoever is there now came from elsewhere.

References
----------
.. [1] E. Nakamura, T. Nakamura, Y. Saito, N. Ono, S. Sagayama: Real-time audio-to-score alignment
   of music performances containing errors and arbitrary repeats and skips. IEEE/ACM TASLP 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.any_pitch import AnyPitch
from accompanist.followers.bayes.grid import PositionFilter, ScoreGrid
from accompanist.followers.bayes.overview_steps import FLOOR, advance, gather_belief, match
from accompanist.followers.bayes.segments import Segments
from accompanist.followers.bayes.templates import coarse_templates

__all__ = ["Overview", "Proposal", "landing_weights"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

_STEP_S: Final = 0.04
_EVIDENCE_PER_S: Final = 100.0

_JUMP_PER_S: Final = 0.02

_NEAR_S: Final = 0.6
"""Playing time on either side of the fine position that counts as the same place."""

_CORE_S: Final = 1.2
_BEHIND_REST: Final = 4.0

_PICTURES_A_HOP: Final = 1000
_SEGMENTS_A_HOP: Final = 15_000
_NOWHERE: Final = -1
_LEAST_LOUD: Final = 0.05
_TRAIL_S: Final = 1.0
"""Every place remembers where whoever is there was, one to two of these ago."""

_CANDIDATES: Final = 3
_BARE_PER_S: Final = 12.0
"""Where nothing rings on, a note by itself fits so much better than as it is pictured."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place other than the fine filter's that fits what was heard lately."""

    segment: int
    """Where the soloist would be now."""
    came_segment: int
    """Where they would have been …"""
    came_step: int
    """… in this step of the overview: when they landed, or some time ago."""
    share: float
    """Of all belief, within a second or so of it."""


def landing_weights(segments: Segments, likelier: FloatArray | None = None) -> Float32Array:
    """Where somebody who jumps lands [shape=(segments,)]: on a note, rather behind a rest.

    ``likelier`` [shape=(events,)] says of each event how much rather there.
    """
    weights = segments.begins.astype(np.float64)
    if likelier is not None:
        weights[segments.event_segment] = likelier
    weights[1:][segments.rest[:-1] & segments.begins[1:]] *= _BEHIND_REST
    landing: Float32Array = (weights / max(weights.sum(), 1.0)).astype(np.float32)
    return landing


class Overview:
    """Watches the whole score beside the fine filter.

    A slice of the work is done in each hop, so that a long score costs no hop much more than
    another.

    Attributes
    ----------
    near : float
        Share of the belief that is near the fine filter's place, 1 while there is no doubt.
    here : float
        The same against the best other place alone: literal repeats are as likely each.
        ``other_s`` is where that is (written seconds).
    deficit_per_s : float
        By how much the best picture of the whole piece fits better than those which the fine
        filter believes in, log-likelihood a second.
    stranger_per_s : float
        By how much some single pitch does, whatever the piece; 0 where none was given to try …
    sounding : int
        … and which of the twelve that is.
    match_per_s : float
        By how much those fit better than noise would.
    steps : int
        Steps heard so far.
    """

    def __init__(
        self,
        grid: ScoreGrid,
        templates: Float32Array,
        hop_s: float,
        landing: Float32Array,
        anything: AnyPitch | None = None,
    ) -> None:
        self._grid = grid
        self._anything = anything
        self._seg = seg = grid.segments
        n = len(seg)
        self._hops = max(2, round(_STEP_S / hop_s))
        self.step_s = self._hops * hop_s
        self._landing = landing
        count = len(seg.unique)
        self._match_hops = min(-(-count // _PICTURES_A_HOP), max(1, self._hops - 2))
        self._move_hops = min(-(-n // _SEGMENTS_A_HOP), self._hops - self._match_hops)
        bands = templates.shape[1]
        self._gathered = np.zeros(bands, dtype=np.float32)
        self._heard = np.zeros(bands, dtype=np.float32)
        self._fit = np.zeros(count, dtype=np.float32)
        self._likely = np.zeros(count, dtype=np.float32)
        self._alpha = np.zeros(n, dtype=np.float32)
        self._fresh = np.zeros(n, dtype=np.float32)
        self._came = np.full(n, _NOWHERE, dtype=np.int32)
        self._from = np.zeros(n, dtype=np.int32)
        self._fresh_came, self._fresh_from = self._came.copy(), self._from.copy()
        self._trail = np.zeros((2, n), dtype=np.int32)
        self._fresh_trail = self._trail.copy()
        self._trail_steps = max(1, round(_TRAIL_S / self.step_s))
        self._weights = np.zeros(4096, dtype=np.float32)
        self._out = np.zeros(4)
        self.retune(templates)
        self.restart(0)

    def retune(self, templates: Float32Array) -> None:
        """Take new pitch templates [shape=(pitches, bands)]."""
        self._looks = np.ascontiguousarray(coarse_templates(self._seg, templates))

    def restart(self, event: int) -> None:
        """Begin anew with all belief before ``event``."""
        self._alpha[:] = 1e-30
        before = int(self._seg.event_segment[event]) - 1
        self._alpha[before : before + 2] = 0.5
        self._scale = 1.0
        self._came[:] = _NOWHERE
        self._came[before] = 0
        self._from[before] = before
        self._trail[:] = np.arange(len(self._alpha))
        self._trailed = (0, 0)
        self._gathered[:] = 0.0
        self._heard[:] = 0.0
        self._hop = self.steps = 0
        self._near = (before, before + 2)
        self._base = before
        self._weights[0], self._count = 1.0, 1
        self._here_s = float(self._seg.start_s[before])
        self._tempo = 1.0
        self.near, self.here, self.sounding, self.other_s = 1.0, 1.0, 0, self._here_s
        self.deficit_per_s = self.stranger_per_s = self.match_per_s = 0.0

    def settle(self, position_s: float) -> None:
        """Take it that the fine filter is there now; other places go on being weighed."""
        self._here_s = position_s
        self._near = self._reach(position_s, _NEAR_S * self._tempo)
        self.near = float(self._alpha[self._near[0] : self._near[1]].sum()) * self._scale

    def share(self, position_s: float) -> float:
        """Share of the belief that is about a position (written seconds)."""
        first, end = self._reach(position_s, _CORE_S * self._tempo)
        return min(float(self._alpha[first:end].sum()) * self._scale, 1.0)

    def step(
        self,
        spectrum: Float32Array,
        position_s: float,
        tempo: float,
        fine: PositionFilter,
        presence: float,
    ) -> bool:
        """Hear one hop; whether a step is complete and `propose` may be asked.

        ``position_s`` and ``tempo`` are the fine filter's belief (written seconds, relative); what
        is heard counts by ``presence``, the share of it that somebody plays: breaths and the noise
        in rests fit anywhere.
        """
        self._gathered += spectrum[:-1] * np.float32(presence)
        i = self._hop
        count, n = len(self._fit), len(self._alpha)
        if i < self._match_hops:
            first, end = count * i // self._match_hops, count * (i + 1) // self._match_hops
            match(self._looks, self._heard, first, end, self._fit)
        done = False
        if self._hops - self._move_hops <= i:
            j = i - self._hops + self._move_hops
            if j == 0:
                self._out[:] = 0.0
                self._top = float(self._fit.max())
                fit = _EVIDENCE_PER_S * self.step_s * (self._fit - self._top)
                np.exp(np.maximum(fit, -FLOOR), out=self._likely)
            self._move(n * j // self._move_hops, n * (j + 1) // self._move_hops)
            if j == self._move_hops - 1:
                self._conclude()
                self._note(position_s, tempo, fine)
                done = True
        self._hop = (i + 1) % self._hops
        return done

    def propose(self, least: float) -> list[Proposal]:
        """Places that are not the fine filter's and hold at least this share of the belief."""
        found: list[Proposal] = []
        left = self._alpha * np.float32(self._scale)
        left[self._near[0] : self._near[1]] = 0.0
        for _ in range(_CANDIDATES):
            best = int(np.argmax(left))
            first, end = self._reach(float(self._seg.start_s[best]), _CORE_S * self._tempo)
            share = float(left[first:end].sum())
            if share < least:
                break
            came, segment = int(self._came[best]), int(self._from[best])
            if came < self._trailed[1]:
                came, segment = self._trailed[1], int(self._trail[1, best])
            found.append(Proposal(best, segment, came, min(share, 1.0)))
            left[first:end] = 0.0
        return found

    def _move(self, first: int, end: int) -> None:
        seg = self._seg
        advance(
            first, end, self.steps, self._scale, self.step_s * self._tempo,
            _JUMP_PER_S * self.step_s, self._here_s, *self._near,
            self._alpha, self._came, self._from, self._trail,
            self._fresh, self._fresh_came, self._fresh_from, self._fresh_trail,
            seg.start_s, seg.duration_s, self._landing, seg.unique_of, self._likely, self._out,
        )  # fmt: skip

    def _conclude(self) -> None:
        self._alpha, self._fresh = self._fresh, self._alpha
        self._came, self._fresh_came = self._fresh_came, self._came
        self._from, self._fresh_from = self._fresh_from, self._from
        self._trail, self._fresh_trail = self._fresh_trail, self._trail
        if self.steps - self._trailed[0] >= self._trail_steps:
            self._trailed = (self.steps, self._trailed[0])
            self._trail[1] = self._trail[0]
            self._trail[0] = np.arange(len(self._alpha))
        self._scale = 1.0 / max(float(self._out[0]), 1e-30)
        self.near = float(self._out[1]) * self._scale
        self.other_s = float(self._seg.start_s[int(self._out[3])])
        other = self.share(self.other_s)
        self.here = self.near / max(self.near + other, 1e-9)
        heard = self._fit[self._seg.unique_of[self._base : self._base + self._count]]
        fit = heard.astype(np.float64) * _EVIDENCE_PER_S
        top = _EVIDENCE_PER_S * self._top
        # Weighed by that very sound, as every other place is: either may be a note off.
        weight = self._weights[: self._count] * np.exp((fit - top) * self.step_s)
        here = float(weight @ fit) / max(float(weight.sum()), 1e-30)
        loud = float(self._heard.sum())
        flat = -_EVIDENCE_PER_S * loud * log(len(self._heard))
        self.match_per_s = (here - flat) / max(loud, _LEAST_LOUD)
        self.deficit_per_s = top - here if weight.sum() > 1e-30 else FLOOR / self.step_s
        if self._anything is not None:
            other, self.sounding = self._anything.best(self._heard)
            self.stranger_per_s = max(0.0, _EVIDENCE_PER_S * other - here - _BARE_PER_S)
        self.steps += 1

    def _note(self, position_s: float, tempo: float, fine: PositionFilter) -> None:
        """Keep what the fine filter believes at the end of the sound gathered just now."""
        self._heard[:] = self._gathered / self._hops
        self._gathered[:] = 0.0
        self._tempo, self._here_s = tempo, position_s
        first, end = self._reach(position_s, _NEAR_S * tempo)
        self._near = (first, end)
        low, high = (
            max(int(fine.support[4]), 0),
            min(int(fine.support[5]), len(self._grid.cell_segment)),
        )
        self._base = int(self._grid.cell_segment[low])
        self._count = gather_belief(
            fine.row_mass, low, high, self._grid.cell_segment, self._weights
        )

    def _reach(self, position_s: float, reach_s: float) -> tuple[int, int]:
        """Segments [first, end) that come within ``reach_s`` of a position."""
        start = self._seg.start_s
        first = int(np.searchsorted(start, position_s - reach_s, side="right")) - 1
        end = int(np.searchsorted(start, position_s + reach_s, side="left"))
        return max(first, 0), max(end, first + 1, 1)
