"""``accompanist pieces``: list, show, add, remove and check the pieces of the score library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from score_library.catalogue import Piece
    from score_library.index import PieceInfo

__all__ = ["command"]

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_KEYS_MAJOR = ("C♭", "G♭", "D♭", "A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯")
_KEYS_MINOR = ("a♭", "e♭", "b♭", "f", "c", "g", "d", "a", "e", "b", "f♯", "c♯", "g♯", "d♯", "a♯")


@click.group(
    "pieces",
    epilog="""\b
Examples:
  accompanist pieces list --instrument violin
  accompanist pieces show londonderry-air
  accompanist pieces add my-sonata.musicxml --solo Flute
""",
)
def command() -> None:
    """List, show, add, remove and check the pieces of the score library."""


@command.command("list", epilog="Example:  accompanist pieces list --instrument cello")
@click.option("--instrument", metavar="NAME", help="Only pieces for this solo instrument.")
@click.option("--own", is_flag=True, help="Only your own pieces.")
@_AS_JSON
def list_command(instrument: str | None, own: bool, as_json: bool) -> None:
    """List what there is to play, easy pieces first."""
    from score_library.index import list_pieces

    pieces = [
        piece
        for piece in list_pieces()
        if (instrument is None or instrument.casefold() in piece.instrument.casefold())
        and not (own and piece.bundled)
    ]
    if as_json:
        _print_json([_info_json(piece) for piece in pieces])
        return
    if not pieces:
        click.echo("No such pieces. 'accompanist pieces add FILE' adds your own.")
        return
    rows = [
        (
            piece.id,
            piece.instrument,
            str(piece.difficulty or "–"),
            _minutes(piece.minutes),
            piece.title + (f" – {piece.composer}" if piece.composer else ""),
            "" if piece.bundled else "(yours)",
        )
        for piece in pieces
    ]
    _print_table(("id", "solo", "level", "length", "piece", ""), rows)


@command.command("show", epilog="Example:  accompanist pieces show pachelbel-canon")
@click.argument("piece")
@_AS_JSON
def show_command(piece: str, as_json: bool) -> None:
    """Show the parts, bars, tempo and marks of PIECE (an id or a score file)."""
    from score_library.catalogue import open_piece

    opened = open_piece(piece)
    if as_json:
        _print_json(_piece_json(opened))
        return
    score = opened.score
    click.echo(opened.title + (f" – {opened.composer}" if opened.composer else ""))
    for label, text in (
        ("id", opened.id if opened.from_library else ""),
        ("licence", opened.licence),
        ("source", opened.source),
        ("level", f"{opened.difficulty} of 5" if opened.difficulty else ""),
        ("length", f"{_minutes(opened.minutes)} min at the written tempo"),
        ("bars", f"{len(score.measures)} as played"),
        ("metre", ", ".join(_unique(f"{m.numerator}/{m.denominator}" for m in score.metres))),
        ("key", ", ".join(_unique(_key_name(k.fifths, k.minor) for k in score.keys))),
        ("tempo", "; ".join(_tempo_words(opened))),
        ("marks", ", ".join(f"{m.text} (bar {_bar_at(opened, m.quarter)})" for m in score.marks)),
        ("fermatas", ", ".join(f"bar {_bar_at(opened, f.quarter)}" for f in score.fermatas)),
        ("note", opened.note),
    ):
        if text:
            click.echo(f"  {label:9}{text}")
    click.echo()
    rows = [
        (
            str(part.number),
            part.name,
            part.instrument,
            str(len(part.notes)),
            "solo" if part.number == opened.solo_part.number else "",
        )
        for part in score.parts
    ]
    _print_table(("part", "name", "instrument", "notes", ""), rows)


@command.command("add", epilog="Example:  accompanist pieces add sonata.mxl --solo Flute")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--id", "piece_id", metavar="ID", help="What to call it; else from the file name.")
@click.option("--title", metavar="TEXT", help="Its title; else the one in the score.")
@click.option("--solo", metavar="PART", help="Name or number of the solo part; else a guess.")
@click.option("--replace", is_flag=True, help="Overwrite a piece of yours with this id.")
@_AS_JSON
def add_command(
    file: Path,
    piece_id: str | None,
    title: str | None,
    solo: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Add a score to your library: MusicXML, MIDI, MEI, ABC or Humdrum."""
    from score_library.catalogue import open_piece
    from score_library.own_pieces import add_piece

    info = add_piece(file, piece_id=piece_id, title=title, solo=solo, replace=replace)
    if as_json:
        _print_json(_info_json(info))
        return
    part = open_piece(info.id).solo_part
    click.echo(f"Added {info.id}: {info.title}. The solo is part {part.number}, {part.name}.")
    click.echo(f"Next: accompanist play {info.id}")


