"""A left-to-right hidden Markov model of a score: forward probabilities, a window of them kept.

The segments of the score are the states, in their order, between a state of waiting and one of
having ended. In each frame a state stays or hands on to the next; how long it lasts is therefore
geometric, with the written duration for its mean. What is heard is told by

    log p(row | state) = −γ · KL(row ‖ expected) = γ · Σ row · log expected + const,

L. R. Rabiner: A tutorial on hidden Markov models, 1989; C. Raphael: Automatic segmentation of
acoustic musical signals using hidden Markov models, 1999; N. Orio, F. Déchelle: Score following
using spectral analysis and hidden Markov models, 2001; the divergence as in A. Cont: A coupled
duration-focused architecture for real-time music-to-score alignment, 2010.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["LeftToRight", "forward"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

PRUNED: Final = 1e-12
"""States less likely than this are left out; the rest of the model does not notice."""


FLAT_SHARE: Final = 0.1
"""Of every expectation this much is spread evenly: players do more than the score says."""

SILENT_SHARE: Final = 0.05
"""In every segment, and in being over: chroma tell no rest from a note. Were rests and the end more
silent than notes, a breath would drive the model into them."""

WAITS_S: Final = 2.0
"""Mean time until a soloist begins, as the model has it."""


def forward(belief: FloatArray, stay: FloatArray, likelihood: FloatArray) -> FloatArray:
    """One step of the forward recursion of a left-to-right chain.

    Parameters
    ----------
    belief : ndarray [shape=(n,)]
        Probabilities of the states before; sum to 1.
    stay : ndarray [shape=(n,)]
        Of each state, the probability that it lasts another frame; the last state keeps all.
    likelihood : ndarray [shape=(n,)]
        Of what is heard, in each state, up to a common factor.

    Returns
    -------
    ndarray [shape=(n,)]
        Probabilities after it; sum to 1.

    >>> forward(np.array([1.0, 0.0]), np.array([0.8, 0.5]), np.array([1.0, 2.0])).round(4).tolist()
    [0.6667, 0.3333]
    """
    after = belief * stay
    after[1:] += belief[:-1] * (1.0 - stay[:-1])
    after[-1] += belief[-1] * (1.0 - stay[-1])
    after *= likelihood
    total = float(after.sum())
    # Where no state explains what is heard, nothing has been learned.
    return after / total if total > 0.0 else belief


class LeftToRight:
    """The chain: a state of waiting, the segments from one on, and a state of being over.

    Attributes
    ----------
    first : int
        The first segment that has a probability in ``belief``; one before the segment that is
        waited for stands for waiting, ``len(looks)`` for being over.
    belief : ndarray [shape=(k,)]
        Probabilities of the states from ``first`` on, all others being nil; sum to 1.

    Parameters
    ----------
    looks : ndarray [shape=(n, 13)]
        Expected shares of each segment; rows sum to 1. The last column, silence, is not used.
    durations_s : ndarray [shape=(n,)]
        Written durations.
    frame_s : float
    gamma : float
        How much a frame counts.
    """

    def __init__(
        self, looks: Float32Array, durations_s: FloatArray, frame_s: float, gamma: float
    ) -> None:
        bins = looks.shape[1]
        silence = np.eye(bins)[-1]
        shares = looks * ((1.0 - SILENT_SHARE) / looks[:, :-1].sum(axis=1, keepdims=True))
        shares[:, -1] = SILENT_SHARE
        self._logs = _logs(np.vstack([shares, shares[-1:]]))
        tones = np.full(bins, 1.0 / bins)
        self._waiting = _logs(
            np.stack([0.5 * silence + 0.5 * tones, 0.02 * silence + 0.98 * tones])
        )
        stay = np.maximum(0.0, 1.0 - frame_s / np.maximum(durations_s, 1e-6))
        self._stay: FloatArray = np.append(stay, 1.0)
        self._wait = 1.0 - frame_s / WAITS_S
        self._gamma = gamma
        self.begin(0)

    def __len__(self) -> int:
        return len(self._stay)

    def begin(self, segment: int) -> None:
        """Wait for the soloist to begin with a segment."""
        self._waits = segment - 1
        self.first = self._waits
        self.belief: FloatArray = np.ones(1)

    @property
    def state(self) -> int:
        """The most likely segment; one before that waited for while waiting."""
        return self.first + int(np.argmax(self.belief))

    @property
    def waiting(self) -> bool:
        """Whether the soloist has most likely not begun."""
        return self.state == self._waits and self.first == self._waits

    def step(self, row: Float32Array) -> None:
        """Hear a row [shape=(13,)]."""
        wide = min(len(self.belief) + 1, len(self) - self.first)
        belief = np.append(self.belief, np.zeros(wide - len(self.belief)))
        scores = self._scores(row, self.first, self.first + wide)
        likelihood = np.exp(self._gamma * (scores - scores.max()))
        belief = forward(belief, self._stays(self.first, self.first + wide), likelihood)
        kept = np.flatnonzero(belief > PRUNED)
        self.first += int(kept[0])
        self.belief = belief[kept[0] : kept[-1] + 1]

    def divergence(self, row: Float32Array) -> float:
        """Kullback and Leibler's, of a row [shape=(13,)] from the most likely state."""
        own = float(np.sum(row * np.log(np.maximum(row, 1e-9))))
        return own - float(self._scores(row, self.state, self.state + 1)[0])

    def _stays(self, first: int, end: int) -> FloatArray:
        if first > self._waits:
            return self._stay[first:end]
        return np.append(self._wait, self._stay[first + 1 : end])

    def _scores(self, row: Float32Array, first: int, end: int) -> FloatArray:
        if first > self._waits:
            return np.asarray(self._logs[first:end] @ row, dtype=np.float64)
        waiting = np.max(self._waiting @ row)
        return np.append(waiting, self._logs[first + 1 : end] @ row).astype(np.float64)


def _logs(shares: FloatArray | Float32Array) -> Float32Array:
    even = (1.0 - FLAT_SHARE) * shares + FLAT_SHARE / shares.shape[1]
    return np.asarray(np.log(even), dtype=np.float32)
