"""A recording at the desk: its part, its soloist, its delay, its positions in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from desk_pieces import FakeHelpers, FakeLink, Told, cue_at, loaded

from accompanist.app.config.settings import Config, OutputConfig, RecordingConfig
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.events import DeskEvents
from accompanist.app.desk.protocol import DeskError
from accompanist.app.desk.stage import Moment
from accompanist.app.processes.links import (
    Do,
    EngineDied,
    Mix,
    OutputInfo,
    OutputsOpened,
    PieceLoaded,
    Problem,
    RecordingSource,
    SetOutputs,
    Silence,
)
from accompanist.app.processes.recording_links import (
    LoadRecording,
    MixRecording,
    RecordingFigures,
    RecordingOpened,
    SetRecordingOutput,
)
from accompanist.app.recording_player.link import Unload
from accompanist.performing.clock_plan import clock_plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.recordings.stretching.registry import DEFAULT_STRETCHER, stretcher_names
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

WHOLE, WITHOUT = Path("/music/concerto.flac"), Path("/cache/accompaniment.wav")


def concerto(accompaniment: Path | None = WITHOUT) -> PieceLoaded:
    """Eight beats of a recording: four of half a second, four of a whole one."""
    notes = tuple(Note(float(i), 1.0, 60) for i in range(8))
    score = Score(
        title="Concerto",
        parts=(Part(1, "Soloist", notes), Part(2, "Orchestra (recording)", ())),
        measures=(Measure(0.0, 4.0, "1"), Measure(4.0, 4.0, "2")),
        tempo_marks=(TempoMark(0.0, 120.0), TempoMark(4.0, 60.0)),
        recording_s=6.0,
        suggested_solo=1,
    )
    tempo = written_tempo(score)
    return PieceLoaded(
        piece_id="concerto",
        title="Concerto",
        composer="",
        score=score,
        solo=1,
        plan=accompaniment_plan(score, 1, tempo),
        clock=clock_plan(score, tempo),
        recording=RecordingSource(WHOLE, accompaniment),
    )


class House:
    """A desk with all its processes pretended."""

    def __init__(self, config: Config | None = None) -> None:
        self.engine, self.performer, self.player = FakeLink(), FakeLink(), FakeLink()
        self.told = Told()
        self.desk = ControlDesk(
            config or Config(),
            self.engine,
            self.performer,
            FakeHelpers(),
            lambda: 0.0,
            self.player,
        )
        self.desk.watch(self.told)
        self.events = DeskEvents(self.desk.wiring)

    def load(self, piece: PieceLoaded) -> None:
        self.desk.do("piece/load", (piece.piece_id,))
        self.events.engine(piece)

    def mixed(self) -> dict[str, float]:
        """What the player has been set to."""
        sent = [c for c in self.player.sent if isinstance(c, MixRecording)]
        return {command.control: command.value for command in sent}


def test_the_player_is_given_the_recording_and_the_score_that_has_its_tempo() -> None:
    house, piece = House(), concerto()
    house.load(piece)
    assert piece.recording is not None
    assert LoadRecording(piece.recording, piece.score, "phase-gradient") in house.player.sent
    house.load(loaded())
    assert isinstance(house.player.sent[-1], Unload)


def test_the_settings_say_how_a_recording_is_stretched_from_the_next_piece_on() -> None:
    house, piece = House(Config(recording=RecordingConfig(stretcher="phase-vocoder"))), concerto()
    house.load(piece)
    assert piece.recording is not None
    assert LoadRecording(piece.recording, piece.score, "phase-vocoder") in house.player.sent
    house.desk.wiring.config = Config(recording=RecordingConfig(stretcher="plain-vocoder"))
    assert house.desk.wiring.recording.stretcher == "phase-vocoder"
    house.load(piece)
    assert house.desk.wiring.recording.stretcher == "plain-vocoder"


def test_every_stretcher_can_be_set() -> None:
    names = get_args(RecordingConfig.model_fields["stretcher"].annotation)
    assert names == stretcher_names()
    assert RecordingConfig().stretcher == DEFAULT_STRETCHER


def test_the_soloist_is_gone_where_they_can_be_unless_somebody_says_otherwise() -> None:
    house = House()
    house.load(concerto(accompaniment=None))
    assert house.desk.get("recording/solo") == (1.0,)
    house.load(replace(concerto(), piece_id="other"))
    assert house.desk.get("recording/solo") == (0.0,)
    assert house.mixed()["solo"] == 0.0
    house.desk.set("recording/solo", (0.25,))
    assert house.mixed()["solo"] == 0.25
    assert house.told.of("recording/solo")[-1] == (0.25,)
    house.load(concerto(accompaniment=None))
    assert house.desk.get("recording/solo") == (0.25,)


def test_the_settings_can_say_how_much_of_the_soloist_is_heard() -> None:
    house = House(Config(recording=RecordingConfig(solo_level=0.5, gain_db=-3.0)))
    house.load(concerto(accompaniment=None))
    assert house.mixed()["solo"] == 0.5
    assert house.mixed()["gain"] == -3.0


def test_its_part_at_the_mixing_desk_is_the_recording() -> None:
    house = House()
    house.load(concerto())
    assert house.desk.parts() == (2,)
    assert house.desk.get("part/2/name") == ("Orchestra (recording)",)
    house.desk.set("part/2/gain", (-6.0,))
    house.desk.set("recording/gain", (2.0,))
    house.desk.set("part/2/pan", (0.5,))
    house.desk.set("part/2/mute", (1,))
    assert house.mixed() == {"solo": 0.0, "gain": -4.0, "pan": 0.5, "mute": 1.0}
    assert house.desk.wiring.recording.levels() == house.mixed()
    changes = house.desk.wiring.recording.changes()
    assert {control: value for _, control, value in changes} == house.mixed()
    times = [time_s for time_s, _, _ in changes]
    assert times == sorted(times)
    assert not any(isinstance(command, Mix) for command in house.performer.sent)
    with pytest.raises(DeskError, match="is a recording: it has no program"):
        house.desk.set("part/2/program", (3,))
    with pytest.raises(DeskError, match="soloist's"):
        house.desk.set("part/1/gain", (-6.0,))


def test_a_part_with_its_solo_silences_the_recording_beside_it() -> None:
    house, piece = House(), concerto()
    bass = Part(3, "Bass", (Note(0.0, 8.0, 40),))
    score = replace(piece.score, parts=(*piece.score.parts, bass))
    plan = accompaniment_plan(score, 1, written_tempo(score))
    house.load(replace(piece, score=score, plan=plan))
    assert house.desk.get("part/3/output") == ("midi",), "it sounds in the recording already"
    assert Mix(3, "output", "midi") in house.performer.sent
    house.desk.set("part/3/solo", (1,))
    assert house.mixed()["mute"] == 1.0
    house.desk.set("part/2/solo", (1,))
    assert house.mixed()["mute"] == 0.0
    assert Mix(3, "solo", True) in house.performer.sent


def test_the_delay_is_that_of_what_sounds() -> None:
    house = House()
    house.events.performer(OutputsOpened((OutputInfo("parts", "jack", 0.004),), realtime=True))
    assert house.desk.get("latency/out") == (4.0,)
    sound = OutputInfo("accompanist recording", "jack", 0.0213)
    house.load(concerto())
    house.events.recording(RecordingOpened(sound, 48_000, realtime=True))
    assert house.desk.get("latency/out") == (21.3,)
    assert Do("latency_out", (0.0213,)) in house.engine.sent
    house.load(loaded())
    assert house.desk.get("latency/out") == (4.0,)


def test_what_the_player_tells_is_told_on() -> None:
    house = House()
    house.load(concerto())
    house.events.recording(RecordingFigures(drop_outs=2, xruns=1, busy=0.08))
    assert house.desk.wiring.facts.more["recording"]["drop_outs"] == 2
    house.events.recording(Problem(503, "the JACK server has gone"))
    assert house.told.of("error")[-1] == ("recording", 503, "the JACK server has gone")


def test_it_falls_silent_with_the_engine() -> None:
    house = House()
    house.load(concerto())
    house.player.taken()
    house.events.engine(EngineDied("the engine has ended"))
    assert house.player.sent[0] == Silence()


def test_its_output_is_opened_as_the_settings_say() -> None:
    config = Config(
        output=OutputConfig(client_name="second"),
        recording=RecordingConfig(driver="jack", connect=("mixer:in_3", "mixer:in_4")),
    )
    house = House(config)
    house.desk.wiring.open_outputs()
    assert isinstance(house.performer.sent[-1], SetOutputs)
    asked = house.player.sent[-1]
    assert isinstance(asked, SetRecordingOutput)
    assert asked.output.driver == "jack"
    assert asked.output.client_name == "second recording"
    assert asked.output.connect == (("out_1", "mixer:in_3"), ("out_2", "mixer:in_4"))


def test_positions_are_seconds_of_the_recording() -> None:
    house = House()
    house.load(concerto())
    house.engine.taken()
    house.desk.do("goto/quarter", (4.0,))
    assert house.engine.taken() == [Do("locate", (6.0,))]
    with pytest.raises(DeskError, match="second 6 is not in the piece: 0 to 6"):
        house.desk.do("goto/quarter", (6.0,))
    house.desk.do("goto/bar", (2,))
    assert house.engine.taken() == [Do("locate", (4.0,))]
    stage = house.desk.wiring.stage
    cue = cue_at(rate_quarter_s=1.5)
    at_s = cue.timeline.to_time(6.0)
    changes = dict(stage.look(cue, Moment(at_s, 1000.0, 0.0)))
    assert changes["position"] == (2, 4.0, 3.0)
    assert changes["position/quarter"] == (4.0,)
    assert changes["timemap"] == pytest.approx((1000.0, 4.0, 1.5))
