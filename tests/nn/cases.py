"""The layers, options, inputs and losses that the tests of nn/ share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from hypothesis import settings
from torch import Tensor, nn

from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, RecurrentLayer
from recuerdo.nn.recurrent import Trace

CELLS: dict[str, Callable[..., RecurrentLayer]] = {
    "frnn": FRNN,
    "indrnn": IndRNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_before": partial(GRU, reset_after=False),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no_bias": {"bias": False},
    "layer_norm": {"layer_norm": True},
    "layer_norm_no_bias": {"layer_norm": True, "bias": False},
    "zoneout": {"zoneout": 0.3},
    "residual": {"residual": True},
    "learn_state": {"learn_state": True},
    "all": {"layer_norm": True, "zoneout": 0.2, "residual": True, "learn_state": True},
}


def examples(count: int) -> settings:
    """Hypothesis settings under which every run draws the same examples."""
    return settings(max_examples=count, deadline=None, derandomize=True, database=None)


def build(cell: str, *sizes: int, dtype: torch.dtype = torch.float64, **options: Any) -> RecurrentLayer:
    """A layer at evaluation whose parameters are all random, norm gains and initial states included."""
    layer = CELLS[cell](*sizes, dtype=dtype, **options)
    source = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=source) * 0.5)
    return layer.eval()


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def parts(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors of a state, one for h or two for (h, c)."""
    return (state,) if isinstance(state, Tensor) else state


def whole(state: tuple[Tensor, ...]) -> Any:
    """The form in which layers take a state: h alone, or (h, c)."""
    return state[0] if len(state) == 1 else state


def random_state(layer: RecurrentLayer, N: int, seed: int = 11) -> tuple[Tensor, ...]:
    shape = (layer.num_layers * layer.directions, N, layer.hidden_size)
    dtype = layer.get_parameter("weight_ih_l0").dtype
    return tuple(randn(*shape, seed=seed + s, dtype=dtype) for s in range(len(layer.cell.states)))


def own_state(layer: RecurrentLayer, N: int) -> tuple[Tensor, ...]:
    """The state that the layer begins with when none is given, differentiable: learned, or zeros."""
    return parts(layer(layer.get_parameter("weight_ih_l0").new_zeros(N, 0, layer.input_size))[1])


def cotangent_loss(*tensors: Tensor, seed: int = 5) -> Tensor:
    """A scalar through which a random gradient enters every one of the tensors."""
    total = tensors[0].new_zeros(())
    for k, tensor in enumerate(tensors):
        total = total + (tensor * randn(*tensor.shape, seed=seed + k, dtype=tensor.dtype)).sum()
    return total


def gradients(loss: Tensor, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The loss's gradient with respect to each leaf, zero where it does not depend on one."""
    tensors = list(leaves.values())
    found = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True, materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


def leaves(module: nn.Module, x: Tensor, state: tuple[Tensor, ...] = ()) -> dict[str, Tensor]:
    """Name x, the parts of the state and every parameter, and make all of them require a gradient."""
    named = {"x": x, **{f"state {k}": part for k, part in enumerate(state)}}
    for tensor in named.values():
        tensor.requires_grad_()
    return named | dict(module.named_parameters())


def trace_tensors(trace: Trace) -> list[Tensor]:
    """Every tensor of a trace."""
    return [tensor for each in (trace.gates, trace.states) for layers in each.values() for tensor in layers]
