"""Opens recordings on a thread of its own: what takes its time is done before anything sounds."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from accompanist.app.performer.realtime import hurried
from accompanist.app.processes.links import Problem, RecordingSource
from accompanist.app.processes.recording_links import LoadRecording
from accompanist.app.recording_player.core import Sounding
from accompanist.errors import AccompanistError

__all__ = ["Loaded", "RecordingLoader", "open_playback", "prepare"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A recording that can be rendered at a rate; ``files`` belong to it."""

    source: RecordingSource
    sample_rate: int
    asked_s: float
    playback: Sounding
    without_solo: bool
    files: ExitStack


@dataclass(frozen=True, slots=True)
class _Job:
    command: LoadRecording
    sample_rate: int
    asked_s: float


def open_playback(
    command: LoadRecording, sample_rate: int, files: ExitStack, warn: Callable[[str], None]
) -> tuple[Sounding, bool]:
    """Open a recording.

    Parameters
    ----------
    command : LoadRecording
    sample_rate : int
        Samples a second that are wanted.
    files : ExitStack
        Is given whatever has to be closed.
    warn : callable
        Told in a line what cannot be had.

    Returns
    -------
    (Sounding, bool)
        The recording, and whether there is one without its soloist.

    Raises
    ------
    AccompanistError
        The recording cannot be read.
    """
    from accompanist.app.recording_player.opening import open_recorded

    source = command.source
    return open_recorded(
        source.file,
        source.accompaniment,
        command.score,
        sample_rate,
        files,
        warn,
        stretcher=command.stretcher,
        log=0,
    )


def prepare() -> None:
    """Load and compile everything that playing takes: nobody is to wait for it later."""
    import numpy as np

    from accompanist.conducting.timeline import Timeline
    from accompanist.performing.cue import Cue
    from accompanist.performing.playback.player import Playback
    from accompanist.recordings.sound import ArraySound
    from accompanist.recordings.stretching.registry import make_stretcher
    from accompanist.score.model import Score
    from accompanist.score.tempo import written_tempo
    from bridges import recording_file  # noqa: F401  loads the codecs

    noise = np.random.default_rng(0).normal(0.0, 0.1, (44_100, 2)).astype(np.float32)
    sound = ArraySound(noise, 44_100)
    tempo = written_tempo(Score(title="", parts=(), measures=()))
    playback = Playback(sound, sound, tempo, out_rate=48_000, stretch=make_stretcher(), log=0)
    for jumps, rate in enumerate((1.0, 1.5)):
        line = Timeline((float(jumps),), (0.0,), rate)
        playback.take(Cue(float(jumps), line, "following", jumps))
        for block in range(40):
            playback.render(float(jumps) + 0.01 * block, 480)


class RecordingLoader:
    """Opens what is wanted. `run` is the body of a thread.

    Parameters
    ----------
    wake : callable
        Called from the thread when there is something in ``news``.
    opening, preparing : callable, optional
        `open_playback` and `prepare` unless told.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        opening: Callable[
            [LoadRecording, int, ExitStack, Callable[[str], None]], tuple[Sounding, bool]
        ] = open_playback,
        preparing: Callable[[], None] = prepare,
    ) -> None:
        self._wake = wake
        self._opening = opening
        self._preparing = preparing
        self.news: queue.SimpleQueue[Loaded | Problem] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[_Job | ExitStack | None] = queue.SimpleQueue()
        self._began_s: float | None = None

    def busy_s(self) -> float:
        """How long it has been waiting for a library or a file; from any thread."""
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def want(self, command: LoadRecording, sample_rate: int, asked_s: float) -> None:
        """Have a recording opened; from any thread."""
        self._jobs.put(_Job(command, sample_rate, asked_s))

    def give_back(self, files: ExitStack) -> None:
        """Have the files of a recording closed that is not played any more."""
        self._jobs.put(files)

    def close(self) -> None:
        """Have `run` return."""
        self._jobs.put(None)

    def run(self) -> None:
        """Open one after the other, until `close`."""
        self._began_s = time.monotonic()
        try:
            self._preparing()
        except Exception:  # then it is done when it is needed, and told
            _LOG.exception("not all is ready")
        self._began_s = None
        while (job := self._jobs.get()) is not None:
            self._began_s = time.monotonic()
            if isinstance(job, ExitStack):
                job.close()
            else:
                with hurried():  # we may take the place of one that has died
                    self._open(job)
            self._began_s = None

    def _open(self, job: _Job) -> None:
        files = ExitStack()
        try:
            playback, without_solo = self._opening(job.command, job.sample_rate, files, self._warn)
        except AccompanistError as error:
            files.close()
            self._warn(str(error))
            return
        except Exception as error:
            files.close()
            _LOG.exception("a recording could not be opened")
            self._warn(f"this recording cannot be played ({type(error).__name__}: {error})")
            return
        source = job.command.source
        self.news.put(Loaded(source, job.sample_rate, job.asked_s, playback, without_solo, files))
        self._wake()

    def _warn(self, text: str) -> None:
        self.news.put(Problem(503, text, "recording"))
        self._wake()
