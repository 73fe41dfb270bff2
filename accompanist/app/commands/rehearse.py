"""``accompanist rehearse``: learn from earlier takes of a piece."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from score_library.catalogue import Piece

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist rehearse londonderry-air takes/londonderry-air-*
  accompanist rehearse sonata.mxl --solo Violin monday tuesday --plot rubato.svg
  accompanist rehearse sonata.mxl --recording menuhin.flac      how somebody else plays it
  accompanist rehearse sonata.mxl --list
  accompanist rehearse sonata.mxl --forget monday
  accompanist rehearse my-concerto take1 take2                  a recording piece
  accompanist rehearse my-concerto --forget
"""


@click.command(name="rehearse", epilog=_EPILOG)
@click.argument("piece")
@click.argument("takes", metavar="TAKEDIR...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--solo", metavar="PART", help="Solo part of a score, by number or name.")
@click.option("--others", is_flag=True, help="The takes were played by somebody else.")
@click.option(
    "--recording",
    "recordings",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Learn a score's timing from a recording of it, too (a file, or the id of a recording "
    "piece); may be given several times.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the picture of what was learned of a score goes (.svg, .png).",
)
@click.option("--list", "listing", is_flag=True, help="Say what was learned of a score.")
@click.option(
    "--forget",
    is_flag=True,
    help="Forget the takes learned from before; of a score only those named, if any are.",
)
@click.option(
    "--quality",
    type=click.Choice(["auto", "fast", "full"]),
    default="full",
    show_default=True,
    help="Of a recording's separation; fast takes a third of the time.",
)
@click.option(
    "--alpha", type=float, help="How hard a recording's solo is taken out; else as before."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was learned as JSON.")
def command(
    piece: str,
    takes: tuple[Path, ...],
    solo: str | None,
    others: bool,
    recordings: tuple[Path, ...],
    plot: Path | None,
    listing: bool,
    forget: bool,
    quality: str,
    alpha: float | None,
    as_json: bool,
) -> None:
    """Learn from takes of PIECE how you play it.

    Of a score: where you take time, by how much and how surely, how loud you are, where you
    breathe; the ensemble expects that of you from then on. A take of something else, a lost or a
    very short one is left out and said so. Each TAKEDIR is a take folder. Live takes are learned
    from by themselves.

    Of a recording: its soloist is taken out anew by what you played. Of a live take solo.wav is
    used, of a rendered one the sound file that it was made of. What fits is kept with the piece.
    """
    from accompanist.app.threads import use_one_thread

    use_one_thread()

    from accompanist.app.pieces import open_any
    from accompanist.errors import UsageError

    def tell(line: str) -> None:
        click.echo(line, err=True)

    if forget and (recordings or listing):
        raise UsageError("rehearse: --forget goes with neither --recording nor --list")
    if not (takes or recordings or forget or listing or plot):
        raise UsageError(
            "rehearse: name takes of the piece to learn from, or --list, --plot or --forget"
        )
    opened = open_any(piece, tell)
    if opened.recording is None:
        from accompanist.app.rehearsing.rehearse_score import ScoreWish

        _score(opened, solo, ScoreWish(takes, recordings, others, forget, plot), tell, as_json)
        return
    if solo is not None or others or recordings or plot is not None or listing:
        raise UsageError(
            f"{opened.title}: is a recording; --solo, --others, --recording, --plot and --list are "
            "for scores"
        )
    _recording(opened, takes, forget, quality, alpha, tell, as_json)


def _score(
    opened: Piece, solo: str | None, wish: Any, tell: Callable[[str], None], as_json: bool
) -> None:
    import json

    from accompanist.app.rehearsing.rehearse_score import rehearse_score
    from accompanist.app.rehearsing.telling import words_of
    from accompanist.score.choose import choose_solo

    part = choose_solo(opened.score, solo).part
    facts = rehearse_score(opened, part, wish, tell)
    if wish.forget and not as_json:
        tell(_forgotten(opened.title, len(facts["forgotten"])))
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    shown = facts["takes"] if wish.takes or wish.recordings else facts["learned"]
    for take in [] if wish.forget else shown:
        click.echo(_take_line(take))
    for line in words_of(f"{opened.title} ({part.name})", facts["figures"]):
        click.echo(line)
    if facts["picture"] is not None:
        click.echo(f"picture: {facts['picture']}")


def _take_line(take: dict[str, Any]) -> str:
    if "onsets" not in take:
        return f"{take['take']}: left out: {take['reason']}"
    first, last = take["bars"]
    bars = f"bar {first}" if first == last else f"bars {first} to {last}"
    pieces = f" in {take['stretches']} stretches" if take["stretches"] > 1 else ""
    whose = "" if take["own"] else ", by somebody else"
    what = f"{take['onsets']} notes, {bars}{pieces}{whose}"
    if not take["used"]:
        return f"{take['take']}: left out: {take['reason']} ({what})"
    return f"{take['take']}: used ({what})"


def _forgotten(title: str, count: int) -> str:
    return f"{title}: {count} forgotten" if count else "nothing to forget"


def _recording(
    opened: Piece,
    takes: tuple[Path, ...],
    forget: bool,
    quality: str,
    alpha: float | None,
    tell: Callable[[str], None],
    as_json: bool,
) -> None:
    import json

    from accompanist.app.separating.rehearsing import forget_takes, rehearse, usable_takes

    found = usable_takes(takes)
    forgotten = forget_takes(opened) if forget else 0
    if forget:
        tell(_forgotten(opened.title, forgotten))
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
