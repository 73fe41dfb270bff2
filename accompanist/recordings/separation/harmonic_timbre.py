"""What blocks of a recording share: the solo's envelopes over partials, the orchestra's columns.

Every block leaves its statistics behind; another block (or the same one, when it is worked on
again) starts from those of all the others, which is incremental expectation–maximisation (Neal and
Hinton 1998). So an hour has one timbre, and no more than a block in memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.harmonic_salience import frequency_of

__all__ = [
    "BROADBAND",
    "ORCHESTRA_PITCHES",
    "Columns",
    "Envelopes",
    "harmonic_columns",
    "maximised",
]

FloatArray = npt.NDArray[np.float32]

ORCHESTRA_PITCHES = np.arange(36, 89)
BROADBAND = 6
PITCHES = 128

_POOLING = 2.5
"""How many slots' worth of evidence the envelope common to all pitches has for each pitch."""


class Envelopes:
    """Loudness of the solo's partials, by pitch, in a few templates.

    Parameters
    ----------
    partials, templates : int
    """

    def __init__(self, partials: int, templates: int) -> None:
        numbers = np.arange(1, partials + 1, dtype=np.float32)
        slopes = np.linspace(0.5, 1.5, templates)
        start = np.stack([numbers**-slope for slope in slopes], axis=1)
        self.values = np.tile(start, (PITCHES, 1, 1)).astype(np.float32)
        self._above: dict[int, FloatArray] = {}
        self._below: dict[int, FloatArray] = {}
        self._sum_above = np.zeros_like(self.values, dtype=np.float64)
        self._sum_below = np.zeros_like(self._sum_above)

    def others(self, block: int) -> tuple[FloatArray, FloatArray]:
        """Give the statistics that all blocks but one have left."""
        above, below = self._sum_above, self._sum_below
        if block in self._above:
            above, below = above - self._above[block], below - self._below[block]
        return above.astype(np.float32), below.astype(np.float32)

    def leave(self, block: int, above: FloatArray, below: FloatArray) -> None:
        """Keep a block's own statistics [each shape=(128, partials, templates)]."""
        if block in self._above:
            self._sum_above -= self._above[block]
            self._sum_below -= self._below[block]
        self._above[block], self._below[block] = above, below
        self._sum_above += above
        self._sum_below += below


def maximised(
    values: FloatArray,
    own: tuple[FloatArray, FloatArray],
    others: tuple[FloatArray, FloatArray],
    slots: int,
) -> tuple[FloatArray, FloatArray]:
    """Give new envelopes of the pitches in hand, and by how much their gains grow.

    Parameters
    ----------
    values : ndarray [shape=(pitches, partials, templates)]
    own, others : pair of ndarray
        Both sides of the multiplicative update: of this block, and what others have left (already
        times their envelopes).
    slots : int
        Of this block.

    Returns
    -------
    envelopes : ndarray [shape=(pitches, partials, templates)]
        Largest partial one.
    growth : ndarray [shape=(pitches, templates)]
    """
    above = values * own[0] + others[0]
    below = own[1] + others[1]
    common = above.sum(axis=0) / (below.sum(axis=0) + 1e-6)
    common = np.maximum(common, 1e-4 * common.max())
    weight = _POOLING * own[1].sum(axis=(0, 1)).mean() / max(1, slots)
    found = np.maximum((above + weight * common) / (below + weight + 1e-12), 1e-7)
    growth = found.max(axis=1) + 1e-9
    return (found / growth[:, None]).astype(np.float32), growth.astype(np.float32)


def harmonic_columns(
    bins: int, bin_hz: float, tuning: float, rng: np.random.Generator
) -> FloatArray:
    """Make spectra for the orchestra to start from [shape=(columns, bins), each adds up to 1].

    One for each semitone, its partials as wide as intonation and vibrato ask for and nothing
    between them (which stays so under multiplicative updates); then some of broad noise.
    """
    columns = np.zeros((len(ORCHESTRA_PITCHES) + BROADBAND, bins), dtype=np.float32)
    for column, hz in zip(columns, frequency_of(ORCHESTRA_PITCHES + tuning), strict=False):
        step = hz / bin_hz
        for number in range(1, int(bins / step) + 1):
            middle = number * step
            half = min(2.2 + 0.0173 * middle, 0.45 * step + 1.0)
            low, high = max(0, int(middle - half)), min(bins - 1, int(middle + half) + 1)
            at = np.arange(low, high + 1)
            partial = np.maximum(0.0, 1.0 - np.abs(at - middle) / (half + 0.5)) * number**-0.8
            column[at] = np.maximum(column[at], partial)
    slope = 1.0 / (1.0 + np.arange(bins) * bin_hz / 1000.0)
    columns[len(ORCHESTRA_PITCHES) :] = (0.5 + 0.5 * rng.random((BROADBAND, bins))) * slope
    total = np.maximum(columns.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(columns / total)


class Columns:
    """The orchestra's columns for one size of window, pooled over blocks.

    Parameters
    ----------
    start : ndarray [shape=(columns, bins)]
        What to begin with; a bin that is zero there stays so.
    """

    def __init__(self, start: FloatArray) -> None:
        self._start = start
        self._left: dict[int, tuple[FloatArray, FloatArray]] = {}
        self._sum = np.zeros_like(start, dtype=np.float64)

    def for_block(self, block: int) -> FloatArray:
        """Give columns to start a block from."""
        total = self._sum + 1e-3 * self._start
        return np.asarray(total / total.sum(axis=1, keepdims=True), dtype=np.float32)

    def leave(self, columns: FloatArray, played: FloatArray) -> None:
        """Keep a block's columns by how much each was played [shape=(columns,)]."""
        self._sum += columns * (played / max(float(played.sum()), 1e-9))[:, None]
