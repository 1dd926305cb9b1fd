"""What a network reads of sequences of numbers: against numpy and scikit-learn on the training steps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError
from recuerdo.tasks.sequence_inputs import NumberEncoding


def drawn(seed: int = 0, *, gaps: bool = False) -> Ragged:
    random = np.random.default_rng(seed)
    rows = [random.normal([5, -2, 0], [3, 0.1, 40], (length, 3)) for length in (7, 1, 12, 4)]
    if gaps:
        rows[0][2:4, 1] = rows[2][0, 1] = np.nan
    return Ragged.of(rows)


def test_values_are_in_units_of_all_training_steps():
    known, other = drawn(), drawn(1)
    encoding = NumberEncoding.fit(known, changes=False)
    expected = StandardScaler().fit(known.values).transform(other.values)
    np.testing.assert_allclose(encoding.encode(other).values, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(encoding.encode(other).starts, other.starts)


def test_changes_are_within_each_sequence_and_in_units_of_their_own():
    known = drawn()
    made = NumberEncoding.fit(known).encode(known)
    z = StandardScaler().fit_transform(known.values)
    changes = np.concatenate([np.diff(row, axis=0, prepend=row[:1]) for row in Ragged(z, known.starts)])
    np.testing.assert_allclose(made.values[:, 3:], changes / np.sqrt((changes**2).mean(axis=0)), rtol=1e-5, atol=1e-6)
    assert not made.values[known.starts[:-1], 3:].any()  # a first step has changed from nothing


def test_what_is_missing_is_the_mean_and_a_column_says_so():
    known = drawn(gaps=True)
    encoding = NumberEncoding.fit(known)
    made = encoding.encode(known)
    missing = np.isnan(known.values[:, 1])
    assert encoding.columns == made.values.shape[1] == 7
    np.testing.assert_array_equal(made.values[:, 6], missing)
    assert not made.values[missing, 1].any()
    np.testing.assert_allclose(encoding.mean, np.nanmean(known.values, axis=0), rtol=1e-12)
    np.testing.assert_allclose(encoding.std, np.nanstd(known.values, axis=0), rtol=1e-12)
    assert np.isfinite(made.values).all()


def test_a_feature_that_never_varies_reads_as_zero_and_breaks_nothing():
    values = np.full((5, 1), 1e8 + 0.1)
    made = NumberEncoding.fit(Ragged.of([values])).encode(Ragged.of([values]))
    assert np.abs(made.values).max() < 1e-6


def test_a_gap_where_training_had_none_is_said_by_its_place():
    encoding = NumberEncoding.fit(drawn())
    asked = drawn(1)
    asked.values[asked.starts[2] + 3, 0] = np.nan
    with pytest.raises(DataError, match="Sample 2, time step 3, feature 0 is missing"):
        encoding.encode(asked)
    asked.values[:, 2] = np.nan
    with pytest.raises(DataError, match="Feature 2 has no value in any training sequence"):
        NumberEncoding.fit(asked)


@pytest.mark.parametrize("changes", [True, False])
def test_it_comes_back_from_json_bit_for_bit(changes):
    encoding = NumberEncoding.fit(drawn(gaps=True), changes=changes)
    again = NumberEncoding.from_json(json.loads(json.dumps(encoding.to_json())))
    np.testing.assert_array_equal(again.encode(drawn(2)).values, encoding.encode(drawn(2)).values)


def test_encoding_leaves_its_input_alone():
    known = drawn(gaps=True)
    before = known.values.copy()
    NumberEncoding.fit(known).encode(known)
    np.testing.assert_array_equal(known.values, before)
