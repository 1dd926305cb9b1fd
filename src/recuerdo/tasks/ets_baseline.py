"""Automatic ETS beside a forecaster: fitted anew at each origin that is judged, if there is time for all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.baselines import Values
from recuerdo.tasks.exponential_smoothing import LONGEST_SEASON, ROWS, automatic_ets

ETS = "ETS"
"""What tables call it."""

SECONDS = 3e-4
"""What a fit takes at least, for each row of the series times each row of a season, on a fast machine."""


def ets_forecasts(
    series: Sequence[Values], origins: NDArray[np.int64], horizon: int, season: int, *, max_seconds: float
) -> tuple[dict[str, Values], tuple[str, ...], bool]:
    """Forecast from many origins of many series by automatic ETS.

    Each forecast is that of the form and the parameters that the rows up to its origin support, and no later row.

    Args:
        series: (T_i,) each, whole, NaN where missing.
        origins: (n, 2), number of the series and index of the last known row.
        horizon: K.
        season: rows of a season, 1 for none.
        max_seconds: for all of them.

    Returns:
        "ETS" -> the forecasts (n, K); or nothing, since a part of them could not be compared, and a sentence that says
        why. Where the extra `baselines` is not installed there is neither. Last, whether time is what it lacked.
    """
    if not installed():
        return {}, (), False
    rows = origins[:, 1] + 1
    slow = f"its {len(origins)} fits would have taken more than {max_seconds:.1f} s"
    if season > LONGEST_SEASON:
        return _without(
            f"it estimates a number for each row of a season, and is for up to {LONGEST_SEASON}, not {season}"
        )
    if rows.min() < ROWS:
        return _without(f"it needs {ROWS} rows, and an origin has {rows.min()}")
    if any(np.isnan(series[number][: end + 1]).any() for number, end in origins):
        return _without("it takes no missing values")
    if SECONDS * season * rows.sum() > max_seconds:
        return _without(slow, late=True)
    over = time.monotonic() + max_seconds
    made = np.empty((len(origins), horizon))
    for row, (number, end) in enumerate(origins):
        left = over - time.monotonic()
        if left <= 0:
            return _without(slow, late=True)
        try:
            made[row] = automatic_ets(series[number][: end + 1], horizon, season, max_seconds=left).forecast
        except (DataError, OptionError) as error:
            late = time.monotonic() >= over
            return _without(slow if late else str(error), late=late)
    return {ETS: made}, (), False


def installed() -> bool:
    """Return whether the extra `baselines` is there."""
    return find_spec("statsmodels") is not None


def _without(why: str, *, late: bool = False) -> tuple[dict[str, Values], tuple[str, ...], bool]:
    return {}, (f"{ETS} was left out: {why}",), late
