"""Where sound fonts lie, and which to take."""

from __future__ import annotations

import os
from pathlib import Path

from accompanist.errors import DeviceError

__all__ = ["HOW_TO_GET_ONE", "find_soundfont"]

_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/usr/local/share/sounds/sf2",
    "/opt/homebrew/share/soundfonts",
    "/opt/homebrew/share/sounds/sf2",
    "/opt/homebrew/opt/fluid-synth/share/fluid-synth/sf2",
    "/usr/local/opt/fluid-synth/share/fluid-synth/sf2",
    "/usr/share/minuet/soundfonts",
)
_HOME_FOLDERS = (
    ".local/share/accompanist/soundfonts",
    ".local/share/soundfonts",
    ".local/share/sounds/sf2",
    "Library/Audio/Sounds/Banks",
)
_LIKED = ("timgm6mb", "generaluser", "fluidr3_gm", "fluidr3gm", "fluidr3", "musescore", "default")
"""General MIDI fonts known to do, the quick and small ones first."""
HOW_TO_GET_ONE = (
    "install one (Debian/Ubuntu: timgm6mb-soundfont, Fedora: fluid-soundfont-gm, macOS: put an "
    ".sf2 into ~/Library/Audio/Sounds/Banks), or name one with --soundfont or SOUNDFONT"
)


def find_soundfont(wanted: Path | str | None = None) -> Path:
    """Find a General MIDI sound font.

    Looked for in this order: ``wanted``, the environment's ``SOUNDFONT``, the places where
    Debian, Fedora, Homebrew and macOS keep theirs, the user's own folders.

    Raises
    ------
    DeviceError
        There is none, or the one asked for is not there, is none or is cut short.
    """
    named = wanted or os.environ.get("SOUNDFONT")
    if named:
        path = Path(named).expanduser()
        _check_named(path)
        return path
    folders = [Path(f) for f in _FOLDERS] + [Path.home() / f for f in _HOME_FOLDERS]
    found = [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in (".sf2", ".sf3") and path.is_file()
    ]
    if not found:
        raise DeviceError(f"no sound font found on this machine; {HOW_TO_GET_ONE}")
    return min(found, key=_liking)


def _check_named(path: Path) -> None:
    """See before the work that a file is a sound font, as far as its first bytes tell."""
    try:
        size = path.stat().st_size if path.is_file() else -1
        head = b""
        if size >= 0:
            with path.open("rb") as file:
                head = file.read(12)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; {HOW_TO_GET_ONE}") from error
    if size < 0:
        raise DeviceError(f"{path}: there is no such sound font; {HOW_TO_GET_ONE}")
    if head[:4] != b"RIFF" or head[8:] not in (b"sfbk", b"DLS "):
        raise DeviceError(f"{path}: this is not a sound font; {HOW_TO_GET_ONE}")
    if int.from_bytes(head[4:8], "little") > size:
        raise DeviceError(f"{path}: this sound font is cut short; {HOW_TO_GET_ONE}")


def _liking(path: Path) -> int:
    stem = path.stem.lower()
    return next((i for i, liked in enumerate(_LIKED) if stem.startswith(liked)), len(_LIKED))
