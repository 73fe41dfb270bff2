"""A take exported as an Ardour session is, in a real Ardour, what it was: to the sample."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from ardour_rig import ardour_environment, find_ardour, needs_ardour

from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Mark, Measure, Metre, Note, Part, Score
from accompanist.takes.midi_file import write_midi

pytestmark = needs_ardour

RATE_HZ = 44_100
"""Not what Ardour would choose."""
DURATION_S = 14.0
STRUCK_S = (1.0, 1.52, 2.1, 2.8, 3.6, 4.2, 4.7, 5.2, 5.9, 6.7, 7.6, 8.6, 9.4, 10.1)
"""A quarter each, with a rubato: two bars of 4/4, two of 3/4."""
BAR_TIMES_S = (STRUCK_S[0], STRUCK_S[4], STRUCK_S[8], STRUCK_S[11])
SOLO_CLICKS = (0, 44_100, 300_000)
LEFT_CLICKS, RIGHT_CLICKS = (10, 100_000), (50_000, 600_000)

READ = """
AudioEngine:set_backend("None (Dummy)", "", "")
local session = load_session("{folder}", "{name}")
assert(session, "no session")
local function say(...) print(table.concat({{"@", ...}}, "\\t")) end
say("rate", session:nominal_sample_rate())
local map = Temporal.TempoMap.read()
for bar = 1, {bars} do
  say("bar", map:sample_at_beats(map:quarters_at_bbt(Temporal.BBT_TIME(bar, 1, 0))))
end
for mark in session:locations():list():iter() do
  say("mark", mark:name(), mark:start():samples())
end
for route in session:get_tracks():iter() do
  local track = route:to_track()
  say("track", track:name(), tostring(track:muted()), track:n_inputs():n_audio())
  for region in track:playlist():region_list():iter() do
    local begin, length = region:position():samples(), region:length():samples()
    say("region", track:name(), begin, length)
    local midi = region:to_midiregion()
    if not midi:isnil() then
      for note in ARDOUR.LuaAPI.note_list(midi:midi_source(0):model()):iter() do
        local from = map:sample_at_beats(note:time())
        local to = map:sample_at_beats(note:time() + note:length())
        say("note", track:name(), from, to, note:channel(), note:note(), note:velocity())
      end
    end
  end
