"""``accompanist separate``: take the soloist out of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command", "summary_lines"]

_EPILOG = """\b
Examples:
  accompanist separate concerto.flac --solo humming.wav --out concerto-minus-one
  accompanist separate my-concerto --solo take1/solo.wav --solo take2/solo.wav
  accompanist separate my-concerto --solo violin-part.musicxml --alpha 2
  accompanist separate pop-song.mp3 --out minus-one      (no --solo: the centre, the weaker way)
"""


@click.command(name="separate", epilog=_EPILOG)
@click.argument("recording")
@click.option(
    "--solo",
    "solos",
    metavar="U",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Anything that shows the solo: a take, a hummed or sung line, another recording of it, "
    "a score (MusicXML, MIDI). May be given several times.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for accompaniment.wav, solo.wav and separation.json; without it the result is "
    "only kept with the piece.",
)
@click.option(
    "--alpha",
    type=float,
    default=1.0,
    show_default=True,
    help="How hard the solo is taken out: 0 not at all, 1 as the method has it, more (up to 100) "
    "takes more of it at the price of the rest. (The α of 'nmf' is ten times this.)",
)
@click.option(
    "--method",
    metavar="NAME",
    help="harmonic (the default), harmonic-fast, nmf; without --solo: centre (stereo), hpss.",
)
@click.option(
    "--quality",
    type=click.Choice(["auto", "fast", "full"]),
    default="full",
    show_default=True,
    help="fast takes a third of the time; auto is full up to ten minutes.",
)
@click.option("--part", metavar="PART", help="Solo part of a score given by --solo.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same samples.")
@click.option("--json", "as_json", is_flag=True, help="Print separation.json.")
def command(
    recording: str,
    solos: tuple[Path, ...],
    out: Path | None,
    alpha: float,
    method: str | None,
    quality: str,
    part: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Take the soloist out of RECORDING: a sound file, or the id of a recording in the library.

    What is left is as long as the recording, of the same rate and channels, and together with the
    solo it is the recording, sample for sample. With a piece of the library (and, without --out,
    with the file) it is kept: 'play' and 'render' use it from then on, and what showed the solo
    helps the next separation.

    Without --solo only the weaker ways are left: what stands in the middle of a stereo recording
    is taken for the soloist.
    """
    import json

    from accompanist.app.threads import use_one_thread

    use_one_thread()

    from accompanist.app.pieces import open_any
    from accompanist.app.separating.place import check_place
    from accompanist.app.separating.run import Choice
    from accompanist.app.separating.separate import separate_piece
    from accompanist.app.separating.shown import check_solo_files
    from accompanist.errors import UsageError
    from accompanist.recordings.separation.methods import SeparationSettings, make_method

    def tell(line: str) -> None:
        click.echo(line, err=True)

    SeparationSettings(alpha=alpha)
    if method is not None:
        make_method(method)
    check_solo_files(list(solos), part)
    if out is not None:
        check_place(out, [Path(recording), *solos])
    piece = open_any(recording, tell)
    if piece.recording is None:
        raise UsageError(
            f"{piece.title}: is a score; there is a soloist to be taken out of recordings only"
        )
    done = separate_piece(
        piece,
        solos,
        Choice(method, alpha, quality, seed),
        part=part,
        out=out,
        store=out is None or piece.from_library,
        tell=tell,
    )
    if as_json:
        click.echo(json.dumps(done.facts, indent=2, ensure_ascii=False))
        return
    for line in summary_lines(done.facts):
        click.echo(line)
    if out is not None:
        click.echo(f"written to {out}: accompaniment.wav, solo.wav, separation.json")
    if done.stored:
        click.echo(f"Kept with the piece. Next: accompanist play {recording}")


def summary_lines(facts: dict[str, Any]) -> list[str]:
    """Say what was done, from what stands in ``separation.json``."""
    names = ", ".join(str(one["name"]) for one in facts["solos"])
    by = f", by {names}" if names else ""
    lines = [
        f"{facts['recording']}: the soloist taken out with the method {facts['method']}{by}: "
        f"{facts['seconds']:.1f} s in {facts['took_s']:.1f} s"
    ]
    if facts["weaker"]:
        lines.append(
            "This is the weaker way: nothing showed what the soloist plays. Better: --solo with a "
            "take of yours, a hummed line, another recording, a score."
        )
    return lines
