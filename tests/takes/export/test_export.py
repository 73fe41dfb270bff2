import csv
import io
import zipfile
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import BadInputError
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Mark, Measure, Metre, Note, Part, Score
from accompanist.takes.export.arrangement import Arrangement, Clip, read_arrangement
from accompanist.takes.export.dawproject import write_dawproject
from accompanist.takes.export.reaper import reaper_project
from accompanist.takes.export.tables import audacity_labels, beats_csv
from accompanist.takes.midi_file import write_midi

TIMES_S = (1.0, 1.5, 2.1, 2.8, 3.6, 4.2, 4.7, 5.2)
"""A quarter note each, with a rubato."""


def score() -> Score:
    notes = tuple(Note(float(i), 1.0, 60 + i) for i in range(8))
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(2))
    return Score(
        "A take",
        (Part(1, "Solo", ()), Part(2, 'The "A" piano', notes)),
        bars,
        metres=(Metre(0.0, 4, 4),),
        marks=(Mark(4.0, "B"),),
    )


def messages() -> list[TimedMessage]:
    out = [TimedMessage(0.9, 0.0, 2, Message(Kind.PROGRAM, 3, 11))]
    for i, time_s in enumerate(TIMES_S):
        out.append(TimedMessage(time_s, float(i), 2, Message(Kind.ON, 3, 60 + i, 80 + i)))
        end_s = TIMES_S[i + 1] - 0.02 if i + 1 < len(TIMES_S) else 5.9
        out.append(TimedMessage(end_s, i + 0.95, 2, Message(Kind.OFF, 3, 60 + i)))
    return out


@pytest.fixture
def take(tmp_path: Path) -> Arrangement:
    write_midi(tmp_path / "accompaniment.mid", score(), messages(), 7.0)
    (tmp_path / "solo.wav").write_bytes(b"RIFF")
    return read_arrangement(tmp_path, [Clip("solo", tmp_path / "solo.wav", 7.0, 48_000, 1)])


def test_the_arrangement_has_every_note_at_its_second(take: Arrangement) -> None:
    (track,) = take.tracks
    assert (track.name, track.channel) == ('The "A" piano', 3)
    assert [n.pitch for n in track.notes] == [60 + i for i in range(8)]
    assert [n.velocity for n in track.notes] == [80 + i for i in range(8)]
    for note, time_s in zip(track.notes, TIMES_S, strict=True):
        assert take.seconds(note.start_quarter) == pytest.approx(time_s, abs=5e-4)
    assert [s.data for s in track.steps] == [(0xC2, 11)]
    assert [m.text for m in take.markers] == ["B"]
    assert take.markers[0].time_s == pytest.approx(TIMES_S[4], abs=5e-4)


def test_bars_stand_where_the_music_has_them(take: Arrangement) -> None:
    first = next(b for b in take.bars if abs(b.time_s - TIMES_S[0]) < 5e-4)
    second = next(b for b in take.bars if abs(b.time_s - TIMES_S[4]) < 5e-4)
    assert second.number == first.number + 1
    assert [b.number for b in take.bars] == list(range(1, len(take.bars) + 1))


def test_a_folder_without_a_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not a take folder"):
        read_arrangement(tmp_path)
    (tmp_path / "accompaniment.mid").write_bytes(b"MThd\0\0\0\6\0\1")
    with pytest.raises(BadInputError, match="cannot be read as MIDI"):
        read_arrangement(tmp_path)


def test_the_table_of_beats_follows_the_rubato(take: Arrangement) -> None:
    rows = list(csv.DictReader(io.StringIO(beats_csv(take))))
    times = [float(row["time"]) for row in rows]
    for time_s in TIMES_S:
        assert min(abs(t - time_s) for t in times) < 5e-4
    row = next(r for r in rows if abs(float(r["time"]) - TIMES_S[2]) < 5e-4)
    assert float(row["qpm"]) == pytest.approx(60 / 0.7, rel=2e-3)
    assert row["beat"] == "3"
    assert times == sorted(times)


def test_labels_are_three_columns_a_line(take: Arrangement) -> None:
    lines = [line.split("\t") for line in audacity_labels(take).splitlines()]
    assert all(len(line) == 3 and line[0] == line[1] for line in lines)
    mark = next(line for line in lines if line[2] == "B")
    assert float(mark[0]) == pytest.approx(TIMES_S[4], abs=5e-4)


Block = list["str | Block"]


def parse_project(text: str) -> Block:
    """Read a REAPER project by its brackets alone."""
    stack: list[Block] = [[]]
    for line in text.splitlines():
        if line.startswith("<"):
            stack.append([line[1:]])
        elif line == ">":
            block = stack.pop()
            stack[-1].append(block)
        else:
            stack[-1].append(line)
    assert len(stack) == 1
    (project,) = stack[0]
    assert isinstance(project, list)
    return project


def blocks(block: Block, name: str) -> list[Block]:
    inner = [b for b in block if isinstance(b, list)]
    return [b for b in inner if isinstance(b[0], str) and b[0].split()[0] == name]


def lines(block: Block, name: str) -> list[str]:
    return [x for x in block[1:] if isinstance(x, str) and x.split()[0] == name]


