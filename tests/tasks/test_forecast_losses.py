"""A loss is the score that it is named after, and what is missing counts nowhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tolerances import assert_values

from recuerdo.tasks.forecast_heads import HEADS, Point, make_head
from recuerdo.tasks.forecast_losses import LOSSES, Objective
from recuerdo.tasks.metrics import mase, owa, smape

N, K = 5, 4
RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(N, K))
SCALE = torch.from_numpy(RNG.uniform(0.5, 2, size=(N, 1)))
UNITS = np.stack([RNG.uniform(20, 30, N), RNG.uniform(1, 3, N), RNG.uniform(0.5, 4, N)], axis=1)
ASIDE = {"units": torch.from_numpy(UNITS)}
NAMES = [("mae", head) for head in HEADS] + [(name, "point") for name in LOSSES if name != "mae"]


def answer(head):
    raw = torch.from_numpy(np.random.default_rng(1).normal(size=(N, K, head.width)))
    return head.answer(raw, torch.from_numpy(TARGET) + 0.1, SCALE).requires_grad_()


def holed():
    gone = np.zeros((N, K), dtype=bool)
    gone[0, 1] = gone[2, :] = gone[4, 3] = True
    return torch.from_numpy(np.where(gone, np.nan, TARGET)), torch.from_numpy(~gone)


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_missing_targets_count_nowhere(name, kind):
    head = make_head(kind, (0.1, 0.9))
    objective, said = Objective(name, head), answer(head)
    target, known = holed()
    loss = objective(said, target, SCALE, ASIDE)
    # Value by value: what is alone in its batch is its own mean.
    each = [
        objective(said[n : n + 1, k : k + 1], target[n : n + 1, k : k + 1], SCALE[n : n + 1], {"units": one})
        for n, k in known.nonzero().tolist()
        for one in [ASIDE["units"][n : n + 1]]
    ]
    assert_values(loss, torch.stack(each).mean())
    (gradient,) = torch.autograd.grad(loss, said)
    assert gradient.isfinite().all()
    assert (gradient[~known] == 0).all()
    assert (gradient[known].abs().reshape(int(known.sum()), -1).sum(dim=1) > 0).all()


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_a_batch_without_any_target_teaches_nothing(name, kind):
    head = make_head(kind, (0.1, 0.9))
    said = answer(head)
    loss = Objective(name, head)(said, torch.full((N, K), torch.nan, dtype=torch.float64), SCALE, ASIDE)
    assert loss.item() == 0
    assert not torch.autograd.grad(loss, said)[0].any()


def test_the_absolute_and_the_squared_error_are_those_of_numpy():
    said, target = answer(Point()), torch.from_numpy(TARGET)
    error = said.detach().numpy() - TARGET
    absolute, squared = (Objective(name, Point())(said, target, SCALE, {}).item() for name in ("mae", "mse"))
    assert absolute == pytest.approx(np.mean(np.abs(error) / SCALE.numpy()), rel=1e-12)
    assert squared == pytest.approx(np.mean(error**2), rel=1e-12)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
def test_owa_is_the_mean_of_smape_and_mase_as_ratios_in_the_series_own_units(log, gaps):
    units = UNITS * [0.1, 0.3, 1] if log else UNITS
    said = answer(Point())
    target = holed()[0] if gaps else torch.from_numpy(TARGET)
    references = 8.0, 1.5
    objective = Objective("owa", Point(), log, references)
    loss = objective(said, target, SCALE, {"units": torch.from_numpy(units)}).item()

    def own(z):
        y = z * units[:, 1:2] + units[:, :1]
        return np.exp(y) if log else y

    truth, forecast = own(target.numpy()), own(said.detach().numpy())
    if gaps:  # M4 averages windows first, which are of one length there
        known = ~np.isnan(truth)
        values = [
            0.5 * (smape([t], [f]) / 8 + mase([t], [f], s) / 1.5)
            for t, f, s in zip(truth[known], forecast[known], np.broadcast_to(units[:, 2:], (N, K))[known], strict=True)
        ]
        expected = np.mean(values)
    else:
        mine = {"sMAPE": smape(truth, forecast), "MASE": mase(truth, forecast, units[:, 2])}
        expected = owa(mine, {"sMAPE": 8.0, "MASE": 1.5})
    assert loss == pytest.approx(expected, rel=1e-9)


def test_owa_of_zeros_is_finite():
    units = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64)
    zeros = torch.zeros(1, K, dtype=torch.float64, requires_grad=True)
    loss = Objective("owa", Point())(zeros, torch.zeros(1, K, dtype=torch.float64), SCALE[:1], {"units": units})
    assert loss.item() == 0
    assert torch.autograd.grad(loss, zeros)[0].isfinite().all()
