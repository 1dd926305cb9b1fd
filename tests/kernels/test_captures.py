"""Where torch records a program, or a tensor stands for others, what it sees of the native core is an operator."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import torch
from tests.cells.cases import flat
from tests.kernels.native_cases import SPECS, as_function, changed, job, leaves, outcome
from tests.native_core import needs_native
from tests.nn.cases import CELLS, build, cotangent_loss, gradients, randn
from tests.tolerances import assert_gradients
from torch import Tensor
from torch._dynamo import compiled_autograd
from torch._subclasses import FakeTensor, FakeTensorMode
from torch.autograd import gradcheck
from torch.autograd.functional import jacobian
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from recuerdo.errors import BackendError
from recuerdo.kernels import recurrence
from recuerdo.kernels.drawing import bernoulli
from recuerdo.nn import FRNN, RecurrentLayer

pytestmark = [
    needs_native,
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # TorchScript is among what is tested here
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),  # a trace holds for the sizes that it was made with
]

N, T, D, H = 2, 3, 2, 3
LARGE = (32, 20, 4, 64)
"""N, T, D, H of which an output lies in memory of the core's own."""

SHARE, DRAWS = 0.2, 100_000

cells = pytest.mark.parametrize("cell", CELLS)
names = pytest.mark.parametrize("name", SPECS)
options = pytest.mark.parametrize("option", ["plain", "all"])


def operators(graph: torch.fx.Graph) -> list[str]:
    """The operators of the core that a graph calls."""
    return [str(node.target) for node in graph.nodes if "recuerdo" in str(node.target)]


def negative(tensor: Tensor) -> Tensor:
    """The same numbers, which torch keeps as minus what lies in memory."""
    return torch._neg_view(-tensor.detach()).requires_grad_(tensor.requires_grad)


@cells
@pytest.mark.parametrize("how", ["no_grad", "frozen", "trainable"])
def test_a_traced_layer_computes_for_an_input_that_it_has_not_seen(cell: str, how: str) -> None:
    layer, x = build(cell, D, H, bidirectional=True), randn(N, T, D, seed=1)
    if how == "frozen":
        layer.requires_grad_(False)
    with torch.set_grad_enabled(how != "no_grad"):
        program = torch.jit.trace(layer, randn(N, T, D))
    expected = layer(x)[0]
    assert torch.equal(program(x)[0], expected)
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    assert torch.equal(loaded(x)[0], expected)
    if how != "frozen":
        named = dict(layer.named_parameters())
        wanted = gradients(cotangent_loss(expected), named)
        assert_gradients(gradients(cotangent_loss(program(x)[0]), named), wanted)
        assert_gradients(gradients(cotangent_loss(loaded(x)[0]), dict(loaded.named_parameters())), wanted)


@names
@options
def test_tensors_that_torch_keeps_negated_are_read_as_what_they_stand_for(name: str, option: str) -> None:
    asked = job(name, option, (T, N, D, H), torch.float64, layer_norm=True)
    negated = changed(asked, negative)
    assert all(each.is_neg() for each in leaves(negated).values())
    for found, wanted in zip(outcome(negated, "native"), outcome(asked, "native"), strict=True):
        for field, value in wanted.items():
            assert torch.equal(found[field], value), field


def test_the_imaginary_part_of_a_conjugate_is_read_as_what_it_stands_for() -> None:
    layer, x = build("gru", 1, H), torch.complex(randn(N, T, 1), randn(N, T, 1, seed=1)).conj().imag
    assert x.is_neg()
    with torch.no_grad():
        assert torch.equal(layer(x)[0], layer(x.resolve_neg())[0])


@names
@options
def test_gradients_that_torch_keeps_negated_are_read_as_what_they_stand_for(name: str, option: str) -> None:
    asked = job(name, option, (T, N, D, H), torch.float64, layer_norm=True)
    results, named = flat(recurrence(asked, "native")), leaves(asked)
    entering = [randn(*each.shape, seed=k) for k, each in enumerate(results)]

    def found(by: list[Tensor]) -> dict[str, Tensor]:
        each = torch.autograd.grad(results, list(named.values()), by, retain_graph=True, materialize_grads=True)
        return dict(zip(named, each, strict=True))

    wanted = found(entering)
    for field, gradient in found([negative(each) for each in entering]).items():
        assert torch.equal(gradient, wanted[field]), field


@names
@options
def test_a_batch_of_gradients_is_the_gradient_of_each(name: str, option: str) -> None:
    asked = job(name, option, (T, N, D, H), torch.float64, layer_norm=True)
    results, named = flat(recurrence(asked, "native")), leaves(asked)
    entering = [randn(4, *each.shape, seed=k) for k, each in enumerate(results)]

    def found(by: list[Tensor], batched: bool) -> tuple[Tensor, ...]:
        return torch.autograd.grad(
            results, list(named.values()), by, is_grads_batched=batched, retain_graph=True, allow_unused=True
        )

    for k in range(4):
        alone = found([each[k] for each in entering], False)
        for field, each, wanted in zip(named, found(entering, True), alone, strict=True):
            assert (each is None) == (wanted is None), field
            assert each is None or torch.equal(each[k], wanted), field


@cells
def test_a_vectorised_jacobian_equals_one_that_is_taken_row_by_row(cell: str) -> None:
    layer, x = build(cell, D, H), randn(N, T, D)

    def run(x: Tensor) -> Tensor:
        return layer(x)[0]

    found = jacobian(run, x, vectorize=True)
    assert isinstance(found, Tensor)
    assert found.abs().max() > 0
    assert torch.equal(found, jacobian(run, x))


