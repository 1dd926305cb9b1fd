"""Several verdicts become one: a sum of their logits, each as sure as held-out answers let it be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recuerdo.tasks.temperature import fit_temperature

Values = NDArray[np.float64]

LOWEST, HIGHEST = 0.02, 20.0
"""The common weights between which the best is looked for."""


def log_probabilities(logits: Values) -> Values:
    """Return log softmax(logits) over the last axis.

    Example:
        >>> np.exp(log_probabilities(np.array([[0.0, 0.0]]))).tolist()
        [[0.5, 0.5]]
    """
    z = logits - logits.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def fit_pool(parts: Sequence[Values], truth: NDArray[np.int64], weights: Values | None = None) -> tuple[float, ...]:
    """Return the weight of each part with which softmax(sum of weight times logits) is pooled.

    Each part is made honest by a temperature of its own, and then all count alike: the weights are s / T_k, and one s
    makes the pool honest. A part that knows little has a high temperature and says little. Free weights fit the rows
    at hand better and new ones worse, as a few hundred verdicts do not know a ratio well. With one part the weight is
    1 / T of :func:`recuerdo.tasks.temperature.fit_temperature`, whose care for rows that are all right holds for every
    temperature here.

    Args:
        parts: logits (n, C) each, said of rows that they have not learned from.
        truth: their classes, (n,).
        weights: how much each row counts, (n,).

    Source:
        A logarithmic opinion pool: Heskes 1998, Selecting weighting factors in logarithmic opinion pools, section 2.

    Example:
        >>> knows, guesses = np.array([[2.0, 0.0], [0.0, 2.0]] * 50), np.array([[1.0, 0.0]] * 100)
        >>> first, second = fit_pool([knows, guesses], np.array([0, 1] * 50))
        >>> first > 3 * second
        True
    """
    alone = [1 / fit_temperature(part, truth, weights) for part in parts]
    if len(parts) == 1:
        return (alone[0],)
    share = 1 / fit_temperature(summed(parts, alone), truth, weights)
    return tuple(float(np.clip(share * one, LOWEST, HIGHEST)) for one in alone)


def averaged(made: Sequence[Values]) -> Values:
    """Return the mean of several networks' log-probabilities; one network's logits are left as they are."""
    return made[0] if len(made) == 1 else np.mean([log_probabilities(each) for each in made], axis=0)


def pooled(parts: Sequence[Values], pool: Sequence[float]) -> Values:
    """Return the logarithms of the probabilities that several logits with these weights come to."""
    if len(parts) == 1:
        return log_probabilities(pool[0] * parts[0])
    return log_probabilities(summed(parts, pool))


def summed(parts: Sequence[Values], pool: Sequence[float]) -> Values:
    """Return the weighted sum of several logits, each first made logarithms of probabilities."""
    return np.sum([weight * log_probabilities(part) for weight, part in zip(pool, parts, strict=True)], axis=0)
