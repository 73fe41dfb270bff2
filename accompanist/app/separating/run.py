"""One separation: a recording, what shows the solo, and a folder that the files go to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from accompanist import __version__
from accompanist.app.separating.place import write_facts
from accompanist.app.separating.stems import StemFiles, disk_told
from accompanist.errors import BadInputError, UsageError
from accompanist.recordings.sound import Sound
from score_library.recordings import SOLO_NAME

__all__ = ["QUALITIES", "Bar", "Choice", "Shown", "Tell", "interrupts_told", "run_separation"]

Tell: TypeAlias = Callable[[str], None]
Bar: TypeAlias = Callable[[str, float], AbstractContextManager[Callable[[float], None]]]
"""Shows progress: like `accompanist.app.progress.progress_bar`."""

QUALITIES = ("auto", "fast", "full")
_FULL_UP_TO_S = 600.0
"""Longer recordings are separated fast where nobody asked for more."""


@contextmanager
def interrupts_told() -> Iterator[None]:
    """Let Ctrl-C be Ctrl-C where it comes while compiled code runs: numba makes it a defect."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise


@dataclass(frozen=True, slots=True)
class Choice:
    """How to separate.

    Attributes
    ----------
    method : str or None
        By name; None takes the best for what there is.
    alpha : float
        How hard the solo is taken out: 0 not at all, 1 as the method has it, up to 100.
    quality : str
        ``fast``, ``full``, or ``auto``: full unless the recording is long.
    seed : int
        Of whatever is drawn at random.
    """

    method: str | None = None
    alpha: float = 1.0
    quality: str = "auto"
    seed: int = 0

    def fast(self, duration_s: float) -> bool:
        """Whether a recording of that length is to be separated fast."""
        return self.quality == "fast" or (self.quality == "auto" and duration_s > _FULL_UP_TO_S)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A sound that shows the solo, and what to call it."""

    name: str
    sound: Sound
    fit: float | None = None
    """How well it fits the recording, where that is known."""


def run_separation(
    mixture: Sound,
    shown: Sequence[Shown],
    choice: Choice,
    folder: Path,
    *,
    name: str,
    bar: Bar,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Take the soloist out; ``folder`` then holds the two sounds and ``separation.json``.

    Parameters
    ----------
    mixture : Sound
    shown : sequence of Shown
        May be empty: then the weaker ways are left.
    choice : Choice
    folder : Path
        To write into. After an error it is for the caller to throw away.
    name : str
        Of the recording, for messages and ``separation.json``.
    bar : callable
        Shows the progress.
    extra : dict, optional
        More for ``separation.json``.

    Returns
    -------
    dict
        What stands in ``separation.json``.

    Raises
    ------
    UsageError
        There is no such method, or it needs what shows the solo.
    BadInputError
        What shows the solo does not fit, or nothing does and there is no other way.
    AccompanistError
        The disk is full.
    """
    from accompanist.recordings.separation.methods import (
        SeparationSettings,
        make_method,
        separate,
    )
    from accompanist.recordings.separation.simple import best_method

    sounds = [one.sound for one in shown]
    duration_s = mixture.length / mixture.rate
    settings = SeparationSettings(alpha=choice.alpha, seed=choice.seed)
    fast = choice.fast(duration_s)
    try:
        method_name = choice.method or best_method(mixture, sounds, fast=fast)
    except BadInputError as error:
        raise BadInputError(f"{name}: {error}") from error
    method = make_method(method_name)
    if method.needs_solo and not shown:
        raise UsageError(
            f"the method {method_name} needs something that shows the solo; give it with --solo"
        )
    began = time.perf_counter()
    with (
        disk_told(folder.parent),
        interrupts_told(),
        StemFiles(folder, mixture.rate, mixture.channels, mixture.length) as stems,
        bar("Separating", duration_s) as advance,
    ):
        try:
            separate(mixture, sounds, method, settings, stems.write, advance)
        except BadInputError as error:
            which = shown[0].name if len(shown) == 1 else name
            raise BadInputError(f"{which}: {error}") from error
    facts = {
        "accompanist": __version__,
        "recording": name,
        "method": method_name,
        "weaker": not method.needs_solo,
        "quality": "fast" if fast else "full",
        "alpha": choice.alpha,
        "seed": choice.seed,
        "solos": [
            {"name": one.name} | ({} if one.fit is None else {"fit": round(one.fit, 2)})
            for one in shown
        ],
        "seconds": round(duration_s, 3),
        "rate": mixture.rate,
        "channels": mixture.channels,
        "rests_s": _rests(folder) if method.needs_solo else [],
        "took_s": round(time.perf_counter() - began, 1),
        **(extra or {}),
    }
    write_facts(folder, facts)
    return facts


def _rests(folder: Path) -> list[list[float]]:
    """Where the soloist who was taken out rests, in seconds."""
    from accompanist.recordings.rests import solo_rests
    from bridges.recording_file import RecordingFile

    with RecordingFile(folder / SOLO_NAME) as solo:
        return [[round(start_s, 2), round(end_s, 2)] for start_s, end_s in solo_rests(solo)]
