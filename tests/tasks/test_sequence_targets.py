"""What sequence estimators learn to say: labels and numbers as they come, against numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.sequence_targets import NONE, flat_labels, read_labels, read_numbers

LENGTHS = np.array([2, 3, 1, 2])
PLAIN = ["b", "a", "b", "c"]


@pytest.mark.parametrize(
    "y",
    [PLAIN, tuple(PLAIN), np.array(PLAIN), np.array(PLAIN, object), pd.Series(PLAIN), pl.Series(PLAIN)],
    ids=["list", "tuple", "array", "objects", "pandas", "polars"],
)
def test_labels_are_indices_of_their_sorted_values(y):
    made = read_labels(y, LENGTHS, each=False, who="It")
    found, indices = np.unique(PLAIN, return_inverse=True)
    assert made.classes is not None
    assert made.classes.tolist() == found.tolist()
    np.testing.assert_array_equal(made.values, indices)
    assert (made.outputs, made.each, len(made)) == (3, False, 4)


@pytest.mark.parametrize(
    ("y", "kind"),
    [([3, -1, 3, 7], "i"), ([True, False, True, True], "b"), ([1.0, 2.0, 1.0, 1.0], "f"), (PLAIN, "U")],
)
def test_labels_keep_their_type(y, kind):
    for form in (y, np.array(y), np.array(y, object)):
        made = read_labels(form, LENGTHS, each=False, who="It")
        assert made.classes is not None
        assert made.classes.dtype.kind == kind
        assert made.classes[made.values].tolist() == y


def test_labels_of_steps_may_be_missing():
    y = [["a", None], ["b", "b", float("nan")], ["a"], [None, "c"]]
    made = read_labels(y, LENGTHS, each=True, who="It")
    assert isinstance(made.values, Ragged)
    assert made.values.values.tolist() == [0, NONE, 1, 1, NONE, 0, NONE, 2]
    known, owner = made.flatten()
    assert (known.tolist(), owner.tolist()) == ([0, 1, 1, 0, 2], [0, 1, 1, 2, 3])
    some = made.take(np.array([3, 0]))
    assert isinstance(some.values, Ragged)
    assert some.values.values.tolist() == [NONE, 2, 0, NONE]
    labels, place, rows = flat_labels(y, LENGTHS, each=True, who="It")
    assert labels.tolist() == ["a", "b", "b", "a", "c"]
    assert place.sum() == 5
    assert rows is not None
    assert rows.tolist() == [0, 2, 5, 6, 8]


def test_classes_that_are_named_stand_though_no_label_has_them():
    made = read_labels(PLAIN, LENGTHS, each=False, who="It", classes=["d", "c", "b", "a"])
    assert made.classes is not None
    assert made.classes.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(DataError, match=r"It: label 'c' is not among the classes \['a', 'b'\]"):
        read_labels(PLAIN, LENGTHS, each=False, who="It", classes=["a", "b"])


@pytest.mark.parametrize("form", [np.array, list, pd.Series, pl.Series])
def test_numbers_are_float64_with_an_axis_of_columns(form):
    y = [1.5, 2, -3, 0]
    made = read_numbers(form(y), LENGTHS, each=False, who="It")
    assert isinstance(made.values, np.ndarray)
    assert made.values.dtype == np.float64
    assert made.values.tolist() == [[one] for one in y]
    assert (made.flat, made.outputs, made.classes) == (True, 1, None)


def test_numbers_may_have_columns_and_steps():
    columns = read_numbers(np.arange(8).reshape(4, 2), LENGTHS, each=False, who="It")
    assert (columns.flat, columns.outputs) == (False, 2)
    rows = [np.full((length, 2), float(i)) for i, length in enumerate(LENGTHS)]
    rows[1][2, 1] = np.nan
    steps = read_numbers(rows, LENGTHS, each=True, who="It")
    known, owner = steps.flatten()
    assert (known.shape, owner.tolist()) == ((7, 2), [0, 0, 1, 1, 2, 3, 3])


def test_rows_of_steps_are_as_long_as_their_sequences():
    with pytest.raises(ShapeError, match="It: sample 2 has 1 steps and 2 answers in y"):
        read_labels([[0, 1], [0, 1, 0], [0, 1], [1, 1]], LENGTHS, each=True, who="It")
