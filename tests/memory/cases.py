"""Layers whose memory is known in closed form, and derivatives by the states as finite differences give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from tests.nn.cases import parts, randn
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from recuerdo.cells import Scanned, State, scan
from recuerdo.kernels import BACKENDS, Job, watching
from recuerdo.memory import Recorded, Steps, record
from recuerdo.memory.flow import deltas
from recuerdo.memory.steps import constant
from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, RecurrentLayer

STEP = 1e-6
"""How far a state is moved for a finite difference."""

NUMERIC = 1e-7
"""How far a central difference with that step may lie from the derivative, for derivatives of a size around 1."""


def doubles(*values: float) -> Tensor:
    """The numbers as a float64 vector."""
    return torch.tensor(values, dtype=torch.float64)


def linear(U: Tensor) -> FRNN:
    """A linear FRNN with a recurrent matrix of its own: its state after k steps is U^k times what it was."""
    layer = FRNN(1, len(U), nonlinearity="linear", bias=False, dtype=torch.float64)
    layer.get_parameter("weight_hh_l0").data.copy_(U)
    return layer


def rotation(H: int) -> Tensor:
    """An orthogonal matrix, (H, H)."""
    return torch.linalg.qr(randn(H, H, seed=40))[0]


def independent(u: Tensor) -> IndRNN:
    """An IndRNN with relu units of the given recurrent weights, all of them active for a positive input."""
    layer = IndRNN(1, len(u), bias=False, dtype=torch.float64)
    layer.get_parameter("weight_hh_l0").data.copy_(u)
    layer.get_parameter("weight_ih_l0").data.fill_(1.0)
    return layer


def constant_gates(cell: str, **gates: float) -> RecurrentLayer:
    """A scalar LSTM or GRU with no weights but biases, so that each gate that is named stands where it is told."""
    layer = {"lstm": LSTM, "gru": GRU}[cell](1, 1, dtype=torch.float64)
    for name, parameter in layer.named_parameters():
        parameter.data.zero_()
        if name == "bias_ih_l0":
            for k, gate in enumerate(layer.cell.gates):
                parameter.data[k] = doubles(gates.get(gate, 0.5)).logit()
    return layer


def recorded_one(layer: RecurrentLayer, T: int, N: int = 1) -> tuple[Tensor, Recorded]:
    """The output of a layer of one input over positive values, and its only recurrence."""
    (output, _), (one,) = record(layer, {"x": randn(N, T, 1, seed=41).abs()})
    return output, one


def flat(states: State) -> Tensor:
    """The states side by side, (..., S * H)."""
    return torch.cat(states, dim=-1)


def split(recorded: Recorded, loss: Tensor) -> tuple[State, State, State]:
    """delta_t, and its direct and recurrent parts, of the only recurrence: (T, N, H) each."""
    (delta,) = deltas([recorded], loss)
    steps = Steps(recorded)
    recurrent = steps.earlier(steps.pull(delta))
    return delta, tuple(d - r for d, r in zip(delta, recurrent, strict=True)), recurrent


def losses(output: Tensor, final: Tensor | State) -> Tensor:
    """A loss of each sample, (N,), that reads every output and every final state, and bends."""
    read = (output * randn(*output.shape[1:], seed=42)).sin().sum(dim=(1, 2))
    for k, part in enumerate(parts(final)):
        read = read + (part * randn(part.shape[0], 1, part.shape[2], seed=43 + k)).sum(dim=(0, 2)).sin()
    return read


Losses = Callable[[Tensor, Tensor | State], Tensor]


def differences(layer: RecurrentLayer, inputs: Mapping[str, Any], of: Losses = losses) -> list[State]:
    """d(each sample's loss) / ds_t by central differences: for every recurrence, (T, N, H) for each of its states.

    The batch is repeated once for every number of the state at every step, and each copy has that number moved. At
    evaluation the samples of a layer know nothing of each other, so two passes are enough.
    """
    N, T, _ = inputs["x"].shape
    K, S, H = layer.num_layers * layer.directions, len(layer.cell.states), layer.hidden_size
    places = K * S * T * H
    state = inputs.get("state")
    repeated = {
        "x": inputs["x"].repeat(places, 1, 1),
        "state": None if state is None else _whole(tuple(each.repeat(1, places, 1) for each in parts(state))),
        "lengths": None if inputs.get("lengths") is None else torch.as_tensor(inputs["lengths"]).repeat(places),
        "reset": None if inputs.get("reset") is None else inputs["reset"].repeat(places, 1),
    }
    moves = torch.eye(places, dtype=torch.float64).view(places, K, S, T, H)

    def moved(by: float) -> Tensor:
        turn = iter(range(K))

        def watcher(job: Job, run: Callable[[Job], Scanned]) -> Scanned:
            move = by * moves[:, next(turn)].repeat_interleave(N, dim=0)  # (places * N, S, T, H)
            return run(replace(job, nudge=tuple(move[:, s].transpose(0, 1) for s in range(S))))

        with watching(watcher), torch.no_grad():
            return of(*layer(**repeated))

    slope = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    slope = slope.view(K, S, T, H, N)
    return [tuple(slope[k, s].transpose(1, 2) for s in range(S)) for k in range(K)]


def _whole(state: State) -> Tensor | State:
    return state[0] if len(state) == 1 else state


@dataclass
class Deaf:
    """A backend that is right in what it computes and says nothing of its derivatives."""

    taken: int = 0

    def refuses(self, job: Job) -> str | None:
        return None

    def run(self, job: Job) -> Scanned:
        self.taken += 1
        with torch.no_grad():
            return BACKENDS["reference"].run(job)


@contextmanager
def fastest(backend: Deaf) -> Iterator[None]:
    """Put a backend in front of all others inside the block."""
    rest = dict(BACKENDS)
    BACKENDS.clear()
    BACKENDS.update({"deaf": backend, **rest})
    try:
        yield
    finally:
        BACKENDS.clear()
        BACKENDS.update(rest)


def one_step(recorded: Recorded, t: int, n: int) -> Callable[[Tensor], Tensor]:
    """Step t of sample n as the scan takes it alone: (S * H,) of the state before it -> (S * H,) after it."""
    job = recorded.job
    mask, kept = job.recurrent_mask, job.zoneout
    if isinstance(kept, Tensor):
        kept = kept[:, t : t + 1, n : n + 1]

    def after(before: Tensor) -> Tensor:
        result = scan(
            job.cell,
            job.x[t : t + 1, n : n + 1].detach(),
            constant(job.weights),
            before.unsqueeze(0).split(job.state[0].shape[-1], dim=-1),
            recurrent_mask=None if mask is None else mask[n : n + 1],
            zoneout=kept,
        )
        return flat(result.state)[0]

    return after


class Largest(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that is made inside the block."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, Tensor):
                self.numel = max(self.numel, each.numel())
        return out
