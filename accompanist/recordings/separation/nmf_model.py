"""Bayesian factorisation of magnitudes: V[f, t] ~ Poisson(Σ_k w[f, k] · h[k, t]), w and h Gamma.

Variational inference with multiplicative updates after A. T. Cemgil, "Bayesian inference for
nonnegative matrix factorisation models", Computational Intelligence and Neuroscience, 2009: the
posterior is a product of Gammas; each round gives every count of V to the components in proportion
to the geometric means exp E[log w] · exp E[log h], then sets the Gammas from the counts given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Bases", "Priors", "infer_activations", "learn_bases"]

FloatArray = npt.NDArray[np.float32]

_FLOOR = np.float32(1e-12)
"""Keeps denormal numbers, which are a hundred times slower, out of the products."""


@dataclass(frozen=True, slots=True)
class Priors:
    """Gamma priors, by their shapes; a shape below 1 prefers values of nothing.

    Attributes
    ----------
    components : int
        K, the number of bases.
    basis_shape, activation_shape : float
        The means are 1 for bases and, for activations, what makes K of them the mean of V.
    """

    components: int = 80
    basis_shape: float = 0.3
    activation_shape: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Bases:
    """What has been learned of the bases: the means that the posterior knows them by.

    Attributes
    ----------
    mean, geometric : ndarray [shape=(bins, K), dtype=float32]
        E[w] and exp E[log w].
    activation_mean : float
        Of the prior of the activations.
    priors : Priors
    """

    mean: FloatArray
    geometric: FloatArray
    activation_mean: float
    priors: Priors


def learn_bases(
    magnitudes: FloatArray,
    priors: Priors,
    rounds: int,
    seed: int,
    told: Callable[[], None] | None = None,
) -> Bases:
    """Find the bases of magnitudes.

    Parameters
    ----------
    magnitudes : ndarray [shape=(bins, frames), dtype=float32]
        All above nothing. They are counts to the model: the louder, the less the priors weigh.
    seed : int
        Of the random beginning.
    told : callable, optional
        Called after each round.
    """
    generator = np.random.default_rng(seed)
    bins, frames = magnitudes.shape
    k = priors.components
    activation_mean = max(float(magnitudes.mean()) / k, float(_FLOOR))
    basis = (generator.gamma(1.0, 1.0, (bins, k)) + 1e-3).astype(np.float32)
    activation = (activation_mean * (generator.gamma(1.0, 1.0, (k, frames)) + 1e-3)).astype(
        np.float32
    )
    basis_mean, activation_now = basis, activation
    for _ in range(rounds):
        ratio = _ratio(magnitudes, basis, activation)
        basis_counts = basis * (ratio @ activation.T)
        activation_counts = activation * (basis.T @ ratio)
        rate = priors.basis_shape + activation_now.sum(axis=1)[None, :]
        basis_mean, basis = _gamma(priors.basis_shape + basis_counts, rate)
        rate = priors.activation_shape / activation_mean + basis_mean.sum(axis=0)[:, None]
        activation_now, activation = _gamma(priors.activation_shape + activation_counts, rate)
        if told is not None:
            told()
    return Bases(basis_mean, basis, activation_mean, priors)


def infer_activations(magnitudes: FloatArray, bases: Bases, rounds: int) -> FloatArray:
    """Give the mean activations of frames under bases that are known [shape=(K, frames)]."""
    shape = bases.priors.activation_shape
    rate = shape / bases.activation_mean + bases.mean.sum(axis=0)[:, None]
    # Flat, at the level of each frame: what is found does not depend on a seed.
    level = magnitudes.sum(axis=0) / np.maximum(bases.mean.sum(), _FLOOR)
    activation = np.repeat(level[None, :], bases.priors.components, axis=0).astype(np.float32)
    mean = activation
    for _ in range(rounds):
        ratio = _ratio(magnitudes, bases.geometric, activation)
        counts = activation * (bases.geometric.T @ ratio)
        mean, activation = _gamma(shape + counts, rate)
    return mean


def _ratio(magnitudes: FloatArray, basis: FloatArray, activation: FloatArray) -> FloatArray:
    model = basis @ activation
    np.maximum(model, _FLOOR, out=model)
    np.divide(magnitudes, model, out=model)
    return model


def _gamma(shape: npt.NDArray[Any], rate: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Give mean and geometric mean of Gammas."""
    from scipy.special import digamma

    mean = (shape / rate).astype(np.float32, copy=False)
    geometric = np.exp(digamma(shape)) / rate
    return np.maximum(mean, _FLOOR), np.maximum(geometric, _FLOOR).astype(np.float32, copy=False)
