"""Interpolated Kneser-Ney: the next token by counts of n-grams, the baseline that a language model has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Order:
    """The n-grams of one order, which are numbered in the order of their keys.

    Attributes:
        keys: (G,) of each n-gram: the number of its first n - 1 tokens as an (n - 1)-gram, times V, plus its last one.
        counts: (G,) how often it occurs; below the highest order, in how many ways it can be preceded.
        totals: (H,) for each (n - 1)-gram before it the sum of the counts.
        given_up: (H,) what the counts of those that follow it give up.
        discounts: what a count of 0, 1, 2, and 3 or more gives up.
    """

    keys: Ids
    counts: Values
    totals: Values
    given_up: Values
    discounts: Values

    def left(self, places: Ids) -> Values:
        """Return what is left of the counts of some n-grams."""
        counts = self.counts[places]
        return counts - self.discounts[np.minimum(counts, 3).astype(np.int64)]


@dataclass(frozen=True, eq=False)
class KneserNey:
    """A fitted model of order N.

    P_n(w | h) = (c(h w) - D(c)) / c(h) + b(h) · P_{n-1}(w | h without its first token), down to P_0 = 1 / V, where b(h)
    is the share that the counts after h give up. Below the highest order c counts in how many ways an n-gram can be
    preceded. A count of 1, 2, and 3 or more gives up D = 1 - 2 Y n2 / n1, 2 - 3 Y n3 / n2 and 3 - 4 Y n4 / n3, with
    Y = n1 / (n1 + 2 n2) and n_k n-grams of count k. Where lines have an end, contexts go back to the end before them
    and no further, and what begins with it, which nothing precedes, counts as often as it occurs.

    Attributes:
        orders: the tables of orders 1 to N.
        vocabulary: V.
        end: the token that ends a line; None where contexts reach over all.

    Source:
        Kneser and Ney 1995; modified and interpolated as by Chen and Goodman 1999, section 3.
    """

    orders: tuple[_Order, ...]
    vocabulary: int
    end: int | None = None

    def losses(self, ids: NDArray[np.integer]) -> Values:
        """Return -log P of each token but the first, given those before it, (n - 1,), in nats.

        Args:
            ids: (n,) tokens, 0 to V - 1.

        Example:
            >>> model = fit_kneser_ney(np.array([3, 4] * 50 + [3, 5]), vocabulary=6, order=2)
            >>> np.exp(-model.losses(np.array([3, 4, 3]))).round(2).tolist()
            [0.97, 0.98]
        """
        ids = ids.astype(np.int64)
        first = self.orders[0]
        p = (first.left(ids[1:]) + first.given_up[0] / self.vocabulary) / first.totals[0]
        found = ids  # the number of the n-gram that begins at each place, -1 for one that training has not seen
        for n, order in enumerate(self.orders[1:], 2):
            if n > len(ids):
                break
            context = _within(found[: len(ids) - n + 1], ids, n, self.end)
            last = ids[n - 1 :]
            known = context >= 0
            keys = np.where(known, context * self.vocabulary + last, -1)
            places = np.minimum(np.searchsorted(order.keys, keys), len(order.keys) - 1)
            seen = order.keys[places] == keys
            found = np.where(seen, places, -1)
            total = np.where(known, order.totals[np.maximum(context, 0)], 0)
            counted = np.where(seen, order.left(places), 0)
            lower = p[n - 2 :]
            with np.errstate(invalid="ignore", divide="ignore"):
                here = (counted + order.given_up[np.maximum(context, 0)] * lower) / total
            p = np.concatenate([p[: n - 2], np.where(total > 0, here, lower)])
        return -np.log(p)


def fit_kneser_ney(ids: NDArray[np.integer], *, vocabulary: int, order: int = 5, end: int | None = None) -> KneserNey:
    """Count the n-grams of a text.

    Args:
        ids: (n,) tokens, 0 to V - 1.
        vocabulary: V.
        order: N, the longest n-gram.
        end: the token that ends a line; None where contexts reach over all.
    """
    ids = ids.astype(np.int64)
    order = min(order, len(ids))
    keys, raw, suffixes = [np.arange(vocabulary)], [np.bincount(ids, minlength=vocabulary)], [np.zeros(0, np.int64)]
    begins = [np.arange(vocabulary) == end]  # whether an n-gram begins with the end of the line before
    number = ids
    for n in range(2, order + 1):
        before = number
        context = _within(before[: len(ids) - n + 1], ids, n, end)
        here = np.flatnonzero(context >= 0)
        made, first, inverse, counts = np.unique(
            context[here] * vocabulary + ids[here + n - 1], return_index=True, return_inverse=True, return_counts=True
        )
        number = np.full(len(context), -1)
        number[here] = inverse
        keys.append(made)
        raw.append(counts)
        suffixes.append(before[here[first] + 1])
        begins.append(ids[here[first]] == end)
    tables = []
    for n in range(1, order + 1):
        counts = raw[n - 1]
        if n < order:
            ways = np.bincount(suffixes[n], minlength=len(keys[n - 1]))
            counts = np.where(begins[n - 1], counts, ways) if n > 1 else ways
        prefix = np.zeros(len(counts), np.int64) if n == 1 else keys[n - 1] // vocabulary
        size = 1 if n == 1 else len(keys[n - 2])
        discounts = _discounts(counts)
        given_up = np.bincount(prefix, discounts[np.minimum(counts, 3)], size).astype(np.float64)
        totals = np.bincount(prefix, counts, size).astype(np.float64)
        tables.append(_Order(keys[n - 1], counts.astype(np.float64), totals, given_up, discounts))
    return KneserNey(tuple(tables), vocabulary, end)


def _within(context: Ids, ids: Ids, n: int, end: int | None) -> Ids:
    """Return the contexts of n-grams, -1 for one that reaches over the end of a line; its first token may be one."""
    if end is None or n < 3:
        return context
    return np.where(ids[n - 2 : n - 2 + len(context)] == end, -1, context)


def _discounts(counts: NDArray[np.integer]) -> Values:
    """What a count of 0, 1, 2, and 3 or more gives up; where there are too few to tell, as in Kneser and Ney 1995."""
    n1, n2, n3, n4 = (int((counts == k).sum()) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2) if n1 else 0.5
    if not (n1 and n2 and n3 and n4):
        return np.array([0, y, y, y])
    found = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return found if (found[1:] > 0).all() and (found <= [0, 1, 2, 3]).all() else np.array([0, y, y, y])
