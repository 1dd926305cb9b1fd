"""What is known beside the numbers to forecast: columns of numbers or of categories, and their values ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recuerdo.data.columns import numbers, written_numbers
from recuerdo.data.frames import opened
from recuerdo.data.frequency import say
from recuerdo.data.rows import Rows
from recuerdo.data.stamps import read_times, text_of
from recuerdo.errors import DataError, warn

if TYPE_CHECKING:
    from recuerdo.data.tables import Panel

__all__ = ["Covariate", "ahead", "constant", "of_table", "read_columns"]

_NAME_OF_DIGITS = r"^0\d"
_SHOWN = 3


@dataclass(frozen=True)
class Covariate:
    """A column that is known beside the target.

    Attributes:
        name: of the column.
        role: "past" (known up to now), "future" (known ahead too) or "static" (one value for each series).
        categories: None for numbers; otherwise values are codes 0, 1, ... into these, and NaN where one is missing.
    """

    name: str
    role: str
    categories: tuple[str, ...] | None = None


def read_columns(
    frame: nw.DataFrame[Any],
    roles: Sequence[tuple[str, str]],
    rows: NDArray[np.int64],
    name: str,
    fitted: Mapping[str, Sequence[str]] | None = None,
) -> tuple[list[Covariate], NDArray[np.float64]]:
    """Columns of numbers, and columns of categories as codes.

    Args:
        frame: the table.
        roles: (role, name of the column) of each.
        rows: (R,) the number of each row, for messages.
        name: what to call the table in messages.
        fitted: name -> the categories that a model knows; None takes those of the table, sorted as text.

    Returns:
        The covariates, and their values (R, C), NaN where one is missing or of no known category.

    Raises:
        DataError: a column is neither of numbers nor of categories, or has an infinite number.

    Warns:
        UserWarning: a category is none that the model knows.
    """
    found: list[Covariate] = []
    values = np.empty((len(frame), len(roles)))
    for i, (role, column) in enumerate(roles):
        cells = frame[column]
        known = None if fitted is None else fitted.get(column)
        if known is None and (fitted is not None or not _holds_categories(cells)):
            values[:, i] = _numbers(cells, rows, name, role)
            found.append(Covariate(column, role))
        else:
            categories, values[:, i] = _codes(cells, known)
            found.append(Covariate(column, role, categories))
    return found, values


def constant(rows: Rows, values: NDArray[np.float64], covariates: Sequence[Covariate]) -> NDArray[np.float64]:
    """The one value that each static column has in each series.

    Args:
        rows: of the table, series after series.
        values: (R, S), in the order of these rows.
        covariates: (S,).

    Returns:
        The values (n, S), NaN where a series has none.

    Raises:
        DataError: a column changes within a series.
    """
    low, high = (extreme.reduceat(values, rows.starts, axis=0) for extreme in (np.fmin, np.fmax))
    series, column = np.nonzero(low < high)
    if series.size:
        i, j = int(series[0]), int(column[0])
        one = covariates[j]
        first, second = (
            repr(one.categories[int(value)]) if one.categories else f"{value:g}" for value in (low[i, j], high[i, j])
        )
        raise DataError(
            f"{rows.place(i)}: column {one.name!r} is {first} in one row and {second} in another, so it is not static. "
            "Name it with past= (--past) or future= (--future), or correct it."
        )
    return low


def of_table(
    frame: nw.DataFrame[Any],
    ids: Sequence[Any],
    id_name: str,
    fitted: Mapping[str, Sequence[str]] | None,
    name: str = "The table of static=",
) -> tuple[list[Covariate], NDArray[np.float64]]:
    """Static covariates from a table of their own, with one row for each series.

    Args:
        frame: the table: the column of ids, and one column for each covariate.
        ids: (n,) the series; rows of others are passed over.
        id_name: the column of ids.
        fitted: name -> the categories that a model knows.
        name: what to call the table in messages.

    Returns:
        The covariates, and their values (n, S).

    Raises:
        DataError: there is no column of ids, or a series has no row or several.
    """
    if id_name not in frame.columns:
        near = get_close_matches(id_name, frame.columns, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else " It tells which row belongs to which series."
        raise DataError(f"{name} has no column {id_name!r}; the columns are {', '.join(frame.columns)}.{hint}")
    labels = pl.DataFrame({"id": text_of(frame[id_name]), "row": np.arange(len(frame))})
    wanted = pl.DataFrame({"id": [str(one) for one in ids]})
    labels = labels.join(wanted, on="id", how="semi")
    twice = labels.filter(pl.col("id").is_duplicated()).sort("row")
    if len(twice):
        one = twice["id"][0]
        first, second = twice.filter(pl.col("id") == one)["row"][:2]
        raise DataError(f"{name} has several rows for {id_name!r} {one!r}: rows {first} and {second}. Keep one.")
    places = wanted.join(labels, on="id", how="left", maintain_order="left")["row"]
    if places.null_count():
        missing = wanted.filter(places.is_null())["id"]
        more = f", nor for {len(missing) - 1} others" if len(missing) > 1 else ""
        raise DataError(f"{name} has no row for {id_name!r} {missing[0]!r}{more}. Add it.")
    roles = [("static", column) for column in frame.columns if column != id_name]
    taken = places.to_numpy()
    kept = frame[taken.tolist()] if len(frame) else frame
    return read_columns(kept, roles, taken, name, fitted)


def ahead(known: "Panel", table: Any, horizon: int) -> list[NDArray[np.float64]]:
    """What is known ahead of each series, in its next rows.

    Args:
        known: the series, whose covariates of role "future" are asked for.
        table: a frame, or the path of a file: the columns of dates and of ids as they were in the table of the series,
            and the covariates. Without the column of ids, its rows hold for all series. Rows of other times are passed
            over. If the frequency of the series is `nearest`, each row goes to the nearest point, and the last counts.
        horizon: K, how many rows follow the last one of each series.

    Returns:
        For each series the values (K, F) of its future covariates.

    Raises:
        DataError: a column, a row or a value is not there, or a row is there twice.

    Warns:
        UserWarning: a category is none that the series know; it is NaN.

    Example:
        >>> from recuerdo.data import panel
        >>> sold = pl.DataFrame({"day": ["2024-01-01", "2024-01-02"], "sold": [3, 1], "price": [1.0, 1.5]})
        >>> following = pl.DataFrame({"day": ["2024-01-03", "2024-01-04"], "price": [1.5, 2.0]})
        >>> ahead(panel(sold, future="price"), following, 2)[0].tolist()
        [[1.5], [2.0]]
    """
    columns = [one for one in known.covariates if one.role == "future"]
    if not columns:
        return [np.empty((horizon, 0)) for _ in known.series]
    if table is None:
        raise DataError(
            f"The next values of {', '.join(repr(one.name) for one in columns)} are needed: give a table of them with "
            "future= (--future-table)."
        )
    frame, numbered, name, _ = opened(table)
    name = name if isinstance(table, str | Path) else "The table of what is known ahead"
    _all_there(frame, [known.date, *(one.name for one in columns)], name)
    shared = known.id is None or known.id not in frame.columns
    where = f"{name}, column {known.date!r}"
    times, kind, _ = read_times(frame[known.date], numbered, where, wall=known.time_type.wall, known=known.time_type)
    if times.dtype != known.series[0].times.dtype or kind.utc != known.time_type.utc:
        raise DataError(f"{where} holds other stamps than the table of the series. Write them alike.")
    fitted = {one.name: one.categories for one in columns if one.categories is not None}
    _, values = read_columns(frame, [("future", one.name) for one in columns], numbered, name, fitted)
    gone = np.isnan(values)
    for i, one in enumerate(columns):
        if one.categories is not None:  # where NaN may be a new category
            gone[:, i] = frame[one.name].is_null().to_numpy()

    ids = ["" if shared else str(one.id) for one in known.series]
    last = np.array([one.times[-1] for one in known.series])
    wanted = pl.DataFrame({"id": ids, "series": np.arange(len(ids))})
    labels = pl.Series("id", [""] * len(frame)) if shared else text_of(frame[known.id or ""]).alias("id")
    near = (times > last.min()) & (times <= known.freq.after(last.max(), horizon + 1)[-1])
    found = pl.DataFrame([labels]).with_row_index("row").filter(near).join(wanted, on="id")
    series, row = found["series"].to_numpy(), found["row"].to_numpy().astype(np.int64)
    origin = last[series]
    steps = known.freq.positions(times[row], origin)
    use = (steps >= 1) & (steps <= horizon)
    if not known.freq.nearest:
        use &= known.freq.at(origin, steps) == times[row]
    series, row, steps = series[use], row[use], steps[use] - 1
    at = np.full((len(ids), horizon), -1)
    at[series, steps] = row
    if not known.freq.nearest and (at >= 0).sum() < len(row):
        i = int(np.flatnonzero(at[series, steps] != row)[0])
        raise DataError(
            f"{name}: {say(times[row[i]])} of series {known.series[series[i]].id!r} stands in rows {numbered[row[i]]} "
            f"and {numbered[at[series[i], steps[i]]]}. Keep one."
        )
    lacking = np.argwhere(at < 0)
    if len(lacking):
        i, step = (int(each) for each in lacking[0])
        more = f", nor {len(lacking) - 1} other rows that are needed" if len(lacking) > 1 else ""
        raise DataError(
            f"{name} has no row for {say(known.freq.after(last[i], step + 1)[-1])} of series {known.series[i].id!r}"
            f"{more}. The next {horizon} rows of each series are needed."
        )
    empty = np.argwhere(gone[at])
    if len(empty):
        i, step, column = (int(each) for each in empty[0])
        more = f" ({len(empty)} such cells)" if len(empty) > 1 else ""
        raise DataError(
            f"{name}: {columns[column].name!r} is missing at {say(known.freq.after(last[i], step + 1)[-1])} of series "
            f"{known.series[i].id!r}, in row {numbered[at[i, step]]}{more}. What is known ahead is needed whole."
        )
    return list(values[at])


def _all_there(frame: nw.DataFrame[Any], columns: Sequence[str], name: str) -> None:
    for column in columns:
        if column not in frame.columns:
            near = get_close_matches(column, frame.columns, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{name} has no column {column!r}; the columns are {', '.join(frame.columns)}.{hint}")


def _holds_categories(column: nw.Series[Any]) -> bool:
    """Whether the cells are names: by their type, or text that is not numbers (007 is a name)."""
    if column.dtype in (nw.Boolean, nw.Categorical) or isinstance(column.dtype, nw.Enum):
        return True
    if column.dtype == nw.Object:
        return any(isinstance(cell, str | bool | np.bool_) for cell in column.to_list())
    if column.dtype != nw.String:
        return False
    cells = text_of(column)
    return bool(cells.str.contains(_NAME_OF_DIGITS).any()) or not written_numbers(cells)


def _numbers(column: nw.Series[Any], rows: NDArray[np.int64], name: str, role: str) -> NDArray[np.float64]:
    values = numbers(column, rows, name, role)
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"{name}, column {column.name!r}, row {rows[infinite.argmax()]} is infinite. Correct it, or empty the cell."
        )
    return values


def _codes(column: nw.Series[Any], known: Sequence[str] | None) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    cells = text_of(column)
    there = sorted(cells.unique().drop_nulls().to_list())
    categories = tuple(there if known is None else known)
    strange = sorted(set(there) - set(categories))
    if strange:
        shown = ", ".join(map(repr, strange[:_SHOWN])) + (", ..." if len(strange) > _SHOWN else "")
        are = f"{len(strange)} categories that are" if len(strange) > 1 else "a category that is"
        warn(
            f"Column {column.name!r} has {are} new to the model ({shown}), and taken as missing. Fit anew to use "
            f"{'them' if len(strange) > 1 else 'it'}."
        )
    codes = cells.replace_strict(categories, range(len(categories)), default=None, return_dtype=pl.Float64)
    return categories, codes.fill_null(float("nan")).to_numpy()
