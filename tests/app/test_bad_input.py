"""Broken, hostile and mistaken input, as the command line meets it.

Whatever comes in: one line on stderr and the right exit code, or a sensible result; no defect of
ours, nothing left half done.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from click.testing import CliRunner, Result

from accompanist.app.cli import main

RATE = 22_050
PITCHES = (60, 62, 64, 65, 67, 69, 71, 72)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def midi() -> bytes:
    file = mido.MidiFile(ticks_per_beat=480)
    for name, step in (("Solo", 480), ("Bass", 960)):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        for pitch in PITCHES[: 8 * 480 // step]:
            track.append(mido.Message("note_on", note=pitch - step // 80, velocity=90))
            track.append(mido.Message("note_off", note=pitch - step // 80, time=step))
        file.tracks.append(track)
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


@pytest.fixture
def score(home: Path, midi: bytes) -> Path:
    path = home / "score.mid"
    path.write_bytes(midi)
    return path


def tones(seconds: float = 3.0) -> npt.NDArray[np.float64]:
    """Make half a second of each note of the solo."""
    time_s = np.arange(RATE // 2) / RATE
    hz = [440.0 * 2 ** ((pitch - 75) / 12) for pitch in PITCHES]
    played = [np.sin(2 * np.pi * f * time_s) * np.exp(-3 * time_s) for f in hz]
    return 0.3 * np.concatenate(played)[: round(seconds * RATE)]


def wav(samples: npt.ArrayLike, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    data = io.BytesIO()
    soundfile.write(data, np.asarray(samples), rate, subtype=subtype, format="WAV")
    return data.getvalue()


def patched(data: bytes, kind: str, at: int, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(kind, changed, at, value)
    return bytes(changed)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words], catch_exceptions=False)


def assert_refused(result: Result, code: int) -> None:
    assert result.exit_code == code, result.output
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("accompanist: ")


SOUND = tones()
HOLES = SOUND.copy()
HOLES[1000:3000] = np.nan
GOOD = wav(SOUND)
REFUSED_SOUNDS = {
    "empty": b"",
    "not a sound": b"hello " * 200,
    "cut in the header": GOOD[:20],
    "header only": GOOD[:44],
    "next to nothing": GOOD[:100],
    "no channels": patched(GOOD, "<H", 22, 0),
    "no rate": patched(GOOD, "<I", 24, 0),
    "no bits": patched(GOOD, "<H", 34, 0),
    "one sample": wav(np.zeros(1)),
    "slow": wav(SOUND, 1000),
    "length understated": patched(GOOD, "<I", 40, 10),
}
ACCEPTED_SOUNDS = {
    "silence": wav(np.zeros(RATE)),
    "noise": wav(np.random.default_rng(0).normal(0.0, 0.1, RATE)),
    "full scale": wav(np.sign(np.sin(np.arange(RATE) / 17))),
    "constant": wav(np.full(RATE, 0.5)),
    "cut short": GOOD[: len(GOOD) // 2],
    "length overstated": patched(GOOD, "<I", 40, 0xFFFF_FFF0),
    "8 bit": wav(SOUND, subtype="PCM_U8"),
    "24 bit": wav(SOUND, subtype="PCM_24"),
    "float64": wav(SOUND, subtype="DOUBLE"),
    "not numbers in it": wav(HOLES, subtype="FLOAT"),
    "nothing but not numbers": wav(np.full(RATE, np.nan), subtype="FLOAT"),
    "beyond all scale": wav(SOUND * 1e30, subtype="FLOAT"),
    "six channels": wav(np.repeat(SOUND[:, None], 6, axis=1)),
    "8 kHz": wav(SOUND[:8000], 8000),
    "192 kHz": wav(np.repeat(SOUND[:RATE], 9), 192_000),
}


@pytest.mark.parametrize("name", REFUSED_SOUNDS)
def test_sounds_that_cannot_be_followed(score: Path, home: Path, name: str) -> None:
    (home / "take.wav").write_bytes(REFUSED_SOUNDS[name])
    assert_refused(run("render", score, "take.wav", "--out", "take", "--no-audio"), 3)
    assert sorted(p.name for p in home.iterdir() if p.name != "cache") == ["score.mid", "take.wav"]


@pytest.mark.parametrize("name", ACCEPTED_SOUNDS)
def test_odd_sounds_give_a_take(score: Path, home: Path, name: str) -> None:
    (home / "take.wav").write_bytes(ACCEPTED_SOUNDS[name])
    result = run("render", score, "take.wav", "--out", "take", "--no-audio")
    assert result.exit_code == 0, result.output
    assert (home / "take" / "take.json").is_file()
    assert not list(home.glob(".take*"))


TRUTHS = {
    "": 3,
    "a,b\n0,1\n1,2\n": 3,
    "quarter,time\n": 3,
    "quarter,time\n0,1\n": 3,
    "quarter,time\n0\n1\n": 3,
    "quarter,time\nx,y\n": 3,
    "quarter,time\n0,1\nnan,2\n": 3,
    "quarter,time\n4,2.5\n0,0.5\n2,1.5\n": 0,
    "quarter,time\n0,0.5\n0,0.5\n1,1.0\n1,1.1\n": 0,
    "quarter,time\n-5,-1\n0,1e9\n": 0,
}


@pytest.mark.parametrize(("text", "code"), TRUTHS.items())
def test_truth_files(score: Path, home: Path, text: str, code: int) -> None:
    (home / "take.wav").write_bytes(GOOD)
    (home / "truth.csv").write_text(text)
    words = ("render", score, "take.wav", "--out", "take", "--no-audio", "--truth", "truth.csv")
    result = run(*words)
    if code:
        assert_refused(result, code)
    assert result.exit_code == code
    assert (home / "take").exists() == (code == 0)


WORDS: dict[tuple[str, ...], int] = {
    ("--solo", "0"): 2,
    ("--solo", "-1"): 2,
    ("--solo", "99"): 2,
    ("--solo", ""): 2,
    ("--follower", "notes"): 2,
    ("--block", "-1"): 2,
    ("--block", "9" * 12): 2,
    ("--seed", "x"): 2,
    ("--truth", "take.wav"): 3,
    ("--soundfont", "take.wav"): 4,
    ("--soundfont", "cut.sf2"): 4,
    ("--soundfont", "."): 4,
    ("--out", "take.wav"): 2,
    ("--out", "take.wav/take"): 1,
    ("--out", "album"): 2,
    ("--out", "."): 2,
    ("--out", "x" * 300): 1,
}


@pytest.mark.parametrize(("words", "code"), WORDS.items())
def test_words_of_render(score: Path, home: Path, words: tuple[str, ...], code: int) -> None:
    (home / "take.wav").write_bytes(GOOD)
    (home / "cut.sf2").write_bytes(b"RIFF\xff\xff\0\0sfbk")
    (home / "album").mkdir()
    (home / "album" / "photo.jpg").write_bytes(b"photo")
    before = sorted(home.rglob("*"))
    assert_refused(run("render", score, "take.wav", "--out", "take", *words), code)
    assert [p for p in sorted(home.rglob("*")) if "cache" not in p.parts] == before


def test_a_recording_is_not_replaced_by_its_own_take(score: Path, home: Path) -> None:
    (home / "take.wav").write_bytes(GOOD)
    assert run("render", score, "take.wav", "--out", "t", "--no-audio").exit_code == 0
    (home / "take.wav").rename(home / "t" / "mine.wav")
    assert_refused(run("render", score, "t/mine.wav", "--out", "t", "--no-audio"), 2)
    assert (home / "t" / "mine.wav").read_bytes() == GOOD


NOTE = "<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note>"
HEAD = '<?xml version="1.0"?>'
LAUGHS = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))


def musicxml(*parts: tuple[str, str]) -> str:
    names = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>'
        for i, (name, _) in enumerate(parts)
    )
    music = "".join(f'<part id="P{i}">{measures}</part>' for i, (_, measures) in enumerate(parts))
    return f"{HEAD}<score-partwise><part-list>{names}</part-list>{music}</score-partwise>"


def measures(count: int, content: str = NOTE) -> str:
    first = "<attributes><divisions>1</divisions></attributes>"
    return "".join(
        f'<measure number="{i + 1}">{first * (i == 0)}{content}</measure>' for i in range(count)
    )


def zipped(members: dict[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def container(path: str) -> str:
    return f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'


DUET = musicxml(("Violin", measures(4)), ("Piano", measures(4)))
SCORES: dict[str, tuple[str, str | bytes, int]] = {
    "good": ("s.musicxml", DUET, 0),
    "external entity": (
        "s.musicxml",
        DUET.replace(HEAD, f'{HEAD}<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        3,
    ),
    "billion laughs": (
        "s.musicxml",
        DUET.replace(HEAD, f'{HEAD}<!DOCTYPE s [<!ENTITY l0 "ha">{LAUGHS}]>').replace(
            "Violin", "&l9;"
        ),
        3,
    ),
    "zip bomb": (
        "s.mxl",
        zipped({"META-INF/container.xml": container("s.xml"), "s.xml": b" " * 40_000_000}),
        3,
    ),
    "zip in a zip": (
        "s.mxl",
        zipped({"META-INF/container.xml": container("in.mxl"), "in.mxl": zipped({"s.xml": DUET})}),
        3,
    ),
    "path out of the zip": (
        "s.mxl",
        zipped({"META-INF/container.xml": container("../../evil.xml"), "../../evil.xml": DUET}),
        0,
    ),
    "path into the system": (
        "s.mxl",
        zipped({"META-INF/container.xml": container("/etc/passwd")}),
        3,
    ),
    "zip of many": ("s.mxl", zipped({f"{i}.xml": "x" for i in range(1500)}), 3),
    "half a zip": ("s.mxl", zipped({"s.xml": DUET})[:-30], 3),
    "many measures": ("s.musicxml", musicxml(("Violin", measures(10_000))), 0),
    "nothing but rests": ("s.musicxml", musicxml(("Violin", measures(4, ""))), 3),
    "no parts": ("s.musicxml", musicxml(), 3),
    "a web page": ("s.xml", "<html><body>not found</body></html>", 3),
    "deep": ("s.xml", "<a>" * 50_000 + "</a>" * 50_000, 3),
    "empty": ("s.mid", b"", 3),
    "zeros": ("s.mid", b"\0" * 500, 3),
    "noise": ("s.mid", np.random.default_rng(1).bytes(2000), 3),
    "text": ("s.mid", "hello", 3),
    "no tune": ("s.abc", "X:1\nK:C\n", 3),
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("command", ["check", "add"])
def test_scores(home: Path, name: str, command: str) -> None:
    file, content, code = SCORES[name]
    (home / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("pieces", command, file)
    if code:
        assert_refused(result, code)
        assert not list(home.glob("data/accompanist/pieces/*"))
    assert result.exit_code == code, result.output
    assert "passwd" not in result.stdout


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2, 0.5, 0.9, 0.99])
def test_midi_files_cut_short(home: Path, midi: bytes, share: float) -> None:
    (home / "cut.mid").write_bytes(midi[: round(share * len(midi))])
    assert_refused(run("pieces", "check", "cut.mid"), 3)


def test_a_name_that_fits_two_parts_asks_for_the_number(home: Path) -> None:
    text = musicxml(("Violin", measures(4)), ("Violin", measures(4)), ("Tuba", measures(4, "")))
    (home / "s.musicxml").write_text(text)
    for solo in ("Violin", "Tuba", "Kazoo"):
        assert_refused(run("pieces", "check", "s.musicxml", "--solo", solo), 2)


@pytest.mark.parametrize(
    "piece", ["../../etc/passwd", "..", "/dev/zero", "", "a\nb", "é", "x" * 5000]
)
def test_pieces_that_are_none(piece: str) -> None:
    shown = run("pieces", "show", "--", piece)
    assert_refused(shown, shown.exit_code)
    assert shown.exit_code in (2, 3)
    assert_refused(run("pieces", "remove", "--", piece), 2)


SIMULATIONS: dict[tuple[str, ...], int] = {
    ("--seed", "-1"): 2,
    ("--noise", "nan"): 2,
    ("--bleed", "nan"): 2,
    ("--bleed", "500"): 2,
    ("--direct", "nan", "--room", "1"): 2,
    ("--cents", "1e9"): 2,
    ("--cents", "nan"): 2,
    ("--tempo", "0"): 2,
    ("--lead-in", "nan"): 2,
    ("--pause", "1:nan"): 2,
    ("--timing", "score.mid"): 3,
    ("--out", "mine"): 2,
    ("--out", "score.mid/x"): 1,
}


@pytest.mark.parametrize(("words", "code"), SIMULATIONS.items())
def test_words_of_simulate(score: Path, home: Path, words: tuple[str, ...], code: int) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "take.wav").write_bytes(b"my own recording")
    assert_refused(run("simulate", score, "--out", "take", *words), code)
    assert (home / "mine" / "take.wav").read_bytes() == b"my own recording"
    assert not (home / "take").exists()


HEADER = "score,solo,audio,truth,start_quarter\n"
MANIFESTS = {
    "empty": "",
    "no rows": HEADER,
    "other columns": "a,b\n1,2\n",
    "missing files": HEADER + "no.mid,1,no.wav,no.csv,\n",
    "half a row": HEADER + "score.mid\n",
    "not text": "\0\0",
    "a start that is no number": HEADER + "score.mid,1,take.wav,truth.csv,nan\n",
    "a start before the beginning": HEADER + "score.mid,1,take.wav,truth.csv,-5\n",
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests(score: Path, home: Path, name: str) -> None:
    (home / "take.wav").write_bytes(GOOD)
    (home / "truth.csv").write_text("quarter,time\n0,0.5\n1,1\n")
    (home / "m.csv").write_text(MANIFESTS[name])
    assert_refused(run("evaluate", "m.csv"), 3)


@pytest.mark.parametrize(
    "words", [("--followers", "notes"), ("--followers", ","), ("--jobs", "0"), ("--seed", "x")]
)
def test_words_of_evaluate(home: Path, words: tuple[str, str]) -> None:
    (home / "m.csv").write_text("")
    assert_refused(run("evaluate", "m.csv", *words), 2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--piece", "no-such-piece"), 2),
        (("--preset", "angry"), 2),
        (("--soundfont", "no.sf2"), 4),
        (("--out", "file"), 2),
        (("--seed", "-1"), 2),
    ],
)
def test_words_of_demo(home: Path, words: tuple[str, str], code: int) -> None:
    (home / "file").write_text("mine")
    assert_refused(run("demo", "--out", "take", *words), code)
    assert not (home / "take").exists()
