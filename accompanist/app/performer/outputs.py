"""What the accompaniment goes to, opened, watched over and opened again, on a thread of its own.

Opening a port or a synthesiser takes its time, and asking after a connection takes a cycle of the
sound server: none of it is done by the thread that keeps time.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from accompanist.app.performer.jack_connections import Connections
from accompanist.app.performer.midi_rig import PARTS, MidiRig, open_midi
from accompanist.app.performer.realtime import hurried
from accompanist.app.performer.sinks import Outlet, Rig, Sink
from accompanist.app.processes.board import SoundingTable
from accompanist.app.processes.links import OutputInfo, OutputSettings, Problem
from accompanist.errors import DeviceError
from bridges.shared_sound import SharedSound

__all__ = ["Opened", "OutputKeeper"]

_LOG = logging.getLogger(__name__)
LOOK_S = 0.5
"""Connections are looked at so often."""
RETRY_LOOKS = 2
"""Every so many looks a MIDI system that is missing is tried again."""
SYNTH_RETRY_LOOKS = 20
"""A synthesiser more seldom: it reads its sound font each time."""
NAME_S = 2.0
"""A client that was killed keeps its name for as long as its server takes to notice."""
SWAP_S = 2.0
DRAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open, told after every change."""

    outputs: tuple[OutputInfo, ...]


class _Ask(Enum):
    """What else can be asked of the thread."""

    LOOK = auto()
    CLOSE = auto()


_Job = tuple[OutputSettings, Mapping[int, str]] | _Ask


