"""Several verdicts become one: a sum of their logits, each as sure as held-out answers let it be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recuerdo.tasks.temperature import fit_temperature

Values = NDArray[np.float64]

LOWEST, HIGHEST = 0.02, 20.0
"""The weights between which the best is looked for."""

FOLDS, MANY = (10, 2), 1000
"""Parts of the held-out rows, each judged by a pool that the others were fitted on; the second number from so many rows
on, half of which tell as much as nearly all."""


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
    1 / T of :func:`recuerdo.tasks.temperature.fit_temperature`, whose care for few rows holds for every temperature
    here: without any evidence K parts weigh 1 / K each, as in :func:`even_pool`.

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
    mean = [one / len(parts) for one in alone]
    share = 1 / fit_temperature(summed(parts, mean), truth, weights)
    return tuple(float(np.clip(share * one, LOWEST, HIGHEST)) for one in mean)


def even_pool(parts: int) -> tuple[float, ...]:
    """Return the weights of parts of which no held-out row tells anything: their mean."""
    return (1 / parts,) * parts


def cross_pooled(
    parts: Sequence[Values],
    truth: NDArray[np.int64],
    weights: Values | None = None,
    owner: NDArray[np.int64] | None = None,
) -> Values:
    """Return what the pool says of each row where it was fitted on the others: an honest sight of rows at hand.

    The rows are dealt into 10 parts, class by class, or many into 2, and each part is pooled by the weights that
    :func:`fit_pool` finds on all others. The logarithms of probabilities, (n, C), are what new rows would get.

    Args:
        parts, truth, weights: as in :func:`fit_pool`.
        owner: (n,) which sequence each row is about, ascending: rows of one stay together. None where each is one.

    Example:
        >>> lucky = np.array([[3.0, 0.0], [0.0, 3.0]])
        >>> cross_pooled([lucky], np.array([0, 1])).argmax(axis=1).tolist()
        [0, 1]
    """
    folds = FOLDS[len(truth) >= MANY]
    fold = dealt(truth if owner is None else owner, folds, apart=owner is not None)
    made = np.empty(parts[0].shape)
    for own in np.unique(fold):
        here, others = fold == own, fold != own
        some = None if weights is None else weights[others]
        told = others.any() and (some is None or some.any())
        pool = fit_pool([part[others] for part in parts], truth[others], some) if told else even_pool(len(parts))
        made[here] = pooled([part[here] for part in parts], pool)
    return made


def dealt(values: NDArray[np.int64], hands: int, *, apart: bool = False) -> NDArray[np.int64]:
    """Return for each of n rows which of so many hands it is dealt to, (n,).

    Args:
        values: (n,) classes: rows of each are spread over all hands, in the order in which they stand.
        hands: how many.
        apart: the values are names instead, and rows of one name go to one hand.

    Example:
        >>> dealt(np.array([7, 7, 9, 9, 9]), 2).tolist(), dealt(np.array([7, 7, 9, 9, 9]), 2, apart=True).tolist()
        ([0, 1, 0, 1, 0], [0, 0, 1, 1, 1])
    """
    if apart:
        return np.unique(values, return_inverse=True)[1] % hands
    made = np.empty(len(values), np.int64)
    made[np.argsort(values, kind="stable")] = np.arange(len(values)) % hands
    return made


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
