"""The filter on place × tempo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.recording.kernels import move, settle, weigh
from accompanist.followers.recording.listen import SoloEar
from accompanist.followers.recording.overview import Found
from accompanist.followers.recording.settings import RecordingSettings
from accompanist.followers.recording.templates import RING_ROWS, TemplateWindow

__all__ = ["Belief", "PlaceFilter"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

_ROWS: Final = 2048
_BEGUN: Final = 1e-9
_SILENT: Final = 0.5
_QUIET: Final = 0.2
_NOBODY_S: Final = 0.25
"""Where somebody seemed to begin, and so long nothing has sounded, nobody has."""
_USUAL_AT_FIRST_S: Final = 0.5


@dataclass(slots=True)
class Belief:
    """What the filter says after a hop."""

    place: float
    """The quantile of the position, in rows of the reference."""
    tempo: float
    """Geometric mean, rows of the reference a row of time."""
    held: float
    """Share of the belief that stands still or has not begun."""
    waiting: float
    """Share of the belief that has not begun."""
    wide: float
    """Distance of two quantiles of the position, in rows."""
    fit: float
    """Log-likelihood a second of this hop; 0 is that of any place whatever."""


def _share(rate_per_s: float, hop_s: float) -> float:
    return 1.0 - float(np.exp(-rate_per_s * hop_s))


class PlaceFilter:
    """Exact Bayesian filter over the rows of a reference × tempi relative to the recording's."""

    def __init__(
        self,
        window: TemplateWindow,
        places: int,
        row_s: float,
        hop_s: float,
        settings: RecordingSettings,
    ) -> None:
        self._s = s = settings
        self._window = window
        self._places = places
        self._row_s = row_s
        self._hop_s = hop_s
        octaves = np.arange(-s.widest_octave, s.widest_octave + 1e-9, 1.0 / s.tempi_per_octave)
        self.log_tempi: FloatArray = octaves * np.log(2.0)
        tempi = len(octaves)
        prior = np.exp(-0.5 * (octaves / s.tempo_spread_octave) ** 2)
        self.tempo_prior: Float32Array = (prior / prior.sum()).astype(np.float32)
        per_hop = np.exp(self.log_tempi) * hop_s / row_s
        self._steps = np.floor(per_hop).astype(np.int32)
        self._part = (per_hop - self._steps).astype(np.float32)
        self.mass = np.zeros((_ROWS, tempi), dtype=np.float32)
        self.held = np.zeros((_ROWS, tempi), dtype=np.float32)
        self._moved = np.zeros((_ROWS, tempi), dtype=np.float32)
        self.row_mass = np.zeros(_ROWS, dtype=np.float32)
        self.fits = np.zeros(_ROWS, dtype=np.float32)
        self.tempo_mass = self.tempo_prior.copy()
        self._going_mass = np.zeros(tempi, dtype=np.float32)
        self.usual_tempo: FloatArray = prior / prior.sum()
        self.support = np.zeros(2, dtype=np.int64)
        self._widest = min(round(s.widest_s / row_s), RING_ROWS - 256)
        self._asked = np.zeros(window.looks.shape[1], dtype=np.float32)
        bands = window.looks.shape[1] // 3
        self._usual_power = np.full(bands, 1.0 / bands, dtype=np.float32)
        self._asked_s = 0.0
        self._memory = float(np.exp(-hop_s / s.usual_tempo_memory_s))
        self._since_spread_s = 0.0
        self._position = 0.0
        self._tempo = 1.0
        self.wait_at(np.zeros(1, dtype=np.int64), np.ones(1))

    def wait_at(self, places: npt.NDArray[np.int64], weights: FloatArray) -> None:
        """Let the soloist wait, and begin at one of the adjacent ``places``."""
        self._begin_at = places
        self._begin_weights = (weights / weights.sum()).astype(np.float32)
        self._wait_on()
        self._position = float(places @ self._begin_weights)
        self._tempo = 1.0
        self.usual_tempo = self.tempo_prior.astype(np.float64)

    def _wait_on(self) -> None:
        """Believe that nobody has begun."""
        self._waiting, self._quiet_s = 1.0, 0.0
        low, high = int(self._begin_at[0]), int(self._begin_at[-1]) + 1
        rows = np.arange(low, high) & (_ROWS - 1)
        self.mass[rows] = 0.0
        self.held[rows] = 0.0
        self.row_mass[rows] = 0.0
        self.support[:] = (low, high)

    def refill(self, found: Found) -> None:
        """Believe in the places that were found and in nothing else."""
        low = found.first
        high = min(low + len(found.weights), self._places)
        rows = np.arange(low, high) & (_ROWS - 1)
        tempi = np.interp(self.log_tempi, found.log_tempi, found.tempo_weights) + 1e-3
        tempi /= tempi.sum()
        share = found.weights[: high - low] / found.weights[: high - low].sum()
        self.mass[rows] = (share[:, None] * tempi[None, :]).astype(np.float32)
        self.held[rows] = 0.0
        self.support[:] = (low, high)
        self.usual_tempo = tempi
        self._waiting = 0.0

    def remember(self, other: PlaceFilter) -> None:
        """Know of the soloist what another filter has heard."""
        self._usual_power[:] = other._usual_power
        self._asked_s = other._asked_s

    def step(self, ear: SoloEar) -> Belief:
        """Hear one hop."""
        s, dt = self._s, self._hop_s
        sure = ear.presence
        enter = _share(sure * s.enter_hold_per_s + (1 - sure) * s.silent_enter_per_s, dt)
        leave = _share(sure * s.leave_hold_per_s + (1 - sure) * s.silent_leave_per_s, dt)
        if self._waiting > 0.0:
            self._quiet_s = 0.0 if sure > _QUIET else self._quiet_s + dt
            if self._waiting > _SILENT and self._quiet_s > _NOBODY_S:
                self._wait_on()
            self._reach_start()
        move(
            self.support, self.mass, self.held, self._moved, self._steps, self._part,
            self._places, enter, leave, s.mixing_per_s * dt,
        )  # fmt: skip
        if self._waiting > 0.0:
            begun = self._waiting * _share(s.leave_wait_per_s * sure, dt)
            self._waiting -= begun
            rows = self._begin_at & (_ROWS - 1)
            self._moved[rows] += begun * self._begin_weights[:, None] * self.tempo_prior
        elif sure < _SILENT:
            self._spread()
        low, high = int(self.support[0]), int(self.support[1])
        if high - low > self._widest:
            self.support[1] = high = low + self._widest
        self._window.fill(low, high)
        self._ask(ear)
        total, best, left = weigh(
            self.support, self.held, self._moved, self.row_mass, self._window.looks, self._asked,
            self.fits, self._waiting, s.wait_likely_per_s * dt * sure, s.floor_per_s * dt,
        )  # fmt: skip
        self._waiting = left / total if left > _BEGUN * total else 0.0
        position, wide, held = settle(
            self.support, self.mass, self.held, self._moved, self.row_mass, self.tempo_mass,
            self._going_mass, total, s.prune, self._widest, (s.quantile, *s.wide),
        )  # fmt: skip
        if self._waiting < 0.5:
            self._position = position
        weight = float(self.tempo_mass.sum())
        if weight > 0:
            self._tempo = float(np.exp(float(self.tempo_mass @ self.log_tempi) / weight))
        going = 1.0 - held - self._waiting
        self.usual_tempo *= 1.0 - (1.0 - self._memory) * max(going, 0.0)
        self.usual_tempo += (1.0 - self._memory) * self._going_mass
        fit = (float(np.log(total)) + best) / dt
        return Belief(
            self._position, self._tempo, min(1.0, held + self._waiting), self._waiting, wide, fit
        )

    def _ask(self, ear: SoloEar) -> None:
        """Put what was heard into the form in which each place's look answers it."""
        s, dt, sure, bands = self._s, self._hop_s, ear.presence, ear.bands
        self._asked_s = min(self._asked_s + sure * dt, s.centred_memory_s)
        memory = sure * dt / (self._asked_s + _USUAL_AT_FIRST_S)
        self._usual_power += np.float32(memory) * (ear.power - self._usual_power)
        spectrum = self._asked[:bands]
        np.multiply(self._usual_power, np.float32(-s.centred), out=spectrum)
        spectrum += ear.power
        spectrum *= np.float32(s.spectrum_per_s * dt * sure)
        gain = s.rise_per_s * dt * sure
        np.multiply(ear.rise, np.float32(gain), out=self._asked[bands : 2 * bands])
        unplayed = self._asked[2 * bands :]
        np.multiply(ear.sounding, np.float32(s.stroke_mask), out=unplayed)
        unplayed += np.float32(1.0 - s.stroke_mask)
        unplayed *= np.float32(-s.stroke_penalty * gain)

    def _reach_start(self) -> None:
        """Let the belief's support take in where the soloist may begin."""
        low, high = int(self.support[0]), int(self.support[1])
        self._widen(min(low, int(self._begin_at[0])), max(high, int(self._begin_at[-1]) + 1))

    def _widen(self, first: int, end: int) -> None:
        low, high = int(self.support[0]), int(self.support[1])
        fresh = np.concatenate((np.arange(first, low), np.arange(high, end))) & (_ROWS - 1)
        self.mass[fresh] = 0.0
        self.held[fresh] = 0.0
        self._moved[fresh] = 0.0
        self.support[:] = (min(first, low), max(end, high))

    def _spread(self) -> None:
        s = self._s
        self._since_spread_s += self._hop_s
        if self._since_spread_s < s.spread_every_s:
            return
        self._since_spread_s -= s.spread_every_s
        reach = round(s.spread_s / self._row_s)
        middle = int(self._position)
        first, end = max(0, middle - reach), min(self._places, middle + reach + 1)
        self._widen(first, end)
        rows = np.arange(first, end) & (_ROWS - 1)
        tempi = (self.usual_tempo / self.usual_tempo.sum()).astype(np.float32)
        self._moved[rows] += np.float32(s.spread_share / len(rows)) * tempi
