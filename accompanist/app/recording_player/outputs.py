"""What a recording sounds through, opened, watched over and opened again, on its own thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.app.performer.realtime import hurried
from accompanist.app.processes.links import Problem
from accompanist.app.processes.recording_links import Connection, RecordingOutput
from accompanist.errors import DeviceError

__all__ = ["OutputChange", "RecordingOutputs", "SoundOutput", "open_output", "prepare"]

_LOG = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

LOOK_S = 0.5
"""What is open is looked after this often."""
RETRY_LOOKS = 2
"""What is missing is tried again after so many looks."""
SWAP_S = 2.0


class SoundOutput(Protocol):
    """A device, a server's ports, or nowhere: frames are written ahead and taken in time.

    Frames are counted without end. One thread writes; `close`, `connections` and `gone` are
    another's.
    """

    name: str
    kind: str
    gone: str
    sample_rate: int
    xruns: int

    @property
    def block_samples(self) -> int: ...
    @property
    def latency_s(self) -> float: ...
    @property
    def taken(self) -> int: ...
    @property
    def written(self) -> int: ...
    @property
    def drop_outs(self) -> int: ...
    @property
    def started(self) -> bool: ...
    def start(self) -> None: ...
    def fileno(self) -> int: ...
    def calm(self) -> None: ...
    def time_s(self, frame: int) -> float: ...
    def skip(self, frame: int) -> None: ...
    def write(self, samples: FloatArray) -> None: ...
    def connections(self) -> tuple[Connection, ...]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OutputChange:
    """Another output is to be written to from now on, or none."""

    output: SoundOutput | None


def open_output(settings: RecordingOutput, *, again: bool = False) -> SoundOutput:
    """Open what the settings name: JACK where a server runs, unless they say otherwise.

    Parameters
    ----------
    settings : RecordingOutput
    again : bool
        Whether devices have to be looked for anew, nothing of ours being open.

    Raises
    ------
    DeviceError
        There is none such, or it does not open.
    """
    if settings.driver == "silent":
        from bridges.audio_play import PretendOutput

        return PretendOutput(settings.rate, settings.wav)
    if settings.driver == "jack" or (settings.driver is None and settings.device is None):
        from bridges.audio_jack_out import JackOutput

        try:
            return JackOutput(settings.client_name, settings.connect)
        except DeviceError:
            if settings.driver == "jack":
                raise
    from bridges.audio_jack import jack_hidden
    from bridges.audio_live import look_again
    from bridges.audio_play import DeviceOutput, find_output

    with jack_hidden():  # PortAudio may begin here
        if again:
            look_again()
        return DeviceOutput(find_output(settings.device))


def prepare() -> None:
    """Load and compile what JACK will call, where there is JACK: it is not to wait for that."""
    from bridges import audio_jack_out

    audio_jack_out.prepare()


class RecordingOutputs:
    """Opens what is wanted and keeps it open. `run` is the body of a thread.

    Parameters
    ----------
    wake : callable
        Called from the thread when there is something in ``news``.
    opening, preparing : callable, optional
        `open_output` and `prepare` unless told.

    Notes
    -----
    The other thread takes ``news``, writes to each output that comes, and answers with `adopted`;
    only then is closed what was there before.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        opening: Callable[..., SoundOutput] = open_output,
        preparing: Callable[[], None] = prepare,
    ) -> None:
        self._wake = wake
        self._opening = opening
        self._preparing = preparing
        self.news: queue.SimpleQueue[OutputChange | Problem] = queue.SimpleQueue()
        self.connections: tuple[Connection, ...] = ()
        """Who listens, as far as is known."""
        self._jobs: queue.SimpleQueue[RecordingOutput | None] = queue.SimpleQueue()
        self._adopted = threading.Event()
        self._settings: RecordingOutput | None = None
        self._output: SoundOutput | None = None
        self._told = ""
        self._looks = 0
        self._began_s: float | None = None

    def busy_s(self) -> float:
        """How long it has been waiting for a library or a driver; from any thread."""
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def want(self, settings: RecordingOutput) -> None:
        """Have this output opened; from any thread."""
        self._jobs.put(settings)

    def adopted(self) -> None:
        """Say that the last output is written to."""
        self._adopted.set()

    def close(self) -> None:
        """Have everything closed and `run` return."""
        self._jobs.put(None)

    def run(self) -> None:
        """Open, watch, open again, until `close`."""
        try:
            self._prepare()
            while True:
                self._began_s = None
                try:
                    job = self._jobs.get(timeout=LOOK_S)
                except queue.Empty:
                    self._began_s = time.monotonic()
                    self._look()
                    continue
                if job is None:
                    return
                self._began_s = time.monotonic()
                self._settings, self._told = job, ""
                self._drop()
                with hurried():  # we may take the place of one that has died
                    self._open()
        finally:
            output, self._output = self._output, None
            if output is not None:
                output.close()

    def _prepare(self) -> None:
        self._began_s = time.monotonic()
        try:
            self._preparing()
        except Exception:  # then it is done when it is needed, and told
            _LOG.exception("not all is ready")

    def _look(self) -> None:
        output = self._output
        if output is not None:
            if output.gone:
                self._complain(f"{output.gone}; trying again every second")
                self._keep_connections()
                self._drop()
                return
            self.connections = output.connections()
            return
        self._looks += 1
        if self._settings is not None and self._looks % RETRY_LOOKS == 0:
            self._open(again=True)

    def _open(self, *, again: bool = False) -> None:
        settings = self._settings
        if settings is None:
            return
        try:
            output = self._opening(settings, again=again)
        except DeviceError as error:
            self._complain(str(error))
            return
        except Exception as error:  # a driver's own ways must not end the search
            _LOG.exception("the output does not open")
            self._complain(f"the output does not open ({type(error).__name__}: {error})")
            return
        try:
            output.start()
        except DeviceError as error:
            output.close()
            self._complain(str(error))
            return
        self._output, self._told = output, ""
        if output.kind == "jack" and settings.driver is None:
            # Once there was a sound server it is waited for, whatever else there may be.
            self._settings = replace(settings, driver="jack")
        self.connections = output.connections()
        self._swap(output)

    def _keep_connections(self) -> None:
        """Be connected as now when it comes back."""
        if self._settings is not None and self.connections:
            self._settings = replace(self._settings, connect=self.connections)

    def _drop(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            self._swap(None)
            output.close()

    def _swap(self, output: SoundOutput | None) -> None:
        """Have the other thread write there from now on, and wait until it does."""
        self._adopted.clear()
        self.news.put(OutputChange(output))
        self._wake()
        if not self._adopted.wait(SWAP_S):
            _LOG.warning("the output was changed without being let go")

    def _complain(self, text: str) -> None:
        """Tell a problem once, however often it is met."""
        if text != self._told:
            self._told = text
            self.news.put(Problem(503, text, "recording"))
            self._wake()
