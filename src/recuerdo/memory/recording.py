"""One forward pass of any model, recorded: every recurrence with its states, gates, and a handle for gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from recuerdo.cells import Scanned, State
from recuerdo.errors import OptionError
from recuerdo.kernels import BACKENDS, Job, watching
from recuerdo.memory.adapters import StandIn
from recuerdo.nn import RecurrentLayer


@dataclass(frozen=True)
class Recorded:
    """One layer in one direction over one batch.

    Attributes:
        name: where it stands, such as "encoder.l0" or "l1_reverse"; "encoder.l0 (call 2)" where it runs again.
        job: what was computed, with a nudge of zeros to differentiate by.
        result: outputs, final state, and every state and gate, (T, N, H) each.
    """

    name: str
    job: Job
    result: Scanned

    @property
    def states(self) -> dict[str, Tensor]:
        """State name -> (T, N, H), the state after each step; zero beyond a sample's length."""
        return dict(zip(self.job.cell.states, self.result.states, strict=True))

    @property
    def gates(self) -> dict[str, Tensor]:
        """Gate name -> (T, N, H); zero beyond a sample's length."""
        return dict(zip(self.job.cell.gates, self.result.gates, strict=True))

    @property
    def nudge(self) -> State:
        """Zeros that were added to the states, (T, N, H) each: a derivative by them is one by the states."""
        assert self.job.nudge is not None
        return self.job.nudge

    @property
    def inside(self) -> Tensor:
        """True where a step counts, (T, N) bool."""
        T, N = self.job.x.shape[:2]
        steps = torch.arange(T, device=self.job.x.device).unsqueeze(-1)
        return steps < (T if self.job.lengths is None else self.job.lengths) * torch.ones_like(steps[0]).expand(N)


def record(module: nn.Module, inputs: Mapping[str, Any], *, differentiable: bool = True) -> tuple[Any, list[Recorded]]:
    """Call a module and record every recurrence in it, in the order in which they run.

    Args:
        module: anything with recuerdo's recurrent layers inside; it is called in the mode that it is in.
        inputs: its arguments by name.
        differentiable: run on the reference scan, whose derivatives have any order, and keep a graph and nudges; False
            records values alone, on the fastest backend.

    Returns:
        What the module returned, and what was recorded.

    Raises:
        OptionError: nothing recurrent ran, or something ran without its layer being called.

    Example:
        >>> import recuerdo as rc
        >>> output, recorded = record(rc.nn.LSTM(3, 5, num_layers=2), {"x": torch.zeros(1, 7, 3)})
        >>> [each.name for each in recorded], recorded[0].states["c"].shape
        (['l0', 'l1'], torch.Size([7, 1, 5]))
    """
    recorded: list[Recorded] = []
    running: list[Iterator[str]] = []
    calls: Counter[str] = Counter()

    def watcher(job: Job, run: Callable[[Job], Scanned]) -> Scanned:
        if not running:
            raise OptionError(
                f"A recurrence of this {type(module).__name__} ran outside its layers, so that it has no name: call "
                f"them as layer(x), not as layer.forward(x)."
            )
        T, N = job.x.shape[:2]
        zeros = tuple(s.new_zeros(T, N, s.shape[-1], requires_grad=differentiable) for s in job.state)
        job = replace(job, nudge=zeros if differentiable else None, trace=True)
        # The reference is the one backend that knows nudges, and forward mode.
        result = BACKENDS["reference"].run(job) if differentiable else run(job)
        name = next(running[-1])
        calls[name] += 1
        recorded.append(Recorded(name if calls[name] == 1 else f"{name} (call {calls[name]})", job, result))
        return result

    with (
        _naming(module, running),
        watching(watcher),
        torch.inference_mode(False),
        torch.set_grad_enabled(differentiable),
    ):
        output = module(**inputs)
    if not recorded:
        raise OptionError(
            f"Nothing recurrent ran in this {type(module).__name__}: give a module with FRNN, IndRNN, LSTM or "
            f"GRU inside."
        )
    return output, recorded


def joined(batches: Sequence[Sequence[Recorded]]) -> list[Recorded]:
    """Put the samples of several batches side by side, as values: batches of as many steps, that one module recorded.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.GRU(3, 5)
        >>> batches = [record(layer, {"x": torch.zeros(N, 7, 3)}, differentiable=False)[1] for N in (2, 4)]
        >>> joined(batches)[0].states["h"].shape
        torch.Size([7, 6, 5])
    """
    return [_side_by_side(each) for each in zip(*batches, strict=True)]


def _side_by_side(parts: Sequence[Recorded]) -> Recorded:
    first = parts[0]

    def whole(values: Sequence[tuple[Tensor, ...]], axis: int) -> tuple[Tensor, ...]:
        return tuple(torch.cat([each.detach() for each in one], dim=axis) for one in zip(*values, strict=True))

    x = torch.cat([each.job.x.detach() for each in parts], dim=1)
    state = whole([each.job.state for each in parts], 0)
    lengths = torch.cat([each.inside.sum(dim=0) for each in parts])
    job = Job(first.job.cell, x, first.job.weights, state, lengths, reverse=first.job.reverse, trace=True)
    (output,) = whole([(each.result.output,) for each in parts], 1)
    final, gates, states = (
        whole([getattr(each.result, name) for each in parts], axis)
        for name, axis in (("state", 0), ("gates", 1), ("states", 1))
    )
    return Recorded(first.name, job, Scanned(output, final, gates, states))


@contextmanager
def _naming(module: nn.Module, running: list[Iterator[str]]) -> Iterator[None]:
    """Keep the names of the layer that is running on top of a stack: one for each of its layers and directions."""
    hooks = []
    stand_ins = {path for path, part in module.named_modules() if isinstance(part, StandIn)}
    for path, layer in module.named_modules():
        if isinstance(layer, RecurrentLayer):
            parent = path.rpartition(".")[0]
            path = parent if parent in stand_ins else path  # the user knows the layer by the name of what it replaced
            names = [f"{path}.{each}" if path else each for each in layer.suffixes]
            hooks += [
                layer.register_forward_pre_hook(lambda *_, names=names: running.append(iter(names))),
                layer.register_forward_hook(lambda *_: (running.pop(), None)[1], always_call=True),
            ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
