"""Exponential smoothing from statsmodels, the classic that a forecast of one series has to beat: ETS and Holt-Winters.

It comes with the extra `baselines` and is imported at the first call, which takes a second or two. One call fits one
series, so that a caller who has a time limit looks at the clock between calls; `max_seconds` ends a single one.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.baselines import Values

ROWS = 10
"""Fewest rows that the first guess of level and trend needs."""

LONGEST_SEASON = 24
"""Each row of a season is one more number to estimate; forecast::ets in R draws the line here as well."""


@dataclass(frozen=True)
class Form:
    """A form of exponential smoothing: how error, trend and season enter.

    Attributes:
        error: "add" or "mul".
        trend: "add" or None.
        damped: whether the trend flattens out.
        season: "add", "mul" or None.
    """

    error: str
    trend: str | None
    damped: bool
    season: str | None

    def __str__(self) -> str:
        letters = {"add": "A", "mul": "M", None: "N"}
        trend = letters[self.trend] + "d" * self.damped
        return f"ETS({letters[self.error]},{trend},{letters[self.season]})"

    def numbers(self, season: int) -> int:
        """Return how many numbers are estimated: smoothing parameters, initial states and the errors' variance."""
        return 3 + 2 * (self.trend is not None) + self.damped + (season if self.season else 0)


@dataclass(frozen=True)
class Smoothed:
    """A forecast by exponential smoothing.

    Attributes:
        forecast: (K,), in the series' own units.
        form: what was fitted, such as "ETS(M,A,M)".
    """

    forecast: Values
    form: str


def automatic_ets(values: Values, horizon: int, season: int, *, max_seconds: float | None = None) -> Smoothed:
    """Fit the form of exponential smoothing that a series supports, and forecast.

    All stable forms are fitted from a rough guess of their initial states; the best by AICc without season, with an
    additive and with a multiplicative one are then fitted in full, and the lowest AICc among these decides. Forms with
    a multiplicative part are for values above 0 alone, those with a season need two seasons of rows, and one and 10
    more.

    Args:
        values: (T,), the known rows, none missing.
        horizon: K.
        season: rows in a season, up to 24; 1 for none.
        max_seconds: give up after so long; None for never. A fit that was cut short would be a weaker baseline than its
            name says, so there is no forecast then.

    Raises:
        DataError: there are fewer than 10 rows, or one is missing.
        OptionError: the season is longer than 24, the time ran out, or the extra `baselines` is not installed.

    Source:
        Hyndman and Khandakar 2008, Automatic time series forecasting: the forecast package for R, section 2.

    Example:
        >>> import recuerdo as rc
        >>> passengers = rc.data.air_passengers()["passengers"].to_numpy().astype(float)
        >>> automatic_ets(passengers[:132], 12, season=12).form
        'ETS(M,A,M)'
    """
    _check(values, ROWS, "ETS")
    if season > LONGEST_SEASON:
        raise OptionError(
            f"ETS estimates a number for each row of a season, so it is for seasons up to {LONGEST_SEASON}, got "
            f"{season}: give a shorter season, 1 for none, or compare with the seasonal naive forecast."
        )
    if np.ptp(values) == 0:
        return Smoothed(np.full(horizon, values[-1]), "constant")  # no error to smooth, and a likelihood without bound
    clock = _Clock(max_seconds)
    found: dict[str | None, tuple[float, Form]] = {}
    for form in _forms(values, season):
        score = _aicc(_fit(values, season, form, "heuristic", clock), form, len(values), season)
        if score < found.get(form.season, (math.inf, form))[0]:
            found[form.season] = score, form
    if not found:
        raise DataError("No form of ETS fits these values: their likelihood is not a number. Rescale them first.")
    fitted = [(form, _fit(values, season, form, "estimated", clock)) for _, form in found.values()]
    form, best = min(fitted, key=lambda pair: _aicc(pair[1], pair[0], len(values), season))
    return Smoothed(np.asarray(best.forecast(horizon)), str(form))


