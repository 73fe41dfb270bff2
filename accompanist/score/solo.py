"""The solo as the followers and the conductor see it: a row of events.

An *event* is an instant at which at least one (not grace) note of the solo part begins; notes
that begin within a small fraction of a quarter of one another are one event (a chord, a double
stop, a spread that was written out). This is the "time bucket" of the talk's MIDI module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Note, Part

__all__ = ["BUCKET_QUARTER", "SoloLine", "bucket_indices", "solo_line"]

BUCKET_QUARTER = 0.03
"""Notes closer than this begin together. A written 128th note is 0.031."""


@dataclass(frozen=True, slots=True, eq=False)
class SoloLine:
    """Solo notes and the events they make.

    Attributes
    ----------
    onsets_quarter : ndarray [shape=(n_events,)]
        Strictly increasing positions of the events.
    notes : tuple of tuple of Note
        For each event the notes that begin in it, grace notes left out.
    grace : tuple of Note
        The grace notes, in order.
    end_quarter : float
        End of the last note.
    """

    onsets_quarter: npt.NDArray[np.float64]
    notes: tuple[tuple[Note, ...], ...]
    grace: tuple[Note, ...]
    end_quarter: float

    def __len__(self) -> int:
        return len(self.onsets_quarter)


def bucket_indices(
    onsets_quarter: npt.NDArray[np.float64], tolerance_quarter: float = BUCKET_QUARTER
) -> npt.NDArray[np.intp]:
    """Bucket number of each of the ascending onsets; a bucket spans at most the tolerance.

    >>> bucket_indices(np.array([0.0, 0.01, 1.0, 1.5, 1.52])).tolist()
    [0, 0, 1, 2, 2]
    """
    indices = np.zeros(len(onsets_quarter), dtype=np.intp)
    bucket, first = -1, -np.inf
    for i, onset in enumerate(onsets_quarter):
        if onset - first >= tolerance_quarter:
            bucket, first = bucket + 1, onset
        indices[i] = bucket
    return indices


def solo_line(part: Part, tolerance_quarter: float = BUCKET_QUARTER) -> SoloLine:
    """Sort the notes of a part into events; an event stands at its earliest note."""
    main = sorted((n for n in part.notes if not n.grace), key=lambda n: (n.onset_quarter, n.pitch))
    onsets = np.array([n.onset_quarter for n in main], dtype=np.float64)
    buckets = bucket_indices(onsets, tolerance_quarter)
    count = int(buckets[-1]) + 1 if len(buckets) else 0
    grouped: list[list[Note]] = [[] for _ in range(count)]
    for note, bucket in zip(main, buckets, strict=True):
        grouped[bucket].append(note)
    return SoloLine(
        onsets_quarter=np.array([g[0].onset_quarter for g in grouped], dtype=np.float64),
        notes=tuple(tuple(g) for g in grouped),
        grace=tuple(n for n in part.notes if n.grace),
        end_quarter=max((n.end_quarter for n in main), default=0.0),
    )
