"""The daemon as a service of the user's session: a systemd unit, on a Mac a launchd agent."""

from __future__ import annotations

import os
import plistlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accompanist.errors import AccompanistError

__all__ = ["Service", "from_anywhere", "service_here"]

_LABEL = "accompanist.daemon"
_FILES = frozenset({"--config", "--from-file", "--piece", "--soundfont", "--takes"})
"""Options that name a file."""

_UNIT = """\
[Unit]
Description=accompanist: follows a soloist and plays the rest of the ensemble
After=pipewire.service jack.service sound.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
WatchdogSec=30
TimeoutStopSec=10
# The performer asks for real-time priority and locked memory; where the system's own limits are
# lower, these have no effect and the daemon says so.
LimitRTPRIO=95
LimitMEMLOCK=infinity
NoNewPrivileges=yes
RestrictRealtime=no
UMask=0077

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class Service:
    """One file that makes the daemon start with the session, and what else has to be called."""

    path: Path
    text: str
    enable: tuple[str, ...]
    """Commands that switch it on."""
    disable: tuple[str, ...]
    """Commands that switch it off, to be called before the file goes."""

    def install(self) -> None:
        """Write the file; one of an earlier installation is replaced.

        Raises
        ------
        AccompanistError
            The place cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_name(f".{self.path.name}.new")
            fresh.write_text(self.text, "utf-8")
            fresh.replace(self.path)
        except OSError as error:
            raise AccompanistError(f"{self.path}: cannot be written ({error.strerror})") from error

    def uninstall(self) -> None:
        """Remove the file.

        Raises
        ------
        AccompanistError
            There is none, or it cannot be removed.
        """
        try:
            self.path.unlink()
        except FileNotFoundError:
            raise AccompanistError(f"{self.path}: there is no service installed") from None
        except OSError as error:
            raise AccompanistError(f"{self.path}: cannot be removed ({error.strerror})") from error


def service_here(
    arguments: tuple[str, ...] = (), *, platform: str = sys.platform, python: str = sys.executable
) -> Service:
    """Give the service for this machine.

    Parameters
    ----------
    arguments : tuple of str
        What ``accompanist daemon`` is to be called with.
    platform, python
        As `sys.platform` and `sys.executable`.
    """
    command = (python, "-m", "accompanist", "daemon", *arguments)
    if platform == "darwin":
        return _launchd(command)
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = folder / "systemd" / "user" / "accompanist.service"
    quoted = " ".join(_quoted(word) for word in command)
    return Service(
        path,
        _UNIT.format(command=quoted),
        enable=(
            "systemctl --user daemon-reload",
            "systemctl --user enable --now accompanist",
        ),
        disable=("systemctl --user disable --now accompanist",),
    )


def from_anywhere(arguments: Sequence[str]) -> tuple[str, ...]:
    """Name files by their whole path: the service is not started where we are now."""
    found: list[str] = []
    for word in arguments:
        option, equals, value = word.partition("=")
        if equals and option in _FILES:
            found.append(f"{option}={_whole(value)}")
        else:
            found.append(_whole(word) if found[-1:] and found[-1] in _FILES else word)
    return tuple(found)


def _whole(name: str) -> str:
    path = Path(name).expanduser()
    return str(path.absolute()) if path.exists() else name


def _quoted(word: str) -> str:
    """Quote one word for ExecStart, where $ and % mean something, too."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return f'"{word}"' if not word or any(c.isspace() or c in "'\";" for c in word) else word


def _launchd(command: tuple[str, ...]) -> Service:
    home = Path.home()
    path = home / "Library" / "LaunchAgents" / f"{_LABEL}.plist"
    log = str(home / "Library" / "Logs" / "accompanist.log")
    text = plistlib.dumps(
        {
            "Label": _LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Interactive",
            "StandardErrorPath": log,
        }
    ).decode()
    quoted = shlex.quote(str(path))
    return Service(
        path,
        text,
        enable=(f"launchctl bootstrap gui/$(id -u) {quoted}",),
        disable=(f"launchctl bootout gui/$(id -u)/{_LABEL}",),
    )
