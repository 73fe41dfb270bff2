"""A recording made like a concerto, and a soloist's take of it: introduction, solo, tutti, solo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ENTRIES_S", "LENGTH_S", "RATE", "Concerto", "made"]

FloatArray = npt.NDArray[np.float32]
PlayTones = Callable[..., FloatArray]
Notes = list[tuple[float, float, float]]

RATE = 22_050
BAR_S = 1.6
ENTRIES_S = (3 * BAR_S, 9 * BAR_S)
"""Where the soloist comes in."""
ENDS_S = (6 * BAR_S, 12 * BAR_S)
LENGTH_S = 12 * BAR_S + 0.5
_CHORDS = ((48, 60, 64, 67), (53, 57, 60, 65), (55, 59, 62, 67), (45, 57, 60, 64))
_LINES = (
    (76, 79, 77, 74, 72, 76, 81, 79, 83, 84, 81, 77),
    (84, 81, 83, 79, 76, 74, 77, 81, 72, 76, 79, 74),
)
_RHYTHMS = ((2, 1, 1, 3, 1, 2, 2, 1, 4, 1, 1, 3), (3, 1, 1, 1, 4, 2, 1, 1, 2, 3, 1, 2))


def _solo(number: int) -> Notes:
    weights = np.array(_RHYTHMS[number])
    edges = ENTRIES_S[number] + np.concatenate(([0.0], np.cumsum(weights))) * (
        (ENDS_S[number] - ENTRIES_S[number]) / weights.sum()
    )
    return [
        (float(on), float(on + 0.92 * (off - on)), p)
        for on, off, p in zip(edges[:-1], edges[1:], _LINES[number], strict=True)
    ]


@dataclass(frozen=True)
class Concerto:
    """The recording [shape=(n, 2)] and a line that shows its soloist."""

    recording: FloatArray
    shown: FloatArray
    play: PlayTones

    def take(self, begins_s: Sequence[float], speeds: Sequence[float]) -> FloatArray:
        """Play both solos from these moments on, as fast as that, in a room that hums."""
        notes = [
            (begin + (on - ENTRIES_S[k]) / speed, begin + (off - ENTRIES_S[k]) / speed, p)
            for k, (begin, speed) in enumerate(zip(begins_s, speeds, strict=True))
            for on, off, p in _solo(k)
        ]
        sound = self.play(notes, rate=RATE, gain=0.25, tail_s=0.5)
        noise = np.random.default_rng(5).normal(0.0, 10.0 ** (-66.0 / 20.0), len(sound))
        return (sound + noise).astype(np.float32)


def made(play_tones: PlayTones) -> Concerto:
    """Make one: chords on every beat all through, the solo above them."""
    others: Notes = []
    for bar in range(12):
        for beat in range(4):
            at = bar * BAR_S + beat * BAR_S / 4
            chord = _CHORDS[bar % 4] if beat % 2 == 0 else _CHORDS[bar % 4][1:]
            others += [(at, at + 0.36, p) for p in chord]
    both = np.zeros((round(LENGTH_S * RATE), 2), dtype=np.float32)
    for notes, sides in ((others, (0.05, 0.045)), (_solo(0) + _solo(1), (0.09, 0.1))):
        sound = play_tones(notes, rate=RATE, gain=1.0, tail_s=0.5)[: len(both), None]
        both[: len(sound)] += sound * np.array(sides, dtype=np.float32)
    line = [(0.5 + 1.1 * (on - ENTRIES_S[0]), 0.5 + 1.1 * (off - ENTRIES_S[0]), p)
            for on, off, p in _solo(0) + _solo(1)]  # fmt: skip
    return Concerto(both, play_tones(line, rate=RATE, a4_hz=440.0, gain=0.2), play_tones)
