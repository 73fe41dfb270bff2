"""What soloists do besides playing on: edits of a take whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["SCENARIOS", "Edited", "back_after_s"]

FloatArray = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]

BACK_S = 0.3
BACK_ONSETS = 5
"""Back is who stays within `BACK_S` for this many onsets."""

_QUIET = 1e-4
_FADE_S = 0.01


@dataclass(frozen=True, slots=True)
class Edited:
    """A take after an edit; ``since_s`` is when the soloist plays (on) after it."""

    samples: Samples
    recording_s: FloatArray
    take_s: FloatArray
    since_s: float


Edit = Callable[[Samples, int, FloatArray, FloatArray], Edited | None]


def _cut(samples: Samples, rate: int, first_s: float, end_s: float | None = None) -> Samples:
    end = len(samples) if end_s is None else round(end_s * rate)
    piece = samples[round(first_s * rate) : end].copy()
    ramp = np.linspace(0, 1, round(_FADE_S * rate), dtype=np.float32)
    piece[: len(ramp)] *= ramp[: len(piece)]
    piece[-len(ramp) :] *= ramp[::-1][-len(piece) :]
    return piece


def _noise(seconds: float, rate: int, level: float) -> Samples:
    rng = np.random.default_rng(5)
    return (level * rng.normal(size=round(seconds * rate))).astype(np.float32)


def clean(samples: Samples, rate: int, there: FloatArray, here: FloatArray) -> Edited:
    """Leave the take as it is."""
    return Edited(samples, there, here, float(here[0]))


def middle(samples: Samples, rate: int, there: FloatArray, here: FloatArray) -> Edited:
    """Begin two fifths into the piece, as nobody has said."""
    first = int(0.4 * len(here))
    cut_s = here[first] - 0.05
    kept = here[first:] - cut_s
    return Edited(_cut(samples, rate, cut_s), there[first:], kept, float(kept[0]))


def pause(samples: Samples, rate: int, there: FloatArray, here: FloatArray) -> Edited:
    """Rest for five seconds before an onset half-way through."""
    at = len(here) // 2
    cut_s = here[at] - 0.03
    halves = _cut(samples, rate, 0.0, cut_s), _cut(samples, rate, cut_s)
    joined = np.concatenate((halves[0], _noise(5.0, rate, _QUIET), halves[1]))
    times = here + np.where(np.arange(len(here)) >= at, 5.0, 0.0)
    return Edited(joined, there, times, float(times[at]))


def noise_before(samples: Samples, rate: int, there: FloatArray, here: FloatArray) -> Edited:
    """Let six seconds of noise, 30 dB under the music, go before."""
    level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-30 / 20)
    joined = np.concatenate((_noise(6.0, rate, level), samples))
    return Edited(joined, there, here + 6.0, float(here[0]) + 6.0)


def skip(samples: Samples, rate: int, there: FloatArray, here: FloatArray) -> Edited | None:
    """Leave twelve seconds of the take out, from a third of it on."""
    at = len(here) // 3
    to = int(np.searchsorted(here, here[at] + 12.0))
    if to >= len(here) - 2 * BACK_ONSETS:
        return None
    cut_s, go_s = here[at] - 0.03, here[to] - 0.03
    joined = np.concatenate((_cut(samples, rate, 0.0, cut_s), _cut(samples, rate, go_s)))
    kept = np.concatenate((np.arange(at), np.arange(to, len(here))))
    times = np.concatenate((here[:at], here[to:] - (go_s - cut_s)))
    return Edited(joined, there[kept], times, float(times[at]))


SCENARIOS: dict[str, Edit] = {
    "clean": clean,
    "start in the middle": middle,
    "5 s pause": pause,
    "6 s of noise before": noise_before,
    "12 s skipped": skip,
}


def back_after_s(errors_s: FloatArray, take_s: FloatArray, since_s: float) -> float:
    """Seconds from ``since_s`` until the follower is back; infinite if it never is."""
    after = np.flatnonzero(take_s >= since_s - 1e-6)
    right = np.abs(errors_s[after]) <= BACK_S
    for i in range(len(after)):
        ahead = right[i : i + BACK_ONSETS]
        if ahead.all() and (len(ahead) == BACK_ONSETS or i == 0):
            return float(take_s[after[i]] - since_s)
    return float("inf")
