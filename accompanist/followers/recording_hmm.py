"""Follower ``recording-hmm``: a plain hidden Markov model over the frames of a recording.

The model of the note on karaoke from a favourite recording (after A. Maezawa), kept as it is
described, as a baseline: the states are the frames of the recording X, ten a second; the soloist
U comes in frames of 20 ms; from one to the next a state stays or advances by one. Spectra are
normalised and weighed as multinomial (Poisson given their sum) counts, log p = κ · Σ u log x with
κ = 1; five copies of X, detuned by −50 … 50 cents, stand beside one another. A forward filter;
the most likely state is the position.

Its shortcomings are kept as well. It has no tempo: how long a state lasts is geometric, so it
drifts towards the recording's own tempo wherever the sound does not tell (rests, long notes,
pauses), and it goes on in silence. It has no idea of strokes. What the accompaniment plays in X
counts against a match. It never goes back and never jumps; a soloist who starts elsewhere stays
unfound, and one who has not begun is not waited for.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport
from accompanist.hearing.bank import BANDS_PER_SEMITONE, FilterBank
from accompanist.recordings.reference import Reference
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["RecordingHmmFollower"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

STATE_S: Final = 0.1
STEP_S: Final = 0.02
ADVANCE: Final = STEP_S / STATE_S
"""At the recording's own tempo a state lasts five frames of U."""

CENTS: Final = (-50, -25, 0, 25, 50)
KAPPA: Final = 1.0
_FLOOR: Final = 1e-4
_PRUNE: Final = 1e-12
"""States less likely than this are left out; the rest of the model does not notice."""

_PIECE: Final = 64
_TEMPO_S: Final = 3.0
_TEMPI: Final = (0.25, 4.0)
_LATENCY_S: Final = 0.05


