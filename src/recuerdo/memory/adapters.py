"""Anyone's model, made watchable: in a copy, torch.nn's recurrent layers are replaced by recuerdo's equals."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from recuerdo.errors import ConversionError, DataError
from recuerdo.learn import in_evaluation
from recuerdo.nn import RecurrentLayer, convert

CLOSE = 1e-4
"""Largest difference, in units of the output's largest value or 1, at which a copy counts as computing the same."""


class StandIn(nn.Module):
    """A recuerdo layer that is called as torch.nn's: with a padded batch, one sequence alone, or a PackedSequence."""

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:  # noqa: A002 - torch.nn's own name
        """Answer as torch.nn's layer would."""
        if isinstance(input, PackedSequence):
            padded, lengths = pad_packed_sequence(input, batch_first=self.layer.batch_first)
            output, state = self.layer(padded, hx, lengths=lengths)
            packed = pack_padded_sequence(output, lengths, self.layer.batch_first, enforce_sorted=False)
            return packed, state
        if input.ndim == 2:  # one sequence alone: (T, D)
            axis = 0 if self.layer.batch_first else 1
            output, state = self.layer(input.unsqueeze(axis), _each(hx, lambda part: part.unsqueeze(1)))
            return output.squeeze(axis), _each(state, lambda part: part.squeeze(1))
        return self.layer(input, hx)


def arguments_by_name(module: nn.Module, data: Any) -> dict[str, Any]:
    """Return what a module is called with, by name: arrays as tensors on its device, floats in its parameters' type.

    Args:
        module: anything with parameters.
        data: its arguments by name, or its first argument alone.

    Raises:
        DataError: the first argument is no array of numbers.
    """
    if isinstance(data, Mapping):
        return {
            name: _on_device(value, module) if isinstance(value, np.ndarray) else value for name, value in data.items()
        }
    return {next(iter(inspect.signature(module.forward).parameters)): _on_device(data, module)}


def _on_device(value: Any, module: nn.Module) -> Tensor:
    parameter = next(module.parameters())
    try:
        tensor = torch.as_tensor(value, device=parameter.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"The data are no array of (samples, time steps, features): {error}.") from error
    return tensor.to(parameter.dtype) if tensor.is_floating_point() else tensor


def watchable(module: nn.Module, inputs: Mapping[str, Any]) -> nn.Module:
    """Return a copy of a module, in evaluation mode, whose recurrent layers can all be recorded.

    Args:
        module: a torch.nn or recuerdo layer, or anything with such layers inside.
        inputs: its arguments by name; the copy is called on them once to see that it computes the same.

    Returns:
        The copy; the module itself is left as it is.

    Raises:
        ConversionError: a layer has no equal here, or the copy computes something else.
    """
    copied = copy.deepcopy(module).eval()
    if isinstance(copied, nn.RNNBase):
        copied = StandIn(convert.from_torch(copied))
    replaced = isinstance(copied, StandIn)
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.RNNBase):
                setattr(parent, name, StandIn(convert.from_torch(child)))
                replaced = True
    if replaced:
        _require_equal(module, copied, inputs)
    return copied


def _require_equal(module: nn.Module, copied: nn.Module, inputs: Mapping[str, Any]) -> None:
    with in_evaluation(module), torch.no_grad():
        theirs = _tensors(module(**inputs))
        ours = _tensors(copied(**inputs))
    worst = max(
        (float((a - b).abs().max() / max(1.0, float(a.abs().max()))) for a, b in zip(theirs, ours, strict=True)),
        default=0.0,
    )
    if not worst <= CLOSE:
        raise ConversionError(
            f"A copy of this {type(module).__name__} with recuerdo's layers computes something else (largest "
            f"difference "
            f"{worst:.2g}): is there randomness in its forward, or does it reach into its layer's weights?"
        )


def _tensors(output: Any) -> list[Tensor]:
    """Every floating-point tensor in an output, however it is nested."""
    if isinstance(output, Tensor):
        return [output] if output.is_floating_point() else []
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _tensors(part)]
    return []


def _each(state: Any, change: Any) -> Any:
    if state is None or isinstance(state, Tensor):
        return None if state is None else change(state)
    return tuple(change(part) for part in state)
