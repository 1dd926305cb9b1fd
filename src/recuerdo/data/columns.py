"""Which columns of a table hold the dates, the numbers to forecast, and the names of the series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recuerdo.data.stamps import holds_dates, is_period, text_of
from recuerdo.errors import DataError

__all__ = [
    "ROW_NAMES",
    "Choice",
    "choose",
    "finite_numbers",
    "identified",
    "no_column",
    "numbers",
    "only_one",
    "shown",
    "written_numbers",
]

ROW_NAMES = {"", "Unnamed: 0"}
"""What pandas and R call the column of row numbers in a CSV file."""

_NUMBER = r"^[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?$"
_THOUSANDS = r"^[+-]?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?$"


@dataclass(frozen=True)
class Choice:
    """The names of the columns that are used.

    Attributes:
        date: the column of time stamps.
        targets: the columns of numbers; several are several series.
        id: the column that tells series apart, if there is one.
        covariates: role ("past", "future", "static") -> the columns that are known beside the target.
    """

    date: str
    targets: tuple[str, ...]
    id: str | None
    covariates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def choose(
    frame: nw.DataFrame[Any],
    name: str,
    date: str | None,
    target: str | Sequence[str] | None,
    identity: str | None,
    covariates: Mapping[str, Sequence[str]] | None = None,
) -> Choice:
    """Take the columns that were named, and find those that were not.

    Args:
        frame: the table.
        name: what to call the table in messages.
        date, target, identity: names of columns, or None.
        covariates: role -> names of columns, none of which is taken for anything else.

    Returns:
        The choice.

    Raises:
        DataError: a name is not there, or none or several columns would fit.
    """
    given = _as_list(target)
    beside = {role: tuple(columns) for role, columns in (covariates or {}).items()}
    named = [("date", date), ("target", given), ("id", identity), *beside.items()]
    roles = [(argument, column) for argument, columns in named for column in _as_list(columns)]
    for argument, column in roles:
        if column not in frame.columns:
            raise no_column(frame, name, argument, column)
    others = [column for columns in beside.values() for column in columns]
    if identity is None and "unique_id" in frame.columns and "unique_id" not in (date, *given, *others):
        identity = "unique_id"
        roles.append(("id", identity))
    free = [column for column in frame.columns if column not in (identity, *given, *others)]
    if date is None:
        date = _find_date(frame, name, free, given)
        roles.append(("date", date))
    targets = tuple(given) or (_find_target(frame, name, [column for column in free if column != date]),)
    used = [column for _, column in roles]
    if len(set(used)) < len(used):
        twice = next(column for column in used if used.count(column) > 1)
        arguments = " and ".join(dict.fromkeys(f"{role}= (--{role})" for role, column in roles if column == twice))
        raise DataError(f"Column {twice!r} is named twice, as {arguments}. Name it once.")
    if identity is not None and len(targets) > 1:
        raise DataError("Several columns as target= (--target) are several series, so id= (--id) cannot go with them.")
    return Choice(date, targets, identity, beside)


def numbers(
    column: nw.Series[Any], rows: NDArray[np.int64], name: str, argument: str = "target"
) -> NDArray[np.float64]:
    """A column as numbers (T,), NaN where one is missing.

    Args:
        column: the column.
        rows: (T,) the number of each row, for messages.
        name: what to call the table in messages.
        argument: what the column was named as.

    Raises:
        DataError: a cell is something else; the message names the row.
    """
    where = f"{name}, column {column.name!r}"
    if column.dtype == nw.Boolean:
        raise DataError(f"{where} holds true and false, and numbers are needed. Write 1 and 0, or name another column.")
    if column.dtype.is_numeric():
        return column.cast(nw.Float64).to_numpy().astype(np.float64)
    if column.dtype == nw.Object:
        cells, absent = column.to_list(), column.is_null().to_numpy()
        for i, cell in enumerate(cells):
            if not absent[i] and (not isinstance(cell, Real | Decimal) or isinstance(cell, bool)):
                raise DataError(f"{where}, row {rows[i]} is {cell!r} and no number. Correct it, or empty the cell.")
        return np.array([np.nan if gone else float(cell) for cell, gone in zip(cells, absent, strict=True)])
    if column.dtype == nw.String:
        raise _text(text_of(column), rows, where, argument)
    kind = column.to_native().dtype if column.dtype == nw.Unknown else column.dtype
    raise DataError(f"{where} is of type {kind}, and numbers are needed. Name another with {argument}= (--{argument}).")


def finite_numbers(column: nw.Series[Any], rows: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    """A column of features as `numbers`, none of which may be infinite.

    Raises:
        DataError: a cell is infinite, or no number; the message names the row.
    """
    values = numbers(column, rows, name, "features")
    if np.isinf(values).any():
        row = rows[np.isinf(values).argmax()]
        raise DataError(f"{name}, column {column.name!r}, row {row} is infinite. Correct it, or empty the cell.")
    return values


def identified(column: nw.Series[Any], rows: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64]]:
    """The ids of a column in the order of first appearance, and for each row (R,) the number of its own.

    Args:
        column: (R,) whole numbers, or what is told apart as text.
        rows: (R,) the number of each row, for messages.

    Raises:
        DataError: a row has no id.
    """
    absent = np.flatnonzero(column.is_null().to_numpy())
    if absent.size:
        raise DataError(f"Column {column.name!r}, row {rows[absent[0]]} is empty, so the row belongs to no series.")
    cells = pl.Series(column.to_numpy()) if column.dtype.is_integer() else text_of(column)
    ids = cells.unique(maintain_order=True)
    group = cells.replace_strict(ids, np.arange(len(ids)), return_dtype=pl.Int64)
    return ids.to_list(), group.to_numpy()


def no_column(frame: nw.DataFrame[Any], name: str, argument: str, column: str) -> DataError:
    """The error that a column which was named by an argument is not in the table."""
    near = get_close_matches(str(column), frame.columns, n=1)
    folded = [other for other in frame.columns if other.lower() == str(column).lower()]
    hint = f" Did you mean {(folded or near)[0]!r}?" if folded or near else ""
    return DataError(
        f"{name} has no column {column!r} ({argument}=, --{argument}); the columns are {shown(frame.columns)}."
        f"{hint or _index_hint(frame)}"
    )


def only_one(found: Sequence[str], name: str, what: str, more: str) -> str:
    """The one column that may hold something that nobody has named.

    Args:
        found: the columns that may hold it.
        name: what to call the table in messages.
        what: it holds, such as "labels".
        more: how the message goes on.

    Raises:
        DataError: it is none, or several.

    Example:
        >>> only_one(["kind"], "owls.csv", "labels", ". Name one with label= (--label).")
        'kind'
    """
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{name} has several columns that may hold the {what} ({', '.join(found)}){more}")
    raise DataError(f"{name} has no column of {what}{more}")


def written_numbers(cells: pl.Series) -> bool:
    """Whether at least half of the cells, which are text, are numbers, with or without slips."""
    cells = cells.drop_nulls()
    return len(cells) > 0 and int(cells.str.contains(f"{_NUMBER}|{_THOUSANDS}").sum()) * 2 >= len(cells)


def _text(cells: Any, rows: NDArray[np.int64], where: str, argument: str) -> DataError:
    words = (~cells.str.contains(_NUMBER)).fill_null(False).to_numpy()
    if words.any():
        i = int(words.argmax())
        more = f" ({words.sum()} such rows)" if words.sum() > 1 else ""
        mend = "Correct it, or empty the cell."
        if any(mark in cells[i] for mark in ",.") and cells[i].replace(",", "").replace(".", "").isdigit():
            mend = "Write numbers without thousands separators, such as 1234.5."
        return DataError(f"{where}, row {rows[i]} is {cells[i]!r} and no number{more}. {mend}")
    marks = cells.str.contains(r"[.,]\d{3}$").fill_null(False).to_numpy()
    i = int(marks.argmax())
    if marks.any():
        return DataError(
            f"{where}, row {rows[i]} is {cells[i]!r}, where the {'comma' if ',' in cells[i] else 'point'} may mark "
            "decimals or thousands. Write the numbers with a decimal point and no thousands separator."
        )
    names = ""
    if argument in ("past", "future", "static"):
        names = (
            " If they are names, make it one of categories: .cast(pl.Categorical) in polars, .astype('category') in "
            "pandas."
        )
    return DataError(
        f"{where} holds numbers as text, such as {cells[i]!r} in row {rows[i]}. Make its type numeric.{names}"
    )


def _find_date(frame: nw.DataFrame[Any], name: str, free: list[str], targets: list[str]) -> str:
    if "ds" in free:
        return "ds"
    found = [column for column in free if holds_dates(frame[column])]
    spread = [column for column in free if column.lower() in ("year", "month", "day", "hour", "minute")]
    if len(spread) > 1 and all(column in spread for column in found):
        raise DataError(
            f"{name} has its dates spread over the columns {', '.join(spread)}. Join them into one column, such as "
            "2020-01-31 14:00, and name it with date= (--date)."
        )
    if len(found) > 1:
        raise DataError(f"{name} has several columns that hold dates ({shown(found)}): name one with date= (--date).")
    taken = next((column for column in targets if holds_dates(frame[column])), None)
    if not found and taken is not None:
        raise DataError(
            f"Column {taken!r} of {name} holds its dates, and was named as target= (--target). Name another."
        )
    if not found:
        index = nw.maybe_get_index(frame)
        if index is not None and any(kind in str(index.dtype) for kind in ("datetime", "period")):
            raise DataError(f"{name} holds its dates in the index, and no column does. Call .reset_index() first.")
        period = next((column for column in free if is_period(frame[column])), None)
        if period is not None:
            raise DataError(
                f"{name}, column {period!r} holds periods, and dates are needed: turn it into dates by "
                f".dt.to_timestamp() first."
            )
        if len(frame.columns) > max(20, len(frame)):
            raise DataError(
                f"{name} has {len(frame.columns)} columns, and none holds dates. If each row is a series, write it as "
                "a long table, with one row for each series and date."
            )
        raise DataError(
            f"{name} has no column that holds dates; the columns are {shown(frame.columns)}. Add one, or name a column "
            f"of years or of whole numbers that count steps with date= (--date).{_index_hint(frame)}"
        )
    return found[0]


def _find_target(frame: nw.DataFrame[Any], name: str, free: list[str]) -> str:
    if "y" in free:
        return "y"
    free = [column for column in free if column not in ROW_NAMES]
    found = [column for column in free if frame[column].dtype.is_numeric()]
    found = found or [column for column in free if _mostly_numbers(frame[column])]
    if len(found) > 1:
        raise DataError(f"{name} has several columns of numbers ({shown(found)}): name one with target= (--target).")
    if not found:
        raise DataError(
            f"{name} has no column of numbers besides the dates; the columns are {shown(frame.columns)}. Name the one "
            "to forecast with target= (--target)."
        )
    return found[0]


def _mostly_numbers(column: nw.Series[Any]) -> bool:
    return column.dtype in (nw.String, nw.Object) and written_numbers(text_of(column))


def _as_list(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or [])


def _index_hint(frame: nw.DataFrame[Any]) -> str:
    """What to do where the index of a pandas frame is more than row numbers and may hold what is missing."""
    kind = str(getattr(nw.maybe_get_index(frame), "dtype", "int64"))
    return "" if kind == "int64" else " If the index holds it, call .reset_index() first."


def shown(columns: Sequence[str]) -> str:
    """Return the names of some columns, of many the first ones and how many there are.

    Example:
        >>> shown(["a", "b"])
        'a, b'
    """
    first = ", ".join(columns[:12])
    return f"{first}, ... ({len(columns)} in all)" if len(columns) > 12 else first
