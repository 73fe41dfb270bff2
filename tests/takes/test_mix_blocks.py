"""The mix of a long take is made block by block, and is what it would be in one piece."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import ArraySound
from accompanist.takes.mix import balanced, limited

RATE = 1000


def sound(seconds: float, channels: int, loud_at_s: float) -> npt.NDArray[np.float32]:
    chance = np.random.default_rng(channels)
    out = 0.02 * chance.standard_normal((round(seconds * RATE), channels))
    at = round(loud_at_s * RATE)
    out[at - 50 : at + 50] *= 300.0
    return out.astype(np.float32)


def test_blocks_join_without_a_seam() -> None:
    """Both are limited exactly where two blocks meet."""
    solo, others = sound(50.0, 1, 20.0), sound(45.0, 2, 40.0)
    blocks = list(balanced(ArraySound(solo, RATE), ArraySound(others, RATE)))
    assert [len(mix) for _, mix in blocks] == [20_000, 20_000, 10_000]
    ensemble = np.concatenate([part for part, _ in blocks])
    mix = np.concatenate([part for _, part in blocks])
    assert mix.shape == ensemble.shape == (50_000, 2)
    gain = ensemble[:1000] / others[:1000]
    assert np.ptp(gain) < 1e-5
    whole = np.zeros_like(mix)
    whole[:45_000] = others * gain[0, 0]
    assert np.abs(ensemble - limited(whole, RATE)).max() < 1e-5
    solo_gain = float(np.median((mix[:1000] - ensemble[:1000]) / solo[:1000]))
    assert np.abs(mix - limited(whole + solo * solo_gain, RATE)).max() < 1e-4
    assert np.abs(mix).max() <= 0.8901
