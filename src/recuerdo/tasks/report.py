"""What a fit says of itself: its scores beside the baselines', and the choices it made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recuerdo.errors import OptionError
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.metrics import SCORES
from recuerdo.tasks.standings import Scores, Standing, columns, numbers, plain_row, sentence, stand

if TYPE_CHECKING:
    from recuerdo.learn import History
    from recuerdo.tasks.backtests import Backtest
    from recuerdo.tasks.forecasts import Forecasts

DECIDES = "MASE"
"""The score by which the best forecast is named."""

LATE, STOPPED = "for lack of time", "because Ctrl-C stopped the fit"
"""Why a baseline is not there that might have won."""

NO_TRIAL = "No trial was held, so how good it is is not known: backtest() tells."
"""What stands for scores where a fit has none."""

LEVEL = 0.005
"""By what share of a score two may differ and still be level: less than whole percents show."""


@dataclass(frozen=True)
class Report:
    """Scores of a model and its baselines on the same held-out windows, and how the model came about.

    Attributes:
        model: the model's name in the table.
        scores: name -> score -> value, the model first; empty without a trial.
        windows: forecasts that each score is the mean of.
        choices: what was decided from the data, in sentences.
        steps: optimiser steps; the same seed with max_steps at this number repeats the model.
        seconds: time that the whole fit took.
        random_state: the seed that was used, given or drawn.
        parameters: numbers that a network of the model learned.
        training_seconds: time that the final training took, without trial and baselines.
        seed_scores: seed -> score -> value of each network on its own, where several were averaged.
        left_out: baseline -> why the model was not compared with it, such as "for lack of time".
    """

    model: str
    scores: dict[str, dict[str, float]]
    windows: int
    choices: tuple[str, ...]
    steps: int
    seconds: float
    random_state: int
    parameters: int
    training_seconds: float = math.nan
    seed_scores: dict[int, dict[str, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def winner(self) -> str:
        """The name with the lowest MASE, or MAE where MASE is undefined; the baseline where two are level.

        Raises:
            OptionError: no trial was held.
        """
        return self.standing.winner

    @property
    def verdict(self) -> str:
        """Who wins, by how much, what follows, and what it was not compared with: a sentence, or a few."""
        return verdict(self.model, self.scores, self.left_out) if self.scores else NO_TRIAL

    @property
    def standing(self) -> Standing:
        """Who stands where, by the score that decides.

        Raises:
            OptionError: no trial was held.
        """
        if not self.scores:
            raise OptionError(NO_TRIAL)
        return standing(self.model, self.scores)

    @property
    def decisive(self) -> dict[str, tuple[float, bool]]:
        """The model's score that decides: name -> (value, whether more of it is better); empty without a trial."""
        return {self.standing.score: (self.standing.own, False)} if self.scores else {}

    def table(self) -> str:
        """Return the scores as a table in plain text; without a trial a sentence stands for it."""
        return score_table(self.scores) if self.scores else NO_TRIAL

    def __str__(self) -> str:
        if not self.scores:
            return "\n".join([NO_TRIAL, *self.choices])
        held = f"Mean over {self.windows} held-out forecast{'s' if self.windows != 1 else ''}:"
        said = [held, self.table(), self.verdict]
        if self.seed_scores:
            own = [row[DECIDES] for row in self.seed_scores.values()]
            said.append(f"{DECIDES} of its {len(own)} seeds, each on its own: {min(own):.3f} to {max(own):.3f}.")
        return "\n".join([*said, *self.choices])

    def to_html(
        self,
        path: str | Path,
        *,
        forecasts: Forecasts,
        trial: Backtest | None = None,
        histories: Sequence[History] = (),
    ) -> Path:
        """Write it as a page that needs no network; see :meth:`Forecaster.to_html`, which calls this.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.
            forecasts: the next values.
            trial: the held-out forecasts behind the scores; without them there are fewer pictures.
            histories: the trainings of the networks.

        Returns:
            The file.
        """
        from recuerdo.show import save_forecast_page

        return save_forecast_page(self, path, forecasts=forecasts, trial=trial, histories=histories)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a plain dict; scores that are undefined become None."""
        plain = asdict(self)
        plain["scores"] = {name: plain_row(row) for name, row in self.scores.items()}
        plain["seed_scores"] = [[seed, plain_row(row)] for seed, row in self.seed_scores.items()]
        plain["training_seconds"] = None if math.isnan(self.training_seconds) else self.training_seconds
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Report:
        """Return the report that `to_json` wrote."""
        seconds = plain.get("training_seconds")
        return cls(
            **{
                **plain,
                "scores": {name: numbers(row) for name, row in plain["scores"].items()},
                "choices": tuple(plain["choices"]),
                "training_seconds": math.nan if seconds is None else seconds,
                "seed_scores": {seed: numbers(row) for seed, row in plain.get("seed_scores", [])},
            }
        )


def verdict(model: str, scores: Scores, left_out: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return one sentence on the model against its best baseline, and one on each that it was not compared with.

    Args:
        model: the model's name.
        scores: name -> score -> value, the model and its baselines.
        left_out: baseline -> why it is not among them.

    Example:
        >>> print(verdict("GRU", {"GRU": {"MASE": 0.5}, "naive": {"MASE": 1.0}}))
        GRU wins: MASE 0.500, against 1.000 for naive, the best baseline (50 % less).
    """
    found = standing(model, scores)
    margin = f"{100 * (1 - found.own / found.other):.0f} % less" if found.other else ""
    remedy = "more data, another lookback or another cell"
    said = sentence(model, found, ".3f", margin, usable=found.best != MLP, remedy=remedy, partial=bool(left_out))
    return " ".join([said, *(_unknown(model, found, name, why) for name, why in left_out.items())])


def _unknown(model: str, found: Standing, name: str, why: str) -> str:
    """What is not known where a baseline was left out."""
    the = "The " if name == MLP else ""
    open_question = "how good it is"
    if found.winner == model:
        open_question = "whether the recurrence pays" if name == MLP else "whether it is better"
    return f"{the}{name} was left out {why}, so {open_question} is not known."


def standing(model: str, scores: Scores) -> Standing:
    """Return who stands where, by MASE, or by MAE where MASE is undefined."""
    score = "MAE" if any(math.isnan(row[DECIDES]) for row in scores.values()) else DECIDES
    return stand(model, scores, score, share=LEVEL)


def score_table(scores: Scores) -> str:
    """Return name -> score -> value as a table in plain text."""
    return columns(scores, SCORES, "{:.3f}".format)
