"""``accompanist session``: what stands in the files, read by parsers of the tests' own."""

from __future__ import annotations

import json
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from accompanist.app.cli import main
from accompanist.app.hosts.ardour_session import find_instrument, write_ardour_session
from accompanist.app.hosts.reaper_session import project_text
from accompanist.app.hosts.sessions import HostSession, host_session
from accompanist.errors import AccompanistError
from accompanist.score.model import Mark, Measure, Metre, Note, Part, Score, TempoMark

SUPERCLOCKS = 282_240_000


def part(number: int, name: str, *, percussion: bool = False) -> Part:
    notes = (Note(0.0, 1.0, 60),)
    return Part(number, name, notes, program=number, percussion=percussion)


def pickup_waltz(*extra: Part) -> Score:
    """One quarter of pickup, two bars of 3/4 at 120, two bars of 6/8 at 90 with a mark."""
    return Score(
        title='Waltz "No. 1"',
        parts=(
            part(1, "Violin"),
            part(2, "Piano: right/left"),
            part(3, "Piano right left"),
            part(4, "Drums", percussion=True),
            *extra,
        ),
        measures=(
            Measure(0.0, 1.0, "0"),
            Measure(1.0, 3.0, "1"),
            Measure(4.0, 3.0, "2"),
            Measure(7.0, 3.0, "3"),
            Measure(10.0, 3.0, "4"),
        ),
        tempo_marks=(TempoMark(0.0, 120.0), TempoMark(7.0, 90.0)),
        metres=(Metre(0.0, 3, 4), Metre(7.0, 6, 8)),
        marks=(Mark(7.0, "Trio"),),
    )


def session(*extra: Part, port_per_part: bool = False) -> HostSession:
    return host_session(pickup_waltz(*extra), 1, port_per_part=port_per_part)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["session", *arguments])


# ---- whatever the host ---------------------------------------------------------------------------


def test_every_part_but_the_solo_has_a_track_with_a_name_of_its_own() -> None:
    tracks = session().tracks
    assert [(t.name, t.channel, t.program, t.percussion) for t in tracks] == [
        ("Piano- right-left", 1, 2, False),
        ("Piano right left", 2, 3, False),
        ("Drums", 10, 4, True),
    ]
    assert {t.port for t in tracks} == {"accompanist:parts"}
    assert session().soloist == "Violin"


def test_each_part_can_come_by_a_port_of_its_own() -> None:
    extra = (part(5, "Harp"), part(6, "Harp"))
    ports = {t.parts: t.port for t in session(*extra, port_per_part=True).tracks}
    assert ports[4,] == "accompanist:Drums"
    assert ports[5,] == "accompanist:Harp"
    assert ports[6,] == "accompanist:Harp 2"


def test_parts_that_must_share_a_channel_share_a_track_unless_they_have_ports() -> None:
    many = tuple(part(number, f"Voice {number}") for number in range(5, 25))
    shared = session(*many).tracks
    assert len({t.channel for t in shared}) == len(shared)
    assert sorted(n for t in shared for n in t.parts) == list(range(2, 25))
    assert len(session(*many, port_per_part=True).tracks) == 23


def test_tempo_metre_and_marks_stand_where_they_are_written() -> None:
    made = session()
    assert [(t.quarter, t.seconds, t.qpm) for t in made.tempi] == [(0, 0, 120), (7, 3.5, 90)]
    assert [(m.quarter, m.bar, m.numerator, m.denominator) for m in made.metres] == [
        (0.0, 1, 1, 4),
        (1.0, 2, 3, 4),
        (7.0, 4, 6, 8),
    ]
    assert [(m.quarter, m.seconds, m.text) for m in made.markers] == [
        (1.0, 0.5, "bar 1"),
        (7.0, 3.5, "Trio"),
    ]
    assert (made.end_quarter, made.end_s) == (13.0, 7.5)
    assert made.bar_beat(4.5) == (3, 1, 0.5)
    assert made.bar_beat(10.25) == (5, 1, 0.5)


# ---- Ardour --------------------------------------------------------------------------------------


def written(tmp_path: Path, **options: bool) -> ET.Element:
    path = write_ardour_session(session(**options), tmp_path / "waltz", find_instrument(), 48_000)
    assert path == tmp_path / "waltz" / "waltz.ardour"
    return ET.parse(path).getroot()


