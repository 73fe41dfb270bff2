"""Which of several sounds show the solo of a recording indeed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accompanist.app.separating.run import Bar, Shown, interrupts_told
from accompanist.errors import BadInputError
from accompanist.recordings.sound import Sound

__all__ = ["Fits", "sort_out"]

MOST = 6
"""More sounds than that do not make it better, only slower."""
_SHARE_OF_BEST = 0.7
"""Of how much better than by chance, a fit of 1, the best one fits."""
_LISTENING = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """What fits, the best first, and what does not, with the reason."""

    used: tuple[Shown, ...]
    left_out: tuple[tuple[str, str], ...]


def sort_out(mixture: Sound, shown: Sequence[Shown], bar: Bar) -> Fits:
    """Align each sound with the recording, and leave out those that fit badly.

    What is of another piece fits nowhere, what fits much worse than the best one is too unlike;
    either would only do harm.
    """
    from accompanist.recordings.separation.solo_alignment import align_line, listen
    from accompanist.recordings.separation.solo_pitch import HOP_S, WINDOW_S, track_pitch
    from accompanist.recordings.separation.stft import Frames

    duration_s = mixture.length / mixture.rate
    found: list[Shown] = []
    left_out: list[tuple[str, str]] = []
    with interrupts_told(), bar("Comparing", duration_s) as advance:
        frames = Frames.lasting(mixture.rate, WINDOW_S, HOP_S)
        listened = listen(mixture, frames, lambda s: advance(_LISTENING * s))
        for one in shown:
            try:
                fit = align_line(listened, track_pitch(one.sound)).fit
                found.append(replace(one, fit=fit))
            except BadInputError:
                left_out.append((one.name, "it does not fit the recording: another piece?"))
            advance((1.0 - _LISTENING) * duration_s / len(shown))
    found.sort(key=lambda one: -(one.fit or 0.0))
    used: list[Shown] = []
    best = max((one.fit or 1.0 for one in found), default=1.0)
    for one in found:
        if (one.fit or 1.0) - 1.0 < _SHARE_OF_BEST * (best - 1.0):
            left_out.append((one.name, "it fits much worse than the best one"))
        elif len(used) == MOST:
            left_out.append((one.name, f"{MOST} that fit better are enough"))
        else:
            used.append(one)
    return Fits(tuple(used), tuple(left_out))
