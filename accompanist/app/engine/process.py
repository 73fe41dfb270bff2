"""The engine's process: ``python -m accompanist.app.engine.process FD BOARD RING MINUTES TAKES``.

`accompanist.app.engine.link` starts it. It leaves, with the take on disk, when it is told to quit,
when it is terminated, or when the other end of the connection closes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from accompanist.app.processes.child import PeerGoneError, parent_connection, received
from accompanist.app.processes.links import Quit

if TYPE_CHECKING:
    from accompanist.app.engine.engine import Engine

__all__ = ["main"]

NICENESS = -10
"""Where it is allowed: what is heard late is answered late."""
AHEAD = (
    "numba",
    "bridges.audio_live",
    "bridges.audio_jack",
    "bridges.midi_ports",
    "accompanist.followers.bayes.follower",
    "accompanist.app.machine.latencies",
    "score_library.importers.midi",
)
"""What both the thread that opens the input and the one that reads a piece come to want."""


def main(arguments: list[str]) -> None:
    """Run until told to leave."""
    from accompanist.app.compiled import find_room_for_compiled
    from accompanist.app.threads import import_ahead, tell_where_threads_are, use_one_thread

    use_one_thread()  # before numpy comes
    find_room_for_compiled()
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)

    from accompanist.app.engine.engine import Engine, StuckError
    from accompanist.app.engine.live import undisturbed
    from accompanist.app.keeping.ring import TakeRing, ring_folder
    from accompanist.app.processes.board import Board

    import_ahead(AHEAD)
    fd, board, folder, minutes, takes = arguments
    warnings: list[str] = []
    takes_folder = Path(folder) if folder else ring_folder(warnings.append)
    ring = TakeRing(takes_folder, minutes=float(minutes), takes=int(takes))
    connection = parent_connection(fd)
    with (
        _wake_pipe() as (woken, poke),
        Board.open(Path(board)) as stage,
        undisturbed(),
        Engine(stage, ring, board=stage.path, wake=lambda: _poke(poke)) as engine,
    ):
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        for text in warnings:
            engine.complain(text, "take/save")
        try:
            _serve(engine, connection, woken)
        except (PeerGoneError, OSError):
            pass
        except StuckError as error:  # leaving would wait for what is stuck
            sys.stderr.write(f"engine: {error}\n")
            tell_where_threads_are()
            os._exit(1)


def _serve(engine: Engine, connection: Connection, woken: int) -> None:
    from accompanist.app.engine.engine import LOOK_S

    while True:
        ready = wait([connection, woken], LOOK_S)
        if woken in ready:
            os.read(woken, 4096)
        if connection in ready:
            for command in received(connection):
                if isinstance(command, Quit):
                    return
                engine.obey(command)
        for event in engine.look():
            connection.send(event)


@contextmanager
def _wake_pipe() -> Iterator[tuple[int, int]]:
    woken, poke = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(poke, False)
    try:
        yield woken, poke
    finally:
        os.close(woken)
        os.close(poke)


def _poke(poke: int) -> None:
    with suppress(OSError):  # full: it is awake anyway; closed: nobody waits any more
        os.write(poke, b"\1")


if __name__ == "__main__":
    main(sys.argv[1:])
