"""Whatever is missing, a forecast is a number."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tasks.tables import (
    DATA,
    HORIZON,
    LOOKBACK,
    SEASON,
    ahead,
    covariates,
    daily,
    following,
    holed,
    long,
    quick,
    weekly,
)

from recuerdo.errors import DataError, DivergedError, OptionError
from recuerdo.tasks.conformal import errors_for

ROWS = 40
HELD_OUT = HORIZON - 1 + (24 + ROWS) // 10
OPTIONS = [
    {},
    {"head": "quantiles", "encoder": "segments"},
    {"head": "gaussian", "cell": "lstm", "log": True},
    {"head": "student_t", "segment": 5, "n_seeds": 2, "cell": "indrnn"},
    {"loss": "owa", "calendar": ("weekday",), "cell": "frnn"},
]
EVERY = pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())) or "plain")


@st.composite
def patterns(draw):
    """Which of some rows are missing: here and there, a stretch, whole seasons, the beginning, the end."""
    gone = np.zeros(ROWS, dtype=bool)
    for kind in draw(
        st.lists(st.sampled_from(["random", "stretch", "seasons", "place", "end", "beginning"]), max_size=3)
    ):
        size = draw(st.integers(1, ROWS - 2))
        if kind == "random":
            gone |= np.random.default_rng(size).random(ROWS) < draw(st.floats(0, 1))
        elif kind == "stretch":
            gone[size : size + draw(st.integers(1, ROWS))] = True
        elif kind == "seasons":
            gone[-(size // SEASON + 1) * SEASON :] = True
        elif kind == "place":
            gone[size % SEASON :: SEASON] = True
        elif kind == "end":
            gone[-size:] = True
        else:
            gone[:size] = True
    if gone.all():
        gone[draw(st.integers(0, ROWS - 1))] = False
    return gone


def finite(frame):
    return bool(np.isfinite(frame.select("y", "y-10", "y-90").to_numpy()).all())


def table(gone, short, seed):
    """A series that the model knows, one that it does not know, and one that is shorter than the lookback."""
    values = weekly(ROWS, seed=seed)
    new = 3 * weekly(ROWS, seed=seed + 1)
    return long(
        a=np.where(gone, np.nan, values),
        new=np.where(gone[::-1], np.nan, new),
        short=weekly(short, seed=2),
        full=values,
    )


@pytest.fixture(scope="module")
def fitted_on_gaps():
    @cache
    def fit(**options):
        return quick(**options).fit(long(a=holed(weekly()), b=holed(weekly(seed=1, level=30), seed=8)))

    return fit


@EVERY
@settings(max_examples=15)
@given(gone=patterns(), short=st.integers(2, LOOKBACK), seed=st.integers(0, 3))
def test_a_model_of_gappy_series_never_says_nan(fitted_on_gaps, options, gone, short, seed):
    frame = fitted_on_gaps(**options).predict(table(gone, short, seed))
    assert finite(frame)
    assert frame.height == 4 * HORIZON


@pytest.fixture(scope="module")
def fitted_on_complete():
    return quick().fit(long(a=weekly(), b=weekly(seed=1, level=30)))


@settings(max_examples=15)
@given(gone=patterns(), short=st.integers(2, LOOKBACK - 1), seed=st.integers(0, 3))
def test_a_model_that_has_met_complete_series_alone_warns_and_never_says_nan_either(
    fitted_on_complete, gone, short, seed
):
    with pytest.warns(UserWarning, match=r"of the last 14 values of series '\w+' are missing"):
        frame = fitted_on_complete.predict(table(gone, short, seed))
    assert finite(frame)


@pytest.mark.parametrize(
    ("options", "said", "taken"),
    [
        ({}, "here each is taken from the same place in a season beside it, or is the mean where none .* Fit on", None),
        ({"memory": "running"}, "here each counts as the one a season before, or as the last one, .* Fit on", 2),
    ],
)
def test_a_model_that_has_met_complete_series_alone_says_what_a_missing_value_counts_as(options, said, taken):
    model, values = quick(**options).fit(daily()), weekly(LOOKBACK)
    gappy = values.copy()
    gappy[3] = np.nan  # in the first season of the table
    with pytest.warns(UserWarning, match=f"1 of the last 14 values of series 'y' are missing.* in fit: .*{said}"):
        frame = model.predict(daily(gappy))
    assert finite(frame) == (model.strategy == "direct")
    if taken is not None:
        values[3] = values[taken]
        assert frame["y"].equals(model.predict(daily(values))["y"])


@pytest.mark.parametrize("options", [{}, {"head": "student_t", "encoder": "segments", "calendar": ("weekday",)}])
@settings(max_examples=10)
@given(gone=patterns(), seed=st.integers(0, 3))
def test_covariates_may_be_missing_too(fitted, options, gone, seed):
    known = covariates(a=np.where(gone, np.nan, weekly(ROWS, seed=seed)), b=weekly(ROWS, seed=seed + 1, level=20))
    future = ahead(known, HORIZON)
    twice = np.concatenate([gone, gone[::-1]])
    known = known.with_columns(
        rain=pl.when(pl.Series(twice)).then(None).otherwise(pl.col("rain")),
        open=pl.when(pl.Series(twice)).then(None).otherwise(pl.col("open")),
        price=pl.when(pl.Series(twice[::-1])).then(None).otherwise(pl.col("price")),
    )
    assert finite(fitted(data="covariates", **options).predict(known, future=future))


@EVERY
@settings(max_examples=5)
@given(gone=patterns(), seed=st.integers(0, 3))
def test_a_fit_on_gappy_series_forecasts_numbers_or_says_what_is_missing(options, gone, seed):
    values = np.concatenate([weekly(24, seed=seed), np.where(gone, np.nan, weekly(ROWS, seed=seed))])
    model = quick(**(options | {"max_steps": 1, "baselines": "auto"}))
    windows = np.lib.stride_tricks.sliding_window_view(values[-HELD_OUT:], HORIZON)
    if (~np.isnan(windows)).sum() < errors_for(0.8):
        said = "held-out errors, and the last rows give|No value is known in the last rows"
        with pytest.raises((OptionError, DataError), match=said):
            model.check(daily(values))  # before any training
        return
    model.fit(daily(values))
    assert finite(model.predict())
    assert all(np.isfinite(each).all() for each in model.trial_.forecasts.values())
    assert all(
        np.isfinite(parameter.detach().numpy()).all() for parameter in model._ensemble.members[0].net.parameters()
    )


def test_the_network_is_told_what_is_missing(fitted):
    """Two tables with the same filled values differ by what is known of them alone."""
    model = fitted(data="gaps")
    wave = np.tile(weekly(SEASON), 6)
    gappy = wave.copy()
    gappy[-SEASON - 3] = np.nan  # the season before and the one behind have the same value at its place
    forecasts = [model.predict(daily(values))["y"].to_numpy() for values in (wave, gappy)]
    assert (forecasts[0] != forecasts[1]).any()
    assert np.abs(forecasts[0] - forecasts[1]).max() < 5


def test_missing_rows_at_the_end_are_rows_and_the_forecast_follows_them(fitted):
    values = weekly()
    values[-SEASON:] = np.nan
    frame = fitted(data="gaps").predict(daily(values))
    assert finite(frame)
    assert frame["day"].to_list() == fitted(data="gaps").predict()["day"].to_list()


@pytest.mark.parametrize("memory", ["window", "running"])
@pytest.mark.parametrize("watched", [False, True])
def test_a_training_that_diverges_does_not_blame_what_is_missing(watched, memory):
    rows = {"memory": memory} | ({"max_steps": None} if watched else {})
    with pytest.raises(DivergedError, match="Training diverged"):
        quick(learning_rate=1e38, **rows).fit(daily(holed(weekly(200))))


@pytest.mark.parametrize("how", ["predict", "forecast", "to_html"])
def test_a_warning_points_at_the_line_that_called(how, tmp_path):
    model = quick(trial=False).fit(daily())
    table = daily(np.where(np.arange(64) == 60, np.nan, weekly()))
    if how == "to_html":
        model.update(table[60:].with_columns(pl.col("day") + pl.duration(days=4)))
    calls = {
        "predict": lambda: model.predict(table),
        "forecast": lambda: model.forecast(table),
        "to_html": lambda: model.to_html(tmp_path / "page.html"),
    }
    with pytest.warns(UserWarning, match="are missing") as caught:
        calls[how]()
    assert [each.filename for each in caught] == [__file__]


def test_a_warning_of_a_new_category_points_there_too(fitted):
    table = DATA["covariates"][0].with_columns(open=pl.lit("half"))
    with pytest.warns(UserWarning, match="has a category that is new to the model") as caught:
        fitted("covariates").forecast(table, **following("covariates"))
    assert {each.filename for each in caught} == {__file__}
