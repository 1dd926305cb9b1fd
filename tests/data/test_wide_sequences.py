"""A row for each series, a column for each step: read as it stands, and told from tables of other kinds."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recuerdo.data import is_wide, sequences_from_wide_table
from recuerdo.errors import DataError

STEPS = {"t0": [1.0, 4.0, 7.0], "t1": [2.0, None, 8.0], "t2": [3.0, 6.0, None]}
KINDS = {"kind": ["up", "down", "up"]}


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_each_row_is_a_series(make):
    found = sequences_from_wide_table(make({**STEPS, **KINDS}), label="kind")
    assert found.steps == ("t0", "t1", "t2")
    assert found.sequences.values.shape == (8, 1)
    np.testing.assert_array_equal(found.sequences[0].ravel(), [1, 2, 3])
    np.testing.assert_array_equal(found.sequences[1].ravel(), [4, np.nan, 6])
    np.testing.assert_array_equal(found.sequences[2].ravel(), [7, 8])
    assert found.labels.tolist() == KINDS["kind"]
    assert len(found) == 3


def test_the_labels_are_found_by_their_name_or_as_the_only_text():
    assert sequences_from_wide_table(pl.DataFrame({**STEPS, "Class": [1, 2, 1]})).label == "Class"
    assert sequences_from_wide_table(pl.DataFrame({**KINDS, **STEPS})).label == "kind"
    with pytest.raises(DataError, match=r"no column of labels: t0, t1, t2 are its columns\. Name one with label="):
        sequences_from_wide_table(pl.DataFrame(STEPS))
    bare = sequences_from_wide_table(pl.DataFrame(STEPS), labelled=None)
    assert bare.labels is None
    assert bare.label is None
    with pytest.raises(DataError, match="several columns that may hold the labels"):
        sequences_from_wide_table(pl.DataFrame({**STEPS, **KINDS, "site": ["a", "b", "c"]}))


def test_a_column_that_numbers_the_rows_is_no_step():
    found = sequences_from_wide_table(pl.DataFrame({"id": [7, 8, 9], **STEPS, **KINDS}))
    assert found.steps == ("t0", "t1", "t2")
    assert found.notes == ("column 'id' numbers the rows and is no step",)
    repeated = sequences_from_wide_table(pl.DataFrame({"id": [7, 7, 9], **STEPS, **KINDS}))
    assert repeated.steps == ("id", "t0", "t1", "t2")


def test_steps_may_be_named():
    found = sequences_from_wide_table(pl.DataFrame({**STEPS, **KINDS}), steps=["t2", "t0"])
    np.testing.assert_array_equal(found.sequences[0].ravel(), [3, 1])
    with pytest.raises(DataError, match="no column 't9'"):
        sequences_from_wide_table(pl.DataFrame({**STEPS, **KINDS}), steps=["t9"])
    with pytest.raises(DataError, match="named twice"):
        sequences_from_wide_table(pl.DataFrame({**STEPS, **KINDS}), label="t0", steps=["t0"])


def test_what_is_wrong_is_named():
    table = pl.DataFrame({**STEPS, **KINDS})
    with pytest.raises(DataError, match="column 't1', row 1 is infinite"):
        sequences_from_wide_table(table.with_columns(t1=pl.Series([1.0, np.inf, 2.0])))
    with pytest.raises(DataError, match="row 1 has not a single value"):
        sequences_from_wide_table(pl.DataFrame({"t0": [1.0, None], "t1": [2.0, None], "label": ["a", "b"]}))
    with pytest.raises(DataError, match="no column 'sort'"):
        sequences_from_wide_table(table, label="sort")
    with pytest.raises(DataError, match=r"row 1 has no label"):
        sequences_from_wide_table(table.with_columns(kind=pl.Series(["up", None, "up"])))
    some = sequences_from_wide_table(table.with_columns(kind=pl.Series(["up", None, "up"])), labelled=None)
    assert some.labels.tolist() == ["up", None, "up"]


@pytest.mark.parametrize(
    ("table", "label", "wide"),
    [
        ({**STEPS, **KINDS}, "kind", True),
        ({**STEPS, "kind": ["up", "up", "down"] * 1}, None, False),
        ({name: cells * 2 for name, cells in {**STEPS, **KINDS}.items()}, None, True),
        ({**STEPS, "label": ["a", "b", "c"]}, None, True),
        (STEPS, None, True),
        ({"text": ["a", "b", "c"], "label": [1, 0, 1]}, None, False),
        ({"review": ["a", "a", "b", "b"], "stars": [1, 2, 3, 4], "label": [1, 0, 1, 0]}, None, False),
        ({"at": pl.Series(["2024-01-01"] * 3).str.to_date(), **STEPS}, None, False),
    ],
)
def test_which_tables_are_wide(table, label, wide):
    assert is_wide(pl.DataFrame(table), label) is wide


def test_text_beside_many_numbers_is_asked_after():
    table = {f"t{k}": [0.5, 1.5, 2.5] for k in range(10)}
    for beside in ({"site": ["a", "b", "c"]}, {"site": ["a", "b", "c"], "pose": ["x", "y", "x"]}):
        with pytest.raises(DataError, match=r"10 columns of numbers, and beside them site.*: if each row is a series"):
            is_wide(pl.DataFrame({**table, **beside}))
    assert not is_wide(pl.DataFrame({**table, "review": ["a", "b", "c"]}))
    assert is_wide(pl.DataFrame({**table, "site": ["a", "b", "c"]}), label="site")
