"""Random access to sound."""

from __future__ import annotations

import numpy as np

from accompanist.recordings.sound import ArraySound


def test_outside_the_recording_there_is_silence() -> None:
    sound = ArraySound(np.arange(1, 5, dtype=np.float32), 8000)
    assert (sound.rate, sound.channels, sound.length) == (8000, 1, 4)
    assert sound.read(-2, 4)[:, 0].tolist() == [0.0, 0.0, 1.0, 2.0]
    assert sound.read(3, 3)[:, 0].tolist() == [4.0, 0.0, 0.0]
    assert sound.read(9, 2)[:, 0].tolist() == [0.0, 0.0]
