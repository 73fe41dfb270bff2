"""The daemon's log: one line each on stderr, for a human or for the journal."""

from __future__ import annotations

import logging
import os
import sys

__all__ = ["LogLine", "log_to_stderr"]

_PACKAGES = ("accompanist", "bridges", "score_library")
_PRIORITIES = (
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.DEBUG, 7),
)


class LogLine(logging.Formatter):
    """Puts everything on one line, a traceback too.

    Parameters
    ----------
    journal : bool
        Whether systemd's journal reads it: it wants a priority and has the time itself.
    """

    def __init__(self, *, journal: bool) -> None:
        style = "%(message)s" if journal else "%(asctime)s %(levelname)s %(message)s"
        super().__init__(style, datefmt="%H:%M:%S")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line = " | ".join(part.strip() for part in super().format(record).splitlines())
        if not self._journal:
            return line
        level = next((p for least, p in _PRIORITIES if record.levelno >= least), 7)
        return f"<{level}>{line}"


def log_to_stderr(level: int = logging.INFO) -> None:
    """Let what our packages say from ``level`` on go to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLine(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    for name in _PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(min(level, logger.level or level))