def test_ardour_gets_a_filtered_track_a_part(tmp_path: Path) -> None:
    root = written(tmp_path)
    routes = {r.get("name"): r for r in root.iter("Route")}
    assert list(routes) == ["Master", "Piano- right-left", "Piano right left", "Drums", "Violin"]
    masks = {n: r.get("capture-channel-mask") for n, r in routes.items()}
    assert masks["Piano- right-left"] == "0x0001"
    assert masks["Piano right left"] == "0x0002"
    assert masks["Drums"] == "0x0200"
    for name in ("Piano- right-left", "Drums"):
        assert routes[name].get("capture-channel-mode") == "FilterChannels"
        port = routes[name].find("IO[@direction='Input']/Port")
        assert port is not None
        assert [c.get("other") for c in port] == ["accompanist:parts"]
        synth = routes[name].find("Processor[@type='lv2']")
        assert synth is not None
        assert synth.get("unique-id") == find_instrument().uri


def test_ardours_ids_are_unique_and_all_places_agree(tmp_path: Path) -> None:
    root = written(tmp_path)
    ids = [e.get("id") for e in root.iter() if e.get("id") is not None]
    assert len(ids) == len(set(ids))
    assert max(map(int, filter(None, ids))) <= int(root.get("id-counter", "0"))
    tempi = [(t.get("quarters"), t.get("bbt"), t.get("sclock")) for t in root.iter("Tempo")]
    assert tempi == [("0:0", "1|1|0", "0"), ("7:0", "4|1|0", str(round(3.5 * SUPERCLOCKS)))]
    metres = [(m.get("quarters"), m.get("bbt"), m.get("sclock")) for m in root.iter("Meter")]
    assert metres == [
        ("0:0", "1|1|0", "0"),
        ("1:0", "2|1|0", str(round(0.5 * SUPERCLOCKS))),
        ("7:0", "4|1|0", str(round(3.5 * SUPERCLOCKS))),
    ]
    places = {x.get("name"): x.get("start") for x in root.iter("Location")}
    assert places == {"session": "a0", "bar 1": "b1920", "Trio": "b13440"}
    osc = root.find("ControlProtocols/Protocol")
    assert osc is not None
    assert (osc.get("name"), osc.get("active")) == ("Open Sound Control (OSC)", "1")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without LV2 plug-ins; its folder for them, and a sound font."""
    plugins = tmp_path / "lv2"
    plugins.mkdir()
    monkeypatch.setattr("accompanist.app.hosts.ardour_session._lv2_folders", lambda: [plugins])
    font = tmp_path / 'a "fine" font.sf2'
    font.write_bytes(b"RIFF\x04\0\0\0sfbk")
    monkeypatch.setenv("SOUNDFONT", str(font))
    return plugins


def test_the_best_synth_of_the_machine_is_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    font = machine.parent / 'a "fine" font.sf2'
    assert find_instrument().name == "ACE Reasonable Synth"
    (machine / "a-fluidsynth.lv2").mkdir()
    assert find_instrument().name == "ACE Fluid Synth"
    assert find_instrument().soundfont == font
    with font.open("r+b") as file:
        file.truncate(100 << 20)  # for five tracks half a gigabyte: still so; for six too much
    assert find_instrument(tracks=5).soundfont == font
    assert find_instrument(tracks=6).name == "ACE Reasonable Synth"
    monkeypatch.setenv("SOUNDFONT", str(machine / "missing.sf2"))
    assert find_instrument().name == "ACE Reasonable Synth"
    (machine / "gmsynth.lv2").mkdir()
    assert find_instrument().uri == "http://gareus.org/oss/lv2/gmsynth"
    assert find_instrument("urn:ardour:a-fluidsynth").soundfont is None


def test_a_synth_finds_its_sound_font_in_its_state(machine: Path, tmp_path: Path) -> None:
    (machine / "a-fluidsynth.lv2").mkdir()
    root = written(tmp_path)
    synths = root.findall(".//Processor[@type='lv2']")
    assert len(synths) == 3
    for synth in synths:
        lv2 = synth.find("lv2")
        assert lv2 is not None
        assert lv2.get("state-dir") == "state1"
        place = tmp_path / "waltz" / "plugins" / str(synth.get("id")) / "state1"
        state = (place / "state.ttl").read_text(encoding="utf-8")
        assert f'sf2file> "{tmp_path}/a \\"fine\\" font.sf2"^^atom:Path' in state
        assert "<state.ttl>" in (place / "manifest.ttl").read_text(encoding="utf-8")


def test_a_session_is_never_overwritten_unasked(tmp_path: Path) -> None:
    written(tmp_path)
    kept = tmp_path / "waltz" / "waltz.ardour"
    kept.write_text("the user's work", encoding="utf-8")
    with pytest.raises(AccompanistError, match="--force overwrites it"):
        write_ardour_session(session(), tmp_path / "waltz", find_instrument(), 48_000)
    assert kept.read_text(encoding="utf-8") == "the user's work"
    write_ardour_session(session(), tmp_path / "waltz", find_instrument(), 48_000, force=True)
    assert "<Session" in kept.read_text(encoding="utf-8")


# ---- REAPER --------------------------------------------------------------------------------------


@dataclass
class Block:
    """A block ``<NAME …`` of a REAPER project: its words, lines and inner blocks."""

    words: list[str]
    lines: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def all(self, name: str) -> list[list[str]]:
        return [line[1:] for line in self.lines if line[0] == name]

    def inner(self, name: str) -> list[Block]:
        return [block for block in self.blocks if block.words[0] == name]


def parsed(text: str) -> Block:
    """Read a project: one statement a line, quotes of three kinds, blocks between < and >."""
    open_blocks: list[Block] = []
    for line in text.splitlines():
        words = shlex.split(line.strip(), posix=True)
        if words[0].startswith("<"):
            block = Block([words[0][1:], *words[1:]])
            if open_blocks:
                open_blocks[-1].blocks.append(block)
            open_blocks.append(block)
        elif words == [">"]:
            done = open_blocks.pop()
        else:
            open_blocks[-1].lines.append(words)
    assert not open_blocks
    return done


def test_a_reaper_project_has_tracks_on_their_channels_tempo_and_markers() -> None:
    project = parsed(project_text(session()))
    assert project.words[0] == "REAPER_PROJECT"
    assert project.all("TEMPO") == [["120", "1", "4"]]
    assert project.all("MARKER") == [["1", "0.5", "bar 1", "0"], ["2", "3.5", "Trio", "0"]]
    (envelope,) = project.inner("TEMPOENVEX")
    assert envelope.all("PT") == [
        ["0", "120", "1", str((4 << 16) + 1), "0", "1"],
        ["0.5", "120", "1", str((4 << 16) + 3), "0", "1"],
        ["3.5", "90", "1", str((8 << 16) + 6), "0", "1"],
    ]
    tracks = project.inner("TRACK")
    assert [t.all("NAME")[0][0] for t in tracks] == [
        "Piano- right-left",
        "Piano right left",
        "Drums",
        "Violin",
    ]
    # armed, all MIDI inputs (4096 + 63 × 32) with the channel, heard; the soloist is audio
    assert [t.all("REC")[0][:3] for t in tracks] == [
        ["1", "6113", "1"],
        ["1", "6114", "1"],
        ["1", "6122", "1"],
        ["1", "0", "0"],
    ]
    guids = [t.words[1] for t in tracks]
    assert len(set(guids)) == len(guids)


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_writes_an_ardour_session(tmp_path: Path) -> None:
    out = tmp_path / "folia"
    result = run("la-folia", "--host", "ardour", "--out", str(out), "--rate", "44100", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["files"] == [str(out / "folia.ardour")]
    root = ET.parse(out / "folia.ardour").getroot()
    assert root.get("sample-rate") == "44100"
    routes = [r.get("name") for r in root.iter("Route")]
    assert [t["name"] for t in facts["tracks"]] == routes[1:-1]
    again = run("la-folia", "--host", "ardour", "--out", str(out))
    assert again.exit_code == 1
    assert again.stderr.count("\n") == 1
    assert "--force" in again.stderr


def test_the_command_tells_what_to_connect(tmp_path: Path) -> None:
    result = run("greensleeves", "--host", "ardour", "--out", str(tmp_path / "green"))
    line = result.stdout.splitlines()[-1]
    wanted = tomllib.loads(line)["connect"]
    assert wanted == ["ardour:Guitar/midi_in 1", "ardour:Cello/midi_in 1"]


def test_the_command_writes_a_reaper_project_and_its_pattern_file(tmp_path: Path) -> None:
    out = tmp_path / "folia"
    result = run("la-folia", "--host", "reaper", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert (out / "accompanist.ReaperOSC").read_text(encoding="utf-8").startswith("#")
    project = parsed((out / "folia.RPP").read_text(encoding="utf-8"))
    assert project.inner("TRACK")
    (out / "folia.RPP").write_text("mine", encoding="utf-8")
    assert run("la-folia", "--host", "reaper", "--out", str(out)).exit_code == 1
    assert (out / "folia.RPP").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        ("la-folia", "--host", "cubase", "--out", "x"),
        ("la-folia", "--host", "ardour"),
        ("la-folia", "--host", "reaper", "--out", "x", "--instrument", "urn:a"),
        ("la-folia", "--host", "ardour", "--out", "x", "--solo", "Tuba"),
    ],
)
def test_bad_usage_is_one_line(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    for host in ("ardour", "reaper"):
        result = run("la-folia", "--host", host, "--out", str(tmp_path / "file" / "x"))
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