class OutputKeeper:
    """Opens what is wanted and keeps it open. `run` is the body of a thread.

    Parameters
    ----------
    table : SoundingTable
        Where what sounds is written down.
    remember, recall : callable
        Keep and give back a few words for whoever comes after this process: the connections.
    wake : callable
        Called from the thread when there is something in ``news``.
    shared : SharedSound, optional
        Where the synthesiser puts down what it sounds.

    Notes
    -----
    The other thread takes ``news``, plays to each `Rig` that comes, and answers with `adopted`;
    only then is closed what is not in it.
    """

    def __init__(
        self,
        table: SoundingTable,
        remember: Callable[[bytes], None],
        recall: Callable[[], bytes],
        wake: Callable[[], None],
        shared: SharedSound | None = None,
    ) -> None:
        self._table = table
        self._shared = shared
        self._wake = wake
        self.news: queue.SimpleQueue[Rig | Opened | Problem] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._adopted = threading.Event()
        self._asked: OutputSettings | None = None
        self._settings: OutputSettings | None = None
        self._names: Mapping[int, str] = {}
        self._midi: MidiRig | None = None
        self._synth: Sink | None = None
        self._synth_outlet: Outlet | None = None
        self._complained: set[str] = set()
        self._recall = recall
        self._name_s = 0.0
        self._connections = Connections(remember)
        self._looks = 0
        self._synth_lost = False
        """Whether the synthesiser waits for the sound server to come back."""

    def want(self, settings: OutputSettings, part_names: Mapping[int, str]) -> None:
        """Have these outputs opened; from any thread."""
        self._jobs.put((settings, dict(part_names)))

    def adopted(self) -> None:
        """Say that the last rig is played to."""
        self._adopted.set()

    def close(self) -> None:
        """Have everything closed and `run` return."""
        self._jobs.put(_Ask.CLOSE)

    def run(self) -> None:
        """Open, watch, open again, until `close`."""
        try:
            while True:
                try:
                    job = self._jobs.get(timeout=LOOK_S)
                except queue.Empty:
                    job = _Ask.LOOK
                if job is _Ask.CLOSE:
                    return
                if isinstance(job, tuple):
                    self._change(*job)
                else:
                    self._look()
        finally:
            if self._midi is not None:
                self._midi.close()
            if self._synth is not None:
                self._synth.close()

    # ---- opening -------------------------------------------------------------------------------

    def _change(self, settings: OutputSettings, names: Mapping[int, str]) -> None:
        before, self._settings = self._asked, settings
        self._asked = settings
        names = names if settings.port_per_part else {}
        self._complained.clear()
        if before is None and (note := self._recall()):
            # We take the place of one that has died.
            self._name_s = NAME_S
            self._connections.inherit(note)
        if before is None or before.connect != settings.connect:
            self._connections.wish(PARTS, settings.connect)
        if before is None or _midi_of(before) != _midi_of(settings) or names != self._names:
            self._names = names
            self._drop_midi()
            self._open_midi()
        elif self._midi is None:
            self._open_midi()
        if before is None or _synth_of(before) != _synth_of(settings):
            self._drop_synth()
            self._open_synth()
        elif self._synth is None:
            self._open_synth()
        self._report()

    def _open_midi(self, *, again: bool = False) -> None:
        settings = self._settings
        if settings is None or not (settings.midi or settings.clock):
            return
        with hurried():  # there may be keys to let go that another one has left
            try:
                self._midi = open_midi(
                    settings,
                    self._names,
                    self._table,
                    on_shutdown=self._shaken,
                    name_s=self._name_s,
                )
            except DeviceError as error:
                if not again:
                    self._complain(str(error))
                return
            self._name_s = 0.0
            if self._midi.jack is not None:
                # Once there was a sound server it is waited for, whatever else there may be.
                self._settings = replace(settings, backend="jack")
                self._connections.restore(self._midi.jack)
            self._swap()

    def _open_synth(self, *, again: bool = False) -> None:
        settings = self._settings
        if settings is None or not settings.synth:
            return
        from bridges.fluidsynth_live import LiveSynth
        from bridges.soundfonts import find_soundfont

        shared = self._shared if settings.tapped else None
        try:
            font = find_soundfont(settings.soundfont)
            synth = LiveSynth(font, driver=settings.driver, shared=shared)
        except DeviceError as error:
            if not again:
                self._complain(str(error))
            return
        self._synth, self._synth_outlet = synth, Outlet(synth)
        self._swap()

    # ---- watching ------------------------------------------------------------------------------

    def _look(self) -> None:
        """See whether everything is still there; bring back what can be."""
        settings, midi = self._settings, self._midi
        if settings is None:
            return
        self._looks += 1
        if midi is not None:
            midi.look()
            if midi.gone:
                self._lose(midi)
            elif midi.jack is not None:
                self._connections.look(midi.jack)
        had = (self._midi, self._synth)
        if self._midi is None and self._looks % RETRY_LOOKS == 0:
            self._open_midi(again=True)
        came_back = self._synth_lost and self._midi is not None
        if self._synth is None and (came_back or self._looks % SYNTH_RETRY_LOOKS == 0):
            self._synth_lost = False
            self._open_synth(again=True)
        if had != (self._midi, self._synth):
            self._complained.clear()
            self._report()

    def _lose(self, midi: MidiRig) -> None:
        """Tell that a server or port has gone, and give back what is left of it."""
        self._complained.clear()
        self._complain(f"{midi.gone}; trying again every second")
        self._drop_midi()
        driver = getattr(self._synth, "driver", "")
        if midi.jack is not None and driver == "jack":
            self._drop_synth()  # its sound went through the same server
            self._synth_lost = True
        self._report()

    def _shaken(self) -> None:
        """Notice the end of the sound server, on a thread of its library."""
        self._jobs.put(_Ask.LOOK)

    # ---- between the threads -------------------------------------------------------------------

    def _drop_midi(self) -> None:
        midi, self._midi = self._midi, None
        if midi is not None:
            self._swap()
            if midi.jack is not None:
                midi.jack.drain(DRAIN_S)
            midi.close()

    def _drop_synth(self) -> None:
        synth, self._synth, self._synth_outlet = self._synth, None, None
        if synth is not None:
            self._swap()
            synth.close()

    def _swap(self) -> None:
        """Have the other thread play to what is open now, and wait until it does."""
        rig = Rig() if self._midi is None else self._midi.rig
        rig = Rig(rig.midi, rig.parts, self._synth_outlet, rig.clock)
        self._adopted.clear()
        self._tell(rig)
        if not self._adopted.wait(SWAP_S):
            _LOG.warning("the outputs were changed without being let go")

    def _report(self) -> None:
        sinks: list[Sink] = [] if self._midi is None else list(self._midi.sinks)
        if self._synth is not None:
            sinks.append(self._synth)
        self._tell(Opened(tuple(OutputInfo(s.name, s.kind, s.latency_s) for s in sinks)))

    def _complain(self, text: str) -> None:
        """Tell a problem once, however often it is met."""
        if text not in self._complained:
            self._complained.add(text)
            self._tell(Problem(503, text))

    def _tell(self, news: Rig | Opened | Problem) -> None:
        self.news.put(news)
        self._wake()


def _midi_of(settings: OutputSettings) -> tuple[object, ...]:
    return (
        settings.midi,
        settings.backend,
        settings.port,
        settings.port_per_part,
        settings.clock,
        settings.client_name,
    )


def _synth_of(settings: OutputSettings) -> tuple[object, ...]:
    return (settings.synth, settings.soundfont, settings.driver, settings.tapped)
