"""Scalers know only their rows; one goes there and back, and logarithms are taken where swings grow with the level."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from recuerdo.data.covariates import Covariate
from recuerdo.errors import DataError
from recuerdo.tasks.scaling import MOST_CATEGORIES, FeatureScaler, Scaler, prefers_log

T = np.arange(96)
WAVE = np.sin(2 * np.pi * T / 12)
NOISE = np.random.default_rng(0).normal(size=96)
ADDITIVE = 100 + T + 10 * WAVE + NOISE
MULTIPLICATIVE = (100 + 3 * T) * (1 + 0.2 * WAVE + 0.02 * NOISE)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("values", [ADDITIVE, MULTIPLICATIVE, 1e-6 * MULTIPLICATIVE, 1e9 + ADDITIVE])
def test_there_and_back_is_where_it_was(values, log):
    scaler = Scaler.fitted(values, log)
    np.testing.assert_allclose(scaler.back(scaler.forward(values)), values, rtol=1e-10)


@pytest.mark.parametrize("log", [False, True])
def test_the_scale_is_that_of_scikit_learn(log):
    expected = StandardScaler().fit_transform((np.log(ADDITIVE) if log else ADDITIVE)[:, None])[:, 0]
    np.testing.assert_allclose(Scaler.fitted(ADDITIVE, log).forward(ADDITIVE), expected, rtol=1e-10, atol=1e-12)


def test_later_rows_are_put_on_the_scale_of_the_rows_that_were_given():
    scaler = Scaler.fitted(ADDITIVE[:50], False)
    assert scaler == Scaler.fitted(ADDITIVE.copy()[:50], False)
    expected = (ADDITIVE[50:] - ADDITIVE[:50].mean()) / ADDITIVE[:50].std()
    np.testing.assert_allclose(scaler.forward(ADDITIVE[50:]), expected, rtol=1e-12)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("value", [3.0, 0.1, 1e6 / 3])  # the mean of many 0.1 is not 0.1
def test_a_series_that_never_changed_has_the_unit_one(value, log):
    scaler = Scaler.fitted(np.full(37, value), log)
    assert scaler.std == 1
    assert scaler.back(scaler.forward(np.array([2 * value]))) == pytest.approx(2 * value)
    assert abs(scaler.forward(np.array([value]))[0]) < 1e-9


@pytest.mark.parametrize(
    ("series", "season", "logs"),
    [
        ([MULTIPLICATIVE], 12, True),
        ([ADDITIVE], 12, False),
        ([MULTIPLICATIVE, ADDITIVE, MULTIPLICATIVE], 12, True),  # the median decides
        ([ADDITIVE, MULTIPLICATIVE, ADDITIVE], 12, False),
        ([MULTIPLICATIVE, MULTIPLICATIVE - MULTIPLICATIVE.min()], 12, False),  # one zero anywhere is enough
        ([MULTIPLICATIVE - 300], 12, False),
        ([np.where(T == 40, 3.0, MULTIPLICATIVE)], 12, False),  # one in a hundred of what is usual
        ([MULTIPLICATIVE[:35]], 12, False),  # two whole seasons cannot show it
        ([MULTIPLICATIVE[:36]], 12, True),
        ([np.exp(np.cumsum(0.1 * NOISE + 0.05))], 1, True),
        ([100 + NOISE], 1, False),
        ([np.full(96, 5.0)], 12, False),
    ],
)
def test_logarithms_are_taken_where_swings_grow_with_the_level(series, season, logs):
    assert prefers_log(series, season) is logs


NUMBERS = Covariate("rain", "past")
SHOPS = Covariate("open", "future", ("half", "no", "yes"))


def test_a_number_is_standardised_over_all_series_and_marked_where_it_is_missing():
    first, second = np.array([1.0, np.nan, 4.0]), np.array([7.0, 10.0])
    scaler = FeatureScaler.fitted(NUMBERS, [first, second])
    known = np.array([1.0, 4, 7, 10])
    assert (scaler.mean, scaler.std, scaler.width) == (known.mean(), known.std(), 2)
    made = scaler.forward(np.array([np.nan, 5.5, 10.0]))
    np.testing.assert_allclose(made, [[0, 1], [0, 0], [4.5 / known.std(), 0]])


def test_a_number_that_no_training_row_misses_has_one_column_and_its_mean_stands_for_it_later():
    scaler = FeatureScaler.fitted(NUMBERS, [np.array([1.0, 3.0])])
    assert scaler.width == 1
    assert scaler.forward(np.array([np.nan, 3.0])).tolist() == [[0], [1]]


def test_a_number_that_never_changes_has_the_unit_one():
    scaler = FeatureScaler.fitted(NUMBERS, [np.full(7, 0.1)])
    assert scaler.std == 1
    assert abs(scaler.forward(np.array([0.1]))[0, 0]) < 1e-12


def test_a_category_is_a_column_for_each_that_the_training_rows_hold():
    scaler = FeatureScaler.fitted(SHOPS, [np.array([2.0, 1, np.nan]), np.array([2.0])])
    assert (scaler.categories, scaler.width) == (("no", "yes"), 2)
    made = scaler.forward(np.array([0.0, 1, 2, np.nan]), SHOPS.categories)
    assert made.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


def test_categories_go_by_their_names_whatever_the_order_of_the_table():
    scaler = FeatureScaler.fitted(SHOPS, [np.array([2.0, 1])])
    assert scaler.forward(np.array([0.0, 1, 2]), ("yes", "new", "no")).tolist() == [[0, 1], [0, 0], [1, 0]]


def test_a_covariate_that_no_row_knows_is_refused():
    for covariate in (NUMBERS, SHOPS):
        with pytest.raises(DataError, match=rf"Column '{covariate.name}' is missing in every training row: leave it"):
            FeatureScaler.fitted(covariate, [np.full(3, np.nan), np.full(2, np.nan)])


def test_more_categories_than_can_become_columns_are_refused():
    names = tuple(f"{number:03d}" for number in range(MOST_CATEGORIES + 1))
    covariate = Covariate("shop", "past", names)
    assert FeatureScaler.fitted(covariate, [np.arange(MOST_CATEGORIES) * 1.0]).width == MOST_CATEGORIES
    with pytest.raises(
        DataError, match=r"Column 'shop' has 101 categories, and 100 is the most that become columns: g"
    ):
        FeatureScaler.fitted(covariate, [np.arange(MOST_CATEGORIES + 1) * 1.0])


@pytest.mark.parametrize("log", [False, True])
def test_missing_values_are_left_out_and_stay_missing(log):
    holed = ADDITIVE.copy()
    holed[5::7] = np.nan
    known = holed[~np.isnan(holed)]
    scaler = Scaler.fitted(holed, log)
    assert scaler == Scaler.fitted(known, log)
    np.testing.assert_array_equal(np.isnan(scaler.forward(holed)), np.isnan(holed))


def test_missing_values_do_not_decide_on_logarithms():
    holed = MULTIPLICATIVE.copy()
    holed[4::9] = np.nan
    assert prefers_log([holed], 12) is True
    holed[12:84] = np.nan  # less than three seasons of which more than half is known
    assert prefers_log([holed], 12) is False
