"""The names of a table's columns: those of fit have to come again in predict, in the same order."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError
from recuerdo.shapes import is_table
from recuerdo.tasks.sequence_models import Source

MOST_NAMED = 5
"""Names that a message lists at most."""


def names_of(X: Any, source: Source) -> tuple[str, ...] | None:
    """Return the names of a table's columns, or of those of each table in a list; None for anything else.

    Names that are not all str are none, and a column of texts needs none.

    Args:
        X: what a model is given.
        source: what was read from it.

    Raises:
        DataError: the tables of a list have different columns, or the same in another order.

    Example:
        >>> import polars as pl
        >>> from recuerdo.data import read_sequences
        >>> table = pl.DataFrame({"monday": [1.0], "tuesday": [2.0]})
        >>> names_of(table, read_sequences(table)), names_of([[1.0, 2.0]], read_sequences([[1.0, 2.0]]))
        (('monday', 'tuesday'), None)
    """
    if not isinstance(source, Ragged):
        return None
    if isinstance(X, list | tuple):
        first = _named(X[0])
        for i, table in enumerate(X):
            if (found := _named(table)) != first:
                raise DataError(
                    f"Sequence {i} of the list has {_columns(found)}, and sequence 0 {_columns(first)}: give all the "
                    f"same, in the same order."
                )
        return first
    return _named(X)


def _named(table: Any) -> tuple[str, ...] | None:
    if not is_table(table):
        return None
    names = tuple(table.column_names if hasattr(table, "column_names") else table.columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def _columns(names: tuple[str, ...] | None) -> str:
    return "no names of columns" if names is None else f"the columns {', '.join(names[:MOST_NAMED])}"


def require_names(X: Any, source: Source, names: tuple[str, ...] | None, who: str) -> None:
    """Make sure that a table has the columns of fit; the words are scikit-learn's, whose tools look for them.

    Args:
        X: what a model is asked about.
        source: what was read from it.
        names: of the columns in fit; None where it was no table.
        who: the estimator, for messages.

    Raises:
        DataError: other names, or another order. Where only one of the two has names there is a UserWarning.
    """
    found = names_of(X, source)
    if found == names:
        return
    if found is None:
        said = f"X does not have valid feature names, but {who} was fitted with feature names"
        warnings.warn(said, UserWarning, stacklevel=2)
    elif names is None:
        said = f"X has feature names, but {who} was fitted without feature names"
        warnings.warn(said, UserWarning, stacklevel=2)
    else:
        new, gone = sorted(set(found) - set(names)), sorted(set(names) - set(found))
        said = "The feature names should match those that were passed during fit.\n"
        said += _listed("Feature names unseen at fit time:", new)
        said += _listed("Feature names seen at fit time, yet now missing:", gone)
        if not new and not gone:
            said += "Feature names must be in the same order as they were in fit.\n"
        raise DataError(f"{said}Give {who} the columns of fit, in their order.")


def _listed(title: str, names: Iterable[str]) -> str:
    names = list(names)
    if not names:
        return ""
    lines = [title, *(f"- {name}" for name in names[:MOST_NAMED]), *(["- ..."] if len(names) > MOST_NAMED else [])]
    return "\n".join(lines) + "\n"