def test_a_reaper_project_sounds_when_the_take_did(take: Arrangement, tmp_path: Path) -> None:
    project = parse_project(reaper_project(take, tmp_path))
    (envelope,) = blocks(project, "TEMPOENVEX")
    points = [[float(x) for x in line.split()[1:4]] for line in lines(envelope, "PT")]
    assert points[0][0] == 0.0
    assert all(shape == 1.0 for _, _, shape in points)
    signature = lines(envelope, "PT")[0].split()[4:]
    assert signature == [str((4 << 16) + 4), "0", "1"]

    def seconds(tick: int) -> float:
        """Integrate the envelope: what REAPER makes of a position in quarters."""
        left = tick / 960
        for (begin_s, qpm, _), (end_s, _, _) in pairwise(points):
            length = (end_s - begin_s) * qpm / 60
            if left <= length:
                return begin_s + left * 60 / qpm
            left -= length
        return points[-1][0] + left * 60 / points[-1][1]

    audio, midi = blocks(project, "TRACK")
    (item,) = blocks(audio, "ITEM")
    assert lines(blocks(item, "SOURCE")[0], "FILE") == ['FILE "solo.wav"']
    assert lines(midi, "NAME") == ["NAME 'The \"A\" piano'"]
    (item,) = blocks(midi, "ITEM")
    (source,) = blocks(item, "SOURCE")
    tick, struck = 0, []
    for line in lines(source, "E"):
        _, delta, status, *data = line.split()
        tick += int(delta)
        if status == "92":
            struck.append((seconds(tick), int(data[0], 16)))
    assert [pitch for _, pitch in struck] == [60 + i for i in range(8)]
    for (time_s, _), true_s in zip(struck, TIMES_S, strict=True):
        assert time_s == pytest.approx(true_s, abs=5e-4)
    (marker,) = lines(project, "MARKER")
    assert marker.split()[1] == "1"
    assert float(marker.split()[2]) == pytest.approx(TIMES_S[4], abs=5e-4)


def test_sound_elsewhere_is_named_in_full(take: Arrangement, tmp_path: Path) -> None:
    text = reaper_project(take, tmp_path / "elsewhere")
    assert f'FILE "{tmp_path.resolve()}/solo.wav"' in text


def test_a_dawproject_has_the_notes_the_tempo_and_the_sound(
    take: Arrangement, tmp_path: Path
) -> None:
    path = tmp_path / "take.dawproject"
    write_dawproject(path, take)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"project.xml", "metadata.xml", "audio/solo.wav"}
        root = ElementTree.fromstring(archive.read("project.xml"))
        about = ElementTree.fromstring(archive.read("metadata.xml"))
    assert about.findtext("Title") == "A take"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for name in ("track", "destination", "parameter"):
            if element.get(name) is not None:
                assert element.get(name) in ids
    arrangement = root.find("Arrangement")
    assert arrangement is not None
    assert [child.tag for child in arrangement] == [
        "Lanes",
        "Markers",
        "TempoAutomation",
        "TimeSignatureAutomation",
    ]
    points = [(float(p.get("time", "")), float(p.get("value", ""))) for p in root.iter("RealPoint")]

    def seconds(quarter: float) -> float:
        total = 0.0
        for (begin, qpm), (end, _) in zip(points, [*points[1:], (1e9, 0.0)], strict=True):
            total += max(min(quarter, end) - begin, 0.0) * 60 / qpm
        return total

    notes = [(float(n.get("time", "")), int(n.get("key", ""))) for n in root.iter("Note")]
    assert [key for _, key in notes] == [60 + i for i in range(8)]
    for (quarter, _), time_s in zip(notes, TIMES_S, strict=True):
        assert seconds(quarter) == pytest.approx(time_s, abs=5e-4)
    audio = root.find(".//Audio")
    assert audio is not None
    assert (audio.get("sampleRate"), audio.get("channels")) == ("48000", "1")


@settings(max_examples=50, deadline=None)
@given(
    gaps_s=st.lists(st.floats(0.05, 3.0), min_size=1, max_size=30),
    resolution=st.sampled_from([96, 480, 960]),
)
def test_seconds_of_any_file_are_those_of_mido(gaps_s: list[float], resolution: int) -> None:
    import tempfile

    file = mido.MidiFile(type=1, ticks_per_beat=resolution)
    frame, part = mido.MidiTrack(), mido.MidiTrack()
    for gap_s in gaps_s:
        frame.append(mido.MetaMessage("set_tempo", tempo=round(gap_s * 1e6), time=0))
        frame.append(mido.MetaMessage("marker", text="x", time=resolution))
        part.append(mido.Message("note_on", note=60, velocity=1, time=resolution // 2))
        part.append(mido.Message("note_off", note=60, time=resolution - resolution // 2))
    file.tracks += [frame, part]
    with tempfile.TemporaryDirectory() as folder:
        file.save(Path(folder) / "accompaniment.mid")
        take = read_arrangement(Path(folder))
    at_s, struck = 0.0, []
    for message in file:
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            struck.append(at_s)
    ours = [take.seconds(n.start_quarter) for n in take.tracks[0].notes]
    assert ours == pytest.approx(struck, abs=1e-6)
