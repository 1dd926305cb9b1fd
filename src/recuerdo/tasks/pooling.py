"""Several verdicts become one: a weighted sum of their logits, with the weights that fit held-out answers best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recuerdo.tasks.temperature import fit_temperature

Values = NDArray[np.float64]

LOWEST, HIGHEST = 0.02, 20.0
"""The weights between which the best are looked for."""

EVEN = 1.0
"""How strongly weights are held to be alike before the held-out rows have spoken: the precision of their logarithms
about their mean. With two of them, one standard deviation is a ratio of e to the power 1.4."""


def log_probabilities(logits: Values) -> Values:
    """Return log softmax(logits) over the last axis.

    Example:
        >>> np.exp(log_probabilities(np.array([[0.0, 0.0]]))).tolist()
        [[0.5, 0.5]]
    """
    z = logits - logits.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def fit_pool(parts: Sequence[Values], truth: NDArray[np.int64], weights: Values | None = None) -> tuple[float, ...]:
    """Return the weight of each part with which softmax(sum of weight times logits) has the least log loss.

    With one part that is 1 / T of :func:`recuerdo.tasks.temperature.fit_temperature`. As there each row is held to be
    right with a probability of (n + 1) / (n + 2) only, so that the weights stay finite where every verdict is right.
    Several are held to be alike as far as the rows do not say otherwise: a few hundred verdicts do not know a ratio
    well.

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
    if len(parts) == 1:
        return (1 / fit_temperature(parts[0], truth, weights),)
    from scipy.optimize import minimize

    n, classes = parts[0].shape
    doubt = 1 / (n + 2)
    right = np.full((n, classes), doubt / max(classes - 1, 1))
    right[np.arange(n), truth] = 1 - doubt
    z = np.stack([log_probabilities(part) for part in parts])  # (parts, n, C)
    expected = (z * right).sum(axis=-1)  # (parts, n)

    def loss(logs: Values) -> tuple[float, Values]:
        pool, apart = np.exp(logs), logs - logs.mean()
        made = log_probabilities(np.tensordot(pool, z, axes=1))
        mean = (z * np.exp(made)).sum(axis=-1)
        error = np.average(-(made * right).sum(axis=-1), weights=weights) + EVEN / 2 * (apart**2).sum() / n
        slope = np.average(mean - expected, axis=1, weights=weights) * pool + EVEN * apart / n
        return float(error), slope

    bounds = [(np.log(LOWEST), np.log(HIGHEST))] * len(parts)
    found = minimize(loss, np.full(len(parts), -np.log(len(parts))), jac=True, bounds=bounds)
    return tuple(float(one) for one in np.exp(found.x))


def averaged(made: Sequence[Values]) -> Values:
    """Return the mean of several networks' log-probabilities; one network's logits are left as they are."""
    return made[0] if len(made) == 1 else np.mean([log_probabilities(each) for each in made], axis=0)


def pooled(parts: Sequence[Values], pool: Sequence[float]) -> Values:
    """Return the logarithms of the probabilities that several logits with these weights come to."""
    if len(parts) == 1:
        return log_probabilities(pool[0] * parts[0])
    weighted = [weight * log_probabilities(part) for weight, part in zip(pool, parts, strict=True)]
    return log_probabilities(np.sum(weighted, axis=0))