class RecordingHmmFollower:
    """The note's alignment of a soloist with a recording; implements `Follower` for audio.

    Parameters
    ----------
    reference : Reference
        What is heard in the recording.
    solo, tempo
        Events that are reported as they are passed; quarters to seconds of the recording.
    sample_rate, hop : int
        Hz, and samples a hop.
    """

    def __init__(
        self, reference: Reference, solo: SoloLine, tempo: WrittenTempo, sample_rate: int, hop: int
    ) -> None:
        self._bank = FilterBank(sample_rate)
        self._spectra = reference.spectra
        self._bands = min(len(self._bank), reference.spectra.shape[1])
        self._rows = max(1, round(STATE_S / reference.hop_s))
        self._states = max(1, -(-len(reference.spectra) // self._rows))
        self._tempo = tempo
        self._onsets = solo.onsets_quarter
        self._events_s = tempo.to_seconds(solo.onsets_quarter)
        self._magnitudes = np.zeros(len(self._bank), dtype=np.float32)
        self._gathered = np.zeros(self._bands)
        self._pieces: dict[int, Float32Array] = {}
        self._hop_s = hop / sample_rate
        self.locate(None)

    @property
    def latency_s(self) -> float:
        return _LATENCY_S

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        start_s = 0.0 if quarter is None else float(self._tempo.to_seconds(quarter))
        self._first = int(np.clip(start_s / STATE_S, 0, self._states - 1))
        self._belief: FloatArray = np.zeros((len(CENTS), 1))
        self._belief[:, 0] = 1.0 / len(CENTS)
        self._state = self._first
        self._confidence = 1.0
        self._gathered[:] = 0.0
        self._hops = 0
        self._steps = 0
        self._past: list[int] = []
        self._last_event = int(np.searchsorted(self._events_s, start_s - 1e-3)) - 1

    def feed(self, heard: Heard) -> Estimate:
        self._bank.push(heard.samples, self._magnitudes)
        self._gathered += self._magnitudes[: self._bands]
        self._hops += 1
        if int(self._hops * self._hop_s / STEP_S + 1e-9) > self._steps:
            self._steps += 1
            self._step()
            self._gathered[:] = 0.0
        # The middle of the state, and of the sound that was weighed.
        position_s = (self._state + 0.5) * STATE_S + STEP_S / 2
        quarter = float(self._tempo.to_quarter(position_s))
        power = float(heard.samples @ heard.samples) / max(len(heard.samples), 1)
        ended = self._state >= self._states - 1
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            quarters_per_s=self._relative_tempo() * self._tempo.rate_at(quarter),
            confidence=self._confidence,
            state=FollowerState.ENDED if ended else FollowerState.FOLLOWING,
            onsets=self._report(position_s, heard.time_s),
            level_db=10.0 * float(np.log10(power + 1e-12)),
        )

    def _step(self) -> None:
        total = float(self._gathered.sum())
        wide = min(self._states - self._first, self._belief.shape[1] + 1)
        belief = np.zeros((len(CENTS), wide))
        count = self._belief.shape[1]
        belief[:, :count] = self._belief * (1.0 - ADVANCE)
        if wide > count:
            belief[:, 1:] += self._belief * ADVANCE
        else:
            belief[:, 1:] += self._belief[:, :-1] * ADVANCE
            belief[:, -1] += self._belief[:, -1] * ADVANCE
        if total > 0.0:
            fit = self._fit(self._gathered / total, self._first, self._first + wide)
            belief *= np.exp(KAPPA * (fit - fit.max()))
        belief /= belief.sum()
        marginal = belief.sum(axis=0)
        kept = np.flatnonzero(marginal > _PRUNE)
        self._belief = belief[:, kept[0] : kept[-1] + 1]
        self._first += int(kept[0])
        marginal = marginal[kept[0] : kept[-1] + 1]
        best = int(np.argmax(marginal))
        self._state = self._first + best
        near = round(self._beat_s() / STATE_S)
        self._confidence = float(min(1.0, marginal[max(0, best - near) : best + near + 1].sum()))
        self._past = [*self._past[-round(_TEMPO_S / STEP_S) :], self._state]

    def _beat_s(self) -> float:
        quarter = float(self._tempo.to_quarter(self._state * STATE_S))
        return 1.0 / self._tempo.rate_at(quarter)

    def _fit(self, spectrum: FloatArray, first: int, end: int) -> FloatArray:
        """Σ u log x of states [first, end) [shape=(len(CENTS), end − first)]."""
        pieces = range(first // _PIECE, (end - 1) // _PIECE + 1)
        for piece in [p for p in self._pieces if p not in pieces]:
            del self._pieces[piece]
        rows = []
        for piece in pieces:
            if piece not in self._pieces:
                self._pieces[piece] = self._logs(piece)
            low, high = max(first - piece * _PIECE, 0), min(end - piece * _PIECE, _PIECE)
            rows.append(self._pieces[piece][:, low:high] @ spectrum.astype(np.float32))
        return np.concatenate(rows, axis=1).astype(np.float64)

    def _logs(self, piece: int) -> Float32Array:
        """Log spectra of a piece of states, detuned [shape=(len(CENTS), _PIECE, bands)]."""
        start = piece * _PIECE * self._rows
        rows = self._spectra[start : start + _PIECE * self._rows, : self._bands]
        padded = np.zeros((_PIECE * self._rows, self._bands))
        padded[: len(rows)] = rows
        means = padded.reshape(_PIECE, self._rows, self._bands).mean(axis=1)
        bands = np.arange(self._bands)
        looks = np.empty((len(CENTS), _PIECE, self._bands))
        for i, cents in enumerate(CENTS):
            source = bands - cents * BANDS_PER_SEMITONE / 100.0
            looks[i] = [np.interp(source, bands, mean, left=0.0, right=0.0) for mean in means]
        looks /= looks.sum(axis=2, keepdims=True) + 1e-9
        looks += _FLOOR
        looks /= looks.sum(axis=2, keepdims=True)
        return np.log(looks).astype(np.float32)

    def _relative_tempo(self) -> float:
        """How fast the position has moved lately; the model itself knows of no tempo."""
        if len(self._past) < 2:
            return 1.0
        passed_s = (len(self._past) - 1) * STEP_S
        moved_s = (self._past[-1] - self._past[0]) * STATE_S
        known = min(1.0, passed_s / _TEMPO_S)
        return float(np.clip(known * moved_s / passed_s + 1.0 - known, *_TEMPI))

    def _report(self, position_s: float, time_s: float) -> tuple[OnsetReport, ...]:
        passed = int(np.searchsorted(self._events_s, position_s, side="right")) - 1
        first, self._last_event = self._last_event + 1, max(passed, self._last_event)
        return tuple(
            OnsetReport(time_s, time_s, float(self._onsets[e]), e) for e in range(first, passed + 1)
        )
