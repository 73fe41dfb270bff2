"""A recording as a piece without having been listened to, and a quick way to separate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.errors import BadInputError
from accompanist.recordings.separation.methods import Progress, SeparationSettings
from accompanist.recordings.separation.solo_alignment import SoloAlignment
from accompanist.recordings.sound import Sound
from accompanist.score.model import Note, Part, Score
from score_library.catalogue import Piece, recording_piece
from score_library.recordings import Recording

FloatArray = npt.NDArray[np.float32]

BLOCK = 4000


@dataclass(frozen=True)
class Half:
    """Takes half of everything for the solo; what shows the solo only has to be there."""

    name: str = "half"
    needs_solo: bool = True

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        for start in range(0, mixture.length, BLOCK):
            count = min(BLOCK, mixture.length - start)
            yield np.float32(0.5 * settings.alpha) * mixture.read(start, count)
            progress(count / mixture.rate)


@dataclass(frozen=True)
class Interrupted(Half):
    """Is interrupted half-way, as by Ctrl-C."""

    error: type[BaseException] = KeyboardInterrupt

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        yield mixture.read(0, mixture.length // 2)
        raise self.error


def half() -> Half:
    return Half()


def interrupted() -> Interrupted:
    return Interrupted()


def use_quick_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ``harmonic`` be `Half`, and ``interrupted`` be there."""
    from accompanist.recordings.separation import methods

    table = dict(methods._TABLE)
    table.update(dict.fromkeys(("harmonic", "harmonic-fast"), (__name__, "half")))
    table["interrupted"] = (__name__, "interrupted")
    monkeypatch.setattr(methods, "_TABLE", table)


def use_known_fits(monkeypatch: pytest.MonkeyPatch, fits: dict[int, float]) -> None:
    """Have sounds fit by their lengths in samples; any other fits nowhere."""
    from accompanist.recordings.separation import solo_alignment, solo_pitch

    def align(_listened: object, length: int) -> SoloAlignment:
        if length not in fits:
            raise BadInputError("does not fit")
        nothing = np.zeros(0, dtype=np.int64)
        line = np.zeros(0, dtype=np.float32)
        return SoloAlignment(line, 0.02, nothing, nothing, 0, fits[length])

    monkeypatch.setattr(solo_alignment, "listen", lambda *_: None)
    monkeypatch.setattr(solo_alignment, "align_line", align)
    monkeypatch.setattr(solo_pitch, "track_pitch", lambda sound: sound.length)


def piece_of(file: Path, folder: Path, piece_id: str = "concerto") -> Piece:
    """A recording piece whose folder is there."""
    folder.mkdir(exist_ok=True)
    notes = (Note(0.0, 1.0, 60, 64),)
    parts = (Part(1, "Soloist", notes=notes), Part(2, "Orchestra (recording)", notes=()))
    score = Score("Concerto", parts, (), suggested_solo=1, recording_s=4.0)
    return recording_piece(score, Recording(file, folder), piece_id=piece_id)
