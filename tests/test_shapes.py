"""Any arrangement of numbers becomes (N, T, D), and a wrong axis gets a sentence with a mend that works."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recuerdo.errors import DataError, ShapeError
from recuerdo.shapes import Sequences, as_sequences, check, describe, pad, unpad

N, T, D = 5, 7, 3


@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["numpy", "torch"])
def test_a_right_shape_passes(make):
    assert check(make((N, T, D)), D) is None
    assert check(make((T, N, D)), D, time_first=True) is None


def test_the_sentence_of_a_wrong_axis_is_as_promised():
    with pytest.raises(ShapeError) as caught:
        check(torch.zeros(32, 8, 100), features=8)
    assert str(caught.value) == (
        "LSTM expects (samples, time steps, 8 features), got (32, 8, 100). "
        "The last axis is features: did you mean x.transpose(1, 2)?"
    )


@pytest.mark.parametrize("time_first", [False, True])
@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("shape", "features", "fixed"),
    [
        ((N, D, T), D, {(N, T, D)}),
        ((D, N, T), D, {(N, T, D)}),
        ((T, D), D, {(1, T, D), (T, 1, D)}),
        ((D, T), D, {(1, T, D), (T, 1, D)}),
        ((N, T), 1, {(N, T, 1)}),
        ((T,), 1, {(1, T, 1), (T, 1, 1)}),
        ((D,), D, {(1, 1, D)}),
        ((1, N, T, D), D, {(N, T, D)}),
        ((N, 1, T, D), D, {(N, T, D)}),
        ((N, T, D, 1), D, {(N, T, D)}),
    ],
)
def test_the_mend_in_the_sentence_makes_the_shape_right(make, shape, features, fixed, time_first):
    x = make(shape)
    with pytest.raises(ShapeError, match="did you mean") as caught:
        check(x, features, time_first=time_first)
    offered = re.search(r"did you mean (x.*)\?", str(caught.value))
    assert offered
    mended = eval(offered.group(1), {"x": x})
    assert tuple(mended.shape) in fixed
    check(mended, features, time_first=time_first)


@pytest.mark.parametrize("shape", [(4, 5, 6), (), (2, 3), (1, 2, 3, 4), (1, 1, 2, 3, 4)])
def test_no_mend_is_invented_where_nothing_fits(shape):
    with pytest.raises(ShapeError) as caught:
        check(np.zeros(shape), features=8)
    assert "did you mean" not in str(caught.value)
    assert "8 features), got" in str(caught.value)


def test_a_list_is_sent_to_as_sequences():
    with pytest.raises(ShapeError, match=r"LSTM expects an array or tensor, got a list. Try recuerdo.shapes"):
        check([[1.0, 2.0]], 1)


def test_time_first_turns_the_order_of_the_sentence():
    with pytest.raises(ShapeError, match=r"GRU expects \(time steps, samples, 1 feature\), got \(7, 5, 2\)"):
        check(np.zeros((7, 5, 2)), 1, who="GRU", time_first=True)


def test_check_compiles_without_a_break():
    @torch.compile(fullgraph=True, backend="eager")
    def layer(x):
        check(x, D)
        return x + 1

    assert layer(torch.zeros(N, T, D)).shape == (N, T, D)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ([1, 2, 3], (1, 3, 1)),
        (range(4), (1, 4, 1)),
        (np.zeros(T), (1, T, 1)),
        (pd.Series([1, 2, 3]), (1, 3, 1)),
        (pl.Series([1, 2, 3]), (1, 3, 1)),
        (np.zeros((N, T)), (N, T, 1)),
        ([[1, 2, 3], [4, 5, 6]], (2, 3, 1)),
        (np.zeros((N, T, D)), (N, T, D)),
        (torch.zeros(N, T, D), (N, T, D)),
        (pd.DataFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]}), (1, 3, 2)),
        (pl.DataFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]}), (1, 3, 2)),
        (pa.table({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]}), (1, 3, 2)),
        ([np.zeros((2, D)), np.zeros((4, D))], (2, 4, D)),
        ([torch.zeros(2, requires_grad=True), torch.zeros(4)], (2, 4, 1)),
        ([pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1, 2]})], (2, 2, 1)),
        ([Decimal("1.5"), 2], (1, 2, 1)),
    ],
)
def test_what_a_person_has_becomes_samples_time_steps_features(data, shape):
    read = as_sequences(data)
    assert read.values.shape == shape
    samples, steps, features = shape
    for words in (f"{samples} sample", f"{steps} time step", f"{features} feature"):
        assert words in read.note


def test_what_an_array_masks_is_missing():
    values = as_sequences(np.ma.masked_array([1, 2, 3], [False, True, False])).values
    np.testing.assert_array_equal(values, [[[1], [np.nan], [3]]])


def test_a_table_keeps_its_columns_as_features():
    values = as_sequences(pd.DataFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]})).values
    np.testing.assert_array_equal(values, [[[1, 4], [2, 5], [3, 6]]])


@pytest.mark.parametrize("layout", ["NTD", "NDT", "TND", "TDN", "DNT", "DTN"])
def test_a_layout_names_the_axes_as_they_arrive(layout):
    truth = np.arange(N * T * D, dtype=float).reshape(N, T, D)
    arrived = truth.transpose(["NTD".index(letter) for letter in layout])
    np.testing.assert_array_equal(as_sequences(arrived, layout).values, truth)


@pytest.mark.parametrize(
    ("layout", "shape"), [("TD", (1, 4, 6)), ("DT", (1, 6, 4)), ("NT", (4, 6, 1)), ("TN", (6, 4, 1))]
)
def test_a_layout_of_two_letters_adds_the_third_axis(layout, shape):
    assert as_sequences(np.zeros((4, 6)), layout).values.shape == shape


def test_a_layout_turns_ragged_samples_too():
    values = as_sequences([np.arange(6.0).reshape(2, 3), np.ones((2, 5))], "NDT").values
    np.testing.assert_array_equal(values[0, :3], np.arange(6.0).reshape(2, 3).T)
    assert values.shape == (2, 5, 2)


@pytest.mark.parametrize(
    ("dtype", "kept"), [("float32", "float32"), ("float64", "float64"), ("int32", "float64"), ("float16", "float32")]
)
def test_single_precision_stays_and_integers_become_double(dtype, kept):
    assert as_sequences(np.zeros((2, 3), dtype=dtype)).values.dtype == kept


def test_bfloat16_tensors_are_read_as_single_precision():
    assert as_sequences(torch.ones(2, 3, dtype=torch.bfloat16)).values.dtype == np.float32


def test_missing_values_are_kept_as_nan():
    assert np.isnan(as_sequences([1.0, float("nan")]).values[0, 1, 0])
    assert np.isnan(as_sequences(pl.DataFrame({"a": [1, None]})).values[0, 1, 0])
    assert np.isnan(as_sequences(pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})).values[0, 1, 0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, "a"], r"'a' \(time step 1\) is no number"),
        ([1, None], r"None \(time step 1\) is no number: write float\('nan'\)"),
        ([[1, 2], ["x", 3, 4]], r"'x' \(sample 1, time step 0\) is no number"),
        (np.array([["a", "b"]]), r"'a' \(sample 0, time step 0\)"),
        (pd.DataFrame({"a": ["x"]}), r"'x' \(column 'a', time step 0\)"),
        (np.array(["2020-01-01"], dtype="datetime64[ns]"), r"datetime\(2020, 1, 1, 0, 0\).* is no number"),
        (np.array([1j]), "1j"),
        ({"a": 1}, "is no number"),
        ("text", "'text' is no number"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of one name"),
    ],
)
def test_what_is_no_number_is_named_with_its_place(data, message):
    with pytest.raises(DataError, match=message):
        as_sequences(data)


@pytest.mark.parametrize(
    ("data", "layout", "message"),
    [
        ([], None, "empty; give at least one time step"),
        (np.zeros((0, 3)), None, "empty"),
        (3, None, r"shape \(\); sequences have one, two or three axes"),
        (np.zeros((1, 1, 1, 1)), None, r"shape \(1, 1, 1, 1\); sequences have one, two or three axes"),
        ([[1, 2], []], None, r"Sample 1 has shape \(0,\)"),
        ([1, [2]], None, r"Sample 0 has shape \(\)"),
        ([[[1, 2], [3]], [[1]]], None, "In sample 0 the rows have different lengths"),
        ([np.ones((2, 2)), np.ones((2, 3))], None, "give all samples the same features"),
        (np.zeros((2, 2)), "NTD", r"layout='NTD' does not go with shape \(2, 2\).*choose from NT, TN, TD, DT"),
        ([[1], [2, 3]], "TD", "layout='TD' does not go with samples of different lengths.*choose from NT"),
    ],
)
def test_axes_that_cannot_be_read_are_said_in_words(data, layout, message):
    with pytest.raises(ShapeError, match=message):
        as_sequences(data, layout)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda features: st.lists(
            st.integers(1, 6).flatmap(
                lambda steps: arrays.arrays(np.float64, (steps, features), elements=st.floats(-1e6, 1e6))
            ),
            min_size=1,
            max_size=5,
        )
    )
)
def test_unpad_takes_back_what_pad_did(samples):
    values, lengths = pad(samples)
    assert values.shape == (len(samples), max(map(len, samples)), samples[0].shape[1])
    for sample, back in zip(samples, unpad(values, lengths), strict=True):
        np.testing.assert_array_equal(sample, back)
    for row, length in zip(values, lengths, strict=True):
        assert (row[length:] == 0).all()


def test_pad_refuses_an_empty_list():
    with pytest.raises(ShapeError, match="no samples"):
        pad([])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([1], "a length for each sample"), ([1, 4], "Sample 1 has 3 time steps"), ([0, 3], "Sample 0")],
)
def test_unpad_refuses_lengths_that_do_not_fit(lengths, message):
    with pytest.raises(ShapeError, match=message):
        unpad(np.zeros((2, 3, 1)), lengths)


def test_describe_counts_and_shows_how_the_first_sample_begins():
    assert describe([[1, 2, 3, 4], [5]]) == (
        "2 samples x 1 to 4 time steps x 1 feature; sample 0 has steps 1, 2, 3, ..."
    )
    assert describe(np.zeros((1, 2, 6))).endswith("sample 0 has steps [0, 0, 0, 0, ...], [0, 0, 0, 0, ...]")
    read = as_sequences([1, 2])
    assert isinstance(read, Sequences)
    assert describe(read) == "1 sample x 2 time steps x 1 feature; sample 0 has steps 1, 2"
