"""Gradients by layer are those of a closed form and of torch, and what a callback says of a training is what it did."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Callback, Problem, Settings, fit
from recuerdo.memory import WeightMovement, gate_activity, gradient_by_depth, gradient_by_layer, record


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


class Watched(Callback):
    """Keeps all weights after each step."""

    def __init__(self):
        self.weights = []

    def on_start(self, run):
        self.on_step(run)

    def on_step(self, run):
        self.weights.append({name: each.detach().numpy().copy() for name, each in run.module.named_parameters()})


def small(dropout=0.0):
    torch.manual_seed(0)
    encoder = rc.nn.GRU(2, 4, num_layers=2, dropout=dropout)
    x = torch.randn(64, 6, 2)
    x[..., 1] = 0  # a feature that is never there
    net = rc.nn.Stack(encoder, nn.Linear(4, 1))
    batches = ArrayBatches({"x": x}, x[..., :1].sum(dim=1), batch_size=16)
    return Problem(net, batches, lambda y, batch: (y - batch.target).square().mean()), x


def train(problem, *callbacks, max_steps=20, **options):
    settings = Settings(max_steps=max_steps, learning_rate=0.01, clip=0.7)
    return fit(problem, settings=settings, callbacks=callbacks, random_state=0, verbose=False, **options)


@pytest.mark.parametrize("every", [1, 5, 7])
def test_each_row_is_what_the_step_did(every):
    (problem, _), watched, seen = small(), Watched(), WeightMovement(every)
    history = train(problem, watched, seen)
    assert [row.step for row in seen.rows] == list(range(every, 21, every))
    for row in seen.rows:
        before, after = watched.weights[row.step - 1], watched.weights[row.step]
        assert row.update_ratio.keys() == before.keys()
        for name, old in before.items():
            ratio = np.linalg.norm(after[name] - old) / np.linalg.norm(old)
            assert row.update_ratio[name] == pytest.approx(ratio, rel=1e-4)
            assert row.still[name] == pytest.approx(np.mean(after[name] == old))
        norms = np.array(history.grad_norms[row.step - every : row.step])
        assert row.grad_norm == pytest.approx(norms.mean())
        assert row.clip_rate == pytest.approx(np.mean(norms > 0.7))


def test_weights_of_an_absent_feature_do_not_move():
    (problem, _), seen = small(), WeightMovement(10)
    train(problem, seen)
    for row in seen.rows:
        assert row.still["encoder.weight_ih_l0"] == 0.5  # one of two features
        assert row.still["encoder.weight_ih_l1"] < 0.1


def test_frozen_weights_are_left_out():
    (problem, _), seen = small(), WeightMovement(10)
    problem.module.encoder.weight_hh_l0.requires_grad_(False)
    train(problem, seen)
    assert "encoder.weight_hh_l0" not in seen.rows[0].update_ratio
    assert "encoder.weight_hh_l1" in seen.rows[0].update_ratio


def test_the_training_stays_the_same_bit_for_bit():
    results = []
    for callbacks in ((), (WeightMovement(3, probe={"x": small()[1][:4]}),)):
        problem, _ = small(dropout=0.3)
        history = train(problem, *callbacks)
        results.append((history.losses, [each.tolist() for each in problem.module.parameters()]))
    assert results[0] == results[1]


def test_saturation_is_that_of_the_gates_in_evaluation_mode():
    problem, x = small(dropout=0.5)
    with torch.no_grad():
        problem.module.encoder.bias_ih_l0[4:8] = 9.0  # z of the lower layer stands open
    seen = WeightMovement(20, probe={"x": x[:8]})
    train(problem, seen)
    (row,) = seen.rows
    assert set(row.right) == {f"encoder.l{k}.{gate}" for k in (0, 1) for gate in ("r", "z")}
    assert row.right["encoder.l0.z"] == 1
    for each in gate_activity(record(problem.module, {"x": x[:8]})[1]):
        for gate, share in each.left.items():
            assert row.left[f"{each.name}.{gate}"] == pytest.approx(share.mean())


def test_the_probe_leaves_every_part_in_its_mode():
    problem, x = small()
    modes = []

    class Modes(Callback):
        def on_step(self, run):
            modes.append((run.module.training, run.module.encoder.training))

    train(problem, WeightMovement(1, probe={"x": x[:2]}), Modes(), max_steps=3)
    assert modes == [(True, True)] * 3


def test_without_a_probe_gates_are_left_out():
    (problem, _), seen = small(), WeightMovement(10)
    train(problem, seen)
    assert seen.rows[0].left == seen.rows[0].right == {}


def test_a_training_that_goes_on_is_counted_from_where_it_goes_on(tmp_path):
    class Stop(Callback):
        def on_step(self, run):
            if run.step == 9:
                raise KeyboardInterrupt

    (problem, _), first = small(), WeightMovement(5)
    train(problem, first, Stop(), checkpoint=tmp_path / "c")
    (problem, _), second = small(), WeightMovement(5)
    history = train(problem, second, checkpoint=tmp_path / "c")
    assert [row.step for row in first.rows] == [5]
    assert [row.step for row in second.rows] == [10, 15, 20]
    assert second.rows[0].grad_norm == pytest.approx(history.grad_norms[9])


def test_every_step_at_most():
    with pytest.raises(OptionError, match=r"WeightMovement\(every=0\): it counts steps, so it has to be 1 or more"):
        WeightMovement(0)
