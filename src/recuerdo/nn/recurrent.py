"""What the four layers share: parameters as in torch.nn, stacks, directions, and one kernel call for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from recuerdo import shapes
from recuerdo.cells import CellSpec, Scanned, State, Weights
from recuerdo.errors import OptionError, ShapeError
from recuerdo.kernels import Job, recurrence
from recuerdo.kernels.drawing import bernoulli, dropout
from recuerdo.kernels.job import Precision
from recuerdo.nn.arguments import (
    as_lengths,
    as_reset,
    check_checkpoint,
    check_max_lag,
    check_multiplied,
    check_options,
    check_precision,
    split_state,
)
from recuerdo.nn.initialisation import INITIALISERS
from recuerdo.nn.stepper import Stepper


@dataclass(frozen=True)
class Trace:
    """The inner life of a layer over one batch, differentiable.

    Attributes:
        gates: gate name -> one tensor per layer and direction (ordered as the final state's first axis), each (N, T,
            H), or (T, N, H) with batch_first=False. Zero beyond a sample's length. Empty for cells without gates.
        states: state name ("h", "c") -> the same for the states after each step. The last layer's h may share memory
            with the output: clone what you change in place.
    """

    gates: dict[str, tuple[Tensor, ...]]
    states: dict[str, tuple[Tensor, ...]]


class RecurrentLayer(nn.Module):
    """A stack of recurrent layers in one or two directions. Abstract: use FRNN, IndRNN, LSTM or GRU.

    Parameters carry torch.nn's names and layout (weight_ih_l0, weight_hh_l0_reverse, ...), one plain tensor each, so
    that state dicts, weight norm, pruning, sharing and deepcopy work as anywhere.

    Args:
        cell: the equations.
        input_size: D, features of each time step.
        hidden_size: H, units of each layer and direction.
        num_layers: L, layers on top of each other.
        bias: whether the cells have biases.
        batch_first: True for (samples, time steps, features); False for (time steps, samples, features), states
            unchanged.
        dropout: share of each layer's outputs, but the last layer's, that is dropped in training.
        bidirectional: run a second set of layers from the last step to the first and concatenate the outputs.
        recurrent_dropout: share of h_{t-1} that is dropped inside the recurrent product in training, with one mask
            per sample for all its steps (variational dropout, Gal and Ghahramani 2016).
        zoneout: share of each state that keeps its old value at a step, drawn anew at each step in training, blended
            by its expectation at evaluation (Krueger et al. 2017).
        layer_norm: normalise W x and U h, each by itself and each gate over its H units, with a learned gain and the
            bias as shift; in the LSTM also c before the output's tanh (Ba et al. 2016, eq. 20-22, gate by gate).
            In IndRNN only W x is normalised: a norm across u * h would make its units depend on one another.
        residual: add a layer's input to its output from the second layer on.
        learn_state: learn the initial state, one vector for each layer, direction and state; else it is zero.
        init: "uniform" as in torch.nn, "orthogonal", or "chrono", which needs max_lag.
        max_lag: the longest memory that is wanted, in steps: used by "chrono", and by IndRNN to bound its recurrent
            weights.
        precision: "float32", or "bf16" to multiply in bfloat16 on processors with AMX or AVX512-BF16: faster for wide
            layers, and each product good to 2^-9. Parameters, states, gates and sums stay in float32. Where the
            processor has neither, and on a GPU, it computes in float32, and on the CPU says so once.
        checkpoint_every: for the gradient keep the states of every so many steps alone, and run the steps between again
            on the way back: less memory, one forward pass more in a training step, the same result. "auto" takes the
            root of T. It does not go with trace=True.
        deterministic: use only kernels whose results are, bit by bit, the same for a sample in every batch, and for a
            batch with any number of threads: the native core. An error says so where it does not take the layer.
        proj_size: refused unless 0.
        device: where the parameters live.
        dtype: their type.

    Raises:
        OptionError: an argument that is out of range or does not go with another.
    """

    cell: CellSpec

    def __init__(
        self,
        cell: CellSpec,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        residual: bool = False,
        learn_state: bool = False,
        init: str = "uniform",
        max_lag: int | None = None,
        precision: Precision = "float32",
        checkpoint_every: int | Literal["auto"] | None = None,
        deterministic: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_options(
            who,
            {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers},
            {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "zoneout": zoneout},
        )
        if max_lag is not None:
            check_max_lag(who, max_lag, used=init == "chrono" or cell.recurrent == "diagonal")
        if residual and num_layers == 1:
            raise OptionError(
                f"{who}(residual=True) adds a layer's input from the second layer on: set num_layers=2 or more."
            )
        if layer_norm and hidden_size == 1:
            raise OptionError(f"{who}(layer_norm=True) of a single unit is always 0: set hidden_size=2 or more.")
        check_precision(who, precision)
        if checkpoint_every is not None:
            check_checkpoint(who, checkpoint_every)
        if init not in INITIALISERS:
            raise OptionError(f"{who}(init={init!r}) is not offered; there are {', '.join(INITIALISERS)}.")
        if proj_size:
            raise OptionError(
                f"{who}(proj_size={proj_size}) is not offered: "
                f"put torch.nn.Linear({hidden_size}, {proj_size}) behind the layer."
            )
        self.cell = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout, self.recurrent_dropout, self.zoneout = (
            float(dropout),
            float(recurrent_dropout),
            float(zoneout),
        )
        self.layer_norm, self.residual, self.learn_state = layer_norm, residual, learn_state
        self.init, self.max_lag = init, max_lag
        self.precision: Precision = precision
        self.checkpoint_every: int | Literal["auto"] | None = checkpoint_every
        self.deterministic = deterministic
        for k in range(num_layers * self.directions):
            for field, shape in self._shapes(k).items():
                parameter = None if shape is None else nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                self.register_parameter(f"{field}_{self._suffix(k)}", parameter)
        self.reset_parameters()

    @property
    def directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Features of the output: H times the directions."""
        return self.hidden_size * self.directions

    def reset_parameters(self) -> None:
        """Draw all parameters anew, as `init` says.

        Raises:
            OptionError: a parameter is computed from another one, by a parametrisation or pruning.
        """
        for k in range(self.num_layers * self.directions):
            for field, shape in self._shapes(k).items():
                name = f"{field}_{self._suffix(k)}"
                if shape is not None and name not in self._parameters:
                    raise OptionError(
                        f"{type(self).__name__}.reset_parameters() cannot draw {name}, because it is computed "
                        f"from another "
                        f"parameter: take the parametrisation off first."
                    )
        with torch.no_grad():
            for name, parameter in self.named_parameters(recurse=False):
                if name.startswith(("norm_ih", "norm_hh")) or (name.startswith("norm_c") and "bias" not in name):
                    parameter.fill_(1.0)
                elif name.startswith(("norm_c_bias", "initial_")):
                    parameter.zero_()
            INITIALISERS[self.init](self)

    def weights(self) -> Iterator[Weights]:
        """Yield the parameters of each layer and direction, ordered as the final state's first axis."""
        for k in range(self.num_layers * self.directions):
            suffix = self._suffix(k)
            yield Weights(*(getattr(self, f"{field}_{suffix}") for field in Weights._fields))

    def forward(
        self,
        x: Tensor,
        state: Tensor | tuple[Tensor, ...] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        reset: Tensor | Sequence[Sequence[bool]] | None = None,
        trace: bool = False,
    ) -> tuple:
        """Run over a batch of sequences.

        Args:
            x: (N, T, D), or (T, N, D) with batch_first=False.
            state: the state before the first step: h (L * directions, N, H); for the LSTM (h, c). None for the
                layer's own initial state, zeros unless learn_state.
            lengths: how many steps of each sample count, (N,), each 0 to T. A padded sample gives exactly what it
                gives alone: outputs beyond its length are zero, its final state is the one after its last step, and
                the reverse direction begins there.
            reset: (N, T) bool ((T, N) with batch_first=False), True where a new sequence begins inside a row: the
                state restarts there from the layer's own initial state.
            trace: also return a :class:`Trace` of every gate and state.

        Returns:
            ``(output, state)`` or ``(output, state, trace)``: output (N, T, H * directions) and the final state in
            the form of the argument.

        Raises:
            ShapeError: an axis of x, state, lengths or reset is not what the layer expects.
            OptionError: precision="bf16" with parameters that are not float32.
        """
        x = self._checked(x)
        T, N = x.shape[:2]
        own = self._own_state(x, N)
        start = own if state is None else self._split(state, N)
        lengths = None if lengths is None else as_lengths(lengths, T, N, x.device)
        reset = None if reset is None else as_reset(reset, T, N, self.batch_first, x.device)

        finals: list[State] = []
        scanned: list[Scanned] = []
        all_weights = list(self.weights())
        check_multiplied(type(self).__name__, self.precision, all_weights[0].weight_ih.dtype)
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self.directions):
                k = layer * self.directions + direction
                mask, zoneout = self._draw_masks(T, start[k][0])
                result = recurrence(
                    Job(
                        cell=self.cell,
                        x=x,
                        weights=all_weights[k],
                        state=start[k],
                        lengths=lengths,
                        reset=reset,
                        restart=own[k],
                        recurrent_mask=mask,
                        zoneout=zoneout,
                        reverse=direction == 1,
                        trace=trace,
                        precision=self.precision,
                    ),
                    checkpoint_every=self.checkpoint_every,
                    deterministic=self.deterministic,
                )
                outputs.append(result.output)
                finals.append(result.state)
                scanned.append(result)
            y = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
            if self.residual and layer > 0:
                y = y + x
            x = dropout(y, self.dropout) if self.training and layer < self.num_layers - 1 else y

        output = x.transpose(0, 1) if self.batch_first else x
        stacked = tuple(torch.stack(each) for each in zip(*finals, strict=True))
        final = stacked[0] if len(stacked) == 1 else stacked
        return (output, final, self._gather_trace(scanned)) if trace else (output, final)

    def stepper(self, streams: int = 1, *, readout: nn.Linear | None = None) -> Stepper:
        """Return a snapshot of this layer that takes one step at a time, in microseconds: see :class:`Stepper`.

        Args:
            streams: how many sequences go side by side.
            readout: what answers from the output, in the same call; None for the output itself.

        Raises:
            OptionError: the layer reads in both directions, its numbers are neither float32 nor float64, streams is
                below 1, or the readout is for another layer.
        """
        return Stepper(self, streams, readout=readout)

    def extra_repr(self) -> str:
        """Name the sizes, and every option that is not at its default."""
        words = [f"{self.input_size}, {self.hidden_size}"]
        if self.num_layers != 1:
            words.append(f"num_layers={self.num_layers}")
        defaults = {
            "bias": True,
            "batch_first": True,
            "dropout": 0.0,
            "bidirectional": False,
            "recurrent_dropout": 0.0,
            "zoneout": 0.0,
            "layer_norm": False,
            "residual": False,
            "learn_state": False,
            "init": "uniform",
            "max_lag": None,
            "precision": "float32",
            "checkpoint_every": None,
            "deterministic": False,
        }
        words += [f"{k}={getattr(self, k)!r}" for k, default in defaults.items() if getattr(self, k) != default]
        return ", ".join(words)

    @property
    def suffixes(self) -> list[str]:
        """How the parameters of each layer and direction end, ordered as the final state's first axis."""
        return [self._suffix(k) for k in range(self.num_layers * self.directions)]

    def _suffix(self, k: int) -> str:
        layer, direction = divmod(k, self.directions)
        return f"l{layer}_reverse" if direction else f"l{layer}"

    def _shapes(self, k: int) -> dict[str, tuple[int, ...] | None]:
        """Name -> shape of the parameters of the k-th layer and direction; None for those it does without."""
        H, rows, full = self.hidden_size, self.cell.blocks * self.hidden_size, self.cell.recurrent == "full"
        D = self.input_size if k < self.directions else self.output_size
        norm_c = self.layer_norm and "c" in self.cell.states
        return {
            "weight_ih": (rows, D),
            "weight_hh": (rows, H) if full else (rows,),
            "bias_ih": (rows,) if self.bias else None,
            "bias_hh": (rows,) if self.bias and full else None,
            "norm_ih": (rows,) if self.layer_norm else None,
            "norm_hh": (rows,) if self.layer_norm and full else None,
            "norm_c": (H,) if norm_c else None,
            "norm_c_bias": (H,) if norm_c and self.bias else None,
            **{f"initial_{name}": (H,) if self.learn_state else None for name in self.cell.states},
        }

    def _checked(self, x: Tensor) -> Tensor:
        name = type(self).__name__
        if isinstance(x, nn.utils.rnn.PackedSequence):
            raise ShapeError(
                f"{name} does not take a PackedSequence: give the padded tensor and lengths=, as "
                f"x, lengths = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first={self.batch_first})."
            )
        if not isinstance(x, Tensor):
            raise ShapeError(f"{name} takes a torch tensor, got {type(x).__name__}: give torch.as_tensor(x).float().")
        shapes.check(x, self.input_size, who=name, time_first=not self.batch_first)
        return x.transpose(0, 1) if self.batch_first else x

    def _own_state(self, x: Tensor, N: int) -> list[State]:
        """The state that a sequence begins with when none is given, (N, H) each, for every layer and direction."""
        if not self.learn_state:
            zeros = torch.zeros(N, self.hidden_size, device=x.device, dtype=x.dtype)
            return [(zeros,) * len(self.cell.states)] * (self.num_layers * self.directions)
        return [
            tuple(getattr(self, f"initial_{name}_{self._suffix(k)}").expand(N, -1) for name in self.cell.states)
            for k in range(self.num_layers * self.directions)
        ]

    def _split(self, state: Tensor | tuple[Tensor, ...], N: int) -> list[State]:
        expected = (self.num_layers * self.directions, N, self.hidden_size)
        return split_state(type(self).__name__, self.cell.states, state, expected)

    def _draw_masks(self, T: int, h: Tensor) -> tuple[Tensor | None, float | Tensor | None]:
        """Draw the masks of one layer and direction here, so that every backend sees the same ones."""
        mask = zoneout = None
        if self.training and self.recurrent_dropout:
            kept = 1 - self.recurrent_dropout
            mask = torch.empty_like(h, memory_format=torch.contiguous_format).bernoulli_(kept) / kept
        if self.zoneout:
            S = len(self.cell.states)
            zoneout = bernoulli(h, (S, T, *h.shape), self.zoneout) if self.training else self.zoneout
        return mask, zoneout

    def _gather_trace(self, scanned: list[Scanned]) -> Trace:
        def turned(tensor: Tensor) -> Tensor:
            return tensor.transpose(0, 1) if self.batch_first else tensor

        return Trace(
            gates={name: tuple(turned(each.gates[g]) for each in scanned) for g, name in enumerate(self.cell.gates)},
            states={name: tuple(turned(each.states[s]) for each in scanned) for s, name in enumerate(self.cell.states)},
        )
