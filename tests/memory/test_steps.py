"""Jacobians of single steps: against torch.nn's cells, against dense ones of the scan, and against each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.memory.cases import flat, one_step
from tests.nn.cases import CELLS, build, randn, random_state, whole
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from recuerdo.memory import Recorded, Steps, record
from recuerdo.nn import RecurrentLayer, convert

N, T, D, H = 3, 5, 2, 3

cells = pytest.mark.parametrize("cell", CELLS)
ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])

RESET = torch.tensor([[0, 0, 1, 0, 0], [1, 0, 0, 1, 1], [0, 0, 0, 0, 0]]).bool()
LENGTHS = torch.tensor([3, 0, 5])
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "layer_norm": ({"layer_norm": True}, {}),
    "zoneout": ({"zoneout": 0.3}, {}),
    "masks": ({"zoneout": 0.3, "recurrent_dropout": 0.4}, {}),
    "learn_state_reset": ({"learn_state": True}, {"reset": RESET}),
    "reset": ({}, {"reset": RESET}),
    "lengths": ({}, {"lengths": LENGTHS}),
    "lengths_reset": ({}, {"lengths": LENGTHS, "reset": RESET}),
}


def recorded_way(layer: RecurrentLayer, reverse: bool, **inputs: Any) -> Recorded:
    given = {"x": randn(N, T, D), "state": whole(random_state(layer, N)), **inputs}
    return record(layer, given)[1][int(reverse)]


def of_case(cell: str, case: str, reverse: bool) -> Recorded:
    options, inputs = CASES[case]
    layer = build(cell, D, H, bidirectional=True, **options)
    return recorded_way(layer.train(case == "masks"), reverse, **inputs)


def dense(apply: Any, like: tuple[Tensor, ...]) -> Tensor:
    """What a product with every unit vector gives, side by side: (T, N, S * H, S * H), one column for each."""
    size = flat(like).shape[-1]
    columns = []
    for k in range(size):
        unit = torch.zeros_like(flat(like))
        unit[..., k] = 1
        columns.append(flat(apply(unit.split(H, dim=-1))))
    return torch.stack(columns, dim=-1)


@cells
@ways
@pytest.mark.parametrize("case", CASES)
def test_pull_is_the_dense_jacobian_of_each_step_taken_alone_transposed(cell: str, case: str, reverse: bool) -> None:
    one = of_case(cell, case, reverse)
    steps = Steps(one)
    found = dense(steps.pull, steps.before).mT
    inputs = CASES[case][1]
    for n in range(N):
        length = int(inputs["lengths"][n]) if "lengths" in inputs else T
        for t in range(T):
            boundary = t + 1 if reverse else t  # the boundary that is crossed on the way into step t
            restarts = "reset" in inputs and boundary < length and bool(inputs["reset"][n, boundary])
            if t >= length:
                expected = torch.eye(found.shape[-1], dtype=torch.float64)
            elif restarts:
                expected = torch.zeros(found.shape[-2:], dtype=torch.float64)
            else:
                expected = jacobian(one_step(one, t, n), flat(steps.before)[t, n])
            assert torch.allclose(found[t, n], expected, rtol=0, atol=1e-12), f"sample {n}, step {t}"


@cells
@ways
@pytest.mark.parametrize("case", CASES)
def test_each_step_leads_from_the_state_before_it_to_the_recorded_state(cell: str, case: str, reverse: bool) -> None:
    one = of_case(cell, case, reverse)
    steps = Steps(one)
    after = steps.after(steps.before)
    for again, kept, start in zip(after, one.result.states, one.job.state, strict=True):
        assert torch.allclose(again[one.inside], kept[one.inside], rtol=0, atol=1e-13)
        for n, length in enumerate(CASES[case][1].get("lengths", [T] * N)):
            if length:  # the first step that is taken begins at the start
                first = int(length) - 1 if reverse else 0
                assert torch.equal(flat(steps.before)[first, n], flat(one.job.state)[n])
        assert start.shape == (N, H)


@pytest.mark.parametrize(
    ("kind", "cell"), [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell), (nn.GRU, nn.GRUCell)], ids=["rnn", "lstm", "gru"]
)
def test_pull_is_the_jacobian_of_torch_nns_own_cell_transposed(kind: Any, cell: Any) -> None:
    theirs = kind(D, H, batch_first=True, dtype=torch.float64)
    single = cell(D, H, dtype=torch.float64)
    single.load_state_dict({name.removesuffix("_l0"): value for name, value in theirs.state_dict().items()})
    x = randn(N, T, D)
    _, (one,) = record(convert.from_torch(theirs), {"x": x})
    steps = Steps(one)
    found = dense(steps.pull, steps.before).mT

    def after(before: Tensor, t: int, n: int) -> Tensor:
        state = before.unsqueeze(0).split(H, dim=-1)
        out = single(x[n : n + 1, t], state if len(state) == 2 else state[0])
        return flat(out if isinstance(out, tuple) else (out,))[0]

    for n in range(N):
        for t in range(T):
            expected = jacobian(lambda before, t=t, n=n: after(before, t, n), flat(steps.before)[t, n])
            assert torch.allclose(found[t, n], expected, rtol=0, atol=1e-12)


@ways
def test_what_belongs_to_the_state_before_a_step_belongs_to_the_one_after_the_step_before(reverse: bool) -> None:
    steps = Steps(recorded_way(build("gru", D, H, bidirectional=True), reverse))
    counted = torch.arange(1.0, T + 1, dtype=torch.float64).view(T, 1, 1).expand(T, N, H)
    (moved,) = steps.earlier((counted,))
    assert moved[:, 0, 0].tolist() == ([0, 1, 2, 3, 4] if reverse else [2, 3, 4, 5, 0])


@ways
def test_nothing_belongs_to_steps_beyond_a_samples_length(reverse: bool) -> None:
    one = of_case("gru", "lengths", reverse)
    (moved,) = Steps(one).earlier((torch.ones(T, N, H, dtype=torch.float64),))
    assert not moved[~one.inside].any()
    assert moved[:, 0, 0].tolist() == ([0, 1, 1, 0, 0] if reverse else [1, 1, 1, 0, 0])


def test_a_float32_layer_is_followed_in_float64() -> None:
    layer = build("lstm", D, H, dtype=torch.float32)
    _, (one,) = record(layer, {"x": randn(N, T, D, dtype=torch.float32)})
    steps = Steps(one)
    pulled = steps.pull(tuple(torch.ones_like(each) for each in steps.before))
    assert {each.dtype for each in (*steps.before, *pulled)} == {torch.float64}


def test_steps_are_constants_that_carry_no_history() -> None:
    _, (one,) = record(build("gru", D, H), {"x": randn(N, T, D)})
    steps = Steps(one)
    assert not any(each.requires_grad for each in (*steps.before, *steps.after(steps.before)))
