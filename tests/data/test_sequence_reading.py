"""Whatever form sequences come in, the same numbers are read; and what cannot be read is said in words."""

import re
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from sklearn.utils import check_array
from sklearn.utils.validation import _check_n_features, _num_samples

from recuerdo.data import Ragged, fixed_steps, read_sequences, require_like
from recuerdo.errors import DataError, OptionError, RecuerdoError, ShapeError

CUBE = np.arange(24.0).reshape(2, 4, 3)
SQUARE = np.arange(12.0).reshape(3, 4)
FRAME = pd.DataFrame(SQUARE, columns=list("abcd"))


class ArrayLike:
    """What has no more than __array__, as scikit-learn's checks hand it over."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize(
    "make",
    [np.asarray, np.float32, np.int64, np.asfortranarray, torch.tensor, ArrayLike, np.ndarray.tolist, list, tuple,
     np.ma.masked_array, lambda x: x.astype(object), lambda x: [torch.tensor(one) for one in x],
     lambda x: [pd.DataFrame(one) for one in x], lambda x: Ragged.of(list(x))],
)  # fmt: skip
def test_a_cube_of_numbers_is_samples_time_steps_and_features(make):
    found = read_sequences(make(CUBE))
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, CUBE.reshape(-1, 3))
    assert found.starts.tolist() == [0, 4, 8]


@pytest.mark.parametrize(
    "make",
    [np.asarray, torch.tensor, ArrayLike, np.ndarray.tolist, list, pd.DataFrame, lambda x: FRAME,
     lambda x: FRAME.astype("Float64"), lambda x: pl.from_pandas(FRAME), lambda x: pa.Table.from_pandas(FRAME),
     lambda x: FRAME.astype(object),
     lambda x: FRAME.astype({"a": "int64"}), lambda x: [pd.Series(one) for one in x]],
)  # fmt: skip
def test_each_row_of_a_square_is_a_sequence_of_one_feature(make):
    found = read_sequences(make(SQUARE))
    np.testing.assert_array_equal(found.values, SQUARE.reshape(-1, 1))
    assert found.starts.tolist() == [0, 4, 8, 12]


@pytest.mark.parametrize(
    "given_",
    [
        [[1, 2, 3], [4]],
        ([1.0, 2.0, 3.0], (4.0,)),
        [np.array([1, 2, 3]), np.array([[4]])],
        [torch.tensor([1, 2, 3]), [Decimal(4)]],
        np.array([np.array([1, 2, 3]), np.array([4])], dtype=object),
        np.array([[1, 2, 3], [4]], dtype=object),
        Ragged.of([[[1.0], [2.0], [3.0]], [[4.0]]]),
    ],
)
def test_lists_may_be_of_any_lengths(given_):
    found = read_sequences(given_)
    assert found.values.tolist() == [[1], [2], [3], [4]]
    assert found.starts.tolist() == [0, 3, 4]


def test_missing_values_stay_missing():
    for given_ in (
        [[1.0, np.nan]],
        np.array([[1.0, np.nan]]),
        np.ma.masked_array([[1, 2]], mask=[[False, True]]),
        pl.DataFrame({"a": [1], "b": [None]}, schema={"a": pl.Int64, "b": pl.Int64}),
        pd.DataFrame({"a": [1], "b": [pd.NA]}, dtype="Int64"),
    ):
        np.testing.assert_array_equal(read_sequences(given_).values, [[1], [np.nan]])


def test_true_and_false_are_one_and_zero():
    for given_ in (np.array([[True, False]]), pd.DataFrame({"a": [True], "b": [False]}), [[True, False]]):
        assert read_sequences(given_).values.tolist() == [[1], [0]]


def test_the_dtype_is_the_one_asked_for():
    third = read_sequences([[1 / 3]], dtype=np.float64).values
    assert third.dtype == np.float64
    assert third[0, 0] == 1 / 3
    with pytest.raises(OptionError, match=r"choose np.float32 or np.float64"):
        read_sequences([[1]], dtype=np.int64)  # pyright: ignore[reportArgumentType]


def test_what_is_read_is_left_as_it_was():
    for given_ in (CUBE.copy(), [SQUARE.copy()], FRAME.copy(), pd.DataFrame(SQUARE)):
        before = [np.array(one) for one in (given_ if isinstance(given_, list) else [given_])]
        read_sequences(given_)
        for one, old in zip(given_ if isinstance(given_, list) else [given_], before, strict=True):
            np.testing.assert_array_equal(np.array(one), old)
    assert pd.DataFrame(SQUARE).columns.tolist() == [0, 1, 2, 3]


def test_three_hundred_thousand_short_lists_take_seconds():
    lists = [np.ones((3, 2)) for _ in range(300_000)]
    begin = time.perf_counter()
    assert len(read_sequences(lists)) == 300_000
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize(
    ("given_", "error", "said"),
    [
        ([], ShapeError, "there are no sequences: Found array with 0 sample"),
        ([[1.0], []], ShapeError, "Sequence 1 is empty: there is nothing to judge. Leave it out"),
        ([[1.0], [], []], ShapeError, "Sequence 1 is empty, and so are 1 others"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], ShapeError, "Sequence 1 is empty"),
        (Ragged.of([[[1.0]], np.zeros((0, 1))]), ShapeError, "Sequence 1 is empty"),
        ([np.zeros((3, 2)), np.zeros((3, 1))], ShapeError, "Sequence 1 has 1 features and sequence 0 has 2"),
        ([np.zeros((3, 2)), np.zeros((3, 2, 1))], ShapeError, r"sequence 1 of the list has shape \(3, 2, 1\)"),
        ([np.zeros((3, 2, 1))], ShapeError, "or concatenate such arrays first"),
        ([np.zeros(3), 1.0], ShapeError, r"sequence 1 of the list has shape \(\)"),
        ([np.zeros((3, 0))], ShapeError, r"0 feature\(s\) \(shape=\(1, 3, 0\)\)"),
        ([1.0, 2.0], ShapeError, "Expected 2D array, got 1D array instead.*Reshape your data"),
        (np.zeros(3), ShapeError, "Expected 2D array, got 1D array instead.*Reshape your data"),
        (pd.Series([1.0]), ShapeError, "Expected 2D array, got 1D array instead"),
        (np.float64(3), ShapeError, "Expected 2D array, got 0D array instead"),
        (np.zeros((2, 3, 4, 5)), ShapeError, r"X is of shape \(2, 3, 4, 5\): drop an axis"),
        (np.zeros((0, 3)), ShapeError, r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is"),
        (np.zeros((0, 3, 2)), ShapeError, r"0 sample\(s\) \(shape=\(0, 3, 2\)\)"),
        (np.zeros((3, 0, 2)), ShapeError, r"0 time step\(s\) \(shape=\(3, 0, 2\)\)"),
        (np.zeros((12, 0)), ShapeError, r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required."),
        (FRAME[:0], ShapeError, r"0 sample\(s\) \(shape=\(0, 4\)\)"),
        (pl.DataFrame(), ShapeError, r"0 sample\(s\) \(shape=\(0, 0\)\)"),
        (FRAME[[]], ShapeError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
        (Ragged(np.zeros((0, 2)), np.array([0])), ShapeError, r"0 sample\(s\)"),
        (Ragged.of([[1, 2]]), ShapeError, r"floats, got int32 steps of shape \(\).*Token ids are for an embedding"),
        (["good", "bad"], DataError, r"sequence 0 is text \('good'\) where numbers belong. Turn it into numbers first"),
        ([[1.0], "bad"], DataError, "sequence 1 is text .* Give numbers only, or strings only"),
        ([b"x" * 99], DataError, "sequence 0 is text .b'x{39}.{0,4}... where"),
        ([[1.0, 2.0], [3.0, "four"]], DataError, r"'four' \(sequence 1, time step 1\) is no number: make it one"),
        ([[[1.0, 2.0], [3.0, None]]], DataError, r"None \(sequence 0, time step 1, feature 1\).*write float\('nan'\)"),
        ([[1.0], None], DataError, r"None \(sequence 1\) is no number"),
        (np.array([["a", "b"]]), DataError, r"'a' \(sample 0, time step 0\) is no number"),
        (FRAME.assign(b=["x", "y", "z"]), DataError, "takes tables of numbers, and column 'b' is of text"),
        (FRAME.assign(b=pd.Timestamp("2020")), DataError, "column 'b' is of type Datetime.* Leave it out"),
        (pd.concat([FRAME, FRAME], axis=1), DataError, "several columns of one name"),
        (np.array([[1 + 2j]]), DataError, "Complex data not supported"),
        (torch.tensor([[1 + 2j]]), DataError, "Complex data not supported"),
        ([np.array([1 + 2j])], DataError, "Complex data not supported"),
        ([[1.0, [2.0]]], ShapeError, "In sequence 0 the rows have different lengths"),
        (np.array([[0, 1], [np.inf, 0]]), DataError, "infinity .* float32: inf in sequence 1, time step 0, feature 0"),
        ([[[1, 2]], [[3, 4], [5, -np.inf]]], DataError, "-inf in sequence 1, time step 1, feature 1. Write NaN"),
        (np.array([[0, 1e300]]), DataError, r"too large for float32: 1e\+300 in sequence 0, time step 1"),
        ("train.csv", DataError, "got a str. Of a file, give what recuerdo.data.read_archive"),
        (None, DataError, "expects an array .* got None"),
        ({"a": [1]}, DataError, "got a dict. Make a list of it first"),
        (pl.LazyFrame({"a": [1]}), DataError, r"Call .collect\(\) first"),
    ],
)  # fmt: skip
def test_what_makes_no_sequences_is_said_and_where(given_, error, said):
    with pytest.raises(error, match=said):
        read_sequences(given_)


def test_the_reader_is_called_by_the_name_of_the_estimator():
    for given_ in (None, [], ["a"], np.zeros(3), np.zeros((1, 0)), np.full((1, 1), np.inf), [[1j]], {"a": 1}):
        with pytest.raises(RecuerdoError, match=r"SequenceRegressor|'1j'|1j"):
            read_sequences(given_, who="SequenceRegressor")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dok", "lil", "dia", "bsr"])
@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
def test_sparse_matrices_are_refused_in_words(make, form):
    X = make(np.eye(3)).asformat(form)
    with pytest.raises(ValueError, match=r"sparse input is not read as sequences. Call X.toarray\(\)"):
        read_sequences(X)
    with pytest.raises(ValueError, match=r"sequence 0 is a sparse matrix"):
        read_sequences([X])


def test_a_thing_that_is_no_number_is_a_type_error_with_the_words_of_python():
    X = SQUARE.astype(object)
    X[0, 0] = {"foo": "bar"}
    for read in (read_sequences, check_array):
        with pytest.raises(TypeError, match=r"argument must be .* string.* number"):
            read(X)
    with pytest.raises(DataError, match=r"{'foo': 'bar'} \(sample 0, time step 0\) is no number"):
        read_sequences(X)


@pytest.mark.parametrize("X", [np.zeros((12, 0)), np.zeros((0, 3)), np.zeros(3)])
def test_the_words_for_an_empty_axis_are_those_of_scikit_learn(X):
    with pytest.raises(ValueError) as theirs:  # noqa: PT011 - its words are what is compared
        check_array(X)
    words = re.search(r"Found array with .* is required|Expected 2D array, got 1D array instead", str(theirs.value))
    assert words
    with pytest.raises(ShapeError, match=re.escape(words.group())):
        read_sequences(X)


@pytest.mark.parametrize(
    ("X", "steps"),
    [(SQUARE, 4), (torch.tensor(SQUARE), 4), (ArrayLike(SQUARE), 4), (FRAME, 4), (pl.from_pandas(FRAME), 4),
     (pa.Table.from_pandas(FRAME), 4), (CUBE, None), (SQUARE.tolist(), None), (list(SQUARE), None),
     (Ragged.of(list(CUBE)), None), (pd.Series([1.0]), None), ("text", None)],
)  # fmt: skip
def test_a_square_fixes_the_time_steps_and_nothing_else_does(X, steps):
    assert fixed_steps(X) == steps


class Theirs:
    n_features_in_ = 4


def test_other_features_than_at_fit_are_refused_in_the_words_of_scikit_learn():
    require_like(read_sequences(CUBE), 3)
    require_like(read_sequences([[1, 2], [3]]), 1)
    require_like(read_sequences(SQUARE), 1, steps=4)
    with pytest.raises(ValueError) as theirs:  # noqa: PT011 - its words are what is compared
        _check_n_features(Theirs(), SQUARE[:, :1], reset=False)
    words = str(theirs.value).replace("Theirs", "SequenceClassifier").rstrip(".")
    with pytest.raises(ShapeError, match=f"{words}. They are the time steps of a table"):
        require_like(read_sequences(SQUARE[:, :1]), 1, steps=4)
    with pytest.raises(ShapeError, match=r"X has 3 features, but Mine is expecting 2 features as input. Give the"):
        require_like(read_sequences(CUBE), 2, who="Mine")


def test_scikit_learn_counts_and_picks_ragged_sequences():
    from sklearn.model_selection import KFold
    from sklearn.utils import _safe_indexing

    ragged = Ragged.of([np.full((i + 1, 2), float(i)) for i in range(6)])
    assert _num_samples(ragged) == 6
    for _, test in KFold(3).split(ragged):
        picked = read_sequences(_safe_indexing(ragged, test))
        np.testing.assert_array_equal(picked.values, ragged.take(test).values)
