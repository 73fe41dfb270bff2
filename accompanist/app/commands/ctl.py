"""``accompanist ctl``: talks to the running daemon."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from accompanist.errors import UsageError

if TYPE_CHECKING:
    from accompanist.app.osc.client import OscClient
    from bridges.osc import OscArgument

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist ctl status
  accompanist ctl load la-folia
  accompanist ctl arm                     it begins with your first note
  accompanist ctl goto 17
  accompanist ctl loop 9 16
  accompanist ctl part 2 gain -6
  accompanist ctl watch                   a live line; Ctrl-C ends it
  accompanist ctl send /acc/tempo/scale 0.9
"""
_FORMATS = ("smf", "rpp", "dawproject", "ardour", "csv", "audacity")
_ON_OFF = click.Choice(["on", "off"])


@click.group(name="ctl", epilog=_EPILOG)
@click.option("--url", metavar="URL", help="Where the daemon is, if not on this machine.")
@click.pass_context
def command(ctx: click.Context, url: str | None) -> None:
    """Talk to the running daemon."""
    ctx.obj = url


def _client(ctx: click.Context) -> OscClient:
    """Open the client when it is wanted, so that ``--help`` needs no daemon."""
    from accompanist.app.osc.client import OscClient, find_daemon

    return ctx.with_resource(OscClient(find_daemon(ctx.obj)))


def _do(ctx: click.Context, address: str, *arguments: OscArgument) -> None:
    _client(ctx).ask(address, *arguments)


def _say(ctx: click.Context, address: str, *arguments: OscArgument) -> None:
    """Set if there is something to set, then say how things stand."""
    client = _client(ctx)
    if arguments:
        client.ask(address, *arguments)
    click.echo(" ".join(_shown(value) for value in client.value(address)))


def _shown(value: OscArgument) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


# ---- the piece and the transport -----------------------------------------------------------------


@command.command(epilog="Example:  accompanist ctl load la-folia")
@click.argument("piece")
@click.pass_context
def load(ctx: click.Context, piece: str) -> None:
    """Load PIECE: a piece of the library or the path of a score."""
    from accompanist.app.osc import ctl

    click.echo(ctl.load(_client(ctx), piece))


def _button(name: str, address: str, text: str, said: str = "") -> None:
    """Add a command that only presses a button; ``said`` tells that it was done."""

    @command.command(name=name, help=text, epilog=f"Example:  accompanist ctl {name}")
    @click.pass_context
    def press(ctx: click.Context) -> None:
        _do(ctx, address)
        if said:
            click.echo(said)


for _name, _address, _text in (
    ("arm", "arm", "Wait for the soloist's first note."),
    ("start", "start", "Begin now, after the count-in."),
    ("stop", "stop", "Stop; everything is silenced."),
    ("pause", "pause", "Stand still where the music is."),
    ("resume", "resume", "Go on from there."),
    ("cue", "cue", "Go on: the soloist is at the next note now."),
    ("resync", "resync", "Look for the soloist anew."),
    ("vamp-exit", "vamp/exit", "Leave the vamp at its end."),
    ("tap", "tempo/tap", "Tap the tempo."),
    ("panic", "midi/panic", "Silence everything by all means; twice: cut the tails, too."),
):
    _button(_name, _address, _text)
_button(
    "reload",
    "reload",
    "Have the daemon read its settings again.",
    "settings read again",
)


@command.command(name="quit", epilog="Example:  accompanist ctl quit")
@click.pass_context
def leave(ctx: click.Context) -> None:
    """Have the daemon silence everything and leave."""
    _client(ctx).ask("quit", farewell=True)


@command.command(epilog="Example:  accompanist ctl hold on")
@click.argument("state", required=False, type=_ON_OFF)
@click.pass_context
def hold(ctx: click.Context, state: str | None) -> None:
    """Hold what sounds, or go on; without a word, whichever it is not."""
    _do(ctx, "hold", *(() if state is None else (int(state == "on"),)))


