"""How large a score may be before it is taken for a broken or hostile file."""

from __future__ import annotations

from accompanist.errors import BadInputError

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_MEASURES",
    "MAX_NOTES",
    "MAX_PARTS",
    "MAX_QUARTERS",
    "check_limit",
]

MAX_FILE_BYTES = 96 * 2**20
MAX_PARTS = 400
MAX_NOTES = 400_000
MAX_MEASURES = 40_000
"""Performed measures, repeats written out."""
MAX_QUARTERS = 100_000.0
"""About sixteen hours."""


def check_limit(name: str, what: str, found: float, most: float) -> None:
    """Raise BadInputError where ``found`` is more than ``most``."""
    if found > most:
        raise BadInputError(
            f"{name}: too large a score, {found:.0f} {what} (at most {most:.0f} are read); "
            "split it into movements"
        )
