"""What engine and performer say, put on the desk."""

from __future__ import annotations

import logging
from collections.abc import Callable

from accompanist.app.desk.transport import RUNNING
from accompanist.app.desk.wiring import Wiring
from accompanist.app.machine.latencies import known_latency
from accompanist.app.processes.links import (
    Click,
    EngineDied,
    InputOpened,
    OutputsOpened,
    PieceLoaded,
    Played,
    Problem,
    Reported,
    Sent,
    Silence,
    TakeKept,
    TakeLearned,
    View,
)
from accompanist.app.processes.recording_links import (
    RecordingFigures,
    RecordingOpened,
    RecordingReady,
)

__all__ = ["DeskEvents"]

_log = logging.getLogger(__name__)

_NO_DEVICE = 503
_BLEED = {
    "sound": "its sound is known and taken out",
    "notes": "its notes are known and allowed for",
    "off": "not allowed for",
}
"""What is known of the ensemble in the microphone."""


class DeskEvents:
    """Takes the events of both processes. Not thread-safe.

    Attributes
    ----------
    engine_heard : bool
        Whether an engine has ever said anything.
    on_loaded, on_reported, on_kept
        Called with each event of this kind once the desk has taken note of it.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._view_state = self._logged = "idle"
        self._last: View | None = None
        self.engine_heard = False
        self.on_loaded: list[Callable[[PieceLoaded], None]] = []
        self.on_reported: list[Callable[[Reported], None]] = []
        self.on_kept: list[Callable[[TakeKept], None]] = []

    def engine(self, event: object) -> None:
        """Take one event of the engine."""
        facts = self._wiring.facts
        self.engine_heard = self.engine_heard or not isinstance(event, EngineDied)
        match event:
            case View():
                self._view(event)
            case PieceLoaded():
                facts.engine_gone = ""
                facts.loaded_request = facts.request
                if not self._wiring.goes_on(event):
                    self._view_state = "idle"
                self._last = None
                self._wiring.loaded(event)
                for loaded in tuple(self.on_loaded):
                    loaded(event)
                _log.info("loaded %s: %s", event.piece_id, event.title)
            case InputOpened():
                facts.engine_gone, facts.input_fault, facts.input = "", "", event
                measured = known_latency(event.name)
                latency_s = event.latency_s if measured is None else measured.in_s
                self._wiring.latency_found("latency/in", latency_s)
                _log.info("listening to %s, %d Hz", event.name, event.sample_rate)
            case Reported():
                for reported in self.on_reported:
                    reported(event)
            case TakeKept():
                facts.last_take = str(event.folder)
                for kept in self.on_kept:
                    kept(event)
                _log.info("take kept in %s", event.folder)
            case TakeLearned():
                _log.info("%s", event.text)
            case Click():
                if self._wiring.store.on("countin/click"):
                    self._wiring.performer.send(event)
                return
            case EngineDied():
                self._died(event)
            case Problem():
                self._problem(event)
        self.show_state()
        self._wiring.transport.fulfil()

    def performer(self, event: object) -> None:
        """Take one event of the performer."""
        wiring = self._wiring
        match event:
            case Sent():
                wiring.engine.send(Played(event.messages, event.late_s))
            case OutputsOpened():
                told = wiring.facts.outputs
                wiring.facts.outputs = event
                wiring.latency_known()
                if event != told:
                    names = ", ".join(o.name for o in event.outputs) or "nowhere"
                    _log.info("playing to %s%s", names, "" if event.realtime else _unless(event))
            case Problem():
                wiring.store.complain("output", event.code, event.text)

    def recording(self, event: object) -> None:
        """Take one event of the process that plays recordings."""
        wiring = self._wiring
        facts = wiring.facts
        match event:
            case RecordingOpened():
                told, facts.recording_output = facts.recording_output, event.output
                wiring.latency_known()
                if event.output is not None and event.output != told:
                    why = "" if event.realtime else f" ({event.why_not})"
                    _log.info("the recording sounds through %s%s", event.output.name, why)
            case RecordingReady():
                without = "without its soloist" if event.without_solo else "with its soloist"
                _log.info("ready to play %s, %s", event.file.name, without)
            case RecordingFigures():
                facts.more["recording"] = {
                    "drop_outs": event.drop_outs,
                    "xruns": event.xruns,
                    "busy": event.busy,
                    "ahead_ms": event.ahead_ms,
                }
            case Problem():
                wiring.store.complain("recording", event.code, event.text)

    def show_state(self) -> None:
        """Work out ``state`` and tell it if it has changed."""
        facts, store = self._wiring.facts, self._wiring.store
        if facts.engine_gone:
            state = "error"
        elif facts.loading:
            state = "loading"
        else:
            state = self._view_state if facts.loaded is not None else "idle"
            if state == "idle" and facts.input is None and facts.input_fault:
                state = "error"
        if state != store.word("state"):
            # What changes while it plays is little news, but nobody is left for lost in the log.
            within = state in RUNNING and self._logged in RUNNING - {"lost"}
            self._logged = self._logged if within else state
            store.put("state", state)
            _log.log(logging.DEBUG if within else logging.INFO, "state %s", state)
        store.update("follow/lost", int(state == "lost"))

    def _view(self, view: View) -> None:
        wiring = self._wiring
        store, facts = wiring.store, wiring.facts
        facts.engine_gone = ""
        self._view_state = view.state
        if led_qpm := view.led_qpm or view.qpm:  # else only the written one is known
            store.update("tempo/now", round(led_qpm, 2))
        self._follow_engine(view)
        store.update("follow/confidence", round(view.confidence, 2))
        store.update("follow/here", round(view.follows, 2))
        store.update("input/level", round(view.level_db, 1))
        store.update("input/advice", view.advice)
        if facts.loaded is not None and view.bleed != facts.more.get("bleed"):
            facts.more["bleed"] = view.bleed
            _log.info("the ensemble in the microphone: %s", _BLEED[view.bleed])
        facts.more["xruns"] = view.xruns
        facts.more["lost_samples"] = view.lost_samples
        facts.more["hop_ms"] = round(view.hop_ms, 3)
        facts.more["behind_ms"] = round(1000.0 * view.behind_s, 1)
        facts.more["a4_heard_hz"] = round(view.a4_hz, 1)
        wiring.retune(view.a4_hz)

    def _follow_engine(self, view: View) -> None:
        """Take over what changes there without having been set here."""
        store, last = self._wiring.store, self._last
        self._last = view
        if last is None or self._wiring.facts.loaded is None:
            return
        if view.base_qpm > 0.0 and view.base_qpm != last.base_qpm:
            store.update("tempo/base", round(view.base_qpm, 3))
        if last.looping and not view.looping and store["loop"][0]:
            store.put("loop", 0, *store["loop"][1:])  # a vamp that the soloist has ended

    def _died(self, event: EngineDied) -> None:
        wiring = self._wiring
        for process in (wiring.performer, wiring.player):
            process.send(Silence())  # first of all
        facts = wiring.facts
        facts.engine_gone = event.text
        facts.input = None
        if event.piece_dropped:
            wiring.unload()
        facts.loading = facts.request is not None
        self._view_state = "idle"
        wiring.store.complain("state", _NO_DEVICE, event.text, level=logging.ERROR)

    def _problem(self, event: Problem) -> None:
        facts = self._wiring.facts
        about = event.about or self._guessed(event)
        if about == "input/device":
            facts.input = None
            facts.input_fault = event.text
        elif about == "piece/load" and facts.loading:
            facts.loading = False
            facts.request = facts.loaded_request
            self._wiring.transport.forget_wish()
        self._wiring.store.complain(about, event.code, event.text)

    def _guessed(self, event: Problem) -> str:
        """Say what a problem is about that does not say so itself."""
        if event.code == _NO_DEVICE:
            return "input/device"
        return "piece/load" if self._wiring.facts.loading else "state"


def _unless(event: OutputsOpened) -> str:
    return f", without real-time priority ({event.why_not})" if event.outputs else ""
