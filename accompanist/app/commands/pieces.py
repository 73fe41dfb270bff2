"""``accompanist pieces``: list, show, add, remove and check the pieces of the score library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accompanist.errors import UsageError

if TYPE_CHECKING:
    from accompanist.app.analysing.add import AddRequest

__all__ = ["command"]

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(
    "pieces",
    epilog="""\b
Examples:
  accompanist pieces list --instrument violin
  accompanist pieces show londonderry-air
  accompanist pieces add my-sonata.musicxml --solo Flute
  accompanist pieces add concerto.flac --solo humming.wav
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
    from accompanist.app.piece_words import info_json, length_text
    from score_library.index import list_pieces

    pieces = [
        piece
        for piece in list_pieces()
        if (instrument is None or instrument.casefold() in piece.instrument.casefold())
        and not (own and piece.bundled)
    ]
    if as_json:
        _print_json([info_json(piece) for piece in pieces])
        return
    if not pieces:
        click.echo("No such pieces. 'accompanist pieces add FILE' adds your own.")
        return
    rows = [
        (
            piece.id,
            piece.instrument,
            str(piece.difficulty or "–"),
            length_text(piece.minutes),
            piece.title + (f" – {piece.composer}" if piece.composer else ""),
            "" if piece.bundled else "(yours, a recording)" if piece.recording else "(yours)",
        )
        for piece in pieces
    ]
    _print_table(("id", "solo", "level", "length", "piece", ""), rows)


