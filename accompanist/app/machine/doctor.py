"""What is missing on this machine, and how to get it.

Every check is on its own: one that fails is itself a finding. Libraries that may crash or hang are
looked at in a child process. Nothing is changed.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from accompanist.errors import AccompanistError

__all__ = [
    "Check",
    "Finding",
    "Level",
    "Probe",
    "examine",
    "how_to_get",
    "package_manager",
    "usable",
]


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but not as well as it might, or not everything."""
    MISSING = "missing"
    """Nothing sounds without it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    level: Level
    text: str
    advice: str = ""
    """What to do about it; empty where nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the child processes have found out.

    Attributes
    ----------
    libraries : mapping of str to str
        Python module → error on importing it, empty if it loads.
    jack : mapping
        ``rate``, ``block``, ``server``; empty without one.
    realtime : str
        Empty if SCHED_FIFO is allowed, else why not.
    devices : mapping
        As ``accompanist devices --json``.
    trouble : tuple of str
        What the children died of.
    """

    libraries: Mapping[str, str] = field(default_factory=dict)
    jack: Mapping[str, Any] = field(default_factory=dict)
    realtime: str = "not looked at"
    devices: Mapping[str, Any] = field(default_factory=dict)
    trouble: tuple[str, ...] = ()


Check = Callable[[Probe], Finding]

_PACKAGES: Final[dict[str, tuple[str, str, str]]] = {
    "portaudio": ("libportaudio2", "portaudio", ""),
    "fluidsynth": ("libfluidsynth3", "fluidsynth-libs", "fluid-synth"),
    "soundfont": ("timgm6mb-soundfont", "fluid-soundfont-gm", "fluid-synth"),
    "alsa": ("libasound2", "alsa-lib", ""),
    "jack": ("jackd2", "jack-audio-connection-kit", "jack"),
    "libjack": ("libjack-jackd2-0", "pipewire-jack-audio-connection-kit-libs", "jack"),
    "pipewire-jack": ("pipewire-jack", "pipewire-jack-audio-connection-kit", ""),
}
"""Thing → package of Debian and Ubuntu, of Fedora, of Homebrew."""

_CHILD: Final = """
import importlib, json, os, sys
out = {"libraries": {}, "jack": {}, "realtime": ""}
for name in ("sounddevice", "soundfile", "rtmidi", "fluidsynth", "jack"):
    try:
        importlib.import_module(name)
        out["libraries"][name] = ""
    except BaseException as error:
        out["libraries"][name] = " ".join(str(error).split()) or type(error).__name__
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
except AttributeError:
    out["realtime"] = "this system has none"
except OSError as error:
    out["realtime"] = str(error.strerror)
sys.stdout.write(json.dumps(out) + "\\n")
sys.stdout.flush()
if not out["libraries"]["jack"]:
    import jack
    try:
        client = jack.Client("accompanist doctor", no_start_server=True)
        out["jack"] = {"rate": client.samplerate, "block": client.blocksize}
        client.close()
    except jack.JackError:
        pass
