"""Learn from a take that was kept: ``python -m accompanist.app.keeping.learn_kept JOURNAL TAKE``.

It runs as a process of its own at the lowest priority: somebody may be playing again already.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from accompanist.app.threads import use_one_thread

__all__ = ["main"]

NICENESS = 19


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn from one take; what has become of it is one line on stderr. 0 if it was learned."""
    parser = ArgumentParser(prog="learn_kept", description=__doc__.splitlines()[0])
    parser.add_argument("journal", type=Path)
    parser.add_argument("take", type=Path)
    words = parser.parse_args(arguments)
    with suppress(OSError, AttributeError):  # not every system has priorities
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    use_one_thread()

    from accompanist.app.keeping.keep_take import journal_facts
    from accompanist.app.rehearsing.learning import learn_by_itself
    from accompanist.errors import AccompanistError

    try:
        facts, score = journal_facts(words.journal)
        solo = next(part for part in score.parts if part.number == facts["solo"])
        learned, said = learn_by_itself(words.take, score, solo, facts["piece"])
    except AccompanistError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stderr.write(f"{words.take}: {said}\n" if said else "")
    return 0 if learned else 1


if __name__ == "__main__":
    sys.exit(main())
