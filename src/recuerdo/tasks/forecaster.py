"""Forecaster: a table goes in, a table of forecasts comes out, on the user's own scale and calendar."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from recuerdo.data.tables import Panel, Series, panel
from recuerdo.data.windows import WindowSet
from recuerdo.errors import DataError, NotFittedError
from recuerdo.learn import Problem
from recuerdo.nn import LAYERS
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.conformal import Conformal, errors_for
from recuerdo.tasks.forecast_options import checked_options, resolve_device
from recuerdo.tasks.forecast_plan import Plan, make_plan, require_errors
from recuerdo.tasks.forecast_training import Shape, Trained, as_problem, parameter_count, train
from recuerdo.tasks.forecast_trial import Trial, run_trial
from recuerdo.tasks.forecasts import Forecasts, make_forecasts
from recuerdo.tasks.report import Report
from recuerdo.tasks.scaling import Scaler

Values = NDArray[np.float64]


class Forecaster(BaseEstimator):
    """Forecasts the next values of one or many series by a recurrent network, beside the baselines that it has to beat.

    A fit trains twice: once without the last rows, which are then forecast to get honest scores and intervals (the
    trial), and once on everything. The network forecasts the correction to a seasonal anchor, window by window on the
    window's own scale.

    Args:
        horizon: K, how many steps ahead.
        cell: "gru", "lstm", "frnn" or "indrnn".
        hidden_size: H, units of a layer. Small for a single short series; larger where there are many series.
        num_layers: L, layers.
        dropout: share dropped between layers in training, where there are several.
        strategy: "direct" forecasts all K steps from the last state and learns from the whole horizon; "recursive"
            forecasts one step, learns from every step, and feeds its forecasts back.
        lookback: input rows of a window; None takes two seasons.
        season: rows of a season, 1 for none; None takes it from the time stamps.
        log: whether to take logarithms; "auto" does where swings grow with the level.
        quantiles: which quantiles stand beside the forecast; pairs such as 0.1 and 0.9 bound an interval of 80 %,
            calibrated on the held-out rows (split conformal).
        baselines: "auto" compares with naive, seasonal naive, drift and an MLP of as many parameters; None with
            nothing.
        max_steps: optimiser steps; None decides from the number of windows.
        max_seconds: a budget for the whole fit; the learning rate's schedule fits itself to it.
        batch_size: windows of a step.
        learning_rate: the highest learning rate of AdamW.
        random_state: a seed; None draws one, which report_ tells.
        device: "auto" takes a CUDA device if there is one, else the CPU.
        verbose: True shows progress, False does not, None does on a terminal.

    Attributes:
        report_: after fit, the scores beside the baselines', the choices made, steps, seconds and seed.
        trial_: after fit, every held-out forecast behind these scores (not saved with the model).

    Example:
        >>> import recuerdo as rc
        >>> table = rc.data.air_passengers()
        >>> model = rc.Forecaster(horizon=12, max_steps=5, random_state=0).fit(table)
        >>> forecast = model.predict()
        >>> forecast.columns, forecast.height
        (['month', 'passengers', 'passengers-10', 'passengers-90'], 12)
    """

    report_: Report
    trial_: Trial
    _trial_model: Trained
    _plan: Plan
    _model: Trained
    _conformal: Conformal
    _panel: Panel
    _settings: dict[str, Any]

    def __init__(
        self,
        horizon: int,
        *,
        cell: str = "gru",
        hidden_size: int = 32,
        num_layers: int = 1,
        dropout: float = 0.0,
        strategy: str = "direct",
        lookback: int | None = None,
        season: int | None = None,
        log: bool | str = "auto",
        quantiles: Sequence[float] = (0.1, 0.9),
        baselines: str | None = "auto",
        max_steps: int | None = None,
        max_seconds: float | None = None,
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        random_state: int | None = None,
        device: str = "auto",
        verbose: bool | None = None,
    ) -> None:
        self.horizon = horizon
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.strategy = strategy
        self.lookback = lookback
        self.season = season
        self.log = log
        self.quantiles = quantiles
        self.baselines = baselines
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(
        self,
        table: Any,
        *,
        date: str | None = None,
        target: str | Sequence[str] | None = None,
        id: str | None = None,  # noqa: A002
    ) -> Self:
        """Learn from a table of one or many series.

        Args:
            table: a pandas, polars or pyarrow frame, or the path of a CSV or Parquet file.
            date: the column of time stamps; found if there is one.
            target: the column to forecast; found if there is one. A list makes one series of each column.
            id: the column that tells series apart, in a long table.

        Returns:
            The forecaster itself.

        Raises:
            DataError: the table cannot be read as series, or has too few rows.
            OptionError: an argument of the forecaster is out of range.
            DivergedError: training left the finite numbers.
        """
        checked_options(self)
        return self._fit_panel(panel(table, date=date, target=target, id=id))

    def check(self, table: Any, **columns: Any) -> str:
        """Return in one line what fit would decide for this table, or raise what it would raise before any training.

        Args:
            table: as in fit.
            **columns: date, target, id, as there.
        """
        checked_options(self)
        return self._make_plan(panel(table, **columns)).words

    def _make_plan(self, known: Panel) -> Plan:
        needed = max((errors_for(abs(2 * quantile - 1)) for quantile in self.quantiles), default=1)
        plan = make_plan(
            [one.values for one in known.series],
            [one.id for one in known.series],
            self.horizon,
            natural_season=known.freq.season,
            least_lookback=lambda s: 2 * s if self.strategy == "direct" else s + 2,
            season=self.season,
            lookback=self.lookback,
            log=self.log,
            least_errors=needed,
        )
        require_errors(plan, self.horizon, len(known), needed)
        return plan

    def _fit_panel(self, known: Panel) -> Self:
        started = time.monotonic()
        plan = self._make_plan(known)
        series, names = [one.values for one in known.series], [one.id for one in known.series]
        before = [values[: -plan.held_out] for values in series]
        budget = None if self.max_seconds is None else TRIAL_SHARE * self.max_seconds
        tried = self._train(plan, before, names, self.cell, self.max_steps, budget, self.random_state, "trial")
        steps, seed, size = tried.history.steps, tried.seed, parameter_count(tried.net)
        if steps == 0:
            raise KeyboardInterrupt
        final, models = tried, {self.name: tried}
        if not tried.interrupted and self.baselines == "auto":
            models[MLP] = self._train(plan, before, names, "mlp", steps, None, seed, MLP, size)
        trial = run_trial(
            series,
            names,
            plan.held_out,
            {name: each for name, each in models.items() if name == self.name or not each.interrupted},
            season=plan.season,
            lookback=plan.lookback,
            horizon=self.horizon,
            baselines=self.baselines == "auto",
        )
        conformal = trial.conformal()
        for quantile in self.quantiles:
            conformal.margin(abs(2 * quantile - 1))
        if not any(each.interrupted for each in models.values()):
            # The same number of steps on all rows, so that the latest ones are learned from too.
            whole = self._train(plan, series, names, self.cell, steps, None, seed, self.name)
            final = tried if whole.interrupted else whole
        said = (*known.notes, plan.words)
        if final is tried:
            said += (
                f"interrupted: the network of the trial is kept, after {steps} steps; it has not learned from the last "
                f"{plan.held_out} rows",
            )
        self.report_ = Report(
            model=self.name,
            scores=trial.scores(),
            windows=len(trial.truth),
            choices=said,
            steps=steps,
            seconds=time.monotonic() - started,
            random_state=seed,
            parameters=size,
        )
        self._settings = self.get_params()  # what was fitted, whatever is set later
        self.trial_, self._trial_model, self._conformal, self._plan = trial, tried, conformal, plan
        self._model = final
        self._panel = replace(known, series=tuple(_tail(one, plan.lookback) for one in known.series))
        return self

    @property
    def name(self) -> str:
        """What tables call the model: the cell in the letters that people write it in."""
        return getattr(LAYERS.get(self.cell), "__name__", self.cell)

    def predict(self, table: Any = None) -> Any:
        """Forecast the next K values of each series.

        Args:
            table: the series' known rows up to now, as in fit, at least `lookback` of each; None continues those of
                fit.

        Returns:
            A frame of the kind that came in: the id if there is one, the time stamps that follow, the forecast under
            the target's own name, and one column for each quantile, such as "y-10".

        Raises:
            NotFittedError: before fit.
            DataError: the table cannot be read, is of another frequency, or is too short.
        """
        return self.forecast(table).frame()

    def forecast(self, table: Any = None) -> Forecasts:
        """Forecast as `predict` does, and return the numbers by series, with a picture of them in `.plot()`."""
        self._require_fitted()
        known = self._panel if table is None else self._read(table)
        return self._forecast(known, self._model, self.report_.model, self._settings["quantiles"])

    def _forecast(self, known: Panel, trained: Trained, name: str, quantiles: Sequence[float]) -> Forecasts:
        scalers = [self._scaler(one, trained) for one in known.series]
        return make_forecasts(known, name, trained.net, scalers, self._plan.lookback, self._conformal, quantiles)

    def as_problem(self, table: Any) -> Problem:
        """Return the trained network with batches of this table's windows and its loss, for anything that looks inside.

        Args:
            table: as in predict; each series needs lookback + horizon rows.
        """
        self._require_fitted()
        known = self._read(table)
        scaled = [self._scaler(one, self._model).forward(one.values) for one in known.series]
        windows = WindowSet(scaled, self._plan.lookback, self.horizon, names=[one.id for one in known.series])
        name = known.target if isinstance(known.target, str) else "y"
        return as_problem(self._model.net, windows, batch_size=self.batch_size, shuffle=False, target=name)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model as a directory of model.json and weights.safetensors, whole or not at all.

        Args:
            path: the directory to make.
            overwrite: whether a model that is there is replaced.

        Returns:
            The directory.

        Raises:
            NotFittedError: before fit.
            OutputError: something is there already, or the place cannot be written.
        """
        from recuerdo.tasks.forecast_files import save_forecaster

        self._require_fitted()
        return save_forecaster(self, path, overwrite=overwrite)

    def fit_mlp(self, known: Panel) -> Forecasts:
        """Forecast by the baseline of as many parameters, an MLP over the flattened window trained on the same rows."""
        series, names = [one.values for one in known.series], [one.id for one in known.series]
        steps, size = self.report_.steps, self.report_.parameters
        trained = self._train(self._plan, series, names, "mlp", steps, None, self.report_.random_state, MLP, size)
        if trained.interrupted:
            raise KeyboardInterrupt  # half a training is no fair baseline
        return self._forecast(known, trained, MLP, ())

    @property
    def season_(self) -> int:
        """The season that fit settled on, in rows; 1 for none."""
        self._require_fitted()
        return self._plan.season

    def _train(
        self,
        plan: Plan,
        series: Sequence[Values],
        names: Sequence[object],
        cell: str,
        max_steps: int | None,
        max_seconds: float | None,
        random_state: int | None,
        label: str,
        parameters: int = 0,
    ) -> Trained:
        return train(
            self._shape(plan, cell, parameters),
            series,
            names,
            log=plan.log,
            max_steps=max_steps,
            max_seconds=max_seconds,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            random_state=random_state,
            device=resolve_device(self.device),
            verbose=self.verbose,
            label=label,
        )

    def _shape(self, plan: Plan, cell: str, parameters: int = 0) -> Shape:
        return Shape(
            cell=cell,
            strategy="direct" if cell == "mlp" else self.strategy,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            horizon=self.horizon,
            lookback=plan.lookback,
            season=plan.season,
            parameters=parameters,
        )

    def _read(self, table: Any) -> Panel:
        fitted = self._panel
        columns = {"date": fitted.date, "target": _as_given(fitted.target), "id": fitted.id}
        known = table if isinstance(table, Panel) else panel(table, **columns)
        if known.freq != fitted.freq:
            raise DataError(
                f"This table is {known.freq.words}, and the model was fitted on one that is {fitted.freq.words}: "
                f"give a table of the same frequency, or fit anew."
            )
        for one in known.series:
            if len(one.values) < self._plan.lookback:
                raise DataError(
                    f"Series {one.id!r} has {len(one.values)} rows, and the model looks back over "
                    f"{self._plan.lookback}: give at least that many."
                )
        return known

    def _scaler(self, one: Series, trained: Trained) -> Scaler:
        """The scaler that a series was fitted with; a new series gets one from the rows that are given of it."""
        if self._plan.log and np.min(one.values) <= 0:
            raise DataError(
                f"Series {one.id!r} has values of 0 or less, and the model was fitted on logarithms: fit anew "
                f"with log=False."
            )
        fitted = {each.id: scaler for each, scaler in zip(self._panel.series, trained.scalers, strict=True)}
        alone = len(fitted) == 1 and self._panel.id is None
        if alone or one.id in fitted:
            return trained.scalers[0] if alone else fitted[one.id]
        return Scaler.fitted(one.values, self._plan.log)

    def _require_fitted(self) -> None:
        if not hasattr(self, "_model"):
            raise NotFittedError("This Forecaster has learned nothing yet: call fit(table), or recuerdo.load(path).")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")


TRIAL_SHARE = 1 / 3
"""Of max_seconds, for the trial; the final fit takes as many steps on a few more rows, the MLP what is left."""


def _tail(one: Series, rows: int) -> Series:
    return replace(one, times=one.times[-rows:], values=one.values[-rows:])


def _as_given(target: str | tuple[str, ...]) -> str | list[str]:
    return target if isinstance(target, str) else list(target)
