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

from recuerdo.errors import ConversionError, DataError, OptionError
from recuerdo.learn import in_evaluation
from recuerdo.nn import RecurrentLayer, convert

CLOSE = 1e-4
"""Largest difference, in units of the output's largest value or 1, at which a copy counts as computing the same."""


class StandIn(nn.Module):
    """A recuerdo layer that is called as torch.nn's: with a padded batch, one sequence alone, or a PackedSequence."""

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        self.layer = layer

    proj_size = 0

    def __getattr__(self, name: str) -> Any:
        """What a forward may ask its layer for: sizes, options and weights have torch.nn's names in recuerdo too."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)

    def flatten_parameters(self) -> None:
        """Do nothing: in torch.nn it places weights for cuDNN, and changes no number."""

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
        module: the module.
        data: its arguments by name, or its first argument alone.

    Raises:
        DataError: the first argument is no array of numbers.
        OptionError: the module does not take arguments of these names.
    """
    signature = inspect.signature(module.forward)
    if isinstance(data, Mapping):
        named = {
            str(name): _on_device(value, module) if isinstance(value, np.ndarray) else _ordinary(value)
            for name, value in data.items()
        }
    else:
        named = {next(iter(signature.parameters), "input"): _on_device(data, module)}
    try:
        signature.bind(**named)
    except TypeError as error:
        takes = ", ".join(str(each.replace(annotation=each.empty)) for each in signature.parameters.values())
        raise OptionError(
            f"{type(module).__name__} takes ({takes}), and was given {', '.join(named) or 'nothing'}: {error}. Give "
            f"its arguments by the names that it has for them."
        ) from error
    return named


def _on_device(value: Any, module: nn.Module) -> Any:
    if isinstance(value, PackedSequence):
        return value
    like = next(module.parameters(), torch.empty(0))
    try:
        tensor = _ordinary(torch.as_tensor(value, device=like.device))
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"The data are no array of (samples, time steps, features): {error}.") from error
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor


def _ordinary(value: Any) -> Any:
    """A tensor from inside torch.inference_mode() as one that can be differentiated through."""
    return value.clone() if isinstance(value, Tensor) and value.is_inference() else value


def watchable(module: nn.Module, inputs: Mapping[str, Any]) -> nn.Module:
    """Return a copy of a module, in evaluation mode, whose recurrent layers can all be recorded.

    Args:
        module: a torch.nn or recuerdo layer, or anything with such layers inside.
        inputs: its arguments by name; the copy is called on them once to see that it computes the same.

    Returns:
        The copy; the module itself is left as it is.

    Raises:
        ConversionError: a layer has no equal here, or the copy computes something else.
        DataError: the module itself answers with NaN or infinity.
    """
    copied = copy.deepcopy(module).eval()
    if isinstance(copied, nn.RNNBase):
        copied = StandIn(convert.from_torch(copied))
    replaced = isinstance(copied, StandIn)
    stand_ins: dict[nn.Module, StandIn] = {}  # a layer that goes by two names stays one
    for parent in list(copied.modules()):
        for name, child in list(parent._modules.items()):  # named_children leaves the second name out
            if isinstance(child, nn.RNNBase):
                if child not in stand_ins:
                    stand_ins[child] = StandIn(convert.from_torch(child))
                setattr(parent, name, stand_ins[child])
                replaced = True
    if replaced:
        _require_equal(module, copied, inputs)
    return copied


def _require_equal(module: nn.Module, copied: nn.Module, inputs: Mapping[str, Any]) -> None:
    with in_evaluation(module), torch.no_grad():
        theirs = _tensors(module(**inputs))
        ours = _tensors(copied(**inputs))
    if not all(bool(each.isfinite().all()) for each in theirs):
        raise DataError(
            f"This {type(module).__name__} answers with NaN or infinity: look for them in the data and in its weights."
        )
    worst = max(
        (float((a - b).abs().max() / max(1.0, float(a.abs().max()))) for a, b in zip(theirs, ours, strict=True)),
        default=0.0,
    )
    if not worst <= CLOSE:
        raise ConversionError(
            f"A copy of this {type(module).__name__} with recuerdo's layers computes something else (largest "
            f"difference {worst:.2g}): is there randomness in its forward, or does it reach into its layer's weights?"
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
