"""The trials of a tuning: what is tried next, how long, what came of it, and when it is enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sklearn.base import clone

from recuerdo.data.windows import WindowSet
from recuerdo.errors import DataError, DivergedError, OptionError
from recuerdo.learn.progress import duration
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecast_training import auto_steps
from recuerdo.tasks.search_spaces import Space, combinations, own_labels
from recuerdo.tasks.studies import optuna_module, proposed
from recuerdo.tasks.tuning_rows import Field, Watch
from recuerdo.tasks.tunings import Trial, in_words

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

HOPELESS = 10
"""Trials that may fail before one has succeeded."""

REPEATS = 30
"""Proposals in a row that were all tried before, after which a search has seen what it prefers."""

USUAL = 0.5
"""Of the time that trials have taken on average: with less left, none is begun, for it would say little."""

LEAST_SECONDS = 1e-3
"""What a training is given whose preparation has used its time up: it takes a step or two."""

INTERRUPTED = "interrupted"

STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "unfinished"}
"""Optuna's words for the state of a trial, and ours."""


@dataclass(frozen=True, eq=False)
class Search:
    """A study, and how its trials are made.

    Attributes:
        forecaster: whose options stay where they are not searched.
        field: the rows.
        space: what is searched.
        study: Optuna's.
        seed: of the proposals and of every network.
    """

    forecaster: Forecaster
    field: Field
    space: Space
    study: Any
    seed: int

    def trials(self) -> tuple[Trial, ...]:
        """Return the trials so far, without proposals that had been tried before."""
        made = []
        for each in self.study.get_trials(deepcopy=False):
            own = each.user_attrs
            if each.state.name in STATES and "repeats" not in own:
                state, options = STATES[each.state.name], self._options(each)
                steps, seconds, why = own.get("steps"), own.get("seconds"), own.get("why", "")
                made.append(Trial(each.number, options, state, each.value, steps, seconds, why))
        return tuple(made)

    def conduct(self, deadline: float, most: float, max_trials: int | None, say: Callable[[str], None]) -> str:
        """Try one combination after the other, and return in words what ended it.

        Args:
            deadline: when to end, by time.monotonic.
            most: seconds of a trial.
            max_trials: how many, or None.
            say: called with a sentence after each.

        Raises:
            KeyboardInterrupt: the trial that Ctrl-C ended has failed; those before it are kept.
        """
        trials = self.trials()
        if not any(each.state == "finished" for each in trials) and not self._waiting():
            # The first trial is the forecaster as it is, so that the best is no worse than that.
            self.study.enqueue_trial(own_labels(self.space, self.forecaster, self.field.plan))
        made = 0
        while True:
            left = deadline - time.monotonic()
            if made == max_trials:
                return "ended after max_trials"
            if left <= (self._usual() if made else 0):
                return "ended after max_seconds"
            if made >= HOPELESS and not any(each.state == "finished" for each in self.trials()):
                return "ended because every trial failed"
            trial = self._untried()
            if trial is None:
                return "ended because all that was proposed had been tried"
            self._try(trial, min(left, most))
            made += 1
            say(self._sentence(trial.number, deadline - time.monotonic()))

    def _waiting(self) -> bool:
        return any(each.state.name == "WAITING" for each in self.study.get_trials(deepcopy=False))

    def _usual(self) -> float:
        """Seconds that another trial has to get."""
        took = [each.seconds for each in self.trials() if each.score is not None and each.seconds is not None]
        return USUAL * sum(took) / len(took) if took else 0.0

    def _untried(self) -> Any:
        """Return a trial of options that have not been tried, or None where none is proposed any more."""
        done = [each for each in self.trials() if each.state != "unfinished" and each.why != INTERRUPTED]
        tried = {repr(sorted(each.options.items())) for each in done}
        if len(tried) >= combinations(self.space):
            return None
        for _ in range(REPEATS):
            trial = proposed(self.study, self.space, self.seed)
            if repr(sorted(self._options(trial).items())) not in tried:
                return trial
            trial.set_user_attr("repeats", True)
            self.study.tell(trial, state=_state("FAIL"))
        return None

    def _options(self, trial: Any) -> dict[str, Any]:
        return {name: each.value(trial.params[name]) for name, each in self.space.items() if name in trial.params}

    def _try(self, trial: Any, seconds: float) -> None:
        """Make a trial, and tell the study what came of it."""
        began = time.monotonic()
        try:
            score, why = self._train(trial, seconds)
        except optuna_module().TrialPruned:
            self._tell(trial, began, "PRUNED")
        except (DataError, OptionError, DivergedError) as error:
            # Options that do not go with each other or with this table: one more thing that the search finds out.
            self._tell(trial, began, "FAIL", why=str(error))
        except KeyboardInterrupt:
            self._tell(trial, began, "FAIL", why=INTERRUPTED)
            raise
        else:
            self._tell(trial, began, "COMPLETE", score, why)

    def _tell(self, trial: Any, began: float, state: str, score: float | None = None, why: str = "") -> None:
        trial.set_user_attr("seconds", time.monotonic() - began)
        trial.set_user_attr("why", why)
        self.study.tell(trial, score, state=_state(state))

    def _train(self, trial: Any, seconds: float) -> tuple[float, str]:
        """Return the score of a trial's network, and what ended its training."""
        field, began = self.field, time.monotonic()
        model = with_options(self.forecaster, self._options(trial))
        # On a terminal each training has its bar; in a log one line for each trial is enough.
        model.set_params(verbose=False if self.forecaster.verbose is False else None)
        checked_options(model)
        plan = model._make_plan(field.earlier, field.plan.held_out)
        shape = model._shape(plan, model.cell)
        rows = make_rows(field.earlier, model._encoding(plan, field.before))
        lengths = [len(one.values) for one in field.before.series]
        windows = len(WindowSet(lengths, plan.lookback, model.horizon, least=plan.least))
        steps = model.max_steps or auto_steps(windows, plan.batch_size)

        def report(part: int, score: float) -> None:
            trial.report(score, part)
            if trial.should_prune():
                raise optuna_module().TrialPruned

        watched = model._watched(plan, field.earlier) if field.plan.watched else None
        watch = Watch(steps, lambda net: field.score(net, shape, rows), report)
        left = max(seconds - (time.monotonic() - began), LEAST_SECONDS)
        try:
            trained = model._train(
                plan,
                field.before,
                model.cell,
                steps,
                left,
                self.seed,
                f"trial {trial.number}",
                watched=watched,
                callbacks=[watch],
            )
        finally:
            trial.set_user_attr("steps", watch.taken)
        if trained.interrupted:
            raise KeyboardInterrupt
        return field.score(trained.net, shape, rows), str(trained.history.stopped)

    def _sentence(self, number: int, left: float) -> str:
        trials = self.trials()
        one = next(each for each in trials if each.number == number)
        scores = [each.score for each in trials if each.state == "finished" and each.score is not None]
        score = "" if one.score is None else f" {self.field.measure} {one.score:.3f}"
        best = f", best {min(scores):.3f}" if scores else ""
        why = f" ({one.why})" if one.state == "failed" else ""
        took, rest = duration(one.seconds or 0.0), duration(max(left, 0.0))
        return f"trial {number} {one.state}{why}{score}{best} · {in_words(one.options)} · {took}, {rest} left"


def _state(name: str) -> Any:
    return optuna_module().trial.TrialState[name]


def with_options(forecaster: Forecaster, options: Mapping[str, Any]) -> Forecaster:
    """Return an unfitted clone of a forecaster with some options changed."""
    return cast("Forecaster", clone(forecaster)).set_params(**options)
