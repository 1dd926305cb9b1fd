"""What a person hands over as a table, as a frame."""

from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.reading import Table, read
from recuerdo.data.stamps import Kind
from recuerdo.errors import DataError

__all__ = ["kind_of", "opened"]

_KINDS: dict[nw.Implementation, Kind] = {
    nw.Implementation.PANDAS: "pandas",
    nw.Implementation.POLARS: "polars",
    nw.Implementation.PYARROW: "pyarrow",
}


def opened(table: Any, each: str = "time step") -> tuple[nw.DataFrame[Any], NDArray[np.int64], str, tuple[str, ...]]:
    """A table as a frame, with the number of each row (R,) in messages, what to call it there, and notes.

    Args:
        table: a frame of pandas, polars or pyarrow, a path, or what `read` made of one.
        each: what a row holds, for messages.

    Raises:
        DataError: it is no table, or has no rows.
    """
    if isinstance(table, str | Path | Table):
        found = table if isinstance(table, Table) else read(table)
        frame, rows, name, notes = nw.from_native(found.frame), found.rows, found.name, found.notes
    else:
        frame, name, notes = _frame(table), "The table", ()
        rows = np.arange(len(frame), dtype=np.int64)
    if not len(frame):
        raise DataError(f"{name} has no rows. It should have one for each {each}.")
    return frame, rows, name, notes


def kind_of(frame: nw.DataFrame[Any]) -> Kind:
    """What a frame is in the user's hands: "pandas", "polars" or "pyarrow"."""
    return _KINDS[frame.implementation]


def _frame(table: Any) -> nw.DataFrame[Any]:
    try:
        frame = nw.from_native(table, eager_only=True)
        columns = frame.columns
    except nw.exceptions.DuplicateError as error:
        raise DataError("The table has several columns of one name. Rename all but one.") from error
    except TypeError as error:
        collect = " Call .collect() first." if hasattr(table, "collect") else ""
        alone = ""
        if type(table).__name__ == "Series":  # of one column, and in pandas its dates are the index
            alone = " Call .reset_index() first." if hasattr(table, "reset_index") else " Call .to_frame() first."
        raise DataError(
            "A table of pandas, polars or pyarrow, or the path of a CSV or Parquet file is needed; got "
            f"{type(table).__module__}.{type(table).__qualname__}.{collect}{alone}"
        ) from error
    if frame.implementation not in _KINDS:
        raise DataError(f"Tables of {frame.implementation} are not read. Convert it to pandas, polars or pyarrow.")
    for column in columns:
        if not isinstance(column, str):
            raise DataError(f"The columns need text as names, and one is called {column!r}. Rename it.")
    return frame
