"""A coarse look at a whole recording, small enough to be searched while somebody plays."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.recordings.reference_features import POOL, envelope_kernel, pool_bands, whiten

__all__ = ["CoarseLook", "coarse_of"]

Float16Array = npt.NDArray[np.float16]
Float32Array = npt.NDArray[np.float32]

_BLOCK_ROWS = 1000


@nb.njit(cache=True, nogil=True, fastmath=True)
def _pool_rows(rows: Float32Array, kernel: Float32Array, out: Float32Array) -> None:
    bands = rows.shape[1]
    padded = np.zeros(bands + len(kernel) - 1, dtype=np.float32)
    white = np.zeros(bands, dtype=np.float32)
    for i in range(len(rows)):
        whiten(rows[i], kernel, padded, white)
        pool_bands(white, out)


class CoarseLook:
    """Pools rows of a reference as they come.

    Parameters
    ----------
    bands : int
        Of a row.
    frames : int
        Rows pooled into one.
    """

    def __init__(self, bands: int, frames: int) -> None:
        self._frames = frames
        self._kernel = envelope_kernel()
        self._pooled: list[Float16Array] = []
        self._bands = bands
        self._rest = np.zeros((0, bands), dtype=np.float32)

    def add(self, rows: npt.NDArray[np.float16]) -> None:
        """Take the next rows [shape=(n, bands)]."""
        fresh = np.concatenate((self._rest, rows.astype(np.float32)))
        whole = len(fresh) // self._frames * self._frames
        for first in range(0, whole, self._frames):
            self._pool(fresh[first : first + self._frames])
        self._rest = fresh[whole:]

    def rows(self) -> Float16Array:
        """All pooled rows [shape=(n, bands // POOL)], the last one perhaps of fewer."""
        if len(self._rest):
            self._pool(self._rest)
            self._rest = self._rest[:0]
        if not self._pooled:
            return np.zeros((0, self._bands // POOL), dtype=np.float16)
        return np.stack(self._pooled)

    def _pool(self, rows: Float32Array) -> None:
        out = np.zeros(self._bands // POOL, dtype=np.float32)
        _pool_rows(rows, self._kernel, out)
        self._pooled.append((out / len(rows)).astype(np.float16))


def coarse_of(spectra: Float16Array, frames: int) -> Float16Array:
    """Give the coarse look of a whole reference at once."""
    look = CoarseLook(spectra.shape[1], frames)
    for first in range(0, len(spectra), _BLOCK_ROWS):
        look.add(spectra[first : first + _BLOCK_ROWS])
    return look.rows()
