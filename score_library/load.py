"""Reading a score file of any supported kind."""

from __future__ import annotations

import re
from pathlib import Path

from accompanist.errors import BadInputError
from accompanist.score.model import Score
from score_library.importers.limits import MAX_FILE_BYTES

__all__ = ["RECORDING_SUFFIXES", "SCORE_SUFFIXES", "is_recording", "load_score", "read_score"]

SCORE_SUFFIXES = (
    ".musicxml", ".xml", ".mxl", ".mid", ".midi", ".smf", ".kar", ".rmi", ".mei", ".abc", ".krn",
)  # fmt: skip
RECORDING_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aif", ".aiff", ".aifc", ".caf",
    ".w64", ".rf64", ".au",
)  # fmt: skip
_SUPPORTED = (
    "MusicXML (.musicxml .xml .mxl), MIDI (.mid), MEI (.mei), ABC (.abc) and Humdrum (.krn)"
)
_RECORDING_STARTS = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"FORM")


def is_recording(path: Path) -> bool:
    """Whether a file is a recording: by its suffix, or where that says nothing by its contents."""
    suffix = path.suffix.lower()
    if suffix in RECORDING_SUFFIXES or suffix in SCORE_SUFFIXES:
        return suffix in RECORDING_SUFFIXES
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    if start.startswith((b"RIFF", b"FORM")):
        return start[8:12] in (b"WAVE", b"AIFF", b"AIFC")
    return start.startswith(_RECORDING_STARTS)


def load_score(path: Path, *, cached: bool = True) -> Score:
    """Read a score; what is in the file decides how, its suffix only where that says nothing.

    Parameters
    ----------
    path : Path
        The file.
    cached : bool
        Whether a score read before may come from the user's cache folder.

    Raises
    ------
    BadInputError
        The file is missing, empty, a recording, of an unknown kind, damaged or far too large.
    """
    path = Path(path)
    data = _contents(path)
    from score_library.importers.midi import is_midi

    if is_midi(data) or not cached:
        return read_score(data, path)
    from score_library.cache import ScoreCache

    cache = ScoreCache()
    key = cache.key(data, path.name)
    score = cache.get(key)
    if score is None:
        score = read_score(data, path)
        cache.put(key, score)
    return score


def read_score(data: bytes, path: Path) -> Score:
    """Read a score from the contents of ``path``, which is only used for its name."""
    from score_library.importers import midi, musicxml, safe_xml

    name, title = path.name, path.stem
    if midi.is_midi(data):
        return midi.read_midi(data, name, title)
    if safe_xml.is_zip(data):
        data = safe_xml.unpack_mxl(data, name)
    kind = _kind_of_text(data, path.suffix.lower())
    if kind is None:
        raise _refusal(data, path)
    if kind == "xml":
        root = safe_xml.parse_xml(data, name)
        if root.tag not in ("mei", "music") and not musicxml.is_musicxml(root):
            raise BadInputError(
                f"{name}: this XML is not a score but <{str(root.tag)[:40]}>; "
                f"these can be read: {_SUPPORTED}"
            )
        if musicxml.is_musicxml(root):
            return musicxml.read_musicxml(root, name, title)
        kind = "mei"
    from score_library.importers.translate import translated

    return musicxml.read_musicxml(translated(data, kind, name), name, title)


def _contents(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadInputError(f"{path}: this is a folder; name a score file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        said = (error.strerror or "cannot be read").lower()
        raise BadInputError(f"{path}: {said}; check the path") from error
    if len(data) > MAX_FILE_BYTES:
        raise BadInputError(
            f"{path}: too large for a score (more than {MAX_FILE_BYTES / 2**20:.0f} MB)"
        )
    if not data.strip(b"\0 \t\r\n"):
        raise BadInputError(f"{path}: the file is empty; fetch or export it again")
    return data


def _kind_of_text(data: bytes, suffix: str) -> str | None:
    """Tell ``"xml"``, ``"abc"`` and ``"humdrum"`` apart; None for anything else."""
    start = data[:4000]
    utf_16 = start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4] in (b"\0<\0?", b"<\0?\0")
    plain = start.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")
    if plain.startswith(b"<"):
        return "xml"
    if b"\0" in start and not utf_16:
        return None
    if plain.startswith(b"**") or re.search(rb"(?m)^\*\*kern", plain):
        return "humdrum"
    if re.search(rb"(?m)^X:\s*\d+", plain) or (suffix == ".abc" and re.search(rb"(?m)^K:", plain)):
        return "abc"
    return {".krn": "humdrum", ".abc": "abc"}.get(suffix)


def _refusal(data: bytes, path: Path) -> BadInputError:
    suffix = path.suffix.lower()
    if suffix in RECORDING_SUFFIXES or data.startswith(_RECORDING_STARTS):
        return BadInputError(
            f"{path.name}: this is a recording, not a score; these can be read: {_SUPPORTED}"
        )
    if suffix in SCORE_SUFFIXES:
        return BadInputError(
            f"{path.name}: there is no score in this file, in spite of its name; "
            "fetch or export it again"
        )
    return BadInputError(f"{path.name}: not a score; these can be read: {_SUPPORTED}")
