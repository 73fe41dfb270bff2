"""The two files that a separation makes, written block by block."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError
from bridges.quiet import quiet_stderr
from score_library.recordings import ACCOMPANIMENT_NAME, SOLO_NAME

__all__ = ["StemFiles", "bytes_needed", "check_room", "disk_told"]

FloatArray = npt.NDArray[np.float32]

_SAMPLE_BYTES = 4
_WAV_MOST_BYTES = 4_000_000_000
_SPARE_BYTES = 50_000_000


class StemFiles:
    """``accompaniment.wav`` and ``solo.wav`` in a folder, 32-bit floats: their sum is the mixture.

    Beyond 4 GB the format is RF64. A file that is left open by an error is worth nothing.

    Parameters
    ----------
    folder : Path
    rate, channels, length : int
        Of the recording.
    """

    def __init__(self, folder: Path, rate: int, channels: int, length: int) -> None:
        import soundfile

        large = length * channels * _SAMPLE_BYTES > _WAV_MOST_BYTES
        self.samples = 0
        self._folder = folder
        self._files = [
            soundfile.SoundFile(
                folder / name, "w", rate, channels, "FLOAT", format="RF64" if large else "WAV"
            )
            for name in (ACCOMPANIMENT_NAME, SOLO_NAME)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files:
            with suppress(Exception):  # on a full disk not even the header can be written
                file.close()

    def write(self, accompaniment: FloatArray, solo: FloatArray) -> None:
        """Write the next block of each [shape=(n, channels)].

        Raises
        ------
        OSError
            The disk is full or cannot be written to.
        """
        import soundfile

        try:
            with quiet_stderr():
                for file, block in zip(self._files, (accompaniment, solo), strict=True):
                    file.write(block)
        except (soundfile.SoundFileError, AssertionError) as error:
            _raise_if_full(self._folder)
            raise OSError(errno.EIO, str(error)) from error
        self.samples += len(solo)


def bytes_needed(channels: int, length: int) -> int:
    """How much both files take on the disk."""
    return 2 * channels * length * _SAMPLE_BYTES


def check_room(place: Path, need_bytes: int) -> None:
    """Refuse to begin what there is no room for.

    Parameters
    ----------
    place : Path
        A folder, or where one is to be.
    need_bytes : int

    Raises
    ------
    AccompanistError
        The disk has less room than that.
    """
    ground = next((folder for folder in (place, *place.parents) if folder.is_dir()), None)
    if ground is None:
        return
    with suppress(OSError):
        free = shutil.disk_usage(ground).free
        if free < need_bytes + _SPARE_BYTES:
            raise AccompanistError(
                f"{place}: the disk is too full: {_amount(need_bytes)} are needed there for the "
                f"accompaniment and the solo and {_amount(_SPARE_BYTES)} to spare, "
                f"{_amount(free)} are free; make room, or name a place on another disk"
            )


@contextmanager
def disk_told(place: Path) -> Iterator[None]:
    """Put what the system says of a full or locked disk into words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AccompanistError(
                f"{place}: the disk is full; nothing was kept; make room, or name a place on "
                "another disk"
            ) from error
        said = (error.strerror or str(error)).lower()
        raise AccompanistError(f"{place}: cannot be written ({said})") from error


def _raise_if_full(folder: Path) -> None:
    """Say it as the system does where a disk is full: libsndfile does not tell why."""
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(1 << 16))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)


def _amount(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(round(count / 1e6), 1)} MB"
