"""The process that separates in the background: ``python -m … FD PIECE``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from accompanist.app.threads import use_one_thread

__all__ = ["main"]

_NICENESS = 15
_TOLD_EVERY = 0.01


def main(fd: str, piece: str) -> None:
    """Separate a piece anew by what is kept with it; tell the parent of it.

    When the parent hangs up the work ends, and leaves nothing.
    """
    from accompanist.app.interrupts import termination_as_interrupt
    from accompanist.app.processes.child import parent_connection

    with suppress(OSError):  # not on top of what the engine has: that may be anything
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), _NICENESS))
    use_one_thread()
    with parent_connection(fd) as parent, termination_as_interrupt(), suppress(KeyboardInterrupt):
        _work(parent, piece)


def _work(parent: Connection, piece: str) -> None:
    from accompanist.app.pieces import open_any
    from accompanist.app.separating.background import Done, Failed, Progressed
    from accompanist.app.separating.run import Choice
    from accompanist.app.separating.separate import separate_piece, separation_of
    from accompanist.errors import AccompanistError

    def tell(message: Progressed | Done | Failed) -> None:
        try:
            parent.send(message)
        except OSError as error:
            raise KeyboardInterrupt from error

    @contextmanager
    def bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
        done = told = 0.0

        def advance(amount: float) -> None:
            nonlocal done, told
            if parent.poll():  # nothing is ever said to us: the end of the stream
                raise KeyboardInterrupt
            done += amount
            if label == "Separating" and done / total >= told + _TOLD_EVERY:
                told = done / total
                tell(Progressed(min(told, 1.0)))

        yield advance

    try:
        opened = open_any(piece, bar=bar)
        before = None if opened.recording is None else separation_of(opened.recording)
        alpha = before.get("alpha") if before is not None else None
        choice = Choice(quality="full", alpha=float(alpha) if alpha is not None else 1.0)
        done = separate_piece(opened, (), choice, bar=bar)
    except AccompanistError as error:
        tell(Failed(str(error)))
        return
    tell(Done(str(done.facts["method"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
