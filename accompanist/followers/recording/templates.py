"""The recording's side of the comparison: what each of its rows expects of the soloist.

Made in pieces, as the belief comes near them, and kept in a ring: of an hour-long recording only
some seconds are ever in memory.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.recordings.reference import Reference
from accompanist.recordings.reference_features import (
    FLOOR_GAIN,
    RISE_MOST,
    envelope_kernel,
    rise_unit,
    whiten,
)

__all__ = ["RING_ROWS", "TemplateWindow"]

Float32Array = npt.NDArray[np.float32]

RING_ROWS: Final = 2048
_PIECE: Final = 32
_MARGIN: Final = 20
"""Rows heard before a piece, for its rises: .8 to this power is next to nothing."""

_RISE_ROWS: Final = 3
_RISE_KEPT: Final = np.float32(0.8)
_RISE_FLOOR: Final = 4.0
_FLAT: Final = 0.1
"""Share of the flat spectrum in every template: the soloist may play what is not there."""

_SILENT: Final = 0.3
"""Of a silent row even this share only is flat: who plays is rather elsewhere."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _expect(
    rows: Float32Array,
    before: int,
    loud: float,
    kernel: Float32Array,
    first_slot: int,
    most: float,
    out: Float32Array,
) -> None:
    """Make templates of ``rows[before:-1]`` in the slots of ``out`` from ``first_slot`` on."""
    count, bands = rows.shape
    padded = np.zeros(bands + len(kernel) - 1, dtype=np.float32)
    white = np.zeros((count, bands), dtype=np.float32)
    levels = np.zeros((count, bands), dtype=np.float32)
    kept = np.zeros(bands, dtype=np.float32)
    unit = np.zeros(bands, dtype=np.float32)
    energy = np.zeros(count, dtype=np.float32)
    little = np.float32(loud * FLOOR_GAIN * _RISE_FLOOR / bands + 1e-6)
    for i in range(count):
        energy[i] = whiten(rows[i], kernel, padded, white[i])
        for k in range(bands):
            levels[i, k] = np.log(rows[i, k] + little)
    flat = np.float32(_FLAT / bands)
    for i in range(count - 1):
        for k in range(bands):
            fresh = np.float32(0.0)
            if i >= _RISE_ROWS:
                fresh = levels[i, k] - levels[i - _RISE_ROWS, k]
                fresh = min(max(fresh, np.float32(0.0)), np.float32(RISE_MOST))
            kept[k] = max(kept[k] * _RISE_KEPT, fresh)
        if i < before:
            continue
        row = out[(first_slot + i - before) % len(out)]
        rise_unit(white[i], kept, unit)
        summed = np.float32(1e-20)
        for k in range(bands):
            widest = max(white[i, k], white[i + 1, k])
            if i > 0:
                widest = max(widest, white[i - 1, k])
            row[k] = widest
            summed += widest
        sounds = np.float32(energy[i] / (energy[i] + loud * FLOOR_GAIN + 1e-6))
        scale = np.float32(1.0 - _FLAT) * sounds / summed
        base = np.float32((1.0 - _FLAT) * _SILENT / bands) * (np.float32(1.0) - sounds) + flat
        for k in range(bands):
            share = min(row[k] * scale * np.float32(bands), np.float32(most))
            row[k] = np.log(share + base * np.float32(bands))
            row[bands + k] = unit[k]
            row[2 * bands + k] = unit[k] * unit[k]


class TemplateWindow:
    """Templates of the rows about the belief.

    Attributes
    ----------
    looks : ndarray [shape=(RING_ROWS, 3 · bands)]
        Row x stands in slot x % RING_ROWS: log spectrum over the flat one, rise, rise squared.
    """

    def __init__(self, reference: Reference, bands: int, loud: float, most: float) -> None:
        self._spectra = reference.spectra
        self._bands = bands
        self._loud, self._most = loud, most
        self._kernel = envelope_kernel()
        self._piece_of = np.full(RING_ROWS // _PIECE, -1, dtype=np.int64)
        self.looks = np.zeros((RING_ROWS, 3 * bands), dtype=np.float32)

    def fill(self, first: int, end: int) -> None:
        """Make sure of rows [first, end), at most `RING_ROWS` less one piece of them."""
        pieces = len(self._piece_of)
        for piece in range(first // _PIECE, (max(end, first + 1) - 1) // _PIECE + 1):
            if self._piece_of[piece % pieces] != piece:
                self._make(piece)
                self._piece_of[piece % pieces] = piece

    def _make(self, piece: int) -> None:
        start = piece * _PIECE
        first = max(0, start - _MARGIN)
        rows = self._spectra[first : start + _PIECE + 1, : self._bands].astype(np.float32)
        missing = start + _PIECE + 1 - first - len(rows)
        if missing > 0:  # behind the end of the recording its last row goes on
            last = rows[-1:] if len(rows) else np.zeros((1, self._bands), dtype=np.float32)
            rows = np.concatenate((rows, np.repeat(last, missing, axis=0)))
        _expect(
            rows, start - first, self._loud, self._kernel, start % RING_ROWS, self._most,
            self.looks,
        )  # fmt: skip
