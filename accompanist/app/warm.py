"""Compile the hot loops ahead of the first piece: ``python -m accompanist.app.warm``.

The compiled code is cached beside the sources, so that neither the demo nor the first note of a
concert waits for the compiler.
"""

from __future__ import annotations

import numpy as np

from accompanist.followers.protocol import (
    EnsembleNote,
    Heard,
    HearsEnsemble,
    HearsEnsembleSound,
)
from accompanist.followers.registry import DEFAULT_FOLLOWER, follows_recordings, make_follower
from accompanist.hearing.echo import EchoCanceller
from accompanist.recordings.reference import reference_of
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

__all__ = ["main", "warm_up"]

_ALONE_HOPS = 80
"""So long the soloist plays alone, then the ensemble is there, too."""


def warm_up(follower_name: str = DEFAULT_FOLLOWER, *, sample_rate: int = 44_100) -> None:
    """Let a follower hear a second of a small scale, which compiles whatever it uses."""
    notes = tuple(Note(float(i), 1.0, 60 + i) for i in range(8))
    part = Part(number=1, name="Solo", notes=notes)
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(2))
    score = Score(title="Scale", parts=(part,), measures=measures)
    hop = round(256 * sample_rate / 44_100)
    tone = np.sin(2 * np.pi * 261.6 / sample_rate * np.arange(sample_rate)).astype(np.float32) / 4
    of_recordings = follows_recordings(follower_name)
    follower = make_follower(
        follower_name,
        solo=solo_line(part),
        tempo=written_tempo(score),
        sample_rate=sample_rate,
        hop=hop,
        reference=reference_of(ArraySound(tone, sample_rate)) if of_recordings else None,
    )
    EchoCanceller(sample_rate, hop).hear(tone[:hop], tone[:hop])  # for those who have none
    for end in range(hop, sample_rate, hop):
        if end // hop == _ALONE_HOPS and isinstance(follower, HearsEnsemble):
            follower.ensemble([EnsembleNote(end / sample_rate, 48.0, 64, 2)])
        if end // hop > _ALONE_HOPS and isinstance(follower, HearsEnsembleSound):
            follower.ensemble_sound(tone[end - hop : end])
        follower.feed(Heard(time_s=end / sample_rate, samples=tone[end - hop : end]))


def main() -> None:
    """Warm the default followers of scores and of recordings."""
    warm_up()
    warm_up("recording")


if __name__ == "__main__":
    main()
