"""What a tuning found: the trials, the best options, and a forecaster with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster


@dataclass(frozen=True)
class Trial:
    """One combination of options and what came of it.

    Attributes:
        number: from 0, in the order in which they were proposed.
        options: what was tried.
        state: "finished"; "pruned", ended early because it fell behind; "failed"; or "unfinished", where a process
            ended in the middle of it, or is at it now.
        score: finished, its score; pruned, the last one before it was ended; else None.
        steps: optimiser steps taken; None where the trial came to no end.
        seconds: it took; None likewise.
        why: what ended the training of a finished trial ("max_steps", "max_seconds"), or, in words, what went wrong.
    """

    number: int
    options: Mapping[str, Any]
    state: str
    score: float | None
    steps: int | None
    seconds: float | None
    why: str


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search for better options came to.

    Attributes:
        trials: all of the study, those of earlier calls as well, in their order.
        measure: what was made small: "MASE", or "MAE" where MASE is undefined.
        forecaster: unfitted, with the best options.
        name: of the study.
        storage: where it is kept.
        seconds: that this call took.
        notes: what was looked at and how it ended, in sentences.
        kind: what the table was, and frame() gives.
    """

    trials: tuple[Trial, ...]
    measure: str
    forecaster: Forecaster
    name: str
    storage: str
    seconds: float
    notes: tuple[str, ...]
    kind: Any

    @property
    def best_trial(self) -> Trial:
        """The finished trial with the lowest score."""
        return best_of(self.trials)

    @property
    def best(self) -> dict[str, Any]:
        """The options of the best trial, by name: of those that were searched."""
        return dict(self.best_trial.options)

    @property
    def score(self) -> float:
        """The best trial's score: the lowest of many on the same windows, so a fit's own trial will be less kind."""
        score = self.best_trial.score
        assert score is not None
        return score

    def table(self) -> str:
        """Return the trials as a table in plain text, the best first, those without a score last."""
        names = list(self.best_trial.options)
        head = ["trial", self.measure, "state", "seconds", "steps", *names]
        rows = [head, *([_cell(value) for value in self._row(each)] for each in sorted(self.trials, key=_rank))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)

    def frame(self) -> Any:
        """Return the trials as a table of the kind that came in, a row for each in their order."""
        import narwhals as nw

        names = list(self.best_trial.options)
        columns: dict[str, list[Any]] = {
            name: [] for name in ("trial", self.measure, "state", "seconds", "steps", *names, "why")
        }
        for each in self.trials:
            for column, value in zip(columns.values(), (*self._row(each), each.why), strict=True):
                column.append(value if value is None or isinstance(value, str | int | float) else repr(value))
        return nw.from_dict(columns, backend=self.kind).to_native()

    def _row(self, each: Trial) -> list[Any]:
        options = [each.options.get(name) for name in self.best_trial.options]
        return [each.number, each.score, each.state, each.seconds, each.steps, *options]

    def __str__(self) -> str:
        best = self.best_trial
        return "\n".join(
            [self.table(), f"Best: {in_words(best.options)} ({self.measure} {self.score:.3f}).", *self.notes]
        )


def best_of(trials: tuple[Trial, ...]) -> Trial:
    """Return the finished trial with the lowest score, the earlier of two that are equal."""
    return min((each for each in trials if each.state == "finished"), key=_rank)


def in_words(options: Mapping[str, Any]) -> str:
    """Return options as they are written in a call.

    Example:
        >>> in_words({"hidden_size": 64, "learning_rate": 0.0012345})
        'hidden_size=64, learning_rate=0.00123'
    """
    return ", ".join(f"{name}={_written(value)}" for name, value in options.items())


def _written(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else repr(value)


def _rank(each: Trial) -> tuple[int, float, int]:
    """Finished ones by score, then pruned ones, then the others."""
    place = ("finished", "pruned", "failed", "unfinished").index(each.state)
    return place, (each.score or 0.0) if place == 0 else 0.0, each.number


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else _written(value)
