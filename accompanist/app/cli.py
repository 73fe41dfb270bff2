"""The command line: a table of commands, loaded when called, and one way to report failure.

Nothing heavy is imported here, so that ``accompanist --help`` answers at once. A command is a
module ``accompanist.app.commands.<name>`` with a `click.Command` named ``command``.

Exit codes: 0 done, 1 failed, 2 bad usage, 3 bad input file, 4 no such device or port, 5 daemon
not reachable, 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
from difflib import get_close_matches
from importlib import import_module
from types import TracebackType
from typing import Any, NoReturn

import click

from accompanist import __version__
from accompanist.errors import AccompanistError

__all__ = ["COMMANDS", "LazyGroup", "main", "run"]

COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": (
        "accompanist.app.commands.demo",
        "command",
        "Hear the whole chain on a bundled piece with a simulated soloist.",
    ),
    "render": (
        "accompanist.app.commands.render",
        "command",
        "Accompany a recorded soloist, faster than real time, into a take folder.",
    ),
    "play": (
        "accompanist.app.commands.play",
        "command",
        "Accompany you live: microphone, MIDI keyboard or computer keys.",
    ),
    "daemon": (
        "accompanist.app.commands.daemon",
        "command",
        "The background service for DAWs and loopers, driven by OSC, pedals and 'ctl'.",
    ),
    "ctl": (
        "accompanist.app.commands.ctl",
        "command",
        "Talk to the running daemon: load, arm, start, stop, goto, status, watch.",
    ),
    "pieces": (
        "accompanist.app.commands.pieces",
        "command",
        "The score library: list, show, add, remove, check.",
    ),
    "session": (
        "accompanist.app.commands.session",
        "command",
        "A session for a DAW: an instrument track a part, wired to our ports.",
    ),
    "devices": (
        "accompanist.app.commands.devices",
        "command",
        "Audio devices, MIDI ports and sound fonts found on this machine.",
    ),
    "calibrate": (
        "accompanist.app.commands.calibrate",
        "command",
        "Measure round-trip latency by loop-back, and keep it.",
    ),
    "doctor": (
        "accompanist.app.commands.doctor",
        "command",
        "What is missing on this machine, and how to get it.",
    ),
    "export": (
        "accompanist.app.commands.export",
        "command",
        "Bring a take, with its tempo map, into a DAW.",
    ),
    "simulate": (
        "accompanist.app.commands.simulate",
        "command",
        "A soloist made to order: a take with human timing, and its truth.",
    ),
    "align": (
        "accompanist.app.commands.align",
        "command",
        "Bring recordings of a piece onto one time axis.",
    ),
    "separate": (
        "accompanist.app.commands.separate",
        "command",
        "Take the soloist out of a recording, given anything that shows the solo.",
    ),
    "rehearse": (
        "accompanist.app.commands.rehearse",
        "command",
        "Learn from earlier takes how you play, or to take a recording's soloist out.",
    ),
    "evaluate": (
        "accompanist.app.commands.evaluate",
        "command",
        "Run followers over takes with known truth and print the figures.",
    ),
}
"""Name → (module, attribute, one line of help), in the order of the help page."""

_EPILOG = """\b
Examples:
  accompanist demo                       hear it at work, no instrument needed
  accompanist pieces list                what there is to play
  accompanist play PIECE                 play with your microphone
  accompanist play PIECE --tap           play with any key of the keyboard
  accompanist render PIECE my-take.wav --out my-take
"""


def _fail(message: str, exit_code: int) -> NoReturn:
    """Leave with one line on stderr."""
    click.echo(f"accompanist: {' '.join(message.split())}", err=True)
    raise click.exceptions.Exit(exit_code)


def _fail_usage(error: click.UsageError) -> NoReturn:
    path = error.ctx.command_path if error.ctx is not None else "accompanist"
    _fail(f"{error.format_message()} See: {path} --help", 2)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not before.

    An `AccompanistError` of a command becomes one line on stderr and its exit code, a click usage
    error likewise with exit code 2, Ctrl-C a quiet 130. Any other exception passes through.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, n=1)
            instead = close[0] if close else "one of " + ", ".join(COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}; did you mean {instead}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _fail_usage(error)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AccompanistError as error:
            if logging.getLogger().isEnabledFor(logging.DEBUG):
                logging.getLogger(__name__).debug("where it failed", exc_info=True)
            _fail(str(error), error.exit_code)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _fail_usage(error)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None


def _set_up_logging(verbosity: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # It tells at length where it keeps its list of fonts.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for name in ("accompanist", "bridges", "score_library"):
        logging.getLogger(name).setLevel(level)


def _record_defect(
    kind: type[BaseException], defect: BaseException, trace: TracebackType | None
) -> None:
    """Say in one line that it is our fault, and write the traceback to a file."""
    import tempfile
    import traceback
    from pathlib import Path

    from platformdirs import user_log_path

    text = "".join(traceback.format_exception(kind, defect, trace))
    for folder in (user_log_path("accompanist"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "accompanist-traceback.txt"
            log.write_text(f"accompanist {__version__}, {' '.join(sys.argv)}\n{text}", "utf-8")
        except OSError:
            continue
        where = f"the details are in {log}"
        break
    else:
        where = "--debug shows the details"
    what = " ".join(f"{kind.__name__}: {defect}".split())
    print(f"accompanist: a defect of ours ({what}); {where}", file=sys.stderr)  # noqa: T201


def _show_tracebacks(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        sys.excepthook = sys.__excepthook__


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(__version__, "-V", "--version", message="accompanist %(version)s")
@click.option("-v", "--verbose", count=True, help="Tell more on stderr; -vv tells all.")
@click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_tracebacks,
    help="Show the traceback of a defect.",
)
def main(verbose: int) -> None:
    """Follow a soloist by ear and play the rest of the ensemble with them."""
    _set_up_logging(verbose)


def run() -> None:
    """Entry point of the console script and of ``python -m accompanist``."""
    from accompanist.app.compiled import find_room_for_compiled
    from accompanist.app.interrupts import termination_as_interrupt

    sys.excepthook = _record_defect
    find_room_for_compiled()
    with termination_as_interrupt():
        main(prog_name="accompanist")
