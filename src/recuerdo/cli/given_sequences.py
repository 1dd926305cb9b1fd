"""The files of sequences that a person gives `recuerdo classify`, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data import (
    is_archive,
    is_wide,
    read_archive,
    read_text_table,
    sequences_from_table,
    sequences_from_wide_table,
)
from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, OptionError

FEW_CLASSES, ROWS_PER_CLASS = 20, 10
"""Numbers are classes where there are no more of them than this, or as many rows for each on average."""

MANY = 0.1
"""Share of the sequences of TEST from which it is said that they are of other lengths than TRAIN's."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what; None where it is to be found out, or is not there."""

    text: str | None = None
    label: str | None = None
    id: str | None = None
    time: str | None = None
    features: tuple[str, ...] | None = None
    each: bool = False

    @classmethod
    def of_model(cls, kept: Mapping[str, Any] | None, typed: Columns, path: Path) -> Columns:
        """Return the columns that a model was fitted on, each unless another was named.

        Args:
            kept: what `to_json` gave; None where the model was fitted elsewhere.
            typed: those that were named.
            path: the file that they are looked for in; one of an archive has none.
        """
        if kept is None or (not path.is_dir() and is_archive(path)):
            return typed
        fields: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in kept.items()}
        named = {name: one for name, one in asdict(typed).items() if one is not None}
        if "text" in named or "id" in named:  # a table of the other kind: nothing but the labels is as it was
            fields |= {"id": None, "time": None, "features": None} if "text" in named else {"text": None}
        return cls(**fields | named)

    def to_json(self) -> dict[str, Any]:
        """Return what a model remembers of them."""
        kept = asdict(self)
        del kept["each"]
        return kept


@dataclass(frozen=True, eq=False)
class Given:
    """The sequences of a file.

    Attributes:
        X: N sequences of numbers, or texts.
        labels: (N,), or one for each step, (sum of T_i,), one sequence's after another's; None without, a masked array
            where some have none.
        names: (N,) ids, or row numbers from 0.
        columns: those that were taken.
        times: the column of times, (sum of T_i,), one sequence's after another's; None without.
        said: what was read, in sentences.
    """

    X: Ragged | list[str]
    labels: NDArray[Any] | None
    names: NDArray[Any]
    columns: Columns
    said: tuple[str, ...]
    times: list[Any] | None = None

    @property
    def named(self) -> str:
        """What `names` are."""
        return "row" if self.columns.id is None else "id"

    @property
    def names_of_features(self) -> tuple[str, ...]:
        """The columns of the features of a long table; none of other files."""
        return self.columns.features or () if self.columns.id is not None else ()

    @property
    def answers(self) -> Any:
        """The labels as an estimator takes them."""
        if not self.columns.each or self.labels is None:
            return self.labels
        assert isinstance(self.X, Ragged)
        return np.split(self.labels, self.X.starts[1:-1])

    def place(self, name: str) -> int:
        """Return the number of the sequence of a name.

        Raises:
            OptionError: there is none.
        """
        found = np.flatnonzero(self.names.astype(str) == name.strip())
        if len(found):
            return int(found[0])
        there = f"{self.names[0]} to {self.names[-1]}"
        if self.columns.id is not None:
            more = f" and {len(self.names) - 3:,} more" if len(self.names) > 3 else ""
            there = f"{', '.join(map(str, self.names[:3]))}{more}"
        raise OptionError(f"--explain {name}: there is no such {self.named}; there are {there}.")


def read_given(path: Path, columns: Columns, *, labelled: bool | None) -> Given:
    """Read a file.

    Args:
        path: a file of an archive, a table of texts, with an id a long table, or a wide one: a series in each row.
        columns: as they were named.
        labelled: None where labels may be missing, all or some.

    Raises:
        OptionError: columns are named that such a file has not.
        DataError: it cannot be read, or is one of ARFF.
    """
    if path.name.lower().removesuffix(".gz").endswith(".arff"):
        raise DataError(f"{path.name}: ARFF is not read. The archives have the same sequences as .ts: take that file.")
    if columns.id is not None:
        return _long(path, columns, labelled)
    if columns.time is not None or columns.each:
        raise OptionError(
            "--time and --output each go with a long table, one row for each step: name the column that tells its "
            "sequences apart by --id."
        )
    named = [name for name in ("text", "label") if getattr(columns, name) is not None]
    if named and path.name.lower().removesuffix(".gz").endswith(".ts"):
        raise OptionError(f"{path.name} is a file of an archive and has no columns with names: leave out --{named[0]}.")
    if not path.is_dir() and not named and is_archive(path):
        return _archive(path)
    if columns.text is None and (columns.features is not None or is_wide(path, columns.label)):
        return _wide(path, columns, labelled)
    found = read_text_table(path, text=columns.text, label=columns.label, labelled=labelled)
    labels = f", labels in {found.label!r}" if found.label is not None else ""
    said = (f"{path.name}: {len(found.texts):,} texts in {found.text!r}{labels}",)
    taken = replace(columns, text=found.text, label=found.label or columns.label)
    return Given(found.texts, found.labels, np.arange(len(found.texts)), taken, said)


