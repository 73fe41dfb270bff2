"""Has takes kept, each by a process of its own at low priority."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.processes.links import KeepTake, Problem, TakeKept, TakeLearned
from accompanist.errors import UsageError

__all__ = ["Keeping"]

_LOG = logging.getLogger(__name__)

LEAVE_S = 2.0


@dataclass(slots=True)
class _Job:
    journal: Path
    out: Path
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    rehearse: bool = False
    """Whether it is learned from, once it is kept …"""
    learns: bool = False
    """… and whether that is what is being done."""


class Keeping:
    """Starts the processes and tells how they ended. Not thread-safe; never waits.

    Parameters
    ----------
    keeper : TakeKeeper
        Knows the last take.
    """

    def __init__(self, keeper: TakeKeeper) -> None:
        self._keeper = keeper
        self._jobs: list[_Job] = []
        self.learned = False
        """A take has been learned from; whoever has seen it puts it down again."""

    def keep(self, wish: KeepTake, offset_s: float = 0.0) -> Path:
        """Begin to keep the last take (the one that runs: up to now); give its folder to be.

        ``offset_s`` is monotonic minus session time.

        Raises
        ------
        UsageError
            Nothing has been played.
        """
        journal = self._keeper.newest()
        if journal is None:
            raise UsageError("there is no take to keep: nothing has been played since arm")
        out = wish.folder or self._usual_folder(journal)
        arguments = [str(journal), str(out)]
        if wish.soundfont is not None:
            arguments += ["--soundfont", str(wish.soundfont)]
        if not wish.audio:
            arguments.append("--no-audio")
        if wish.hosts:
            arguments += ["--hosts", json.dumps(wish.hosts)]
        if wish.desk:
            arguments += ["--desk", json.dumps(wish.desk)]
        if wish.changes:
            moved = [(time_s - offset_s, *what) for time_s, *what in wish.changes]
            arguments += ["--changes", json.dumps(moved)]
        if wish.stretcher is not None:
            arguments += ["--stretcher", wish.stretcher]
        self._begin("keep_take", arguments, journal, out, rehearse=wish.rehearse)
        return out

    def look(self) -> list[TakeKept | TakeLearned | Problem]:
        """Tell which have come to an end since the last call."""
        told: list[TakeKept | TakeLearned | Problem] = []
        for job in list(self._jobs):
            code = job.process.poll()
            if code is None:
                continue
            self._jobs.remove(job)
            if job.learns:
                told.append(TakeLearned(_last_words(job, code)))
                self.learned = self.learned or code == 0
            elif code == 0:
                told.append(TakeKept(job.out))
                if job.rehearse:
                    places = [str(job.journal), str(job.out)]
                    self._begin("learn_kept", places, job.journal, job.out, learns=True)
            else:
                reason = _last_words(job, code)
                told.append(Problem(503, f"the take could not be kept: {reason}", "take/save"))
            if not any(other.journal == job.journal for other in self._jobs):
                self._keeper.spared.discard(job.journal)
            job.errors.close()
        return told

    def close(self) -> None:
        """Leave what runs to itself: a take that is being kept is finished."""
        for job in self._jobs:
            job.errors.close()
        self._jobs.clear()

    def _begin(
        self,
        module: str,
        arguments: list[str],
        journal: Path,
        out: Path,
        *,
        rehearse: bool = False,
        learns: bool = False,
    ) -> None:
        errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the job
        process = subprocess.Popen(
            [sys.executable, "-m", f"accompanist.app.keeping.{module}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            process_group=0,
        )
        self._keeper.spared.add(journal)
        self._jobs.append(_Job(journal, out, process, errors, rehearse, learns))

    def _usual_folder(self, journal: Path) -> Path:
        from platformdirs import user_data_path

        name = journal.name.split("-", 3)[-1]
        takes = user_data_path("accompanist", appauthor=False) / "takes"
        return takes / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def _last_words(job: _Job, code: int) -> str:
    job.errors.seek(0)
    lines = job.errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("accompanist: ") if lines else f"exit code {code}"
