"""What takes tell together: which count, where the soloist takes time, what is said of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accompanist.app.rehearsing.for_render import rehearsal_for
from accompanist.app.rehearsing.habits import habits_of, interval_table
from accompanist.app.rehearsing.kept import store_of
from accompanist.app.rehearsing.learning import keep_learned, learn_by_itself, look_at
from accompanist.app.rehearsing.takes import LearnedTake, Stretch
from accompanist.app.rehearsing.telling import draw, facts_of, take_facts, words_of
from accompanist.conducting.grid import SoloGrid
from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from score_library.catalogue import Piece

COUNT = 48
ABOUT = {"id": "air", "title": "Air", "composer": "Anon"}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def air() -> Score:
    """Twelve bars of quarters; before bar 5 (quarter 16) a rest is written."""
    notes = tuple(Note(float(i), 0.5 if i == 15 else 1.0, 60 + i * 5 % 12) for i in range(COUNT))
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(12))
    marks = (TempoMark(0.0, 60.0),)
    return Score("Air", (Part(1, "Flute", notes),), bars, tempo_marks=marks)


def a_take(
    name: str,
    seed: int,
    *,
    pace: float = 1.0,
    longer: dict[int, float] | None = None,
    first: int = 0,
    last: int = COUNT,
    strange: bool = False,
    own: bool = True,
    silences: dict[int, float] | None = None,
) -> LearnedTake:
    """Somebody's take: their own rubato, small noise, longer intervals as told."""
    rng = np.random.default_rng(seed)
    steps = pace * np.exp(0.12 * np.sin(np.arange(COUNT) / 3.0) + rng.normal(0.0, 0.01, COUNT))
    if strange:
        steps = pace * np.exp(np.random.default_rng(99).normal(0.0, 0.6, COUNT))
    for interval, extra_s in (longer or {}).items():
        steps[interval] += extra_s
    times = np.concatenate(([0.0], np.cumsum(steps)))[first:last]
    silent = np.zeros(last - first)
    for event, silence_s in (silences or {}).items():
        silent[event - first] = silence_s
    quarters = np.arange(first, last, dtype=np.float64)
    stretch = Stretch(quarters, times, np.sin(quarters), silent)
    return LearnedTake(name, f"/takes/{name}", own, "sound", f"2026-01-01T{name}", (stretch,))


def grid() -> SoloGrid:
    score = air()
    return SoloGrid(solo_line(score.parts[0]), written_tempo(score), score)


def piece(score: Score | None = None) -> Piece:
    score = score or air()
    return Piece("air", "Air", "Anon", "", None, score.parts[0], score)


# ---- habits --------------------------------------------------------------------------------------


def test_intervals_stand_where_both_notes_were_played() -> None:
    quarters = np.arange(6.0)
    stretch = Stretch(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.0, 0.5, 1.5, 1.9]))
    take = LearnedTake("a", "a", True, "reports", "", (stretch,))
    played, silent = interval_table(quarters, [take])
    np.testing.assert_allclose(played, [[np.nan, 0.5, np.nan, np.nan, 0.4]])
    assert np.isnan(silent).all()


def test_breaths_and_holds_are_where_most_take_time() -> None:
    takes = [
        a_take("1", 1, longer={31: 0.8, 40: 0.9}, silences={32: 0.5}),
        a_take("2", 2, pace=0.7, longer={31: 0.6}, silences={32: 0.4}),
        a_take("3", 3, pace=1.4, longer={15: 1.0, 31: 0.9, 20: 1.0}, silences={32: 0.4}),
        a_take("4", 4, longer={15: 1.0, 20: 0.9}, last=30),
    ]
    found = habits_of(grid(), solo_line(air().parts[0]), takes)
    assert [(h.quarter, h.breath, h.takes, h.of) for h in found] == [
        (16.0, True, 2, 4),  # a rest is written there
        (20.0, False, 2, 4),
        (32.0, True, 3, 3),
    ]
    assert found[2].extra_s == pytest.approx(0.8, abs=0.15)
    assert habits_of(grid(), solo_line(air().parts[0]), []) == []


# ---- together ------------------------------------------------------------------------------------


