"""Dropout between layers, recurrent dropout and zoneout: what is drawn, how often, and when not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.nn.cases import CELLS, build, parts, randn
from tests.tolerances import assert_values
from torch import Tensor

from recuerdo.nn import GRU, IndRNN, RecurrentLayer

DROPPED: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.4},
    "recurrent_dropout": {"recurrent_dropout": 0.4},
    "zoneout": {"zoneout": 0.4},
}
STANDARD_ERRORS = 5
"""How many standard errors a mean of fair draws may lie off: a chance of 6e-7."""

cells = pytest.mark.parametrize("cell", CELLS)
options = pytest.mark.parametrize("option", DROPPED)


def repeated(layer: RecurrentLayer, x: Tensor, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return layer(x)[0]


def assert_share(kept: Tensor, p: float) -> None:
    """The mean of zeros and ones is p, to the error of so many draws."""
    allowed = STANDARD_ERRORS * (p * (1 - p) / kept.numel()) ** 0.5
    assert abs(kept.double().mean().item() - p) <= allowed


def keeping(T: int, **options: Any) -> tuple[IndRNN, Tensor, Tensor]:
    """A relu IndRNN with u = 1 and no input that counts up by itself: (layer, x, state of ones)."""
    N, H = 64, 32
    layer = IndRNN(1, H, bias=False, dtype=torch.float64, **options)
    with torch.no_grad():
        layer.get_parameter("weight_ih_l0").zero_()
        layer.get_parameter("weight_hh_l0").fill_(1.0)
    ones = torch.ones(1, N, H, dtype=torch.float64)
    return layer, ones.new_zeros(N, T, 1), ones


@cells
@options
def test_evaluation_is_deterministic(cell: str, option: str) -> None:
    layer, x = build(cell, 3, 4, 2, **DROPPED[option]), randn(2, 5, 3)
    assert torch.equal(repeated(layer, x, 0), repeated(layer, x, 1))


@cells
@options
def test_training_differs_from_draw_to_draw_and_a_seed_repeats_it(cell: str, option: str) -> None:
    layer, x = build(cell, 3, 4, 2, **DROPPED[option]).train(), randn(2, 5, 3)
    assert torch.equal(repeated(layer, x, 0), repeated(layer, x, 0))
    assert not torch.equal(repeated(layer, x, 0), repeated(layer, x, 1))


@cells
@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout"])
def test_at_evaluation_dropout_is_as_if_it_were_not_there(cell: str, option: str) -> None:
    with_it, without, x = build(cell, 3, 4, 2, **DROPPED[option]), build(cell, 3, 4, 2), randn(2, 5, 3)
    assert torch.equal(with_it(x)[0], without(x)[0])


def test_recurrent_dropout_draws_one_mask_for_all_steps() -> None:
    p, T = 0.3, 4
    layer, x, h = keeping(T, recurrent_dropout=p)
    output, _ = layer(x, h)
    kept = output[:, 0] > 0
    assert_share(kept, 1 - p)
    growth = (1 - p) ** -torch.arange(1, T + 1, dtype=torch.float64)
    assert_values(output, kept.unsqueeze(1) * growth.reshape(1, T, 1))


def test_recurrent_dropout_draws_anew_for_each_sample_layer_and_direction() -> None:
    layer, x, h = keeping(1, recurrent_dropout=0.5)
    kept = layer(x, h)[0][:, 0] > 0
    assert not (kept == kept[0]).all()
    both = build("indrnn", 1, 32, 2, bidirectional=True, bias=False, recurrent_dropout=0.5).train()
    with torch.no_grad():
        for k, weights in enumerate(both.weights()):
            weights.weight_ih.zero_()
            weights.weight_hh.fill_(1.0 + k)
    _, final = both(torch.zeros(8, 1, 1).double(), torch.ones(4, 8, 32).double())
    masks = [final[k] > 0 for k in range(4)]
    assert all(not torch.equal(masks[a], masks[b]) for a in range(4) for b in range(a))


def test_zoneout_keeps_its_share_and_draws_anew_at_each_step() -> None:
    p, T = 0.3, 4
    layer, x, h = keeping(T, zoneout=p)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").fill_(0.5)  # a unit that is updated halves, one that is kept does not
    output, _ = layer(x, h)
    before = torch.cat([h.transpose(0, 1), output[:, :-1]], dim=1)
    kept = output == before
    assert torch.equal(output, torch.where(kept, before, 0.5 * before))
    assert_share(kept, p)
    assert not (kept == kept[:, :1]).all()


def test_zoneout_draws_the_lstms_two_states_apart() -> None:
    layer, x = build("lstm", 2, 16, zoneout=0.5).train(), randn(8, 1, 2)
    h, c = randn(1, 8, 16, seed=1), randn(1, 8, 16, seed=2)
    _, (h_new, c_new) = layer(x, (h, c))
    kept_h, kept_c = h_new == h, c_new == c
    assert_share(kept_h, 0.5)
    assert_share(kept_c, 0.5)
    assert not torch.equal(kept_h, kept_c)


def test_dropout_acts_between_layers_and_not_behind_the_last() -> None:
    p = 0.25
    layer = build("indrnn", 1, 32, 2, dropout=p, bias=False).train()
    with torch.no_grad():
        layer.get_parameter("weight_ih_l0").fill_(1.0)
        layer.get_parameter("weight_hh_l0").zero_()
        layer.get_parameter("weight_ih_l1").copy_(torch.eye(32))
        layer.get_parameter("weight_hh_l1").zero_()
    output, final, trace = layer(torch.ones(16, 10, 1).double(), trace=True)
    assert torch.equal(trace.states["h"][0], torch.ones(16, 10, 32).double())
    assert_share(output > 0, 1 - p)
    assert_values(output, (output > 0) / (1 - p))
    assert torch.equal(final[1], output[:, -1])


def test_the_expectation_of_training_with_zoneout_is_its_evaluation() -> None:
    layer, x, h = keeping(3, zoneout=0.4)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").fill_(0.5)
    mean, wanted = layer(x, h)[0].mean((0, 2)), layer.eval()(x, h)[0].mean((0, 2))
    allowed = STANDARD_ERRORS * 0.5 / (x.shape[0] * layer.hidden_size) ** 0.5
    assert (mean - wanted).abs().max() <= allowed
    assert_values(wanted, torch.tensor([0.7, 0.49, 0.343], dtype=torch.float64))


@pytest.mark.parametrize("option", ["recurrent_dropout", "zoneout"])
def test_a_share_of_zero_draws_nothing(option: str) -> None:
    none: dict[str, Any] = {option: 0.0}
    layer = GRU(2, 3, **none)
    torch.manual_seed(0)
    layer(torch.zeros(1, 2, 2))
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))


@cells
def test_a_ragged_batch_in_training_ends_in_finite_states(cell: str) -> None:
    layer = build(cell, 2, 3, 2, bidirectional=True, dropout=0.5, recurrent_dropout=0.5, zoneout=0.5).train()
    _, final = layer(randn(3, 4, 2), lengths=[0, 2, 4])
    assert all(part.isfinite().all() for part in parts(final))
