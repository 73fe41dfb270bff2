"""Imports go one way, nothing heavy is loaded for nothing, and what is exported exists."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accompanist", "bridges", "score_library")

ROOMS = (
    "errors",
    "score",
    "hearing",
    "recordings",
    "followers",
    "conducting",
    "performing",
    "session",
    "takes",
    "simulation",
)
"""The core from the bottom up: a room imports itself and the rooms before it."""

OUTSIDE_WORLD = {
    "asyncio",
    "click",
    "concurrent",
    "fluidsynth",
    "multiprocessing",
    "queue",
    "rich",
    "rtmidi",
    "select",
    "signal",
    "socket",
    "sounddevice",
    "subprocess",
    "termios",
    "threading",
    "time",
    "tty",
}
"""Devices, threads, sockets, clocks and screens: none of them in the core."""

VALUE_TYPES = {
    "accompanist.errors",
    "accompanist.score.model",
    "accompanist.followers.protocol",
    "accompanist.conducting.timeline",
    "accompanist.performing.clock",
    "accompanist.performing.messages",
}
"""All that a bridge may know of the engine."""

HEAVY = {
    "aiohttp",
    "fluidsynth",
    "librosa",
    "matplotlib",
    "music21",
    "numba",
    "numpy",
    "pydantic",
    "rich",
    "rtmidi",
    "scipy",
    "sounddevice",
    "soundfile",
    "zeroconf",
}

LONGEST_MODULE = 400


def source_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module named in an import statement of the file, also within functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            base = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:  # "from package import module" names the module
                inner = base / alias.name
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return found


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


FILES = source_files()
IDS = [module_name(path) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_go_one_way(path: Path) -> None:
    name, imported = module_name(path), imports_of(path)
    package, room = name.split(".")[0], room_of(name)
    if package == "accompanist" and room == "app":
        return
    if package == "bridges":
        inward = {i for i in imported if is_within(i, "accompanist")}
        assert inward <= VALUE_TYPES
        assert not any(is_within(i, "score_library") for i in imported)
        return
    if package == "score_library":
        inward = {i for i in imported if is_within(i, "accompanist")}
        assert all(
            is_within(i, "accompanist.score") or i == "accompanist.errors" for i in inward
        ), inward
        assert not any(is_within(i, "bridges") for i in imported)
        return
    assert not any(is_within(i, "bridges") or is_within(i, "score_library") for i in imported)
    assert not {i.split(".")[0] for i in imported} & OUTSIDE_WORLD
    assert not any(is_within(i, "accompanist.app") for i in imported) or room == "__main__"
    if room in ("", "__main__"):
        return
    assert room in ROOMS, f"{name} is in no known room"
    allowed = ROOMS[: ROOMS.index(room) + 1]
    inward_rooms = {room_of(i) for i in imported if is_within(i, "accompanist")} - {""}
    assert inward_rooms <= set(allowed), f"{name} looks up the stream"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_what_is_exported_exists(path: Path) -> None:
    if path.name in ("__main__.py",):
        return
    module = importlib.import_module(module_name(path))
    exported = getattr(module, "__all__", None)
    if path.name == "__init__.py" and exported is None:
        return
    assert exported is not None, "a module says what it exports"
    missing = [name for name in exported if not hasattr(module, name)]
    assert not missing


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in memory after the statement, in an interpreter of its own."""
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\n"
    script += "sys.stderr.write(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import accompanist",
        "import accompanist, bridges, score_library",
        "from accompanist.app.cli import main; main(['--help'])",
        "from accompanist.app.cli import main; main(['--version'])",
    ],
)
def test_nothing_heavy_is_loaded_for_nothing(statement: str) -> None:
    assert not loaded_by(statement) & HEAVY


def test_the_console_script_is_there() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", name="accompanist")
    assert [script.value for script in scripts] == ["accompanist.app.cli:run"]
