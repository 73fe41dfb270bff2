"""A take is on disk while it is played, and becomes a take folder."""

from __future__ import annotations

import errno
import json
import os
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from accompanist.app.keeping.journal import TABLES, JournalFacts, TakeJournal
from accompanist.app.keeping.keep_take import main as keep
from accompanist.app.keeping.keep_take import write_kept
from accompanist.app.keeping.learn_kept import main as learn
from accompanist.app.keeping.ring import TakeRing, journal_seconds, ring_folder
from accompanist.app.rehearsing.kept import store_of
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.timeline import Timeline
from accompanist.errors import BadInputError
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.session import Step
from accompanist.takes.folder import is_take

RATE, HOP = 8000, 46
HOP_S = HOP / RATE
START_S = 10.0
"""The session has run for so long before the take begins."""


def duet() -> Score:
    solo = Part(1, "Flute", tuple(Note(float(i), 1.0, 72 + i) for i in range(8)))
    bass = Part(2, "Cello", tuple(Note(2.0 * i, 2.0, 48 + i) for i in range(4)), program=42)
    measures = (Measure(0.0, 4.0, "1"), Measure(4.0, 4.0, "2"))
    return Score("Duet", (solo, bass), measures, tempo_marks=(TempoMark(0.0, 120.0),))


def facts_of(*, keys: bool = False) -> JournalFacts:
    return JournalFacts(
        piece={"id": "duet", "title": "Duet", "composer": "Nobody"},
        score=duet(),
        solo=1,
        follower="bayes",
        conductor=asdict(ConductorSettings(latency_out_s=0.02, countin_bars=2.0)),
        sample_rate=None if keys else RATE,
        hop_s=HOP_S,
        report_s=0.025,
        input={"live": True, "source": "USB Microphone", "sample_rate": RATE},
    )


def step_at(hop: int, state: str = "following") -> Step:
    """Make the step of a hop of the take: the soloist plays a quarter each half second."""
    time_s = START_S + (hop + 1) * HOP_S
    quarter = 2.0 * (time_s - START_S)
    event = int(quarter)
    began = int(quarter - 2.0 * HOP_S) < event
    onset = OnsetReport(time_s, time_s - 0.02, float(event), event)
    estimate = Estimate(
        time_s,
        quarter,
        2.0,
        0.875,
        FollowerState.FOLLOWING,
        onsets=(onset,) if began and event < 8 else (),
        level_db=-20.0,
    )
    cue = Cue(time_s, Timeline((START_S,), (0.0,), 2.0), state)
    return Step(estimate, (), cue, quarter)


def bass_messages() -> list[TimedMessage]:
    sent = [TimedMessage(START_S, 0.0, 2, Message(Kind.PROGRAM, 1, 42))]
    for i in range(4):
        on, off = Message(Kind.ON, 1, 48 + i, 80), Message(Kind.OFF, 1, 48 + i)
        sent.append(TimedMessage(START_S + i + 0.001, 2.0 * i, 2, on))
        sent.append(TimedMessage(START_S + i + 0.951, 2.0 * i + 1.9, 2, off))
    return sent


def sound_of(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 440.0 * t)).astype(np.float32)


def played(folder: Path, seconds: float = 4.0, *, keys: bool = False) -> TakeJournal:
    """Write a whole take."""
    problems: list[str] = []
    journal = TakeJournal(folder, facts_of(keys=keys), problems.append)
    journal.open()
    hops = int(seconds / HOP_S)
    sound = sound_of(hops * HOP_S)
    for hop in range(hops):
        if not keys:
            journal.sound(sound[hop * HOP : (hop + 1) * HOP], START_S + hop * HOP_S)
        journal.step(step_at(hop), 0.00025, 0.0015 if hop % 100 == 0 else None)
    messages = bass_messages()
    journal.sent(messages, [0.0004] * len(messages))
    journal.figures({"xruns": 2, "lost_samples": 5})
    journal.close()
    assert journal.join(20.0)
    assert problems == []
    return journal


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played(tmp_path_factory.mktemp("journals") / "one").folder


