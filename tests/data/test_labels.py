"""Labels are numbers or text as in the table, and none may be missing."""

from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recuerdo.data.labels import labels_of
from recuerdo.errors import DataError


def read(column, **named):
    return labels_of(nw.from_native(column, series_only=True), np.arange(2, 2 + len(column)), "pets.csv", **named)


def arrow(cells):
    return pa.chunked_array([cells])


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ([1, 0, 2], np.int64),
        ([0.5, -1.0, 2.0], np.float64),
        ([True, False, True], np.bool_),
        (["a", "á", "b"], np.str_),
    ],
)
@pytest.mark.parametrize("make", [pl.Series, pd.Series, arrow])
def test_labels_are_what_they_are_in_the_table(make, cells, dtype):
    labels = read(make(cells))
    assert labels.tolist() == cells
    assert labels.dtype.type is dtype


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pd.Series([1, 0], dtype="Int8"), np.int64),
        (pd.Series([1, 0], dtype="Float32"), np.float64),
        (pd.Series([True, False], dtype="boolean"), np.bool_),
        (pd.Series(["1", "0"], dtype="category"), np.str_),
        (pd.Series(["1", "0"], dtype="string"), np.str_),
        (pd.Series(["1", 0], dtype=object), np.str_),
        (pl.Series(["1", "0"], dtype=pl.Categorical), np.str_),
        (pl.Series(["1", "0"], dtype=pl.Enum(["0", "1"])), np.str_),
        (pl.Series([1, 0], dtype=pl.UInt8), np.int64),
        (pl.Series([Decimal(1), Decimal(0)]), np.float64),
    ],
)
def test_every_type_of_a_column_gives_one_of_four(column, dtype):
    labels = read(column)
    assert labels.dtype.type is dtype
    np.testing.assert_array_equal(labels, np.array([1, 0]).astype(dtype))


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("kind", ["a", None, "b"]),
        pl.Series("kind", ["a", " ", "b"]),
        pl.Series("kind", [1, None, 2]),
        pl.Series("kind", [1.0, float("nan"), 2.0]),
        pl.Series("kind", [True, None, True]),
        pd.Series([1.0, None, 2.0], name="kind"),
        pd.Series(["a", None, "b"], name="kind"),
        pd.Series([1, None, 2], name="kind", dtype="Int64"),
        pd.Series([True, None, True], name="kind", dtype="boolean"),
    ],
)
def test_a_missing_label_is_named(column):
    with pytest.raises(DataError, match=r"pets.csv, column 'kind', row 3 \(dog 1\) has no label. Write it, or take"):
        read(column, place=lambda i: f" (dog {i})")


def test_several_missing_labels_are_counted():
    with pytest.raises(DataError, match=r"row 2 has no label \(2 such rows\)"):
        read(pl.Series("kind", [None, "a", None]))


def test_what_is_no_label_is_refused():
    with pytest.raises(DataError, match="row 3 is inf, which is no label"):
        read(pl.Series("kind", [1.0, float("inf")]))
    with pytest.raises(DataError, match=r"column 'kind' is of type List.*, neither text nor numbers. Name another"):
        read(pl.Series("kind", [[1], [2]]))


@pytest.mark.parametrize("cells", [["a", "", None, "b"], [1, None, 2, 3], [0.5, float("nan"), 1.0, None]])
@pytest.mark.parametrize("make", [pl.Series, pd.Series])
def test_rows_that_may_lack_their_label_are_masked(make, cells):
    column = make(cells)
    there = [cell not in ("", None) and cell == cell for cell in cells]
    labels = read(column, may_lack=True)
    assert (~np.ma.getmaskarray(labels)).tolist() == there
    assert np.ma.compressed(labels).tolist() == [cell for cell, known in zip(cells, there, strict=True) if known]
    with pytest.raises(DataError, match="has no label"):
        read(column)
    whole = read(column[there] if make is pd.Series else column.filter(pl.Series(there)), may_lack=True)
    assert not isinstance(whole, np.ma.MaskedArray)
