"""A WAV file written as it comes (libsndfile through `soundfile`)."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError

__all__ = ["WavWriter", "unwritable"]

_NO_ROOM_BYTES = 1 << 20


def unwritable(path: Path, error: Exception) -> AccompanistError:
    """Say why a sound file cannot be written: libsndfile does not tell that a disk is full."""
    with suppress(OSError):
        if shutil.disk_usage(path.parent).free < _NO_ROOM_BYTES:
            return AccompanistError(
                f"{path}: the disk is full; make room, or write to a place on another disk"
            )
    return AccompanistError(f"{path}: cannot be written: {error}")


class WavWriter:
    """Writes a WAV file block by block: whole, or not at all. A context manager.

    The file has its name when the context is left without an exception.

    Parameters
    ----------
    path : Path
        Replaced if it is there.
    rate, channels : int
    exact : bool
        32-bit floats instead of 16-bit integers, in an RF64 file: it may exceed 4 GB.

    Raises
    ------
    AccompanistError
        It cannot be written. `write` and leaving the context raise it, too.
    """

    def __init__(self, path: Path, rate: int, channels: int, *, exact: bool = False) -> None:
        import soundfile

        self._path = path
        self._beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        subtype = "FLOAT" if exact else "PCM_16"
        self._exact = exact
        try:
            self._file = soundfile.SoundFile(
                self._beside, "w", rate, channels, subtype, format="RF64" if exact else "WAV"
            )
        except (OSError, soundfile.SoundFileError) as error:
            raise unwritable(path, error) from error

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Write the next block [shape=(n, channels)]; without ``exact``, ±1 is full scale."""
        import soundfile

        try:
            self._file.write(samples if self._exact else np.clip(samples, -1.0, 1.0))
        except (OSError, soundfile.SoundFileError, AssertionError) as error:
            raise unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import soundfile

        try:
            self._file.close()
            if kind is None:
                os.replace(self._beside, self._path)
        except (OSError, soundfile.SoundFileError) as failed:
            if kind is None:
                raise unwritable(self._path, failed) from failed
        finally:
            with suppress(OSError):
                self._beside.unlink(missing_ok=True)
