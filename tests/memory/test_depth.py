"""Gradients by layer are those of a closed form and of torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.memory import DepthFlow, gradient_by_depth, gradient_by_layer, record


def linear_stack(L, a, u, H=3):
    layer = rc.nn.FRNN(H, H, num_layers=L, nonlinearity="linear", bias=False, dtype=torch.float64)
    with torch.no_grad():
        for weights in layer.weights():
            weights.weight_ih.copy_(a * torch.eye(H, dtype=torch.float64))
            weights.weight_hh.copy_(u * torch.eye(H, dtype=torch.float64))
    return layer


@pytest.mark.parametrize("a", [0.5, 1.0, 1.7])
def test_a_linear_stack_has_its_closed_form(a):
    L, x = 6, torch.randn(1, 1, 3, dtype=torch.float64)
    (output, _), recorded = record(linear_stack(L, a, 0.3), {"x": x})
    flow = gradient_by_layer(recorded, output[0, 0, 0])
    assert flow.names == ("l0", "l1", "l2", "l3", "l4", "l5")
    np.testing.assert_allclose(flow.outputs, a ** np.arange(L - 1, -1, -1.0))
    np.testing.assert_allclose(flow.weight_ih, np.full(L, a ** (L - 1) * x.norm().item()))
    np.testing.assert_array_equal(flow.weight_hh, np.zeros(L))  # before the first step there is nothing to repeat


def test_the_norm_by_the_output_is_over_all_steps_and_has_the_recurrence_in_it():
    T, u = 7, 0.8
    (output, _), recorded = record(linear_stack(1, 1.0, u, H=1), {"x": torch.randn(2, T, 1, dtype=torch.float64)})
    flow = gradient_by_layer(recorded, output[:, -1, 0].mean())
    assert flow.outputs[0] == pytest.approx(np.sqrt(np.sum(u ** (2 * np.arange(T)))))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_the_norms_by_the_weights_are_torchs(name):
    torch.manual_seed(0)
    theirs = getattr(nn, name)(3, 5, num_layers=4, batch_first=True, dtype=torch.float64)
    x = torch.randn(6, 9, 3, dtype=torch.float64)
    theirs(x)[0].square().mean().backward()
    (output, _), recorded = record(rc.convert.from_torch(theirs), {"x": x})
    flow = gradient_by_layer(recorded, output.square().mean())
    for kind in ("weight_ih", "weight_hh"):
        expected = [getattr(theirs, f"{kind}_l{k}").grad.norm().item() for k in range(4)]
        np.testing.assert_allclose(getattr(flow, kind), expected)


def test_the_norms_by_the_outputs_are_torchs_where_there_is_one_step():
    torch.manual_seed(0)
    layers = [nn.RNN(4, 4, batch_first=True, dtype=torch.float64) for _ in range(5)]
    x = torch.randn(3, 1, 4, dtype=torch.float64)
    outputs = []
    for layer in layers:
        outputs.append(layer(outputs[-1] if outputs else x)[0])
        outputs[-1].retain_grad()
    outputs[-1].square().mean().backward()

    ours = nn.ModuleList([rc.convert.from_torch(layer) for layer in layers])

    class Tower(nn.Module):
        def __init__(self):
            super().__init__()
            self.floors = ours

        def forward(self, x):
            for floor in self.floors:
                x, _ = floor(x)
            return x

    output, recorded = record(Tower(), {"x": x})
    flow = gradient_by_layer(recorded, output.square().mean())
    assert flow.names[0] == "floors.0.l0"
    expected = [3 * each.grad.flatten(1).norm(dim=1).mean().item() for each in outputs]
    np.testing.assert_allclose(flow.outputs, expected)


def test_the_number_of_samples_does_not_matter():
    layer, x = linear_stack(3, 0.5, 0.5), torch.randn(1, 4, 3, dtype=torch.float64)
    flows = []
    for n in (1, 10):
        (output, _), recorded = record(layer, {"x": x.expand(n, -1, -1)})
        flows.append(gradient_by_layer(recorded, output.square().sum(dim=(1, 2)).mean()))
    np.testing.assert_allclose(flows[1].outputs, flows[0].outputs)
    np.testing.assert_allclose(flows[1].weight_ih, flows[0].weight_ih)


def test_frozen_weights_have_no_norm_and_unread_layers_a_norm_of_zero():
    layer = linear_stack(3, 0.5, 0.5)
    layer.weight_ih_l1.requires_grad_(False)
    (_, _), recorded = record(layer, {"x": torch.randn(2, 4, 3, dtype=torch.float64)})
    flow = gradient_by_layer(recorded, recorded[1].result.output.mean())
    assert np.isnan(flow.weight_ih).tolist() == [False, True, False]
    assert np.isfinite(flow.weight_hh).all()
    assert flow.outputs[2] == flow.weight_ih[2] == 0 < flow.outputs[0]


def test_stacks_of_growing_depth_shrink_by_the_factor_of_a_layer():
    flows = gradient_by_depth(
        lambda L: linear_stack(L, 0.5, 0.0),
        {"x": torch.randn(2, 1, 3, dtype=torch.float64)},
        lambda made: made[0][:, 0, 0].mean(),
    )
    assert [len(flow.names) for flow in flows] == list(range(1, 21))
    np.testing.assert_allclose([flow.outputs[0] for flow in flows], 0.5 ** np.arange(20))
    (only,) = gradient_by_depth(
        lambda L: rc.nn.GRU(3, 4, num_layers=L), {"x": torch.randn(2, 5, 3)}, lambda made: made[0].mean(), [2]
    )
    assert only.names == ("l0", "l1")


@pytest.mark.parametrize(
    ("names", "ways", "layers"),
    [
        (("l0", "l1", "l2"), [[0, 1, 2]], 3),
        (("e.l0", "e.l0_reverse", "e.l1", "e.l1_reverse"), [[0, 2], [1, 3]], 2),
        (("a_reverse.l0", "l0_reverse (call 2)"), [[0], [1]], 1),
    ],
)
def test_each_direction_is_a_way_of_its_own_through_the_layers(names, ways, layers):
    flow = DepthFlow(names, *[np.ones(len(names))] * 3)
    assert (flow.ways, flow.layers) == (ways, layers)


def test_the_ways_of_a_stack_are_those_that_ran_in_each_direction():
    layer = rc.nn.GRU(3, 2, num_layers=2, bidirectional=True)
    (output, _), recorded = record(layer, {"x": torch.randn(2, 4, 3)})
    for rows, reverse in zip(gradient_by_layer(recorded, output.sum()).ways, (False, True), strict=True):
        assert [recorded[row].job.reverse for row in rows] == [reverse] * 2
