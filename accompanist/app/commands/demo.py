"""``accompanist demo``: the whole chain in one line, with a simulated soloist."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist demo
  accompanist demo --play
  accompanist demo --piece la-folia --preset student --seed 7 --out folia-take
"""


@click.command(name="demo", epilog=_EPILOG)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo-take"),
    show_default=True,
    help="Folder for the take.",
)
@click.option("--play", is_flag=True, help="Sound the mix and show what happens, once it is made.")
@click.option("--piece", "piece_id", metavar="PIECE", help="Another piece than the usual one.")
@click.option("--preset", help="Another kind of simulated soloist (see simulate --help).")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same soloist."
)
@click.option(
    "--soundfont", type=click.Path(path_type=Path), help="General MIDI sound font (.sf2, .sf3)."
)
@click.option("--json", "as_json", is_flag=True, help="Print take.json.")
def command(
    out: Path,
    play: bool,
    piece_id: str | None,
    preset: str | None,
    seed: int,
    soundfont: Path | None,
    as_json: bool,
) -> None:
    """Hear the whole chain at work: follow, accompany, mix, draw.

    The soloist is simulated, with a human's rubato, and the ensemble has only its sound to go by.
    """
    import json

    from accompanist.app.threads import use_one_thread

    use_one_thread()

    from accompanist.app.commands.render import summary_lines
    from accompanist.app.playing.demo import DemoRequest, make_demo, show_take

    if play:
        from bridges.audio_out import check_output

        check_output()

    def tell(line: str) -> None:
        click.echo(line, err=as_json)

    request = DemoRequest(piece_id, preset, seed, out, soundfont)
    done = make_demo(request, tell)
    if as_json:
        click.echo(json.dumps(done.facts, indent=2, ensure_ascii=False))
    for line in summary_lines(done.facts):
        tell(line)
    tell("")
    tell(f"listen:  {out / 'mix.wav'}")
    tell(f"look at: {out / 'picture.svg'}")
    tell(f"in a DAW: {out / 'accompaniment.mid'} (notes with the performed tempo)")
    tell("")
    tell("Now you:")
    tell(f"  accompanist render {done.piece.id} MY-TAKE.wav --out my-take   a recording of yours")
    tell(f"  accompanist play {done.piece.id}                               your microphone")
    if play:
        show_take(done.take, out / "mix.wav", done.piece)
