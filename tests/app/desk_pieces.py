"""Pieces, links and cues made by hand for the tests of the desk."""

from __future__ import annotations

from collections.abc import Callable

from accompanist.app.config.settings import Config
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.events import DeskEvents
from accompanist.app.desk.protocol import Values
from accompanist.app.processes.links import InputOpened, PieceLoaded, View
from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockPlan
from accompanist.performing.cue import Cue
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Mark, Measure, Metre, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

__all__ = ["FakeHelpers", "FakeLink", "Told", "cue_at", "duet", "loaded", "make_desk", "view"]


class FakeLink:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, command: object) -> None:
        self.sent.append(command)

    def taken(self) -> list[object]:
        """What was sent since the last call."""
        sent, self.sent = self.sent, []
        return sent


class FakeHelpers:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.asked.append((name, *arguments))


class Told:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Values]] = []

    def __call__(self, key: str, values: Values) -> None:
        self.changes.append((key, values))

    def taken(self) -> list[tuple[str, Values]]:
        changes, self.changes = self.changes, []
        return changes

    def of(self, key: str) -> list[Values]:
        return [values for k, values in self.changes if k == key]


def duet(bars: int = 8) -> Score:
    """A pickup of one quarter, then bars of 4/4; marks at bars 3 and 5; the piano begins."""
    measures = [Measure(0.0, 1.0, "0")]
    measures += [Measure(1.0 + 4.0 * i, 4.0, str(i + 1), page=1 + i // 4) for i in range(bars)]
    end = int(measures[-1].end_quarter)
    solo = tuple(Note(float(q), 1.0, 72) for q in range(5, end))
    return Score(
        title="Duet",
        parts=(
            Part(1, "Flute", solo),
            Part(2, "Piano", tuple(Note(float(q), 1.0, 48) for q in range(end))),
            Part(3, "Cello", tuple(Note(float(q), 1.0, 36) for q in range(end)), program=42),
        ),
        measures=tuple(measures),
        tempo_marks=(TempoMark(0.0, 96.0),),
        metres=(Metre(0.0, 4, 4),),
        marks=(Mark(9.0, "A"), Mark(17.0, "B")),
    )


def loaded(score: Score | None = None, piece_id: str = "duet") -> PieceLoaded:
    """The engine's word that a piece is ready."""
    score = score or duet()
    plan = accompaniment_plan(score, 1, written_tempo(score))
    return PieceLoaded(piece_id, score.title, "", score, 1, plan, ClockPlan())


def view(state: str = "following", **more: float) -> View:
    """How things stand."""
    return View(
        time_s=1.0,
        offset_s=100.0,
        state=state,
        quarter=0.0,
        solo_quarter=0.0,
        qpm=more.get("qpm", 100.0),
        confidence=more.get("confidence", 0.9),
        level_db=more.get("level_db", -20.0),
        a4_hz=more.get("a4_hz", 440.0),
        led_qpm=more.get("led_qpm", 0.0),
        base_qpm=more.get("base_qpm", 0.0),
        looping=bool(more.get("looping", False)),
    )


def cue_at(
    time_s: float = 0.0,
    quarter: float = 0.0,
    rate_quarter_s: float = 2.0,
    state: str = "following",
    gate_quarter: float = float("inf"),
    jumps: int = 1,
    plays_from: float = 0.0,
) -> Cue:
    """A cue with a straight timeline."""
    line = Timeline((time_s,), (quarter,), rate_quarter_s, gate_quarter)
    return Cue(time_s, line, state, jumps=jumps, plays_from=plays_from)


def make_desk(
    config: Config | None = None, *, piece: bool = True, state: str = "idle"
) -> tuple[ControlDesk, DeskEvents, FakeLink, FakeLink, FakeHelpers, Told]:
    """A desk with its links; what was sent while it was set up is forgotten."""
    engine, performer, helpers = FakeLink(), FakeLink(), FakeHelpers()
    desk = ControlDesk(config or Config(), engine, performer, helpers, lambda: 0.0)
    events = DeskEvents(desk.wiring)
    told = Told()
    desk.watch(told)
    if piece:
        events.engine(InputOpened("microphone", 48_000, 0.0))
        desk.do("piece/load", ("duet",))
        events.engine(loaded())
        events.engine(view(state))
    for taken in (engine, performer, told):
        taken.taken()
    return desk, events, engine, performer, helpers, told
