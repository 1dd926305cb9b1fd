"""What each step of an answer asks of each state: closed forms, and the flow of that step's loss by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.memory.cases import doubles, independent, linear, recorded_one, rotation
from tests.nn.cases import CELLS, build, randn
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.memory import gradient_flow, itemised_flow, record
from recuerdo.nn import GRU, LSTM, Stack

N, T, D, H = 3, 6, 2, 4
EXACT = 1e-10


def per_step(output: Tensor) -> Tensor:
    """The loss of each step of the output, (K,), a mean over samples; it bends."""
    return (output * randn(*output.shape[1:], seed=7)).sin().flatten(2).sum(dim=-1).mean(dim=0)


def test_an_orthogonal_network_asks_every_earlier_state_alike() -> None:
    output, one = recorded_one(linear(rotation(4)), T)
    (flow,) = itemised_flow([one], output, (output * doubles(1, 0, 0, 0)).sum())
    np.testing.assert_allclose(flow.norms, np.tril(np.ones((T, T))), atol=EXACT)


def test_an_indrnn_asks_less_of_a_state_with_every_step_back() -> None:
    output, one = recorded_one(independent(doubles(0.5, 0.9)), T)
    (flow,) = itemised_flow([one], output, output[..., 1].sum())
    lag = np.subtract.outer(np.arange(T), np.arange(T))
    np.testing.assert_allclose(flow.norms, np.where(lag >= 0, 0.9 ** np.maximum(lag, 0), 0), atol=EXACT)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("ragged", [{}, {"lengths": [6, 2, 4]}])
def test_each_row_is_the_flow_of_its_loss_alone(cell: str, ragged: dict[str, Any]) -> None:
    layer = build(cell, D, H, 2, bidirectional=True)
    (output, _), recorded = record(layer, {"x": randn(N, T, D), **ragged})
    losses = per_step(output)
    found = itemised_flow(recorded, output, losses.sum())
    assert [flow.name for flow in found] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    for k, loss in enumerate(losses):
        for flow, alone in zip(found, gradient_flow(recorded, loss), strict=True):
            np.testing.assert_allclose(flow.norms[k], alone.total, atol=EXACT)
    assert found[2].norms[0, 1:].max() == 0  # forwards, no state asks for what comes after it
    assert found[3].norms[-1, :-1].max() == 0  # in reverse, for nothing before it


def test_the_parts_of_a_loss_that_mixes_its_steps_add_up() -> None:
    output, one = recorded_one(independent(doubles(0.7)), T)  # one unit, all of one sign: norms add up as gradients do
    loss = output.sum().square()
    (flow,), (whole,) = itemised_flow([one], output, loss), gradient_flow([one], loss)
    np.testing.assert_allclose(flow.norms.sum(axis=0), whole.total, rtol=EXACT)


def test_of_many_losses_some_are_taken_evenly_and_that_is_said() -> None:
    (output, _), recorded = record(LSTM(1, 2), {"x": torch.randn(2, 50, 1)})
    (flow,) = itemised_flow(recorded, output, output[:, 9:].sum(), most=5)
    assert flow.losses.tolist() == [9, 19, 29, 39, 49]
    assert flow.of == 41
    assert flow.norms.shape == (5, 50)


def test_an_answer_that_is_given_once_is_itemised_by_its_numbers() -> None:
    net = Stack(GRU(1, 4), torch.nn.Linear(4, 3))
    answer, recorded = record(net, {"x": torch.randn(2, 5, 1)})
    (flow,) = itemised_flow(recorded, answer, answer.square().sum())
    for k in range(3):
        (alone,) = gradient_flow(recorded, answer[:, k].square().sum())
        np.testing.assert_allclose(flow.norms[k], alone.total, rtol=1e-5)


@pytest.mark.parametrize("steps", [T, N])  # as many steps as samples, too
def test_an_output_with_time_first_is_itemised_by_its_steps(steps: int) -> None:
    layer = LSTM(D, H)
    x = torch.randn(N, steps, D)
    (output, _), recorded = record(layer, {"x": x})
    layer.batch_first = False
    (turned, _), again = record(layer, {"x": x.transpose(0, 1)})
    (expected,) = itemised_flow(recorded, output, per_step(output).sum())
    (found,) = itemised_flow(again, turned, per_step(turned.transpose(0, 1)).sum())
    assert found.losses.tolist() == expected.losses.tolist() == list(range(steps))
    np.testing.assert_allclose(found.norms, expected.norms, rtol=1e-5)


def test_the_table_has_a_row_for_each_loss_and_step() -> None:
    (output, _), recorded = record(LSTM(1, 2), {"x": torch.randn(2, 4, 1)})
    (flow,) = itemised_flow(recorded, output, output[:, 2:].sum())
    table = flow.to_frame()
    assert table.columns == ["layer", "loss", "step", "norm"]
    assert table.filter(loss=3)["norm"].to_list() == flow.norms[1].tolist()


def test_what_cannot_be_itemised_is_refused_in_words() -> None:
    (output, final), recorded = record(LSTM(1, 2), {"x": torch.randn(2, 4, 1)})
    with pytest.raises(OptionError, match=r"most=0\): it counts losses"):
        itemised_flow(recorded, output, output.sum(), most=0)
    with pytest.raises(OptionError, match=r"with samples and steps, \(N, K, ...\), got shape \(2,\)"):
        itemised_flow(recorded, output[:, 0, 0], output.sum())
    with pytest.raises(OptionError, match="The loss does not depend on this output"):
        itemised_flow(recorded, output, final[1].sum())
    mixed = output - output.mean(dim=0)
    with pytest.raises(OptionError, match=r"Which axis of this output, \(2, 4, 2\), counts the samples cannot be told"):
        itemised_flow(recorded, mixed, mixed.square().sum())
