"""The folders in which it is kept what was found out about recordings: whole or not at all.

A folder is named by the recording's contents. It is filled beside its place, under a lock, and
then renamed; the lock belongs to an open file, so that a run which was killed leaves none behind,
and what it left half-made is removed by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from accompanist.errors import AccompanistError, BadInputError
from accompanist.recordings.analysis import ANALYSIS_VERSION
from score_library.recordings import ANALYSIS_NAME, SEPARATED_NAMES

__all__ = ["RecordingCache", "recordings_folder", "stamp_of"]

_MAKING, _LOCK = ".making-", ".lock"
_HASH_BYTES = 1 << 20
_POLL_S = 0.2


def recordings_folder() -> Path:
    """Where it is kept by default what was found out about recordings; may not exist yet."""
    return platformdirs.user_cache_path("accompanist") / "recordings"


def stamp_of(file: Path) -> str | None:
    """Size and time of a file, to tell whether it is still the same; None where it is gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return f"{found.st_size}-{found.st_mtime_ns}"


class RecordingCache:
    """Folders of what was found out about recordings, by content.

    Parameters
    ----------
    root : Path, optional
        `recordings_folder` by default.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or recordings_folder()

    def key(self, file: Path) -> str:
        """Digest the contents of a recording: what it is known by.

        Raises
        ------
        BadInputError
            The file cannot be read.
        """
        digest = hashlib.sha256()
        try:
            if not file.is_file():
                if file.exists():
                    raise BadInputError(f"{file}: is no file; name a sound file")
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            with file.open("rb") as opened:
                while block := opened.read(_HASH_BYTES):
                    digest.update(block)
        except OSError as error:
            said = (error.strerror or "cannot be read").lower()
            raise BadInputError(f"{file}: {said}; check the path") from error
        return digest.hexdigest()[:40]

    def folder(self, key: str) -> Path:
        """Where the folder of a key is, whether it is there or not: one a way of analysing."""
        return self.root / f"{key}-{ANALYSIS_VERSION}"

    @staticmethod
    def key_of(folder: Path) -> str:
        """Give the key that a folder belongs to."""
        return folder.name.partition("-")[0]

    def has(self, key: str) -> bool:
        """Whether the folder is there; it is whole then."""
        return (self.folder(key) / ANALYSIS_NAME).is_file()

    @contextmanager
    def making(self, key: str, wait: Callable[[], None] | None = None) -> Iterator[Path | None]:
        """Fill the folder of a key: yields a fresh folder that takes its place if all goes well.

        Yields None where another process has made it in the meantime. Whatever goes wrong within
        the block, nothing half-made is left.

        Parameters
        ----------
        wait : callable, optional
            Called once if another process is making it just now, which is waited for.

        Raises
        ------
        AccompanistError
            The disk is full, or the folder cannot be written to.
        """
        with self._telling():
            self.root.mkdir(parents=True, exist_ok=True)
            lock = self._locked(key, wait)
        try:
            self._remove_leftovers()
            if self.has(key):
                yield None
                return
            fresh = self.root / f"{_MAKING}{key}"
            try:
                with self._telling():
                    shutil.rmtree(fresh, ignore_errors=True)
                    fresh.mkdir()
                    yield fresh
                    self._carry_over(key, fresh)
                    _to_disk(fresh)
                    shutil.rmtree(self.folder(key), ignore_errors=True)
                    fresh.rename(self.folder(key))
                    _sync(self.root)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        finally:
            os.close(lock)

    def check_room(self, need_bytes: int) -> None:
        """Refuse to begin what there is no room for.

        Raises
        ------
        AccompanistError
            The disk has less room than that.
        """
        with suppress(OSError):
            free = shutil.disk_usage(self.root).free
            if free < need_bytes:
                raise AccompanistError(
                    f"{self.root}: the disk is too full: {_megabytes(need_bytes)} are needed "
                    f"there to analyse the recording, {_megabytes(free)} are free; make room, "
                    "or set XDG_CACHE_HOME to a folder on another disk"
                )

    def remove(self, key: str) -> None:
        """Forget a recording; no harm where it is not known."""
        rubbish = self.root / f"{_MAKING}{key}"
        for folder in self._versions(key):
            with suppress(OSError):
                shutil.rmtree(rubbish, ignore_errors=True)
                folder.rename(rubbish)
        shutil.rmtree(rubbish, ignore_errors=True)
        (self.root / f".{key}{_LOCK}").unlink(missing_ok=True)

    def _versions(self, key: str) -> list[Path]:
        return [path for path in self.root.glob(f"{key}-*") if path.is_dir()]

    def _carry_over(self, key: str, fresh: Path) -> None:
        """Take what took long, the separated soloist, from folders of older analyses."""
        for old in self._versions(key):
            for name in SEPARATED_NAMES:
                if (old / name).exists() and not (fresh / name).exists():
                    (old / name).rename(fresh / name)
            shutil.rmtree(old, ignore_errors=True)

    def _locked(self, key: str, wait: Callable[[], None] | None) -> int:
        """Open the lock of a key and hold it, waiting for whoever does."""
        lock = os.open(self.root / f".{key}{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        told = False
        try:
            while not _try_lock(lock):
                if wait is not None and not told:
                    wait()
                told = True
                time.sleep(_POLL_S)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _remove_leftovers(self) -> None:
        """Remove what killed runs have left: half-made folders whose lock nobody holds."""
        for fresh in self.root.glob(f"{_MAKING}*"):
            lock_file = self.root / f".{fresh.name.removeprefix(_MAKING)}{_LOCK}"
            try:
                lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                continue
            try:
                if _try_lock(lock):
                    shutil.rmtree(fresh, ignore_errors=True)
            finally:
                os.close(lock)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Put what the system says of a full or locked disk into words."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise AccompanistError(
                    f"{self.root}: the disk is full; make room there (the analysis of an hour "
                    "takes some 200 MB, of a compressed file up to 700 MB), or set "
                    "XDG_CACHE_HOME to a folder on another disk"
                ) from error
            raise AccompanistError(
                f"{self.root}: cannot be written ({error.strerror or error}); check its "
                "permissions, or set XDG_CACHE_HOME to another folder of yours"
            ) from error


def _try_lock(lock: int) -> bool:
    """Take a lock if nobody else has it; where a file system knows no locks, it is taken."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)
    return True


def _to_disk(folder: Path) -> None:
    """See to it that files and folder are on the disk before they are taken for whole."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _megabytes(count: int) -> str:
    return f"{max(round(count / 1e6), 1)} MB"
