"""What shows the solo of a recording, kept with it: every take makes the next separation better."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accompanist.recordings.sound import Sound

__all__ = ["KeptSolos", "fingerprint"]

_FOLDER = "solos"
_HASH_BYTES = 1 << 20
_BLOCK = 1 << 18
_LONGEST_NAME = 60


def fingerprint(path: Path) -> str:
    """Tell a file by its contents.

    Raises
    ------
    OSError
        It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class KeptSolos:
    """The solos kept in the folder of a recording, a FLAC file each.

    Attributes
    ----------
    folder : Path
        The recording's.
    """

    folder: Path

    @property
    def paths(self) -> list[Path]:
        """All of them, by name."""
        place = self.folder / _FOLDER
        return sorted(place.glob("[!.]*.flac")) if place.is_dir() else []

    def has(self, mark: str) -> bool:
        """Whether the file with this fingerprint is one of them."""
        return any(path.name.startswith(f"{mark}-") for path in self.paths)

    @staticmethod
    def name(path: Path) -> str:
        """Give the name of a kept one: that of the file that it came in."""
        return path.stem.partition("-")[2] or path.stem

    def add(self, mark: str, name: str, sound: Sound) -> None:
        """Keep one, whole or not at all; it is mixed down to one channel.

        Raises
        ------
        OSError
            The disk is full or cannot be written to.
        """
        import soundfile

        place = self.folder / _FOLDER
        place.mkdir(parents=True, exist_ok=True)
        kept = "".join(c if c.isalnum() or c in " ._" else "_" for c in name)[:_LONGEST_NAME]
        part = place / f".{mark}.part"
        try:
            try:
                with soundfile.SoundFile(part, "w", sound.rate, 1, "PCM_16", format="FLAC") as file:
                    for start in range(0, sound.length, _BLOCK):
                        block = sound.read(start, min(_BLOCK, sound.length - start))
                        file.write(np.clip(block.mean(axis=1), -1.0, 1.0))
            except soundfile.SoundFileError as error:
                raise OSError(str(error)) from error
            part.replace(place / f"{mark}-{kept}.flac")
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def forget(self) -> int:
        """Remove all; gives how many there were."""
        count = len(self.paths)
        shutil.rmtree(self.folder / _FOLDER, ignore_errors=True)
        return count
