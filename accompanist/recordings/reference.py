"""What is heard in a recording: the reference that a soloist is followed by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.sound import Sound

__all__ = [
    "COARSE_FRAMES",
    "SCALE",
    "Reference",
    "analyse_reference",
    "load_reference",
    "reference_of",
]

Float16Array = npt.NDArray[np.float16]
Float32Array = npt.NDArray[np.float32]

HOP_S: Final = 0.01
SCALE: Final = 4096.0
"""Magnitudes are stored times this: full scale is far from float16's end, and −120 dB is not 0."""

COARSE_FRAMES: Final = 10
"""Rows that are pooled into one of the coarse look at the whole recording."""

_LARGEST: Final = 60000.0
_BLOCK_ROWS: Final = 1000
_LOUD_PERCENTILE: Final = 98.0
_VERSION: Final = 2
_FILE: Final = "reference.json"
_SPECTRA: Final = "reference.spectra.npy"
_SOLO: Final = "reference.solo.npy"
_COARSE: Final = "reference.coarse.npy"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Spectra of a recording, a row a hop; may lie on disk (memory-mapped).

    Attributes
    ----------
    hop_s : float
        From row to row.
    spectra : ndarray [shape=(frames, bands), dtype=float16]
        Magnitudes of the bank (`accompanist.hearing.bank`) times `SCALE`, causal: row i knows the
        sound up to (i + 1) · hop_s. Bands that the recording's rate does not reach are left out.
    solo_spectra : ndarray [same shape], optional
        The same of the soloist alone, where they have been separated.
    coarse : ndarray [shape=(frames / COARSE_FRAMES, bands / POOL), dtype=float16], optional
        Whitened power, pooled; made when it is needed and missing.
    loud : float, optional
        Sum over the bands of a loud row, as stored in ``spectra``.
    """

    hop_s: float
    spectra: Float16Array
    solo_spectra: Float16Array | None = None
    coarse: Float16Array | None = None
    loud: float | None = None

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return len(self.spectra) * self.hop_s


def reference_of(sound: Sound) -> Reference:
    """Hear a short recording and keep its reference in memory."""
    rows = list(_heard(sound, None))
    bands = rows[0].shape[1] if rows else 1
    spectra = np.concatenate(rows) if rows else np.zeros((0, bands), dtype=np.float16)
    return Reference(HOP_S, spectra)


def analyse_reference(
    sound: Sound,
    folder: Path,
    progress: Callable[[float], None] | None = None,
    *,
    solo: Sound | None = None,
) -> None:
    """Hear a whole recording, block by block, and write its reference into a folder.

    Takes about a twentieth of the recording's length on one core and little memory. The file that
    makes the reference one (``reference.json``) is written last: a folder without it has none.

    Parameters
    ----------
    sound : Sound
        The recording; its channels are mixed.
    folder : Path
        An existing folder.
    progress : callable, optional
        Is told the seconds of the recording done since it was last told.
    solo : Sound, optional
        The soloist alone, as separated, of the same rate and length.

    Raises
    ------
    OSError
        If the disk is full.
    """
    loud, coarse = _write_spectra(sound, folder / _SPECTRA, progress)
    if solo is not None:
        _write_spectra(solo, folder / _SOLO, None)
    np.save(folder / _COARSE, coarse)
    told = {"version": _VERSION, "hop_s": HOP_S, "loud": loud, "solo": solo is not None}
    (folder / _FILE).write_text(json.dumps(told) + "\n", encoding="utf-8")


def load_reference(folder: Path) -> Reference:
    """Open the reference that lies in a folder; its rows stay on disk until they are looked at.

    Raises
    ------
    BadInputError
        If there is none, or an unusable one.
    """
    try:
        told = json.loads((folder / _FILE).read_text("utf-8"))
        if told["version"] != _VERSION:
            raise BadInputError(f"{folder}: analysed by another version; analyse it anew")
        spectra = np.load(folder / _SPECTRA, mmap_mode="r")
        solo = np.load(folder / _SOLO, mmap_mode="r") if told["solo"] else None
        coarse = np.load(folder / _COARSE)
        reference = Reference(float(told["hop_s"]), spectra, solo, coarse, float(told["loud"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{folder}: no usable analysis of a recording ({error})") from None
    if spectra.ndim != 2 or (solo is not None and solo.shape != spectra.shape):
        raise BadInputError(f"{folder}: the analysis of the recording is broken; analyse it anew")
    return reference


def _heard(sound: Sound, progress: Callable[[float], None] | None) -> Iterator[Float16Array]:
    """Rows of the bank [shape=(≤ _BLOCK_ROWS, bands)], block after block."""
    from accompanist.hearing.bank import FilterBank

    bank = FilterBank(sound.rate)
    per_row = sound.rate * HOP_S
    frames = int(np.ceil(sound.length / per_row - 1e-9))
    magnitudes = np.zeros(len(bank), dtype=np.float32)
    for first in range(0, frames, _BLOCK_ROWS):
        count = min(_BLOCK_ROWS, frames - first)
        # At rates that are no multiple of 100 Hz a row has a sample more or less than the next.
        ends = np.round(np.arange(first, first + count + 1) * per_row).astype(np.int64)
        start = int(ends[0])
        channels = sound.read(start, int(ends[-1]) - start)
        samples = np.ascontiguousarray(channels.mean(axis=1, dtype=np.float32))
        rows = np.empty((count, len(bank)), dtype=np.float16)
        for i in range(count):
            bank.push(samples[ends[i] - start : ends[i + 1] - start], magnitudes)
            rows[i] = np.minimum(magnitudes * np.float32(SCALE), np.float32(_LARGEST))
        yield rows
        if progress is not None:
            progress(min(len(samples), sound.length - start) / sound.rate)


def _write_spectra(
    sound: Sound, path: Path, progress: Callable[[float], None] | None
) -> tuple[float, Float16Array]:
    """Write the rows as they are heard; the loud level and the coarse look."""
    from accompanist.recordings.reference_coarse import CoarseLook

    look: CoarseLook | None = None
    levels: list[Float32Array] = []
    with path.open("wb") as file:
        for rows in _heard(sound, progress):
            if look is None:
                frames = int(np.ceil(sound.length / (sound.rate * HOP_S) - 1e-9))
                _write_header(file, (frames, rows.shape[1]))
                look = CoarseLook(rows.shape[1], COARSE_FRAMES)
            file.write(rows.tobytes())
            levels.append(rows.sum(axis=1, dtype=np.float32))
            look.add(rows)
    if look is None:
        raise BadInputError("a recording without a sample cannot be followed")
    return loud_level(np.concatenate(levels)), look.rows()


def loud_level(levels: Float32Array) -> float:
    """Give the level of the loud rows; ``levels`` are sums over the bands."""
    return float(np.percentile(levels, _LOUD_PERCENTILE)) if len(levels) else 0.0


def _write_header(file: object, shape: tuple[int, int]) -> None:
    described = {"descr": np.dtype(np.float16).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)  # type: ignore[arg-type]
