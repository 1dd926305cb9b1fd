"""Gates counted by hand, and time constants that are known before anything runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.memory.cases import constant_gates, doubles, independent, linear, recorded_one, rotation
from tests.nn.cases import build, randn
from torch import Tensor

from recuerdo.memory import GateActivity, Recorded, gate_activity, record

N, T, D, H = 3, 5, 2, 3


def described(layer: torch.nn.Module, **inputs: object) -> GateActivity:
    return gate_activity(record(layer, inputs)[1])[0]


def with_gates(recorded: Recorded, **gates: list[list[list[float]]]) -> Recorded:
    """The same recurrence with some of its gates replaced by values given as (T, N, H)."""
    own = {name: torch.tensor(gates[name]) if name in gates else gate for name, gate in recorded.gates.items()}
    return replace(recorded, result=recorded.result._replace(gates=tuple(own.values())))


def test_saturation_is_the_share_of_steps_and_samples_counted_by_hand() -> None:
    _, (one,) = record(build("lstm", D, 2), {"x": randn(2, 3, D), "lengths": [3, 2]})
    f = [
        [[0.05, 0.95], [0.50, 0.95]],
        [[0.05, 0.50], [0.95, 0.05]],
        [[0.50, 0.91], [0.01, 0.99]],  # the second sample has no third step
    ]
    found = gate_activity([with_gates(one, f=f)])[0]
    assert found.left["f"].tolist() == pytest.approx([2 / 5, 1 / 5])
    assert found.right["f"].tolist() == pytest.approx([1 / 5, 3 / 5])
    assert found.activity["f"].tolist() == pytest.approx([2.45 / 4, 1.55 / 4, 1.41 / 2])
    logs = [math.log(0.05 * 0.5 * 0.05 * 0.95 * 0.5) / 5, math.log(0.95 * 0.95 * 0.5 * 0.05 * 0.91) / 5]
    assert found.time_constants is not None
    assert found.time_constants.tolist() == pytest.approx([-1 / each for each in logs], rel=1e-6)


def test_a_gate_on_the_border_is_not_saturated() -> None:
    _, (one,) = record(build("gru", D, 2), {"x": randn(1, 1, D)})
    z = torch.tensor([[[0.1, 0.9]]], dtype=torch.float64)
    gates = (one.gates["r"], z, one.gates["n"])
    found = gate_activity([replace(one, result=one.result._replace(gates=gates))])[0]
    assert (found.left["z"].tolist(), found.right["z"].tolist()) == ([0, 0], [0, 0])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_padded_steps_count_as_if_they_were_not_there(cell: str) -> None:
    layer = build(cell, D, H)
    x = randn(1, 3, D)
    alone = described(layer, x=x)
    filled = torch.cat([x, torch.full((1, 4, D), 100.0, dtype=torch.float64)], dim=1)
    padded = described(layer, x=filled, lengths=[3])
    for name, expected in alone.activity.items():
        assert np.allclose(padded.activity[name][:3], expected, rtol=1e-12, atol=0)
        assert np.isnan(padded.activity[name][3:]).all()
    for mine, theirs in ((padded.left, alone.left), (padded.right, alone.right)):
        assert {name: each.tolist() for name, each in mine.items()} == {n: e.tolist() for n, e in theirs.items()}
    assert np.allclose(np.asarray(padded.time_constants), np.asarray(alone.time_constants), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("cell", "gates", "shares"),
    [("lstm", {"i", "f", "g", "o"}, {"i", "f", "o"}), ("gru", {"r", "z", "n"}, {"r", "z"}), ("frnn", set(), set())],
)
def test_every_gate_has_its_activity_and_every_share_its_saturation(
    cell: str, gates: set[str], shares: set[str]
) -> None:
    found = described(build(cell, D, H), x=randn(N, T, D))
    assert found.activity.keys() == gates
    assert found.left.keys() == found.right.keys() == shares
    assert {each.shape for each in found.activity.values()} <= {(T,)}
    assert {each.shape for each in (*found.left.values(), *found.right.values())} <= {(H,)}


def test_activity_is_the_mean_of_the_trace() -> None:
    layer, x = build("gru", D, H), randn(N, T, D)
    *_, trace = layer(x, trace=True)
    found = described(layer, x=x)
    for name, expected in trace.gates.items():
        means = expected[0].mean(dim=(0, 2)).detach().numpy()
        assert np.allclose(found.activity[name], means, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("forget", [0.5, 0.9, 0.999])
def test_a_constant_forget_gate_promises_minus_one_over_its_logarithm(forget: float) -> None:
    _, one = recorded_one(constant_gates("lstm", f=forget), 7)
    constants = gate_activity([one])[0].time_constants
    assert constants is not None
    assert constants.tolist() == pytest.approx([-1 / math.log(forget)], rel=1e-9)


def test_a_gru_promises_by_its_update_gate() -> None:
    _, one = recorded_one(constant_gates("gru", z=0.8, r=0.3), 7)
    constants = gate_activity([one])[0].time_constants
    assert constants is not None
    assert constants.tolist() == pytest.approx([-1 / math.log(0.8)], rel=1e-9)


def constants_of_u(u: Tensor) -> list[float]:
    _, one = recorded_one(independent(u), 4)
    constants = gate_activity([one])[0].time_constants
    assert constants is not None
    return constants.tolist()


def test_an_indrnn_promises_by_the_size_of_each_recurrent_weight() -> None:
    found = constants_of_u(doubles(0.5, -0.5, 0.99))
    assert found == pytest.approx([1 / math.log(2), 1 / math.log(2), -1 / math.log(0.99)], rel=1e-9)


def test_what_is_never_forgotten_lasts_for_ever_and_what_is_never_kept_no_time() -> None:
    assert constants_of_u(doubles(1.0, -1.0, 1.2, 0.0)) == [math.inf, math.inf, math.inf, 0.0]
    layer = constant_gates("lstm")
    layer.get_parameter("bias_ih_l0").data[1] = 100.0  # f is 1 to rounding
    _, one = recorded_one(layer, 4)
    constants = gate_activity([one])[0].time_constants
    assert constants is not None
    assert constants.tolist() == [math.inf]


def test_an_frnn_has_no_time_constants() -> None:
    _, one = recorded_one(linear(rotation(3)), 4)
    assert gate_activity([one])[0].time_constants is None


def test_every_layer_and_direction_is_described_in_the_order_it_ran() -> None:
    _, recorded = record(build("gru", D, H, 2, bidirectional=True), {"x": randn(N, T, D)})
    found = gate_activity(recorded)
    assert [each.name for each in found] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    for one, each in zip(recorded, found, strict=True):
        expected = one.gates["z"].mean(dim=(1, 2)).detach().numpy()
        assert np.allclose(each.activity["z"], expected, rtol=1e-12, atol=0)