@command.command(epilog="Example:  accompanist ctl goto 17")
@click.argument("bar", required=False, type=int)
@click.option("--quarter", type=float, help="A position in quarters.")
@click.option("--mark", help="A rehearsal mark.")
@click.option("--next", "step", flag_value="next", help="The next rehearsal mark.")
@click.option("--prev", "step", flag_value="prev", help="The one before.")
@click.pass_context
def goto(
    ctx: click.Context, bar: int | None, quarter: float | None, mark: str | None, step: str | None
) -> None:
    """Go to a BAR as printed, or somewhere else by one of the options."""
    wishes: list[tuple[str, tuple[OscArgument, ...]]] = []
    if bar is not None:
        wishes.append(("goto/bar", (bar,)))
    if quarter is not None:
        wishes.append(("goto/quarter", (quarter,)))
    if mark is not None:
        wishes.append(("goto/mark", (mark,)))
    if step is not None:
        wishes.append((f"goto/{step}", ()))
    if len(wishes) != 1:
        raise UsageError("goto wants a bar, or one of --quarter, --mark, --next and --prev")
    _do(ctx, wishes[0][0], *wishes[0][1])


@command.command(epilog="Example:  accompanist ctl loop 9-16")
@click.argument("bars", nargs=-1)
@click.pass_context
def loop(ctx: click.Context, bars: tuple[str, ...]) -> None:
    """Play bars again and again: ``loop 9-16``; ``loop off`` ends it, ``loop on`` goes back."""
    if len(bars) == 1:
        bars = tuple(bars[0].split("-"))
    if bars in (("on",), ("off",)):
        _say(ctx, "loop", int(bars == ("on",)))
    elif not bars:
        _say(ctx, "loop")
    elif len(bars) == 2 and all(bar.isdigit() for bar in bars):
        _say(ctx, "loop", 1, int(bars[0]), int(bars[1]))
    else:
        raise UsageError("loop wants the first and the last bar, or on, or off")


@command.command(epilog="Example:  accompanist ctl mode wait")
@click.argument("who", required=False)
@click.pass_context
def mode(ctx: click.Context, who: str | None) -> None:
    """Say who leads: follow, wait, fixed or conduct; without a word, ask."""
    _say(ctx, "follow/mode", *(() if who is None else (who,)))


@command.command(epilog="Example:  accompanist ctl tempo 0.9")
@click.argument("scale", required=False, type=float)
@click.option("--base", type=float, metavar="BPM", help="Tempo of the piece.")
@click.option("--min", "low", type=float, metavar="BPM", help="Never slower.")
@click.option("--max", "high", type=float, metavar="BPM", help="Never faster.")
@click.option("--nudge", type=float, metavar="SHARE", help="Push by a share, as 0.02, now.")
@click.option("--lock/--unlock", default=None, help="Freeze the tempo, or follow again.")
@click.pass_context
def tempo(
    ctx: click.Context,
    scale: float | None,
    base: float | None,
    low: float | None,
    high: float | None,
    nudge: float | None,
    lock: bool | None,
) -> None:
    """Set the SCALE of the written tempo (0.9 is a little slower) and more; then say how it is."""
    client = _client(ctx)
    for address, value in (
        ("tempo/scale", scale),
        ("tempo/base", base),
        ("tempo/min", low),
        ("tempo/max", high),
        ("tempo/nudge", nudge),
        ("tempo/lock", None if lock is None else int(lock)),
    ):
        if value is not None:
            client.ask(address, value)
    for key, values in client.values("tempo").items():
        click.echo(f"{key.removeprefix('tempo/'):<6} {_shown(values[0])}")


# ---- the mixer -----------------------------------------------------------------------------------


@command.command(epilog="Example:  accompanist ctl mixer")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def mixer(ctx: click.Context, as_json: bool) -> None:
    """Show all parts with their controls."""
    from accompanist.app.osc import ctl

    values = _client(ctx).values("part")
    if as_json:
        parts: dict[str, dict[str, OscArgument]] = {}
        for key, found in values.items():
            _, number, control = key.split("/")
            parts.setdefault(number, {})[control] = found[0]
        click.echo(json.dumps(parts, indent=2, ensure_ascii=False))
        return
    for line in ctl.mixer_lines(values):
        click.echo(line)


