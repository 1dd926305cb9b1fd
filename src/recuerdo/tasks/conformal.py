"""Intervals from errors on held-out windows, without an assumption about their distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from recuerdo.errors import OptionError

if TYPE_CHECKING:
    from torch.distributions import Distribution

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a network says of n windows, on the scaler's scale, before calibration.

    Attributes:
        point: (n, K).
        scale: of each window, (n, 1): the unit of what the network answers.
        change: how much each window changes from season to season, (n, 1): the unit of its errors.
        quantile: level -> (n, K), as its head has it; the forecast itself where it knows no spread.
        distributions: those of each network, (n, K), where its head is one.
    """

    point: Values
    scale: Values
    change: Values
    quantile: Callable[[float], Values]
    distributions: tuple[Distribution, ...] = ()


def errors_for(level: float) -> int:
    """Return how many held-out errors an interval of this level needs at least.

    Example:
        >>> errors_for(0.8), errors_for(0.9)
        (4, 9)
    """
    return math.ceil(level / (1 - level) - 1e-9)


def widening(level: float, errors: int, independent: float | None) -> float:
    """Return by how much an interval is widened where fewer errors are independent than there are.

    The steps of a window, and windows that overlap, err together: a quantile of their errors is as uncertain as one of
    few. The factor is what this uncertainty costs where errors are normal with a spread that has to be estimated, the
    ratio of Student's t for so many degrees of freedom; it is 1 where all are independent.

    Args:
        level: of the interval about the middle, in [0, 1).
        errors: how many there are.
        independent: how many of them may count as independent, 1 or more; None for all.

    Source:
        Student 1908, The probable error of a mean.

    Example:
        >>> round(widening(0.8, 168, 4.0), 2), round(widening(0.8, 20_000, 800.0), 3), widening(0.8, 20, 20.0)
        (1.19, 1.001, 1.0)
    """
    if independent is None or level == 0:
        return 1.0
    place = (1 + level) / 2
    return float(stdtrit(min(independent, errors), place) / stdtrit(errors, place))


def independent_errors(origins: NDArray[np.int64], truth: Values) -> float:
    """Return how many independent errors those of some windows are worth, 1 at least.

    Windows that overlap count as the windows of K that their known values would fill side by side. The K errors of a
    window, each in units of its step's spread, are taken to be correlated as those of a random walk, sqrt(i / j) at the
    steps i <= j: their mean square is as uncertain as that of K^2 / sum of squared correlations, 1 for K = 1 and nearly
    2 for a long horizon.

    Args:
        origins: (n, 2), number of the series and index of the last known row.
        truth: (n, K), what followed, NaN where missing.

    Source:
        Satterthwaite 1946, An approximate distribution of estimates of variance components, eq. 17.

    Example:
        >>> independent_errors(np.array([[0, 7], [0, 8], [0, 9], [1, 5]]), np.zeros((4, 2)))
        4.0
    """
    K = truth.shape[1]
    rows = origins[:, 1:] + 1 + np.arange(K)
    places = origins[:, :1] * (rows.max() + 1) + rows
    windows = len(np.unique(places[~np.isnan(truth)])) / K
    steps = np.arange(1, K + 1)
    squares = np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps)
    return max(1.0, windows * K**2 / float(squares.sum()))