def rows(path: Path) -> list[list[str]]:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "# position: quarters"
    assert lines[1] == TABLES[path.name]
    return [line.split(",") for line in lines[2:]]


def test_times_are_counted_from_the_beginning_of_the_take(journal: Path) -> None:
    trace = rows(journal / "trace.csv")
    assert trace[0] == [f"{HOP_S:.6f}", f"{2.0 * HOP_S:.6f}", "120.0000", "0.8750", "following"]
    assert len(trace) == len(rows(journal / "hops.csv")) == int(4.0 / HOP_S)
    sent = rows(journal / "played.csv")
    assert sent[0] == ["0.000000", "0.000000", "2", "1", "42", "0", "program"]
    assert sent[1] == ["0.001000", "0.000000", "2", "1", "48", "80", "on"]
    assert rows(journal / "late.csv") == [["0.400"]] * 9
    assert [row[2] for row in rows(journal / "onsets.csv")] == [f"{q:.6f}" for q in range(1, 8)]


def test_the_soloist_is_recorded_from_the_same_moment(journal: Path) -> None:
    sound, rate = soundfile.read(journal / "solo.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(sound, sound_of(len(sound) / RATE), atol=2e-7)
    assert journal_seconds(journal) == pytest.approx(len(sound) / RATE, abs=1e-6)


def test_what_is_beyond_full_scale_or_no_number_is_recorded_as_it_can_be(tmp_path: Path) -> None:
    journal = TakeJournal(tmp_path / "one", facts_of(), lambda text: None)
    journal.open()
    journal.sound(np.array([2.0, -2.0, np.nan, np.inf, 0.5], dtype=np.float32), 0.0)
    journal.close()
    assert journal.join(20.0)
    sound, _ = soundfile.read(journal.folder / "solo.wav")
    np.testing.assert_allclose(sound, [1.0, -1.0, 0.0, 1.0, 0.5], atol=2e-7)


def sound_seconds(folder: Path) -> float:
    """Length of the sound so far; 0 before there is any."""
    try:
        return float(soundfile.info(folder / "solo.wav").duration)
    except soundfile.SoundFileError:
        return 0.0


def test_it_can_be_read_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accompanist.app.keeping.journal.FLUSH_S", 0.01)
    journal = TakeJournal(tmp_path / "one", facts_of(), lambda text: None)
    journal.open()
    for hop in range(10):
        journal.sound(sound_of(HOP_S), START_S + hop * HOP_S)
        journal.step(step_at(hop), 0.0002, None)
    pause = threading.Event()
    for _ in range(500):
        if min(journal_seconds(journal.folder), sound_seconds(journal.folder)) > 9.5 * HOP_S:
            break
        pause.wait(0.01)
    # Nothing has been closed: so it lies there if the process is killed now.
    assert len(rows(journal.folder / "trace.csv")) == 10
    assert soundfile.info(journal.folder / "solo.wav").frames == 10 * HOP
    assert json.loads((journal.folder / "take.json").read_text("utf-8"))["state"] == "recording"
    journal.close()
    assert journal.join(20.0)
    assert json.loads((journal.folder / "take.json").read_text("utf-8"))["state"] == "done"


def test_a_take_folder_is_made_of_it(journal: Path, tmp_path: Path) -> None:
    out = tmp_path / "take"
    facts = write_kept(journal, out, audio=False)
    assert is_take(out)
    for table in ("trace.csv", "onsets.csv", "played.csv"):
        assert (out / table).read_bytes() == (journal / table).read_bytes()
    assert (out / "solo.wav").read_bytes() == (journal / "solo.wav").read_bytes()
    assert (out / "picture.svg").exists()
    assert (out / "accompaniment.mid").read_bytes()[:4] == b"MThd"
    content = json.loads((out / "take.json").read_text("utf-8"))
    assert content["xruns"] == 2
    assert content["piece"]["id"] == "duet"
    assert content["settings"]["conductor"]["countin_bars"] == 2.0
    assert content["latencies"] == {"report_s": 0.025, "output_s": 0.02}
    assert content["compute_ms"]["p50"] == pytest.approx(0.25)
    assert content["input"]["publish_ms"]["p50"] == pytest.approx(1.5)
    assert content["input"]["notes_late_ms"]["max"] == pytest.approx(0.4)
    assert content["input"]["lost_samples"] == 5
    assert content["notes_played"] == 4
    assert facts["final_state"] == "following"


def test_hosts_are_told_of_by_the_takes_own_time(journal: Path, tmp_path: Path) -> None:
    start_s = json.loads((journal / "take.json").read_text("utf-8"))["figures"]["start_s"]
    zeros = [
        {"from_s": start_s - 1.0, "zero_s": 5.0},  # of the take before
        {"from_s": start_s + 0.01, "zero_s": 5.0 - start_s},
    ]
    hosts = {"ardour": zeros, "reaper": zeros[:1]}
    facts = write_kept(journal, tmp_path / "take", audio=False, hosts=hosts)
    (zero,) = facts["hosts"]["ardour"]  # type: ignore[index]
    assert zero == {"from_s": pytest.approx(0.01), "zero_s": pytest.approx(5.0)}
    assert list(facts["hosts"]) == ["ardour"]  # type: ignore[call-overload]


def test_a_take_of_keys_has_no_sound_of_the_soloist(tmp_path: Path) -> None:
    journal = played(tmp_path / "keys", keys=True)
    assert not (journal.folder / "solo.wav").exists()
    assert rows(journal.folder / "trace.csv")[0][0] == f"{HOP_S:.6f}"
    write_kept(journal.folder, tmp_path / "take", audio=False)
    assert is_take(tmp_path / "take")


def test_a_line_that_breaks_off_is_left_out(journal: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in journal.iterdir():
        data = file.read_bytes()
        (broken / file.name).write_bytes(data[:-7] if file.suffix == ".csv" else data)
    write_kept(broken, tmp_path / "take", audio=False)
    kept = rows_of_take(tmp_path / "take" / "trace.csv")
    assert kept == rows(journal / "trace.csv")[:-1]


def rows_of_take(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text("utf-8").splitlines()[2:]]


@pytest.mark.parametrize("missing", ["take.json", "score.json", "trace.csv"])
def test_what_is_no_journal_is_refused_in_a_line(
    journal: Path, tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in journal.iterdir():
        if file.name != missing:
            (broken / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BadInputError, match=r"journal|recorded take"):
        write_kept(broken, tmp_path / "take", audio=False)
    assert not (tmp_path / "take").exists()
    assert keep([str(broken), str(tmp_path / "take"), "--no-audio"]) == 3
    assert capsys.readouterr().err.startswith(f"accompanist: {broken}")


def test_a_disk_that_cannot_be_written_is_told_of_once(tmp_path: Path) -> None:
    ground = tmp_path / "a file"
    ground.write_text("no folder")
    problems: list[str] = []
    journal = TakeJournal(ground / "one", facts_of(), problems.append)
    journal.open()
    for hop in range(100):
        journal.sound(sound_of(HOP_S), hop * HOP_S)
        journal.step(step_at(hop), 0.0002, None)
    journal.close()
    assert journal.join(20.0)
    assert journal.broken
    assert len(problems) == 1
    assert "not recorded any more (not a directory)" in problems[0]


def test_a_disk_that_fills_up_keeps_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accompanist.app.keeping.journal.FLUSH_S", 0.005)
    problems: list[str] = []
    journal = TakeJournal(tmp_path / "one", facts_of(), problems.append)
    journal.open()
    for hop in range(50):
        journal.sound(sound_of(HOP_S), START_S + hop * HOP_S)
        journal.step(step_at(hop), 0.0002, None)
    pause = threading.Event()
    for _ in range(500):
        if journal_seconds(journal.folder) > 49.5 * HOP_S:
            break
        pause.wait(0.01)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("accompanist.app.keeping.journal._Files.add_hop", full)
    for hop in range(50, 100):
        journal.step(step_at(hop), 0.0002, None)
    assert journal.join(20.0)
    assert journal.broken
    assert len(problems) == 1
    assert "not recorded any more (no space left on device)" in problems[0]
    write_kept(journal.folder, tmp_path / "kept", audio=False)
    assert len(rows_of_take(tmp_path / "kept" / "trace.csv")) == 50


def test_a_disk_that_hangs_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accompanist.app.keeping.journal.MOST_WAITING", 50)
    problems: list[str] = []
    journal = TakeJournal(tmp_path / "one", facts_of(), problems.append)
    for hop in range(200):  # it has not been opened: nothing takes it away
        journal.sound(sound_of(HOP_S), hop * HOP_S)
    assert journal.broken
    assert len(problems) == 1


# ---- the ring ------------------------------------------------------------------------------------


def fill(ring: TakeRing, name: str, seconds: float) -> Path:
    folder = ring.folder / name
    folder.mkdir(parents=True)
    (folder / "take.json").write_text("{}")
    (folder / "trace.csv").write_text(f"# position: quarters\n{TABLES['trace.csv']}\n")
    with (folder / "trace.csv").open("a") as file:
        file.write(f"{seconds:.6f},0.000000,120.0000,1.0000,following\n")
    return folder


def test_the_oldest_takes_go_first(tmp_path: Path) -> None:
    ring = TakeRing(tmp_path, minutes=3.0, takes=10)
    folders = [fill(ring, f"{i}", 60.0) for i in range(5)]
    ring.trim(spared={folders[0]})
    assert ring.journals() == [folders[0], *folders[2:]]
    assert ring.newest() == folders[4]


def test_there_are_only_so_many_takes(tmp_path: Path) -> None:
    ring = TakeRing(tmp_path, minutes=60.0, takes=2)
    folders = [fill(ring, f"{i}", 1.0) for i in range(4)]
    ring.trim()
    assert ring.journals() == folders[2:]


def test_what_is_not_a_journal_is_left_alone(tmp_path: Path) -> None:
    ring = TakeRing(tmp_path, minutes=0.001, takes=1)
    (tmp_path / "0 mine").mkdir()
    fill(ring, "1", 60.0)
    ring.trim()
    assert [p.name for p in tmp_path.iterdir()] == ["0 mine"]
    assert TakeRing(tmp_path / "nowhere").journals() == []
    assert TakeRing(tmp_path / "nowhere").newest() is None


def test_where_the_state_cannot_be_written_takes_are_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *a, **k: tmp_path / "state")
    assert ring_folder() == tmp_path / "state" / "takes"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("platformdirs.user_state_path", lambda *a, **k: tmp_path / "file")
    assert ring_folder().parent == tmp_path


def test_folders_are_named_by_time_and_piece(tmp_path: Path) -> None:
    name = TakeRing(tmp_path).new_folder("/home/me/../My Piece.mxl").name
    assert name.endswith("-home-me-..-My-Piece.mxl")
    assert "/" not in name


def test_a_kept_take_is_learned_from_if_that_is_wished(
    journal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(os, "setpriority", lambda *_: None)  # these are not the test's own
    store, take = store_of(duet().parts[0]), tmp_path / "take"
    assert keep([str(journal), str(take), "--no-audio"]) == 0
    assert store.takes() == []
    assert learn([str(journal), str(take)]) == 0
    (learned,) = store.takes()
    assert learned.name == str(take)
    assert learned.stretches[0].quarters.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert f"{take}: learned from it: 1 take tells" in capsys.readouterr().err
    facts = json.loads((take / "take.json").read_text())
    assert facts["solo_line"] == store.folder.name
    assert learn([str(tmp_path), str(take)]) == 3
    assert "is not a recorded take" in capsys.readouterr().err