sys.stdout.write(json.dumps(out) + "\\n")
"""


def package_manager() -> str:
    """Give ``apt``, ``dnf``, ``brew`` or nothing."""
    for name, program in (("apt", "apt-get"), ("dnf", "dnf"), ("brew", "brew")):
        if shutil.which(program) is not None:
            return name
    return ""


def how_to_get(*things: str, manager: str | None = None) -> str:
    """Say how to install things by their keys, on this machine.

    >>> how_to_get("portaudio", "soundfont", manager="apt")
    'sudo apt-get install libportaudio2 timgm6mb-soundfont'
    >>> how_to_get("portaudio", manager="")
    'install libportaudio2 (Debian, Ubuntu) or portaudio (Fedora), or what your system has of it'
    """
    managers = ("apt", "dnf", "brew")
    found = package_manager() if manager is None else manager
    if found in managers:
        names = [_PACKAGES[thing][managers.index(found)] for thing in things]
        wanted = sorted({name for name in names if name})
        if wanted:
            command = {"apt": "sudo apt-get install", "dnf": "sudo dnf install"}
            return f"{command.get(found, 'brew install')} {' '.join(wanted)}"
        return "pip install --force-reinstall sounddevice python-rtmidi brings it"
    debian = " ".join(_PACKAGES[thing][0] for thing in things)
    fedora = " ".join(_PACKAGES[thing][1] for thing in things)
    return f"install {debian} (Debian, Ubuntu) or {fedora} (Fedora), or what your system has of it"


def probe() -> Probe:
    """Look, in child processes, at what may crash or hang."""
    trouble: list[str] = []
    found = _last_json([sys.executable, "-c", _CHILD], 20.0, "libraries", trouble)
    command = [sys.executable, "-m", "accompanist", "devices", "--json"]
    devices = _last_json(command, 40.0, "devices", trouble)
    return Probe(
        libraries=found.get("libraries", {}),
        jack=found.get("jack", {}),
        realtime=str(found.get("realtime", "not looked at")),
        devices=devices,
        trouble=tuple(trouble),
    )


def _last_json(
    command: list[str], timeout_s: float, what: str, trouble: list[str]
) -> dict[str, Any]:
    """Run a child and read what it has said, also if it died of it in the end."""
    said = ""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
        said = done.stdout
        if done.returncode != 0:
            trouble.append(f"looking at the {what} ended with {done.returncode}")
    except subprocess.TimeoutExpired as error:
        if isinstance(error.stdout, bytes):
            said = error.stdout.decode("utf-8", "replace")
        trouble.append(f"looking at the {what} took more than {timeout_s:g} s")
    except OSError as error:
        trouble.append(f"looking at the {what} failed ({error.strerror})")
    for text in (said, *reversed(said.splitlines())):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def examine(found: Probe | None = None) -> tuple[Finding, ...]:
    """Look at everything; never raises.

    Parameters
    ----------
    found : Probe, optional
        What is known already; without it the machine is asked.
    """
    from accompanist.app.machine.checks import MACHINE_CHECKS
    from accompanist.app.machine.settings import SETTINGS_CHECKS

    known = probe() if found is None else found
    findings = [Finding("probe", Level.WARNING, text) for text in known.trouble]
    checks: dict[str, Check] = {"packages": check_packages, **MACHINE_CHECKS, **SETTINGS_CHECKS}
    for name, check in checks.items():
        try:
            findings.append(check(known))
        except AccompanistError as error:
            findings.append(Finding(name, Level.WARNING, str(error)))
        except Exception as error:
            text = " ".join(f"could not be looked at ({type(error).__name__}: {error})".split())
            findings.append(Finding(name, Level.WARNING, text))
    return tuple(findings)


def usable(findings: tuple[Finding, ...]) -> bool:
    """Whether nothing is missing without which nothing sounds."""
    return all(finding.level != Level.MISSING for finding in findings)


def check_packages(_found: Probe) -> Finding:
    """Look for the Python packages that we ask for, in versions new enough."""
    try:
        wanted = importlib.metadata.requires("accompanist") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "packages",
            Level.WARNING,
            "accompanist is not installed, it runs from its folder",
            "make setup, or pip install .",
        )
    missing, count = [], 0
    for line in wanted:
        if "extra ==" in line:
            continue
        count += 1
        match = re.match(r"([A-Za-z0-9._-]+)[^>]*(?:>=([0-9.]+))?", line)
        if match is None:
            continue
        name, least = match.group(1), match.group(2) or "0"
        try:
            there = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if _numbers(there) < _numbers(least):
            missing.append(f"'{name}>={least}'")
    if missing:
        advice = f"{sys.executable} -m pip install {' '.join(missing)}"
        return Finding("packages", Level.MISSING, f"missing: {', '.join(missing)}", advice)
    return Finding("packages", Level.OK, f"all {count} Python packages are there")


def _numbers(version: str) -> tuple[int, ...]:
    """Make the leading numbers of a version comparable.

    >>> _numbers("1.16.0rc1") >= _numbers("1.5.8")
    True
    """
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    parts = [int(part) for part in found.group().split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
