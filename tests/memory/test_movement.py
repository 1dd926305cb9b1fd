"""What a callback says of a training is what the training did."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Callback, Problem, Settings, fit
from recuerdo.memory import WeightMovement, gate_activity, record


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


def test_the_tables_hold_every_row_weight_and_gate():
    (problem, x), seen = small(), WeightMovement(5)
    seen.probe = {"x": x[:4]}
    train(problem, seen)
    table = seen.to_frame()
    assert table.columns == ["step", "grad_norm", "clip_rate", "weight", "update_ratio", "still"]
    assert table["step"].unique().sort().to_list() == [5, 10, 15, 20]
    assert table.height == 4 * len(list(problem.module.parameters()))
    one = table.filter(step=10, weight="head.weight").row(0, named=True)
    row = seen.rows[1]
    assert one["update_ratio"] == row.update_ratio["head.weight"]
    assert (one["still"], one["grad_norm"], one["clip_rate"]) == (
        row.still["head.weight"],
        row.grad_norm,
        row.clip_rate,
    )
    gates = seen.saturation_frame()
    assert gates.columns == ["step", "gate", "left", "right"]
    assert gates.height == 4 * 4  # r and z of two layers
    assert gates.filter(step=20, gate="encoder.l1.z")["left"].item() == seen.rows[3].left["encoder.l1.z"]


def test_without_a_row_the_tables_are_empty_and_there_is_no_picture():
    seen = WeightMovement(50)
    assert seen.to_frame().height == seen.saturation_frame().height == 0
    with pytest.raises(OptionError, match="No step was written down: train for more steps, or give WeightMovement"):
        seen.plot()


class Own(nn.Module):
    """One's own module around a layer of torch.nn."""

    def __init__(self, recurrent=True):
        super().__init__()
        self.rnn = nn.LSTM(2, 4, batch_first=True) if recurrent else nn.Linear(2, 4)
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        y = self.rnn(x)
        return self.head((y[0] if isinstance(y, tuple) else y)[:, -1])


def owned(recurrent=True):
    problem, x = small()
    torch.manual_seed(0)
    return Problem(Own(recurrent), problem.batches, problem.loss), x[:4]


@pytest.mark.parametrize("as_given", [lambda x: x, lambda x: x.numpy(), lambda x: {"x": x}, lambda x: {"x": x.numpy()}])
def test_a_probe_sees_the_gates_of_torch_nns_layers_at_every_row(as_given):
    problem, x = owned()
    problem.module.rnn.bias_ih_l0.data[4:8] = 9.0  # the forget gate stands open
    seen = WeightMovement(10, probe=as_given(x))
    train(problem, seen)
    assert [set(row.right) for row in seen.rows] == [{"rnn.l0.i", "rnn.l0.f", "rnn.l0.o"}] * 2
    assert seen.rows[1].right["rnn.l0.f"] == 1
    (activity,) = gate_activity(record(rc.convert.from_torch(problem.module.rnn), {"x": x})[1])
    assert seen.rows[1].left["rnn.l0.i"] == pytest.approx(activity.left["i"].mean())


def test_with_torch_nns_layers_too_the_training_stays_the_same_bit_for_bit():
    results = []
    for callbacks in ((), (WeightMovement(3, probe=small()[1][:4]),)):
        problem, _ = owned()
        problem.module.head = nn.Sequential(nn.Dropout(0.3), problem.module.head)
        history = train(problem, *callbacks)
        results.append((history.losses, [each.tolist() for each in problem.module.parameters()]))
    assert results[0] == results[1]


def test_a_probe_that_meets_nothing_recurrent_is_refused_before_the_first_step():
    problem, x = owned(recurrent=False)
    watched = Watched()
    with pytest.raises(OptionError, match="Nothing recurrent ran in this Own"):
        train(problem, WeightMovement(5, probe=x), watched)
    assert len(watched.weights) <= 1


def test_a_weight_of_zero_that_stays_has_a_ratio_of_zero_and_one_that_moves_an_infinite_one():
    problem, _ = small()
    problem.module.encoder.bias_ih_l0.data.zero_()
    problem.module.register_parameter("spare", nn.Parameter(torch.zeros(3)))
    seen = WeightMovement(1)
    train(problem, seen, max_steps=1)
    assert seen.rows[0].update_ratio["spare"] == 0
    assert seen.rows[0].update_ratio["encoder.bias_ih_l0"] == np.inf
    with pytest.raises(OptionError, match="No step was written down"):
        WeightMovement(50).plot_saturation()
