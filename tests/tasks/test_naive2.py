"""Naive2 against closed forms, against statsmodels' decomposition, and against M4's published table."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from statsmodels.tsa.seasonal import seasonal_decompose
from statsmodels.tsa.stattools import acf

from recuerdo.errors import DataError
from recuerdo.tasks.baselines import naive, seasonal_naive
from recuerdo.tasks.metrics import naive_scale, owa
from recuerdo.tasks.naive2 import is_seasonal, naive2, seasonal_factors
from recuerdo.tasks.score_tables import Errors

M4 = Path(__file__).parents[3] / "shared" / "data" / "forecasting" / "m4"

rng = np.random.default_rng(0)
FACTORS = {m: np.linspace(0.5, 1.5, m) for m in (2, 5, 12)}


def seasonal(m, rows, noise=0.0):
    """A level of 40 times factors of mean 1 times noise."""
    return 40 * np.resize(FACTORS[m], rows) * np.exp(noise * rng.normal(size=rows))


@pytest.mark.parametrize("m", FACTORS)
@pytest.mark.parametrize("more", [0, 1])
def test_the_factors_of_a_level_times_factors_are_these(m, more):
    np.testing.assert_allclose(seasonal_factors(seasonal(m, 5 * m + more), m), FACTORS[m], rtol=1e-12)


@pytest.mark.parametrize("m", FACTORS)
@pytest.mark.parametrize("rows", [60, 67])
def test_the_factors_are_those_of_statsmodels(m, rows):
    values = seasonal(m, rows, 0.3)
    theirs = seasonal_decompose(values, model="multiplicative", period=m).seasonal[:m]
    np.testing.assert_allclose(seasonal_factors(values, m), theirs, rtol=1e-10)


@pytest.mark.parametrize("m", FACTORS)
@pytest.mark.parametrize("noise", [0.05, 0.4, 0.8, 1.2])
def test_the_season_is_tested_by_the_autocorrelation_of_statsmodels(m, noise):
    for _ in range(5):
        values = seasonal(m, 60, noise)
        r = acf(values, nlags=m)[1:]
        limit = 1.645 * math.sqrt((1 + 2 * sum(r[:-1] ** 2)) / 60)
        assert is_seasonal(values, m) == (abs(r[-1]) > limit)


@pytest.mark.parametrize("m", FACTORS)
@pytest.mark.parametrize("more", [0, 1])
def test_a_seasonal_series_is_continued(m, more):
    rows = 6 * m + more
    whole = seasonal(m, rows + 2 * m)
    np.testing.assert_allclose(naive2(whole[:rows], 2 * m, m), whole[rows:], rtol=1e-12)


def test_a_series_that_is_not_seasonal_gets_the_naive_forecast():
    noise = rng.normal(50, 1, 60)
    assert not is_seasonal(noise, 12)
    for values, m in ((noise, 12), (seasonal(12, 60), 1), (seasonal(12, 35), 12), (np.full(60, 3.0), 12)):
        assert naive2(values, 5, m).tolist() == naive(values, 5).tolist()
    assert is_seasonal(seasonal(12, 36), 12)


def test_a_series_with_gaps_keeps_its_season():
    values = seasonal(12, 12 * 20, 0.02)
    holed = np.where(rng.random(len(values)) < 0.2, np.nan, values)
    assert is_seasonal(holed, 12)
    np.testing.assert_allclose(seasonal_factors(holed, 12), FACTORS[12], rtol=0.08)
    holed[-3:] = np.nan
    expected = np.resize(40 * FACTORS[12], 24)
    np.testing.assert_allclose(naive2(holed, 24, 12), expected, rtol=0.15)


def test_a_place_that_was_never_observed_lies_on_the_trend():
    values = seasonal(5, 50)
    values[3::5] = np.nan
    factors = seasonal_factors(values, 5)
    assert factors[3] == 1
    assert np.mean(np.delete(factors, 3)) == pytest.approx(1)
    assert np.isfinite(naive2(values, 5, 5)).all()


def test_factors_of_values_that_are_not_above_zero_are_refused():
    values = seasonal(5, 50)
    values[7] = 0
    with pytest.raises(DataError, match="need values above 0, and row 7 holds 0: use the seasonal naive forecast"):
        naive2(values, 5, 5)


def test_factors_of_less_than_two_seasons_are_refused():
    with pytest.raises(DataError, match="factors of season 5 need 10 rows or more, got 9"):
        seasonal_factors(seasonal(5, 9), 5)


def test_a_series_without_any_value_is_refused():
    with pytest.raises(DataError, match="the first 36 rows of the series are all missing"):
        naive2(np.full(36, np.nan), 5, 12)


def rows(path):
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [np.array([float(cell) for cell in row[1:] if cell]) for row in list(csv.reader(file))[1:]]


@pytest.mark.skipif(not M4.exists(), reason="the series of the M4 competition are not beside the checkout")
@pytest.mark.parametrize(
    ("name", "season", "published"),
    [
        ("Hourly", 24, {"Naive2": (18.383, 2.395), "sNaive": (13.912, 1.193), "OWA of sNaive": 0.628}),
        ("Weekly", 1, {"Naive2": (9.161, 2.777), "sNaive": (9.161, 2.777), "OWA of sNaive": 1.0}),
    ],
)
def test_scores_are_those_of_the_published_table_of_m4(name, season, published):
    known, truth = rows(M4 / f"{name}-train.csv.gz"), np.stack(rows(M4 / f"{name}-test.csv"))
    units = [naive_scale(values, season) for values in known]
    found = {}
    for method, forecast in {"Naive2": naive2, "sNaive": seasonal_naive}.items():
        forecasts = np.stack([forecast(values, truth.shape[1], season) for values in known])
        found[method] = Errors.of(truth, forecasts, units).scores(np.arange(len(known)))
        assert (round(found[method]["sMAPE"], 3), round(found[method]["MASE"], 3)) == published[method]
    assert round(owa(found["sNaive"], found["Naive2"]), 3) == published["OWA of sNaive"]
