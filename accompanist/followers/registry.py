"""Followers by name. A new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.errors import UsageError
from accompanist.followers.protocol import Follower
from accompanist.recordings.reference import Reference
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["DEFAULT_FOLLOWER", "follower_names", "follows_recordings", "make_follower"]

DEFAULT_FOLLOWER: Final = "bayes"
_LOWEST_A4_HZ: Final = 392.0
_HIGHEST_A4_HZ: Final = 466.0


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What a follower is made for; see `make_follower`."""

    solo: SoloLine
    tempo: WrittenTempo
    sample_rate: int
    hop: int
    a4_hz: float | None
    reference: Reference | None
    landings: npt.NDArray[np.float64] | None


def _bayes(wanted: Wanted) -> Follower:
    from accompanist.followers.bayes.follower import BayesFollower

    follower = BayesFollower(
        wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop,
        a4_hz=wanted.a4_hz, landings=wanted.landings,
    )  # fmt: skip
    follower.warm()
    return follower


def _hsmm(wanted: Wanted) -> Follower:
    from accompanist.followers.hsmm.follower import HsmmFollower

    follower = HsmmFollower(
        wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop, a4_hz=wanted.a4_hz
    )
    follower.warm()
    return follower


def _notes(wanted: Wanted) -> Follower:
    from accompanist.followers.notes import NotesFollower

    return NotesFollower(wanted.solo, wanted.tempo)


def _reference(wanted: Wanted, name: str) -> Reference:
    if wanted.reference is None:
        raise UsageError(
            f"follower {name} follows recordings; this piece has a score: use {DEFAULT_FOLLOWER}"
        )
    return wanted.reference


def _recording(wanted: Wanted) -> Follower:
    reference = _reference(wanted, "recording")
    from accompanist.followers.recording.follower import RecordingFollower

    follower = RecordingFollower(
        reference, wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop
    )
    follower.warm()
    return follower


def _recording_hmm(wanted: Wanted) -> Follower:
    reference = _reference(wanted, "recording-hmm")
    from accompanist.followers.recording_hmm import RecordingHmmFollower

    return RecordingHmmFollower(
        reference, wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop
    )


def _oltw(wanted: Wanted, *, tempo_aware: bool = False, ear: str = "folded") -> Follower:
    from accompanist.followers.oltw.follower import WarpingFollower

    follower = WarpingFollower(
        wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop,
        a4_hz=wanted.a4_hz, ear=ear, tempo_aware=tempo_aware,
    )  # fmt: skip
    follower.warm()
    return follower


def _hmm(wanted: Wanted, *, ear: str = "folded") -> Follower:
    from accompanist.followers.hmm.follower import HmmFollower

    return HmmFollower(
        wanted.solo, wanted.tempo, wanted.sample_rate, wanted.hop, a4_hz=wanted.a4_hz, ear=ear
    )


_MAKERS: Final[dict[str, Callable[[Wanted], Follower]]] = {
    "bayes": _bayes,
    "hsmm": _hsmm,
    "notes": _notes,
    "hmm": _hmm,
    "hmm-librosa": partial(_hmm, ear="librosa"),
    "oltw": _oltw,
    "oltw-arzt": partial(_oltw, tempo_aware=True),
    "oltw-librosa": partial(_oltw, ear="librosa"),
    "recording": _recording,
    "recording-hmm": _recording_hmm,
}
_OF_RECORDINGS: Final = frozenset({"recording", "recording-hmm"})


def follower_names() -> tuple[str, ...]:
    """All names that `make_follower` knows, the default first."""
    return tuple(_MAKERS)


def follows_recordings(name: str) -> bool:
    """Whether the follower of that name wants the reference of a recording."""
    return name in _OF_RECORDINGS


def make_follower(
    name: str,
    *,
    solo: SoloLine,
    tempo: WrittenTempo,
    sample_rate: int,
    hop: int,
    a4_hz: float | None = None,
    reference: Reference | None = None,
    landings: npt.NDArray[np.float64] | None = None,
) -> Follower:
    """Make a follower for one take.

    Parameters
    ----------
    name : str
        See `follower_names`.
    solo, tempo
        What is played, and the written tempo.
    sample_rate : int
        Hz.
    hop : int
        Samples a hop.
    a4_hz : float, optional
        How the soloist is tuned, where that is known; followers of keys do not care.
    reference : Reference, optional
        What is heard in the recording that is followed, for followers of recordings.
    landings : ndarray [shape=(n, 2)], optional
        Where the soloist would rather begin or go to, and how much rather
        (`accompanist.score.landings`), for followers that care.

    Raises
    ------
    UsageError
        If there is no follower of that name, no such tuning, or no reference for a follower of
        recordings.
    """
    if name not in _MAKERS:
        raise UsageError(f"no follower is called {name!r}; there are {', '.join(_MAKERS)}")
    if a4_hz is not None and not _LOWEST_A4_HZ <= a4_hz <= _HIGHEST_A4_HZ:
        raise UsageError(f"a soloist's A is from 392 to 466 Hz, not {a4_hz:g}")
    return _MAKERS[name](Wanted(solo, tempo, sample_rate, hop, a4_hz, reference, landings))
