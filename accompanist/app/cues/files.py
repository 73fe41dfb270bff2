"""Rules of a piece: ``rules.toml`` in its folder, ``NAME.rules.toml`` beside a score file."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path

from accompanist.app.cues.rules import Rule, rules_from
from accompanist.errors import BadInputError, UsageError

__all__ = ["piece_rules"]

_LARGEST_BYTES = 1_000_000


def piece_rules(piece: str, user_dir: Path | None = None) -> tuple[Rule, ...]:
    """Read the rules of a piece; none where it has none.

    Parameters
    ----------
    piece : str
        Id in the library, or the path of a score.
    user_dir : Path, optional
        Where the user's own pieces are, if not in the usual place.

    Raises
    ------
    BadInputError
        There are rules, and they are wrong.
    """
    place = _place(piece, user_dir)
    if place is None:
        return ()
    try:
        raw = place.read_bytes()
    except OSError as error:
        raise BadInputError(f"{place}: {(error.strerror or 'cannot be read').lower()}") from error
    if len(raw) > _LARGEST_BYTES:
        raise BadInputError(f"{place}: too large for a file of rules")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
        entries = table.pop("rules", [])
        if table or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise UsageError("there must be [[rules]] here and nothing else")
        return rules_from(entries)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, UsageError) as error:
        raise BadInputError(f"{place}: {error}") from error


def _place(piece: str, user_dir: Path | None) -> Traversable | None:
    from score_library.index import find_info, user_pieces_dir

    score = Path(piece)
    if score.is_file():
        beside = score.with_name(f"{score.stem}.rules.toml")
        return beside if beside.is_file() else None
    try:
        found = find_info(piece, user_dir or user_pieces_dir())
    except BadInputError:
        return None  # loading it will say so
    if found is None:
        return None
    place = found[1] / "rules.toml"
    return place if place.is_file() else None
