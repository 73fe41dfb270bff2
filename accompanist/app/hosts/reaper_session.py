"""A REAPER project and an OSC pattern file, as text.

The project is what REAPER writes, less all that it fills in by itself (the meaning of its numbers
is only known from projects it has saved). Instruments are left to whoever opens it: REAPER
complains about a plug-in that it does not have, not about none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from accompanist.app.hosts.sessions import HostSession, Track, plain_name
from accompanist.errors import AccompanistError
from bridges.hosts.reaper import PATTERN_FILE

__all__ = ["project_text", "write_reaper_session"]

_MIDI_INPUT = 4096
_ALL_DEVICES = 63 << 5
_SQUARE = 1
"""Shape of a tempo point: the tempo stays until the next."""
PATTERN_NAME = "accompanist.ReaperOSC"


def write_reaper_session(session: HostSession, out: Path, *, force: bool = False) -> list[Path]:
    """Write the project and the OSC pattern file into a folder; give their paths.

    Raises
    ------
    AccompanistError
        There is a project already, or the folder cannot be written.
    """
    project = out / f"{plain_name(out.resolve().name)}.RPP"
    there = sorted(p for p in out.glob("*") if p.suffix.lower() == ".rpp") if out.is_dir() else []
    if there and not force:
        raise AccompanistError(
            f"{there[0]} is a project already; --force overwrites it, another --out leaves it alone"
        )
    pattern = out / PATTERN_NAME
    try:
        out.mkdir(parents=True, exist_ok=True)
        project.write_text(project_text(session), encoding="utf-8", newline="\r\n")
        pattern.write_text(PATTERN_FILE, encoding="utf-8", newline="\n")
    except OSError as error:
        raise AccompanistError(f"the project cannot be written to {out}: {error}") from error
    return [project, pattern]


def project_text(session: HostSession) -> str:
    r"""Give the text of the project.

    Parts come in on MIDI channels of any input, the soloist on the first audio input; all tracks
    are armed, parts are heard as they come in.
    """
    return "\n".join(_lines(session)) + "\n"


def _lines(session: HostSession) -> Iterator[str]:
    first, metre = session.tempi[0], session.metres[0]
    yield '<REAPER_PROJECT 0.1 "6.0" 0'
    yield f"  TEMPO {_number(first.qpm)} {metre.numerator} {metre.denominator}"
    for i, marker in enumerate(session.markers, start=1):
        yield f"  MARKER {i} {_number(marker.seconds)} {_quoted(marker.text)} 0"
    yield from _tempo_envelope(session)
    for track in session.tracks:
        yield from _track(session, track.name, _midi_record(track), _parts(track))
    yield from _track(session, session.soloist, "REC 1 0 0 0 0 0 0 0", "soloist")
    yield ">"


def _tempo_envelope(session: HostSession) -> Iterator[str]:
    """Tempo and metre together: a point wherever one of them changes."""
    yield "  <TEMPOENVEX"
    yield "    ACT 1 -1"
    yield "    VIS 1 0 1"
    yield "    LANEHEIGHT 0 0"
    yield "    ARM 0"
    yield "    DEFSHAPE 1 -1 -1"
    metres = {round(m.quarter, 6): m for m in session.metres}
    tempi = {round(t.quarter, 6): t for t in session.tempi}
    point = session.tempi[0]
    for quarter in sorted(metres.keys() | tempi.keys()):
        point = tempi.get(quarter, point)
        seconds = point.seconds + (quarter - point.quarter) * 60.0 / point.qpm
        line = f"    PT {_number(seconds)} {_number(point.qpm)} {_SQUARE}"
        metre = metres.get(quarter)
        if metre is not None:
            line += f" {(metre.denominator << 16) + metre.numerator} 0 1"
        yield line
    yield "  >"


def _track(session: HostSession, name: str, record: str, key: str) -> Iterator[str]:
    guid = str(uuid5(NAMESPACE_URL, f"accompanist:{session.title}:{key}")).upper()
    yield f"  <TRACK {{{guid}}}"
    yield f"    NAME {_quoted(name)}"
    yield f"    {record}"
    yield f"    TRACKID {{{guid}}}"
    yield "    MAINSEND 1 0"
    yield "  >"


def _parts(track: Track) -> str:
    return ",".join(map(str, track.parts))


def _midi_record(track: Track) -> str:
    return f"REC 1 {_MIDI_INPUT + _ALL_DEVICES + track.channel} 1 0 0 0 0 0"


def _number(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    """Quote a string as REAPER does: by the first quotation mark that is not in it.

    >>> print(_quoted('a "b"'))
    'a "b"'
    """
    for mark in ('"', "'", "`"):
        if mark not in text:
            return f"{mark}{text}{mark}"
    return "`" + text.replace("`", "'") + "`"
