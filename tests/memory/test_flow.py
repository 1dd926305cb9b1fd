"""Gradients by the states: closed forms, finite differences, and what torch.nn says of its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from tests.memory.cases import (
    NUMERIC,
    STEP,
    Deaf,
    Largest,
    constant_gates,
    differences,
    doubles,
    fastest,
    flat,
    independent,
    linear,
    losses,
    recorded_one,
    rotation,
    split,
)
from tests.nn.cases import CELLS, OPTIONS, build, parts, randn, random_state, whole
from tests.tolerances import assert_values
from torch import Tensor, nn

from recuerdo.cells import Scanned
from recuerdo.errors import OptionError
from recuerdo.kernels import Job, watching
from recuerdo.memory import Steps, gradient_flow, lyapunov, record, spectral_norm
from recuerdo.memory.flow import deltas
from recuerdo.nn import convert

N, T, D, H = 3, 5, 2, 3
EXACT = 1e-10
"""How far float64 may lie from a closed form, as a share of it."""

cells = pytest.mark.parametrize("cell", CELLS)

RESET = torch.tensor([[0, 0, 1, 0, 0], [1, 0, 0, 1, 1], [0, 0, 0, 0, 0]]).bool()
RAGGED: dict[str, dict[str, Any]] = {
    "all": {},
    "lengths": {"lengths": [3, 0, 5]},
    "reset": {"reset": RESET},
    "lengths_reset": {"lengths": [4, 2, 0], "reset": RESET},
}
STACKS: dict[str, tuple[int, dict[str, Any]]] = {
    "one": (1, {}),
    "two": (2, {}),
    "three": (3, {}),
    "both_ways": (1, {"bidirectional": True}),
    "two_both_ways": (2, {"bidirectional": True}),
}


def assert_deltas_numeric(cell: str, num_layers: int, ragged: str, **options: Any) -> None:
    """Assert that delta_t equals finite differences at every number of every state."""
    layer = build(cell, D, H, num_layers, **options)
    inputs: dict[str, Any] = {"x": randn(N, T, D), "state": whole(random_state(layer, N)), **RAGGED[ragged]}
    (output, final), recorded = record(layer, inputs)
    loss = losses(output, final).mean()
    wanted = differences(layer, inputs)
    found = deltas(recorded, loss)
    assert len(found) == len(wanted) == num_layers * layer.directions
    for actual, expected in zip(found, wanted, strict=True):
        for by, numeric in zip(actual, expected, strict=True):
            assert by.shape == (T, N, H)
            assert (by - numeric).abs().max() < NUMERIC * max(1.0, numeric.abs().max().item())
    assert max(flat(each).abs().max().item() for each in found) > 0.1  # something arrives


@cells
@pytest.mark.parametrize("stack", STACKS)
def test_deltas_are_finite_differences_through_layers_and_directions(cell: str, stack: str) -> None:
    num_layers, options = STACKS[stack]
    assert_deltas_numeric(cell, num_layers, "all", **options)


@cells
@pytest.mark.parametrize("ragged", RAGGED)
def test_deltas_are_finite_differences_over_ragged_and_reset_batches(cell: str, ragged: str) -> None:
    assert_deltas_numeric(cell, 2, ragged, bidirectional=True)


@cells
@pytest.mark.parametrize("option", OPTIONS)
def test_deltas_are_finite_differences_with_every_option_of_a_layer(cell: str, option: str) -> None:
    smooth = {"nonlinearity": "tanh"} if cell == "indrnn" else {}  # relu meets its kink after a reset
    assert_deltas_numeric(cell, 2, "lengths_reset", bidirectional=True, **OPTIONS[option], **smooth)


@cells
def test_deltas_follow_the_masks_that_training_drew(cell: str) -> None:
    layer = build(cell, D, H, 2, recurrent_dropout=0.4, zoneout=0.3, dropout=0.3).train()
    x = randn(N, T, D)
    torch.manual_seed(1)
    (output, final), recorded = record(layer, {"x": x})
    torch.manual_seed(1)
    assert_values(layer(x)[0], output)
    found = deltas(recorded, losses(output, final).mean())
    for k, one in enumerate(recorded):
        assert isinstance(one.job.zoneout, Tensor)
        assert one.job.recurrent_mask is not None
        assert not one.job.recurrent_mask.all()
        way = [randn(T, N, H, seed=60 + s) for s in range(len(one.nudge))]

        def moved(by: float, k: int = k, way: list[Tensor] = way) -> Tensor:
            turn = count()

            def watcher(job: Job, run: Callable[[Job], Scanned]) -> Scanned:
                return run(replace(job, nudge=tuple(by * each for each in way)) if next(turn) == k else job)

            torch.manual_seed(1)
            with watching(watcher), torch.no_grad():
                return losses(*layer(x)).mean()

        slope = (moved(STEP) - moved(-STEP)) / (2 * STEP)
        product = sum((by * along).sum() for by, along in zip(found[k], way, strict=True)) / N
        assert abs(slope - product) < NUMERIC * max(1.0, abs(slope))


@cells
@pytest.mark.parametrize("ragged", RAGGED)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_direct_part_is_what_reaches_an_output_or_a_final_state(
    cell: str, ragged: str, bidirectional: bool
) -> None:
    """The loss reads layer 1 alone, so each part that is direct can be written down by hand."""
    layer = build(cell, D, H, bidirectional=bidirectional)
    inputs = {"x": randn(N, T, D), **RAGGED[ragged]}
    (output, final), recorded = record(layer, inputs)
    loss = losses(output, final).mean()
    by_output, *by_final = torch.autograd.grad(loss, [output, *parts(final)], retain_graph=True)
    lengths = RAGGED[ragged].get("lengths", [T] * N)
    for k, one in enumerate(recorded):
        expected = [torch.zeros(T, N, H, dtype=torch.float64) for _ in layer.cell.states]
        expected[0] += N * by_output[..., k * H : (k + 1) * H].transpose(0, 1)
        for n, length in enumerate(lengths):
            expected[0][length:, n] = 0
            if length:
                last = 0 if one.job.reverse else length - 1
                for part, arriving in zip(expected, by_final, strict=True):
                    part[last, n] += N * arriving[k, n]
        (delta,) = deltas([one], loss)
        steps = Steps(one)
        recurrent = steps.earlier(steps.pull(delta))
        for whole_part, part, wanted in zip(delta, recurrent, expected, strict=True):
            assert torch.allclose(whole_part - part, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_the_direct_part_is_the_gradient_of_torch_nns_output(kind: Any) -> None:
    theirs = kind(D, H, batch_first=True, dtype=torch.float64)
    x = randn(N, T, D)
    output, _ = theirs(x)
    output.retain_grad()
    output.tanh().square().sum(dim=(1, 2)).mean().backward()
    (ours, _), (one,) = record(convert.from_torch(theirs), {"x": x})
    _, direct, recurrent = split(one, ours.tanh().square().sum(dim=(1, 2)).mean())
    assert output.grad is not None
    assert torch.allclose(direct[0], N * output.grad.transpose(0, 1), rtol=0, atol=1e-12)
    for c in direct[1:]:  # nothing reads an LSTM's cell state but its own next step
        assert c.abs().max() < 1e-12
    assert flat(recurrent).abs().max() > 0.01


def test_a_flow_is_the_norm_over_units_and_the_mean_over_the_samples_that_have_the_step() -> None:
    layer = build("lstm", D, H)
    (output, final), (one,) = record(layer, {"x": randn(N, T, D), "lengths": [3, 0, 5]})
    loss = losses(output, final).mean()
    (flow,) = gradient_flow([one], loss)
    here = [[0, 2], [0, 2], [0, 2], [2], [2]]  # the samples that have each step
    for found, part in zip((flow.total, flow.direct, flow.recurrent), split(one, loss), strict=True):
        norms = np.linalg.norm(flat(part).detach().numpy(), axis=-1)  # (T, N)
        assert np.allclose(found, [norms[t, samples].mean() for t, samples in enumerate(here)], rtol=1e-12, atol=0)
        assert found.shape == (T,)
        assert found.dtype == np.float64
    assert flow.name == "l0"


@pytest.mark.parametrize("copies", [1, 4])
def test_a_flow_does_not_depend_on_how_many_samples_share_the_mean(copies: int) -> None:
    layer = build("gru", D, H)
    (output, final), recorded = record(layer, {"x": randn(1, T, D).repeat(copies, 1, 1)})
    (flow,) = gradient_flow(recorded, losses(output, final).mean())
    (output, final), alone = record(layer, {"x": randn(1, T, D)})
    (expected,) = gradient_flow(alone, losses(output, final).mean())
    assert np.allclose(flow.total, expected.total, rtol=1e-12, atol=0)


def test_a_layer_that_the_loss_does_not_read_has_no_flow() -> None:
    layer = build("gru", D, H, bidirectional=True)
    (output, _), recorded = record(layer, {"x": randn(N, T, D)})
    forwards, backwards = gradient_flow(recorded, output[..., :H].square().mean())
    assert forwards.total.min() > 0
    assert not backwards.total.any()


def test_a_linear_frnn_pulls_a_gradient_back_by_powers_of_its_matrix() -> None:
    values, vectors = doubles(0.9, -0.6, 1.1), randn(H, H, seed=44)
    U = vectors @ values.diag() @ torch.linalg.inv(vectors)  # its eigenvalues are known, and it is not normal
    output, one = recorded_one(linear(U), 12)
    g = randn(H, seed=45)
    delta, direct, _ = split(one, output[0, -1] @ g)
    left = torch.linalg.inv(vectors).T  # U^T = left diag(values) vectors^T
    for t in range(12):
        expected = left @ (values ** (11 - t) * (vectors.T @ g))
        assert torch.allclose(delta[0][t, 0], expected, rtol=EXACT, atol=EXACT)
    assert direct[0][:-1].abs().max() < EXACT


def test_an_orthogonal_frnn_is_neutral_in_every_measure() -> None:
    output, one = recorded_one(linear(rotation(6)), 30, N=2)
    (flow,) = gradient_flow([one], output[:, -1].sum(dim=-1).mean())
    assert np.allclose(flow.total, math.sqrt(6), rtol=EXACT, atol=0)
    assert np.allclose(spectral_norm(one, 0, 29), 1, rtol=EXACT, atol=0)
    assert np.abs(lyapunov(one, k=6).exponents).max() < EXACT


def test_an_indrnn_flows_by_powers_of_each_units_own_weight() -> None:
    u = doubles(0.5, 0.9, 1.02)
    output, one = recorded_one(independent(u), 20)
    delta, _, _ = split(one, output[0, -1].sum())
    for t in range(20):
        assert torch.allclose(delta[0][t, 0], u ** (19 - t), rtol=EXACT, atol=0)


@pytest.mark.parametrize("forget", [0.5, 0.99])
def test_a_scalar_lstm_with_constant_gates_keeps_f_to_the_power_of_the_steps(forget: float) -> None:
    layer = constant_gates("lstm", f=forget)
    (_, (_, c)), (one,) = record(layer, {"x": randn(1, 40, 1)})
    delta, _, _ = split(one, c.sum())
    expected = forget ** torch.arange(39, -1, -1).double()
    assert torch.allclose(delta[1][:, 0, 0], expected, rtol=EXACT, atol=0)
    assert not delta[0].any()  # h leads nowhere without recurrent weights


def test_a_scalar_gru_with_constant_gates_keeps_z_to_the_power_of_the_steps() -> None:
    output, one = recorded_one(constant_gates("gru", z=0.8), 25)
    delta, _, _ = split(one, output[0, -1, 0])
    assert torch.allclose(delta[0][:, 0, 0], 0.8 ** torch.arange(24, -1, -1).double(), rtol=EXACT, atol=0)


@cells
def test_the_flow_of_a_model_on_a_fast_backend_is_still_that_of_finite_differences(cell: str) -> None:
    layer = build(cell, D, H, 2)
    inputs = {"x": randn(N, T, D), "state": whole(random_state(layer, N))}
    deaf = Deaf()
    with fastest(deaf):
        computed, _ = layer(**inputs)
        wanted = differences(layer, inputs)
        assert deaf.taken == 6  # three passes over two layers: the numbers are the fast backend's
        (output, final), recorded = record(layer, inputs)
        found = deltas(recorded, losses(output, final).mean())
        growth = spectral_norm(recorded[1], 0, T - 1)
        assert deaf.taken == 6  # and nothing that is differentiated is
    assert torch.equal(computed, output)
    for actual, expected in zip(found, wanted, strict=True):
        assert (flat(actual) - flat(expected)).abs().max() < NUMERIC * max(1.0, flat(expected).abs().max().item())
    assert growth.min() > 0


@pytest.mark.parametrize("cell", ["frnn", "lstm"])
def test_no_tensor_of_a_gradient_flow_grows_faster_than_the_sequence(cell: str) -> None:
    layer = build(cell, 1, 2)
    largest = []
    for length in (100, 200):
        with Largest() as mode:
            (output, final), recorded = record(layer, {"x": randn(1, length, 1)})
            gradient_flow(recorded, losses(output, final).mean())
        largest.append(mode.numel)
    assert largest[1] == 2 * largest[0] < 200**2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda output: output, r"got shape \(3, 5, 3\) with requires_grad=True: take a mean"),
        (lambda output: output.detach().sum(), r"got shape \(\) with requires_grad=False: take a mean, without detach"),
    ],
    ids=["many_numbers", "detached"],
)
def test_a_loss_that_no_gradient_can_start_from_is_refused(make: Any, message: str) -> None:
    (output, _), recorded = record(build("gru", D, H), {"x": randn(N, T, D)})
    with pytest.raises(OptionError, match=message):
        gradient_flow(recorded, make(output))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("gain", [1, 3, 10])
def test_in_float32_rounding_leaves_no_shadow_of_a_direct_part(kind: Any, gain: float) -> None:
    for seed in range(5):
        torch.manual_seed(seed)
        theirs = kind(2, 16, batch_first=True)
        for parameter in theirs.parameters():
            parameter.data *= gain
        (output, _), recorded = record(convert.from_torch(theirs), {"x": torch.randn(8, 30, 2)})
        (flow,) = gradient_flow(recorded, output[:, -1].square().sum())
        assert flow.direct[-1] > 0
        assert not flow.direct[:-1].any()


def test_a_direct_part_far_below_what_comes_back_is_kept() -> None:
    theirs = nn.GRU(2, 16, batch_first=True)
    (output, _), recorded = record(convert.from_torch(theirs), {"x": torch.randn(8, 30, 2)})
    (flow,) = gradient_flow(recorded, output[:, -1].sum() + 1e-4 * output[:, -2].sum())
    assert flow.direct[-2] == pytest.approx(1e-4 * flow.direct[-1], rel=1e-2)
    assert not flow.direct[:-2].any()