@command.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example:  accompanist ctl part 2 gain -6",
)
@click.argument("number", type=click.IntRange(1, 9999))
@click.argument("control", type=click.Choice(
    ["mute", "solo", "gain", "pan", "channel", "program", "output", "name"]))  # fmt: skip
@click.argument("value", required=False)
@click.pass_context
def part(ctx: click.Context, number: int, control: str, value: str | None) -> None:
    """Set a CONTROL of part NUMBER; ``part 2 mute`` mutes, ``part 2 mute off`` lets it play."""
    address = f"part/{number}/{control}"
    if control in ("mute", "solo"):
        if value not in (None, "on", "off", "0", "1"):
            raise UsageError(f"{control} is on or off, not {value!r}")
        _say(ctx, address, int(value in (None, "on", "1")))
    elif value is None or control == "output":
        _say(ctx, address, *(() if value is None else (value,)))
    else:
        try:
            _say(ctx, address, float(value))
        except ValueError:
            raise UsageError(f"{control} wants a number, not {value!r}") from None


# ---- takes ---------------------------------------------------------------------------------------


@command.group(epilog="Example:  accompanist ctl take save")
def take() -> None:
    """Keep what has been played: it is always recorded."""


@take.command(epilog="Example:  accompanist ctl take start")
@click.pass_context
def start(ctx: click.Context) -> None:
    """Let a take begin here."""
    _do(ctx, "take/start")


@take.command(epilog="Example:  accompanist ctl take stop")
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Let it end here."""
    _do(ctx, "take/stop")


@take.command(epilog="Example:  accompanist ctl take save evening")
@click.argument("name", required=False)
@click.pass_context
def save(ctx: click.Context, name: str | None) -> None:
    """Keep the take, under a NAME if you like."""
    _do(ctx, "take/save", *(() if name is None else (name,)))
    click.echo(f"the take is being kept as {name}" if name else "the take is being kept")


@take.command(epilog="Example:  accompanist ctl take discard")
@click.pass_context
def discard(ctx: click.Context) -> None:
    """Forget it."""
    _do(ctx, "take/discard")


@take.command(epilog="Example:  accompanist ctl take export rpp ~/sessions")
@click.argument("form", metavar="FORMAT", type=click.Choice(_FORMATS))
@click.argument("folder", required=False, type=click.Path(resolve_path=True))
@click.pass_context
def export(ctx: click.Context, form: str, folder: str | None) -> None:
    """Write the last kept take for a DAW."""
    _do(ctx, "take/export", form, *(() if folder is None else (folder,)))


# ---- looking on ----------------------------------------------------------------------------------


@command.command(epilog="Example:  accompanist ctl status")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Say how things stand."""
    from accompanist.app.osc import ctl

    client = _client(ctx)
    said = ctl.status(client)
    if as_json:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    click.echo(f"daemon at {client.urls.osc}")
    for line in ctl.status_lines(said):
        click.echo(line)


@command.command(epilog="Example:  accompanist ctl watch")
@click.pass_context
def watch(ctx: click.Context) -> None:
    """Show a live line; Ctrl-C ends it. Into a pipe goes a line whenever something changes."""
    from accompanist.app.osc import ctl

    on_terminal = sys.stdout.isatty()
    shown = ""
    try:
        for line in ctl.live_lines(_client(ctx)):
            if line == shown:
                continue
            shown = line
            if on_terminal:
                click.echo(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}", nl=False)
            else:
                click.echo(line)
    except KeyboardInterrupt:
        pass
    finally:
        if on_terminal:
            click.echo()


@command.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example:  accompanist ctl send /acc/tempo/scale 0.9",
)
@click.argument("address")
@click.argument("arguments", nargs=-1)
@click.pass_context
def send(ctx: click.Context, address: str, arguments: tuple[str, ...]) -> None:
    """Send any OSC message and print the answers; ``s:12`` sends 12 as text."""
    from accompanist.app.osc import ctl

    if not address.startswith("/"):
        raise UsageError(f"an OSC address begins with a slash, like /acc/tempo/scale: {address!r}")
    for answer in _client(ctx).ask(address, *ctl.arguments_from(arguments)):
        click.echo(" ".join([answer.address, *(_shown(a) for a in answer.arguments)]))
