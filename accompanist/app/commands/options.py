"""Options that several commands have in common."""

from __future__ import annotations

import click

__all__ = ["level_option", "passages_option", "stretcher_option"]


def _known_stretcher(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """See that there is such a stretcher; they are loaded only where one is asked for."""
    del context, parameter
    if value is not None:
        from accompanist.recordings.stretching.registry import stretcher_names

        if value not in stretcher_names():
            raise click.BadParameter(
                f"no stretcher is called {value!r}; there are {', '.join(stretcher_names())}"
            )
    return value


stretcher_option = click.option(
    "--stretcher",
    metavar="NAME",
    callback=_known_stretcher,
    help="How a recording is made faster and slower: phase-gradient, phase-vocoder (peaks locked) "
    "or plain-vocoder.  [default: phase-gradient]",
)

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
