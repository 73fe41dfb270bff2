"""Tempo models by name. A new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.linear_tempo import LinearTempo
from accompanist.conducting.mixed_tempo import foreseeing
from accompanist.conducting.tempo_model import TempoModel
from accompanist.errors import UsageError
from accompanist.score.solo import SoloLine

__all__ = ["make_tempo_model", "tempo_model_names"]

_HUMAN_PHASE, _HUMAN_PERIOD = 0.25, 0.1
"""What two players who keep together do."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """What a model is made for; see `make_tempo_model`."""

    grid: SoloGrid
    solo: SoloLine
    performances: Sequence[Performance]


def _linear(wanted: _Wanted, phase: float = 0.7, period: float = 0.3) -> TempoModel:
    return LinearTempo(wanted.grid, phase, period)


def _kalman(wanted: _Wanted) -> TempoModel:
    return KalmanTempo(wanted.grid)


def _rehearsed(wanted: _Wanted) -> TempoModel:
    if not wanted.performances:
        return KalmanTempo(wanted.grid)
    told = Expectation(wanted.grid, wanted.solo, wanted.performances, alone=True)
    return KalmanTempo(wanted.grid, expectation=told)


def _expecting(wanted: _Wanted) -> TempoModel:
    told = Expectation(wanted.grid, wanted.solo, wanted.performances)
    return KalmanTempo(wanted.grid, expectation=told)


def _mixed(wanted: _Wanted) -> TempoModel:
    return foreseeing(wanted.grid, wanted.solo, wanted.performances)


_MAKERS: Final[dict[str, Callable[[_Wanted], TempoModel]]] = {
    "last": partial(_linear, phase=1.0, period=1.0),
    "linear": _linear,
    "linear-human": partial(_linear, phase=_HUMAN_PHASE, period=_HUMAN_PERIOD),
    "kalman": _kalman,
    "rehearsed": _rehearsed,
    "expecting": _expecting,
    "mixed": _mixed,
}


def tempo_model_names() -> tuple[str, ...]:
    """All names that `make_tempo_model` knows, from the simplest on."""
    return tuple(_MAKERS)


def make_tempo_model(
    name: str, grid: SoloGrid, solo: SoloLine, performances: Sequence[Performance] = ()
) -> TempoModel:
    """Make a tempo model for one take.

    Parameters
    ----------
    name : str
        ``linear``: phase and period correction by 0.7 and 0.3, ``linear-human`` by 0.25 and 0.1,
        ``last`` by all that is apart: the last interval goes on. ``kalman``: a Kalman filter that
        expects an even tempo, and knows pauses, changes of tempo and wrong reports.
        ``rehearsed``: the same, told what earlier performances were like. ``expecting``: that,
        what players do in such places, and what this one has done in this take. ``mixed``:
        several of these at once, each counting by how well it foresees; it is what the conductor
        takes unless told otherwise.
    grid, solo
        The solo's events.
    performances : sequence of Performance
        Earlier ones of this piece; the simpler models have no use for them.

    Raises
    ------
    UsageError
        There is no model of that name.
    """
    if name not in _MAKERS:
        raise UsageError(f"no tempo model is called {name!r}; there are {', '.join(_MAKERS)}")
    return _MAKERS[name](_Wanted(grid, solo, performances))