def _long(path: Path, columns: Columns, labelled: bool | None) -> Given:
    assert columns.id is not None
    if columns.text is not None:
        raise OptionError("--text names a column of whole texts, and --id a table of steps: leave one of them out.")
    if columns.label is None and labelled:
        raise OptionError("--id needs --label, the column of a long table that is to be learned.")
    found = sequences_from_table(
        path,
        id=columns.id,
        time=columns.time,
        features=columns.features,
        label=columns.label,
        label_each=columns.each and columns.label is not None,
        labelled=labelled,
    )
    said = (f"{path.name}: {_lengths(found.sequences)}", *found.notes)
    taken = replace(columns, features=found.features)
    return Given(found.sequences, found.labels, found.ids, taken, said, found.times)


def _wide(path: Path, columns: Columns, labelled: bool | None) -> Given:
    found = sequences_from_wide_table(path, label=columns.label, steps=columns.features, labelled=labelled)
    labels = f", labels in {found.label!r}" if found.labels is not None else ""
    steps = f"a series in each row, its steps {found.steps[0]!r} to {found.steps[-1]!r}{labels}"
    said = (f"{path.name}: {_lengths(found.sequences)}, {steps}", *found.notes)
    taken = replace(columns, label=found.label or columns.label, features=found.steps)
    return Given(found.sequences, found.labels, np.arange(len(found)), taken, said)


def _archive(path: Path) -> Given:
    found = read_archive(path)
    D = found.sequences.values.shape[1]
    of = f" of {D} features" if D > 1 else ""
    said = (f"{path.name}: {_lengths(found.sequences)}{of}",)
    return Given(found.sequences, found.labels, np.arange(len(found)), Columns(), said)


def _lengths(sequences: Ragged) -> str:
    low, high = int(sequences.lengths.min()), int(sequences.lengths.max())
    return f"{len(sequences):,} sequences of {low:,}{f' to {high:,}' if high > low else ''} steps"


def other_lengths(train: Ragged | list[str], test: Ragged | list[str]) -> str:
    """Return a line that says how many sequences of TEST are shorter or longer than any of TRAIN; none for few."""
    if not isinstance(train, Ragged) or not isinstance(test, Ragged):
        return ""
    own, others = train.lengths, test.lengths
    short, long = int((others < own.min()).sum()), int((others > own.max()).sum())
    if short + long < MANY * len(others):
        return ""
    how = " or ".join(word for word, count in (("shorter", short), ("longer", long)) if count)
    return f"{short + long:,} of {len(others):,} sequences of TEST are {how} than any of TRAIN: mind their verdicts.\n"


def as_numbers(given: Given) -> Given:
    """Return sequences whose labels are numbers.

    Raises:
        OptionError: a label is none.
    """
    if given.labels is None:
        return given
    try:
        return replace(given, labels=given.labels.astype(np.float64))
    except ValueError:
        wrong = next(one for one in np.ma.compressed(given.labels).tolist() if not _number(one))
        raise OptionError(f"--regress learns numbers, and a label is {wrong!r}: leave --regress out.") from None


def require_classes(given: Given) -> None:
    """Raise OptionError where labels look like numbers that are measured, and not like classes."""
    labels = given.labels
    if labels is None or labels.dtype.kind not in "iuf":
        return
    found = np.unique(labels)
    if len(found) > max(FEW_CLASSES, len(labels) / ROWS_PER_CLASS):
        raise OptionError(
            f"The labels are {len(found):,} different numbers from {found[0]:g} to {found[-1]:g} in {len(labels):,} "
            f"rows: --regress learns to score such. If they are names of classes, write them as text."
        )


def require_alike(train: Given, test: Given) -> None:
    """Raise DataError where sequences cannot be judged by a model of the others, before it is trained."""
    if isinstance(train.X, Ragged) != isinstance(test.X, Ragged):
        one, other = ("numbers", "texts") if isinstance(train.X, Ragged) else ("texts", "numbers")
        raise DataError(f"TRAIN holds {one} and TEST {other}: give both of one kind.")
    if isinstance(train.X, Ragged) and isinstance(test.X, Ragged):
        D, others = train.X.values.shape[1], test.X.values.shape[1]
        if others != D:
            raise DataError(f"TRAIN has {D} features and TEST {others}: give the same, in the same order.")
    if train.labels is not None and test.labels is not None and _named(train.labels) != _named(test.labels):
        one, other = train.labels[0].item(), np.ma.compressed(test.labels)[0].item()
        raise DataError(
            f"The labels of TRAIN, such as {one!r}, and those of TEST, such as {other!r}, are of two kinds, "
            f"text and numbers: write both alike."
        )


def _named(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind == "U"


def _number(label: Any) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
