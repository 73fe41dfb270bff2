"""What was heard of a recording is rendered again from the journal of a take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.app.keeping.recorded_sound import cues_of, render_again
from accompanist.performing.cue import Cue
from accompanist.takes.record import TakeRecord

RATE = 1000
HOP_S = 0.01

FloatArray = npt.NDArray[np.float32]


class Tape:
    """A recording of which each sample is its own second, thousandths; silent where it rests."""

    solo_level = 0.0
    gain = 1.0
    source_s = 0.0

    def __init__(self) -> None:
        self.cue: Cue | None = None

    def take(self, cue: Cue) -> None:
        self.cue = cue

    def render(self, start_s: float, count: int) -> FloatArray:
        assert self.cue is not None
        line = self.cue.timeline
        times = start_s + np.arange(count) / RATE
        places = np.array([min(line.to_quarter(t), line.gate_quarter) for t in times])
        if self.cue.state in ("armed", "idle"):
            places[:] = 0.0
        return (self.gain * places / 1000.0).astype(np.float32)[:, None]


def record_of(rows: list[tuple[float, str]]) -> TakeRecord:
    """A take of (place, state) hop by hop."""
    record = TakeRecord()
    for i, (place, state) in enumerate(rows):
        record.add_row(
            time_s=(i + 1) * HOP_S,
            quarter=place,
            quarters_per_s=1.0,
            confidence=1.0,
            level_db=-20.0,
            played_quarter=place,
            state=state,
        )
    return record


def test_it_goes_waits_and_leaps_as_it_did() -> None:
    rows = [(0.0, "armed")] * 20
    rows += [(0.01 * i, "following") for i in range(100)]
    rows += [(0.99, "holding")] * 50
    rows += [(7.0 + 0.02 * i, "following") for i in range(100)]
    record = record_of(rows)
    sound = np.concatenate(list(render_again(record, Tape(), RATE, 3.2)))
    assert sound.shape == (3200, 2)
    heard = 1000.0 * sound[:, 0]
    assert not heard[:210].any()
    for i in (60, 110, 150, 200, 260):
        at = round((i + 1) * HOP_S * RATE)
        assert abs(heard[at] - rows[i][0]) < 2e-3, (i, heard[at], rows[i])
    assert not heard[-400:].any()


def test_a_leap_is_told_as_one_and_a_change_of_tempo_is_not() -> None:
    rows = [(0.01 * i, "following") for i in range(50)]
    rows += [(0.5 + 0.03 * i, "following") for i in range(50)]
    rows += [(0.2 + 0.01 * i, "following") for i in range(50)]
    cues = [cue for _, cue in cues_of(record_of(rows))]
    assert [cue.jumps for cue in cues[:100]] == [0] * 100
    assert [cue.jumps for cue in cues[100:]] == [1] * 50
    assert cues[100].plays_from == 0.2
    assert abs(cues[10].timeline.rate_quarter_s - 1.0) < 1e-9
    assert abs(cues[60].timeline.rate_quarter_s - 3.0) < 1e-9


def test_what_the_desk_was_set_to_counts() -> None:
    record = record_of([(0.01 * i, "following") for i in range(100)])
    tape = Tape()
    desk = {"solo": 0.25, "gain": -6.0, "pan": -1.0, "mute": 0.0}
    sound = np.concatenate(list(render_again(record, tape, RATE, 1.0, desk)))
    assert tape.solo_level == 0.25
    assert abs(tape.gain - 0.501) < 1e-3
    assert sound[500:900, 0].all()
    assert not sound[500:900, 1].any()


def test_what_was_set_meanwhile_is_heard_from_then_on() -> None:
    record = record_of([(0.01 * i, "following") for i in range(100)])
    changes = [(-5.0, "gain", -20.0), (0.4, "gain", 0.0), (0.7, "mute", 1.0), (0.8, "solo", 0.5)]
    tape = Tape()
    blocks = render_again(record, tape, RATE, 1.0, {"gain": -90.0, "solo": 0.0}, changes)
    heard = 1000.0 * np.concatenate(list(blocks))[:, 0]
    plain = 1000.0 * np.concatenate(list(render_again(record, Tape(), RATE, 1.0)))[:, 0]
    np.testing.assert_allclose(heard[100:400], 0.1 * plain[100:400], atol=1e-4)
    np.testing.assert_allclose(heard[420:700], plain[420:700], atol=1e-4)
    assert not heard[720:].any()
    assert tape.solo_level == 0.5
