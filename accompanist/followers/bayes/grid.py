"""The exact Bayesian filter on score position × tempo, with held states.

Every mass moves by its own tempo each hop; of what crosses into an event a share is *held* before
it, keeping its tempo: a player who is late has not slowed down. Without held states every fermata
and every soft attack would bend the tempo (measured on chorales played by winds and a violin:
median error 34 ms instead of 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.observe import observe
from accompanist.followers.bayes.predict import predict
from accompanist.followers.bayes.segments import Segments
from accompanist.followers.bayes.settle import settle
from accompanist.followers.bayes.templates import SLOTS, TemplateRing, age_mixture

__all__ = [
    "CELL_S",
    "LEAD_IN_S",
    "TAIL_S",
    "Belief",
    "FilterSettings",
    "PositionFilter",
    "ScoreGrid",
]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

CELL_S: Final = 0.007
"""Written seconds in a cell."""

LEAD_IN_S: Final = 0.7
TAIL_S: Final = 4.0

_ROWS: Final = 4096
_HELD_ROWS: Final = 1024
_QUIET: Final = 0.1
_BEGUN: Final = 0.01
"""With less belief than this in waiting the soloist has begun."""

_DWELT_S: Final = 0.2
"""Notes from this (written) length on may be dwelt on; the shorter, the less."""

_AGE_S: Final = 0.24
"""At this age of a note the look of its attack is over."""


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """Constants of the filter; rates are a second, so they do not depend on the hop.

    Chosen on real takes of violin, winds and piano; see the benchmark's results.
    """

    tempi_per_octave: int = 12
    slowest_octave: float = -1.35
    fastest_octave: float = 1.75
    tempo_spread_octave: float = 0.35
    """Standard deviation of the first tempo about the written one."""
    mixing_per_s: float = 0.15
    enter_hold: float = 0.25
    enter_repeat: tuple[float, float] = (0.12, 0.3)
    """The same into a note that repeats, of a soloist whose strokes cannot or can be heard."""
    leave_hold_per_s: float = 4.0
    brief_hold: float = 0.2
    """Share of the above at the end of a note that is over in no time: nobody dwells on it …"""
    brief_least: float = 0.4
    """… and of what a missing stroke tells then: in runs many are not to be heard."""
    silent_enter: float = 0.9
    """Where nobody seems to play, a new note is not entered: most of what crosses is held …"""
    silent_leave: float = 0.02
    """… and leaves at this share of the usual rate. Breaths would be counted as notes else."""
    leave_wait_per_s: float = 0.5
    pause_s: tuple[float, float] = (0.3, 0.6)
    """Silence for so long is a pause: it may come anywhere, a rest ahead explains it no better …"""
    pause_gain: float = 1.6
    """… than this makes up for (a logarithm; what a rest expects of silence against a note). A
    sound dies away in an old note as well: so far as it is no tone any more, this counts at once.
    """
    evidence_per_s: float = 150.0
    """Weight κ of the spectrum: log-likelihood is κ·dt·Σ y log w."""
    onset_per_s: float = 200.0
    onset_zero: float = 0.40
    onset_width: float = 0.43
    onset_least: float = -0.3
    onset_most: float = 1.5
    """Times the presence: what is not a tone (breath, bow, a door) rises too and begins nothing."""
    repeat_least: tuple[float, float] = (-0.1, -0.7)
    attack_s: float = 0.06
    floor_per_s: float = 2000.0
    prune: float = 1e-15
    quantile: float = 0.55
    sure_quantile: float = 0.55
    """A note is reported by this. At 0.45 an eighth of the early reports is gone, the others come
    3 ms later; but then the ensemble waits less at fermatas (bach10: 2 points within 100 ms)."""
    sure_last: float = 0.9
    """The last note of all is reported when it is so likely to have been struck: nothing comes
    behind it that could contradict."""
    doubted: float = 0.15
    """What has been reported is taken back when it has become less likely than this."""
    tone: float = 0.6
    """With less presence than this what is heard tells little of any note (by the square): a
    breath, a string dying away, the hall between two phrases. They may look like the next note."""
    widest_s: float = 14.0
    """Written seconds that the belief may span."""


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


class ScoreGrid:
    """The score on the filter's cells: what all filters of one follower share, read-only."""

    def __init__(self, segments: Segments, settings: FilterSettings, hop_s: float) -> None:
        self.segments = segments
        self.start_s = float(segments.start_s[0])
        end_s = float(segments.start_s[-1] + segments.duration_s[-1])
        count = int(np.ceil((end_s - self.start_s) / CELL_S)) + 1
        cells = np.ceil((segments.start_s - self.start_s) / CELL_S - 1e-9).astype(np.int32)
        self.segment_cell = cells
        self.event_cell = cells[segments.event_segment]
        self.cell_segment = (
            np.searchsorted(cells, np.arange(count), side="right").astype(np.int32) - 1
        )
        lengths_s = np.diff(segments.event_s, prepend=-np.inf)
        self.dwelling = np.minimum(lengths_s / _DWELT_S, 1.0).astype(np.float32)
        octaves = np.arange(
            settings.slowest_octave,
            settings.fastest_octave + 1e-9,
            1 / settings.tempi_per_octave,
        )
        self.log_tempi: FloatArray = octaves * np.log(2.0)
        self.tempi: FloatArray = np.exp(self.log_tempi)
        prior = np.exp(-0.5 * (octaves / settings.tempo_spread_octave) ** 2)
        self.tempo_prior = (prior / prior.sum()).astype(np.float32)
        per_hop = self.tempi * hop_s / CELL_S
        self.steps = np.floor(per_hop).astype(np.int32)
        self.part = (per_hop - self.steps).astype(np.float32)
        bins = max(2, round(_AGE_S / hop_s))
        self.ages = age_mixture(hop_s, bins)
        reach = int(np.ceil(per_hop[-1] * bins)) + 1
        ages = np.arange(reach)[:, None] / per_hop[None, :]
        self.age_bin = np.minimum(ages, bins - 1).astype(np.uint8)
        self.attack_bins = int(np.sum((np.arange(bins) + 0.5) * hop_s < settings.attack_s))

    def position_s(self, cell: float) -> float:
        """Written seconds of a (fractional) cell."""
        return self.start_s + cell * CELL_S

    def cell_of(self, position_s: float) -> int:
        """Find the cell that holds a position in written seconds."""
        return int(np.clip((position_s - self.start_s) / CELL_S, 0, len(self.cell_segment) - 1))


