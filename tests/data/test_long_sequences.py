"""A long table gives each sequence its own rows in the order of time, with its id and its labels."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.data import sequences_from_table
from recuerdo.errors import DataError, OptionError

RUNS = {
    "run": ["b", "a", "b", "c", "a", "b"],
    "second": [2, 1, 1, 5, 0, 3],
    "x": [1.0, 2.0, None, 4.0, 5.0, 6.0],
    "y": [10, 20, 30, 40, 50, 60],
    "kind": ["up", "no", "up", "no", "no", "up"],
}
FRAME = pl.DataFrame(RUNS)
VALUES = [[[np.nan, 30], [1, 10], [6, 60]], [[5, 50], [2, 20]], [[4, 40]]]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table, "csv", "parquet"])
def test_each_sequence_has_its_rows_by_time(make, tmp_path):
    if isinstance(make, str):
        table = tmp_path / f"runs.{make}"
        (FRAME.write_csv if make == "csv" else FRAME.write_parquet)(table)
    else:
        table = make(RUNS)
    read = sequences_from_table(table, id="run", time="second", label="kind")
    assert len(read) == 3
    assert read.ids.tolist() == ["b", "a", "c"]
    assert read.labels.tolist() == ["up", "no", "no"]
    assert read.features == ("x", "y")
    for found, expected in zip(read.sequences, VALUES, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert any("sorted by 'second' in 2 of 3 sequences" in note for note in read.notes)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 99)), unique=True, min_size=1, max_size=30))
def test_the_sequences_are_the_groups_of_pandas(pairs):
    table = pd.DataFrame(pairs, columns=["id", "time"])
    table = table.assign(value=range(len(pairs)), row=range(len(pairs)))
    read = sequences_from_table(table, id="id", time="time", label="row", label_each=True)
    groups = dict(list(table.groupby("id", sort=False)))
    assert read.ids.tolist() == list(groups)
    for found, group in zip(read.sequences, groups.values(), strict=True):
        assert found[:, 0].tolist() == group.sort_values("time")["value"].tolist()
    assert read.labels.tolist() == read.sequences.values[:, 0].tolist()


def test_rows_keep_their_order_without_a_time():
    read = sequences_from_table(FRAME, id="run", features=["y", "second"])
    assert [one[:, 0].tolist() for one in read.sequences] == [[10, 30, 60], [20, 50], [40]]
    assert read.features == ("y", "second")
    assert read.labels is None


def test_each_row_may_have_its_own_label():
    table = FRAME.with_columns(kind=pl.Series([3, 1, 2, 0, 0, 4]))
    read = sequences_from_table(table, id="run", time="second", label="kind", label_each=True)
    assert read.labels.tolist() == [2, 3, 4, 0, 1, 0]
    assert len(read.labels) == len(read.sequences.values)


@pytest.mark.parametrize(
    "times",
    [
        [datetime.datetime(2024, 1, 1, hour) for hour in (3, 2, 1)],
        [datetime.date(2024, month, 1) for month in (3, 2, 1)],
        ["31/12/2024", "30/12/2024", "1/2/2024"],
        [0.25, 0.125, -1.5],
        [30, 20, 10],
    ],
)
def test_time_may_be_dates_or_numbers(times):
    table = pl.DataFrame({"id": [7, 7, 7], "when": times, "x": [3, 2, 1]})
    read = sequences_from_table(table, id="id", time="when")
    assert read.sequences.values[:, 0].tolist() == [1, 2, 3]
    assert read.ids.tolist() == [7]
    assert read.ids.dtype == np.int64


def test_summer_time_does_not_turn_the_order():
    times = pd.to_datetime(["2024-10-27 00:30", "2024-10-27 01:10"], utc=True).tz_convert("Europe/Berlin")
    read = sequences_from_table(pd.DataFrame({"id": ["a", "a"], "t": times, "x": [1, 2]}), id="id", time="t")
    assert read.sequences.values[:, 0].tolist() == [1, 2]


def test_row_numbers_are_no_feature_and_true_is_one():
    table = pl.DataFrame({"Unnamed: 0": [0, 1], "id": [1, 1], "on": [True, False]})
    read = sequences_from_table(table, id="id")
    assert read.features == ("on",)
    assert read.sequences.values.tolist() == [[1], [0]]


def test_the_table_is_left_as_it_was():
    table = pd.DataFrame(RUNS)
    before = table.copy()
    sequences_from_table(table, id="run", time="second", label="kind")
    pd.testing.assert_frame_equal(table, before)


def test_half_a_million_rows_take_seconds():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"id": random.integers(0, 50_000, 500_000), "x": random.random(500_000)})
    read = sequences_from_table(table.with_row_index("t"), id="id", time="t")
    assert read.sequences.lengths.sum() == 500_000


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({}, {"id": "runs"}, r"no column 'runs' \(id=, --id\).*Did you mean 'run'"),
        ({}, {"time": "when"}, r"no column 'when' \(time=, --time\)"),
        ({}, {"label": "class"}, r"no column 'class' \(label=, --label\)"),
        ({}, {"features": ["x", "z"]}, r"no column 'z' \(features=, --features\)"),
        ({}, {"features": "run"}, "Column 'run' of The table is named twice"),
        ({}, {"features": []}, "no column of numbers left"),
        (
            {},
            {"label": None},
            "column 'kind' is of text, and features are numbers. Name",
        ),
        ({"run": ["b", None, "b", "c", "a", "b"]}, {}, "Column 'run', row 1 is empty, so the row belongs to no"),
        ({"second": [2, 1, 1, 5, 1, 3]}, {}, "sequence 'a': 1 stands in rows 1 and 4. Keep one row for each time"),
        ({"second": [2, 1, 2, 5, 1, 2]}, {}, r"sequence 'b': 2 stands in rows 0 and 2 \(3 such pairs\)"),
        ({"second": [0.5, 1.5, 0.5, 5.0, 1.0, 3.0]}, {}, "sequence 'b': 0.5 stands in rows 0 and 2"),
        ({"second": [0.5, 1.5, None, 5.0, 1.0, 3.0]}, {}, "column 'second', row 2 has no finite time"),
        ({"second": [2, 1, None, 5, 1, 3]}, {}, "column 'second', row 2 has no date"),
        ({"second": [True] * 6}, {}, r"holds no dates.*with time= \(--time\)"),
        ({"x": [1.0, float("inf")] * 3}, {}, "column 'x', row 1 is infinite"),
        ({"x": [datetime.date(2020, 1, 1)] * 6}, {}, r"is of type Date.*Name another with features= \(--features\)"),
        ({"kind": ["up", "no", "up", "no", None, "up"]}, {}, r"'kind', row 4 \(sequence 'a'\) has no label"),
        (
            {"kind": ["up", "no", "up", "no", "up", "up"]},
            {},
            "sequence 'a' has two labels: up in row 4 and no in",
        ),
        ({"kind": [1.5, 0, 1.5, 0, 0, 2]}, {}, "sequence 'b' has two labels: 1.5 in row 2 and 2.0 in row 5"),
    ],
)
def test_what_makes_no_sequences_is_named(change, named, said):
    table = FRAME.with_columns(**{name: pl.Series(cells) for name, cells in change.items()})
    with pytest.raises(DataError, match=said):
        sequences_from_table(table, **({"id": "run", "time": "second", "label": "kind"} | named))


def test_a_label_for_each_step_needs_a_column():
    with pytest.raises(OptionError, match=r"name it with label= \(--label\)"):
        sequences_from_table(FRAME, id="run", label_each=True)


def test_labels_that_may_be_missing_are_taken_where_they_are():
    wanted = {"id": "run", "time": "second", "label": "kind"}
    assert sequences_from_table(FRAME, **wanted, labelled=None).labels.tolist() == ["up", "no", "no"]
    without = sequences_from_table(FRAME.drop("kind"), **wanted, labelled=None)
    assert (without.labels, without.features) == (None, ("x", "y"))
    with pytest.raises(DataError, match="kind"):
        sequences_from_table(FRAME.drop("kind"), **wanted)


def test_labels_that_are_left_out_are_no_feature():
    left = sequences_from_table(FRAME, id="run", time="second", label="kind", labelled=False)
    assert (left.labels, left.features) == (None, ("x", "y"))


def test_labels_may_lack_where_they_need_not_be_there():
    steps = pl.DataFrame({"run": ["a", "a", "b", "c"], "speed": [1, 2, 3, 4], "kind": ["up", "up", None, "no"]})
    found = sequences_from_table(steps, id="run", label="kind", labelled=None)
    assert found.labels.tolist() == ["up", None, "no"]
    each = sequences_from_table(steps, id="run", label="kind", label_each=True, labelled=None)
    assert each.labels.tolist() == ["up", "up", None, "no"]
    none = sequences_from_table(steps.with_columns(kind=None), id="run", label="kind", labelled=None)
    assert none.labels is None
    half = steps.with_columns(kind=pl.Series(["up", None, "up", "no"]))
    with pytest.raises(DataError, match="sequence 'a' has two labels: up in row 0 and no label in row 1"):
        sequences_from_table(half, id="run", label="kind", labelled=None)