end
session:save_state("")
close_session()
quit()
"""


@dataclass
class InArdour:
    """What Ardour says of a session; times in samples."""

    rate_hz: float = 0.0
    bars: list[int] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    tracks: dict[str, tuple[bool, int]] = field(default_factory=dict)
    """Name to whether it is muted, and its audio inputs."""
    regions: list[tuple[str, int, int]] = field(default_factory=list)
    notes: dict[str, list[tuple[int, int, int, int, int]]] = field(default_factory=dict)
    """Begin, end, channel from 0, pitch, velocity."""


def tool(pattern: str, home: Path, *arguments: str) -> str:
    """Run one of the programs that come with Ardour; give what it prints."""
    ardour = find_ardour()
    assert ardour is not None, "Ardour is not installed"
    (program,) = ardour.parent.glob(pattern)
    for _ in range(3):
        done = subprocess.run(
            [str(program), *arguments],
            env=os.environ | ardour_environment(ardour, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode >= 0:  # else a crash: Ardour 7 now and then frees twice as it leaves
            break
    assert done.returncode == 0, done.stdout
    return done.stdout


def read_session(session: Path, home: Path, bars: int) -> InArdour:
    """Open a session in Ardour, have it told, save it as Ardour itself does."""
    script = home / "read.lua"
    home.mkdir(exist_ok=True)
    script.write_text(READ.format(folder=session.parent, name=session.stem, bars=bars), "utf-8")
    said = tool("luasession", home, str(script))
    found = InArdour()
    for line in said.splitlines():
        if not line.startswith("@\t"):
            assert "error" not in line.lower(), said
            continue
        match line.split("\t")[1:]:
            case ["rate", rate]:
                found.rate_hz = float(rate)
            case ["bar", at]:
                found.bars.append(int(at))
            case ["mark", name, at]:
                found.marks[name] = int(at)
            case ["track", name, muted, inputs]:
                found.tracks[name] = (muted == "true", int(inputs))
            case ["region", name, begin, length]:
                found.regions.append((name, int(begin), int(length)))
            case ["note", name, *values]:
                start, end, channel, pitch, velocity = map(int, values)
                of_track = found.notes.setdefault(name, [])
                of_track.append((start, end, channel, pitch, velocity))
    return found


def clicks(path: Path, channels: list[tuple[int, ...]]) -> None:
    sound = np.zeros((round(DURATION_S * RATE_HZ), len(channels)), dtype=np.float32)
    for side, places in enumerate(channels):
        sound[list(places), side] = 0.5
    soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")


def sent(part: int, channel: int, base: int) -> list[TimedMessage]:
    out = [TimedMessage(0.5, 0.0, part, Message(Kind.PROGRAM, channel, 10 * part))]
    for i, time_s in enumerate(STRUCK_S):
        pitch, velocity = base + i, 60 + i
        end_s = STRUCK_S[i + 1] - 0.03 if i + 1 < len(STRUCK_S) else 11.0
        out.append(TimedMessage(time_s, i, part, Message(Kind.ON, channel, pitch, velocity)))
        out.append(TimedMessage(end_s, i + 0.95, part, Message(Kind.OFF, channel, pitch)))
    return out


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """A take folder with a rubato, a change of metre, two parts, sound with clicks in it."""
    folder = tmp_path / "my take"
    folder.mkdir()
    notes = tuple(Note(float(i), 1.0, 60) for i in range(len(STRUCK_S)))
    starts = (0.0, 4.0, 8.0, 11.0)
    lengths = (4.0, 4.0, 3.0, 3.0)
    bars = [Measure(s, n, str(i + 1)) for i, (s, n) in enumerate(zip(starts, lengths, strict=True))]
    score = Score(
        "A take",
        (Part(1, "Solo", ()), Part(2, "Flute/Oboe", notes), Part(3, "ensemble", notes)),
        tuple(bars),
        metres=(Metre(0.0, 4, 4), Metre(8.0, 3, 4)),
        marks=(Mark(4.0, "B"), Mark(8.0, "C")),
    )
    messages = sorted([*sent(2, 3, 60), *sent(3, 10, 36)], key=lambda m: m.time_s)
    write_midi(folder / "accompaniment.mid", score, messages, DURATION_S)
    clicks(folder / "solo.wav", [SOLO_CLICKS])
    clicks(folder / "accompaniment.wav", [LEFT_CLICKS, RIGHT_CLICKS])
    return folder


def export(take: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "accompanist", "export", str(take), "--format", "ardour"]
    return subprocess.run(
        [*command, *more], capture_output=True, text=True, timeout=60, check=False
    )


def exported(take: Path, out: Path) -> Path:
    made = export(take, "--out", str(out))
    assert made.returncode == 0, made.stderr
    return out / f"{out.name}.ardour"


def test_ardour_has_the_take_as_it_was(take: Path, tmp_path: Path) -> None:
    session = exported(take, tmp_path / "in ardour")
    sounds = ("solo.wav", "accompaniment.wav")
    files = {p.name: p for p in session.parent.glob("interchange/*/*/*")}
    assert set(files) == {"Flute-Oboe.mid", "ensemble 2.mid", *sounds}
    lead_bars = round(STRUCK_S[0] * 2 / 4) or 1
    found = read_session(session, tmp_path / "home", lead_bars + 4)

    assert found.rate_hz == RATE_HZ
    assert found.bars[0] == 0
    bars_s = np.array(found.bars[lead_bars:]) / RATE_HZ
    np.testing.assert_allclose(bars_s, BAR_TIMES_S, rtol=0.0, atol=0.0005)
    assert found.marks["session"] == 0
    assert found.marks["B"] / RATE_HZ == pytest.approx(STRUCK_S[4], abs=0.0005)
    assert found.marks["C"] / RATE_HZ == pytest.approx(STRUCK_S[8], abs=0.0005)

    # what was heard sounds once: the sound does, the notes wait
    assert found.tracks == {
        "Flute-Oboe": (True, 0),
        "ensemble 2": (True, 0),
        "solo": (False, 1),
        "ensemble": (False, 2),
    }
    length = round(DURATION_S * RATE_HZ)
    wav = [r for r in found.regions if r[0] in ("solo", "ensemble")]
    assert wav == [("solo", 0, length), ("ensemble", 0, length)]
    midi = [r for r in found.regions if r[0] not in ("solo", "ensemble")]
    assert [(name, begin) for name, begin, _ in midi] == [("Flute-Oboe", 0), ("ensemble 2", 0)]
    for _, _, region_length in midi:
        assert region_length >= 11.0 * RATE_HZ

    for name, channel, base in (("Flute-Oboe", 2, 60), ("ensemble 2", 9, 36)):
        notes = sorted(found.notes[name])
        expected = [(channel, base + i, 60 + i) for i in range(len(STRUCK_S))]
        assert [n[2:] for n in notes] == expected
        np.testing.assert_allclose([n[0] / RATE_HZ for n in notes], STRUCK_S, rtol=0.0, atol=0.001)
        ends_s = [*(t - 0.03 for t in STRUCK_S[1:]), 11.0]
        np.testing.assert_allclose([n[1] / RATE_HZ for n in notes], ends_s, rtol=0.0, atol=0.001)

    # Ardour has saved it, and written the notes anew: nothing was lost, and it opens again
    for name in sounds:
        assert files[name].read_bytes() == (take / name).read_bytes()
    for name, channel, program in (("Flute-Oboe", 2, 20), ("ensemble 2", 9, 30)):
        (track,) = mido.MidiFile(files[f"{name}.mid"]).tracks
        (patch,) = [m for m in track if m.type == "program_change"]
        assert (patch.channel, patch.program) == (channel, program)
    assert read_session(session, tmp_path / "home", lead_bars + 4) == found


def test_ardour_renders_the_sound_to_the_sample(take: Path, tmp_path: Path) -> None:
    session = exported(take, tmp_path / "session")
    wav = tmp_path / "master.wav"
    told = ("--bitdepth", "float", "--output", str(wav), str(session.parent), session.stem)
    tool("utils/ardour*-export", tmp_path / "home", *told)
    sound, rate = soundfile.read(wav, dtype="float32")
    assert rate == RATE_HZ
    assert abs(len(sound) - DURATION_S * RATE_HZ) <= 1
    left = np.flatnonzero(np.abs(sound[:, 0]) > 0.1)
    right = np.flatnonzero(np.abs(sound[:, 1]) > 0.1)
    # a region's first samples are faded in: what lies there is not heard in full
    assert set(left) | {0, 10} == {*SOLO_CLICKS, *LEFT_CLICKS}
    assert set(right) | {0} == {*SOLO_CLICKS, *RIGHT_CLICKS}
    # nothing else sounds: the notes' tracks are muted
    sound[left, 0], sound[right, 1] = 0.0, 0.0
    assert np.abs(sound).max() < 0.1


def test_without_sound_the_notes_are_heard(take: Path, tmp_path: Path) -> None:
    for name in ("solo.wav", "accompaniment.wav"):
        (take / name).unlink()
    session = exported(take, tmp_path / "session")
    found = read_session(session, tmp_path / "home", 1)
    assert found.rate_hz == 48_000
    assert found.tracks == {"Flute-Oboe": (False, 0), "ensemble": (False, 0)}
    wav = tmp_path / "master.wav"
    told = ("--bitdepth", "float", "--output", str(wav), str(session.parent), session.stem)
    tool("utils/ardour*-export", tmp_path / "home", *told)
    sound, rate = soundfile.read(wav, dtype="float32")
    level = np.abs(sound).max(axis=1)
    first_s = float(np.flatnonzero(level > 0.001)[0]) / rate
    assert first_s == pytest.approx(STRUCK_S[0], abs=0.02)
    for time_s in STRUCK_S:
        begin = round(time_s * rate)
        assert level[begin : begin + rate // 5].max() > 0.005, time_s


def test_a_take_in_which_nothing_was_played_opens(take: Path, tmp_path: Path) -> None:
    for name in ("solo.wav", "accompaniment.wav"):
        (take / name).unlink()
    score = Score("Silence", (Part(1, "Solo", ()),), (Measure(0.0, 4.0, "1"),))
    write_midi(take / "accompaniment.mid", score, [], 5.0)
    session = exported(take, tmp_path / "session")
    found = read_session(session, tmp_path / "home", 1)
    assert (found.tracks, found.bars, found.marks) == ({}, [0], {"session": 0})


def test_a_session_that_is_there_is_left_alone(take: Path, tmp_path: Path) -> None:
    session = exported(take, tmp_path / "session")
    before = session.read_bytes()
    again = export(take, "--out", str(session.parent))
    assert again.returncode == 1
    assert "there already" in again.stderr
    assert session.read_bytes() == before
    # in a folder that is no session it gets one of its own, named after the take
    (tmp_path / "sessions").mkdir()
    made = export(take, "--out", str(tmp_path / "sessions"))
    assert made.returncode == 0, made.stderr
    name = "my take-ardour"
    assert (tmp_path / "sessions" / name / f"{name}.ardour").is_file()
    assert [p.name for p in (tmp_path / "sessions").iterdir()] == [name]
