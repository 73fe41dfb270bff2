"""What is learned of a piece: values that go round, files that survive, takes forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.rehearsing.kept import kept_rehearsal, store_of
from accompanist.app.rehearsing.store import RehearsalStore
from accompanist.app.rehearsing.takes import (
    LearnedTake,
    Stretch,
    line_key,
    performances_of,
    same_performance,
    take_from_plain,
    take_to_plain,
)
from accompanist.errors import AccompanistError
from accompanist.score.model import Note, Part, Score
from accompanist.score.solo import solo_line

ABOUT = {"title": "Duet"}


def take(
    name: str = "/takes/one", *, onsets: int = 8, pace: float = 0.5, **more: Any
) -> LearnedTake:
    quarters = np.arange(onsets, dtype=np.float64)
    stretch = Stretch(quarters, pace * quarters, np.linspace(-3.0, 3.0, onsets), 0.0 * quarters)
    settled = {"id": Path(name).name, "own": True, "source": "reports", "when": "2026-01-01"}
    return LearnedTake(name=name, stretches=(stretch,), **{**settled, **more})


def solo(pitches: tuple[int, ...] = (60, 62, 64), start: float = 0.0) -> Part:
    notes = tuple(Note(start + i, 1.0, pitch) for i, pitch in enumerate(pitches))
    return Part(1, "Flute", notes)


rising = st.lists(st.floats(0.01, 50.0), min_size=2, max_size=20).map(
    lambda steps: np.round(np.cumsum(steps), 4)
)


@given(rising, st.booleans(), st.data())
def test_a_take_goes_round(times_s: np.ndarray, own: bool, data: st.DataObject) -> None:
    count = len(times_s)
    levels = data.draw(
        st.none() | st.lists(st.floats(-60, 60), min_size=count, max_size=count).map(np.array)
    )
    stretch = Stretch(np.arange(count) / 4.0, times_s, levels)
    first = replace(take(own=own), stretches=(stretch,))
    again = take_from_plain(json.loads(json.dumps(take_to_plain(first))))
    assert (again.id, again.own, again.name) == (first.id, own, first.name)
    np.testing.assert_array_equal(again.stretches[0].quarters, stretch.quarters)
    np.testing.assert_allclose(again.stretches[0].times_s, times_s, atol=1e-5)
    told = again.stretches[0].levels_db
    assert (told is None) == (levels is None)
    if told is not None and levels is not None:
        np.testing.assert_allclose(told, levels, atol=0.006)


def broken() -> list[dict[str, Any]]:
    """Many ways in which a file can be wrong."""
    good = take_to_plain(take())
    stretch = good["stretches"][0]

    def with_stretch(**changed: Any) -> dict[str, Any]:
        return {**good, "stretches": [{**stretch, **changed}]}

    return [
        {**good, "version": 99},
        {k: v for k, v in good.items() if k != "when"},
        {**good, "id": 7},
        {**good, "stretches": []},
        {**good, "stretches": "none"},
        with_stretch(quarters=[0.0]),
        with_stretch(times_s=stretch["times_s"][::-1]),
        with_stretch(times_s=[0.0, float("nan")]),
        with_stretch(times_s=[0.0, 1e12]),
        with_stretch(times_s=["0", "1"]),
        with_stretch(levels_db=[1.0]),
        with_stretch(levels_db="loud"),
    ]


@pytest.mark.parametrize("plain", [*broken(), [], None, 3, "take"])
def test_what_is_no_take_is_refused(plain: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        take_from_plain(plain)


def test_a_solo_part_is_known_by_its_notes_in_any_key() -> None:
    def key(*notes: Note) -> str:
        return line_key(solo_line(Part(1, "x", notes)))

    usual = key(Note(0.0, 1.0, 60), Note(1.0, 1.0, 64))
    assert key(Note(0.0, 0.5, 57, velocity=3), Note(1.0, 2.0, 61)) == usual
    assert key(Note(0.0, 1.0, 60), Note(1.0, 1.0, 65)) != usual
    assert key(Note(0.0, 1.0, 60), Note(1.5, 1.0, 64)) != usual
    assert line_key(solo_line(Part(1, "empty", ()))) != usual


def test_takes_are_kept_one_by_one_and_the_same_one_once(tmp_path: Path) -> None:
    store = RehearsalStore("key", tmp_path)
    assert store.takes() == []
    store.add(take("/takes/two", when="2026-01-02"), ABOUT)
    store.add(take("/takes/one", when="2026-01-01"), ABOUT)
    store.add(take("/takes/two", when="2026-01-02", own=False), ABOUT)
    assert [(t.name, t.own) for t in store.takes()] == [("/takes/one", True), ("/takes/two", False)]
    assert not list(store.folder.glob(".*"))


def test_the_oldest_goes_where_there_are_too_many(tmp_path: Path) -> None:
    store = RehearsalStore("key", tmp_path)
    for i in range(50):
        other = i < 2  # how somebody else plays it is not to be had again by playing
        store.add(take(f"/takes/{i:02}", when=f"2026-01-01T00:00:{i:02}", own=not other), ABOUT)
    names = [Path(t.name).name for t in store.takes()]
    assert (len(names), names[:4], names[-1]) == (48, ["00", "01", "04", "05"], "49")


def test_a_broken_file_is_told_of_and_the_others_count(tmp_path: Path) -> None:
    store = RehearsalStore("key", tmp_path)
    store.add(take("/takes/one"), ABOUT)
    store.add(take("/takes/two"), ABOUT)
    for name, content in (
        ("take-a.json", b"{"),
        ("take-b.json", b"\xff\xfe"),
        ("take-c.json", b"[" * 100_000),
        ("take-d.json", b" " * (9 << 20)),
        ("take-e.json", b'{"version": 1}'),
    ):
        (store.folder / name).write_bytes(content)
    (store.folder / "take-f.json").mkdir()
    complaints: list[str] = []
    assert len(store.takes(complaints.append)) == 2
    assert len(complaints) == 6
    assert all("does not count" in line and "\n" not in line for line in complaints)


def test_forgetting_some_and_all(tmp_path: Path) -> None:
    store = RehearsalStore("key", tmp_path)
    for name in ("/takes/one", "/takes/two", "/takes/three"):
        store.add(take(name), ABOUT)
    assert store.forget(["one"]) == ["/takes/one"]  # by the folder's name
    assert store.forget(["/takes/../takes/two"]) == ["/takes/two"]  # by its path
    assert store.forget(["four"]) == []
    assert [t.name for t in store.takes()] == ["/takes/three"]
    (store.folder / "take-broken.json").write_text("{")
    store.picture.write_text("<svg/>")
    assert sorted(store.forget()) == ["/takes/three", "take-broken.json"]
    assert not store.folder.exists()
    assert store.forget() == []


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AccompanistError, match=r"cannot be written .*not kept"):
        RehearsalStore("key", tmp_path / "file").add(take(), ABOUT)


def test_the_same_performance_is_known_again_and_another_is_not() -> None:
    rng = np.random.default_rng(1)
    steps = 0.5 * np.exp(rng.normal(0.0, 0.1, 40))

    def played(noise_s: float, first: int = 0, last: int = 40) -> LearnedTake:
        times = np.cumsum(steps + rng.normal(0.0, noise_s, 40))[first:last]
        stretch = Stretch(np.arange(first, last, dtype=np.float64), times)
        return replace(take(), stretches=(stretch,))

    whole = played(0.0)
    assert same_performance(whole, played(0.001, 5, 25))
    assert not same_performance(whole, played(0.012))
    assert not same_performance(played(0.0, 0, 20), played(0.0, 20, 40))


def test_who_played_a_soft_part_alone_was_not_loud() -> None:
    quarters = np.arange(40.0)
    levels = np.where(quarters < 20, -6.0, 6.0) + 0.5 * np.sin(quarters)

    def played(first: int, last: int) -> LearnedTake:
        own = levels[first:last] - levels[first:last].mean()
        stretch = Stretch(quarters[first:last], 0.5 * quarters[first:last], own)
        return replace(take(), stretches=(stretch,))

    told = performances_of([played(0, 40), played(0, 18), played(22, 40)])
    for performance in told:
        there = performance.quarters.astype(int)
        assert performance.levels_db is not None
        np.testing.assert_allclose(np.diff(performance.levels_db), np.diff(levels[there]))
    soft = [p.levels_db[3] for p in told[:2] if p.levels_db is not None]
    assert soft[1] == pytest.approx(soft[0], abs=0.1)
    assert told[2].levels_db is not None
    assert told[2].levels_db.min() > soft[0] + 10.0
    silent = replace(take(), stretches=(replace(take().stretches[0], levels_db=None),))
    assert [p.levels_db is None for p in performances_of([silent, played(0, 9)])] == [True, False]


def test_what_a_conductor_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    part = solo()
    score = Score("Duet", (part,), ())
    assert kept_rehearsal(score, part).facts() == {"own_takes": 0, "takes_by_others": 0}
    mine, theirs = take("/a", onsets=3), take("/b", onsets=3, own=False)
    theirs = replace(theirs, stretches=theirs.stretches * 2)
    for learned in (mine, theirs):
        store_of(part).add(learned, ABOUT)
    told = kept_rehearsal(score, part)
    assert told.facts() == {"own_takes": 1, "takes_by_others": 1}
    assert told.takes == 2
    assert [p.own for p in told.performances] == [True, False, False]
    np.testing.assert_array_equal(told.performances[0].times_s, [0.0, 0.5, 1.0])
    assert performances_of([mine])[0].levels_db is not None
    assert kept_rehearsal(replace(score, recording_s=3.0), part).performances == ()
    other = solo((60, 62, 65))
    assert kept_rehearsal(Score("Duet", (other,), ()), other).performances == ()
