"""The daemon's settings: what is refused and how, the commented file, the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.config.file import (
    config_path,
    differences,
    parse_setting,
    read_config,
    write_default,
)
from accompanist.app.config.settings import Config
from accompanist.app.config.text import default_text
from accompanist.errors import AccompanistError, BadInputError, UsageError

WRONG = {
    "[osc]\nprot = 1": "osc.prot: there is no such setting; did you mean osc.port?",
    "[outptu]": "outptu: there is no such setting; did you mean output?",
    "[hosts.ardor]": "hosts.ardor: there is no such setting; did you mean hosts.ardour?",
    "[clock]\nxyzzy = 1": "clock.xyzzy: there is no such setting; there are enabled, continuous, "
    "offset_ms, mtc, link",
    '[output]\nto = ["mid"]': 'output.to[1]: "mid" cannot be; allowed: list of (midi, synth)',
    "[output]\nto = 3": "output.to: 3 cannot be; allowed: list of (midi, synth)",
    '[clock]\noffset_ms = "x"': 'clock.offset_ms: "x" cannot be; allowed: number, -500 to 500',
    "[clock]\noffset_ms = 1000": "clock.offset_ms: 1000 cannot be; allowed: number, -500 to 500",
    "[clock]\nenabled = 1": "clock.enabled: 1 cannot be; allowed: true, false",
    "[input]\nlatency_ms = nan": "input.latency_ms: NaN cannot be; allowed: number, 0 to 2000",
    "[input]\nchannel = 1.5": "input.channel: 1.5 cannot be; allowed: whole number, 1 to 64",
    "[takes]\nfolder = 3": "takes.folder: 3 cannot be; allowed: path of a file or folder",
    '[follow]\nmode = "x"': 'follow.mode: "x" cannot be; allowed: follow, wait, fixed, conduct',
    "[follow]\nmin_qpm = 300\nmax_qpm = 100": "follow: min_qpm must be below max_qpm",
    '[osc]\nroot = "acc"': 'osc.root: "acc" cannot be; allowed: an OSC address, as /acc',
    '[osc]\nhost = "0.0.0.0"': "osc: host '0.0.0.0' can be reached from other computers; "
    "allow_remote = true if that is meant",
    "osc = 3": "osc: 3 cannot be; allowed: a table of settings",
    "rules = 3": "rules: 3 cannot be; allowed: list of (a table of settings)",
    '[cues]\nto = ["x"]': 'cues.to[1]: "x" cannot be; allowed: list of (host:port)',
    '[[rules]]\nwhen = {}\nsend = { address = "/a" }': "rules[1].when: a rule wants a note, a "
    "chord or a bar",
    '[[rules]]\nwhen = { note = 1 }\nsend = { address = "a" }': 'rules[1].send.address: "a" '
    "cannot be; allowed: an OSC address, as /acc",
    "[[rules]]\nwhen = { note = 1 }": "rules[1].send: is missing",
    "[x": "is not TOML: Expected ']' at the end of a table declaration (at end of document)",
}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path


@pytest.mark.parametrize(("text", "complaint"), WRONG.items())
def test_what_is_wrong_is_said_in_one_line(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInputError) as caught:
        read_config(path)
    assert str(caught.value) == f"{path}: {complaint}"


def test_more_than_one_wrong_thing_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[clock]\nenabled = 3\nmtc = 4\nlink = 5\n", "utf-8")
    with pytest.raises(BadInputError, match=r"clock\.enabled: 3 .* \(and 2 more\)$"):
        read_config(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=str(path)):
        read_config(path)


def test_without_a_file_everything_has_its_default() -> None:
    assert read_config() == Config()


def test_the_usual_file_is_read() -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text('[input]\ndevice = 3\n[output]\nto = "midi,synth"\n', "utf-8")
    config = read_config()
    assert config.input.device == "3"
    assert config.output.to == ("midi", "synth")


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[clock]\nenabled = false\nlink = "lead"\n', "utf-8")
    config = read_config(
        path,
        [parse_setting(s) for s in ("clock.enabled=true", "output.to=none", "output.port=IAC 1")],
    )
    assert (config.clock.enabled, config.clock.link) == (True, "lead")
    assert (config.output.to, config.output.port) == ((), "IAC 1")


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("osc.port=x", '--set: osc.port: "x" cannot be; allowed: whole number, 1 to 65535'),
        ("osc.prot=1", "--set: osc.prot: there is no such setting; did you mean osc.port?"),
        ("port", "--set port: wants section.key=value, as in clock.enabled=true"),
        ("port=3", "--set port=3: wants section.key=value, as in clock.enabled=true"),
        ("osc.port.x=3", '--set: osc.port: {"x": 3} cannot be; allowed: whole number, 1 to 65535'),
    ],
)
def test_a_wrong_override_is_bad_usage(setting: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(None, [parse_setting(setting)])
    assert str(caught.value) == complaint


def test_a_file_that_is_wrong_is_to_blame_even_with_overrides(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[clock]\nenabled = 3\n", "utf-8")
    with pytest.raises(BadInputError, match=str(path)):
        read_config(path, [("osc.port", 7000)])


def test_the_default_file_is_the_default() -> None:
    text = default_text()
    assert Config.model_validate(tomllib.loads(text)) == Config()


def test_the_default_file_explains_every_key() -> None:
    text = default_text()
    lines = text[text.index("[output]") : text.index("[clock]")].splitlines()
    table = Config().output
    for name, field in type(table).model_fields.items():
        here = next(i for i, line in enumerate(lines) if line.lstrip("#").startswith(f"{name} ="))
        assert field.description
        assert lines[here - 1].startswith(f"# {field.description} (")


def test_every_setting_is_described() -> None:
    def undescribed(model: type, prefix: str) -> list[str]:
        found = []
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            inner = field.annotation
            if isinstance(inner, type) and hasattr(inner, "model_fields"):
                assert (inner.__doc__ or "").strip()
                found += undescribed(inner, f"{prefix}{name}.")
            elif name not in ("rules", "passages") and not field.description:
                found.append(prefix + name)
        return found

    assert undescribed(Config, "") == []


def test_the_default_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    write_default(path)
    path.write_text("# mine\n", "utf-8")
    with pytest.raises(AccompanistError, match="is there already and is left as it is"):
        write_default(path)
    assert path.read_text("utf-8") == "# mine\n"


def test_differences_are_named() -> None:
    changed = read_config(
        None, [("clock.enabled", True), ("hosts.ardour.port", 4000), ("output.to", ["synth"])]
    )
    assert set(differences(Config(), changed)) == {
        "clock.enabled",
        "hosts.ardour.port",
        "output.to",
    }


def test_the_command_writes_the_file_and_never_over_another() -> None:
    first = CliRunner().invoke(main, ["daemon", "--write-config"])
    assert first.exit_code == 0, first.output
    assert config_path().read_text("utf-8") == default_text()
    again = CliRunner().invoke(main, ["daemon", "--write-config"])
    assert again.exit_code == 1
    assert again.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (["--set", "osc.prot=1"], 2),
        (["--set", "nonsense"], 2),
        (["--config", "/nowhere/x.toml"], 3),
        (["--to", "mid"], 2),
        (["--osc-port", "x"], 2),
        (["--write-config", "--install-service"], 2),
    ],
)
def test_the_command_refuses_in_one_line(call: list[str], code: int) -> None:
    result = CliRunner().invoke(main, ["daemon", *call])
    assert result.exit_code == code
    assert result.stderr.startswith("accompanist: ")
    assert result.stderr.count("\n") == 1


def test_a_wrong_file_is_exit_code_3(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[clock]\nenabled = 3\n", "utf-8")
    result = CliRunner().invoke(main, ["daemon", "--config", str(path)])
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