@names
def test_gradients_that_come_in_batches_equal_numeric_ones(name: str) -> None:
    asked = job(name, "all", (2, N, 2, 2), torch.float64, layer_norm=False)
    assert gradcheck(*as_function(asked, "native"), check_batched_grad=True)


@cells
def test_fake_tensors_go_forwards_and_back(cell: str) -> None:
    rows, steps, features, units = LARGE
    with FakeTensorMode():
        layer = CELLS[cell](features, units, 2, bidirectional=True, layer_norm=True, zoneout=SHARE)
        x = torch.randn(rows, steps, features, requires_grad=True)
        output, _ = layer(x)
        output.sum().backward()
    assert isinstance(output, FakeTensor)
    assert output.shape == (rows, steps, 2 * units)
    for name, leaf in {"x": x, **dict(layer.named_parameters())}.items():
        assert isinstance(leaf.grad, FakeTensor), name
        assert leaf.grad.shape == leaf.shape, name


@cells
@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_a_graph_of_a_layer_and_its_gradient_computes_for_another_input(cell: str, mode: str) -> None:
    layer = build(cell, D, H)
    weights = {name: each.detach() for name, each in layer.named_parameters()}

    def step(x: Tensor, by: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, ...]:
        held = [each.detach().requires_grad_() for each in (x, *weights.values())]
        output = functional_call(layer, dict(zip(weights, held[1:], strict=True)), (held[0],))[0]
        return output.detach(), *torch.autograd.grad(output, held, by)

    graph = make_fx(step, tracing_mode=mode)(randn(N, T, D), randn(N, T, H), weights)
    assert operators(graph.graph) == ["recuerdo.recurrence.default", "recuerdo.recurrence_backward.default"]
    x, by = randn(N, T, D, seed=1), randn(N, T, H, seed=2)
    for found, wanted in zip(graph(x, by, weights), step(x, by, weights), strict=True):
        assert torch.equal(found, wanted)


# torch 2.13: looks at the .grad of all that it makes a fake of, saved outputs included.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_compiled_autograd_takes_the_way_back_of_an_eager_call() -> None:
    layer, x = build("lstm", D, H), randn(N, T, D).requires_grad_()
    leaves = {"x": x, **dict(layer.named_parameters())}
    loss = cotangent_loss(layer(x)[0])
    torch.compiler.reset()
    with compiled_autograd._enable(torch.compile(backend="eager")):
        loss.backward()
    found = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    assert_gradients(found, gradients(cotangent_loss(layer(x)[0]), leaves))


@cells
def test_an_exported_layer_computes_and_trains(cell: str) -> None:
    layer, x = build(cell, D, H), randn(N, T, D, seed=1)
    program = torch.export.export(layer, (randn(N, T, D),))
    assert operators(program.graph) == ["recuerdo.recurrence.default"]
    module = program.module()
    output, expected = module(x)[0], layer(x)[0]
    assert torch.equal(output, expected)
    wanted = gradients(cotangent_loss(expected), dict(layer.named_parameters()))
    assert_gradients(gradients(cotangent_loss(output), dict(module.named_parameters())), wanted)


def as_graph(run: Callable, x: Tensor) -> Callable:
    return make_fx(run)(x)


def as_script(run: Callable, x: Tensor) -> Callable:
    return torch.jit.trace(run, x, check_trace=False)  # a check would find that no two runs are equal


captures = pytest.mark.parametrize("capture", [as_graph, as_script])


@captures
def test_a_captured_mask_is_drawn_anew_in_each_run(capture: Callable) -> None:
    draw = capture(lambda like: bernoulli(like, (DRAWS,), SHARE), torch.zeros(1))
    masks = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        masks.append(draw(torch.zeros(1)))
    for mask in masks:
        assert abs(mask.mean().item() - SHARE) <= 4 * (SHARE * (1 - SHARE) / DRAWS) ** 0.5
    assert torch.equal(masks[0], masks[2])
    assert not torch.equal(masks[0], masks[1])


@captures
@pytest.mark.parametrize("sizes", [(N, 10, D, H), LARGE], ids=["small", "large"])
def test_zoneout_in_training_is_captured(capture: Callable, sizes: tuple[int, int, int, int]) -> None:
    rows, steps, features, units = sizes
    layer, x = FRNN(features, units, zoneout=SHARE), torch.randn(rows, steps, features)
    program = capture(layer, x)
    for y in (torch.zeros_like(x), x):
        torch.manual_seed(0)
        first, second = program(y)[0], program(y)[0]
        assert not torch.equal(first, second)
        kept = (first[:, 1:] == first[:, :-1]).float().mean().item()  # what zoneout kept is what was there, bit by bit
        draws = first[:, 1:].numel()
        assert abs(kept - SHARE) <= 4 * (SHARE * (1 - SHARE) / draws) ** 0.5


def without_gradients(capture: Callable) -> Callable:
    def run(layer: RecurrentLayer, x: Tensor) -> Callable:
        with torch.no_grad():
            return capture(layer, x)

    return run


def exported(layer: RecurrentLayer, x: Tensor) -> Callable:
    return torch.export.export(layer, (x,)).module()


def frozen(layer: RecurrentLayer, x: Tensor) -> Callable:
    return as_script(layer.requires_grad_(False), x)


@cells
@pytest.mark.parametrize("capture", [without_gradients(as_graph), without_gradients(exported), frozen])
def test_a_gradient_through_what_was_captured_without_one_raises_in_words(cell: str, capture: Callable) -> None:
    program = capture(build(cell, D, H), randn(N, T, D))
    output = program(randn(N, T, D).requires_grad_())[0]
    with pytest.raises(BackendError, match=r"captured without one, .* outside of torch.no_grad\(\)"):
        output.sum().backward()
