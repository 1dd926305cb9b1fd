"""The layers are ordinary torch modules: copies, parametrisations, sharing, compile, vmap, jvp, autocast, dtypes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from tests.nn.cases import CELLS, OPTIONS, build, cotangent_loss, gradients, parts, randn, random_state, whole
from tests.tolerances import BFLOAT16, assert_gradients, assert_values
from torch import Tensor, nn
from torch.func import functional_call, jvp, stack_module_state, vmap
from torch.nn.utils import parameters_to_vector, prune, vector_to_parameters
from torch.nn.utils.parametrizations import weight_norm

from recuerdo.nn import GRU, LSTM, RecurrentLayer, Stack

N, T, D, H = 2, 3, 2, 3

cells = pytest.mark.parametrize("cell", CELLS)


def train_once(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """One step of gradient descent; returns how far each parameter moved."""
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    cotangent_loss(module(x)[0]).backward()
    optimiser.step()
    return {name: (p.detach() - before[name]).abs().max() for name, p in module.named_parameters()}


@cells
@pytest.mark.parametrize("option", ["plain", "all"])
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_is_equal_and_independent(cell: str, option: str, how: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True, **OPTIONS[option]), randn(N, T, D)
    twin = copy.deepcopy(layer) if how == "deepcopy" else pickle.loads(pickle.dumps(layer))
    expected = layer(x)[0]
    assert repr(twin) == repr(layer)
    assert torch.equal(twin(x)[0], expected)
    train_once(twin, x)
    assert torch.equal(layer(x)[0], expected)
    assert not torch.equal(twin(x)[0], expected)


@cells
def test_weight_norm_leaves_the_function_as_it_was_and_trains(cell: str) -> None:
    layer, x = build(cell, D, H), randn(N, T, D)
    expected = layer(x)[0].detach()
    weight_norm(layer, "weight_ih_l0" if cell == "indrnn" else "weight_hh_l0")  # a diagonal has no rows to norm
    assert_values(layer(x)[0].detach(), expected)
    assert all(moved > 0 for moved in train_once(layer, x).values())


@cells
def test_a_pruned_weight_stays_zero_through_training(cell: str) -> None:
    layer: Any = build(cell, D, H)
    x = randn(N, T, D)
    prune.l1_unstructured(layer, "weight_ih_l0", amount=0.5)
    empty = layer.weight_ih_l0 == 0
    assert empty.sum() == empty.numel() // 2
    assert train_once(layer, x)["weight_ih_l0_orig"] > 0
    layer(x)
    assert torch.equal(layer.weight_ih_l0 == 0, empty)


@cells
def test_two_layers_may_share_their_parameters(cell: str) -> None:
    first, second, x = build(cell, D, H), CELLS[cell](D, H, dtype=torch.float64), randn(N, T, D)
    for name, parameter in first.named_parameters():
        setattr(second, name, parameter)
    assert torch.equal(first(x)[0], second(x)[0])
    alone = gradients(cotangent_loss(first(x)[0]), dict(first.named_parameters()))
    both = gradients(cotangent_loss(first(x)[0]) + cotangent_loss(second(x)[0]), dict(first.named_parameters()))
    assert_gradients(both, {name: 2 * gradient for name, gradient in alone.items()})
    train_once(second, x)
    assert torch.equal(first(x)[0], second(x)[0])


def test_parameters_go_through_a_vector_and_back() -> None:
    layer, twin, x = build("lstm", D, H, 2), LSTM(D, H, 2, dtype=torch.float64), randn(N, T, D)
    vector_to_parameters(parameters_to_vector(layer.parameters()), twin.parameters())
    assert torch.equal(layer(x)[0], twin(x)[0])


@cells
def test_compiled_whole_graph_equals_eager(cell: str) -> None:
    net = Stack(build(cell, D, H), nn.Linear(H, 1, dtype=torch.float64))
    x, lengths = randn(N, 2, D).requires_grad_(), torch.tensor([2, 1])
    leaves = {"x": x, **dict(net.named_parameters())}
    torch.compiler.reset()
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    actual, expected = compiled(x, lengths=lengths), net(x, lengths=lengths)
    assert_values(actual, expected)
    assert_gradients(gradients(cotangent_loss(actual), leaves), gradients(cotangent_loss(expected), leaves))


@cells
@pytest.mark.parametrize("option", ["plain", "all"])
def test_vmap_over_an_ensemble_equals_a_loop(cell: str, option: str) -> None:
    members: list[nn.Module] = [CELLS[cell](D, H, 2, dtype=torch.float64, **OPTIONS[option]).eval() for _ in range(3)]
    weights, buffers = stack_module_state(members)
    x = randn(N, T, D)

    def run(own: dict[str, Tensor], held: dict[str, Tensor]) -> Tensor:
        return functional_call(members[0], (own, held), (x,))[0]

    assert_values(vmap(run)(weights, buffers), torch.stack([member(x)[0] for member in members]))


@cells
def test_vmap_over_inputs_equals_a_loop(cell: str) -> None:
    layer, xs = build(cell, D, H, bidirectional=True), randn(3, N, T, D)
    run = vmap(lambda x: layer(x)[0])
    assert_values(run(xs), torch.stack([layer(x)[0] for x in xs]))


# torch compiles its own forward-mode formulas with the torch.jit.script that it deprecates.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@cells
@pytest.mark.parametrize("option", ["plain", "all"])
def test_forward_mode_equals_finite_differences(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, **OPTIONS[option])
    x, along, step = randn(N, T, D), randn(N, T, D, seed=1), 1e-6

    def run(x: Tensor) -> Tensor:
        output, final = layer(x, lengths=torch.tensor([T, 2]))
        return torch.cat([output.flatten(), *(part.flatten() for part in parts(final))])

    tangent = jvp(run, (x,), (along,))[1]
    numeric = (run(x + step * along) - run(x - step * along)) / (2 * step)
    assert tangent.abs().max() > 0
    assert_values(tangent, numeric, tolerance=1e-8)  # the error of a central difference in float64


@cells
def test_autocast_to_bfloat16_stays_close_to_float32(cell: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True, dtype=torch.float32), randn(N, T, D, dtype=torch.float32)
    expected = layer(x, lengths=[T, 1])
    with torch.autocast("cpu", torch.bfloat16):
        actual = layer(x, lengths=[T, 1])
    assert actual[0].isfinite().all()
    assert_values(actual[0].float(), expected[0], tolerance=BFLOAT16)
    cotangent_loss(actual[0].float()).backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@cells
@pytest.mark.parametrize("option", OPTIONS)
def test_a_module_moves_to_bfloat16_and_to_double(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, dtype=torch.float32, **OPTIONS[option])
    x = randn(N, T, D, dtype=torch.float32)
    expected = copy.deepcopy(layer)(x)[0]
    for module, dtype, tolerance in (
        (copy.deepcopy(layer).double(), torch.float64, 1e-5),
        (copy.deepcopy(layer).bfloat16(), torch.bfloat16, BFLOAT16),
    ):
        output, final = module(x.to(dtype))
        assert {output.dtype, *(part.dtype for part in parts(final))} == {dtype}
        assert_values(output.float(), expected, tolerance=tolerance)


@cells
@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout", "zoneout"])
def test_masks_are_drawn_in_the_modules_dtype(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, dtype=torch.bfloat16, **{option: 0.5}).train()
    assert layer(randn(N, T, D, dtype=torch.bfloat16), lengths=[T, 1])[0].dtype == torch.bfloat16


@cells
def test_inputs_are_left_unchanged(cell: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True), randn(N, T, D)
    state, reset, lengths = random_state(layer, N), torch.zeros(N, T, dtype=torch.bool), torch.tensor([T, 1])
    reset[:, 1] = True
    before = [tensor.clone() for tensor in (x, *state, reset, lengths)]
    layer(x, whole(state), lengths=lengths, reset=reset)
    for tensor, kept in zip((x, *state, reset, lengths), before, strict=True):
        assert torch.equal(tensor, kept)


@pytest.mark.parametrize("make", [LSTM, GRU])
def test_a_layer_made_on_the_meta_device_holds_no_memory(make: type[RecurrentLayer]) -> None:
    sizes: Any = (D, H)
    layer = make(*sizes, device="meta")
    assert {parameter.device.type for parameter in layer.parameters()} == {"meta"}
