"""Sound files in and out (libsndfile through `soundfile`)."""

from __future__ import annotations

import logging
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError, BadInputError
from bridges.quiet import quiet_stderr

if TYPE_CHECKING:
    import soundfile

__all__ = ["LONGEST_S", "Audio", "cut_short", "read_audio", "write_wav"]

FloatArray = npt.NDArray[np.float32]

LONGEST_S = 3 * 3600
"""Files beyond this are refused: they would not fit into memory on a small machine."""
_READ_FRAMES = 4096
"""Small, because a block in which the file breaks off is lost."""
_HIGHEST_PEAK = 8.0
"""Floating-point files beyond this were written on the scale of integers."""
_SLOWEST_HZ, _FASTEST_HZ = 4_000, 384_000
_LONGEST_OGG_PAGE, _OGG_LAST_PAGE = 65_307, 4
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A recording in memory.

    Attributes
    ----------
    samples : ndarray [shape=(n, channels), dtype=float32]
        Full scale ±1, all finite.
    rate : int
        Samples a second.
    warnings : tuple of str
        What was mended in reading, a line each.
    """

    samples: FloatArray
    rate: int
    warnings: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate


def read_audio(path: Path | str) -> Audio:
    """Read a sound file: WAV, FLAC, Ogg, Opus, MP3, AIFF and whatever else libsndfile reads.

    A file that breaks off is read as far as it goes; samples that are not finite become silence.
    Both are told in ``warnings``.

    Raises
    ------
    BadInputError
        The file is missing, empty, not audio, without samples or longer than `LONGEST_S`.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise BadInputError(f"{path}: is a folder; name the sound file in it")
        if path.exists() and not path.is_file():
            raise BadInputError(f"{path}: is a device or a pipe; name a sound file")
        size = path.stat().st_size
    except OSError as error:
        raise BadInputError(f"{path}: {_reason(error)}; check the path") from error
    if size == 0:
        raise BadInputError(f"{path}: the file is empty (0 bytes); record or copy it again")
    with quiet_stderr():  # libmpg123 talks to the terminal
        samples, rate, announced = _decode(path)
    warnings = []
    if len(samples) == 0:
        raise BadInputError(f"{path}: holds no audio samples; record or copy it again")
    if announced > len(samples) or cut_short(path):
        seconds = len(samples) / rate
        warnings.append(
            f"{path}: the file is cut short; reading the {seconds:.1f} s that are there"
        )
    finite = np.isfinite(samples)
    if not finite.all():
        count = int(np.size(samples) - np.count_nonzero(finite))
        samples = np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        warnings.append(f"{path}: {count} samples are not numbers; taken as silence")
    peak = float(max(samples.max(), -samples.min()))
    if peak > _HIGHEST_PEAK:
        samples /= peak
        warnings.append(f"{path}: samples reach {peak:.3g} where 1 is full scale; scaled down")
    return Audio(samples, rate, tuple(warnings))


def write_wav(path: Path | str, samples: npt.ArrayLike, rate: int) -> None:
    """Write a 16-bit WAV, whole or not at all.

    Parameters
    ----------
    path : Path or str
        Replaced if it is there.
    samples : array_like [shape=(n,) or (n, channels)]
        Full scale ±1; what lies beyond is clipped.
    rate : int
        Samples a second.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    import soundfile

    path = Path(path)
    clipped = np.clip(np.asarray(samples, dtype=np.float32), -1.0, 1.0)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        soundfile.write(beside, clipped, rate, subtype="PCM_16", format="WAV")
        os.replace(beside, path)
    except (OSError, soundfile.SoundFileError) as error:
        beside.unlink(missing_ok=True)
        raise AccompanistError(f"{path}: cannot be written: {_reason(error)}") from error


def _decode(path: Path) -> tuple[FloatArray, int, int]:
    """Give samples, rate and the number of frames that the file claims to hold."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate, announced = int(file.samplerate), int(file.frames)
            if not _SLOWEST_HZ <= rate <= _FASTEST_HZ:
                raise BadInputError(
                    f"{path}: {rate} samples a second is not a usual rate; convert it to 44100"
                )
            if announced > LONGEST_S * rate and path.stat().st_size > LONGEST_S * rate // 64:
                hours = announced / rate / 3600
                raise BadInputError(
                    f"{path}: {hours:.1f} h long; cut it into takes of at most "
                    f"{LONGEST_S // 3600} h"
                )
            return _read_blocks(file, rate), rate, announced
    except soundfile.SoundFileError as error:
        raise BadInputError(
            f"{path}: not a sound file that can be read ({_detail(error)}); "
            "give a WAV, FLAC, Ogg or MP3 file"
        ) from error
    except OSError as error:
        raise BadInputError(f"{path}: {_reason(error)}; check the path") from error


def _read_blocks(file: soundfile.SoundFile, rate: int) -> FloatArray:
    """Read on until the file ends or breaks off."""
    import soundfile

    most = LONGEST_S * rate
    room = min(max(int(file.frames), _READ_FRAMES), most)
    samples = np.empty((room, file.channels), dtype=np.float32)
    done = 0
    while done < most:
        if done == len(samples):
            samples = np.concatenate((samples, np.empty_like(samples)))
        try:
            block = file.read(out=samples[done : done + _READ_FRAMES])
        except soundfile.SoundFileError as error:
            if not done:
                raise
            _LOG.info("reading broke off after %d samples: %s", done, error)
            break
        if len(block) == 0:
            break
        done += len(block)
    return samples[:done]


def cut_short(path: Path) -> bool:
    """Whether a WAV or Ogg file ends too early (libsndfile mends both silently).

    A WAV file says how long it is; an Ogg file says so where it ends.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"OggS":
            file.seek(max(size - _LONGEST_OGG_PAGE, 0))
            tail = file.read()
            last = tail[tail.rfind(b"OggS") :][:6]
            return len(last) == 6 and not last[5] & _OGG_LAST_PAGE
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return False
        while len(chunk := file.read(8)) == 8:
            length = int.from_bytes(chunk[4:8], "little")
            if chunk[:4] == b"data":
                return length < 0xFFFF_FF00 and file.tell() + length > size
            file.seek(length + length % 2, os.SEEK_CUR)
    return False


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return _detail(error)


def _detail(error: Exception) -> str:
    """Give libsndfile's reason without the path that it repeats."""
    text = str(error).strip().rstrip(".")
    return text.rsplit(": ", 1)[-1].lower() if text else type(error).__name__
