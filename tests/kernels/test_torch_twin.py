"""torch's own kernels compute what the reference scan computes: results and every gradient, on each device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cells.cases import flat, randn
from tests.kernels.native_cases import as_function, assert_twins, job, leaves, outcome
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from recuerdo.cells import Scanned, Weights
from recuerdo.kernels import Job, only, recurrence, torch_rnn, watching
from recuerdo.nn import GRU, LSTM, RecurrentLayer

SIZES = (7, 9, 3, 19)
OPTIONS = ("plain", "reverse", "lengths", "lengths_reverse")
CPU = torch.device("cpu")
CUDA = pytest.param(
    torch.device("cuda"),
    marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    id="cuda",
)

cells = pytest.mark.parametrize("name", ["lstm", "gru", "frnn", "frnn_relu"])
options = pytest.mark.parametrize("option", OPTIONS)
devices = pytest.mark.parametrize("device", [pytest.param(CPU, id="cpu"), CUDA])
dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


@pytest.fixture(autouse=True)
def float32_is_not_rounded_to_tf32() -> Iterator[None]:
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


def plain(
    name: str,
    option: str,
    sizes: tuple[int, int, int, int],
    dtype: torch.dtype,
    device: torch.device = CPU,
    **more: bool,
) -> Job:
    """A job on a device, whose every tensor of numbers is a leaf there."""
    asked = job(name, option, sizes, dtype, layer_norm=False, **more)

    def there(tensor: Tensor) -> Tensor:
        return tensor.detach().to(device).requires_grad_()

    return replace(
        asked,
        x=there(asked.x),
        weights=Weights(*(None if each is None else there(each) for each in asked.weights)),
        state=tuple(there(each) for each in asked.state),
        lengths=None if asked.lengths is None else asked.lengths.to(device),
    )


@cells
@options
@devices
@dtypes
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
def test_results_and_gradients_are_those_of_the_reference(
    name: str, option: str, device: torch.device, dtype: torch.dtype, bias: bool
) -> None:
    assert_twins(plain(name, option, SIZES, dtype, device, bias=bias), "torch")


@cells
@devices
@settings(max_examples=20)
@given(
    option=st.sampled_from(OPTIONS),
    T=st.integers(1, 5),
    N=st.sampled_from([1, 2, 3, 7, 33]),
    D=st.sampled_from([1, 2, 8, 17]),
    H=st.sampled_from([1, 2, 3, 8, 31, 64]),
)
def test_any_shape(name: str, device: torch.device, option: str, T: int, N: int, D: int, H: int) -> None:
    assert_twins(plain(name, option, (T, N, D, H), torch.float64, device), "torch")


@cells
@devices
def test_one_bias_alone(name: str, device: torch.device) -> None:
    asked = plain(name, "plain", SIZES, torch.float64, device)
    for field in ("bias_ih", "bias_hh"):
        assert_twins(replace(asked, weights=asked.weights._replace(**{field: None})), "torch")


@cells
@devices
@pytest.mark.parametrize("option", ["lengths", "lengths_reverse"])
def test_samples_without_any_step_keep_their_state(name: str, device: torch.device, option: str) -> None:
    asked = plain(name, option, SIZES, torch.float64, device)
    asked = replace(asked, lengths=torch.zeros(SIZES[1], dtype=torch.int32, device=device))
    assert_twins(asked, "torch")
    found = recurrence(asked, "torch")
    assert all(torch.equal(after, before) for after, before in zip(found.state, asked.state, strict=True))


@cells
@devices
@pytest.mark.parametrize("option", ["lengths", "lengths_reverse"])
def test_padding_is_never_read(name: str, device: torch.device, option: str) -> None:
    asked = plain(name, option, SIZES, torch.float64, device)
    clean = outcome(asked, "torch")
    assert asked.lengths is not None
    beyond = torch.arange(SIZES[0], device=device).unsqueeze(-1) >= asked.lengths
    with torch.no_grad():
        asked.x[beyond] = float("nan")
    for before, after in zip(clean, outcome(asked, "torch"), strict=True):
        assert all(torch.equal(after[field], each) for field, each in before.items())


@cells
@options
def test_first_and_second_derivatives_equal_numeric_ones(name: str, option: str) -> None:
    run, tensors = as_function(plain(name, option, (3, 2, 2, 3), torch.float64), "torch")
    assert gradcheck(run, tensors, fast_mode=True)
    assert gradgradcheck(run, tensors, fast_mode=True)


def second(asked: Job, backend: str) -> dict[str, Tensor]:
    """The gradients of the summed squares of every gradient."""
    named = leaves(asked)
    loss = torch.stack([each.square().sum() for each in flat(recurrence(asked, backend))]).sum()
    first = torch.autograd.grad(loss, list(named.values()), create_graph=True)
    again = torch.stack([each.square().mean() for each in first]).sum()
    return dict(zip(named, torch.autograd.grad(again, list(named.values())), strict=True))


@cells
@dtypes
def test_second_derivatives_on_the_cpu_are_those_of_the_reference(name: str, dtype: torch.dtype) -> None:
    asked = plain(name, "plain", (4, 3, 2, 5), dtype)
    assert_gradients(second(asked, "torch"), second(asked, "reference"))


@cells
@pytest.mark.parametrize("device", [CUDA])
def test_a_second_derivative_through_cudnn_raises(name: str, device: torch.device) -> None:
    with pytest.raises(RuntimeError, match=r"Double backwards is not supported for CuDNN RNNs"):
        second(plain(name, "plain", SIZES, torch.float32, device), "torch")


@cells
def test_the_comparison_fails_when_one_weight_is_moved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch_rnn._parameters

    def wrong(weights: Weights) -> list[Tensor]:
        W, U, *biases = right(weights)
        off = torch.zeros_like(U)
        off[0, 0] = 1e-6
        return [W, U + off, *biases]

    monkeypatch.setattr(torch_rnn, "_parameters", wrong)
    with pytest.raises(AssertionError, match=r"apart, .* allowed"):
        assert_twins(plain(name, "plain", SIZES, torch.float64), "torch")


@cells
@devices
def test_a_sample_does_not_depend_on_its_batch(name: str, device: torch.device) -> None:
    asked = plain(name, "lengths", SIZES, torch.float32, device)
    assert asked.lengths is not None
    whole = recurrence(asked, "torch")
    for n in range(SIZES[1]):
        one = slice(n, n + 1)
        alone = replace(
            asked, x=asked.x[:, one], state=tuple(each[one] for each in asked.state), lengths=asked.lengths[one]
        )
        output, *final = flat(recurrence(alone, "torch"))
        assert_values(output, whole.output[:, one])
        for found, every in zip(final, whole.state, strict=True):
            assert_values(found, every[one])


@cells
def test_weights_in_one_buffer_are_the_same_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plain(name, "plain", SIZES, torch.float64)
    separate = torch_rnn._parameters(asked.weights)
    together = torch_rnn._in_one_buffer(separate)
    ends = [each.data_ptr() + each.nbytes for each in together]
    assert [each.data_ptr() for each in together[1:]] == ends[:-1]
    monkeypatch.setattr(torch_rnn, "_parameters", lambda weights: torch_rnn._in_one_buffer(separate))
    assert_twins(asked, "torch")


def through(layer: RecurrentLayer, x: Tensor, **given: Any) -> list[Tensor]:
    """Output, final states, and the gradients by x and every parameter."""
    x = x.clone().requires_grad_()
    output, final = layer(x, **given)
    finals = final if isinstance(final, tuple) else (final,)
    loss = output.sin().sum() + torch.stack([each.cos().sum() for each in finals]).sum()
    return [output, *finals, *torch.autograd.grad(loss, [x, *layer.parameters()])]


@devices
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_checkpoints_hold_with_it(kind: type[LSTM | GRU], device: torch.device) -> None:
    x, lengths = randn(4, 11, 3).to(device), torch.tensor([11, 0, 4, 8], device=device)
    plain = kind(3, 5, 2, bidirectional=True, learn_state=True, dtype=torch.float64, device=device)
    pieces = kind(3, 5, 2, bidirectional=True, learn_state=True, checkpoint_every=3, dtype=torch.float64, device=device)
    pieces.load_state_dict(plain.state_dict())
    with only("torch"):
        found, whole = through(pieces, x, lengths=lengths), through(plain, x, lengths=lengths)
    for mine, expected in zip(found, whole, strict=True):
        assert_values(mine, expected)


def test_a_watcher_sees_what_it_computes() -> None:
    seen: list[Scanned] = []

    def note(job: Job, run: Any) -> Scanned:
        seen.append(run(job))
        return seen[-1]

    layer, x = GRU(3, 5, 2), torch.randn(2, 4, 3)
    with only("torch"), watching(note):
        output, _ = layer(x)
    assert torch.equal(seen[-1].output.transpose(0, 1), output)
    assert len(seen) == 2


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_a_layer_is_captured_whole(kind: type[LSTM | GRU]) -> None:
    layer, x = kind(3, 5, bidirectional=True), torch.randn(2, 6, 3)
    torch.compiler.reset()
    with only("torch"):
        compiled: Any = torch.compile(layer, backend="aot_eager", fullgraph=True)
        found, whole = through(compiled, x), through(layer, x)
    assert len(found) == len(whole)
    for mine, expected in zip(found, whole, strict=True):
        assert_values(mine, expected)
