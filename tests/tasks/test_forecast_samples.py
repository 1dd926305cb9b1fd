"""Samples are of the distribution that the head answered: its quantiles, the user's units, the seed's numbers."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from polars.testing import assert_frame_equal
from scipy.stats import kstest, norm, t
from tests.tasks.tables import HORIZON, ROLES, covariates, daily, dates, following, kinds, long, quick, weekly
from torch.distributions import Normal

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.learn import seeded
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_samples import Mixture
from recuerdo.tasks.scaling import Scaler

COUNT = 4000
TABLE = long(a=weekly(), b=weekly(80, seed=1, level=20))


def fitted(head, table=TABLE, **options):
    return quick(head=head, trial=False, **options).fit(table)


def drawn(frame, series):
    """(count, K) of one series."""
    return frame.filter(frame["unique_id"] == series)["y"].to_numpy().reshape(-1, HORIZON)


def parameters(model):
    """Each network's answer about the end of each series, (n, K, .), and the scalers."""
    rows = make_rows(model._panel, model._ensemble.encoding)
    origins = np.stack([np.arange(len(rows.lengths)), rows.lengths - 1], axis=1)
    answer, _ = model._ensemble.answer(rows, origins)
    return answer.distributions, rows.scalers


def cdf(model, series, step):
    """The distribution of one step in the user's own units, written out by scipy: a mean over the networks."""
    distributions, scalers = parameters(model)

    def one(each):
        place, spread = float(each.loc[series, step]), float(each.scale[series, step])
        frozen = t(float(each.df[series, step]), place, spread) if hasattr(each, "df") else norm(place, spread)
        return lambda values: frozen.cdf(scalers[series].forward(values))

    parts = [one(each) for each in distributions]
    return lambda values: np.mean([part(values) for part in parts], axis=0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("head", ["gaussian", "student_t"])
@pytest.mark.parametrize("n_seeds", [1, 2])
def test_samples_are_distributed_as_the_head_says(head, log, n_seeds):
    model = fitted(head, log=log, n_seeds=n_seeds, learning_rate=0.2)
    made = model.forecast().samples(COUNT, random_state=1)
    for number, name in enumerate("ab"):
        values = drawn(made, name)
        assert values.shape == (COUNT, HORIZON)
        for step in range(HORIZON):
            # Of so many tests on sound samples, one in a hundred thousand fails; the seed keeps it from being this one.
            assert kstest(values[:, step], cdf(model, number, step)).pvalue > 1e-5
        shifted = cdf(model, number, 0)
        assert kstest(1.05 * values[:, 0], shifted).pvalue < 1e-5  # such a test does find a small shift


@pytest.mark.parametrize("head", ["gaussian", "student_t"])
def test_uncalibrated_quantiles_are_those_of_the_samples(head):
    forecasts = fitted(head, quantiles=(0.1, 0.9)).forecast()
    values = drawn(forecasts.samples(20_000, random_state=0), "a")
    for level in (0.1, 0.9):
        below = np.mean(values < forecasts.quantiles[level][0], axis=0)
        np.testing.assert_allclose(below, level, atol=5 * np.sqrt(0.09 / 20_000))
    np.testing.assert_allclose(np.mean(values < forecasts.point[0], axis=0), 0.5, atol=5 * np.sqrt(0.25 / 20_000))


def test_steps_and_series_are_drawn_each_on_its_own():
    values = fitted("gaussian").forecast().samples(COUNT, random_state=0)
    both = np.concatenate([drawn(values, "a"), drawn(values, "b")], axis=1)
    apart = np.corrcoef(both.T) - np.eye(2 * HORIZON)
    assert np.abs(apart).max() < 5 / np.sqrt(COUNT)


def test_a_mixture_takes_each_network_as_often_and_a_number_does_not_tell_which():
    parts = tuple(Normal(torch.full((2, 3), place), torch.full((2, 3), 0.1)) for place in (-9.0, 0.0, 9.0))
    with seeded(0):
        z = Mixture(parts, (Scaler(0.0, 1.0, log=False), Scaler(50.0, 2.0, log=False))).sample(COUNT)
    assert z.shape == (COUNT, 2, 3)
    z[:, 1] = (z[:, 1] - 50) / 2
    which = z.round(-1) / 10
    assert (which == which[:, :1, :1]).all()  # one network for all steps and series of a sample
    assert np.abs(z - 9 * which).max() < 1
    for half in (which[: COUNT // 2, 0, 0], which[COUNT // 2 :, 0, 0]):
        shares = [np.mean(half == each) for each in (-1, 0, 1)]
        np.testing.assert_allclose(shares, 1 / 3, atol=5 * np.sqrt(2 / 9 / (COUNT // 2)))


def test_the_seed_gives_the_same_numbers_and_leaves_others_alone():
    forecasts = fitted("student_t").forecast()
    one, same, other = (forecasts.samples(3, random_state=seed) for seed in (5, 5, 6))
    assert_frame_equal(one, same, check_exact=True)
    assert (one["y"] != other["y"]).all()
    assert (forecasts.samples(3)["y"] != forecasts.samples(3)["y"]).all()
    again = pickle.loads(pickle.dumps(forecasts))
    assert_frame_equal(again.samples(3, random_state=5), one, check_exact=True)


def test_the_table_is_long_and_of_the_user_s_kind(tmp_path):
    made = fitted("gaussian").forecast().samples(2, random_state=0)
    assert made.columns == ["unique_id", "ds", "sample", "y"]
    assert made["unique_id"].to_list() == ["a"] * 2 * HORIZON + ["b"] * 2 * HORIZON
    assert made["sample"].to_list() == ([0] * HORIZON + [1] * HORIZON) * 2
    assert made["ds"].to_list()[: 2 * HORIZON] == dates(64 + HORIZON)[-HORIZON:].to_list() * 2
    table, columns = kinds()["pandas"]
    model = quick(head="gaussian", trial=False).fit(table, **columns)
    frame = model.forecast().samples(2, random_state=0)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["day", "sample", "y"]
    loaded = rc.load(model.save(tmp_path / "model")).forecast().samples(2, random_state=0)
    pd.testing.assert_frame_equal(loaded, frame)


def test_with_covariates_ahead_and_gaps_samples_are_numbers():
    table = covariates(a=weekly(), b=weekly(80, seed=1, level=20))
    model = quick(head="student_t", trial=False).fit(table, **ROLES)
    made = model.forecast(**following("covariates")).samples(10, random_state=0)
    assert made.height == 2 * 10 * HORIZON
    assert np.isfinite(made["y"].to_numpy()).all()


def test_a_trial_moves_the_quantiles_and_not_the_samples():
    table = daily()
    judged, plain = quick(head="gaussian").fit(table), fitted("gaussian", table)
    assert_frame_equal(
        judged.forecast().samples(4, random_state=0), plain.forecast().samples(4, random_state=0), check_exact=True
    )
    assert (judged.predict()["y-90"] != plain.predict()["y-90"]).all()


@pytest.mark.parametrize("options", [{}, {"head": "quantiles"}, {"strategy": "recursive"}])
def test_what_has_no_distribution_has_no_samples(options):
    forecasts = quick(**options).fit(daily()).forecast()
    with pytest.raises(
        OptionError, match=r"no distribution to draw samples from: .* head='gaussian' or head='student_t'"
    ):
        forecasts.samples(3)


def test_what_is_out_of_range_or_named_twice_is_refused():
    forecasts = fitted("gaussian", daily()).forecast()
    with pytest.raises(OptionError, match="count=0: it counts"):
        forecasts.samples(0)
    with pytest.raises(OptionError, match="random_state"):
        forecasts.samples(1, random_state=-1)
    for old in ("y", "day"):
        named = quick(head="gaussian", trial=False).fit(daily().rename({old: "sample"})).forecast()
        with pytest.raises(DataError, match=r"'sample', as the (column that|one that is there)"):
            named.samples(1)
