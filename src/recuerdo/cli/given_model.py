"""A saved model beside a file like the one that it was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_for(model: Any, data: str) -> tuple[Any, ...]:
    """Read a file as a model's own was: what its `fit` and its `as_problem` take.

    Args:
        model: of any kind, fitted.
        data: the path of the file.

    Raises:
        DataError: it cannot be read so.
    """
    from recuerdo.cli.given_sequences import Columns, as_numbers, read_given
    from recuerdo.errors import DataError
    from recuerdo.tasks import Forecaster, LanguageModel
    from recuerdo.tasks.sequence_files import columns_of

    if isinstance(model, Forecaster):
        return (model.read(data),)
    if not data:
        raise DataError("DATA is empty: name a file like the one that the model was fitted on.")
    path = Path(data)
    if isinstance(model, LanguageModel):
        return (path,)
    columns = Columns.of_model(columns_of(model), Columns(each=model.output == "each"), path)
    given = read_given(path, columns, labelled=True)
    given = given if model.CLASSES else as_numbers(given)
    return given.X, given.answers


def trained_again(model: Any, data: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Fit a new model of the same kind, options and seed to data, but for some options.

    Args:
        model: that was fitted.
        data: what `read_for` returned.
        options: what is changed, by the names of the model's own arguments.
    """
    from recuerdo.tasks import Forecaster, LanguageModel
    from recuerdo.tasks.sequence_files import columns_of, remember_columns

    own = model.settings() if isinstance(model, LanguageModel) else model.get_params(deep=False)
    again: Any = type(model)(**{**own, "random_state": model.report_.random_state, "verbose": "brief", **options})
    again.fit(*data)
    if not isinstance(model, Forecaster | LanguageModel):
        columns = columns_of(model)
        if columns is not None:
            remember_columns(again, columns)
    return again
