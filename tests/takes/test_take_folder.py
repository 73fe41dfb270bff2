import json
from pathlib import Path

import pytest

from accompanist.conducting.timeline import Timeline
from accompanist.errors import AccompanistError, UsageError
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Score, TempoMark
from accompanist.score.outer import OuterAxis
from accompanist.session import Step
from accompanist.takes.folder import check_place, is_take, take_folder, write_json, write_tables
from accompanist.takes.record import TakeRecord


def small_record() -> TakeRecord:
    record = TakeRecord()
    line = Timeline((0.0,), (0.0,), 2.0)
    on = TimedMessage(0.02, 0.0, 2, Message(Kind.ON, 1, 60, 80))
    bend = TimedMessage(0.03, 0.5, 2, Message(Kind.BEND, 1, 0, -300))
    report = OnsetReport(0.01, 0.004, 0.0, 0)
    first = Estimate(0.01, 0.0, 2.0, 0.75, FollowerState.FOLLOWING, (report,))
    second = Estimate(0.02, 0.02, 2.05, 1.0, FollowerState.FOLLOWING)
    record.add(Step(first, (on,), Cue(0.01, line, "following"), 0.0))
    record.add(Step(second, (bend,), Cue(0.02, line, "holding"), 0.02, True))
    return record


def fill(folder: Path) -> None:
    write_tables(folder, small_record())
    write_json(folder, {"piece": "x"})


def test_tables_have_the_columns_of_the_contract(tmp_path: Path) -> None:
    write_tables(tmp_path, small_record())
    assert (tmp_path / "trace.csv").read_text() == (
        "# position: quarters\n"
        "time,quarter,qpm,confidence,state\n"
        "0.010000,0.000000,120.0000,0.7500,following\n"
        "0.020000,0.020000,123.0000,1.0000,holding\n"
    )
    assert (tmp_path / "onsets.csv").read_text() == (
        "# position: quarters\nreported,time,quarter\n0.010000,0.004000,0.000000\n"
    )
    assert (tmp_path / "played.csv").read_text() == (
        "# position: quarters\n"
        "time,quarter,part,channel,pitch,velocity,kind\n"
        "0.020000,0.000000,2,1,60,80,on\n"
        "0.030000,0.500000,2,1,0,-300,bend\n"
    )


def test_of_a_recording_the_tables_hold_its_seconds(tmp_path: Path) -> None:
    marks = (TempoMark(0.0, 240.0),)
    axis = OuterAxis(Score("recorded", (), (), tempo_marks=marks, recording_s=9.0))
    write_tables(tmp_path, small_record(), axis)
    assert (tmp_path / "trace.csv").read_text() == (
        "# position: seconds\n"
        "time,quarter,qpm,confidence,state\n"
        "0.010000,0.000000,30.0000,0.7500,following\n"
        "0.020000,0.005000,30.7500,1.0000,holding\n"
    )
    assert (tmp_path / "onsets.csv").read_text().startswith("# position: seconds\n")
    assert "0.030000,0.125000,2,1,0,-300,bend\n" in (tmp_path / "played.csv").read_text()


def test_a_record_keeps_jumps_and_states() -> None:
    record = small_record()
    assert len(record) == 2
    assert record.states == ["following", "holding"]
    assert record.jumps == [(0.02, 0.02)]
    assert [m.message.number for m in record.struck] == [60]


def test_json_has_null_where_a_figure_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path, {"a": float("inf"), "b": [1.23456789, float("nan")], "c": Path("x")})
    read = json.loads((tmp_path / "take.json").read_text())
    assert read == {"a": None, "b": [1.23457, None], "c": "x"}


def test_the_folder_appears_whole_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "take"
    with take_folder(out) as folder:
        fill(folder)
        assert not out.exists()
    assert is_take(out)
    assert [p.name for p in out.parent.iterdir()] == ["take"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_when_the_work_is_broken_off(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    def work() -> None:
        with take_folder(tmp_path / "take") as folder:
            fill(folder)
            raise stop

    with pytest.raises(stop):
        work()
    assert list(tmp_path.iterdir()) == []


def test_a_take_is_replaced_and_survives_a_failure(tmp_path: Path) -> None:
    out = tmp_path / "take"
    with take_folder(out) as folder:
        fill(folder)
        (folder / "mix.wav").write_text("old")
    (out / "notes.txt").write_text("mine")

    def fail() -> None:
        with take_folder(out):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (out / "mix.wav").exists()
    with take_folder(out) as folder:
        fill(folder)
    assert not (out / "mix.wav").exists()
    assert (out / "notes.txt").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["take"]


def test_a_folder_that_is_no_take_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "cat.jpg").write_text("cat")
    with pytest.raises(UsageError, match="is not a take"), take_folder(out):
        pass
    assert [p.name for p in out.iterdir()] == ["cat.jpg"]


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    out = tmp_path / "take"
    out.mkdir()
    with take_folder(out) as folder:
        fill(folder)
    assert is_take(out)


def test_a_place_that_cannot_be_written_is_named_before_the_work(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with (
        pytest.raises(AccompanistError, match="cannot be written") as caught,
        take_folder(blocked / "take"),
    ):
        pytest.fail("the work has begun")
    assert caught.value.exit_code == 1


def test_a_live_take_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "take"
    with take_folder(out) as folder:
        fill(folder)
    (out / "solo.wav").write_text("the only recording")
    with pytest.raises(UsageError, match=r"solo\.wav would be lost"), take_folder(out):
        pytest.fail("the work has begun")


def test_a_take_is_not_made_in_place_of_its_own_recording(tmp_path: Path) -> None:
    out = tmp_path / "take"
    with take_folder(out) as folder:
        fill(folder)
    source = out / "my.wav"
    source.write_text("sound")
    with pytest.raises(UsageError, match=r"my\.wav lies there"):
        check_place(out, source)
    assert check_place(tmp_path / "other", source) == tmp_path / "other"


def test_a_name_too_long_for_the_file_system_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(AccompanistError, match="cannot be written"):
        check_place(tmp_path / ("x" * 300))
