"""What a Forecaster does in fit: plan, trial, baselines, and the training on all rows.

It stands apart from the face of the class, which is in :mod:`recuerdo.tasks.forecaster`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from recuerdo.data.calendar import calendar, calendar_names
from recuerdo.data.tables import Panel
from recuerdo.data.windows import WindowSet
from recuerdo.errors import OptionError
from recuerdo.learn import Callback
from recuerdo.nn import LAYERS
from recuerdo.tasks.backtests import MOST_WINDOWS, Backtest
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.conformal import Uncalibrated, errors_for
from recuerdo.tasks.ets_baseline import ETS, ets_forecasts, installed
from recuerdo.tasks.forecast_cores import parameter_count
from recuerdo.tasks.forecast_ensembles import Calibration, Ensemble
from recuerdo.tasks.forecast_inputs import Encoding
from recuerdo.tasks.forecast_options import levels_of, resolve_device
from recuerdo.tasks.forecast_plan import Plan, Wishes, make_plan, require_errors
from recuerdo.tasks.forecast_reading import require_complete, tail
from recuerdo.tasks.forecast_shapes import Shape
from recuerdo.tasks.forecast_streams import Stream
from recuerdo.tasks.forecast_training import MOST_WATCHED, Schedule, Trained, evenly, train
from recuerdo.tasks.forecast_trial import followed, judge
from recuerdo.tasks.report import LATE, STOPPED, Report

TRIAL_SHARE = 1 / 3
"""Of max_seconds, for the trial; the final fit takes as many steps on a few more rows, the baselines what is left."""

BASELINE_SHARE = 0.1
"""Of the time of both trainings, for each baseline that has to be fitted: the MLP and ETS."""

BASELINE_SECONDS = 1.0
"""What each of them may take in any case."""


class Fitting(BaseEstimator):
    """The options of a Forecaster, and what fit does with them."""

    horizon: int
    cell: str
    hidden_size: int | None
    num_layers: int
    dropout: float
    encoder: str
    segment: int | None
    strategy: str
    memory: str
    lookback: int | None
    season: int | None
    log: bool | str
    head: str
    loss: str
    quantiles: Sequence[float] | None
    calendar: str | Sequence[str]
    n_seeds: int
    trial: bool
    baselines: str | None
    max_steps: int | None
    max_seconds: float | None
    batch_size: int | None
    learning_rate: float
    random_state: int | None
    device: str
    verbose: bool | str | None

    report_: Report
    trial_: Backtest
    _tried: Ensemble
    _cut: bool
    _plan: Plan
    _ensemble: Ensemble
    _calibration: Calibration
    _panel: Panel
    _stream: Stream | None
    _learned: tuple[Any, ...]
    _settings: dict[str, Any]

    @property
    def name(self) -> str:
        """What tables call the model: the cell in the letters that people write it in."""
        return getattr(LAYERS.get(self.cell), "__name__", self.cell)

    @property
    def _least_errors(self) -> int:
        """Held-out errors that the quantiles need."""
        if not self.trial:
            return 1  # nothing calibrates them
        return max((errors_for(abs(2 * quantile - 1)) for quantile in self._levels), default=1)

    @property
    def _levels(self) -> tuple[float, ...]:
        """The quantiles that stand beside a forecast, ascending."""
        return levels_of(self.quantiles, trial=self.trial, head=self.head)

    def _make_plan(self, known: Panel, held_out: int | None = None, *, judged: bool | None = None) -> Plan:
        """Decide what fit does.

        Args:
            known: the panel.
            held_out: rows at the end of each series; None decides.
            judged: whether any are held out at all; None does as the option `trial` says.
        """
        needed = self._least_errors
        if held_out is None and not (self.trial if judged is None else judged):
            held_out = 0
        wishes = Wishes(
            strategy=self.strategy,
            memory=self.memory,
            season=self.season,
            lookback=self.lookback,
            encoder=self.encoder,
            segment=self.segment,
            log=self.log,
            steps=self.max_steps is None and self.trial,
            hidden_size=self.hidden_size,
            batch_size=self.batch_size,
        )
        plan = make_plan(
            [one.values for one in known.series],
            [one.id for one in known.series],
            self.horizon,
            natural_season=known.freq.season,
            wishes=wishes,
            least_errors=needed,
            held_out=held_out,
        )
        if plan.held_out:
            require_errors(followed(known, self._held_out_origins(plan, known, plan.judged), self.horizon), needed)
        if self.calendar and not isinstance(self.calendar, str):
            calendar(known.series[0].times[:1], known.freq, self.calendar)  # raises where a feature does not go with it
        if self.strategy == "recursive":
            _require_simple(known)
        return plan

    def _fit_panel(self, known: Panel, *, hold_trial: bool | None = None) -> Self:
        """Learn from a panel.

        Args:
            known: the panel.
            hold_trial: False decides all that a fit with a trial decides beforehand, and leaves the trial out; None
                does as the option says.
        """
        started = time.monotonic()
        plan = self._make_plan(known)
        held = self.trial if hold_trial is None else hold_trial
        before = dict(vars(self))
        try:
            final = self._fit_with_trial(known, plan, started) if held else self._fit_once(known, plan, started)
            kept, stream = tail(known, plan.lookback), Stream.of(final, known)
            self._settings = self.get_params()  # what was fitted, whatever is set later
            self._plan, self._ensemble = plan, final
            self._panel, self._stream = kept, stream
            self._learned = tuple(one.times[-1] for one in known.series)
        except BaseException:  # Ctrl-C while the series are read, too, leaves an earlier fit whole
            self.__dict__ = before
            raise
        return self

    def _fit_once(self, known: Panel, plan: Plan, started: float) -> Ensemble:
        """Train on all rows; how good that is nothing tells."""
        budget = None if self.max_seconds is None else self.max_seconds / self.n_seeds
        final = self._ensemble_of(plan, known, [self.random_state] * self.n_seeds, self.max_steps, budget, self.name)
        first, steps = final.members[0], final.members[0].history.steps
        if steps == 0:
            raise KeyboardInterrupt
        said = (*known.notes, plan.words)
        if final.shape.levels:
            said += ("the quantiles are the network's own: without a trial nothing calibrates them",)
        if final.interrupted:
            said += (f"interrupted: {len(final.members)} of {self.n_seeds} networks, after {steps} steps",)
        self.report_ = Report(
            model=self.name,
            scores={},
            windows=0,
            choices=said,
            steps=steps,
            seconds=time.monotonic() - started,
            random_state=first.seed,
            parameters=parameter_count(first.net),
            training_seconds=sum(each.history.seconds for each in final.members),
        )
        for name in ("trial_", "_tried"):  # of an earlier fit
            self.__dict__.pop(name, None)
        self._calibration, self._cut = Uncalibrated(), final.interrupted
        return final

    def _fit_with_trial(self, known: Panel, plan: Plan, started: float) -> Ensemble:
        """Train without the held-out rows, forecast them, and train on all rows as long."""
        before = known.split(plan.held_out)[0]
        budget = None if self.max_seconds is None else TRIAL_SHARE * self.max_seconds / self.n_seeds
        origins, watched = self._held_out_origins(plan, known, plan.judged), self._watched(plan, known)
        seeds = [self.random_state] * self.n_seeds
        tried = self._ensemble_of(plan, before, seeds, self.max_steps, budget, "trial", watched)
        history, seeds = tried.members[0].history, [each.seed for each in tried.members]
        steps, size = history.best_step or history.steps, parameter_count(tried.members[0].net)
        if history.steps == 0:
            raise KeyboardInterrupt
        models, notes, interrupted = {self.name: tried}, list[str](), tried.interrupted
        beside, left_out = dict[str, NDArray[np.float64]](), dict[str, str]()
        if not interrupted and self.baselines == "auto":
            allowed = max(BASELINE_SECONDS, BASELINE_SHARE * 2 * (time.monotonic() - started))
            mlp = self._train(plan, before, "mlp", history.steps, allowed, seeds[0], MLP, size, watched)
            if mlp.history.stopped == "max_seconds":
                notes.append(f"the {MLP} was left out: its training would have taken more than {allowed:.1f} s")
                left_out[MLP] = LATE
            elif not mlp.interrupted:
                models[MLP] = Ensemble((mlp,))
            interrupted = mlp.interrupted
            if not interrupted:
                values = [one.values for one in known.series]
                try:
                    beside, said, late = ets_forecasts(values, origins, self.horizon, plan.season, max_seconds=allowed)
                    notes += said
                    left_out |= {ETS: LATE} if late else {}
                except KeyboardInterrupt:
                    interrupted = True
        if interrupted and self.baselines == "auto":
            left_out |= {name: STOPPED for name in (MLP, *[ETS] * installed()) if name not in {*models, *left_out}}
        trial, calibration = judge(
            known,
            before,
            origins,
            models,
            season=plan.season,
            horizon=self.horizon,
            levels=self._levels,
            calibration=None,
            calibrate_on=self._held_out_origins(plan, known, plan.held_out) if plan.watched else None,
            baselines=self.baselines == "auto",
            beside=beside,
            left_out=left_out,
        )
        final, said = tried, (*known.notes, plan.words, *notes, *trial.notes, *trial.warnings())
        if not interrupted:
            # The same number of steps on all rows, so that the latest ones are learned from too.
            whole = self._ensemble_of(plan, known, seeds, steps, None, self.name)
            final = tried if whole.interrupted else whole
        if final is tried:
            said += (
                f"interrupted: the network of the trial is kept, after {steps} steps; it has not learned from the last "
                f"{plan.held_out} rows",
            )
        self.report_ = Report(
            model=self.name,
            scores=trial.scores(),
            windows=len(trial),
            choices=said,
            steps=steps,
            seconds=time.monotonic() - started,
            random_state=seeds[0],
            parameters=size,
            training_seconds=sum(each.history.seconds for each in final.members),
            seed_scores=trial.seed_scores(),
            left_out=left_out,
        )
        self.trial_, self._tried, self._calibration, self._cut = trial, tried, calibration, final is tried
        return final

    def fit_mlp(self, known: Panel) -> Ensemble:
        """Train the baseline of as many parameters, an MLP over the flattened window, on all rows of a panel."""
        steps, size = self.report_.steps, self.report_.parameters
        trained = self._train(self._plan, known, "mlp", steps, None, self.report_.random_state, MLP, size)
        if trained.interrupted:
            raise KeyboardInterrupt  # half a training is no fair baseline
        return Ensemble((trained,))

    def _ensemble_of(
        self,
        plan: Plan,
        known: Panel,
        seeds: Sequence[int | None],
        max_steps: int | None,
        max_seconds: float | None,
        label: str,
        watched: tuple[Panel, NDArray[np.int64]] | None = None,
    ) -> Ensemble:
        """Train a network for each seed; without seeds the first is drawn, and the others follow it.

        Where windows are watched the first chooses the number of steps for all.
        """
        members: list[Trained] = []
        for number, seed in enumerate(seeds):
            if members and seed == seeds[0]:
                seed = members[0].seed + number
            first = members[0].history if members else None
            steps = max_steps if first is None else first.best_step or first.steps
            called = label if len(seeds) == 1 else f"{label}, seed {number + 1} of {len(seeds)}"
            budget, watch = (None, None) if members else (max_seconds, watched)
            members.append(self._train(plan, known, self.cell, steps, budget, seed, called, watched=watch))
            if members[-1].interrupted:
                # What is half trained is no member of a mean, unless there is nothing else.
                return Ensemble(tuple(members[:-1] or members), cut=True)
        return Ensemble(tuple(members))

    def _train(
        self,
        plan: Plan,
        known: Panel,
        cell: str,
        max_steps: int | None,
        max_seconds: float | None,
        seed: int | None,
        label: str,
        parameters: int = 0,
        watched: tuple[Panel, NDArray[np.int64]] | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Trained:
        schedule = Schedule(
            max_steps=max_steps,
            max_seconds=max_seconds,
            batch_size=plan.batch_size,
            learning_rate=self.learning_rate,
            loss=self.loss,
            device=resolve_device(self.device),
            verbose=self.verbose,
        )
        return train(
            self._shape(plan, cell, parameters),
            known,
            self._encoding(plan, known),
            least=plan.least,
            schedule=schedule,
            random_state=seed,
            label=label,
            watched=watched,
            callbacks=callbacks,
        )

    def _encoding(self, plan: Plan, known: Panel) -> Encoding:
        names = calendar_names(known.freq) if self.calendar == "auto" else self.calendar
        return Encoding.fitted(known, plan.log, tuple(names))

    def _watched(self, plan: Plan, known: Panel) -> tuple[Panel, NDArray[np.int64]] | None:
        """The panel and the origins in it on which the number of steps is chosen, where the plan has such rows."""
        if not plan.watched:
            return None
        windows = self._held_out_windows(plan, known.split(plan.judged)[0], plan.watched)
        return known, windows.origins(evenly(len(windows), MOST_WATCHED))

    def _held_out_origins(self, plan: Plan, known: Panel, last: int) -> NDArray[np.int64]:
        """The origins from which the trial forecasts the last rows."""
        windows = self._held_out_windows(plan, known, last)
        return windows.origins(evenly(len(windows), MOST_WINDOWS))

    def _held_out_windows(self, plan: Plan, known: Panel, last: int) -> WindowSet:
        """The windows whose targets lie in the last rows."""
        lengths, names = [len(one.values) for one in known.series], [one.id for one in known.series]
        windows = WindowSet(lengths, plan.lookback, self.horizon, least=plan.least, names=names)
        return windows.split(last)[1]

    def _shape(self, plan: Plan, cell: str, parameters: int = 0) -> Shape:
        return Shape(
            cell=cell,
            strategy="direct" if cell == "mlp" else self.strategy,
            memory="window" if cell == "mlp" else self.memory,
            hidden_size=plan.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            horizon=self.horizon,
            lookback=plan.lookback,
            season=plan.season,
            segment=plan.segment,
            level_rows=plan.lookback,
            gated=plan.gated,
            head=self.head if self.strategy == "direct" else "point",
            levels=self._levels,
            parameters=parameters,
        )


def _require_simple(known: Panel) -> None:
    """Raise OptionError for a table that a recursive forecast cannot learn from."""
    if known.covariates or known.static:
        raise OptionError("Covariates need strategy='direct': a recursive forecast would have to forecast them too.")
    require_complete(known)
