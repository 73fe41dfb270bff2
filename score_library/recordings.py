"""Recording pieces as the library knows them: files, and what was found out about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ACCOMPANIMENT_NAME",
    "ANALYSIS_NAME",
    "COPY_NAME",
    "SCORE_NAME",
    "SEPARATED_NAMES",
    "SOLO_NAME",
    "Recording",
]

ACCOMPANIMENT_NAME = "accompaniment.wav"
ANALYSIS_NAME = "analysis.json"
COPY_NAME = "recording.flac"
SCORE_NAME = "score.json"
SOLO_NAME = "solo.wav"
SEPARATED_NAMES = (ACCOMPANIMENT_NAME, SOLO_NAME, "separation.json", "solos")
"""What the separation of the soloist leaves in a recording's folder."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is a piece, or that a piece's score is tied to.

    Attributes
    ----------
    file : Path
        The recording as it came.
    folder : Path
        What was found out about it: ``score.json`` (bars and beats as a score whose written
        seconds are seconds of the recording), ``analysis.json``, the follower's reference, and,
        once the soloist has been taken out, the accompaniment.
    """

    file: Path
    folder: Path

    @property
    def sound_file(self) -> Path:
        """The file to read samples from: quick and exact at any place.

        The recording itself, or its decoded copy in the folder where it came in a format that can
        only be read from its beginning (MP3, Ogg, Opus), or damaged.
        """
        copy = self.folder / COPY_NAME
        return copy if copy.is_file() else self.file

    @property
    def accompaniment(self) -> Path | None:
        """The recording without its soloist, as long as there is one; at the recording's rate."""
        return _if_there(self.folder / ACCOMPANIMENT_NAME)

    @property
    def solo(self) -> Path | None:
        """The soloist who was taken out, likewise."""
        return _if_there(self.folder / SOLO_NAME)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
