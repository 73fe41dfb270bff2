"""``accompanist rehearse``: learn from earlier takes of a piece."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist rehearse my-concerto take1 take2
  accompanist rehearse my-concerto --forget
"""


@click.command(name="rehearse", epilog=_EPILOG)
@click.argument("piece")
@click.argument("takes", metavar="TAKEDIR...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--forget", is_flag=True, help="Forget the takes learned from before.")
@click.option(
    "--quality",
    type=click.Choice(["auto", "fast", "full"]),
    default="full",
    show_default=True,
    help="Of the separation; fast takes a third of the time.",
)
@click.option("--alpha", type=float, help="How hard the solo is taken out; else as before.")
@click.option("--json", "as_json", is_flag=True, help="Print what was learned as JSON.")
def command(
    piece: str,
    takes: tuple[Path, ...],
    forget: bool,
    quality: str,
    alpha: float | None,
    as_json: bool,
) -> None:
    """Take the soloist out of the recording PIECE anew, by what you played in takes of it.

    Each TAKEDIR is a take folder: of a live take its solo.wav is used, of a rendered one the sound
    file that it was made of. What fits is kept with the piece; a take of something else, or one
    that fits much worse than the others, is left out and said so.
    """
    import json

    from accompanist.app.threads import use_one_thread

    use_one_thread()

    from accompanist.app.pieces import open_any
    from accompanist.app.separating.rehearsing import forget_takes, rehearse, usable_takes
    from accompanist.errors import UsageError

    def tell(line: str) -> None:
        click.echo(line, err=True)

    if not takes and not forget:
        raise UsageError("rehearse: name takes of the piece to learn from, or --forget")
    opened = open_any(piece, tell)
    if opened.recording is None:
        raise UsageError(
            f"{opened.title}: is a score; learning a soloist's timing from takes of a score is "
            "not there yet; takes of recordings are learned from"
        )
    found = usable_takes(takes)
    forgotten = forget_takes(opened) if forget else 0
    if forget:
        tell(f"{opened.title}: {forgotten} forgotten" if forgotten else "nothing to forget")
    if not takes:
        if as_json:
            click.echo(json.dumps({"forgotten": forgotten}))
        return
    facts = rehearse(opened, found, quality=quality, alpha=alpha, tell=tell)
    if as_json:
        click.echo(json.dumps({"forgotten": forgotten, **facts}, indent=2, ensure_ascii=False))
        return
    for take in facts["takes"]:
        said = "used" if take["used"] else f"left out: {take['reason']}"
        click.echo(f"{take['take']}: {said}")
    click.echo(
        f"{opened.title}: the soloist taken out anew, by "
        f"{', '.join(str(one['name']) for one in facts['solos'])} ({facts['took_s']:.0f} s)"
    )
