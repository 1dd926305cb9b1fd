"""What a fit says of itself: its scores beside the baselines', and the choices it made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recuerdo.errors import OptionError
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.metrics import SCORES

if TYPE_CHECKING:
    from recuerdo.learn import History
    from recuerdo.tasks.backtests import Backtest
    from recuerdo.tasks.forecasts import Forecasts

DECIDES = "MASE"
"""The score by which the best forecast is named."""

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

    @property
    def winner(self) -> str:
        """The name with the lowest MASE, or MAE where MASE is undefined; the baseline where two are level.

        Raises:
            OptionError: no trial was held.
        """
        return self.standing.winner

    @property
    def verdict(self) -> str:
        """One sentence: who wins, by how much, and what follows."""
        return verdict(self.model, self.scores) if self.scores else NO_TRIAL

    @property
    def standing(self) -> Standing:
        """Who stands where, by the score that decides.

        Raises:
            OptionError: no trial was held.
        """
        if not self.scores:
            raise OptionError(NO_TRIAL)
        return standing(self.model, self.scores)

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
        plain["scores"] = {name: _plain(row) for name, row in self.scores.items()}
        plain["seed_scores"] = [[seed, _plain(row)] for seed, row in self.seed_scores.items()]
        plain["training_seconds"] = None if math.isnan(self.training_seconds) else self.training_seconds
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Report:
        """Return the report that `to_json` wrote."""
        seconds = plain.get("training_seconds")
        return cls(
            **{
                **plain,
                "scores": {name: _numbers(row) for name, row in plain["scores"].items()},
                "choices": tuple(plain["choices"]),
                "training_seconds": math.nan if seconds is None else seconds,
                "seed_scores": {seed: _numbers(row) for seed, row in plain.get("seed_scores", [])},
            }
        )


def _plain(row: Mapping[str, float]) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in row.items()}


def _numbers(row: Mapping[str, float | None]) -> dict[str, float]:
    return {key: math.nan if value is None else value for key, value in row.items()}


def verdict(model: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return one sentence on the model against its best baseline.

    Example:
        >>> print(verdict("GRU", {"GRU": {"MASE": 0.5}, "naive": {"MASE": 1.0}}))
        GRU wins: MASE 0.500, against 1.000 for naive, the best baseline (50 % less).
    """
    found = standing(model, scores)
    score, best, own, other = found.score, found.best, found.own, found.other
    if best is None:
        return f"{model}: no baseline was asked for, so whether it is any good is not known."
    if found.level:
        return (
            f"{model} and {best} are level: {score} {own:.3f} and {other:.3f}. The model adds nothing to this baseline."
        )
    if found.winner == model:
        less = 100 * (1 - own / other)
        return (
            f"{model} wins: {score} {own:.3f}, against {other:.3f} for {best}, the best baseline ({less:.0f} % less)."
        )
    advice = "The recurrence does not pay here: give" if best == MLP else f"Use {best}, or give"
    return (
        f"{best} wins: {score} {other:.3f}, against {own:.3f} for {model}. {advice} the model more data, another "
        f"lookback or another cell."
    )


@dataclass(frozen=True)
class Standing:
    """Who stands where.

    Attributes:
        score: the score that decides: MASE, or MAE where MASE is undefined.
        winner: the name with the lowest; the baseline where two are level.
        best: the best baseline; None without any.
        own, other: the score of the model, and of the best baseline.
        level: whether the two differ by less than shows.
    """

    score: str
    winner: str
    best: str | None
    own: float
    other: float
    level: bool


def standing(model: str, scores: Mapping[str, Mapping[str, float]]) -> Standing:
    """Return who stands where, by the score that decides."""
    score = "MAE" if any(math.isnan(row[DECIDES]) for row in scores.values()) else DECIDES
    own = scores[model][score]
    best = min((name for name in scores if name != model), key=lambda name: scores[name][score], default=None)
    if best is None:
        return Standing(score, model, None, own, math.nan, False)
    other = scores[best][score]
    level = abs(own - other) <= LEVEL * other
    return Standing(score, best if level or other < own else model, best, own, other, level)


def score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return name -> score -> value as a table in plain text."""
    width = max(map(len, scores))
    lines = [" " * width + "".join(f"{name:>10}" for name in SCORES)]
    for name, row in scores.items():
        cells = (f"{row[score]:>10.3f}" if not math.isnan(row[score]) else f"{'undefined':>10}" for score in SCORES)
        lines.append(f"{name:<{width}}" + "".join(cells))
    return "\n".join(lines)
