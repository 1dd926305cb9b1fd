"""The scale on which a forecaster works: each series standardised, in logarithms where swings grow with the level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.covariates import Covariate
from recuerdo.errors import DataError

Values = NDArray[np.float64]

MULTIPLICATIVE = 0.5
"""The correlation of level and swing, season by season, above which a series is taken in logarithms."""

CLEAR = 0.02
"""Share of a series' median that all its values must exceed for logarithms: near 0 these magnify the smallest."""

MOST_CATEGORIES = 100
"""Categories of one covariate; each becomes a column of its own."""


@dataclass(frozen=True)
class Scaler:
    """z = (log(y) or y, less its mean, over its standard deviation), fitted on the rows that it is given and no others.

    Missing values (NaN) are left out in fitting, and stay missing.

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
        """Return the scaler of some training rows (T,), of which one at least is known."""
        known = values[~np.isnan(values)]
        z = np.log(known) if log else known
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


@dataclass(frozen=True)
class FeatureScaler:
    """Turns one covariate into columns for the network, as fitted on training rows and no others.

    A number is standardised; where training rows miss it, 0 (its mean) stands for it and a second column marks it. A
    category becomes one column for each that the training rows hold; one that is new or missing is 0 in all of them.

    Attributes:
        name: of the covariate.
        mean, std: of its training rows; 0 and 1 for categories.
        marks: whether a column marks missing numbers.
        categories: those that got a column, or None for numbers.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    marks: bool = False
    categories: tuple[str, ...] | None = None

    @classmethod
    def fitted(cls, covariate: Covariate, rows: Sequence[Values]) -> FeatureScaler:
        """Return the scaler of a covariate's training rows, (T_i,) for each series.

        Raises:
            DataError: no row knows it, or it has more categories than can become columns.
        """
        values = np.concatenate(rows)
        known = values[~np.isnan(values)]
        if not known.size:
            raise DataError(f"Column {covariate.name!r} is missing in every training row: leave it out.")
        if covariate.categories is None:
            std = float(known.std()) if np.ptp(known) > 0 else 1.0
            return cls(covariate.name, float(known.mean()), std, known.size < values.size)
        seen = tuple(covariate.categories[int(code)] for code in np.unique(known))
        if len(seen) > MOST_CATEGORIES:
            raise DataError(
                f"Column {covariate.name!r} has {len(seen)} categories, and {MOST_CATEGORIES} is the most that become "
                f"columns: group the rare ones, or leave it out."
            )
        return cls(covariate.name, categories=seen)

    @property
    def width(self) -> int:
        """How many columns come of it."""
        return 1 + self.marks if self.categories is None else len(self.categories)

    def forward(self, values: Values, categories: Sequence[str] | None = None) -> Values:
        """Return the columns (T, width) of values (T,), which for a category are codes into `categories`."""
        if self.categories is None:
            missing = np.isnan(values)
            z = np.where(missing, 0.0, (values - self.mean) / self.std)
            return np.stack([z, missing.astype(np.float64)], axis=1) if self.marks else z[:, None]
        columns = {name: place for place, name in enumerate(self.categories)}
        # One more column for what is new or missing, which is then left out.
        places = np.array([columns.get(name, len(columns)) for name in categories or ()] + [len(columns)])
        codes = np.where(np.isnan(values), len(places) - 1, values).astype(np.int64)
        return np.eye(len(columns) + 1)[places[codes]][:, :-1]


def prefers_log(series: Sequence[Values], season: int) -> bool:
    """Whether the series are better taken in logarithms: all clear of 0, and their swings grow with their level.

    For each series of at least three seasons the correlation of the seasons' means and standard deviations is taken
    (blocks of 8 rows where there is no season); the median decides. Missing values are left out.

    Args:
        series: training rows, (T_i,) each.
        season: rows of a season.

    Example:
        >>> t = np.arange(48)
        >>> growing = (10 + t) * (1 + 0.3 * np.sin(2 * np.pi * t / 12))
        >>> prefers_log([growing], 12), prefers_log([growing - 50], 12)
        (True, False)
    """
    if not all(clear_of_zero(values) for values in series):
        return False
    block = season if season > 1 else 8
    correlations = []
    for values in series:
        blocks = values[len(values) % block :].reshape(-1, block)
        blocks = blocks[(~np.isnan(blocks)).sum(axis=1) > block // 2]
        if len(blocks) < 3:
            continue
        means, swings = np.nanmean(blocks, axis=1), np.nanstd(blocks, axis=1)
        if means.std() > 0 and swings.std() > 0:
            correlations.append(float(np.corrcoef(means, swings)[0, 1]))
    return bool(correlations) and float(np.median(correlations)) > MULTIPLICATIVE


def clear_of_zero(values: Values) -> bool:
    """Whether all known values of a series (T,) lie above a small share of their median."""
    return bool(np.nanmin(values) > max(0.0, CLEAR * float(np.nanmedian(values))))