@command.command("check", epilog="Example:  accompanist pieces check my-sonata.mxl --solo Flute")
@click.argument("piece")
@click.option("--solo", metavar="PART", help="Name or number of the solo part; else the piece's.")
@_AS_JSON
@click.pass_context
def check_command(ctx: click.Context, piece: str, solo: str | None, as_json: bool) -> None:
    """Say what in PIECE may be followed badly, and what to do about it.

    The exit code is 1 where a problem was found; warnings and notes leave it 0.
    """
    from accompanist.score.checks import Severity, check
    from accompanist.score.choose import choose_solo
    from score_library.catalogue import open_piece

    opened = open_piece(piece)
    part = opened.solo_part if solo is None else choose_solo(opened.score, solo).part
    findings = check(opened.score, part)
    if as_json:
        _print_json({"solo": part.number, "findings": [asdict(f) for f in findings]})
    else:
        click.echo(f"{opened.title}, solo part {part.number} ({part.name}):")
        for finding in findings:
            where = f"bar {finding.bar}: " if finding.bar else ""
            click.echo(f"  {finding.severity}: {where}{finding.what}; {finding.remedy}")
        if not findings:
            click.echo("  nothing that should be hard to follow")
    if any(finding.severity is Severity.PROBLEM for finding in findings):
        ctx.exit(1)


@command.command("remove", epilog="Example:  accompanist pieces remove my-sonata")
@click.argument("piece")
def remove_command(piece: str) -> None:
    """Remove a piece of your own, PIECE being its id; bundled pieces stay."""
    from score_library.own_pieces import remove_piece

    remove_piece(piece)
    click.echo(f"Removed {piece}.")


def _info_json(info: PieceInfo) -> dict[str, Any]:
    shown = asdict(info)
    for internal in ("file", "corpus", "qpm", "parts", "programs"):
        del shown[internal]
    return shown


def _piece_json(piece: Piece) -> dict[str, Any]:
    score = piece.score
    return {
        "id": piece.id,
        "title": piece.title,
        "composer": piece.composer,
        "licence": piece.licence,
        "source": piece.source,
        "difficulty": piece.difficulty,
        "minutes": round(piece.minutes, 3),
        "note": piece.note,
        "solo": piece.solo_part.number,
        "bars": len(score.measures),
        "quarters": score.end_quarter,
        "parts": [
            {
                "number": part.number,
                "name": part.name,
                "instrument": part.instrument,
                "program": part.program,
                "percussion": part.percussion,
                "transposition": part.transposition,
                "notes": len(part.notes),
            }
            for part in score.parts
        ],
        "tempo": [asdict(mark) for mark in score.tempo_marks],
        "metres": [asdict(metre) for metre in score.metres],
        "keys": [asdict(key) for key in score.keys],
        "marks": [asdict(mark) for mark in score.marks],
        "fermatas": [asdict(fermata) for fermata in score.fermatas],
    }


def _tempo_words(piece: Piece) -> list[str]:
    """Each tempo once, as far as they differ from the one before."""
    words: list[str] = []
    for mark in piece.score.tempo_marks:
        text = f"{mark.text} " if mark.text.isprintable() and mark.text else ""
        text += f"♩ = {mark.qpm:g}" + ("" if mark.written else " (not written, assumed)")
        if not words or words[-1] != text:
            words.append(text)
    return [*words[:8], "…"] if len(words) > 8 else words


def _bar_at(piece: Piece, quarter: float) -> str:
    from accompanist.score.checks import bar_at

    measure = bar_at(piece.score, quarter)
    return measure.printed if measure is not None else "?"


def _key_name(fifths: int, minor: bool) -> str:
    if not -7 <= fifths <= 7:
        return f"{abs(fifths)} {'sharps' if fifths > 0 else 'flats'}"
    return _KEYS_MINOR[fifths + 7] + " minor" if minor else _KEYS_MAJOR[fifths + 7] + " major"


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "–"
    whole, seconds = divmod(round(minutes * 60), 60)
    return f"{whole}:{seconds:02d}"


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
