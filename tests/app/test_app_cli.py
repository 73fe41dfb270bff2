"""The command line: help at once, failures in one line, exit codes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accompanist import __version__, errors
from accompanist.app import cli
from accompanist.app.cli import COMMANDS, main
from accompanist.app.progress import progress_bar

FAILURES: dict[str, BaseException] = {
    "failed": errors.AccompanistError("it failed\nfor two reasons"),
    "usage": errors.UsageError("no such part; choose another"),
    "input": errors.BadInputError("x.wav: not audio; give a WAV"),
    "device": errors.DeviceError("no microphone; connect one"),
    "daemon": errors.DaemonError("nobody answers"),
    "interrupted": KeyboardInterrupt(),
    "defect": ZeroDivisionError("division by zero"),
}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command ``fail KIND`` among the others, in a module of its own."""

    @click.command(name="fail")
    @click.argument("kind", type=click.Choice(list(FAILURES)))
    def command(kind: str) -> None:
        raise FAILURES[kind]

    module = type(sys)("failing_command")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "failing_command", module)
    monkeypatch.setitem(cli.COMMANDS, "fail", ("failing_command", "command", "Fails."))
    yield
    for name in ("accompanist", "bridges", "score_library"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_help_names_every_command_without_loading_it() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, (_, _, line) in COMMANDS.items():
        assert name in result.output
        assert line.split()[0] in result.output
    assert "Examples:" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"accompanist {name}" in result.output
    assert "Examples:" in result.output


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"accompanist {__version__}\n")


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize(
    ("kind", "code", "line"),
    [
        ("failed", 1, "accompanist: it failed for two reasons\n"),
        ("usage", 2, "accompanist: no such part; choose another\n"),
        ("input", 3, "accompanist: x.wav: not audio; give a WAV\n"),
        ("device", 4, "accompanist: no microphone; connect one\n"),
        ("daemon", 5, "accompanist: nobody answers\n"),
        ("interrupted", 130, ""),
    ],
)
def test_failures_are_one_line_and_an_exit_code(kind: str, code: int, line: str) -> None:
    result = CliRunner().invoke(main, ["fail", kind])
    assert (result.exit_code, result.stderr, result.stdout) == (code, line, "")


@pytest.mark.usefixtures("failing")
def test_a_defect_is_not_hidden_from_the_caller() -> None:
    assert isinstance(CliRunner().invoke(main, ["fail", "defect"]).exception, ZeroDivisionError)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["pley"], "accompanist: there is no command 'pley'; did you mean play? See: "),
        (["--nonsense"], "accompanist: No such option"),
        (["fail"], "accompanist: Missing argument"),
        (["fail", "failed", "x"], "accompanist: Got unexpected extra argument"),
        (["fail", "--nonsense"], "accompanist: No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert "--help" in result.stderr


def test_no_command_shows_the_help() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Commands:" in result.output


def run_python(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HOME": str(home), "XDG_STATE_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


BROKEN = """
import sys
from accompanist.app import cli
cli.COMMANDS["broken"] = ("nowhere_to_be_found", "command", "")
sys.argv = ["accompanist", *{arguments!r}]
cli.run()
"""


def test_a_defect_is_told_in_one_line_and_logged(tmp_path: Path) -> None:
    done = run_python(BROKEN.format(arguments=["broken"]), tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("accompanist: a defect of ours (ModuleNotFoundError")
    assert done.stderr.count("\n") == 1
    log = Path(done.stderr.strip().rsplit(" ", 1)[1])
    assert "Traceback" in log.read_text("utf-8")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = run_python(BROKEN.format(arguments=["--debug", "broken"]), tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_python_m_is_the_console_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "accompanist", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"accompanist {__version__}\n"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Working", total=2.0) as advance:
        advance(1.0)
        advance(1.0)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
