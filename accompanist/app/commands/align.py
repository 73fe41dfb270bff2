"""``accompanist align``: recordings of a piece on its time axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from accompanist.app.aligning.align import TakeFacts

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist align londonderry-air take1.wav take2.wav --out takes.csv
  accompanist align quartet.musicxml busch.flac --out busch.csv --step 0.25
  accompanist align concerto.flac other-violinist.flac --out both.csv

\b
The table has a row every --step and at every note of the piece, and a column of seconds for each
take; a cell is empty where a take does not have the place.
"""


@click.command(name="align", epilog=_EPILOG)
@click.argument("piece")
@click.argument(
    "takes", metavar="TAKE.wav...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The table to be written (CSV)."
)
@click.option(
    "--step",
    type=click.FloatRange(0.01, 1000.0),
    default=1.0,
    show_default=True,
    help="Distance of the rows, in quarters (seconds, where PIECE is a recording).",
)
@click.option("--json", "as_json", is_flag=True, help="Print how the takes fit as JSON.")
def command(piece: str, takes: tuple[Path, ...], out: Path, step: float, as_json: bool) -> None:
    """Bring recordings of PIECE onto one time axis.

    PIECE is the id of a piece in the library or the path of a score or of a recording. Takes may
    begin later, end earlier, leave out repeats, or be in another key or tuning.
    """
    import json
    import os
    from dataclasses import asdict

    # One thread for linear algebra: the matrices are small, and more would wait for one another.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

    from accompanist.app.aligning.align import align_takes, open_axis
    from accompanist.app.aligning.table import check_out, write_table

    check_out(out, takes)
    axis = open_axis(piece)
    aligned = align_takes(axis, takes, step)
    write_table(out, aligned.table)
    if as_json:
        facts = {
            "out": str(out),
            "position": aligned.table.unit,
            "rows": len(aligned.table.positions),
            "end": axis.end,
            "takes": [asdict(take) for take in aligned.takes],
        }
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for take in aligned.takes:
        click.echo(_summary(take, aligned.table.unit, axis.end))
    click.echo(f"{len(aligned.table.positions)} rows written to {out}")


def _summary(take: TakeFacts, unit: str, end: float) -> str:
    word = "quarter" if unit == "quarters" else "second"
    text = f"{take.name}: {word} {take.first_position:.1f} to {take.last_position:.1f} of {end:.1f}"
    if take.gaps:
        text += "; left out: " + ", ".join(f"{a:.1f}–{b:.1f}" for a, b in take.gaps)
    if take.transposed_semitones:
        count = abs(take.transposed_semitones)
        way = "above" if take.transposed_semitones > 0 else "below"
        text += f"; {count} semitone{'s' if count > 1 else ''} {way} the piece"
    return text
