"""What others see of the engine fits what they have been told, however busy the machine is."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from accompanist.app.engine.feeds import Batch
from accompanist.app.engine.lasting_feed import LastingFeed
from accompanist.app.engine.live import LiveEngine
from accompanist.app.engine.piece import InputFacts, make_ready
from accompanist.app.engine.podium import Podium
from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.keeping.ring import TakeRing
from accompanist.app.processes.links import EngineSettings, LoadPiece, PieceLoaded
from accompanist.conducting.conductor import Conductor
from accompanist.performing.cue import Cue
from accompanist.session import Session

PIECE = LoadPiece("ode-to-joy", EngineSettings(rehearse=False))
KEYS = InputFacts(keys=True)


class Stage:
    """Where nothing is played."""

    def publish(self, cue: Cue, offset_s: float) -> None:
        pass


def test_who_is_told_of_an_order_sees_what_it_has_led_to() -> None:
    engine = LiveEngine(LastingFeed(lambda feed, why: None), Stage())
    ready, states, told = make_ready(PIECE, KEYS), [""], threading.Event()

    def look() -> None:
        assert engine.view is not None
        states.append(engine.view.step.state)
        told.set()

    with engine:
        engine.do(lambda: engine.change(ready.session))
        engine.do(lambda: time.sleep(0.05))  # others come before it
        engine.do(ready.session.conductor.arm)
        engine.when_seen(look)
        assert told.wait(20.0)
    assert states == ["", "armed"]


class Nothing(LastingFeed):
    """A device that is there and gives nothing."""

    def next(self, session: Session | None) -> Batch:
        time.sleep(0.01)
        return Batch(iter(()), 0.0, 0.0)


def test_without_a_piece_or_without_sound_nobody_waits_long_to_be_told() -> None:
    ready = make_ready(PIECE, KEYS)
    for kind, session in ((LastingFeed, None), (Nothing, ready.session)):
        told = threading.Event()
        with LiveEngine(kind(lambda feed, why: None), Stage(), session=session) as engine:
            engine.when_seen(told.set)
            assert told.wait(20.0)
            assert engine.view is None


@pytest.mark.parametrize(
    ("order", "between"), [("arm", "armed"), ("start", "armed"), ("pause", "paused")]
)
def test_a_piece_made_ready_anew_is_never_seen_idle(
    order: str, between: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    podium = Podium(
        Stage(),
        LastingFeed(lambda feed, why: None),
        TakeKeeper(TakeRing(tmp_path), print),
        tell=told.append,
        wake=lambda: None,
        read_again=lambda: None,
        wanted=lambda ready: True,
    )
    podium.input = KEYS
    podium.go_over(make_ready(PIECE, KEYS))
    assert podium.state == ""
    podium.do("locate", (8.0,))
    podium.do("arm", ())
    podium.do(order, ())
    seen: list[str] = []
    monkeypatch.setattr(Conductor, "arm", lambda conductor: seen.append(podium.state))
    again = make_ready(PIECE, KEYS)
    podium.go_over(again)
    assert podium.live.session is again.session
    assert podium.live.view is None  # so the state is what is seen
    assert seen == [between]
    assert (podium.state, podium.place_quarter) == (between, 8.0)
    assert [type(event) for event in told] == [PieceLoaded, PieceLoaded]
