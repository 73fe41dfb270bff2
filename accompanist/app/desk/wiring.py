"""What the desk's values mean for the engine and the performer: load, open, tune, delay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accompanist.app.desk.axis import DeskAxis
from accompanist.app.desk.facts import Facts
from accompanist.app.desk.parts import PartsDesk
from accompanist.app.desk.protocol import DeskError, Value
from accompanist.app.desk.recording import RecordingDesk
from accompanist.app.desk.settings import (
    clock_of,
    engine_settings_of,
    input_of,
    outputs_of,
    recording_output_of,
)
from accompanist.app.desk.stage import Stage
from accompanist.app.desk.store import Nobody, Sender, Store
from accompanist.app.desk.transport import RUNNING, Transport
from accompanist.app.machine.latencies import known_latency
from accompanist.app.processes.links import (
    Do,
    InputSettings,
    LoadPiece,
    LoadPlan,
    Mix,
    OpenInput,
    OutputInfo,
    PieceLoaded,
    SetOutputs,
)
from accompanist.app.processes.recording_links import SetRecordingOutput

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config

__all__ = ["Wiring"]

_LONGEST_LATENCY_MS = 2000.0
_LOUDSPEAKERS = ("synth", "device")
_USUAL_A4_HZ = 440.0
_RETUNE_HZ = 0.5
"""The ensemble takes over a tuning that differs by more than this."""


class Wiring:
    """Holds the values and the processes together. Not thread-safe.

    Attributes
    ----------
    config : Config
        The settings; replaced when they are read again.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        engine: Sender,
        performer: Sender,
        player: Sender | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.facts = Facts()
        self.stage = Stage()
        self.engine = engine
        self.performer = performer
        self.player: Sender = player or Nobody()
        self.recording = RecordingDesk(
            store,
            self.player,
            solo_set=config.recording.solo_level is not None,
            wanted_stretcher=lambda: self.config.recording.stretcher,
        )
        self.parts = PartsDesk(store, performer, self.recording, engine)
        self.transport = Transport(
            store, engine, lambda: self.stage.quarter, self.ready, self.heard, self._coming
        )
        self._base_qpm: float | None = None
        self._latency_set = {
            "latency/in": config.input.latency_ms is not None,
            "latency/out": config.output.latency_ms is not None,
        }

    # ---- what can be done now --------------------------------------------------------------------

    def ready(self) -> None:
        """See that something can be played.

        Raises
        ------
        DeskError
            No piece, or the engine is being started.
        """
        if self.facts.engine_gone:
            raise DeskError(503, f"{self.facts.engine_gone}; it is being started again")
        if self.facts.loading:
            raise DeskError(409, "a piece is being loaded")
        if self.facts.loaded is None:
            raise DeskError(409, "no piece is loaded; load one with piece/load")

    def heard(self) -> None:
        """See that the soloist can be heard.

        Raises
        ------
        DeskError
            503: there is no input.
        """
        if self.facts.input is None:
            raise DeskError(503, self.facts.input_fault or "no input is open yet")

    def _coming(self, ears: bool) -> bool:
        """Whether what it takes to play is not there yet, but on its way."""
        facts = self.facts
        if facts.engine_gone or facts.request is None:
            return False
        return facts.loading or (ears and facts.input is None and not facts.input_fault)

    def at_rest(self, what: str) -> None:
        """See that no music is going on.

        Raises
        ------
        DeskError
            409: it is.
        """
        state = self.store.word("state")
        if state in RUNNING or state == "paused":
            raise DeskError(409, f"{what} only while nothing plays; stop first")

    def tell_engine(self, name: str, *arguments: Value | None) -> None:
        """Give the conductor a command, if there is one; else it is given with the next piece."""
        if self.facts.loaded is not None and not self.facts.loading:
            self.engine.send(Do(name, arguments))

    # ---- pieces ----------------------------------------------------------------------------------

    def load(self, piece: str, at_quarter: float = 0.0) -> None:
        """Have a piece loaded; what is played ends.

        Raises
        ------
        DeskError
            The name is empty.
        """
        if not piece.strip():
            raise DeskError(400, "piece/load wants the name of a piece or the path of a score")
        self.transport.forget_wish()
        self._base_qpm = None
        settings = engine_settings_of(self.config, self.store, self.latency_out_s)
        settings = replace(settings, start_quarter=at_quarter)
        self.facts.request = LoadPiece(piece.strip(), settings)
        self.facts.loading = True
        self.engine.send(self.facts.request)
        self.store.update("state", "loading")

    def load_again(self) -> None:
        """Have the same piece loaded with what is set now."""
        if self.facts.request is not None and self.facts.loaded is not None:
            base_qpm = self._base_qpm
            self.load(self.facts.request.piece, self.stage.quarter)
            self._base_qpm = base_qpm

    def unload(self) -> None:
        """Be without a piece."""
        self.facts.request = self.facts.loaded_request = self.facts.loaded = None
        self.facts.loading = False
        self.transport.forget_wish()
        self.transport.load(None)
        self.stage.load(None)
        self.recording.unload()

    def loaded(self, event: PieceLoaded) -> None:
        """Take a piece that the engine has made ready, and give it to everybody.

        An engine that makes the same piece ready by itself, for an input of another rate, goes on
        as it did: it knows what is set and is not told again.
        """
        former = self.facts.loaded
        again = self.goes_on(event)
        self.facts.loading = False
        self.facts.loaded = event
        if former is None or former.piece_id != event.piece_id:
            self.store.put("loop", 0, *self.store["loop"][1:])
        self.transport.load(event.score, DeskAxis(event.score, event.clock))
        self.stage.load(self.transport.places)
        self.parts.load(event)
        places = self.transport.places
        self.store.put("piece/info", event.title, places.bars, len(event.score.parts))
        self.store.put("piece/marks", *places.mark_names)
        self.performer.send(LoadPlan(event.plan, event.clock, self.parts.names))
        self.recording.load(event)
        self.latency_known()
        if again:
            self._settle_performer()
            return
        marks = event.score.tempo_marks
        if marks and self._base_qpm is None:
            self.store.update("tempo/base", round(marks[0].qpm, 3))
        if marks:
            self.store.update("tempo/now", round(marks[0].qpm, 2))
        self.settle()

    def goes_on(self, event: PieceLoaded) -> bool:
        """Whether it is the same piece, which nobody has asked for anew."""
        facts, former = self.facts, self.facts.loaded
        if facts.loading or former is None:
            return False
        return (former.piece_id, former.solo) == (event.piece_id, event.solo)

    def settle(self) -> None:
        """Give everything that is set to processes that have just loaded a piece."""
        store = self.store
        self.tell_engine("follow", store.word("follow/mode"))
        self.tell_engine("level", store.number("follow/level"))
        self.tell_engine("dynamics", store.number("follow/dynamics"))
        self.tell_engine("lost", store.word("follow/lostpolicy"))
        if self._base_qpm is not None:
            self.tell_engine("tempo_base", self._base_qpm)
        self.tell_engine("tempo_scale", store.number("tempo/scale"))
        self.tell_engine("tempo_limits", store.number("tempo/min"), store.number("tempo/max"))
        self.tell_engine("countin", store.number("countin/bars"), store.word("countin/mode"))
        if store.on("tempo/lock"):
            self.tell_engine("lock", True)
        self.send_latency()
        self.transport.send_loop()
        self._settle_performer()

    def _settle_performer(self) -> None:
        store = self.store
        self.parts.send_all()
        if store.number("tuning/a4") != _USUAL_A4_HZ:
            self.performer.send(Mix(0, "a4", store.number("tuning/a4")))

    def tune(self, a4_hz: float) -> None:
        """Let the ensemble tune; the follower hears by itself, and begins there the next time."""
        self.performer.send(Mix(0, "a4", a4_hz))

    def retune(self, a4_hz: float) -> None:
        """Let the ensemble take over the soloist's tuning, if that is wanted."""
        here = self.store.number("tuning/a4")
        playing = self.store.word("state") in RUNNING
        if playing and self.store.on("tuning/auto") and abs(a4_hz - here) > _RETUNE_HZ:
            self.performer.send(Mix(0, "a4", a4_hz))
            self.store.put("tuning/a4", round(a4_hz, 1))

    # ---- input and outputs -----------------------------------------------------------------------

    def open_input(self) -> None:
        """Have the input opened as the settings say."""
        self.engine.send(OpenInput(self.input_settings()))

    def input_settings(self) -> InputSettings:
        """Say where to listen, with the delay that a human has set."""
        settings = input_of(self.config, self.store)
        if self._latency_set["latency/in"]:
            settings = replace(settings, latency_s=self.store.number("latency/in") / 1000.0)
        return settings

    def open_outputs(self) -> None:
        """Have the outputs opened as the settings say."""
        self.performer.send(SetOutputs(outputs_of(self.config, self.store)))
        self.player.send(SetRecordingOutput(recording_output_of(self.config)))

    def open_clock(self) -> None:
        """Open or close the clock's port, and say how it is sent."""
        self.open_outputs()
        self.send_clock()

    def send_clock(self) -> None:
        """Say how clock and MTC are sent."""
        self.performer.send(clock_of(self.store))

    # ---- delays ----------------------------------------------------------------------------------

    @property
    def latency_out_s(self) -> float:
        """From sending a note to its sound."""
        return self.store.number("latency/out") / 1000.0

    def send_latency(self) -> None:
        """Tell the engine how late we sound; how late it hears it knows by itself."""
        self.stage.latency_out_s = self.latency_out_s
        self.tell_engine("latency_out", self.latency_out_s)
        self.tell_engine("lead", self.store.number("latency/lead") / 1000.0)

    def latency_known(self) -> None:
        """Take the delay of whatever the piece sounds through, as drivers or measurements say."""
        facts = self.facts
        outputs = () if facts.outputs is None else facts.outputs.outputs
        loaded, sound = facts.loaded, facts.recording_output
        if loaded is not None and loaded.recording is not None and sound is not None:
            # What plays no note makes nothing late.
            outputs = (*outputs, sound) if loaded.plan.events else (sound,)
        elif facts.outputs is None:
            return
        self.latency_found("latency/out", max(map(_latency_s, outputs), default=0.0))

    def latency_found(self, key: str, latency_s: float) -> None:
        """Take what was measured or a driver says, unless a human has said it."""
        if key in self._latency_set and not self._latency_set[key]:
            self.store.update(key, round(min(1000.0 * latency_s, _LONGEST_LATENCY_MS), 3))
            self.send_latency()

    def base_set(self, qpm: float) -> None:
        """Have the tempo of the piece be another, and stay so when it is loaded again."""
        self._base_qpm = qpm
        self.tell_engine("tempo_base", qpm)

    def latency_set(self, key: str, *, by_hand: bool) -> None:
        """Remember whether a human has said it."""
        if key in self._latency_set:
            self._latency_set[key] = by_hand


def _latency_s(output: OutputInfo) -> float:
    """Delay of one output: of loudspeakers what was measured, if anything was."""
    measured = known_latency() if output.kind in _LOUDSPEAKERS else None
    return output.latency_s if measured is None else measured.out_s