def holt_winters(values: Values, horizon: int, season: int) -> Values:
    """Return the forecast of Holt and Winters' method: an additive trend and a multiplicative season.

    Parameters and initial states are those with the least squared error.

    Args:
        values: (T,), the known rows, above 0 and none missing.
        horizon: K.
        season: rows in a season, 2 or more.

    Returns:
        (K,), in the series' own units.

    Raises:
        DataError: there are fewer rows than two seasons or than one and 10 more, one is missing, or one is 0 or below.
        OptionError: the season is below 2, or the extra `baselines` is not installed.

    Source:
        Winters 1960, Forecasting sales by exponentially weighted moving averages.

    Example:
        >>> import recuerdo as rc
        >>> passengers = rc.data.air_passengers()["passengers"].to_numpy().astype(float)
        >>> holt_winters(passengers[:132], 12, season=12).round()[:3]
        array([417., 394., 462.])
    """
    if season < 2:
        raise OptionError(f"Holt and Winters' method needs a season of 2 rows or more, got {season}.")
    _check(values, _seasonal_rows(season), "Holt and Winters' method")
    if (values <= 0).any():
        row = int(np.argmax(values <= 0))
        raise DataError(
            f"A multiplicative season needs values above 0, and row {row} holds {values[row]:g}: use automatic_ets "
            f"instead."
        )
    model = _statsmodels().holtwinters.ExponentialSmoothing(
        values, trend="add", seasonal="mul", seasonal_periods=season, initialization_method="estimated"
    )
    with _early_stops():
        return np.asarray(model.fit().forecast(horizon))


class _Clock:
    def __init__(self, max_seconds: float | None) -> None:
        self.max_seconds = max_seconds
        self._start = time.monotonic()

    def check(self, *_: Any) -> None:
        """Raise where the time has run out; an optimiser calls this after each of its steps."""
        if self.max_seconds is not None and time.monotonic() - self._start > self.max_seconds:
            raise OptionError(
                f"ETS did not finish within {self.max_seconds:g} seconds: allow more, or give fewer rows or a shorter "
                f"season."
            )


def _forms(values: Values, season: int) -> list[Form]:
    """Return the forms to try: an additive error with a multiplicative season is unstable."""
    errors = ["add", "mul"] if (values > 0).all() else ["add"]
    seasons: list[str | None] = [None]
    if season > 1 and len(values) >= _seasonal_rows(season):
        seasons += errors
    trends: list[tuple[str | None, bool]] = [(None, False), ("add", False), ("add", True)]
    forms = [Form(error, *trend, kind) for error, trend, kind in product(errors, trends, seasons)]
    return [
        form for form in forms if (form.error, form.season) != ("add", "mul") and form.numbers(season) + 1 < len(values)
    ]


def _seasonal_rows(season: int) -> int:
    """Return the fewest rows from which a season is guessed: two of them, and ROWS with a whole season around each."""
    return max(2 * season, ROWS + 2 * (season // 2))


def _fit(values: Values, season: int, form: Form, initial: str, clock: _Clock) -> Any:
    clock.check()
    model = _statsmodels().exponential_smoothing.ets.ETSModel(
        values,
        error=form.error,
        trend=form.trend,
        damped_trend=form.damped,
        seasonal=form.season,
        seasonal_periods=season if form.season else None,
        initialization_method=initial,
    )
    with _early_stops():
        return model.fit(disp=False, callback=clock.check)


def _aicc(fitted: Any, form: Form, rows: int, season: int) -> float:
    """Return the corrected information criterion, infinite where there is no likelihood.

    statsmodels' own does not count initial states that were guessed, by which forms with a season would seem cheap.
    """
    k = form.numbers(season)
    score = -2 * float(fitted.llf) + 2 * k * rows / (rows - k - 1)
    return math.inf if math.isnan(score) else score


def _check(values: Values, rows: int, method: str) -> None:
    if len(values) < rows:
        raise DataError(f"{method} needs {rows} rows or more, got {len(values)}.")
    if np.isnan(values).any():
        row = int(np.argmax(np.isnan(values)))
        raise DataError(
            f"{method} takes no missing values, and row {row} is missing: compare with the seasonal naive forecast."
        )


def _statsmodels() -> Any:
    try:
        import statsmodels.tsa.exponential_smoothing.ets
        import statsmodels.tsa.holtwinters
    except ModuleNotFoundError as missing:
        raise OptionError(
            f"Exponential smoothing comes from statsmodels, which the extra `baselines` brings ({missing}): "
            f"pip install 'recuerdo[baselines]'."
        ) from missing
    return statsmodels.tsa


@contextmanager
def _early_stops() -> Iterator[None]:
    """Let an optimiser stop early, since it is judged by its likelihood, and a form fit without any error."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