@dataclass(slots=True)
class Belief:
    """What one filter says after a hop."""

    cell: float
    """The quantile of the position, in cells …"""
    sure_cell: float
    """… and a lower one, for what is reported."""
    tempo: float
    """Geometric mean, relative to the written tempo."""
    held: float
    """Share of the belief that waits at a border."""
    log_evidence: float
    """Log-likelihood of this hop given all before."""
    match_per_s: float
    """By how much the score explains this hop better than noise would, log-likelihood a second."""


class PositionFilter:
    """One filter under one hypothesis of the tuning (``shift`` bands, see `observe`)."""

    def __init__(
        self,
        grid: ScoreGrid,
        templates: TemplateRing,
        settings: FilterSettings,
        hop_s: float,
        shift: int = 0,
    ) -> None:
        self.grid = grid
        self.templates = templates
        self.shift = shift
        self._s = settings
        self._hop_s = hop_s
        tempi = len(grid.tempi)
        self.mass = np.zeros((_ROWS, tempi), dtype=np.float32)
        self._moved = np.zeros((_ROWS, tempi), dtype=np.float32)
        self.held = np.zeros((_HELD_ROWS, tempi), dtype=np.float32)
        self.row_mass = np.zeros(_ROWS, dtype=np.float32)
        self.tempo_mass = grid.tempo_prior.copy()
        self._row = np.zeros(tempi, dtype=np.float32)
        self._factor = np.zeros((SLOTS, grid.ages.shape[0] + 1), dtype=np.float32)
        self.support = np.zeros(6, dtype=np.int64)
        self._widest = min(round(settings.widest_s / CELL_S), _ROWS - 256)
        self._leave_hold = 1 - float(np.exp(-settings.leave_hold_per_s * hop_s))
        self._leave_wait = 1 - float(np.exp(-settings.leave_wait_per_s * hop_s))
        self._mixing = settings.mixing_per_s * hop_s
        self._kappa = settings.evidence_per_s * hop_s
        self._onset_gain = settings.onset_per_s * hop_s
        self._floor = settings.floor_per_s * hop_s
        self._quiet_s = 0.0
        self._faint = np.zeros(templates.looks.shape[2], dtype=np.float32)
        self.wait_at(0)

    def wait_at(self, event: int) -> None:
        """Put all belief before ``event``, at any tempo that the prior allows."""
        cell = int(self.grid.event_cell[event])
        self.mass[cell & (_ROWS - 1), :] = 0.0
        self.held[event & (_HELD_ROWS - 1)] = self.grid.tempo_prior
        self.support[:] = (cell, cell + 1, event, event + 1, cell - 1, cell)
        self._waits = event

    def refill(self, ranges: list[tuple[int, int, float]], tempo_weights: Float32Array) -> None:
        """Believe in cells [start, end) with their masses, spread evenly, and in nothing else."""
        low = min(r[0] for r in ranges)
        high = min(max(r[1] for r in ranges), low + self._widest)
        for x in range(low, high):
            self.mass[x & (_ROWS - 1), :] = 0.0
        for start, end, weight in ranges:
            rows = np.arange(start, min(end, high)) & (_ROWS - 1)
            self.mass[rows] += (weight / (end - start)) * tempo_weights
        self.support[:] = (low, high, 0, 0, low, high)

    def land(self, cell: int, weight: float, tempo_weights: Float32Array) -> None:
        """Believe, with ``weight`` against all that is believed already (1), in a cell as well."""
        low, high = int(self.support[0]), int(self.support[1])
        for x in [*range(high, cell + 1), *range(cell, low)]:
            self.mass[x & (_ROWS - 1), :] = 0.0
        self.mass[cell & (_ROWS - 1)] += np.float32(weight) * tempo_weights
        self.support[:2] = (min(low, cell), max(high, cell + 1))

    @property
    def waits(self) -> int:
        """The event that the soloist has yet to begin with; −1 while they play."""
        return self._waits

    def mass_from(self, cell: int) -> float:
        """Give the belief that ``cell`` has been reached."""
        first, end = int(self.support[4]), int(self.support[5])
        rows = np.arange(max(first, cell), end) & (_ROWS - 1)
        return float(self.row_mass[rows].sum())

    @property
    def width(self) -> int:
        """How many cells hold belief: what a hop costs grows with it."""
        return int(self.support[1] - self.support[0])

    def take_over(self, other: PositionFilter) -> None:
        """Believe what another filter on the same score believes."""
        first, end = int(other.support[4]), int(other.support[5])
        rows = np.arange(min(first, int(other.support[0])), max(end, int(other.support[1])))
        rows &= _ROWS - 1
        self.mass[rows] = other.mass[rows]
        self.row_mass[rows] = other.row_mass[rows]
        held = np.arange(int(other.support[2]), int(other.support[3])) & (_HELD_ROWS - 1)
        self.held[held] = other.held[held]
        self.tempo_mass[:] = other.tempo_mass
        self.support[:] = other.support
        self._waits = -1

    def step(
        self,
        spectrum: Float32Array,
        rise: Float32Array,
        presence: float,
        audible: float,
        others: Float32Array | None = None,
    ) -> Belief:
        """Hear one hop of an `accompanist.hearing.evidence.Ear`.

        ``audible`` (0–1) says how far the stroke of a repeated note is to be expected, ``others``
        [shape=(bands,)] what share of the spectrum is somebody else's.
        """
        g, s, seg = self.grid, self._s, self.grid.segments
        tone = min(1.0, presence / s.tone) ** 2
        sure = max(presence * tone, s.silent_leave)
        enter = s.enter_hold + (s.silent_enter - s.enter_hold) * (1 - presence)
        enter_repeat = _between(s.enter_repeat, audible)
        enter_repeat += (s.silent_enter - enter_repeat) * (1 - presence)
        brief = s.brief_hold + (1.0 - s.brief_hold) * (1 - presence)
        predict(
            self.support, self.mass, self._moved, self.held, self._row, g.steps, g.part,
            g.cell_segment, seg.event, g.event_cell, seg.stroke_only,
            g.dwelling, brief, enter, enter_repeat, self._leave_hold * sure,
            self._leave_wait * sure, self._waits, self._mixing,
        )  # fmt: skip
        self._quiet_s = self._quiet_s + self._hop_s if presence < _QUIET else 0.0
        begins_s, long_s = s.pause_s
        paused = min(1.0, max(0.0, (self._quiet_s - begins_s) / (long_s - begins_s), 1.0 - tone))
        low, high, held_low, held_high = (int(v) for v in self.support[:4])
        first, last = int(g.cell_segment[low]), int(g.cell_segment[high - 1])
        if held_high > held_low:
            first = min(first, int(seg.event_segment[held_low]) - 1)
            last = max(last, int(seg.event_segment[held_high - 1]))
        first = max(0, first - 1)
        last = min(last, first + SLOTS - 1)
        self.templates.fill(first, last)
        looks, waiting, kappa = self.templates.looks, self.templates.waiting, self._kappa
        if others is not None:
            looks, waiting = self.templates.beside(others, first, last, self.shift)
            kappa *= presence  # while they play alone, nothing is told of the soloist
        elif tone < 1.0:
            np.multiply(spectrum, np.float32(tone), out=self._faint)
            self._faint[-1] = spectrum[-1]
            spectrum = self._faint
        total, scale = observe(
            self.support, self._moved, self.held, self.row_mass, spectrum, rise, self.shift,
            looks, self.templates.stroke, waiting, self._waits,
            g.ages, g.age_bin,
            g.cell_segment, g.segment_cell, seg.event, seg.begins, seg.rest, g.event_cell,
            seg.stroke_only, g.dwelling, s.brief_least, self._factor, kappa, self._onset_gain,
            s.onset_zero, s.onset_width, s.onset_least, s.onset_most * presence,
            _between(s.repeat_least, audible), g.attack_bins, self._floor, s.pause_gain * paused,
        )  # fmt: skip
        cell, sure_cell, held = settle(
            self.support, self.mass, self._moved, self.held, self.row_mass, self.tempo_mass,
            g.event_cell, total, s.prune, self._widest, s.quantile, s.sure_quantile,
        )  # fmt: skip
        if self._waits >= 0 and held < _BEGUN:
            self._waits = -1
        weight = float(self.tempo_mass.sum())
        tempo = float(np.exp(float(self.tempo_mass @ g.log_tempi) / weight))
        evidence = float(np.log(total)) + scale
        noise = kappa * float(spectrum @ waiting)
        match = (evidence - noise) / self._hop_s
        if others is not None:
            match /= 1.0 - float(others.sum())
        return Belief(cell, sure_cell, tempo, held, evidence, match)