@dataclass(frozen=True)
class Conformal:
    """Split conformal intervals: forecast -+ a quantile of the errors on windows that training did not see.

    An error is divided by the seasonal change of its window, so that a restless window gets a wider interval, and by
    the spread of its horizon step, so that all steps share one set of scores. For n scores that are exchangeable with
    the next one, an interval of level p covers it with probability p or more. Errors of overlapping windows are
    correlated, for which intervals are widened, and the spreads come from the same errors, so that measured coverage,
    not this guarantee, is what reports show.

    Attributes:
        spread: (K,), root mean square of the scaled errors at each step, never falling with the step.
        scores: (n,), |error| / scale / spread, sorted.
        independent: how many of the scores count as independent; None for all.
        by_scale: whether errors were divided by the scale of their windows instead, as earlier versions did.

    Source:
        Lei et al. 2018, Distribution-free predictive inference for regression, sections 2.2 and 5.2.
    """

    spread: Values
    scores: Values
    independent: float | None = None
    by_scale: bool = False

    @classmethod
    def fitted(cls, errors: Values, independent: float | None = None) -> Conformal:
        """Return the intervals of errors (n, K) that are already divided by their windows' changes; NaN where unknown.

        Example:
            >>> conformal = Conformal.fitted(np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0]]))
            >>> conformal.margin(0.8).tolist()
            [1.0, 2.0]
        """
        known = ~np.isnan(errors)
        squares = np.where(known, errors, 0.0) ** 2
        spread = np.maximum.accumulate(np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1)))
        spread = np.where(spread > 0, spread, np.finfo(np.float64).tiny)
        return cls(spread, np.sort((np.abs(errors) / spread)[known]), independent)

    def margin(self, level: float) -> Values:
        """Return how far the interval of that level reaches to either side, (K,), in units of the window's change.

        Raises:
            OptionError: there are too few scores for so high a level.
        """
        n, needed = len(self.scores), errors_for(level)
        rank = math.ceil((n + 1) * level - 1e-9)
        if n < needed:
            raise OptionError(
                f"An interval of {100 * level:g} % needs {needed} held-out errors, and there are {n}: ask for "
                f"quantiles nearer to the middle, or give more rows."
            )
        if not rank:
            return np.zeros_like(self.spread)
        return widening(level, n, self.independent) * self.scores[rank - 1] * self.spread

    def quantile(self, level: float, answer: Answer) -> Values:
        """Return the calibrated quantile, (n, K): the forecast and half an interval to either side of it."""
        unit = answer.scale if self.by_scale else answer.change
        return answer.point + np.sign(level - 0.5) * unit * self.margin(abs(2 * level - 1))


@dataclass(frozen=True)
class ConformalQuantiles:
    """Quantiles that a network says of itself, moved until held-out windows lie below each as often as it says.

    The move is measured in units of the width that the network gives the window: the distance of the outermost
    quantiles, so that where it is unsure the move is larger. The median is the forecast itself, which stays where it
    is: moved, its scores on the same windows would be flattered.

    Attributes:
        moves: level -> units of width.

    Source:
        Romano et al. 2019, Conformalized quantile regression, here for each side on its own.
    """

    moves: Mapping[float, float]

    @classmethod
    def fitted(
        cls, levels: Sequence[float], answer: Answer, truth: Values, independent: float | None = None
    ) -> ConformalQuantiles:
        """Return the moves that held-out windows ask for; truth is (n, K), NaN where unknown.

        Where few errors are independent, each quantile moves further out, in proportion to its mean distance from the
        forecast: see :func:`widening`.

        Raises:
            OptionError: there are too few windows for so high a level.
        """
        width = _width(levels, answer)
        moves = {}
        for level in levels:
            if level == 0.5:
                moves[level] = 0.0
                continue
            scores = (truth - answer.quantile(level)) / width
            scores = np.sort(scores[~np.isnan(scores)])
            n, central = len(scores), abs(2 * level - 1)
            needed = errors_for(central)
            if n < needed:
                raise OptionError(
                    f"The quantile {level:g} needs {needed} held-out errors, and there are {n}: ask for quantiles "
                    f"nearer to the middle, or give more rows."
                )
            rank = math.ceil((n + 1) * level - 1e-9) if level >= 0.5 else math.floor((n + 1) * level + 1e-9)
            move = float(scores[min(max(rank, 1), n) - 1])
            reach = float(np.mean(np.abs((answer.quantile(level) - answer.point) / width + move)))
            moves[level] = move + math.copysign(widening(central, n, independent) - 1, level - 0.5) * reach
        return cls(moves)

    def quantile(self, level: float, answer: Answer) -> Values:
        """Return the calibrated quantile, (n, K)."""
        return answer.quantile(level) + self.moves[level] * _width(tuple(self.moves), answer)


@dataclass(frozen=True)
class Uncalibrated:
    """Quantiles as a network says them of itself, which no held-out rows have checked."""

    def quantile(self, level: float, answer: Answer) -> Values:
        """Return the network's own quantile, (n, K)."""
        return answer.quantile(level)


def _width(levels: Sequence[float], answer: Answer) -> Values:
    """What a move is measured in, (n, K): the distance of the outermost quantiles, or the scale where there is one."""
    if len(levels) < 2:
        return np.broadcast_to(answer.scale, answer.point.shape)
    return answer.quantile(max(levels)) - answer.quantile(min(levels))
