"""The note's factorisation: bases shared by the recording and by what shows its solo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from separation_sounds import RATE, chords, improvement_db, line, separated

from accompanist.errors import BadInputError, UsageError
from accompanist.recordings.separation.methods import SeparationSettings, make_method
from accompanist.recordings.separation.nmf import NmfMethod
from accompanist.recordings.separation.nmf_model import Priors, infer_activations, learn_bases
from accompanist.recordings.sound import ArraySound

FloatArray = npt.NDArray[np.float32]

MELODY = (76, 79, 83, 81, 77, 74)
SMALL = NmfMethod(priors=Priors(components=30), rounds=25)


@pytest.fixture(scope="module")
def mixture() -> tuple[FloatArray, FloatArray]:
    """Solo and accompaniment, four seconds."""
    return line(MELODY, 0.6, timbre=1.0), chords(4, 0.9)


@pytest.fixture(scope="module")
def shown() -> FloatArray:
    """The line again: slower, of another sound."""
    return line(MELODY, 0.7, timbre=2.0)


def counts(seed: int = 3) -> FloatArray:
    generator = np.random.default_rng(seed)
    bases = generator.gamma(0.3, 1.0, (40, 3))
    activations = generator.gamma(0.5, 20.0, (3, 60))
    return generator.poisson(bases @ activations).astype(np.float32) + np.float32(1e-4)


def test_bases_explain_what_they_were_learned_from() -> None:
    seen = counts()
    bases = learn_bases(seen, Priors(components=6), rounds=200, seed=0)
    model = bases.mean @ infer_activations(seen, bases, 100)
    assert np.corrcoef(seen.ravel(), model.ravel())[0, 1] > 0.97
    assert bases.mean.dtype == np.float32
    assert (bases.geometric <= bases.mean * 1.0001 + 1e-12).all()


def test_a_shape_below_one_makes_bases_sparse() -> None:
    seen = counts()

    def filled(shape: float) -> float:
        bases = learn_bases(seen, Priors(components=6, basis_shape=shape), rounds=200, seed=0).mean
        share = bases / bases.sum(axis=0)
        return float(np.exp(-(share * np.log(share + 1e-12)).sum(axis=0)).mean())

    assert filled(0.1) < 0.8 * filled(5.0)


def test_the_same_seed_gives_the_same_bases() -> None:
    first, second, other = (learn_bases(counts(), Priors(5), 5, seed).mean for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_each_round_is_told() -> None:
    told: list[int] = []
    learn_bases(counts(), Priors(5), 7, 0, lambda: told.append(1))
    assert len(told) == 7


def test_it_takes_the_soloist_out(
    mixture: tuple[FloatArray, FloatArray], shown: FloatArray
) -> None:
    solo, others = mixture
    accompaniment, taken, told = separated(SMALL, [solo + others], [shown])
    assert improvement_db(accompaniment[:, 0], others, solo) > 6.0
    np.testing.assert_allclose(accompaniment[:, 0] + taken[:, 0], solo + others, atol=1e-6)
    assert sum(told) == pytest.approx(len(solo) / RATE, rel=1e-3)


def test_stereo_is_kept(mixture: tuple[FloatArray, FloatArray], shown: FloatArray) -> None:
    solo, others = mixture
    accompaniment, _, _ = separated(SMALL, [solo + others, solo + 0.2 * others], [shown])
    assert accompaniment.shape == (len(solo), 2)
    assert improvement_db(accompaniment[:, 0], others, solo) > 4.0


def test_blocks_share_the_bases(mixture: tuple[FloatArray, FloatArray], shown: FloatArray) -> None:
    solo, others = mixture
    settings = SeparationSettings(block_s=1.5, overlap_s=0.3)
    accompaniment, _, told = separated(SMALL, [solo + others], [shown], settings)
    assert improvement_db(accompaniment[:, 0], others, solo) > 5.0
    assert sum(told) == pytest.approx(len(solo) / RATE, rel=1e-3)


def test_alpha_takes_more(mixture: tuple[FloatArray, FloatArray], shown: FloatArray) -> None:
    solo, others = mixture

    def level(alpha: float) -> float:
        settings = SeparationSettings(alpha=alpha)
        return float(np.abs(separated(SMALL, [solo + others], [shown], settings)[1]).mean())

    nothing, little, much = level(0.0), level(0.1), level(1.0)
    assert nothing == 0.0
    assert 0.0 < little < much


def test_two_that_show_the_solo_at_other_rates(
    mixture: tuple[FloatArray, FloatArray], shown: FloatArray
) -> None:
    solo, others = mixture
    half = line(MELODY, 0.65, timbre=1.5, rate=RATE // 2)
    sounds = [ArraySound(shown, RATE), ArraySound(half, RATE // 2)]
    accompaniment, _, _ = separated(SMALL, [solo + others], sounds)
    assert improvement_db(accompaniment[:, 0], others, solo) > 5.0


@pytest.mark.parametrize("solos", [[], [np.zeros(RATE, dtype=np.float32)]])
def test_nothing_that_shows_the_solo(
    mixture: tuple[FloatArray, FloatArray], solos: Sequence[FloatArray]
) -> None:
    with pytest.raises(BadInputError if solos else UsageError):
        separated(make_method("nmf"), [mixture[0]], solos)
