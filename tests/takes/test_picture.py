import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np

from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Measure, Metre, Part, Score, TempoMark
from accompanist.score.outer import OuterAxis
from accompanist.session import Step
from accompanist.takes.picture import Truth, draw_picture
from accompanist.takes.record import TakeRecord

LINE = Timeline((0.0,), (0.0,), 1.5)


def take_of(hops: int) -> tuple[Score, TakeRecord]:
    record = TakeRecord()
    for i in range(hops):
        time_s = (i + 1) * 0.0058
        estimate = Estimate(time_s, 1.5 * time_s, 1.5, 0.8, FollowerState.FOLLOWING)
        messages: tuple[TimedMessage, ...] = ()
        if i % 120 == 0:
            quarter = round(1.5 * time_s)
            on = Message(Kind.ON, 1, 60, 80)
            messages = (TimedMessage(time_s, float(quarter), 2, on),)
        state = "holding" if 500 < i < 700 else "following"
        record.add(Step(estimate, messages, Cue(time_s, LINE, state), 1.5 * time_s))
    measures = tuple(Measure(6.0 * i, 6.0, str(i + 1)) for i in range(40))
    score = Score(
        "Ländler & <Walzer>",
        (Part(1, "Solo", ()),),
        measures,
        tempo_marks=(TempoMark(0.0, 90.0),),
        metres=(Metre(0.0, 3, 2),),
    )
    return score, record


def words(path: Path) -> str:
    root = ET.parse(path).getroot()
    return " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))


def test_the_picture_shows_position_tempo_confidence_and_asynchrony(tmp_path: Path) -> None:
    score, record = take_of(20_000)
    quarters = np.arange(0.0, 170.0)
    truth = Truth(quarters, quarters / 1.5)
    path = tmp_path / "picture.svg"
    draw_picture(
        path, score, record, title=score.title, subtitle="Flute", truth=truth, caption="near"
    )
    text = words(path)
    for word in ("Ländler & <Walzer>", "Flute", "bar", "beats a minute", "confidence", "holding"):
        assert word in text
    assert "near" in text
    assert path.stat().st_size < 400_000


def test_the_same_take_gives_the_same_picture(tmp_path: Path) -> None:
    score, record = take_of(900)
    for name in ("a.svg", "b.svg"):
        draw_picture(tmp_path / name, score, record, title="x")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_empty_take_and_a_score_without_bars_have_a_picture_too(tmp_path: Path) -> None:
    score = Score("Nothing", (), ())
    draw_picture(tmp_path / "a.svg", score, TakeRecord(), title="Nothing")
    score, record = take_of(3)
    empty = Truth(np.zeros(0), np.zeros(0))
    draw_picture(tmp_path / "b.svg", Score("x", (), ()), record, title="x", truth=empty)
    assert "Nothing" in words(tmp_path / "a.svg")


def test_of_a_recording_the_picture_shows_its_seconds_and_the_speed(tmp_path: Path) -> None:
    score, record = take_of(8_000)
    recorded = replace(score, recording_s=50.0)
    axis = OuterAxis(recorded)
    times_s = np.arange(1.0, 40.0)
    truth = Truth(axis.outer(1.5 * (times_s - 0.03)), times_s)
    path = tmp_path / "picture.svg"
    draw_picture(path, recorded, record, title="Concerto", truth=truth)
    text = words(path)
    for word in ("the recording", "seconds of the recording", "speed, 1 as recorded", "in truth"):
        assert word in text
    assert "beats a minute" not in text
    assert path.stat().st_size < 400_000
