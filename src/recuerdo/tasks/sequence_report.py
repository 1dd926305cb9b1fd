"""What the fit of a classifier or a regressor says of itself: its scores beside the baselines', and its choices."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from recuerdo.errors import OptionError
from recuerdo.tasks.class_metrics import CLASS_SCORES, class_scores
from recuerdo.tasks.number_metrics import NUMBER_SCORES, number_scores
from recuerdo.tasks.sequence_baselines import MLP, STEP_MLP
from recuerdo.tasks.standings import Scores, Standing, columns, numbers, plain_row, sentence, stand
from recuerdo.tasks.warping_baseline import DTW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECIDES = {"classes": "accuracy", "numbers": "RMSE"}
"""The score by which the best is named, where no other was asked for."""

NO_TRIAL = "No trial was held, so how good it is is not known: score(X, y) on held-out sequences tells."
"""What stands for scores where a fit has none."""

LEVEL = 0.005
"""Two accuracies are level that differ by no more than this, or by one row; two RMSE, by no more than this share."""

MOST_PRINTED = 12
"""Classes up to which the confusion is printed."""

MOST_PAIRS = 5
"""Of more classes, pairs that are taken for each other and said."""

MOST_POINTS = 2_000
"""Rows whose truth and answer are kept."""

Label = str | int | float | bool


@dataclass(frozen=True)
class SequenceReport:
    """Scores of a model and its baselines on the same held-out sequences or steps, and how the model came about.

    Attributes:
        model: the model's name in the table.
        kind: "classes" or "numbers", what is judged.
        scores: name -> score -> value, the model first; empty without a trial.
        rows: how many verdicts each score is over.
        choices: what was decided from the data, in sentences.
        skipped: which baselines were left out and why, in sentences.
        steps: optimiser steps of the training on all sequences, of the first network where there are several. Where no
            clock ended it (max_seconds, Ctrl-C), the same seed with max_steps at this number trains the same networks;
            after early_stop another trial then finds another temperature.
        seconds: time that the whole fit took.
        random_state: the seed that was used, given or drawn.
        parameters: numbers that a network of the model learned.
        classes: the C classes, in the order of probabilities; empty for numbers.
        confusion: C rows, one for each true class, of how often the model gave each verdict; empty without a trial.
        temperature: what the logits are divided by; None where none was fitted.
        training_seconds: time that the final training took, without trial and baselines.
        seed_scores: seed -> score -> value of each network on its own, where several were averaged.
        unit: what a row is: "sequence", or where every step has a verdict "step", or "word" of texts.
        points: (truth, answer) of rows that were held out, of 2,000 at most, where each is one number.
        decides: the score by which the best is named; "" for the accuracy, or the RMSE of numbers. With
            class_weight="balanced" it is the macro-F1, in which each class counts as much.

    Raises:
        OptionError: a class is neither text nor a number nor a truth value.

    Example:
        >>> scores = {"GRU": {"accuracy": 0.9}, "majority class": {"accuracy": 0.6}}
        >>> SequenceReport("GRU", "classes", scores, 40, (), (), 300, 1.5, 0, 3517, ("no", "yes")).verdict
        'GRU wins: accuracy 0.900, against 0.600 for majority class, the best baseline (30.0 points more).'
    """

    model: str
    kind: Literal["classes", "numbers"]
    scores: dict[str, dict[str, float]]
    rows: int
    choices: tuple[str, ...]
    skipped: tuple[str, ...]
    steps: int
    seconds: float
    random_state: int
    parameters: int
    classes: tuple[Label, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    temperature: float | None = None
    training_seconds: float = math.nan
    seed_scores: dict[int, dict[str, float]] = field(default_factory=dict)
    unit: str = "sequence"
    points: tuple[tuple[float, float], ...] = ()
    decides: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(_plain_label(label) for label in self.classes))
        confusion = tuple(tuple(map(int, row)) for row in self.confusion)
        object.__setattr__(self, "confusion", confusion)

    @property
    def winner(self) -> str:
        """The name with the best of the score that decides; the baseline where two are level.

        Raises:
            OptionError: no trial was held.
        """
        return self.standing.winner

    @property
    def beaten(self) -> bool:
        """Whether a baseline is better, by more than counts: then the verdict is worth a warning."""
        return bool(self.scores) and self.winner != self.model and not self.standing.level

    @property
    def verdict(self) -> str:
        """One sentence: who wins, by how much, and what follows."""
        if not self.scores:
            return NO_TRIAL
        found = self.standing
        usable = found.best not in (MLP, STEP_MLP)
        if self.kind == "classes":
            margin, number = f"{100 * (found.own - found.other):.1f} points more", ".3f"
        else:
            margin, number = (f"{100 * (1 - found.own / found.other):.0f} % less" if found.other else ""), ".4g"
        few = None
        if self.kind == "classes" and abs(found.own - found.other) > LEVEL:  # level by the rule of one row alone
            few = self._rows()
        return sentence(
            self.model,
            found,
            number,
            margin,
            usable=usable,
            remedy="more data or another cell",
            partial=bool(self.skipped),
            few=few,
        )

    def _rows(self, kind: str = "") -> str:
        return f"{self.rows} {kind}{self.unit}{'s' if self.rows != 1 else ''}"

    @property
    def standing(self) -> Standing:
        """Who stands where, by the score that decides.

        Raises:
            OptionError: no trial was held.
        """
        if not self.scores:
            raise OptionError(NO_TRIAL)
        if self.kind == "classes":
            least = max(1 / self.rows, LEVEL)
            return stand(self.model, self.scores, self.decided_by, higher=True, least=least)
        return stand(self.model, self.scores, self.decided_by, share=LEVEL)

    @property
    def decided_by(self) -> str:
        """The score by which the best is named."""
        return self.decides or DECIDES[self.kind]

    @property
    def decisive(self) -> dict[str, tuple[float, bool]]:
        """The model's score that decides: name -> (value, whether more of it is better); empty without a trial."""
        return {self.decided_by: (self.standing.own, self.kind == "classes")} if self.scores else {}

    def table(self) -> str:
        """Return the scores as a table in plain text; without a trial a sentence stands for it."""
        return sequence_table(self.scores, self.kind) if self.scores else NO_TRIAL

    def __str__(self) -> str:
        told = [*self.choices, *self.skipped]
        if not self.scores:
            return "\n".join([NO_TRIAL, *told])
        said = [f"On {self._rows('held-out ')}:", self.table(), self.verdict]
        if self.seed_scores:
            name = self.decided_by
            own = [row[name] for row in self.seed_scores.values()]
            low, high = (format(each, ".3f" if self.kind == "classes" else ".4g") for each in (min(own), max(own)))
            said.append(f"{name} of its {len(own)} seeds, each on its own: {low} to {high}.")
        return "\n".join([*said, *filter(None, [self.confused()]), *told])

    def confused(self) -> str:
        """Return which classes were taken for which: as a table, or of many classes the pairs that were most often.

        It is empty where there are no classes, or no trial was held.
        """
        if not self.confusion:
            return ""
        order = in_order(self.classes)
        classes, counts = [self.classes[k] for k in order], np.array(self.confusion)[np.ix_(order, order)]
        if len(classes) <= MOST_PRINTED:
            return confusion_table(counts.tolist(), classes)
        wrong = np.where(np.eye(len(classes), dtype=bool), 0, counts)
        most = [divmod(int(k), len(classes)) for k in np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]]
        pairs = [f"{_short(classes[i])} for {_short(classes[j])} ({wrong[i, j]})" for i, j in most if wrong[i, j]]
        taken = f": {', '.join(pairs)}" if pairs else ""
        return f"Which of the {len(classes)} classes were taken for which, plot() (--picture) draws{taken}."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw which classes were taken for which: counts, and each row's shares as shades; numbers against the truth.

        Args:
            ax: where to draw; None makes a new figure.

        Raises:
            OptionError: no trial was held, or a row is several numbers.
        """
        if not self.scores:
            raise OptionError(f"There are no verdicts to draw: {NO_TRIAL}")
        if self.kind == "numbers" and not self.points:
            raise OptionError("Rows of several numbers are not drawn: fit one column of y alone, or draw your own.")
        from recuerdo.show import plot_confusion, plot_numbers

        if self.kind == "numbers":
            return plot_numbers(np.array(self.points), title=f"{self.model}: answers", ax=ax)
        order = in_order(self.classes)
        counts, classes = np.array(self.confusion)[np.ix_(order, order)], [self.classes[k] for k in order]
        return plot_confusion(counts, classes, title=f"{self.model}: verdicts", ax=ax)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a plain dict; scores that are undefined become None."""
        return asdict(self) | {
            "scores": {name: plain_row(row) for name, row in self.scores.items()},
            "seed_scores": [[seed, plain_row(row)] for seed, row in self.seed_scores.items()],
            "training_seconds": None if math.isnan(self.training_seconds) else self.training_seconds,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> SequenceReport:
        """Return the report that `to_json` wrote."""
        seconds = plain["training_seconds"]
        return cls(
            **{
                **plain,
                "scores": {name: numbers(row) for name, row in plain["scores"].items()},
                "choices": tuple(plain["choices"]),
                "skipped": tuple(plain["skipped"]),
                "training_seconds": math.nan if seconds is None else seconds,
                "seed_scores": {seed: numbers(row) for seed, row in plain["seed_scores"]},
                "points": tuple((truth, answer) for truth, answer in plain.get("points", ())),
            }
        )


def in_order(classes: Sequence[Label]) -> list[int]:
    """Return the classes' numbers in the order in which a person looks for them: 2 before 10, even where both are text.

    Example:
        >>> in_order(["1", "10", "2"]), in_order(["no", "10"])
        ([0, 2, 1], [0, 1])
    """
    numbers = range(len(classes))
    if all(isinstance(label, str) and re.fullmatch(r"[+-]?\d+", label) for label in classes):
        return sorted(numbers, key=lambda k: int(str(classes[k])))
    return list(numbers)


def points_of(truth: ArrayLike, answers: ArrayLike) -> tuple[tuple[float, float], ...]:
    """Return (truth, answer) of n rows, of many rows evenly chosen ones; none where a row is several numbers.

    Args:
        truth, answers: (n,) or (n, K).

    Example:
        >>> points_of([1.0, 2.0], [[1.5], [2.5]])
        ((1.0, 1.5), (2.0, 2.5))
    """
    pairs = np.stack(
        [np.asarray(each, dtype=np.float64).reshape(len(np.asarray(each)), -1) for each in (truth, answers)]
    )
    if pairs.shape[2] != 1:
        return ()
    shown = pairs[:, :: max(1, -(-pairs.shape[1] // MOST_POINTS)), 0]
    return tuple(zip(shown[0].tolist(), shown[1].tolist(), strict=True))


def sequence_scores(
    answers: Mapping[str, ArrayLike], truth: ArrayLike, kind: Literal["classes", "numbers"], weights: Any = None
) -> dict[str, dict[str, float]]:
    """Return name -> score -> value of several answers to the same held-out rows.

    Args:
        answers: name -> probabilities (n, C), or numbers (n,) or (n, K). Nearest neighbours know verdicts only, so that
            what measures probabilities is undefined for them.
        truth: classes (n,) as indices, or numbers.
        kind: "classes" or "numbers".
        weights: how much each row counts, (n,).
    """
    if kind == "numbers":
        return {name: number_scores(truth, answer, weights) for name, answer in answers.items()}
    return {name: class_scores(each, truth, weights, verdicts_only=name == DTW) for name, each in answers.items()}


def sequence_table(scores: Scores, kind: Literal["classes", "numbers"]) -> str:
    """Return name -> score -> value as a table in plain text."""
    if kind == "numbers":
        return columns(scores, NUMBER_SCORES, "{:.4g}".format)
    return columns(scores, CLASS_SCORES, "{:.3f}".format)


def confusion_table(confusion: Sequence[Sequence[int]], classes: Sequence[Label]) -> str:
    """Return how often each class (row) was given each verdict (column) as a table in plain text.

    Example:
        >>> print(confusion_table([[8, 2], [1, 9]], ["no", "yes"]))
        true class, and verdicts:
             no  yes
        no    8    2
        yes   1    9
    """
    names = [_short(label) for label in classes]
    first = max(map(len, names))
    widths = [2 + max(len(name), *(len(str(row[k])) for row in confusion)) for k, name in enumerate(names)]
    lines = ["true class, and verdicts:"]
    lines.append(" " * first + "".join(f"{name:>{wide}}" for name, wide in zip(names, widths, strict=True)))
    for name, row in zip(names, confusion, strict=True):
        lines.append(f"{name:<{first}}" + "".join(f"{count:>{wide}}" for count, wide in zip(row, widths, strict=True)))
    return "\n".join(lines)


def _short(label: Label, most: int = 14) -> str:
    """Return a class on one line, without its middle where it is long: names often differ at their ends."""
    name = " ".join(str(label).split())
    return name if len(name) <= most else f"{name[: most // 2]}…{name[1 - most // 2 :]}"


def _plain_label(label: Any) -> Label:
    found = label.item() if isinstance(label, np.generic) else label
    if isinstance(found, (str, int, float, bool)):
        return found
    raise OptionError(
        f"A class is text, a number, True or False, so that a report can be kept as JSON; got {label!r} of type "
        f"{type(label).__name__}: give the classes such names."
    )
