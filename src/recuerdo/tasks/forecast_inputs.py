"""From a panel to what a network is given: rows on its scale, and windows of them as batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.data.calendar import calendar
from recuerdo.data.frequency import Times
from recuerdo.data.tables import Panel, Series
from recuerdo.data.windows import gather_rows
from recuerdo.errors import DataError
from recuerdo.tasks.metrics import naive_scale
from recuerdo.tasks.scaling import FeatureScaler, Scaler

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Encoding:
    """How a panel becomes numbers for the network, as fitted on training rows and no others.

    Attributes:
        scalers: id of a series -> its scaler.
        log: whether the series are taken in logarithms.
        past, future, static: scalers of the covariates, by their role.
        calendar: names of calendar features, which count as future covariates.
    """

    scalers: Mapping[object, Scaler]
    log: bool
    past: tuple[FeatureScaler, ...] = ()
    future: tuple[FeatureScaler, ...] = ()
    static: tuple[FeatureScaler, ...] = ()
    calendar: tuple[str, ...] = ()

    @classmethod
    def fitted(cls, known: Panel, log: bool, calendar_features: Sequence[str] = ()) -> Encoding:
        """Return the encoding of a panel's rows."""
        scalers = {one.id: Scaler.fitted(one.values, log) for one in known.series}
        by_role: dict[str, list[FeatureScaler]] = {"past": [], "future": []}
        for column, covariate in enumerate(known.covariates):
            rows = [one.covariates[:, column] for one in known.series]
            by_role[covariate.role].append(FeatureScaler.fitted(covariate, rows))
        static = tuple(
            FeatureScaler.fitted(covariate, [one.static[column : column + 1] for one in known.series])
            for column, covariate in enumerate(known.static)
        )
        return cls(scalers, log, tuple(by_role["past"]), tuple(by_role["future"]), static, tuple(calendar_features))

    def scaler(self, one: Series, alone: bool) -> Scaler:
        """Return the scaler that a series was fitted with; a new series gets one from the rows that are given of it.

        Args:
            one: the series.
            alone: whether it is one series without a name, which may go by another.
        """
        if alone and len(self.scalers) == 1:
            return next(iter(self.scalers.values()))
        return self.scalers.get(one.id) or Scaler.fitted(one.values, self.log)


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of all series on the network's scale, one series after the other.

    Attributes:
        table: (R, 1 + C) float32: z, NaN where missing, and covariates, past ones first.
        starts: (n,) the first row of each series.
        lengths: (n,) its rows up to now; `ahead` more follow, which hold future covariates alone.
        ahead: rows behind each series.
        future: F, how many of the last columns are known ahead.
        static: (n, S) float32, or None.
        scalers: of each series.
    """

    table: NDArray[np.float32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    ahead: int
    future: int
    static: NDArray[np.float32] | None
    scalers: tuple[Scaler, ...]

    def inputs(self, origins: NDArray[np.int64], lookback: int, horizon: int) -> tuple[dict[str, Tensor], Tensor]:
        """Copy some windows.

        Args:
            origins: (N, 2), the number of the series and the index of its last row that is known.
            lookback: L.
            horizon: K.

        Returns:
            The network's arguments by name, `window` (N, L, 1 + C), `future` (N, K, F) and `static` (N, S) where there
            are any, and what follows, z (N, K), NaN where it is missing or lies ahead.
        """
        after = min(horizon, self._least_behind(origins))
        rows = gather_rows(self.table, self.starts, origins, lookback, after)
        made = {"window": torch.from_numpy(rows[:, :lookback])}
        if self.future:
            made["future"] = torch.from_numpy(rows[:, lookback:, -self.future :])
        if self.static is not None:
            made["static"] = torch.from_numpy(self.static[origins[:, 0]])
        return made, torch.from_numpy(rows[:, lookback:, 0])

    def _least_behind(self, origins: NDArray[np.int64]) -> int:
        number, end = origins.T
        return int((self.lengths[number] + self.ahead - 1 - end).min())


def make_rows(known: Panel, encoding: Encoding, ahead: Sequence[Values] | None = None, horizon: int = 0) -> Rows:
    """Put a panel on the network's scale.

    Args:
        known: the series up to now.
        encoding: as fitted.
        ahead: (K, F') of each series, the future covariates of the steps to come, as `data.covariates.ahead` reads
            them; None where there are none.
        horizon: K, rows to add behind each series for what is known ahead; 0 for none.
    """
    _require_positive(known, encoding)
    alone = len(known) == 1 and known.id is None
    scalers = tuple(encoding.scaler(one, alone) for one in known.series)
    codes = {each.name: each.categories or () for each in (*known.covariates, *known.static)}
    tables, blank = [], np.full(horizon, np.nan)
    for number, (one, scaler) in enumerate(zip(known.series, scalers, strict=True)):
        z = scaler.forward(one.values)
        columns = [np.concatenate([z, blank])[:, None] if horizon else z[:, None]]
        for column, covariate in enumerate(encoding.past):
            values = np.concatenate([one.covariates[:, column], blank])
            columns.append(covariate.forward(values, codes[covariate.name]))
        for column, covariate in enumerate(encoding.future):
            values = one.covariates[:, len(encoding.past) + column]
            if horizon and ahead is not None:
                values = np.concatenate([values, ahead[number][:, column]])
            columns.append(covariate.forward(values, codes[covariate.name]))
        if encoding.calendar:
            columns.append(
                calendar(_times(known, one.times, horizon), known.freq, encoding.calendar, time_type=known.time_type)
            )
        tables.append(np.concatenate(columns, axis=1, dtype=np.float32) if len(columns) > 1 else columns[0])
    static = None
    if encoding.static:
        parts = [
            scaler.forward(np.array([one.static[column] for one in known.series]), codes[scaler.name])
            for column, scaler in enumerate(encoding.static)
        ]
        static = np.concatenate(parts, axis=1, dtype=np.float32)
    lengths = np.array([len(one.values) for one in known.series], dtype=np.int64)
    starts = np.cumsum([0, *(lengths[:-1] + horizon)])
    table = np.concatenate(tables, dtype=np.float32)
    future = sum(each.width for each in encoding.future)
    if encoding.calendar:
        future += table.shape[1] - 1 - sum(each.width for each in (*encoding.past, *encoding.future))
    return Rows(table, starts, lengths, horizon, future, static, scalers)


def naive_units(known: Panel, season: int) -> Values:
    """Return the unit of MASE of each series, (n,), in its own units, from all its rows; NaN where it is 0.

    A series that is no longer than a season is measured by its change from row to row: its seasonal naive forecast says
    the last value, too.
    """
    units = np.full(len(known), np.nan)
    for number, one in enumerate(known.series):
        lag = season if len(one.values) > season else 1
        if len(one.values) > lag:
            units[number] = naive_scale(one.values, lag)
    return np.where(units > 0, units, np.nan)


def _times(known: Panel, times: Times, horizon: int) -> Times:
    return np.concatenate([times, known.freq.after(times[-1], horizon)]) if horizon else times


def _require_positive(known: Panel, encoding: Encoding) -> None:
    if not encoding.log:
        return
    for one in known.series:
        if (one.values <= 0).any():
            raise DataError(
                f"Series {one.id!r} has values of 0 or less, and the model was fitted on logarithms: fit anew "
                f"with log=False."
            )
