"""Whatever is wished for in whatever order: the desk grants it or refuses it, and stays whole."""

from __future__ import annotations

import json
import math

from desk_pieces import cue_at, duet, loaded, make_desk, view
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.desk.protocol import DeskError, Value, Values
from accompanist.app.desk.stage import Moment
from accompanist.app.osc.table import TABLE, Argument, Kind
from accompanist.app.processes.links import (
    EngineDied,
    InputOpened,
    OutputsOpened,
    Problem,
    TakeKept,
)

STATES = (
    "idle", "armed", "countin", "following", "holding", "waiting", "vamping", "lost", "paused",
    "ended",
)  # fmt: skip
EVENTS = (
    EngineDied("it died"),
    EngineDied("it died of the piece", piece_dropped=True),
    InputOpened("microphone", 44_100, 0.01),
    OutputsOpened((), realtime=False, why_not="not allowed"),
    Problem(503, "no microphone", "input/device"),
    Problem(404, "no such piece", "piece/load"),
    Problem(409, "no"),
    loaded(),
    loaded(duet(3), piece_id="other"),
    *(view(state) for state in STATES),
)


def argument(wanted: Argument) -> st.SearchStrategy[Value]:
    if wanted.choices:
        return st.sampled_from(wanted.choices)
    low, high = wanted.low, wanted.high
    if wanted.tag == "i":
        return st.integers(int(low or 0), int(min(high or 40, 40)) if high != 1 else 1)
    if wanted.tag in "fd":
        return st.floats(-1e3 if low is None else low, 1e3 if high is None else min(high, 1e6))
    return st.sampled_from(("", "duet", "A", "B", "no such thing", "cue"))


def wish(kind: Kind) -> st.SearchStrategy[tuple[str, str, Values]]:
    entries = [e for e in TABLE if e.kind is kind]
    verb = "set" if kind is Kind.STATE else "do"
    return st.sampled_from(entries).flatmap(
        lambda e: st.tuples(
            st.just(verb),
            st.sampled_from((1, 2, 3, 9)).map(lambda n: e.key(n if e.per_part else None)),
            st.tuples(*(argument(a) for a in e.arguments)),
        )
    )


STEPS = st.lists(
    st.one_of(
        wish(Kind.STATE),
        wish(Kind.ACTION),
        st.sampled_from(EVENTS).map(lambda e: ("event", "", e)),
        st.floats(0.0, 20.0).map(lambda t: ("look", "", t)),
    ),
    max_size=40,
)


@given(STEPS)
def test_only_refusals_are_raised_and_values_stay_values(
    steps: list[tuple[str, str, object]],
) -> None:
    desk, events, _, _, _, told = make_desk()
    refusals: list[tuple[int, str]] = []
    for verb, key, what in steps:
        try:
            if verb == "set":
                assert isinstance(what, tuple)
                told.taken()
                desk.set(key, what)
                assert desk.get(key) == what
                assert (key, what) in told.changes
            elif verb == "do":
                assert isinstance(what, tuple)
                desk.do(key, what)
            elif verb == "event":
                events.engine(what)
                events.performer(what)
            else:
                assert isinstance(what, float)
                cue = cue_at(quarter=what, state=desk.store.word("state"))
                now = Moment(100.0 + what, 4e9 + what, 100.0)
                desk.store.update_all(desk.wiring.stage.look(cue, now))
        except DeskError as error:
            refusals.append((error.code, str(error)))
    assert {code for code, _ in refusals} <= {400, 404, 409, 422, 503}
    assert all(text and "\n" not in text for _, text in refusals)
    status = json.loads(str(desk.get("status")[0]))
    assert status["state"] == desk.get("state")[0]
    for number in desk.parts():
        assert desk.get(f"part/{number}/name")
    for _, values in told.changes:
        assert all(not isinstance(v, float) or math.isfinite(v) for v in values)


def test_a_take_that_is_kept_is_known() -> None:
    from pathlib import Path

    desk, events, *_ = make_desk()
    events.engine(TakeKept(Path("/takes/one")))
    assert json.loads(str(desk.get("status")[0]))["last_take"] == "/takes/one"