def test_takes_in_different_tempi_agree(data: Path) -> None:
    score = air()
    takes = [a_take("1", 1), a_take("2", 2, pace=0.6), a_take("3", 3, pace=1.5, own=False)]
    learned = look_at(score, score.parts[0], takes)
    assert learned.used == (True, True, True)
    assert learned.known == COUNT - 1
    assert learned.apart_ms is not None
    assert learned.apart_ms < 20.0  # 10 ms of noise each, a second apiece
    wave = 0.12 * np.sin(np.arange(COUNT - 1) / 3.0)
    for deviations in (*learned.deviations, learned.together.mean):
        assert np.corrcoef(deviations, wave)[0, 1] > 0.98
    facts = facts_of(score, learned)
    assert (facts["own_takes"], facts["takes_by_others"], facts["intervals_known"]) == (2, 1, 47)
    assert len(facts["expected"]) == 47
    assert words_of("Air", facts)[0] == (
        "Air: 3 takes (2 of yours, 1 by others), 47 of 47 steps from note to note known"
    )


def test_a_take_unlike_the_others_is_said_not_to_count() -> None:
    score = air()
    takes = [a_take("1", 1), a_take("2", 2), a_take("3", 3), a_take("4", 4, strange=True)]
    learned = look_at(score, score.parts[0], takes)
    assert learned.used == (True, True, True, False)
    told = take_facts(score, takes[3], learned.reasons[3])
    assert "too little in common" in told["reason"]
    assert told["bars"] == ["1", "12"]


def test_a_partial_take_is_brought_to_the_level_of_the_others() -> None:
    score = air()
    takes = [a_take("1", 1), a_take("2", 2), a_take("3", 3, pace=2.0, first=20, last=40)]
    learned = look_at(score, score.parts[0], takes)
    assert learned.used == (True, True, True)
    part = learned.deviations[2]
    assert np.flatnonzero(np.isfinite(part)).tolist() == list(range(20, 39))
    np.testing.assert_allclose(part[20:39], learned.together.mean[20:39], atol=0.06)


def test_a_take_of_next_to_nothing_is_said_not_to_count() -> None:
    score = air()
    scraps = replace(
        a_take("2", 2),
        stretches=tuple(
            Stretch(np.arange(a, a + 2.0), np.array([0.0, 1.0])) for a in range(0, 40, 4)
        ),
    )
    learned = look_at(score, score.parts[0], [a_take("1", 1), scraps])
    assert learned.used == (True, False)
    assert learned.reasons == ("", "its stretches are too short beside the whole piece")


def test_nothing_learned_is_said_and_nothing_breaks() -> None:
    score = air()
    learned = look_at(score, score.parts[0], [])
    facts = facts_of(score, learned)
    assert (facts["takes"], facts["apart_ms"], learned.known) == (0, None, 0)
    assert words_of("Air", facts) == ["Air: nothing has been learned of it"]
    alone = look_at(score, score.parts[0], [a_take("1", 1)])
    assert (alone.used, alone.apart_ms) == ((True,), None)


def test_one_performance_is_kept_once(tmp_path: Path) -> None:
    score = air()
    solo, store = score.parts[0], store_of(score.parts[0])
    whole = a_take("whole", 1)
    keep_learned(a_take("half", 1, last=24), solo, ABOUT)
    keep_learned(a_take("other", 2), solo, ABOUT)
    keep_learned(whole, solo, ABOUT)
    assert [t.id for t in store.takes()] == ["other", "whole"]
    kept = json.loads((store.folder / "piece.json").read_text())
    assert kept == {**ABOUT, "solo": "Flute", "part": 1}


# ---- by itself, and for a rendering --------------------------------------------------------------


def folder_of(take: LearnedTake, folder: Path, **facts: object) -> Path:
    folder.mkdir()
    about = {"piece": ABOUT, "input": {"source": ""}, **facts}
    (folder / "take.json").write_text(json.dumps(about))
    stretch = take.stretches[0]
    rows = zip(stretch.times_s, stretch.quarters, strict=True)
    lines = [f"{t + 0.02:.6f},{t:.6f},{q:.6f}\n" for t, q in rows]
    (folder / "onsets.csv").write_text("reported,time,quarter\n" + "".join(lines))
    hops = [f"{0.1 * i:.3f},0,60,0.9,following\n" for i in range(int(stretch.times_s[-1] * 10) + 9)]
    (folder / "trace.csv").write_text("time,quarter,qpm,confidence,state\n" + "".join(hops))
    return folder


