"""What the human hand says of the tempo: another tempo mark, all faster, limits, taps of a foot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from math import log
from statistics import median

from accompanist.conducting.beats import Beats
from accompanist.conducting.grid import SoloGrid
from accompanist.score.model import TempoMark

__all__ = ["TempoHand"]

_EDGE_QUARTER = 1e-6
_BOUNCE_S = 0.15
_TAPS_APART_S = 3.0
"""A tap after a longer rest is the first of a new row."""
_TAPS = 5
_NEW_ROW = 1.4
"""An interval that differs by this factor from those before begins a new row."""


class TempoHand:
    """Tempo marks overridden by hand, and bounds of the tempo.

    Parameters
    ----------
    grid : SoloGrid
        Told of every change (`SoloGrid.retime`).
    marks : iterable of TempoMark
        Each begins a section that has a base of its own.
    beats : Beats
        What a tap is worth.
    usual_qpm : float, optional
        The tempo that stands for all of a recording, in which no beat is as long as another: its
        marks make no sections.

    Attributes
    ----------
    scale : float
        Factor of all tempi.
    limits_qpm : tuple of float
        Lowest and highest tempo; 0.0 and infinite where there is no limit.
    """

    def __init__(
        self,
        grid: SoloGrid,
        marks: Iterable[TempoMark],
        beats: Beats,
        usual_qpm: float | None = None,
    ) -> None:
        self._grid = grid
        self._beats = beats
        self._usual_qpm = usual_qpm
        starts = () if usual_qpm else (m.quarter for m in marks if m.quarter > 0.0)
        self._sections = sorted({0.0, *starts})
        self._bases_qpm: dict[int, float] = {}
        self.scale = 1.0
        self.limits_qpm = (0.0, float("inf"))
        self._taps_s: list[float] = []

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.limits_qpm != (0.0, float("inf"))

    def base_qpm(self, quarter: float) -> float:
        """Tempo mark at ``quarter``, or what was said instead of it; not scaled."""
        section = self._section(quarter)
        return self._bases_qpm.get(section, self._printed_qpm(section))

    def set_base(self, qpm: float | None, quarter: float) -> None:
        """Override the tempo mark at ``quarter``, up to the next; None: all as written again."""
        if qpm is None:
            self._bases_qpm.clear()
        else:
            self._bases_qpm[self._section(quarter)] = qpm
        self._retime()

    def set_scale(self, scale: float) -> None:
        """Multiply all tempi by ``scale``."""
        self.scale = scale
        self._retime()

    def tap(self, time_s: float, quarter: float) -> bool:
        """Take a tap of the foot; say whether it has made a new base at ``quarter``.

        In a compound metre a tap is the printed beat or three of them, whichever is nearer to the
        tempo so far.
        """
        taps = self._taps_s
        if taps and 0.0 <= time_s - taps[-1] < _BOUNCE_S:
            return False
        if taps and not 0.0 < time_s - taps[-1] < _TAPS_APART_S:
            taps.clear()
        if len(taps) > 1:
            usual_s = median(b - a for a, b in pairwise(taps))
            if abs(log((time_s - taps[-1]) / usual_s)) > log(_NEW_ROW):
                del taps[:-1]
        taps.append(time_s)
        del taps[:-_TAPS]
        if len(taps) < 2:
            return False
        interval_s = median(b - a for a, b in pairwise(taps))
        now_qpm = self.base_qpm(quarter) * self.scale
        tapped = (60.0 * unit / interval_s for unit in self._beats.units_quarter(quarter))
        qpm = min(tapped, key=lambda candidate: abs(log(candidate / now_qpm)))
        self.set_base(qpm / self.scale, quarter)
        return True

    def within(self, ratio: float, quarter: float) -> float:
        """Keep a ratio of played to written time within the limits at ``quarter``."""
        lowest, highest = self.limits_qpm
        written_qpm = 60.0 * self._grid.written_rate(quarter)
        slowest = written_qpm / lowest if lowest > 0.0 else float("inf")
        return min(max(ratio, written_qpm / highest), slowest)

    def _section(self, quarter: float) -> int:
        return max(bisect_right(self._sections, quarter + _EDGE_QUARTER) - 1, 0)

    def _printed_qpm(self, section: int) -> float:
        return self._usual_qpm or 60.0 * self._grid.printed_rate(self._sections[section])

    def _retime(self) -> None:
        factors = [
            (start, self.scale * self.base_qpm(start) / self._printed_qpm(section))
            for section, start in enumerate(self._sections)
        ]
        plain = all(factor == 1.0 for _, factor in factors)
        self._grid.retime(() if plain else factors)
