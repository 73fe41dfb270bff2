"""``accompanist export``: bring a take into a DAW."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist export takes/sonata-20250101-1200 --format rpp          REAPER, opens with a click
  accompanist export my-take --format dawproject --out ~/sonata.dawproject
  accompanist export my-take --format ardour --out ~/sessions/sonata  a session folder, complete
  accompanist export my-take --format audacity                       bars as a label track
"""


@click.command(name="export", epilog=_EPILOG)
@click.argument("take", metavar="TAKEDIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "wanted",
    required=True,
    metavar="smf|rpp|dawproject|ardour|csv|audacity",
    help="smf: any DAW. rpp: REAPER. dawproject: Bitwig, Studio One, Cubase. ardour: a session "
    "folder. csv: time, bar and beat of every beat. audacity: a label track.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="What to write; in a folder that is there, a file named after the take.  [default: in the "
    "take folder]",
)
def command(take: Path, wanted: str, out: Path | None) -> None:
    """Bring a take into a DAW, with its tempo map, markers, audio and MIDI.

    The take's first sample is the DAW's zero; every note stands on the grid where the score has
    it and sounds when it sounded. An Ardour session has copies of the take's sound, and plays that
    rather than the notes: unmute their tracks to give them other instruments.
    """
    from accompanist.app.keeping.exporting import export_take

    click.echo(f"written: {export_take(take, wanted, out)}")