def test_a_take_is_learned_from_by_itself_unless_it_is_none(tmp_path: Path) -> None:
    score = air()
    solo, store = score.parts[0], store_of(score.parts[0])

    def learn(take: LearnedTake, name: str, of: Score = score, **facts: object) -> str:
        folder = folder_of(take, tmp_path / name, **facts)
        learned, text = learn_by_itself(folder, of, solo, ABOUT)
        assert learned == text.startswith("learned from it")
        return text

    assert learn(a_take("1", 1), "one") == ("learned from it: 1 take tells how you play this now")
    assert "2 takes tell" in learn(a_take("2", 2), "two")
    assert "too little of the piece" in learn(a_take("3", 3, last=7), "short")
    assert "is of Air, or of another part" in learn(a_take("4", 4), "other", solo_line="x")
    assert learn(a_take("5", 5), "demo", input={"simulated": True}) == ""
    assert learn(a_take("6", 6), "concerto", replace(score, recording_s=60.0)) == ""
    assert len(store.takes()) == 2


def test_what_a_rendering_is_told(tmp_path: Path) -> None:
    score = air()
    solo = score.parts[0]
    one = folder_of(a_take("1", 1), tmp_path / "one")
    two = folder_of(a_take("2", 2), tmp_path / "two")
    said: list[str] = []

    def told(folders: Sequence[Path], *, rehearsed: bool = False) -> dict[str, int]:
        asked = rehearsal_for(piece(), solo, folders, rehearsed=rehearsed, tell=said.append)
        return asked.facts()

    assert told([]) == {"own_takes": 0, "takes_by_others": 0}
    assert told([one, tmp_path, two])["own_takes"] == 2
    assert "does not count" in said[-2]
    assert "known from 2 earlier takes" in said[-1]
    assert store_of(solo).takes() == []  # nothing of it is kept
    assert told([], rehearsed=True)["own_takes"] == 0
    assert "nothing has been learned" in said[-1]
    learn_by_itself(one, score, solo, ABOUT)
    keep_learned(a_take("3", 3, own=False), solo, ABOUT)
    assert told([], rehearsed=True) == {"own_takes": 1, "takes_by_others": 1}
    assert told([one, two], rehearsed=True) == {"own_takes": 2, "takes_by_others": 1}
    assert told([two]) == {"own_takes": 1, "takes_by_others": 0}
    with pytest.raises(BadInputError, match=r"no take folder"):
        told([tmp_path])
    recording: object = object()
    with pytest.raises(UsageError, match=r"is a recording"):
        rehearsal_for(
            replace(piece(), recording=recording),  # type: ignore[arg-type]
            solo,
            [one],
            rehearsed=False,
            tell=said.append,
        )


# ---- the picture ---------------------------------------------------------------------------------


def test_the_picture_is_the_same_for_the_same_takes(tmp_path: Path) -> None:
    score = air()
    takes = [a_take("1", 1, longer={31: 0.9}), a_take("2", 2, longer={31: 0.8}, own=False)]
    learned = look_at(score, score.parts[0], takes)
    for name in ("a.svg", "b.svg", "c.png"):
        draw(tmp_path / name, score, learned, title="Air", subtitle="Flute")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    for words in ("Air", "Flute", "a take of yours", "by somebody else", "expected", "loudness"):
        assert words in text
    assert sorted(p.name for p in tmp_path.glob("*.*")) == ["a.svg", "b.svg", "c.png"]
    with pytest.raises(AccompanistError, match=r"name it \.svg"):
        draw(tmp_path / "d.xyz", score, learned, title="", subtitle="")
    (tmp_path / "file").write_text("")
    with pytest.raises(AccompanistError, match=r"cannot be written"):
        draw(tmp_path / "file" / "e.svg", score, learned, title="", subtitle="")
