"""Files of the service: a systemd unit, a launchd agent."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.daemon.service import from_anywhere, service_here
from accompanist.errors import AccompanistError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_the_unit_names_this_python_and_the_arguments(home: Path) -> None:
    service = service_here(("--piece", "my piece", "--set", "a.b=50%$"), platform="linux")
    assert service.path == home / "conf/systemd/user/accompanist.service"
    lines = service.text.splitlines()
    call = next(line for line in lines if line.startswith("ExecStart="))
    assert call == (
        f'ExecStart={sys.executable} -m accompanist daemon --piece "my piece" --set a.b=50%%$$'
    )
    for line in ("Type=notify", "Restart=on-failure", "LimitRTPRIO=95", "LimitMEMLOCK=infinity"):
        assert line in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(home: Path) -> None:
    service = service_here(("--to", "midi,synth"), platform="linux")
    service.install()
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(service.path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if "Failed to initialize manager" in checked.stderr:
        pytest.skip("no user manager here")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_agent_of_a_mac(home: Path) -> None:
    service = service_here(("--to", "synth"), platform="darwin", python="/opt/python")
    assert service.path == home / "Library/LaunchAgents/accompanist.daemon.plist"
    told = plistlib.loads(service.text.encode())
    assert told["ProgramArguments"] == [
        "/opt/python", "-m", "accompanist", "daemon", "--to", "synth",
    ]  # fmt: skip
    assert told["KeepAlive"] == {"SuccessfulExit": False}
    assert service.enable[0].startswith("launchctl bootstrap")


def test_files_are_found_from_anywhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    (home / "my.mxl").write_text("", "utf-8")
    call = ("--piece", "my.mxl", "--solo", "my.mxl", "--config=my.mxl", "--soundfont", "none.sf2")
    assert from_anywhere(call) == (
        "--piece", str(home / "my.mxl"), "--solo", "my.mxl", f"--config={home / 'my.mxl'}",
        "--soundfont", "none.sf2",
    )  # fmt: skip


def test_it_is_installed_again_and_removed(home: Path) -> None:
    service = service_here(platform="linux")
    service.install()
    service.install()
    assert service.path.read_text("utf-8") == service.text
    assert [p.name for p in service.path.parent.iterdir()] == ["accompanist.service"]
    service.uninstall()
    assert not service.path.exists()
    with pytest.raises(AccompanistError, match="there is no service installed"):
        service.uninstall()


def test_a_place_that_cannot_be_written(home: Path) -> None:
    (home / "conf").write_text("a file", "utf-8")
    with pytest.raises(AccompanistError, match="cannot be written"):
        service_here(platform="linux").install()


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has launchd")
def test_the_command_writes_it_and_says_what_to_call(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ["daemon", "--install-service", "--to", "midi,synth"]
    monkeypatch.setattr(sys, "argv", ["accompanist", *call])
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 0, result.output
    unit = home / "conf/systemd/user/accompanist.service"
    assert "daemon --to midi,synth\n" in unit.read_text("utf-8")
    assert "systemctl --user enable --now accompanist" in result.stdout
    monkeypatch.setattr(sys, "argv", ["accompanist", "daemon", "--uninstall-service"])
    result = CliRunner().invoke(main, ["daemon", "--uninstall-service"])
    assert result.exit_code == 0
    assert not unit.exists()


def test_settings_that_make_no_sense_are_not_installed(home: Path) -> None:
    result = CliRunner().invoke(main, ["daemon", "--install-service", "--set", "osc.prot=1"])
    assert result.exit_code == 2
    assert not (home / "conf").exists()
