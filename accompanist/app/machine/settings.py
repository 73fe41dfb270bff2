"""Checks of ``doctor`` that look at our own things: settings, folders, UDP ports, the daemon."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final

from accompanist.app.machine.doctor import Check, Finding, Level, Probe
from accompanist.errors import AccompanistError

__all__ = ["SETTINGS_CHECKS", "daemon_runs"]

_SCARCE: Final = 2**30
_SPENT: Final = 100 * 2**20
_LAST_PORT: Final = 7030


def check_config(_found: Probe) -> Finding:
    """Read the settings as the daemon would."""
    from accompanist.app.config.file import config_path, read_config

    path = config_path()
    if not path.is_file():
        text = f"no settings at {path}: everything has its default"
        return Finding("settings", Level.OK, text)
    try:
        read_config()
    except AccompanistError as error:
        text = f"the daemon does not start with these settings: {error}"
        return Finding("settings", Level.MISSING, text, f"correct {path}, or move it away")
    return Finding("settings", Level.OK, str(path))


def check_runtime(_found: Probe) -> Finding:
    """Look whether the folder for the running daemon can be written."""
    from accompanist.app.daemon.runtime import runtime_folder

    advice = "set XDG_RUNTIME_DIR to a folder of yours"
    try:
        folder = runtime_folder()
    except AccompanistError as error:
        return Finding("runtime", Level.MISSING, str(error), advice)
    return _writable("runtime", folder, advice)


def check_state(_found: Probe) -> Finding:
    """Look whether what is learned and measured can be kept."""
    from accompanist.app.machine.latencies import latency_file

    folder = _nearest(latency_file().parent)
    finding = _writable("state", folder, "set XDG_STATE_HOME to a folder of yours")
    if finding.level == Level.OK:
        return finding
    return Finding("state", Level.WARNING, finding.text, finding.advice)


def check_disk(_found: Probe) -> Finding:
    """Look for room for takes."""
    folder = _takes_folder()
    at = _nearest(folder)
    free = shutil.disk_usage(at).free
    text = f"{free / 2**30:.1f} GB free for takes in {folder}"
    advice = "make room, or set takes.folder to another disk; a minute of a take needs 20 MB"
    if free < _SPENT:
        return Finding("disk", Level.MISSING, text, advice)
    if free < _SCARCE:
        return Finding("disk", Level.WARNING, text, advice)
    if not os.access(at, os.W_OK | os.X_OK):
        return Finding("disk", Level.WARNING, f"{folder}: may not be written", advice)
    return Finding("disk", Level.OK, text)


def check_daemon(_found: Probe) -> Finding:
    """Look whether a daemon runs; neither is wrong."""
    from accompanist.app.daemon.runtime import read_urls

    if not daemon_runs():
        return Finding("daemon", Level.OK, "no daemon runs; accompanist daemon starts one")
    urls = read_urls()
    where = " and ".join(u for u in (urls.osc, urls.http) if u) if urls is not None else "…"
    return Finding("daemon", Level.OK, f"a daemon runs at {where}")


def check_osc_port(_found: Probe) -> Finding:
    """Look whether the UDP port for OSC is free or ours."""
    from accompanist.app.daemon.runtime import read_urls

    host, port = _osc_address()
    if _free(socket.SOCK_DGRAM, host, port):
        return Finding("osc port", Level.OK, f"UDP {port} is free")
    urls = read_urls()
    if urls is not None and urls.osc_port == port and daemon_runs():
        return Finding("osc port", Level.OK, f"UDP {port} is our daemon's")
    if any(_free(socket.SOCK_DGRAM, host, p) for p in range(port + 1, max(port, _LAST_PORT) + 1)):
        text = f"UDP {port} is taken by another program; the next free one is used and written to "
        advice = "set the same port in your controller, or osc.port to a free one"
        return Finding("osc port", Level.WARNING, text + "the runtime folder", advice)
    text = f"UDP {port} and all up to {_LAST_PORT} are taken"
    return Finding("osc port", Level.MISSING, text, "set osc.port to a free one")


def check_http_port(_found: Probe) -> Finding:
    """Look whether the TCP port for HTTP is free or ours."""
    from accompanist.app.config.file import read_config
    from accompanist.app.daemon.runtime import read_urls

    try:
        osc = read_config().osc
        host, port = osc.host, osc.http_port
    except AccompanistError:
        host, port = "127.0.0.1", 7011
    if port == 0:
        return Finding("http port", Level.OK, "HTTP is turned off")
    if _free(socket.SOCK_STREAM, host, port):
        return Finding("http port", Level.OK, f"TCP {port} is free")
    urls = read_urls()
    if urls is not None and f":{port}" in urls.http and daemon_runs():
        return Finding("http port", Level.OK, f"TCP {port} is our daemon's")
    text = f"TCP {port} is taken by another program"
    return Finding("http port", Level.WARNING, text, "set osc.http_port to a free one")


def check_latency(found: Probe) -> Finding:
    """Look whether the round trip of the devices at hand has been measured."""
    from accompanist.app.machine.latencies import known_latency

    audio = found.devices.get("audio", ())
    source = next((d["name"] for d in audio if d.get("default_input")), None)
    if source is None:
        return Finding("latency", Level.OK, "nothing to measure without an audio input")
    trip = known_latency(str(source))
    if trip is None:
        text = f"the round trip of {source} has not been measured"
        advice = "accompanist calibrate (with a cable, or the microphone at the loudspeaker)"
        return Finding("latency", Level.WARNING, text, advice)
    text = f"round trip of {source}: {1000.0 * trip.round_trip_s:.1f} ms"
    return Finding("latency", Level.OK, text)


def daemon_runs() -> bool:
    """Whether a daemon of this user holds the lock; it is not touched."""
    import fcntl

    from accompanist.app.daemon.runtime import Runtime, runtime_folder

    try:
        handle = os.open(Runtime(runtime_folder()).lock, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AccompanistError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _osc_address() -> tuple[str, int]:
    from accompanist.app.config.file import read_config

    try:
        osc = read_config().osc
    except AccompanistError:
        return "127.0.0.1", 7010
    return osc.host, osc.port


def _takes_folder() -> Path:
    from accompanist.app.config.file import read_config

    try:
        return read_config().takes.folder
    except AccompanistError:
        return Path.home()


def _nearest(folder: Path) -> Path:
    """Give the folder, or the nearest above it that there is."""
    for at in (folder, *folder.parents):
        if at.is_dir():
            return at
    return Path("/")


def _writable(name: str, folder: Path, advice: str) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder}: cannot be written ({error.strerror})"
        return Finding(name, Level.MISSING, text, advice)
    return Finding(name, Level.OK, str(folder))


def _free(kind: socket.SocketKind, host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


SETTINGS_CHECKS: Final[dict[str, Check]] = {
    "settings": check_config,
    "runtime": check_runtime,
    "state": check_state,
    "disk": check_disk,
    "daemon": check_daemon,
    "osc port": check_osc_port,
    "http port": check_http_port,
    "latency": check_latency,
}
"""Name → check, in the order in which they are told."""