@command.command("show", epilog="Example:  accompanist pieces show pachelbel-canon")
@click.argument("piece")
@_AS_JSON
def show_command(piece: str, as_json: bool) -> None:
    """Show the parts, bars, tempo and marks of PIECE (an id, a score or a recording)."""
    from accompanist.app.piece_words import (
        key_name,
        length_text,
        piece_json,
        printed_bar,
        tempo_words,
        unique,
    )
    from accompanist.app.pieces import heard_again, open_any

    opened = open_any(piece, _tell)
    heard = heard_again(opened)
    if as_json:
        _print_json(piece_json(opened, heard))
        return
    score = opened.score
    lines = [
        ("length", f"{length_text(opened.minutes)} min at the written tempo"),
        ("tempo", "; ".join(tempo_words(opened))),
    ]
    bars = f"{len(score.measures)} as played"
    if heard is not None:
        from accompanist.app.analysing.about import recording_lines

        lines = recording_lines(heard)
        bars = f"about {len(score.measures)} (an estimate)" if heard.score == score else bars
    click.echo(opened.title + (f" – {opened.composer}" if opened.composer else ""))
    for label, text in (
        ("id", opened.id if opened.from_library else ""),
        ("licence", opened.licence),
        ("source", opened.source),
        ("level", f"{opened.difficulty} of 5" if opened.difficulty else ""),
        *lines,
        ("bars", bars),
        ("metre", ", ".join(unique(f"{m.numerator}/{m.denominator}" for m in score.metres))),
        ("key", ", ".join(unique(key_name(k.fifths, k.minor) for k in score.keys))),
        (
            "marks",
            ", ".join(f"{m.text} (bar {printed_bar(opened, m.quarter)})" for m in score.marks),
        ),
        ("fermatas", ", ".join(f"bar {printed_bar(opened, f.quarter)}" for f in score.fermatas)),
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


@command.command(
    "add",
    epilog="""\b
Examples:
  accompanist pieces add sonata.mxl --solo Flute
  accompanist pieces add concerto.flac --title "My concerto"
  accompanist pieces add concerto.flac --solo humming.wav --solo my-take.wav
  accompanist pieces add concerto.flac --score concerto.mxl --part Violin
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--id", "piece_id", metavar="ID", help="What to call it; else from the file name.")
@click.option("--title", metavar="TEXT", help="Its title; else the one in the file.")
@click.option(
    "--solo",
    "solos",
    metavar="PART|U.wav",
    multiple=True,
    help="Of a score: name or number of the solo part; else a guess. Of a recording: a sound file "
    "that shows the solo, by which the soloist is taken out (may be given several times).",
)
@click.option(
    "--score",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Recordings: tie this score to it, for true bars, marks and notes.",
)
@click.option("--part", metavar="PART", help="With --score: name or number of the solo part.")
@click.option(
    "--keep-soloist", is_flag=True, help="Recordings: leave the soloist in; do not try anything."
)
@click.option("--link", is_flag=True, help="Recordings: leave the file where it is, do not copy.")
@click.option("--replace", is_flag=True, help="Overwrite a piece of yours with this id.")
@_AS_JSON
def add_command(
    file: Path,
    piece_id: str | None,
    title: str | None,
    solos: tuple[str, ...],
    score: Path | None,
    part: str | None,
    keep_soloist: bool,
    link: bool,
    replace: bool,
    as_json: bool,
) -> None:
    """Add a score (MusicXML, MIDI, MEI, ABC, Humdrum) or a recording (.wav .flac .ogg .mp3).

    A recording is listened to at once: loudness, beats and bars, and what you will be followed by.
    """
    from score_library.load import is_recording

    if is_recording(file):
        from accompanist.app.analysing.add import AddRequest
        from accompanist.app.threads import use_one_thread

        use_one_thread()
        sounds = tuple(Path(u) for u in solos)
        request = AddRequest(file, piece_id, title, link, replace, score, part, sounds)
        _add_recording(request, as_json, take_out=not keep_soloist)
        return
    if score is not None or link or part is not None or keep_soloist or len(solos) > 1:
        raise UsageError(
            "--score, --part, --keep-soloist, --link and several --solo are for recordings"
        )

    from accompanist.app.piece_words import info_json
    from score_library.catalogue import open_piece
    from score_library.own_pieces import add_piece

    solo = solos[0] if solos else None
    info = add_piece(file, piece_id=piece_id, title=title, solo=solo, replace=replace)
    if as_json:
        _print_json(info_json(info))
        return
    chosen = open_piece(info.id).solo_part
    click.echo(f"Added {info.id}: {info.title}. The solo is part {chosen.number}, {chosen.name}.")
    click.echo(f"Next: accompanist play {info.id}")


def _add_recording(request: AddRequest, as_json: bool, take_out: bool) -> None:
    from accompanist.app.analysing.about import clock_time, recording_facts, tempo_words
    from accompanist.app.analysing.add import add_recording_piece, take_soloist_out
    from accompanist.app.piece_words import info_json
    from accompanist.app.pieces import heard_again, open_any

    info = add_recording_piece(request, _tell)
    if take_out or request.solos:
        take_soloist_out(open_any(info.id), request, _tell)
    heard = heard_again(open_any(info.id))
    assert heard is not None
    if as_json:
        _print_json({**info_json(info), "recording": recording_facts(heard)})
        return
    analysis = heard.analysis
    click.echo(
        f"Added {info.id}: {info.title}, a recording of {clock_time(analysis.duration_s)}, "
        f"{tempo_words(analysis)}."
    )
    if not request.solos and request.score is None:
        click.echo(
            "To take the soloist out well: accompanist separate "
            f"{info.id} --solo U.wav, U.wav being you, humming or playing the solo."
        )
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
    from accompanist.app.analysing.about import check_contents, recording_findings
    from accompanist.app.pieces import has_notes, heard_again, open_any
    from accompanist.score.checks import Severity, check
    from accompanist.score.choose import choose_solo

    opened = open_any(piece, _tell)
    part = opened.solo_part if solo is None else choose_solo(opened.score, solo).part
    findings = check(opened.score, part) if has_notes(opened) else []
    heard = heard_again(opened)
    if heard is not None:
        findings = [*recording_findings(heard), *check_contents(heard.recording), *findings]
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
    """Remove a piece of your own, PIECE being its id; bundled pieces stay.

    Of a recording, what was found out about it and its separated soloist go too; a file that was
    added with --link stays.
    """
    from accompanist.app.analysing.add import remove_any

    remove_any(piece)
    click.echo(f"Removed {piece}.")


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
