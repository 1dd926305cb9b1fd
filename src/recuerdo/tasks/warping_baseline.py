"""The nearest training sequence by dynamic time warping: the classic that a classifier of series has to beat."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.class_metrics import checked_weights

if TYPE_CHECKING:
    from recuerdo.data.ragged import Ragged

Values = NDArray[np.float64]

DTW = "1-NN DTW"
"""What tables call it."""

LONG = 3_000
"""Pairs of steps between two sequences from which it pays to give a pair up that is farther than the nearest so far:
below, the C function is called for many pairs at once, which spares more."""

SPARED = 0.2
"""Share of the work that is left where pairs are given up: 0.19 to 0.35 on UCR sets, measured."""

CALL = 1e-5
"""Seconds that one pair takes by itself, beside its work."""

PROBED = 200_000
"""Pairs of steps, times features, that a probe of the speed takes: about a millisecond."""

PART = 32
"""Sequences that are judged at a time."""


def dtw_cost(train_lengths: ArrayLike, test_lengths: ArrayLike, features: int) -> float:
    """Return about how many seconds :func:`dtw_neighbours` takes here, by timing a few pairs.

    Args:
        train_lengths: steps of each training sequence, (N,).
        test_lengths: steps of each sequence to judge, (n,).
        features: D.

    Raises:
        OptionError: the extra `baselines` is not installed.

    Example:
        >>> dtw_cost([100] * 50, [100] * 50, 1) < dtw_cost([100] * 50, [100] * 5000, 1)
        True
    """
    train, test = np.asarray(train_lengths, dtype=np.float64), np.asarray(test_lengths, dtype=np.float64)
    steps = float(train.sum() * test.sum())
    pairs = len(train) * len(test)
    length = int(np.clip(np.sqrt(steps / pairs), 1, 400))
    count = max(2, int((PROBED / (length**2 * features)) ** 0.5))
    probe = np.random.default_rng(0).normal(size=(2 * count, length, features))
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        _distances(list(probe[:count]), list(probe[count:]))
        taken.append(time.perf_counter() - began)
    full = min(taken) / (count * length) ** 2 * steps
    return SPARED * full + CALL * pairs if steps / pairs >= LONG else full


def dtw(
    train: Ragged,
    y: NDArray[Any],
    test: Ragged,
    *,
    classes: int | None = None,
    weights: ArrayLike | None = None,
    max_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Values | None:
    """Return what the nearest training sequence has: its class with probability 1, or its number.

    Near is what :func:`dtw_neighbours` says. One neighbour knows no other probabilities than 1 and 0.

    Args:
        train: N sequences (T_i, D) of any lengths.
        y: their classes as indices (N,), or numbers (N,) or (N, K).
        test: n sequences.
        classes: C, or None for numbers.
        weights: of the training sequences, (N,): one without weight is no neighbour, all others count alike.
        max_seconds: for all of them.
        clock: gives the present moment in seconds.

    Returns:
        Probabilities (n, C), or numbers (n,) or (n, K); None where it would take longer than max_seconds.

    Raises:
        DataError: a value is missing.
        OptionError: the extra `baselines` is not installed.

    Example:
        >>> from recuerdo.data.ragged import Ragged
        >>> up, down = np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [1.0], [0.0]])
        >>> late = np.array([[0.0], [0.0], [0.0], [1.0], [2.0]])
        >>> dtw(Ragged.of([down, up]), np.array([0, 1]), Ragged.of([late]), classes=2).tolist()
        [[0.0, 1.0]]
    """
    if weights is not None:
        kept = np.flatnonzero(checked_weights(weights, len(y)))
        train, y = train.take(kept), y[kept]
    nearest = dtw_neighbours(train, test, max_seconds=max_seconds, clock=clock)
    if nearest is None:
        return None
    return np.eye(classes)[y[nearest]] if classes is not None else np.asarray(y, dtype=np.float64)[nearest]


def dtw_neighbours(
    train: Ragged, test: Ragged, *, max_seconds: float | None = None, clock: Callable[[], float] = time.monotonic
) -> NDArray[np.int64] | None:
    """Return which training sequence is nearest to each sequence, by dynamic time warping with the full window.

    The distance of two sequences is the least sum, over all ways to warp time, of the squared Euclidean distances of
    their steps; all features are warped together ("dependent", DTW_D). Values are taken as they come: neither a
    sequence nor a feature is standardised. Of several that are equally near, the first.

    Args:
        train: N sequences (T_i, D) of any lengths.
        test: n sequences.
        max_seconds: for all of them.
        clock: gives the present moment in seconds.

    Returns:
        Indices (n,); None where it would take longer than max_seconds, which is seen after the first few.

    Raises:
        DataError: a value is missing.
        OptionError: the extra `baselines` is not installed.

    Source:
        Shokoohi-Yekta et al. 2017, Generalizing DTW to the multi-dimensional case requires an adaptive approach,
        section 3; computed by the package dtaidistance.
    """
    if np.isnan(train.values).any() or np.isnan(test.values).any():
        raise DataError(f"{DTW} takes no missing values: leave it out, or fill them in.")
    known = [_plain(train[k]) for k in range(len(train))]
    asked = [_plain(test[k]) for k in range(len(test))]
    search = _one_by_one if train.lengths.mean() * test.lengths.mean() >= LONG else _all_at_once
    began, found = clock(), np.empty(len(asked), np.int64)
    first, width = 0, 1  # the first one alone: a look at the clock comes soon
    while first < len(asked):
        part = asked[first : first + width]
        found[first : first + width] = search(known, part)
        first, width = first + len(part), PART
        if max_seconds is not None and first < len(asked):
            spent = clock() - began
            if spent / first * len(asked) > 1.5 * max_seconds or spent > max_seconds:
                return None
    return found


def installed() -> str | None:
    """Return why the distances cannot be computed here, or None where they can."""
    if find_spec("dtaidistance") is None:
        return "it needs the package dtaidistance: pip install 'recuerdo[baselines]'"
    from dtaidistance import dtw as warping

    return None if warping.dtw_cc is not None else "the package dtaidistance was installed without its C library"


def _all_at_once(known: list[Values], asked: list[Values]) -> NDArray[np.int64]:
    return _distances(known, asked).argmin(axis=0)


def _one_by_one(known: list[Values], asked: list[Values]) -> NDArray[np.int64]:
    """The same, with every pair given up as soon as it is farther than the nearest so far."""
    distance, found = _warping(known[0]).distance_fast, []
    for sequence in asked:
        nearest, place = np.inf, 0
        for k, other in enumerate(known):
            # use_pruning bounds by the Euclidean distance, which the nearest so far does better.
            bound = {"max_dist": nearest} if nearest < np.inf else {}
            far = distance(other, sequence, use_pruning=False, **bound)
            if far < nearest:
                nearest, place = far, k
            if nearest == 0:
                break
        found.append(place)
    return np.array(found)


def _distances(known: list[Values], asked: list[Values]) -> Values:
    """Return the distances (N, n)."""
    block = ((0, len(known)), (len(known), len(known) + len(asked)))
    ndim = {"ndim": known[0].shape[1]} if known[0].ndim == 2 else {}
    made = _warping(known[0]).distance_matrix(
        [*known, *asked], block=block, compact=True, use_c=True, parallel=False, **ndim
    )
    return np.asarray(made).reshape(len(known), len(asked))


def _warping(sequence: Values) -> Any:
    missing = installed()
    if missing is not None:
        raise OptionError(f"{DTW} cannot be computed here: {missing}.")
    from dtaidistance import dtw as univariate
    from dtaidistance import dtw_ndim as multivariate

    return univariate if sequence.ndim == 1 else multivariate


def _plain(sequence: NDArray[Any]) -> Values:
    """Return a sequence as the package wants it: contiguous float64, (T,) of one feature or (T, D)."""
    return np.ascontiguousarray(sequence[:, 0] if sequence.shape[1] == 1 else sequence, dtype=np.float64)
