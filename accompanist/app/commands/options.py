"""Options that several commands have in common."""

from __future__ import annotations

import click

__all__ = ["passages_option"]

passages_option = click.option(
    "--passages",
    "passages_text",
    metavar="BARS:LEVEL,…",
    default="",
    help="Where to follow more or less closely, as in 1-8:3,20:0,33-:wait: levels 0 (its own "
    "tempo) to 10 (hangs on every note), follow, wait, fixed.",
)
