"""From a take folder to what is learned of it, and every way in which that can fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.rehearsing.hindsight import in_hindsight
from accompanist.app.rehearsing.loudness import envelope
from accompanist.app.rehearsing.reading import read_recording, read_take
from accompanist.app.rehearsing.stretches import played_on
from accompanist.app.rehearsing.takes import LearnedTake, line_key
from accompanist.errors import BadInputError
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from bridges.audio_files import write_wav

RATE = 16_000
TUNE = (72, 74, 76, 77, 79, 76, 72, 79, 81, 79, 77, 76, 74, 71, 72, 67, 69, 71, 72, 72)
BREATHED = 8
"""The note before which the soloist breathes."""


def duet() -> Score:
    solo = Part(1, "Flute", tuple(Note(float(i), 1.0, p) for i, p in enumerate(TUNE)))
    bass = Part(2, "Cello", tuple(Note(2.0 * i, 2.0, 48 + i % 5) for i in range(10)))
    return Score("Duet", (solo, bass), (), tempo_marks=(TempoMark(0.0, 120.0),))


def onsets_s() -> np.ndarray:
    """When a human plays them: half a second each, more or less, with a breath."""
    steps = 0.5 + 0.05 * np.sin(np.arange(len(TUNE)) * 1.3)
    steps[BREATHED - 1] += 0.6
    return 0.4 + np.concatenate(([0.0], np.cumsum(steps[:-1])))


def take_folder(
    folder: Path,
    *,
    times_s: npt.ArrayLike | None = None,
    events: Sequence[int] | None = None,
    states: Callable[[float], str] = lambda _: "following",
    confidence: Callable[[float], float] = lambda _: 0.95,
    **facts: Any,
) -> Path:
    """Write a take folder, as far as it matters here."""
    folder.mkdir()
    times = onsets_s() if times_s is None else np.array(times_s)
    chosen = range(len(times)) if events is None else events
    about = {
        "piece": {"id": "duet", "title": "Duet"},
        "input": {"source": "microphone"},
        "position_unit": "quarters",
        "solo_line": line_key(solo_line(duet().parts[0])),
        **facts,
    }
    (folder / "take.json").write_text(json.dumps(about))
    rows = [f"{t + 0.03:.6f},{t:.6f},{e:.6f}\n" for t, e in zip(times, chosen, strict=True)]
    (folder / "onsets.csv").write_text(
        "# position: quarters\nreported,time,quarter\n" + "".join(rows)
    )
    hops = np.arange(0.0, (times[-1] if len(times) else 0.0) + 1.0, 0.01)
    lines = [f"{t:.6f},0.0,120.0,{confidence(t):.4f},{states(t)}\n" for t in hops]
    (folder / "trace.csv").write_text("time,quarter,qpm,confidence,state\n" + "".join(lines))
    return folder


def read(folder: Path, **how: Any) -> LearnedTake:
    score = duet()
    return read_take(folder, score, score.parts[0], **how)


def refused(folder: Path) -> str:
    with pytest.raises(BadInputError) as failure:
        read(folder)
    text = str(failure.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def soloist(times_s: np.ndarray, play_tones: Callable[..., np.ndarray]) -> np.ndarray:
    """The tune, each note to the next, silent before the breath; the last notes loud."""
    ends = np.append(times_s[1:] - 0.02, times_s[-1] + 0.6)
    ends[BREATHED - 1] -= 0.5
    notes = [(t, e, p) for t, e, p in zip(times_s, ends, TUNE, strict=True)]
    sound = play_tones(notes, rate=RATE, gain=0.05)
    sound[round((times_s[-5] - 0.01) * RATE) :] *= 4.0
    noise = np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    return np.asarray(sound + np.float32(1e-4) * noise)


# ---- reports alone -------------------------------------------------------------------------------


def test_a_take_without_its_sound_is_learned_by_its_reports(tmp_path: Path) -> None:
    learned = read(take_folder(tmp_path / "take"))
    (stretch,) = learned.stretches
    np.testing.assert_allclose(stretch.times_s, onsets_s(), atol=1e-6)
    np.testing.assert_array_equal(stretch.quarters, np.arange(20.0))
    assert (learned.source, learned.own, stretch.levels_db) == ("reports", True, None)
    assert read(tmp_path / "take").id == learned.id
    assert not read(tmp_path / "take", own=False).own


def test_a_part_of_a_piece_counts_for_that_part(tmp_path: Path) -> None:
    learned = read(take_folder(tmp_path / "take", times_s=onsets_s()[4:17], events=range(4, 17)))
    assert [len(s) for s in learned.stretches] == [13]
    assert learned.stretches[0].quarters[0] == 4.0


def test_a_passage_played_again_is_a_stretch_of_its_own(tmp_path: Path) -> None:
    events = [*range(12), *range(4, 20)]
    times = 0.5 + 0.5 * np.arange(len(events))
    first, second = read(take_folder(tmp_path / "a", times_s=times, events=events)).stretches
    assert (first.quarters[0], first.quarters[-1]) == (0.0, 11.0)
    assert (second.quarters[0], second.quarters[-1]) == (4.0, 19.0)


def test_what_was_reported_while_lost_does_not_count(tmp_path: Path) -> None:
    times = onsets_s()
    lost = (times[3] - 0.05, times[5] + 0.05)
    folder = take_folder(
        tmp_path / "take",
        states=lambda t: "lost" if lost[0] < t < lost[1] else "following",
        confidence=lambda t: 0.2 if t > times[17] else 0.9,
    )
    assert [q for s in read(folder).stretches for q in s.quarters] == [0, 1, 2, *range(6, 17)]


def test_simulated_takes_have_their_truth(tmp_path: Path) -> None:
    folder = take_folder(tmp_path / "take", times_s=onsets_s() + 0.04)
    rows = "".join(f"{i},{t:.5f}\n" for i, t in enumerate(onsets_s()))
    (folder / "truth.csv").write_text("quarter,time\n" + rows)
    learned = read(folder)
    assert learned.source == "truth"
    np.testing.assert_allclose(learned.stretches[0].times_s, onsets_s(), atol=1e-5)


def test_takes_that_cannot_be_learned_from_say_why(tmp_path: Path) -> None:
    make = iter(range(100))

    def folder(**how: Any) -> Path:
        return take_folder(tmp_path / f"take{next(make)}", **how)

    assert "of Trio" in refused(folder(solo_line="other", piece={"title": "Trio"}))
    assert "other piece or part" in refused(folder(events=np.arange(20) + 0.4, solo_line=None))
    assert "take of a recording" in refused(folder(position_unit="seconds"))
    assert "no note of the soloist" in refused(folder(times_s=[], events=[]))
    assert "lost for" in refused(folder(states=lambda t: "lost" if t > 4 else "following"))
    assert "never sure" in refused(folder(confidence=lambda _: 0.3))
    assert "too little" in refused(folder(times_s=onsets_s()[:5], events=range(5)))
    assert "too little" in refused(folder(events=[0, 9, 2, 17, 4, 1, 3, 19, 8, 5] * 2))
    assert "no take folder" in refused(tmp_path)
    assert "no such folder" in refused(tmp_path / "gone")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("onsets.csv", None),
        ("onsets.csv", b""),
        ("onsets.csv", b"reported,time\n1,2\n"),
        ("onsets.csv", b"reported,time,quarter\n1,nan,0\n"),
        ("onsets.csv", b"reported,time,quarter\n1,1e300,0\n"),
        ("onsets.csv", b"reported,time,quarter\n1,one,0\n"),
        ("onsets.csv", b"\x00\xff\xfe\x12"),
        ("onsets.csv", b"reported,time,quarter\n" + b"x" * (65 << 20)),
        ("trace.csv", b"time,quarter,qpm,confidence,state\n"),
        ("trace.csv", b"time,quarter,qpm,confidence,state\n0,0,0,nan,following\n"),
        ("trace.csv", b"time,quarter,qpm,confidence,state\n0,0,0,high,following\n"),
        ("trace.csv", b"time,quarter\n0,0\n"),
        ("trace.csv", b"time,quarter,qpm,confidence,state\n0,0\n"),
        ("trace.csv", b"\xff\xfe\x00"),
        ("trace.csv", b"x" * 100_000),
        ("truth.csv", b"quarter\n0\n"),
        ("take.json", b"[1]"),
        ("take.json", b'{"input": []}'),
        ("take.json", b"{" * 50_000),
        ("take.json", b" " * (5 << 20)),
    ],
)
def test_broken_folders_are_refused_in_a_line(
    tmp_path: Path, file: str, content: bytes | None
) -> None:
    folder = take_folder(tmp_path / "take")
    (folder / file).unlink(missing_ok=True)
    if content is not None:
        (folder / file).write_bytes(content)
    refused(folder)


# ---- its sound -----------------------------------------------------------------------------------


def test_the_sound_makes_it_exact_and_tells_loudness_and_breath(
    tmp_path: Path, play_tones: Callable[..., np.ndarray]
) -> None:
    late = np.random.default_rng(3).normal(0.02, 0.03, len(TUNE))
    late[11] = 0.3  # one that was taken for another
    times = onsets_s()
    folder = take_folder(tmp_path / "take", times_s=np.sort(times + late))
    write_wav(folder / "solo.wav", soloist(times, play_tones)[:, None], RATE)
    learned = read(folder)
    (stretch,) = learned.stretches
    assert learned.source == "sound"
    assert set(range(20)) - {11} <= set(stretch.quarters.astype(int)) | {0, 19}
    true = times[stretch.quarters.astype(int)]
    assert np.abs(np.diff(stretch.times_s) - np.diff(true)).max() < 0.025
    assert stretch.levels_db is not None
    assert stretch.silences_s is not None
    loud = stretch.quarters >= 15.0
    assert stretch.levels_db[loud].min() > stretch.levels_db[~loud].max() + 6.0
    assert stretch.levels_db.mean() == pytest.approx(0.0, abs=1e-9)
    breath = stretch.quarters == float(BREATHED)
    assert stretch.silences_s[breath] > 0.3
    assert stretch.silences_s[~breath][1:].max() < 0.1
    assert read(folder, hindsight=False).source == "reports"


def test_sound_of_something_else_changes_nothing(tmp_path: Path) -> None:
    folder = take_folder(tmp_path / "take")
    noise = 0.1 * np.random.default_rng(1).standard_normal(12 * RATE)
    write_wav(folder / "solo.wav", noise.astype(np.float32)[:, None], RATE)
    learned = read(folder)
    assert learned.source == "reports"
    (folder / "solo.wav").write_bytes(b"no sound")
    assert read(folder).stretches[0].levels_db is None


def test_a_recording_of_the_piece_is_a_performance_by_somebody_else(
    tmp_path: Path, play_tones: Callable[..., np.ndarray]
) -> None:
    times = onsets_s()
    bass = [(times[2 * i], times[2 * i] + 0.9, 48 + i % 5) for i in range(10)]
    sound = soloist(times, play_tones)
    below = play_tones(bass, rate=RATE, gain=0.02)[: len(sound)]
    sound[: len(below)] += below
    write_wav(tmp_path / "other.wav", sound[:, None], RATE)
    score = duet()
    learned = read_recording(tmp_path / "other.wav", score, score.parts[0])
    assert (learned.own, learned.source) == (False, "recording")
    (stretch,) = learned.stretches
    true = times[stretch.quarters.astype(int)]
    assert len(stretch) >= 17
    assert np.median(np.abs(np.diff(stretch.times_s) - np.diff(true))) < 0.02
    write_wav(tmp_path / "noise.wav", np.zeros((8 * RATE, 1), dtype=np.float32), RATE)
    with pytest.raises(BadInputError, match=r"silent"):
        read_recording(tmp_path / "noise.wav", score, score.parts[0])


# ---- the parts of it -----------------------------------------------------------------------------

WRITTEN_S = 0.5 * np.arange(40.0)


def stretches(events: Sequence[int], times_s: npt.ArrayLike) -> list[list[int]]:
    found = played_on(
        WRITTEN_S, np.array(events, dtype=np.intp), np.array(times_s, dtype=np.float64)
    )
    return [e.tolist() for e, _ in found]


def test_where_somebody_goes_elsewhere_a_stretch_ends() -> None:
    even = 0.6 * np.arange(20)
    assert stretches(range(20), even) == [list(range(20))]
    assert stretches([*range(8), *range(20, 32)], even) == [list(range(8)), list(range(20, 32))]
    assert stretches([*range(8), *range(2, 14)], even) == [list(range(8)), list(range(2, 14))]
    stopped = np.concatenate((even[:10], even[10:] + 20.0))
    assert stretches(range(20), stopped) == [list(range(10)), list(range(10, 20))]
    held = np.concatenate((even[:10], even[10:] + 4.0))
    assert stretches(range(20), held) == [list(range(20))]


def test_what_is_missing_told_twice_or_at_one_instant_is_no_jump() -> None:
    even = 0.5 * np.arange(20)
    some = [e for e in range(20) if e not in (5, 6, 7, 12)]
    assert stretches(some, even[some]) == [some]
    twice = sorted([*range(20), 9])
    assert stretches(twice, np.sort(np.append(even, 4.6))) == [list(range(20))]
    at_once = even.copy()
    at_once[7] = at_once[6] + 0.001
    assert stretches(range(20), at_once) == [[e for e in range(20) if e != 7]]
    assert stretches([], []) == []
    assert stretches(range(5), even[:5]) == []


def test_hindsight_keeps_what_both_say_and_leaves_out_where_they_differ() -> None:
    events = np.arange(30, dtype=np.intp)
    true = 0.5 * np.arange(40.0)
    reported = true[:30] + np.random.default_rng(1).normal(0.0, 0.03, 30)
    reported[13] += 0.4
    reported = np.maximum.accumulate(reported).astype(np.float64)
    missed = np.delete(events, [20, 21])
    aligned = true + 0.03
    ((found, times),) = in_hindsight(WRITTEN_S, [(missed, reported[missed])], aligned) or []
    assert found.tolist() == [*range(13), *range(14, 36)]  # 30–35: near enough to what was heard
    np.testing.assert_allclose(times, aligned[found])
    assert in_hindsight(WRITTEN_S, [(events, reported)], true + np.arange(40) * 0.3) is None
    assert in_hindsight(WRITTEN_S, [(events, reported)], np.full(40, np.nan)) is None


def test_a_passage_played_again_is_kept_as_it_was_reported() -> None:
    first, again = np.arange(20, dtype=np.intp), np.arange(5, 15, dtype=np.intp)
    aligned = np.where(np.arange(40) < 20, 0.5 * np.arange(40), np.nan)
    both = [(first, 0.5 * np.arange(20.0)), (again, 12.0 + 0.45 * np.arange(10.0))]
    found = in_hindsight(WRITTEN_S, both, aligned) or []
    assert [e.tolist() for e, _ in found] == [first.tolist(), again.tolist()]
    np.testing.assert_allclose(found[1][1], both[1][1])


def test_loudness_is_that_of_the_note_and_not_of_the_one_before() -> None:
    t = np.arange(4 * RATE) / RATE
    gain = np.select([t < 1.0, t < 2.0, t < 2.5], [0.1, 0.2, 0.0], 0.05)
    sound = (gain * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    course = envelope(ArraySound(sound, RATE))
    levels = course.levels_db(np.array([0.0, 1.0, 2.5]))
    np.testing.assert_allclose(np.diff(levels), [6.0, -12.0], atol=0.3)
    silences = course.silences_s(np.array([0.0, 1.0, 2.5]))
    np.testing.assert_allclose(silences, [0.0, 0.0, 0.48], atol=0.03)
    empty = envelope(ArraySound(np.zeros(0, dtype=np.float32), RATE))
    assert empty.levels_db(np.array([0.0, 9.0])).tolist() == [-100.0, -100.0]
