"""Intervals from errors on held-out windows, without an assumption about their distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import OptionError

Values = NDArray[np.float64]


def errors_for(level: float) -> int:
    """Return how many held-out errors an interval of this level needs at least.

    Example:
        >>> errors_for(0.8), errors_for(0.9)
        (4, 9)
    """
    return math.ceil(level / (1 - level) - 1e-9)


@dataclass(frozen=True)
class Conformal:
    """Split conformal intervals: forecast -+ a quantile of the errors on windows that training did not see.

    An error is divided by its window's scale and by the spread of its horizon step, so that all steps share one set
    of scores. For n scores that are exchangeable with the next one, an interval of level p covers it with probability
    p or more. Errors of overlapping windows are correlated, and the spreads come from the same errors, so that measured
    coverage, not this guarantee, is what reports show.

    Attributes:
        spread: (K,), root mean square of the scaled errors at each step, never falling with the step.
        scores: (n,), |error| / scale / spread, sorted.

    Source:
        Lei et al. 2018, Distribution-free predictive inference for regression, section 2.2.
    """

    spread: Values
    scores: Values

    @classmethod
    def fitted(cls, errors: Values) -> Conformal:
        """Return the intervals of errors (n, K) that are already divided by their windows' scales.

        Example:
            >>> conformal = Conformal.fitted(np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0]]))
            >>> conformal.margin(0.8).tolist()
            [1.0, 2.0]
        """
        spread = np.maximum.accumulate(np.sqrt(np.mean(errors**2, axis=0)))
        spread = np.where(spread > 0, spread, np.finfo(np.float64).tiny)
        return cls(spread, np.sort((np.abs(errors) / spread).ravel()))

    def margin(self, level: float) -> Values:
        """Return how far the interval of that level reaches to either side, (K,), in units of the window's scale.

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
        return self.scores[rank - 1] * self.spread if rank else np.zeros_like(self.spread)
