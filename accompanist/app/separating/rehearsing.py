"""Earlier takes as what shows the solo: the separation gets better with every one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accompanist.app.separating.kept import KeptSolos
from accompanist.app.separating.run import Choice, Tell
from accompanist.app.separating.separate import separate_piece, separation_of
from accompanist.errors import BadInputError, UsageError
from accompanist.takes.folder import TAKE_FILE, is_take
from score_library.catalogue import Piece

__all__ = ["TakeSolo", "forget_takes", "rehearse", "usable_takes"]

_LIVE_SOLO = "solo.wav"


@dataclass(frozen=True, slots=True)
class TakeSolo:
    """A take and the sound of its soloist. Of which piece it is will be heard."""

    take: Path
    sound: Path


def usable_takes(takes: Sequence[Path]) -> list[TakeSolo]:
    """Find the soloist's sound of each take.

    Raises
    ------
    BadInputError
        A folder is no take, or its sound is gone.
    """
    return [_solo_of(take) for take in takes]


def _solo_of(take: Path) -> TakeSolo:
    if not take.is_dir():
        raise BadInputError(f"{take}: there is no such folder; name take folders")
    if not is_take(take):
        raise BadInputError(f"{take}: is no take folder (no {TAKE_FILE} in it)")
    try:
        facts = json.loads((take / TAKE_FILE).read_text("utf-8"))
        source = facts["input"].get("source")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadInputError(f"{take / TAKE_FILE}: cannot be read ({error})") from error
    live = take / _LIVE_SOLO
    if live.is_file():
        return TakeSolo(take, live)
    if not isinstance(source, str):
        raise BadInputError(f"{take}: does not say what it was made of, and has no {_LIVE_SOLO}")
    for sound in (Path(source), take / source, take / Path(source).name):
        if sound.is_file():
            return TakeSolo(take, sound)
    raise BadInputError(
        f"{take}: the sound that it was made of ({source}) is gone; bring it back, or put it into "
        f"the take folder as {_LIVE_SOLO}"
    )


def forget_takes(piece: Piece) -> int:
    """Forget what shows the solo of a piece; the separation made of it stays. Gives how many."""
    return 0 if piece.recording is None else KeptSolos(piece.recording.folder).forget()


def rehearse(
    piece: Piece,
    takes: Sequence[TakeSolo],
    *,
    quality: str = "full",
    alpha: float | None = None,
    tell: Tell,
) -> dict[str, Any]:
    """Separate a recording piece anew with what takes of it show.

    Returns
    -------
    dict
        What stands in ``separation.json``, and in ``takes`` which were used.

    Raises
    ------
    BadInputError
        None of the takes is of any use.
    """
    if piece.recording is None:
        raise UsageError(f"{piece.title}: is a score, not a recording")
    before = separation_of(piece.recording)
    choice = Choice(quality=quality)
    if alpha is not None:
        choice = replace(choice, alpha=alpha)
    elif before is not None and isinstance(before.get("alpha"), int | float):
        choice = replace(choice, alpha=float(before["alpha"]))
    done = separate_piece(
        piece,
        [one.sound for one in takes],
        choice,
        names=[str(one.take) for one in takes],
        tell=tell,
    )
    left_out = dict(done.left_out)
    return {
        **done.facts,
        "takes": [
            {
                "take": str(one.take),
                "used": str(one.take) not in left_out,
                **({"reason": left_out[str(one.take)]} if str(one.take) in left_out else {}),
            }
            for one in takes
        ],
    }
