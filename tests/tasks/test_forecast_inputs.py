"""What a network is given: rows on its own scale, each covariate in its columns, and nothing that is not known yet."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from tests.tasks.tables import ROLES, covariates, daily, dates, long, weekly
from tests.tasks.tables import ahead as next_rows

from recuerdo.data import panel
from recuerdo.data.covariates import ahead
from recuerdo.errors import DataError
from recuerdo.tasks.forecast_inputs import Encoding, make_rows, naive_units
from recuerdo.tasks.metrics import naive_scale

TABLE = covariates(a=weekly(30), b=weekly(22, seed=1, level=20))
KNOWN = panel(TABLE, **ROLES)
K = 4


def encoded(known=KNOWN, log=False, calendar=("weekday",)):
    return Encoding.fitted(known, log, calendar)


def standard(values):
    known = values[~np.isnan(values)]
    return (values - known.mean()) / known.std()


def own(name, column):
    return TABLE.filter(pl.col("unique_id") == name)[column]


def test_each_covariate_has_its_columns_past_ones_first():
    rows = make_rows(KNOWN, encoded())
    rain, price = (np.array(TABLE[name].to_numpy(), dtype=float) for name in ("rain", "price"))
    days = TABLE["ds"].dt.weekday().to_numpy() - 1  # Monday is 0
    angle = 2 * math.pi * days / 7
    expected = np.stack(
        [
            np.concatenate([standard(own(name, "y").to_numpy()) for name in ("a", "b")]),
            np.nan_to_num(standard(rain)),  # where it is missing its mean stands, and the next column says so
            np.isnan(rain),
            standard(price),
            TABLE["open"].to_numpy() == "no",
            TABLE["open"].to_numpy() == "yes",
            np.sin(angle),
            np.cos(angle),
        ],
        axis=1,
    )
    np.testing.assert_allclose(rows.table, expected, rtol=1e-5, atol=1e-6)
    assert (rows.starts.tolist(), rows.lengths.tolist(), rows.ahead, rows.future) == ([0, 30], [30, 22], 0, 5)


def test_static_covariates_are_one_row_for_each_series():
    rows = make_rows(KNOWN, encoded())
    # size 10 and 11; region north and south
    np.testing.assert_allclose(rows.static, [[-1, 1, 0], [1, 0, 1]])


def test_without_covariates_there_is_one_column_and_nothing_is_known_ahead():
    rows = make_rows(panel(daily()), encoded(panel(daily()), calendar=()))
    assert (rows.table.shape, rows.future, rows.static) == ((64, 1), 0, None)
    inputs, target = rows.inputs(np.array([[0, 20]]), 7, K)
    assert set(inputs) == {"window"}
    assert (tuple(inputs["window"].shape), tuple(target.shape)) == ((1, 7, 1), (1, K))


def test_a_window_is_the_rows_up_to_its_origin_and_the_target_those_behind_it():
    rows = make_rows(KNOWN, encoded())
    inputs, target = rows.inputs(np.array([[0, 10], [1, 17]]), 6, K)
    first = rows.table[5:11], rows.table[11 : 11 + K]
    second = rows.table[30 + 12 : 30 + 18], rows.table[30 + 18 : 30 + 18 + K]
    np.testing.assert_array_equal(inputs["window"].numpy(), np.stack([first[0], second[0]]))
    np.testing.assert_array_equal(target.numpy(), np.stack([first[1], second[1]])[..., 0])
    np.testing.assert_array_equal(inputs["future"].numpy(), np.stack([first[1], second[1]])[..., 3:])
    np.testing.assert_array_equal(inputs["static"].numpy(), rows.static)


def test_before_the_begin_of_a_series_is_nothing_and_not_the_end_of_another():
    window = make_rows(KNOWN, encoded()).inputs(np.array([[1, 2]]), 6, K)[0]["window"].numpy()[0]
    assert np.isnan(window[:3]).all()
    assert not np.isnan(window[3:]).any()


def test_what_is_known_ahead_stands_behind_each_series_and_its_target_does_not():
    following = next_rows(TABLE, K)
    rows = make_rows(KNOWN, encoded(), ahead(KNOWN, following, K), K)
    assert (rows.starts.tolist(), rows.lengths.tolist(), rows.ahead) == ([0, 30 + K], [30, 22], K)
    inputs, target = rows.inputs(np.array([[0, 29], [1, 21]]), 6, K)
    assert np.isnan(target.numpy()).all()
    scaler = encoded().future[0]
    for number, name in enumerate(("a", "b")):
        known_ahead = following.filter(pl.col("unique_id") == name)
        price = (known_ahead["price"].to_numpy() - scaler.mean) / scaler.std
        angle = 2 * math.pi * (known_ahead["ds"].dt.weekday().to_numpy() - 1) / 7
        is_open = known_ahead["open"].to_numpy()
        expected = np.stack([price, is_open == "no", is_open == "yes", np.sin(angle), np.cos(angle)], axis=1)
        np.testing.assert_allclose(inputs["future"][number].numpy(), expected, rtol=1e-4, atol=1e-6)
    before = make_rows(KNOWN, encoded()).inputs(np.array([[0, 29], [1, 21]]), 6, K)[0]
    np.testing.assert_array_equal(inputs["window"].numpy(), before["window"].numpy())


def test_calendar_features_go_on_behind_the_last_row():
    known = panel(daily())
    rows = make_rows(known, encoded(known), None, K)
    last = date(2024, 1, 1) + timedelta(63)
    angles = [2 * math.pi * (last + timedelta(step)).weekday() / 7 for step in range(1, K + 1)]
    ahead_of = rows.inputs(np.array([[0, 63]]), 7, K)[0]["future"].numpy()[0]
    np.testing.assert_allclose(ahead_of, np.stack([np.sin(angles), np.cos(angles)], axis=1), atol=1e-6)


def test_scalers_come_of_the_rows_that_are_given():
    early = KNOWN.split(8)[0]
    made = encoded(early)
    a = own("a", "y").to_numpy()[:-8]
    assert made.scalers["a"].mean == pytest.approx(a.mean())
    price = np.concatenate([own(name, "price").to_numpy()[:-8] for name in ("a", "b")])
    assert (made.future[0].mean, made.future[0].std) == pytest.approx((price.mean(), price.std()))
    # Later rows are put on the scale of these.
    later = make_rows(KNOWN, made).table
    np.testing.assert_allclose(later[:30, 0], (own("a", "y").to_numpy() - a.mean()) / a.std(), rtol=1e-5)


def test_one_series_without_a_name_may_go_by_another_and_a_new_one_gets_a_scale_of_its_own():
    alone = encoded(panel(daily()), calendar=())
    renamed = panel(daily().rename({"y": "sold"}))
    assert make_rows(renamed, alone).scalers[0] == alone.scalers["y"]
    new = panel(long(c=weekly(30, seed=5, level=500)))
    made = make_rows(new, encoded(panel(long(a=weekly(30), b=weekly(30))), calendar=())).scalers[0]
    assert made.mean == pytest.approx(new.series[0].values.mean())


def test_a_category_that_the_training_rows_lack_is_none_of_them():
    shops = TABLE.with_columns(
        open=pl.when(pl.col("ds") == dates(30)[29]).then(pl.lit("half")).otherwise(pl.col("open"))
    )
    known = panel(shops, **ROLES)
    rows = make_rows(known, encoded(known.split(3)[0]))
    assert rows.table[29, 4:6].tolist() == [0, 0]
    assert (rows.table[:29, 4:6].sum(axis=1) == 1).all()


def test_values_without_a_logarithm_are_refused_by_their_series():
    known = panel(long(a=weekly(30), b=weekly(30) - 60))
    encoding = Encoding(encoded(panel(long(a=weekly(30), b=weekly(30)))).scalers, log=True)
    with pytest.raises(DataError, match="Series 'b' has values of 0 or less, and the model was fitted on logarithms"):
        make_rows(known, encoding)


def test_the_units_of_mase_are_those_of_each_series_and_nan_where_it_has_none():
    flat = np.full(30, 3.0)
    known = panel(long(a=weekly(30), flat=flat))
    units = naive_units(known, 7)
    assert units[0] == naive_scale(weekly(30), 7)
    assert np.isnan(units[1])
    short = naive_units(panel(long(a=weekly(30), b=weekly(7), c=weekly(8))), 7)
    assert short[1] == naive_scale(weekly(7), 1)  # no value a season ago: the change from row to row
    assert short[2] == naive_scale(weekly(8), 7)
