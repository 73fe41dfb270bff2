"""``accompanist export``: every format of a take that was really rendered, and what is refused."""

from __future__ import annotations

import asyncio
import csv
import os
import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from desk_pieces import FakeLink, Told

from accompanist.app.cli import main
from accompanist.app.commands import ctl as cmd_ctl
from accompanist.app.config.file import read_config
from accompanist.app.config.settings import Config
from accompanist.app.daemon.helpers import DaemonHelpers
from accompanist.app.desk.control import ControlDesk
from accompanist.app.keeping.exporting import FORMATS
from accompanist.app.osc.table import TABLE
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.fluidsynth import OfflineSynth, find_soundfont

RATE_HZ = 22_050
PITCHES = (60, 62, 64, 65, 67, 69, 71, 72)
ONSETS_S = [0.5 + 0.5 * i + 0.03 * (i % 3) for i in range(len(PITCHES))]
WRITTEN = {
    "smf": "{}.mid",
    "rpp": "{}.rpp",
    "dawproject": "{}.dawproject",
    "ardour": "{}-ardour/{}-ardour.ardour",
    "csv": "{}-beats.csv",
    "audacity": "{}-labels.txt",
}
"""Format to the file that has to be there, by the name of the take."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take folder as `render` writes it: a scale, with a bass of four notes."""
    folder = tmp_path_factory.mktemp("export")
    file = mido.MidiFile(ticks_per_beat=480)
    frame = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    frame.append(mido.MetaMessage("marker", text="B", time=1920))
    solo = mido.MidiTrack([mido.MetaMessage("track_name", name="Solo")])
    bass = mido.MidiTrack([mido.MetaMessage("track_name", name="Bass")])
    for pitch in PITCHES:
        solo.append(mido.Message("note_on", note=pitch, velocity=90))
        solo.append(mido.Message("note_off", note=pitch, time=480))
    for i in range(len(PITCHES) // 2):
        bass.append(mido.Message("note_on", channel=1, note=36 + i, velocity=70))
        bass.append(mido.Message("note_off", channel=1, note=36 + i, time=960))
    file.tracks.extend([frame, solo, bass])
    file.save(folder / "score.mid")
    messages = []
    for pitch, onset_s in zip(PITCHES, ONSETS_S, strict=True):
        messages.append(TimedMessage(onset_s, 0.0, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(onset_s + 0.45, 0.0, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(), RATE_HZ) as synth:
        sound = synth.render(messages, ONSETS_S[-1] + 1.0).mean(axis=1)
    soundfile.write(folder / "solo-part.wav", sound, RATE_HZ)
    words = ("render", folder / "score.mid", folder / "solo-part.wav", "--solo", "1")
    made = CliRunner().invoke(main, [*map(str, words), "--out", str(folder / "scale")])
    assert made.exit_code == 0, made.output
    return folder / "scale"


@pytest.fixture
def take(rendered: Path, tmp_path: Path) -> Path:
    """Copy the take, with the soloist beside it as a live take has it."""
    folder = tmp_path / "scale"
    shutil.copytree(rendered, folder)
    shutil.copyfile(rendered.parent / "solo-part.wav", folder / "solo.wav")
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)], catch_exceptions=False)


