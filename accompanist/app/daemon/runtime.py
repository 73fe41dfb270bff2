"""The folder where the running daemon can be found: its lock, its addresses, its board."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from accompanist.errors import AccompanistError

__all__ = ["Runtime", "Urls", "hold_runtime", "read_urls", "runtime_folder", "writing"]


@dataclass(frozen=True, slots=True)
class Urls:
    """Where a running daemon answers."""

    osc_host: str
    osc_port: int
    osc_root: str = "/acc"
    http: str = ""
    """``http://host:port/``, empty where there is none."""

    @property
    def osc(self) -> str:
        """As it is written to the file and printed: ``osc.udp://127.0.0.1:7010/acc``."""
        host = f"[{self.osc_host}]" if ":" in self.osc_host else self.osc_host
        return f"osc.udp://{host}:{self.osc_port}{self.osc_root}"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Names of the files in the folder."""

    folder: Path

    @property
    def url(self) -> Path:
        """Addresses of the daemon, one a line: OSC, then HTTP."""
        return self.folder / "url"

    @property
    def lock(self) -> Path:
        """Locked while a daemon runs; its process number stands in it."""
        return self.folder / "lock"

    @property
    def board(self) -> Path:
        """Shared memory from engine to performer."""
        return self.folder / "board"

    @property
    def wake(self) -> Path:
        """Pipe by which the engine wakes the performer."""
        return self.folder / "wake"

    def write_urls(self, urls: Urls) -> None:
        """Say where the daemon answers; a reader sees all of it or what was there before."""
        fresh = self.folder / "url.new"
        with writing(self.folder):
            fresh.write_text(
                "".join(f"{line}\n" for line in (urls.osc, urls.http) if line), "utf-8"
            )
            fresh.replace(self.url)

    def clear(self) -> None:
        """Remove what a daemon leaves behind, but not the lock: another may be waiting for it."""
        for path in (self.url, self.board, self.wake):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def runtime_folder() -> Path:
    """Give the folder, made for this user alone.

    Raises
    ------
    AccompanistError
        It cannot be made.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(given) / "accompanist" if Path(given).is_absolute() else _usual_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AccompanistError(
            f"{folder}: cannot be made ({error.strerror}); set XDG_RUNTIME_DIR to a folder of yours"
        ) from error
    return folder


def _usual_folder() -> Path:
    import warnings

    from platformdirs import user_runtime_path

    with warnings.catch_warnings():  # it warns where it falls back to /tmp, which is meant here
        warnings.simplefilter("ignore")
        return user_runtime_path("accompanist")


def read_urls(folder: Path | None = None) -> Urls | None:
    """Find out where the running daemon answers; None where there is none."""
    runtime = Runtime(folder or runtime_folder())
    try:
        lines = runtime.url.read_text("utf-8").splitlines()
        osc = urlsplit(lines[0])
        port = osc.port
    except (OSError, ValueError, IndexError):
        return None
    if osc.scheme != "osc.udp" or not osc.hostname or port is None:
        return None
    return Urls(osc.hostname, port, osc.path or "/acc", lines[1] if len(lines) > 1 else "")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say it in a line if the runtime folder cannot be written.

    Raises
    ------
    AccompanistError
        It cannot be: it is another's, the disk is full, something lies in the way.
    """
    try:
        yield
    except OSError as error:
        raise AccompanistError(
            f"{folder}: cannot be written ({error.strerror}); make room there, or "
            "set XDG_RUNTIME_DIR to another folder of yours"
        ) from error


@contextmanager
def hold_runtime(folder: Path | None = None) -> Iterator[Runtime]:
    """Be the one daemon of this user until the block is left.

    The lock belongs to the open file, so that one which was killed never stands in the way.

    Raises
    ------
    AccompanistError
        Another daemon runs, or the folder cannot be written.
    """
    runtime = Runtime(folder or runtime_folder())
    with writing(runtime.folder):
        lock = os.open(runtime.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AccompanistError(_who_runs(runtime)) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        runtime.clear()
        try:
            yield runtime
        finally:
            runtime.clear()
            with suppress(OSError):
                os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def _who_runs(runtime: Runtime) -> str:
    try:
        pid = runtime.lock.read_text("utf-8").strip()
    except (OSError, ValueError):
        pid = ""
    urls = read_urls(runtime.folder)
    where = f" at {urls.osc}" if urls is not None else ""
    return (
        f"a daemon runs already (process {pid or 'unknown'}{where}); "
        "'accompanist ctl quit' ends it, 'accompanist ctl status' asks it"
    )
