"""The scale on which a forecaster works: each series standardised, in logarithms where swings grow with the level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

MULTIPLICATIVE = 0.5
"""The correlation of level and swing, season by season, above which a series is taken in logarithms."""


@dataclass(frozen=True)
class Scaler:
    """z = (log(y) or y, less its mean, over its standard deviation), fitted on the rows that it is given and no others.

    Attributes:
        mean: of the training rows, in logarithms if `log`.
        std: likewise.
        log: whether logarithms are taken first.
    """

    mean: float
    std: float
    log: bool

    @classmethod
    def fitted(cls, values: Values, log: bool) -> Scaler:
        """Return the scaler of some training rows (T,)."""
        z = np.log(values) if log else values
        # A series that never changes gets the unit 1, so that new values still have a place on the scale. Its computed
        # deviation need not be 0: the mean of many equal numbers is rounded.
        return cls(float(z.mean()), float(z.std()) if np.ptp(z) > 0 else 1.0, log)

    def forward(self, values: Values) -> Values:
        """Return values on the forecaster's scale."""
        return ((np.log(values) if self.log else values) - self.mean) / self.std

    def back(self, z: Values) -> Values:
        """Return values in the series' own units."""
        y = z * self.std + self.mean
        return np.exp(y) if self.log else y


def prefers_log(series: list[Values], season: int) -> bool:
    """Whether the series are better taken in logarithms: all positive, and their swings grow with their level.

    For each series of at least three seasons the correlation of the seasons' means and standard deviations is taken
    (blocks of 8 rows where there is no season); the median decides.

    Args:
        series: training rows, (T_i,) each.
        season: rows of a season.

    Example:
        >>> t = np.arange(48)
        >>> growing = (10 + t) * (1 + 0.3 * np.sin(2 * np.pi * t / 12))
        >>> prefers_log([growing], 12), prefers_log([growing - 50], 12)
        (True, False)
    """
    if any(np.min(values) <= 0 for values in series):
        return False
    block = season if season > 1 else 8
    correlations = []
    for values in series:
        blocks = values[len(values) % block :].reshape(-1, block)
        means, swings = blocks.mean(axis=1), blocks.std(axis=1)
        if len(blocks) >= 3 and means.std() > 0 and swings.std() > 0:
            correlations.append(float(np.corrcoef(means, swings)[0, 1]))
    return bool(correlations) and float(np.median(correlations)) > MULTIPLICATIVE
