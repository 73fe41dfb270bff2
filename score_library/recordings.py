"""Recording pieces as the library knows them: files, and what was found out about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Recording"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is a piece, or that a piece's score is tied to.

    Attributes
    ----------
    file : Path
        The recording as it came.
    folder : Path
        What was found out about it: ``score.json`` (bars and beats as a score whose written
        seconds are seconds of the recording), the follower's reference, and, once the soloist
        has been taken out, the accompaniment.
    """

    file: Path
    folder: Path

    @property
    def accompaniment(self) -> Path | None:
        """The recording without its soloist, as long as there is one; at the recording's rate."""
        found = self.folder / "accompaniment.wav"
        return found if found.is_file() else None
