"""Forecaster: a table goes in, a table of forecasts comes out, on the user's own scale and calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from recuerdo.data.covariates import ahead
from recuerdo.data.tables import Panel, panel
from recuerdo.data.windows import WindowSet
from recuerdo.errors import NotFittedError, OptionError
from recuerdo.learn import Problem
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.forecast_backtests import backtest
from recuerdo.tasks.forecast_ensembles import Ensemble
from recuerdo.tasks.forecast_fitting import Fitting
from recuerdo.tasks.forecast_heads import make_head
from recuerdo.tasks.forecast_inputs import Encoding, make_rows
from recuerdo.tasks.forecast_losses import Objective
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecast_reading import followed_by, read_again, read_following, require_complete, tail
from recuerdo.tasks.forecast_running import COLUMNS
from recuerdo.tasks.forecast_streams import Stream
from recuerdo.tasks.forecast_training import as_problem, rows_for, series_units
from recuerdo.tasks.forecasts import Forecasts, make_forecasts
from recuerdo.tasks.naive2 import is_seasonal

if TYPE_CHECKING:
    from recuerdo.tasks.tunings import Tuning


class Forecaster(Fitting):
    """Forecasts the next values of one or many series by a recurrent network, beside the baselines that it has to beat.

    A fit trains twice: once without the last rows, which are then forecast to get honest scores and intervals (the
    trial), and once on everything. The network forecasts the correction to a mixture of simple forecasts, window by
    window on the window's own scale.

    Args:
        horizon: K, how many steps ahead.
        cell: "gru", "lstm", "frnn" or "indrnn".
        hidden_size: H, units of a layer; None decides from the number of windows, 32 to 128.
        num_layers: L, layers.
        dropout: share dropped in training, of the last state, and between layers where there are several.
        encoder: "steps" reads a window row by row; "segments" embeds each season, or a part of it, as one step of the
            recurrence, which is faster and remembers further; "auto" takes segments where a window holds six or more.
        segment: rows of a segment; None takes a season, or its largest divisor up to 24.
        strategy: "direct" forecasts all K steps from the last state and learns from the whole horizon; "recursive"
            forecasts one step, learns from every step, and feeds its forecasts back.
        memory: "window" reads the last `lookback` rows anew for each forecast; "running" keeps a state that runs along
            each series from its first row, so that `update` takes each new value in one step.
        lookback: input rows of a window; None takes two seasons, and up to fourteen where there are rows for it.
        season: rows of a season, 1 for none; None takes it from the time stamps.
        log: whether to take logarithms; "auto" does where swings grow with the level.
        head: "point" answers one number for each step; "quantiles" learns the quantiles themselves, "gaussian" and
            "student_t" a distribution, where how sure one can be changes from window to window.
        loss: what a number learns by: "mae", the absolute error in units of the window's spread; "mse", the squared
            error; "owa", sMAPE and MASE half and half, as the M4 competition scores.
        quantiles: which quantiles stand beside the forecast; pairs such as 0.1 and 0.9 bound an interval of 80 %,
            calibrated on the held-out rows (conformal). None takes these two, and none where neither a trial nor the
            head gives any; () asks for none.
        calendar: names of calendar features, such as ("hour", "weekday"); "auto" takes those that go with the
            frequency, () none.
        n_seeds: how many networks, which differ by their seed alone, are averaged.
        trial: False trains once, on all rows, with no rows held out: no scores, no baselines, no intervals of a number,
            and the quantiles of a head as it says them, uncalibrated. For those who judge by a backtest, or know how
            good it is.
        baselines: "auto" compares with naive, seasonal naive, drift, an MLP of as many parameters and, in the trial of
            a fit and where the extra `baselines` is installed, automatic ETS; the last two take a tenth of the fit's
            time, or a second, at most each, and are left out where that is too short. None compares with nothing.
        max_steps: optimiser steps; None decides from the number of windows.
        max_seconds: a budget for the whole fit; the learning rate's schedule fits itself to it.
        batch_size: windows of a step; None decides from the number of windows, 32 to 128.
        learning_rate: the highest learning rate of AdamW.
        random_state: a seed; None draws one, which report_ tells.
        device: "auto" takes a CUDA device if there is one, else the CPU.
        verbose: True shows progress, False does not, None does on a terminal; "brief" does there, and writes one line
            for each training elsewhere.

    Attributes:
        report_: after fit, the scores beside the baselines', the choices made, steps, seconds and seed.
        trial_: after fit, every held-out forecast behind these scores (not saved with the model, nor there with
            trial=False).

    Example:
        >>> import recuerdo as rc
        >>> table = rc.data.air_passengers()
        >>> model = rc.Forecaster(horizon=12, max_steps=5, random_state=0).fit(table)
        >>> forecast = model.predict()
        >>> forecast.columns, forecast.height
        (['month', 'passengers', 'passengers-10', 'passengers-90'], 12)
    """

    def __init__(
        self,
        horizon: int,
        *,
        cell: str = "gru",
        hidden_size: int | None = None,
        num_layers: int = 1,
        dropout: float = 0.0,
        encoder: str = "auto",
        segment: int | None = None,
        strategy: str = "direct",
        memory: str = "window",
        lookback: int | None = None,
        season: int | None = None,
        log: bool | str = "auto",
        head: str = "point",
        loss: str = "mae",
        quantiles: Sequence[float] | None = None,
        calendar: str | Sequence[str] = (),
        n_seeds: int = 1,
        trial: bool = True,
        baselines: str | None = "auto",
        max_steps: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        learning_rate: float = 2e-3,
        random_state: int | None = None,
        device: str = "auto",
        verbose: bool | str | None = None,
    ) -> None:
        self.horizon = horizon
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.encoder = encoder
        self.segment = segment
        self.strategy = strategy
        self.memory = memory
        self.lookback = lookback
        self.season = season
        self.log = log
        self.head = head
        self.loss = loss
        self.quantiles = quantiles
        self.calendar = calendar
        self.n_seeds = n_seeds
        self.trial = trial
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
        past: Sequence[str] = (),
        future: Sequence[str] = (),
        static: Any = (),
    ) -> Self:
        """Learn from a table of one or many series.

        Args:
            table: a pandas, polars or pyarrow frame, or the path of a CSV or Parquet file, or of a folder of them.
            date: the column of time stamps; found if there is one.
            target: the column to forecast; found if there is one. A list makes one series of each column.
            id: the column that tells series apart, in a long table.
            past: columns that help to forecast and are known up to now, numbers or categories.
            future: columns that are known ahead too, such as holidays or prices; predict is then given them.
            static: columns that are the same in all rows of a series, or a table with one row for each id.

        Returns:
            The forecaster itself.

        Raises:
            DataError: the table cannot be read as series, or has too few rows.
            OptionError: an argument of the forecaster is out of range.
            DivergedError: training left the finite numbers.
        """
        checked_options(self)
        return self._fit_panel(panel(table, date=date, target=target, id=id, past=past, future=future, static=static))

    def check(self, table: Any, **columns: Any) -> str:
        """Return in one line what fit would decide for this table, or raise what it would raise before any training.

        Args:
            table: as in fit.
            **columns: date, target, id, past, future, static, as there.
        """
        checked_options(self)
        return self._make_plan(panel(table, **columns)).words

    def read(self, table: Any) -> Panel:
        """Read a table as that of fit was: its columns, frequency and categories.

        Args:
            table: as in predict.

        Raises:
            NotFittedError: before fit.
            DataError: the table cannot be read so.
        """
        self._require_fitted()
        return read_again(self._panel, table)

    def predict(self, table: Any = None, *, future: Any = None) -> Any:
        """Forecast the next K values of each series.

        Args:
            table: the series' known rows up to now, as in fit; None continues those of fit, and of update. A series
                that was not there in fit is forecast too. Static columns that it has count as they are there, those
                that it lacks as they were in fit. With memory="running" give all rows: each is read.
            future: the next K rows of each series with the columns that fit was told are known ahead: a table with the
                time stamps, and the id if there is one.

        Returns:
            A frame of the kind that came in: the id if there is one, the time stamps that follow, the forecast under
            the target's own name, and one column for each quantile, such as "y-10".

        Raises:
            NotFittedError: before fit.
            DataError: the table cannot be read, is of another frequency, or lacks rows of what is known ahead.
        """
        return self.forecast(table, future=future).frame()

    def forecast(self, table: Any = None, *, future: Any = None) -> Forecasts:
        """Forecast as `predict` does, and return the numbers by series, with a picture of them in `.plot()`."""
        self._require_fitted()
        known, stream = (self._panel, self._stream) if table is None else (read_again(self._panel, table), None)
        return self._forecast(known, self._ensemble, self.report_.model, self._ensemble.shape.levels, future, stream)

    def _forecast(
        self,
        known: Panel,
        ensemble: Ensemble,
        name: str,
        levels: Sequence[float],
        future: Any = None,
        stream: Stream | None = None,
    ) -> Forecasts:
        names = [each.name for each in ensemble.encoding.future]
        if future is None and names:
            raise OptionError(
                f"The model was fitted with {', '.join(map(repr, names))} as known ahead: give future=, a table with "
                f"the next {self.horizon} time stamps of each series and these columns."
            )
        if future is not None and not names:
            raise OptionError("future= was given, and the model was fitted without columns that are known ahead.")
        if ensemble.shape.strategy == "recursive":
            require_complete(tail(known, ensemble.shape.lookback), ensemble.shape.lookback)
        known_ahead = None if future is None else ahead(known, future, self.horizon)
        return make_forecasts(known, name, ensemble, self._calibration, levels, known_ahead, stream)

    def update(self, rows: Any) -> Self:
        """Take the next rows of some series, so that predict, told no table, forecasts what follows them.

        Nothing is learned from them: the networks stay as they are. Afterwards predict() forecasts as predict(table)
        does with the whole history. With memory="running" each value is one step of the recurrence (with segments, one
        step and the embedding of one segment), however long the series is; with memory="window" the last `lookback`
        rows are kept, and predict reads them.

        Args:
            rows: the rows that follow the last known ones of each series in it, in any kind of table that fit takes,
                with its columns; static ones stay as they were. Rows that are missing between are rows without a value.

        Returns:
            The forecaster itself.

        Raises:
            NotFittedError: before fit.
            DataError: the table cannot be read, has a row that is not behind the last one, or a series that was not
                there in fit; nothing is taken then.

        Example:
            >>> import recuerdo as rc
            >>> table = rc.data.air_passengers()
            >>> model = rc.Forecaster(horizon=12, max_steps=5, random_state=0, memory="running").fit(table[:-1])
            >>> model.update(table[-1:]).predict()["month"][0]
            '1961-01'
        """
        self._require_fitted()
        numbers, new = read_following(self._panel, rows)
        if self._ensemble.shape.strategy == "recursive":
            require_complete(new)
        made = make_rows(new, self._ensemble.encoding)  # with a window too: it raises for what the model cannot take
        stream = self._stream
        if stream is not None:
            tables = [made.table[start:][:length] for start, length in zip(made.starts, made.lengths, strict=True)]
            stream = stream.read(numbers, tables)
        known = followed_by(self._panel, numbers, new, self._plan.lookback)
        self._panel, self._stream = known, stream  # both or, where Ctrl-C comes before, neither
        return self

    def backtest(
        self, table: Any, *, windows: int = 5, stride: int | None = None, refit: bool | str = False, **columns: Any
    ) -> Backtest:
        """Forecast from several origins among the last rows, and compare with what came true.

        Args:
            table: as in fit.
            windows: origins of each series.
            stride: rows from one origin to the next; None takes the horizon, so that no row is forecast twice.
            refit: False fits once on the rows before the first origin; True fits anew before each origin; "never"
                takes this forecaster as it was fitted, which must have been on rows before the first origin. Such a fit
                holds a trial where that decides or calibrates something: with max_steps and quantiles=() it does not.
            **columns: date, target, id, past, future, static, as in fit. Without any of them those of fit are taken,
                where there was one and the table has them.

        Returns:
            The forecasts, their scores beside the baselines', and tables by series, horizon step and origin. This
            forecaster is left as it is.

        Raises:
            DataError: a series has too few rows before the first origin.
            OptionError: a number is out of range, or with refit="never" the forecaster has seen rows to be forecast.
        """
        checked_options(self)
        return backtest(self, table, windows=windows, stride=stride, refit=refit, columns=columns)

    def to_html(self, path: str | Path, *, future: Any = None) -> Path:
        """Write what was chosen, the scores, the forecasts and the held-out windows as a page that needs no network.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.
            future: as in predict, where columns are known ahead.

        Returns:
            The file. A model that was loaded has no held-out forecasts any more: its page has the scores alone, and
            one without a trial not even these.

        Raises:
            NotFittedError: before fit.
            OptionError: another ending, or future= is missing.
            OutputError: the file cannot be written.
        """
        self._require_fitted()
        trial = getattr(self, "trial_", None)
        fitted = None if trial is None else trial.known
        if fitted is not None and self._learned != tuple(one.times[-1] for one in self._panel.series):
            fitted = None  # rows have followed: the page goes on behind them
        forecasts = self.forecast(fitted, future=future)
        histories = [each.history for each in self._ensemble.members]
        return self.report_.to_html(path, forecasts=forecasts, trial=trial, histories=histories)

    def tune(
        self,
        table: Any,
        *,
        max_seconds: float,
        max_trials: int | None = None,
        space: Mapping[str, Any] | None = None,
        held_out: int | None = None,
        storage: str | Path | None = None,
        name: str | None = None,
        **columns: Any,
    ) -> Tuning:
        """Search for better options, by trials that Optuna proposes, keeps and ends early where they fall behind.

        The last rows, which the trial of a fit holds out, are set apart before anything else and never read. A network
        learns from the first rows and forecasts those between. The lowest MASE of these forecasts (MAE where MASE is
        undefined) is the best.

        Args:
            table: as in fit.
            max_seconds: for this call; no trial takes more than a fifth of it.
            max_trials: for this call; None sets no limit.
            space: option -> a list of choices, or (low, high), a range; None searches hidden_size, lookback, encoder,
                dropout and learning_rate, as far as this forecaster leaves them at their defaults.
            held_out: rows at the end of each series that are set apart; None takes those that fit holds out. A
                backtest that shall judge the tuned forecaster fairly needs all rows behind its first origin set apart:
                horizon + stride * (windows - 1).
            storage: the file where the trials are kept (SQLite), or the URL of a database that Optuna knows; None
                takes recuerdo-tune.db in the present directory.
            name: of the study in it, which a later call of the same name goes on with. None derives one from the
                table, the space and the options, so that the same call goes on and another one begins its own.
            **columns: date, target, id, past, future, static, as in fit.

        Returns:
            The trials, the best options, and in `.forecaster` an unfitted forecaster with them. This one is left as it
            is. Ctrl-C ends the search and keeps what is there.

        Raises:
            DataError: the table cannot be read, or has too few rows.
            OptionError: an argument or the space is not what it has to be, the study of that name is of another table,
                space or options, every trial failed, or the extra `tune` is not installed.
            OutputError: the storage cannot be written, or is no file of Optuna's.
        """
        from recuerdo.tasks.forecast_tuning import tune

        checked_options(self)
        return tune(
            self,
            table,
            columns,
            max_seconds=max_seconds,
            max_trials=max_trials,
            space=space,
            held_out=held_out,
            storage=storage,
            name=name,
        )

    def as_problem(self, table: Any) -> Problem:
        """Return the trained network with batches of this table's windows and its loss, for anything that looks inside.

        Args:
            table: as in predict; each series needs lookback + horizon rows.
        """
        self._require_fitted()
        known, trained, plan = read_again(self._panel, table), self._ensemble.members[0], self._plan
        rows = make_rows(known, trained.encoding)
        windows = WindowSet(rows.lengths, plan.lookback, self.horizon, names=[one.id for one in known.series])
        objective = Objective(self.loss, make_head(trained.shape.head, trained.shape.levels), plan.log)
        name = known.target if isinstance(known.target, str) else "y"
        names = _column_names(trained.encoding, rows.table.shape[1] - 1)
        problem = as_problem(
            trained.net,
            rows_for(trained.net, rows),
            windows,
            objective,
            units=series_units(known, rows, plan.season) if self.loss == "owa" else None,
            batch_size=plan.batch_size,
            shuffle=False,
            labels=(name, *(COLUMNS if trained.shape.memory == "running" else ()), *names),
        )
        return replace(problem, history=trained.history, needed=_beyond(known, plan.lookback))

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

    @property
    def season_(self) -> int:
        """The season that fit settled on, in rows; 1 for none."""
        self._require_fitted()
        return self._plan.season

    def _require_fitted(self) -> None:
        if not hasattr(self, "_ensemble"):
            raise NotFittedError("This Forecaster has learned nothing yet: call fit(table), or recuerdo.load(path).")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_ensemble")


def _beyond(known: Panel, lookback: int) -> int | None:
    """The season of the time stamps, where half of the series or more have it and no window shows it."""
    season = known.freq.season
    if season <= lookback:
        return None
    seasonal = [is_seasonal(one.values, season) for one in known.series]
    return season if 2 * sum(seasonal) >= len(seasonal) else None


def _column_names(encoding: Encoding, count: int) -> list[str]:
    """Names for the columns of a window behind the target."""
    names: list[str] = []
    for each in (*encoding.past, *encoding.future):
        own = [each.name] if each.categories is None else [f"{each.name}={one}" for one in each.categories]
        names += own + [f"{each.name} missing"] * each.marks
    return names + [f"calendar {number}" for number in range(count - len(names))]