def played(take: Path) -> list[tuple[float, int]]:
    """Seconds and pitch of every note that was sent."""
    with (take / "played.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [(float(r["time"]), int(r["pitch"])) for r in rows if r["kind"] == "on"]


def struck(path: Path) -> list[tuple[float, int]]:
    at_s, notes = 0.0, []
    for message in mido.MidiFile(path):
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            notes.append((at_s, message.note))
    return notes


def same_notes(found: list[tuple[float, int]], sent: list[tuple[float, int]]) -> None:
    assert len(sent) == 4
    assert [pitch for _, pitch in found] == [pitch for _, pitch in sent]
    np.testing.assert_allclose([t for t, _ in found], [t for t, _ in sent], rtol=0.0, atol=6e-4)


# ---- every format --------------------------------------------------------------------------------


def test_there_is_one_list_of_formats() -> None:
    (entry,) = [e for e in TABLE if e.path == "take/export"]
    assert set(WRITTEN) == set(FORMATS) == set(entry.arguments[0].choices)
    choice = cmd_ctl.export.params[0].type
    assert isinstance(choice, click.Choice)
    assert set(choice.choices) == set(FORMATS)
    told = run("--help").output
    assert "|".join(("smf", "rpp", "dawproject", "ardour", "csv", "audacity")) in told


@pytest.mark.parametrize("wanted", WRITTEN)
def test_without_out_it_lies_in_the_take_and_nothing_of_that_is_touched(
    wanted: str, take: Path
) -> None:
    before = {p.name: p.read_bytes() for p in take.iterdir()}
    result = run(take, "--format", wanted)
    assert result.exit_code == 0, result.output
    path = take / WRITTEN[wanted].format("scale", "scale")
    top = take / path.relative_to(take).parts[0]
    assert path.stat().st_size > 0
    assert result.output == f"written: {top}\n"
    assert {p.name for p in take.iterdir()} == {*before, top.name}
    for name, held in before.items():
        assert (take / name).read_bytes() == held


@pytest.mark.parametrize("wanted", WRITTEN)
def test_out_names_a_place_or_a_folder_to_put_it_in(
    wanted: str, take: Path, tmp_path: Path
) -> None:
    named = tmp_path / "new folder" / "mine"
    assert run(take, "--format", wanted, "--out", named).output == f"written: {named}\n"
    assert named.is_dir() == (wanted == "ardour")
    there = tmp_path / "there"
    there.mkdir()
    result = run(take, "--format", wanted, "--out", there)
    assert result.exit_code == 0, result.output
    assert (there / WRITTEN[wanted].format("scale", "scale")).is_file()
    assert len(list(there.iterdir())) == 1


def test_smf_sounds_when_the_notes_were_sent(take: Path) -> None:
    run(take, "--format", "smf")
    same_notes(struck(take / "scale.mid"), played(take))


def test_rpp_has_the_sound_beside_it(take: Path) -> None:
    run(take, "--format", "rpp")
    text = (take / "scale.rpp").read_text("utf-8")
    assert text.startswith("<REAPER_PROJECT ")
    assert 'FILE "solo.wav"' in text
    assert 'FILE "accompaniment.wav"' in text
    assert 'NAME "Bass"' in text
    assert '"B" 0' in text


def test_dawproject_carries_the_sound(take: Path) -> None:
    run(take, "--format", "dawproject")
    with zipfile.ZipFile(take / "scale.dawproject") as archive:
        assert archive.read("audio/solo.wav") == (take / "solo.wav").read_bytes()
        root = ET.fromstring(archive.read("project.xml"))
    assert [t.get("name") for t in root.iter("Track")] == ["solo", "ensemble", "Bass", "Master"]
    assert len(list(root.iter("Note"))) == 4


def test_sound_of_before_1980_fits_into_a_dawproject(take: Path) -> None:
    os.utime(take / "solo.wav", (0, 0))
    assert run(take, "--format", "dawproject").exit_code == 0


def test_csv_and_labels_go_through_the_whole_take(take: Path) -> None:
    run(take, "--format", "csv")
    run(take, "--format", "audacity")
    with (take / "scale-beats.csv").open(encoding="utf-8") as file:
        times_s = [float(row["time"]) for row in csv.DictReader(file)]
    sent = played(take)
    assert times_s == sorted(times_s)
    for time_s, _ in sent:
        assert min(abs(t - time_s) for t in times_s) < 6e-4
    labels = [x.split("\t") for x in (take / "scale-labels.txt").read_text("utf-8").splitlines()]
    (mark,) = [float(label[0]) for label in labels if label[2] == "B"]
    assert mark == pytest.approx(sent[2][0], abs=6e-4)


def ardour_seconds(root: ET.Element, tick: float) -> float:
    """Where Ardour puts a tick (1920 a quarter): after the tempo before it."""
    points = []
    for tempo in root.iter("Tempo"):
        quarters, ticks = map(int, tempo.get("quarters", "").split(":"))
        at_s = int(tempo.get("sclock", "")) / 282_240_000
        points.append((quarters * 1920 + ticks, at_s, float(tempo.get("npm", ""))))
    began, at_s, qpm = [p for p in points if p[0] <= tick][-1]
    return at_s + (tick - began) / 1920 * 60.0 / qpm


def test_ardour_has_notes_and_sound_in_their_places(take: Path, tmp_path: Path) -> None:
    run(take, "--format", "ardour", "--out", tmp_path / "song")
    root = ET.parse(tmp_path / "song" / "song.ardour").getroot()
    assert root.get("sample-rate") == str(RATE_HZ)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert int(root.get("id-counter", "")) > max(int(i or 0) for i in ids)
    assert [r.get("name") for r in root.iter("Route")] == ["Master", "Bass", "solo", "ensemble"]
    inside = tmp_path / "song" / "interchange" / "song"
    for name in ("solo.wav", "accompaniment.wav"):
        assert (inside / "audiofiles" / name).read_bytes() == (take / name).read_bytes()
    sources = {s.get("id"): s for s in root.iter("Source")}
    places = {p.get("name"): p.find("Region") for p in root.iter("Playlist")}
    assert set(places) == {"Bass", "solo", "ensemble"}
    for name, file, channels in (("solo", "solo.wav", 1), ("ensemble", "accompaniment.wav", 2)):
        region = places[name]
        assert region is not None
        frames = soundfile.info(take / file).frames
        assert region.get("length") == f"a{frames * (282_240_000 // RATE_HZ)}@a0"
        used = [sources[region.get(f"source-{i}")] for i in range(channels)]
        assert [(s.get("name"), s.get("channel")) for s in used] == [
            (file, str(i)) for i in range(channels)
        ]
    (track,) = mido.MidiFile(inside / "midifiles" / "Bass.mid").tracks
    tick, found = 0, []
    for message in track:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            found.append((ardour_seconds(root, tick), message.note))
    same_notes(found, played(take))
    (mark,) = [x for x in root.iter("Location") if x.get("name") == "B"]
    at_s = ardour_seconds(root, int(mark.get("start", "")[1:]))
    assert at_s == pytest.approx(played(take)[2][0], abs=6e-4)
    # the notes wait, nothing records, nothing is wired to inputs
    controls = [(c.get("name"), c.get("value")) for c in root.findall("Routes/Route/Controllable")]
    assert controls == [("mute", "1")]
    wired = {x.get("other", "").split("/")[0] for x in root.iter("Connection")}
    assert wired == {"Master", "Bass", "solo", "ensemble", "system:playback_1", "system:playback_2"}


def test_an_ardour_session_is_never_written_over(take: Path, tmp_path: Path) -> None:
    out = tmp_path / "song"
    assert run(take, "--format", "ardour", "--out", out).exit_code == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    again = run(take, "--format", "ardour", "--out", out)
    assert (again.exit_code, "there already" in again.stderr) == (1, True)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert run(take, "--format", "ardour").exit_code == 0
    assert run(take, "--format", "ardour").exit_code == 1
    assert not list(tmp_path.rglob(".session-*"))


def test_sounds_of_two_rates_are_no_session(take: Path) -> None:
    soundfile.write(take / "solo.wav", np.zeros(100), 48_000)
    result = run(take, "--format", "ardour")
    assert result.exit_code == 3
    assert "solo.wav 48000 Hz" in result.stderr
    assert not (take / "scale-ardour").exists()


# ---- what is refused -----------------------------------------------------------------------------


def one_line(result: Result, exit_code: int, *having: str) -> None:
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for text in having:
        assert text in result.stderr


def test_what_is_no_take_folder(take: Path, tmp_path: Path) -> None:
    one_line(run(tmp_path, "--format", "csv"), 3, "not a take folder")
    one_line(run(tmp_path / "none", "--format", "csv"), 3, "no such folder")
    one_line(run(take / "take.json", "--format", "csv"), 3, "no such folder")


def test_a_format_that_there_is_not(take: Path) -> None:
    one_line(run(take, "--format", "flp"), 2, "'flp'", "smf, rpp, dawproject, ardour")
    one_line(run(take), 2, "--format")


@pytest.mark.parametrize("wanted", WRITTEN)
def test_a_place_that_cannot_be_written(wanted: str, take: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run(take, "--format", wanted, "--out", tmp_path / "file" / "x")
    one_line(result, 1, "cannot be written")


@pytest.mark.parametrize("name", ["accompaniment.mid", "played.csv", "solo.wav", "take.json"])
@pytest.mark.parametrize("wanted", WRITTEN)
def test_the_takes_own_files_are_not_written_over(wanted: str, name: str, take: Path) -> None:
    before = (take / name).read_bytes()
    one_line(run(take, "--format", wanted, "--out", take / name), 2, "the take's own file")
    assert (take / name).read_bytes() == before


@pytest.mark.parametrize("wanted", WRITTEN)
def test_midi_that_was_cut(wanted: str, take: Path) -> None:
    whole = (take / "accompaniment.mid").read_bytes()
    for length in (0, 3, 13, len(whole) // 2, len(whole) - 1):
        (take / "accompaniment.mid").write_bytes(whole[:length])
        one_line(run(take, "--format", wanted), 3, "accompaniment.mid", "cannot be read")
    assert not (take / WRITTEN[wanted].format("scale", "scale")).exists()


@pytest.mark.parametrize("wanted", WRITTEN)
@pytest.mark.parametrize("length", [0, 11, 30, 44])
def test_sound_that_was_cut_to_nothing(wanted: str, length: int, take: Path) -> None:
    whole = (take / "solo.wav").read_bytes()
    (take / "solo.wav").write_bytes(whole[:length])
    one_line(run(take, "--format", wanted), 3, "solo.wav")


def test_sound_that_was_cut_short_lasts_as_long_as_it_is(take: Path) -> None:
    whole = (take / "solo.wav").read_bytes()
    (take / "solo.wav").write_bytes(whole[: len(whole) // 2])
    frames = soundfile.info(take / "solo.wav").frames
    assert 0 < frames < len(whole) // 3
    assert run(take, "--format", "ardour").exit_code == 0
    root = ET.parse(take / "scale-ardour" / "scale-ardour.ardour").getroot()
    (region,) = root.findall("Playlists/Playlist[@name='solo']/Region")
    assert region.get("length") == f"a{frames * (282_240_000 // RATE_HZ)}@a0"


# ---- from the desk -------------------------------------------------------------------------------


def from_the_desk(take: Path, *arguments: str) -> list[tuple[object, ...]]:
    """Say take/export to a desk whose last take this is; give what went wrong."""
    helpers = DaemonHelpers(lambda: None, Config)
    config = read_config(Path("/dev/null"), [("takes.folder", str(take.parent))])
    desk = ControlDesk(config, FakeLink(), FakeLink(), helpers, lambda: 0.0)
    helpers.desk = desk
    desk.wiring.facts.last_take = str(take)
    told = Told()
    desk.watch(told)

    async def scene() -> None:
        desk.do("take/export", arguments)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others), 60.0)

    asyncio.run(scene())
    return [tuple(values) for values in told.of("error")]


@pytest.mark.parametrize("wanted", WRITTEN)
def test_the_desk_exports_into_a_folder(wanted: str, take: Path, tmp_path: Path) -> None:
    folder = tmp_path / "not yet there"
    assert from_the_desk(take, wanted, str(folder)) == []
    assert (folder / WRITTEN[wanted].format("scale", "scale")).is_file()
    assert len(list(folder.iterdir())) == 1


def test_the_desk_exports_beside_the_take_unless_told(take: Path) -> None:
    assert from_the_desk(take, "ardour") == []
    assert (take / "scale-ardour" / "scale-ardour.ardour").is_file()
    ((key, code, text),) = from_the_desk(take, "ardour")
    assert (key, code) == ("take/export", 409)
    assert "there already" in str(text)


def test_the_desk_says_why_a_folder_cannot_be_made(take: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ((key, code, text),) = from_the_desk(take, "csv", str(tmp_path / "file" / "x"))
    assert (key, code) == ("take/export", 422)
    assert "cannot be written to" in str(text)
