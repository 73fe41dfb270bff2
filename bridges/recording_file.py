"""A recording on disk, read a piece at a time at any place (libsndfile through `soundfile`)."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError, BadInputError
from bridges.quiet import quiet_stderr

if TYPE_CHECKING:
    import soundfile

__all__ = ["RecordingFile", "copy_recording", "seeks_exactly"]

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[float], None]

_SLOWEST_HZ, _FASTEST_HZ = 4_000, 384_000
_LONGEST_S = 100 * 3600
"""A header that claims more (streamed FLAC files do) does not know."""
_NO_ROOM_BYTES = 1 << 20
_COPY_FRAMES = 1 << 16
_SALVAGE_FRAMES = 4096
"""A block in which a file breaks off is lost: read again in small ones."""
_EXACT_FORMATS = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"}
_EXACT_SUBTYPES = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_LOG = logging.getLogger(__name__)


class RecordingFile:
    """The samples of a sound file, wherever they are asked for: a `Sound` on disk.

    Reading on where the last block ended costs no seek. Samples that are not finite are given as
    zero, and so is everything outside the file, or behind the place where a damaged file breaks
    off: `read` never raises. One thread reads.

    Parameters
    ----------
    path : Path or str
        WAV, FLAC, AIFF and other formats in which `seeks_exactly` holds are read anywhere at
        little cost; Ogg, Opus and MP3 files only from their beginning on.

    Attributes
    ----------
    path : Path
    rate, channels, length : int
        Samples a second; channels; samples of each as the file's header has it.
    length_unknown : bool
        Whether the header does not know: ``length`` is a bound then, `broke_at` will tell.
    peak : float
        Largest absolute sample that has been read.
    not_finite : int
        Samples read that were no numbers.
    broke_at : int or None
        Where the file broke off, once that place has been read.
    tags : dict
        ``title``, ``artist``, ``album`` … as far as the file has them.

    Raises
    ------
    BadInputError
        The file is missing, not audio or of an unusual rate.
    """

    def __init__(self, path: Path | str) -> None:
        import soundfile

        self.path = Path(path)
        if self.path.is_dir():
            raise BadInputError(f"{self.path}: is a folder; name the sound file in it")
        if self.path.exists() and not self.path.is_file():
            raise BadInputError(f"{self.path}: is a device or a pipe; name a sound file")
        try:
            if self.path.stat().st_size == 0:
                raise BadInputError(
                    f"{self.path}: the file is empty (0 bytes); record or copy it again"
                )
            with self.path.open("rb"):
                pass
            self._file = self._open()
        except soundfile.SoundFileError as error:
            raise BadInputError(
                f"{self.path}: not a sound file that can be read ({_detail(error)}); "
                "give a WAV, FLAC, Ogg or MP3 file"
            ) from error
        except OSError as error:
            raise BadInputError(f"{self.path}: {_reason(error)}; check the path") from error
        self.rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        claimed, most = int(self._file.frames), _LONGEST_S * self.rate
        self.length_unknown = claimed > most
        self.length = most if self.length_unknown else claimed
        self.peak = 0.0
        self.not_finite = 0
        self.broke_at: int | None = None
        if not _SLOWEST_HZ <= self.rate <= _FASTEST_HZ:
            self._file.close()
            raise BadInputError(
                f"{self.path}: {self.rate} samples a second is not a usual rate; "
                "convert it to 44100"
            )
        self.tags = {name: text for name, text in self._file.copy_metadata().items() if text}
        self._at = 0

    @property
    def duration_s(self) -> float:
        """Length as the header has it."""
        return self.length / self.rate

    @property
    def end(self) -> int:
        """Samples of each channel that there are, as far as is known."""
        return self.length if self.broke_at is None else self.broke_at

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)], all finite; zeros outside."""
        out = np.zeros((max(count, 0), self.channels), dtype=np.float32)
        first, last = max(start, 0), min(start + count, self.end)
        if last > first:
            self._fill(out[first - start : last - start], first)
        return out

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> RecordingFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> soundfile.SoundFile:
        import soundfile

        with quiet_stderr():  # libmpg123 talks to the terminal
            return soundfile.SoundFile(self.path)

    def _fill(self, out: FloatArray, start: int) -> None:
        """Read into ``out`` what lies from ``start`` on; what does not come stays zero."""
        done = self._read_into(out, start)
        if done < len(out) and self.broke_at is None:
            done = self._salvage(out, start)
            self.broke_at = start + done
            _LOG.info("%s breaks off after %d samples", self.path, self.broke_at)
        out[done:] = 0.0
        if not np.isfinite(out).all():
            self.not_finite += int(out.size - np.count_nonzero(np.isfinite(out)))
            np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        self.peak = max(self.peak, float(out.max(initial=0.0)), -float(out.min(initial=0.0)))

    def _salvage(self, out: FloatArray, start: int) -> int:
        """Read small blocks as far as they come; gives how many samples did."""
        done = 0
        while done < len(out):
            got = self._read_into(out[done : done + _SALVAGE_FRAMES], start + done)
            done += got
            if got < _SALVAGE_FRAMES:
                break
        return done

    def _read_into(self, out: FloatArray, start: int) -> int:
        """Read at a place; gives how many samples came."""
        import soundfile

        try:
            if start != self._at:
                self._at = -1
                self._file.seek(start)
            got = len(self._file.read(out=out, dtype="float32"))
        except (soundfile.SoundFileError, OSError) as error:
            _LOG.info("%s cannot be read at %d: %s", self.path, start, error)
            self._recover()
            return 0
        self._at = start + got
        return got

    def _recover(self) -> None:
        """Open the file anew: behind an error some decoders do not find their way any more."""
        import soundfile

        self._at = -1
        with suppress(soundfile.SoundFileError, OSError):
            fresh = self._open()
            self._file.close()
            self._file = fresh


