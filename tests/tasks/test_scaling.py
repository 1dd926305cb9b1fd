"""A scaler goes there and back, knows only its rows, and logarithms are taken where swings grow with the level."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from recuerdo.tasks.scaling import Scaler, prefers_log

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
        ([MULTIPLICATIVE[:35]], 12, False),  # two whole seasons cannot show it
        ([MULTIPLICATIVE[:36]], 12, True),
        ([np.exp(np.cumsum(0.1 * NOISE + 0.05))], 1, True),
        ([100 + NOISE], 1, False),
        ([np.full(96, 5.0)], 12, False),
    ],
)
def test_logarithms_are_taken_where_swings_grow_with_the_level(series, season, logs):
    assert prefers_log(series, season) is logs
