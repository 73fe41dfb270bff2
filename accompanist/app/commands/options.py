"""Options that several commands have in common."""

from __future__ import annotations

import click

__all__ = ["level_option", "passages_option"]

passages_option = click.option(
    "--passages",
    "passages_text",
    metavar="BARS:LEVEL,…",
    default="",
    help="Where to follow more or less closely, as in 1-8:3,20:0,33-:wait: levels 0 (its own "
    "tempo) to 10 (hangs on every note), follow, wait, fixed.",
)

level_option = click.option(
    "--level",
    type=click.FloatRange(0, 10),
    default=10.0,
    show_default=True,
    help="How closely to follow: 10 hangs on every note, around 5 is a partner with a tempo of "
    "its own, 0 keeps its own time.",
)
