"""Answers of a fitted classifier or scorer in the form in which sequences were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError
from recuerdo.shapes import is_table
from recuerdo.tasks.column_names import require_names
from recuerdo.tasks.sequence_models import SequenceModel, Source
from recuerdo.tasks.sequence_sources import is_stream, read_source, streamed

Rows = NDArray[Any] | list[NDArray[Any]]


def answered(
    model: SequenceModel, X: Any, who: str, lengths: Any, answer: Callable[[Source], tuple[NDArray[Any], Ragged]]
) -> Rows:
    """Return what a model says of sequences.

    Args:
        model: what answers.
        X: as in fit; an iterator is read and answered in parts, so that only the answers are held.
        who: the estimator, for messages.
        lengths: of a padded array.
        answer: from sequences to answers (N, ...), or one sequence's steps after another's, with what the networks
            read.

    Raises:
        DataError, ShapeError: X cannot be read, or is not like that of fit.

    Returns:
        (N, ...). At every step (N, T, ...) where a table or a 2-D or 3-D array was given, else a list of (T_i, ...).
    """
    if is_stream(X):
        if lengths is not None:
            raise DataError(
                f"{who}: lengths go with a padded array, and X is an iterator: give each row cut to its own."
            )
        parts = [answered(model, chunk, who, None, answer) for chunk in streamed(X)]
        if not parts:
            read_source([], who)  # says that there is nothing
        if model.each:
            return [row for part in parts for row in part]
        return np.concatenate(parts)
    source, _ = read_source(X, who, lengths)
    require_names(X, source, model.names, who)
    made, inputs = answer(source)
    if not model.each:
        return made
    rows = np.split(made, inputs.starts[1:-1])
    return np.stack(rows) if lengths is None and (is_table(X) or getattr(X, "ndim", 0) >= 2) else rows
