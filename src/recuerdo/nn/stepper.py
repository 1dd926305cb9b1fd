"""A layer that reads a stream one step at a time, in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recuerdo.errors import OptionError, ShapeError
from recuerdo.kernels.stepping import Affine, engine

if TYPE_CHECKING:
    from recuerdo.nn.recurrent import RecurrentLayer

Array = NDArray[np.floating]


class Stepper:
    """A snapshot of a layer that takes one step of one stream, or of several side by side, with every call.

    It computes what the layer computes in evaluation mode, in the type of its parameters: a layer of precision "bf16"
    steps in float32. Later changes of the layer's weights do not reach it. Where a step is worth it, it takes as many
    threads as torch had when it was made; the numbers are the same.

    Args:
        layer: FRNN, IndRNN, LSTM or GRU in one direction, float32 or float64.
        streams: N, how many sequences go side by side.
        readout: what answers from the layer's output, H -> V, for example a forecast's or a vocabulary's: the answer
            comes in the same call. None for the output itself.

    Attributes:
        backend: "native" or "reference": what takes the steps.
        why: why it is not the native core, in words; empty if it is.

    Raises:
        OptionError: the layer reads in both directions, its numbers are of another type, streams is below 1, or the
            readout is for another layer.

    Example:
        >>> import numpy as np, recuerdo as rc
        >>> stepper = rc.nn.LSTM(2, 3).stepper()
        >>> for x in np.zeros((100, 2), dtype=np.float32):  # one step after the other, as they come in
        ...     y = stepper.step(x)
        >>> y.shape, stepper.state[1].shape
        ((3,), (1, 1, 3))
    """

    def __init__(self, layer: RecurrentLayer, streams: int = 1, *, readout: nn.Linear | None = None) -> None:
        who = type(layer).__name__
        if layer.bidirectional:
            raise OptionError(
                f"{who} reads in both directions, and the reverse one begins at a sequence's end, which a stream has "
                f"not reached: build it with bidirectional=False."
            )
        if isinstance(streams, bool) or not isinstance(streams, int) or streams < 1:
            raise OptionError(
                f"stepper(streams={streams!r}): it counts sequences, so it is a whole number of 1 or more."
            )
        weights = list(layer.weights())
        dtype = weights[0].weight_ih.dtype
        if dtype not in (torch.float32, torch.float64):
            raise OptionError(
                f"A stepper computes in float32 or float64, and this {who} is {dtype}: call layer.float()."
            )
        self.streams, self.dtype = streams, np.dtype(np.float32 if dtype == torch.float32 else np.float64)
        self._who, self._names = who, layer.cell.states
        self._shape = (layer.num_layers, streams, layer.hidden_size)
        D, H = layer.input_size, layer.hidden_size
        if readout is not None and (readout.in_features != H or readout.weight.dtype != dtype):
            raise OptionError(
                f"The readout takes {readout.in_features} numbers of {readout.weight.dtype}, and a step of this {who} "
                f"gives {H} of {dtype}."
            )
        V = H if readout is None else readout.out_features
        self._outputs = {(streams, D): (streams, V), **({(D,): (V,)} if streams == 1 else {})}
        self._initial = [
            [each[0].detach().cpu().numpy().copy() for each in state]
            for state in layer._own_state(weights[0].weight_ih.new_zeros(1, 1, 1), 1)
        ]
        self._engine, self.why = engine(
            layer.cell,
            weights,
            streams,
            zoneout=layer.zoneout,
            residual=layer.residual,
            readout=None if readout is None else Affine(readout.weight, readout.bias),
        )
        self.backend = "reference" if self.why else "native"
        self._step = self._engine.step
        self.reset()

    def step(self, x: Any) -> Array:
        """Take one step.

        Args:
            x: the input of this step, (streams, D), or (D,) for a single stream. An array of the layer's type is read
                where it lies; anything else is copied first.

        Returns:
            The output, (streams, H), or (H,) for x of shape (D,), and with a readout its answer, V for H; a new array.

        Raises:
            ShapeError: another shape.
        """
        try:
            y = np.empty(self._outputs[x.shape], self.dtype)
            self._step(x, y)
        except (AttributeError, KeyError, TypeError, ValueError, BufferError):
            return self._step_converted(x)
        return y

    @property
    def state(self) -> Array | tuple[Array, ...]:
        """A copy of the state after the last step: h (L, streams, H); for the LSTM (h, c). Set it to go on there."""
        found = tuple(np.empty(self._shape, self.dtype) for _ in self._names)
        for which, whole in enumerate(found):
            for layer, part in enumerate(whole):
                self._engine.exchange(layer, which, part, False)
        return found[0] if len(found) == 1 else found

    @state.setter
    def state(self, value: Any) -> None:
        given = (value,) if len(self._names) == 1 else tuple(value)
        wholes = [np.ascontiguousarray(each, self.dtype) for each in given]
        if len(wholes) != len(self._names) or any(whole.shape != self._shape for whole in wholes):
            form = ", ".join(self._names)
            raise ShapeError(
                f"The state of this stepper is {form} of shape (layers, streams, hidden units) = {self._shape} each, "
                f"got {', '.join(str(whole.shape) for whole in wholes)}."
            )
        for which, whole in enumerate(wholes):
            for layer, part in enumerate(whole):
                self._engine.exchange(layer, which, part, True)

    def reset(self, streams: Sequence[int] | None = None) -> None:
        """Begin anew, from the layer's own initial state: all streams, or those of the given numbers."""
        fresh = [np.empty(self._shape, self.dtype) for _ in self._names]
        if streams is not None:
            held = self.state
            fresh = list(held) if isinstance(held, tuple) else [held]
        for layer, initial in enumerate(self._initial):
            for whole, start in zip(fresh, initial, strict=True):
                whole[layer, slice(None) if streams is None else list(streams)] = start
        self.state = fresh[0] if len(fresh) == 1 else tuple(fresh)

    def _step_converted(self, x: Any) -> Array:
        """A step from what is no array of the stepper's own type and layout."""
        array = np.ascontiguousarray(x, self.dtype)
        shape = self._outputs.get(array.shape)
        if shape is None:
            wanted = " or ".join(str(each) for each in self._outputs)
            raise ShapeError(f"A step of this {self._who} takes (streams, features) = {wanted}, got {array.shape}.")
        y = np.empty(shape, self.dtype)
        self._step(array, y)
        return y