def seeks_exactly(path: Path | str) -> bool:
    """Whether any place of a sound file can be read quickly and to the sample."""
    import soundfile

    with quiet_stderr():
        try:
            info = soundfile.info(str(path))
        except (soundfile.SoundFileError, OSError):
            return False
    return info.format in _EXACT_FORMATS and info.subtype.startswith(_EXACT_SUBTYPES)


def copy_recording(
    source: RecordingFile, target: Path, gain: float = 1.0, progress: Progress | None = None
) -> int:
    """Decode a whole recording into a 16-bit FLAC file, which can be read anywhere.

    Parameters
    ----------
    source : RecordingFile
        Read from its beginning to where it ends or breaks off.
    target : Path
        The file to be written; the caller sees to it that half a file is not used.
    gain : float
        Factor on every sample. What then lies beyond ±1 is clipped, as players do.
    progress : callable, optional
        Told the seconds copied since it was last told; may raise to give up.

    Returns
    -------
    int
        Samples of each channel that were copied.

    Raises
    ------
    BadInputError
        There is no sample in it, or there are too many channels.
    OSError
        The disk is full or cannot be written to.
    AccompanistError
        libsndfile cannot write it for another reason.
    """
    import soundfile

    if source.channels > 8:  # more than FLAC has
        raise BadInputError(
            f"{source.path}: has {source.channels} channels; mix it down to two first"
        )
    done = 0
    try:
        with soundfile.SoundFile(
            target, "w", source.rate, source.channels, "PCM_16", format="FLAC"
        ) as out:
            while done < source.end:
                with quiet_stderr():
                    block = source.read(done, min(_COPY_FRAMES, source.end - done))
                block = block[: source.end - done]
                if gain != 1.0:
                    block *= np.float32(gain)
                out.write(np.clip(block, -1.0, 1.0, out=block))
                done += len(block)
                if progress is not None:
                    progress(len(block) / source.rate)
    except (soundfile.SoundFileError, AssertionError) as error:
        _raise_if_full(target.parent)
        raise AccompanistError(f"{target}: cannot be written: {_detail(error)}") from error
    if not done:
        raise BadInputError(f"{source.path}: nothing in it can be decoded; record or copy it again")
    return done


def _raise_if_full(folder: Path) -> None:
    """Say it as the system does where a disk is full: libsndfile does not tell why."""
    if shutil.disk_usage(folder).free < _NO_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _reason(error: OSError) -> str:
    return error.strerror.lower() if error.strerror else _detail(error)


def _detail(error: Exception) -> str:
    """Give libsndfile's reason without the path that it repeats."""
    text = str(error).strip().rstrip(".")
    if "regular file" in text:  # so it says of an MP3 file with nothing in it
        return "nothing in it can be decoded"
    return text.rsplit(": ", 1)[-1].lower() if text else type(error).__name__
