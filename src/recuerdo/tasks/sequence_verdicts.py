"""What a fitted classifier or scorer says of sequences that it has not seen: as a table, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.class_metrics import confusion
from recuerdo.tasks.sequence_baselines import MAJORITY, MEAN
from recuerdo.tasks.sequence_report import SequenceReport, points_of, sequence_scores

if TYPE_CHECKING:
    from recuerdo.tasks.sequence_fitting import SequenceEstimator


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The answers to N sequences, or to all their steps, one sequence after another: M in all.

    Attributes:
        answers: (M, C) probabilities, or (M,) numbers.
        classes: (C,) labels; None for numbers.
        owner: (M,) which sequence each answer is about.
        labels: (M,) the truth, a masked array where some of it is not known; None where none is.
        report: the scores against the truth as far as it is known, beside the same answer each time, that of training;
            None where no truth is known.
    """

    answers: NDArray[np.float64]
    classes: NDArray[Any] | None
    owner: NDArray[np.int64]
    labels: NDArray[Any] | None
    report: SequenceReport | None

    @property
    def said(self) -> NDArray[Any]:
        """The verdicts: (M,) classes, or numbers."""
        return self.answers if self.classes is None else self.classes[self.answers.argmax(axis=1)]

    def to_frame(self, names: NDArray[Any], named: str, times: tuple[str, Sequence[Any]] | None = None) -> Any:
        """Return a polars frame with a row for each answer.

        Args:
            names: (N,) of the sequences.
            named: the column of the names.
            times: a column more, and what it holds of each step, (M,); left out where whole sequences are answered.

        Returns:
            The name; `step`, from 1, and the times, where every step has an answer; `label` where it is known;
            `verdict`, and for each class its probability, `p_` and its name; or `number`. A name that is there already
            gets a _ behind it.
        """
        import polars as pl

        columns: list[tuple[str, Any]] = [(named, names[self.owner])]
        if len(self.owner) != len(names):
            first = np.searchsorted(self.owner, self.owner)
            columns.append(("step", np.arange(1, len(self.owner) + 1) - first))
            if times is not None:
                columns.append(times)
        if self.labels is not None:
            columns.append(("label", self.labels.tolist()))  # of a masked array with None where it hides
        if self.classes is None:
            columns.append(("number", self.answers))
        else:
            columns.append(("verdict", self.said))
            columns += [(f"p_{one}", self.answers[:, k]) for k, one in enumerate(self.classes)]
        taken: dict[str, Any] = {}
        for name, cells in columns:  # a name that is there already gets a mark, so that no column is lost
            while name in taken:
                name += "_"
            taken[name] = cells
        return pl.DataFrame(taken)


def verdicts(estimator: SequenceEstimator, X: Any, labels: NDArray[Any] | None = None) -> Verdicts:
    """Ask a fitted estimator, and judge what it says where the truth is known.

    Args:
        estimator: a SequenceClassifier, or a SequenceRegressor of one number.
        X: N sequences, as its predict takes them.
        labels: the truth, (N,), or for an answer at every step (M,), one sequence's after another's; a masked array
            where some of it is not known. A class that the estimator does not know is allowed: what it says of such a
            sequence is wrong.

    Raises:
        DataError: labels are text where the classes are numbers, or the other way; X cannot be read.
        ShapeError: there are more or fewer labels than answers.
    """
    ask: Any = estimator
    made = ask.predict_proba(X) if estimator.CLASSES else ask.predict(X)
    each = estimator._model.each
    lengths = np.array([len(one) for one in made]) if each else np.ones(len(made), np.int64)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    answers = np.concatenate(list(made)) if each else np.asarray(made)
    classes = estimator._model.classes
    if labels is None:
        return Verdicts(answers, classes, owner, None, None)
    if len(labels) != len(answers):
        raise ShapeError(f"There are {len(answers)} answers and {len(labels)} labels: give one for each.")
    lacks = np.ma.getmaskarray(labels)
    report = _report(estimator, answers[~lacks], classes, np.ma.getdata(labels)[~lacks])
    if lacks.any():
        note = f"{lacks.sum():,} of {len(lacks):,} have no label and are not counted"
        report = replace(report, choices=(note, *report.choices))
    return Verdicts(answers, classes, owner, labels, report)


def _report(
    estimator: SequenceEstimator, answers: NDArray[np.float64], classes: NDArray[Any] | None, labels: NDArray[Any]
) -> SequenceReport:
    own = replace(estimator.report_, rows=len(labels), choices=(), skipped=(), seed_scores={}, confusion=(), points=())
    constant, said = estimator._model.constant, {own.model: answers}
    if classes is None:
        if constant is not None:  # as it is in files of older versions
            said[MEAN] = np.repeat(constant, len(labels))
        scores = sequence_scores(said, labels, "numbers")
        return replace(own, scores=scores, points=points_of(labels, answers))
    if (classes.dtype.kind == "U") != (labels.dtype.kind == "U"):
        what, other = ("text", "numbers") if labels.dtype.kind == "U" else ("numbers", "text")
        raise DataError(
            f"The labels are {what}, such as {labels[0].item()!r}, and the classes of the model {other}, such as "
            f"{classes[0].item()!r}: write both alike."
        )
    unseen = np.setdiff1d(labels, classes)
    every = np.concatenate([classes, unseen])
    order = np.argsort(every, kind="stable")
    truth = order[np.searchsorted(every[order], labels)]
    foreign = (0, len(unseen))
    said[own.model] = p = np.pad(answers, ((0, 0), foreign))
    if constant is not None:
        said[MAJORITY] = np.tile(np.pad(constant, foreign), (len(truth), 1))
    notes = ()
    if len(unseen):
        shown = ", ".join(repr(one.item()) for one in unseen[:3]) + (", ..." if len(unseen) > 3 else "")
        rows = int(np.isin(labels, unseen).sum())
        notes = (f"{rows} of {len(labels)} have a class that training did not have ({shown}): none can be right",)
    return replace(
        own,
        scores=sequence_scores(said, truth, "classes"),
        classes=tuple(every.tolist()),
        confusion=tuple(map(tuple, confusion(p, truth).tolist())),
        choices=notes,
    )
