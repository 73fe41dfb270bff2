"""``rehearse`` of a score and ``render`` with what was learned, as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pytest
from click.testing import CliRunner, Result

from accompanist.app.cli import main
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import PlayerSettings
from bridges.audio_files import write_wav
from score_library.load import load_score

RATE = 16_000
TUNE = (72, 76, 79, 77, 74, 71, 72, 67, 69, 74, 77, 76, 72, 79, 81, 79) * 2
MYSELF = PlayerSettings(
    phrase_arc=0.06, accent=0.02, drift=0.01, habit=0.11, player=5, motor_s=0.006, final_tempo=0.8
)
TAKES = 3


def command(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory, play_tones: Callable[..., Any]) -> Path:
    """Three takes of one simulated player: sounds, their truths, and two take folders."""
    folder = tmp_path_factory.mktemp("rehearsing")
    file = mido.MidiFile(ticks_per_beat=480)
    melody = mido.MidiTrack([mido.MetaMessage("track_name", name="Flute")])
    melody.append(mido.MetaMessage("set_tempo", tempo=500_000))
    for pitch in TUNE:
        melody.append(mido.Message("note_on", note=pitch, velocity=90))
        melody.append(mido.Message("note_off", note=pitch, time=480))
    bass = mido.MidiTrack([mido.MetaMessage("track_name", name="Cello")])
    for i in range(2 * len(TUNE)):
        bass.append(mido.Message("note_on", channel=1, note=43 + i % 5, velocity=70))
        bass.append(mido.Message("note_off", channel=1, note=43 + i % 5, time=240))
    file.tracks.extend([melody, bass])
    file.save(folder / "duet.mid")
    score = load_score(folder / "duet.mid")
    for seed in range(TAKES):
        played = simulate_take(score, score.parts[0], replace(MYSELF, tempo_factor=1.1), seed)
        notes = [(n.onset_s, n.offset_s, n.pitch) for n in played.notes]
        write_wav(folder / f"{seed}.wav", play_tones(notes, rate=RATE)[:, None], RATE)
        rows = zip(played.truth_quarter, played.truth_time_s, strict=True)
        truth = "".join(f"{q:.5f},{t:.5f}\n" for q, t in rows)
        (folder / f"{seed}.csv").write_text("quarter,time\n" + truth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        for seed in range(1, TAKES):
            done = rendered(folder, seed, folder / f"take{seed}")
            assert done["input"]["rehearsal"] == {"own_takes": 0, "takes_by_others": 0}
    return folder


def rendered(folder: Path, seed: int, out: Path, *more: object, known: str = "") -> dict[str, Any]:
    words = (folder / "duet.mid", folder / f"{seed}.wav", "--solo", 1, "--no-audio")
    truth = ("--truth", folder / f"{seed}.csv", "--json", "--out", out)
    result = command("render", *words, *truth, *more)
    assert result.exit_code == 0, result.stderr
    assert ("is known from" in result.stderr) == bool(known)
    assert known in result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rehearse(folder: Path, *words: object) -> Result:
    return command("rehearse", folder / "duet.mid", "--solo", "1", *words)


def test_who_has_rehearsed_is_accompanied_better(takes: Path, home: Path) -> None:
    rehearse(takes, takes / "take1", takes / "take2")
    cold = rendered(takes, 0, home / "cold")
    assert cold["input"]["rehearsal"]["own_takes"] == 0  # unless told nothing learned counts
    warm = rendered(takes, 0, home / "warm", "--rehearsed", known="known from 2 earlier takes")
    assert warm["input"]["rehearsal"] == {"own_takes": 2, "takes_by_others": 0}
    before, after = cold["figures"], warm["figures"]
    assert after["between_median_ms"] < 0.6 * before["between_median_ms"]
    assert after["asynchrony_median_ms"] < before["asynchrony_median_ms"] + 1.0


def test_learning_listing_and_forgetting(takes: Path, home: Path) -> None:
    assert "nothing has been learned" in rehearse(takes, "--list").stdout
    said = rehearse(takes, takes / "take1")
    assert said.stdout.startswith(f"{takes / 'take1'}: used (32 notes, bars 1 to 8)\n")
    assert "1 take (1 of yours), 31 of 31 steps from note to note known" in said.stdout
    learned = json.loads(rehearse(takes, takes / "take2", "--others", "--json").stdout)
    assert [t["own"] for t in learned["learned"]] == [True, False]
    assert [t["take"] for t in learned["takes"]] == [str(takes / "take2")]
    figures = learned["figures"]
    assert (figures["own_takes"], figures["takes_by_others"]) == (1, 1)
    assert figures["apart_ms"] < 25.0
    assert Path(learned["picture"]).is_file()
    listed = rehearse(takes, "--list", "--plot", home / "mine.svg").stdout
    assert f"{takes / 'take2'}: used (32 notes, bars 1 to 8, by somebody else)" in listed
    assert "picture: " + str(home / "mine.svg") in listed
    assert "Flute" in (home / "mine.svg").read_text()

    unknown = rehearse(takes, "--forget", home / "nobody")
    assert unknown.exit_code == 2
    assert unknown.stderr == (
        f"accompanist: {home / 'nobody'}: nothing was learned from it; --list names what is known\n"
    )
    gone = rehearse(takes, "--forget", takes / "take2", home / "nobody", takes / "take2")
    assert f"{home / 'nobody'}: nothing was learned from it" in gone.stderr
    assert "1 forgotten" in gone.stderr
    assert "1 take (1 of yours)" in gone.stdout
    assert json.loads(rehearse(takes, "--forget", "--json").stdout)["forgotten"] == [
        str(takes / "take1")
    ]
    nothing = rehearse(takes, "--forget")
    assert (nothing.exit_code, "nothing to forget" in nothing.stderr) == (0, True)


def test_a_recording_and_what_is_left_out(takes: Path, home: Path) -> None:
    (home / "empty").mkdir()
    said = rehearse(takes, takes / "take1", home / "empty", "--recording", takes / "2.wav")
    assert said.exit_code == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0].startswith(f"{takes / 'take1'}: used")
    assert lines[1] == f"{home / 'empty'}: left out: is no take folder (no take.json in it)"
    assert lines[2].startswith(f"{takes / '2.wav'}: used")
    assert "by somebody else" in lines[2]
    entry = home / "data" / "accompanist" / "pieces" / "my-cd"
    entry.mkdir(parents=True)
    (entry / "piece.toml").write_text(f'title = "CD"\nrecording = "{takes / "1.wav"}"\n')
    assert rehearse(takes, "--recording", "my-cd").stdout.startswith("my-cd: used")


def test_the_cello_was_not_played(takes: Path) -> None:
    refused = command("rehearse", takes / "duet.mid", "--solo", "2", takes / "take1")
    assert refused.exit_code == 3
    assert "of another part" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "name takes of the piece"),
        (["gone"], 3, "there is no such folder"),
        ([__file__], 3, "is a file; name take folders (recordings: --recording)"),
        (["--recording", "gone.wav"], 3, "gone.wav"),
        (["--forget", "--list"], 2, "--forget goes with neither"),
        (["--list", "--plot", "x.txt"], 0, ""),
        (["--solo", "Oboe", "--list"], 2, "Oboe"),
    ],
)
def test_words_that_make_no_sense(takes: Path, words: list[str], code: int, message: str) -> None:
    result = command("rehearse", takes / "duet.mid", *words)
    assert result.exit_code == code, result.output
    assert message in result.stderr


def test_what_was_learned_and_broken_since_is_said(takes: Path, home: Path) -> None:
    rehearse(takes, takes / "take1")
    rehearse(takes, takes / "take2")
    broken = next((home / "data").rglob("take-*.json"))
    broken.write_text("{")
    listed = rehearse(takes, "--list")
    assert listed.exit_code == 0
    assert "1 take (1 of yours)" in listed.stdout
    assert f"{broken}: what was learned of a take cannot be read" in listed.stderr


def test_a_rendering_of_a_take_that_is_none(takes: Path, home: Path) -> None:
    words = (takes / "duet.mid", takes / "0.wav", "--no-audio", "--out", home / "out")
    failed = command("render", *words, "--rehearsal", home)
    assert (failed.exit_code, "no take folder" in failed.stderr) == (3, True)
    assert not (home / "out").exists()
