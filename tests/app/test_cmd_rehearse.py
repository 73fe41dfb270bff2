"""``accompanist rehearse``, as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recorded_files import RATE, music, recording
from separating_fakes import use_known_fits, use_quick_methods

from accompanist.app.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    use_quick_methods(monkeypatch)
    use_known_fits(monkeypatch, {2 * RATE: 1.4, 3 * RATE: 1.5})
    recording(tmp_path / "concerto.wav", music(4.0, channels=2))
    return tmp_path


def take(folder: Path, seconds: float, *, live: bool) -> Path:
    """A take folder, as far as it matters here."""
    folder.mkdir()
    sound = folder / "solo.wav" if live else folder.with_suffix(".wav")
    recording(sound, music(seconds, seed=3))
    facts = {"piece": {"id": "concerto"}, "input": {"source": "microphone" if live else str(sound)}}
    (folder / "take.json").write_text(json.dumps(facts))
    (folder / "trace.csv").write_text("")
    return folder


def rehearse(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["rehearse", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_takes_live_and_rendered_are_used_and_the_wrong_one_left_out(home: Path) -> None:
    takes = [
        take(home / "live", 2.0, live=True),
        take(home / "rendered", 3.0, live=False),
        take(home / "wrong", 2.5, live=True),
    ]
    done = rehearse("concerto.wav", *map(str, takes), "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert [one["used"] for one in facts["takes"]] == [True, True, False]
    assert "does not fit" in facts["takes"][2]["reason"]
    assert len(facts["solos"]) == 2


def test_takes_gather(home: Path) -> None:
    rehearse("concerto.wav", str(take(home / "one", 2.0, live=True)), "--alpha", "2")
    done = rehearse("concerto.wav", str(take(home / "two", 3.0, live=True)), "--json")
    facts = json.loads(done.stdout)
    assert len(facts["solos"]) == 2
    assert facts["alpha"] == 2.0  # as before

    shutil.rmtree(home / "one")  # they were copied
    said = rehearse("concerto.wav", str(home / "two"))
    assert f"{home / 'two'}: used" in said.stdout
    assert "the soloist taken out anew, by" in said.stdout


def test_forgetting(home: Path) -> None:
    rehearse("concerto.wav", str(take(home / "one", 2.0, live=True)))
    forgotten = rehearse("concerto.wav", "--forget", "--json")
    assert json.loads(forgotten.stdout) == {"forgotten": 1}
    again = rehearse("concerto.wav", "--forget")
    assert (again.exit_code, "nothing to forget" in again.stderr) == (0, True)


def test_what_is_for_scores_is_refused(home: Path) -> None:
    failed = rehearse("concerto.wav", "--list")
    assert (failed.exit_code, "are for scores" in failed.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["concerto.wav"], 2, "name takes of the piece"),
        (["concerto.wav", "gone"], 3, "there is no such folder"),
        (["concerto.wav", "empty"], 3, "is no take folder"),
        (["concerto.wav", "soundless"], 3, "is gone; bring it back"),
        (["concerto.wav", "broken"], 3, "cannot be read"),
    ],
)
def test_what_cannot_be_learned_from(
    home: Path, arguments: list[str], code: int, message: str
) -> None:
    (home / "empty").mkdir()
    take(home / "soundless", 2.0, live=False)
    (home / "soundless.wav").unlink()
    take(home / "broken", 2.0, live=True)
    (home / "broken" / "take.json").write_text("[1]")
    failed = rehearse(*arguments)
    assert failed.exit_code == code, failed.output
    assert message in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
