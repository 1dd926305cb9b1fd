"""The layers against torch.nn, values and gradients, through the weights that convert carries over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.nn.cases import cotangent_loss, examples, gradients, leaves, parts, randn, whole
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recuerdo.errors import ConversionError
from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, convert

KINDS: dict[str, Callable[..., nn.RNNBase]] = {
    "tanh": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="tanh", **options),
    "relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}
PERTURBED = 1e-3
"""How far the test of the test moves one weight."""

kinds = pytest.mark.parametrize("kind", KINDS)
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])


@st.composite
def modules(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "input_size": draw(st.integers(1, 5)),
        "hidden_size": draw(st.integers(1, 8)),
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }


def strided(x: Tensor, how: str) -> Tensor:
    """The same values in another layout in memory."""
    if how == "transposed":
        return x.transpose(0, 2).contiguous().transpose(0, 2)
    if how == "every second":
        return x.repeat_interleave(2, dim=-1)[..., ::2]
    return x


def run_torch(
    module: nn.RNNBase, x: Tensor, state: tuple[Tensor, ...], lengths: list[int] | None
) -> tuple[Tensor, ...]:
    given = whole(state) if state else None
    if lengths is None:
        output, final = module(x, given)
    else:
        first = module.batch_first
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=first, enforce_sorted=False)
        packed, final = module(packed, given)
        output, _ = pad_packed_sequence(packed, batch_first=first, total_length=x.shape[1 if first else 0])
    return output, *parts(final)


def assert_same_as_torch(
    module: nn.RNNBase,
    layer: nn.Module,
    x: Tensor,
    state: tuple[Tensor, ...] = (),
    lengths: list[int] | None = None,
) -> None:
    """Values, and the gradients of a loss into which both the output and the final state enter."""
    theirs, wanted = leaves(module, x, state), run_torch(module, x, state, lengths)
    output, final = layer(x, whole(state) if state else None, lengths=lengths)
    ours, got = leaves(layer, x, state), (output, *parts(final))
    for name, actual, expected in zip(("output", "h", "c")[: len(wanted)], got, wanted, strict=True):
        assert_values(actual, expected, name)
    assert_gradients(gradients(cotangent_loss(*got), ours), gradients(cotangent_loss(*wanted), theirs))


@kinds
@dtypes
@examples(40)
@given(
    modules(),
    st.integers(1, 12),
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["contiguous", "transposed", "every second"]),
)
def test_values_and_gradients_equal_those_of_torch(
    kind: str,
    dtype: torch.dtype,
    options: dict[str, Any],
    T: int,
    drawn: list[int],
    ragged: bool,
    stateful: bool,
    layout: str,
) -> None:
    torch.manual_seed(0)
    module = KINDS[kind](**options, dtype=dtype)
    N, directions = len(drawn), 2 if module.bidirectional else 1
    x = randn(*((N, T) if module.batch_first else (T, N)), module.input_size, dtype=dtype)
    shape = (module.num_layers * directions, N, module.hidden_size)
    state = tuple(randn(*shape, seed=k, dtype=dtype) for k in range(2 if kind == "lstm" else 1))
    lengths = [min(T, length) for length in drawn] if ragged else None
    assert_same_as_torch(module, convert.from_torch(module), strided(x, layout), state if stateful else (), lengths)


@kinds
@dtypes
def test_the_comparison_fails_when_one_weight_is_moved(kind: str, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    module = KINDS[kind](3, 4, batch_first=True, dtype=dtype)
    layer, x = convert.from_torch(module), randn(2, 5, 3, dtype=dtype)
    assert_same_as_torch(module, layer, x)
    with torch.no_grad():
        layer.get_parameter("weight_ih_l0")[0, 0] += PERTURBED
    with pytest.raises(AssertionError, match=r"output: .* apart, .* allowed"):
        assert_same_as_torch(module, layer, x)


@kinds
def test_a_wrong_gradient_alone_fails_the_comparison(kind: str) -> None:
    torch.manual_seed(0)
    module = KINDS[kind](3, 4, batch_first=True, dtype=torch.float64)
    layer, x = convert.from_torch(module), randn(2, 5, 3)
    layer.get_parameter("weight_hh_l0").register_hook(lambda gradient: gradient * (1 + PERTURBED))
    with pytest.raises(AssertionError, match="gradient of weight_hh_l0"):
        assert_same_as_torch(module, layer, x)


@kinds
@examples(15)
@given(modules())
def test_to_torch_of_from_torch_is_bit_equal_and_keeps_every_setting(kind: str, options: dict[str, Any]) -> None:
    module = KINDS[kind](**options, dropout=0.25 if options["num_layers"] > 1 else 0.0)
    layer = convert.from_torch(module)
    back = convert.to_torch(layer)
    assert repr(back) == repr(module)
    assert list(layer.state_dict()) == list(module.state_dict()) == list(back.state_dict())
    for name, weight in module.state_dict().items():
        assert torch.equal(back.state_dict()[name], weight)
        assert torch.equal(layer.state_dict()[name], weight)
        assert layer.state_dict()[name].data_ptr() != weight.data_ptr()


@kinds
def test_state_dicts_load_both_ways(kind: str) -> None:
    module = KINDS[kind](3, 4, 2, bidirectional=True, batch_first=True)
    layer = convert.from_torch(KINDS[kind](3, 4, 2, bidirectional=True, batch_first=True))
    layer.load_state_dict(module.state_dict())
    assert_same_as_torch(module, layer, randn(2, 5, 3, dtype=torch.float32))
    KINDS[kind](3, 4, 2, bidirectional=True).load_state_dict(layer.state_dict())


@pytest.mark.parametrize("training", [True, False])
def test_dropout_and_mode_are_kept_both_ways(training: bool) -> None:
    module = nn.GRU(3, 4, 2, dropout=0.4).train(training)
    layer = convert.from_torch(module)
    assert (layer.dropout, layer.training) == (0.4, training)
    assert convert.to_torch(layer).training is training


@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last:UserWarning")
def test_a_dropout_that_torch_ignores_in_a_single_layer_is_left_behind() -> None:
    assert convert.from_torch(nn.LSTM(3, 4, dropout=0.4)).dropout == 0.0


def test_dtype_is_kept() -> None:
    assert convert.from_torch(nn.LSTM(3, 4, dtype=torch.bfloat16)).get_parameter("weight_ih_l0").dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Linear(2, 2), r"takes a torch\.nn\.RNN, LSTM or GRU, got Linear: to convert a layer inside"),
        (nn.LSTM(3, 4, proj_size=2), r"proj_size=2, which recuerdo does not offer.*Linear\(4, 2\) behind it"),
    ],
    ids=["type", "proj_size"],
)
def test_from_torch_refuses(module: Any, words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        convert.from_torch(module)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (IndRNN(3, 4), "no equal for the cell indrnn: to_torch converts"),
        (GRU(3, 4, reset_after=False), "no equal for the cell gru_reset_before"),
        (FRNN(3, 4, nonlinearity="sigmoid"), "no equal for nonlinearity='sigmoid'"),
        (LSTM(3, 4, zoneout=0.1, layer_norm=True), "no equal for zoneout=0.1, layer_norm=True"),
        (LSTM(3, 4, recurrent_dropout=0.2), "no equal for recurrent_dropout=0.2"),
        (GRU(3, 4, 2, residual=True, learn_state=True), "no equal for residual=True, learn_state=True"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_to_torch_refuses_what_torch_lacks(layer: Any, words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        convert.to_torch(layer)


def test_frozen_parameters_stay_frozen() -> None:
    theirs = nn.LSTM(3, 4)
    theirs.bias_hh_l0.requires_grad_(False)
    ours = convert.from_torch(theirs)
    assert [name for name, value in ours.named_parameters() if not value.requires_grad] == ["bias_hh_l0"]
    assert not convert.to_torch(ours).bias_hh_l0.requires_grad


def test_a_layer_with_a_forward_of_its_own_is_refused() -> None:
    class Doubled(nn.LSTM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output, state = super().forward(*args, **kwargs)
            return 2 * output, state

    with pytest.raises(ConversionError, match=r"from_torch takes a torch.nn.RNN, LSTM or GRU, got Doubled"):
        convert.from_torch(Doubled(3, 4))
    with pytest.raises(ConversionError, match=r"to_torch takes an FRNN, LSTM or GRU of recuerdo.nn, got LSTM"):
        convert.to_torch(cast(Any, nn.LSTM(3, 4)))
