"""Places tried on what has been heard: when a jump was, which is tried first, which has won."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.recent import Recent
from accompanist.followers.bayes.rivals import Rivals
from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.templates import TemplateRing, pitch_templates
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 256 / 44_100
BANK = FilterBank(44_100)
PITCHES = [int(p) for p in 60 + np.random.default_rng(3).integers(0, 23, 60)]
NOTE_HOPS = round(0.5 / HOP_S)
USUAL = np.exp(-0.5 * (np.arange(-1.35, 1.7501, 1 / 12) / 0.1) ** 2).astype(np.float32)


def spectrum_of(pitch: int) -> npt.NDArray[np.float32]:
    picture = pitch_templates(BANK, np.array([pitch], dtype=np.int32), 0.0)[0]
    return np.append(picture, np.float32(0.0)).astype(np.float32)


class Stage:
    """A filter that plays on from event 0, and rivals beside it."""

    def __init__(self) -> None:
        notes = tuple(Note(i * 0.5, 0.5, p) for i, p in enumerate(PITCHES))
        part = Part(1, "solo", notes)
        score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 60.0),))
        segments = make_segments(solo_line(part), written_tempo(score), 0.7, 4.0)
        self.settings = FilterSettings()
        self.grid = ScoreGrid(segments, self.settings, HOP_S)
        self.ring = TemplateRing(BANK, segments, 0.0)
        self.fine = PositionFilter(self.grid, self.ring, self.settings, HOP_S)
        self.fine.refill(
            [(int(self.grid.event_cell[0]), int(self.grid.event_cell[0]) + 1, 1.0)], USUAL
        )
        self.recent = Recent(len(BANK), HOP_S)
        self.rivals = Rivals(self.grid, BANK, self.settings, HOP_S)
        self.position_s = 0.0

    def hear(self, pitch: int, hops: int, *, try_on: bool = True, presence: float = 1.0) -> None:
        heard, rise = spectrum_of(pitch), np.zeros(len(BANK), dtype=np.float32)
        for _ in range(hops):
            belief = self.fine.step(heard, rise, presence, 0.3)
            self.position_s = self.grid.position_s(belief.cell)
            self.recent.keep(heard, rise, presence, 0.3, belief.log_evidence)
            if try_on:
                self.rivals.step(self.recent, self.position_s, HOP_S, False)

    def propose(self, event: int, *, ago: int, share: float = 0.9) -> None:
        segment = int(self.grid.segments.event_segment[event])
        at_s = float(self.grid.segments.event_s[event]) + ago * HOP_S
        hop = self.recent.hops - ago
        self.rivals.propose(segment, at_s, share, hop, self.recent, USUAL, self.ring, 0)

    def second_of(self, event: int) -> float:
        return float(self.grid.segments.event_s[event])


@pytest.mark.parametrize("off", [-15, 0, 25])
def test_the_moment_of_the_jump_need_not_be_known(off: int) -> None:
    stage = Stage()
    for pitch in PITCHES[:3]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    for pitch in PITCHES[30:32]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.propose(30, ago=2 * NOTE_HOPS + off)
    stage.hear(PITCHES[32], NOTE_HOPS // 2)
    best = stage.rivals.best
    assert best.level
    assert best.position_s == pytest.approx(stage.second_of(32) + 0.25, abs=0.1)
    assert best.tempo == pytest.approx(1.0, abs=0.12)
    assert best.gain > 60.0


def test_nothing_is_gained_by_going_where_the_same_is_played() -> None:
    stage = Stage()
    for pitch in PITCHES[:3]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.propose(40, ago=NOTE_HOPS)
    stage.hear(PITCHES[3], NOTE_HOPS)
    assert not stage.rivals.active or stage.rivals.best.gain < 0.0


def test_silence_before_the_landing_costs_nothing() -> None:
    stage = Stage()
    stage.hear(PITCHES[0], 10, try_on=False)
    stage.fine.wait_at(0)
    stage.hear(0, 2 * NOTE_HOPS, try_on=False, presence=0.0)
    stage.hear(PITCHES[20], NOTE_HOPS // 2, try_on=False)
    stage.propose(20, ago=2 * NOTE_HOPS)
    stage.hear(PITCHES[20], NOTE_HOPS // 2)
    assert stage.rivals.best.level
    assert stage.rivals.best.sure_s == pytest.approx(0.5, abs=0.05)
    assert stage.rivals.best.gain > 10.0


def test_the_likeliest_place_is_tried_first_and_gets_a_hopeless_ones_room() -> None:
    stage = Stage()
    for pitch in PITCHES[:3]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.hear(PITCHES[36], NOTE_HOPS, try_on=False)
    for event, share in ((12, 0.01), (24, 0.3), (36, 0.6)):
        stage.propose(event, ago=NOTE_HOPS, share=share)
    stage.propose(48, ago=NOTE_HOPS, share=0.5)
    stage.hear(PITCHES[36], 12)
    places = {rival.segment: rival for rival in stage.rivals.all}
    segments = stage.grid.segments.event_segment
    assert int(segments[12]) not in places
    assert int(segments[48]) in places
    assert places[int(segments[36])].level
    assert not places[int(segments[24])].level


def test_the_second_choice_needs_no_more_than_the_first_did() -> None:
    # Two places begin alike; the wrong one was taken, and then the music parts.
    one, other = next(
        (i, j)
        for i in range(10, 40)
        for j in range(i + 5, 58)
        if PITCHES[i] == PITCHES[j] and PITCHES[i] not in PITCHES[:5]
    )
    stage = Stage()
    for pitch in PITCHES[:2]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.hear(PITCHES[one], NOTE_HOPS - 30, try_on=False)
    stage.propose(one, ago=NOTE_HOPS - 30, share=0.5)
    stage.propose(other, ago=NOTE_HOPS - 30, share=0.4)
    stage.hear(PITCHES[one], 25)
    tried = sorted((r for r in stage.rivals.all if r.active), key=lambda rival: rival.segment)
    first, second = tried
    gained = first.gain
    assert first.level
    assert second.level
    assert gained > 30.0  # one long note: more than it may tell
    assert second.told == pytest.approx(first.told, abs=3.0)
    stage.rivals.give_way(first, 17.0)
    assert not first.active
    assert second.told == pytest.approx(17.0, abs=3.0)
    assert second.gain == pytest.approx(17.0, abs=3.0)


def test_nobody_jumps_to_the_very_end() -> None:
    stage = Stage()
    for pitch in PITCHES[:2]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.hear(PITCHES[-1], NOTE_HOPS, try_on=False)
    stage.propose(len(PITCHES) - 1, ago=NOTE_HOPS)
    stage.hear(PITCHES[-1], NOTE_HOPS // 2)
    stage.rivals.weigh(lambda _: 1.0)
    assert stage.rivals.best.gain > 30.0
    assert stage.rivals.winner(10.0, 10.0, lambda _: 1.0) is None


def test_a_place_tried_in_vain_is_refuted_and_one_that_gains_is_not() -> None:
    stage = Stage()
    for pitch in PITCHES[:3]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    stage.propose(40, ago=NOTE_HOPS)
    assert not stage.rivals.refute(stage.second_of(41))  # not yet heard again
    stage.hear(PITCHES[3], NOTE_HOPS // 2)
    assert stage.rivals.refute(stage.second_of(41) + 0.25)
    assert not stage.rivals.refute(stage.second_of(30))
    stage.hear(PITCHES[52], NOTE_HOPS)
    stage.propose(52, ago=NOTE_HOPS)
    stage.hear(PITCHES[53], NOTE_HOPS // 2)
    assert not stage.rivals.refute(stage.second_of(53) + 0.25)


@pytest.mark.parametrize(("busy", "least", "most"), [(0, 12, 34), (100_000, 4, 11)])
def test_no_more_is_heard_again_in_a_hop_than_there_is_time_for(
    busy: int, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    for pitch in PITCHES[:4]:
        stage.hear(pitch, NOTE_HOPS, try_on=False)
    heard: list[int] = []
    for rival in stage.rivals.all:
        step, tried = rival.filter.step, rival.filter

        def counted(*args: object, step: object = step, tried: object = tried) -> object:
            heard.append(tried.width)  # type: ignore[attr-defined]
            return step(*args)  # type: ignore[operator]

        monkeypatch.setattr(rival.filter, "step", counted)
    for event in (20, 33, 47):
        stage.propose(event, ago=2 * NOTE_HOPS)
    stage.rivals.step(stage.recent, stage.position_s, HOP_S, False, busy)
    assert least <= len(heard) <= most
    assert sum(heard) + 200 * len(heard) < max(2000, 6500 - busy) + 1500
