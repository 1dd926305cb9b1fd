"""How far back a model's answers use the past: the input before it is exchanged for that of other samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.memory.axes import Axes, at_each_step, axes_of
from recuerdo.memory.projection import first_tensor
from recuerdo.memory.recording import Recorded, record

LEAST = 0.01
"""Share of the loss below which a change is none: that of Khandelwal et al."""

LAGS, PLACES = 16, 4
"""Lags that are tried, and steps of an answer at which they are, at most."""

ALIKE = 0.5
"""Rank correlation from which gradient and exchange say the same of what matters."""


@dataclass(frozen=True)
class Horizon:
    """How much the loss changes where the input more than k steps back is another sample's.

    Attributes:
        lags: (n,), k in steps from the answer's own, 0 to all that there are.
        changes: (n,), (L_k - L) / |L| with the loss L_k where only the last k + 1 inputs are the sample's own. Without
            a loss, the mean square by which the answer moves, by that by which answers of two samples differ.
        gradients: (n,), |dL/dx| at the input k steps back, by the largest: what a small change would do.
        exchanges: (n,), the mean |change of the loss| where that input alone is another sample's, by the largest.
        words: what changes, by name.
        place: of the first sample, the step whose answer the next two are of: the last one that is looked at.
        felt: (T,), |dL/dx_t| of that answer by the input at each step.
        moved: (n,), how far that answer moves, its norm, where the input at each lag alone is another sample's; NaN
            where there is none.

    Source:
        Khandelwal et al. 2018, Sharp nearby, fuzzy far away: how neural language models use context, section 4.
    """

    lags: NDArray[np.int64]
    changes: NDArray[np.float64]
    gradients: NDArray[np.float64]
    exchanges: NDArray[np.float64]
    words: str
    place: int
    felt: NDArray[np.float64]
    moved: NDArray[np.float64]

    @property
    def used(self) -> int:
        """The effective horizon: the smallest lag beyond which the past can be exchanged for a change below 1 %."""
        (matters,) = np.nonzero(np.abs(self.changes) >= LEAST)
        return 0 if not len(matters) else int(self.lags[min(matters[-1] + 1, len(self.lags) - 1)])

    @property
    def agreement(self) -> float:
        """Rank correlation of `gradients` and `exchanges` over the lags, -1 to 1; 1 where there is nothing to order."""
        one, other = (_ranks(each) for each in (self.gradients, self.exchanges))
        if len(self.lags) < 3 or not (self.gradients.any() and self.exchanges.any()):
            return 1.0
        return float(np.corrcoef(one, other)[0, 1])

    @property
    def disagree(self) -> bool:
        """Whether gradient and exchange order the inputs so differently that neither should be trusted alone."""
        return self.agreement < ALIKE

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each lag: lag, change, gradient, exchange."""
        columns = {"lag": self.lags, "change": self.changes, "gradient": self.gradients, "exchange": self.exchanges}
        return pl.DataFrame(columns)


class Sequences(NamedTuple):
    """Which argument of a module is the sequence, and how.

    Attributes:
        name: of the argument.
        samples, steps: its axes.
        lengths: (N,) steps of each sample.
    """

    name: str
    samples: int
    steps: int
    lengths: Tensor


def sequences_in(inputs: Mapping[str, Any], recorded: Sequence[Recorded], axes: Axes | None) -> Sequences | None:
    """Find the argument that holds samples and steps: one as long as the first recurrence, else the longest one.

    Where there are as many samples as steps, they are taken to stand as in the answer, whose axes are given.
    """
    T, N = recorded[0].inside.shape
    likely = 0 if axes is None else axes.samples
    found = []
    for name, value in inputs.items():
        if not isinstance(value, Tensor) or value.ndim < 2 or value.dtype == torch.bool:
            continue
        for samples, steps in ((0, 1), (1, 0)):
            if value.shape[samples] == N and value.shape[steps] > 1:
                found.append((value.shape[steps] == T, samples == likely, value.shape[steps], name, samples, steps))
    if not found:
        return None
    _, _, length, name, samples, steps = max(found, key=lambda each: each[:3])
    given = inputs.get("lengths")
    whole = torch.full((N,), length, device=inputs[name].device)
    lengths = whole if given is None else torch.as_tensor(given).to(whole).clamp(max=length)
    return Sequences(name, samples, steps, lengths)


def horizon(
    module: nn.Module,
    inputs: Mapping[str, Any],
    loss: Callable[[Any], Tensor] | None = None,
    *,
    lags: Sequence[int] | None = None,
) -> Horizon:
    """Exchange the past of every sample for another's, ever less far back, and see what becomes of the loss.

    Args:
        module: in evaluation mode, with recuerdo's recurrent layers inside.
        inputs: its arguments by name; all samples in one batch.
        loss: a scalar of its output; None looks at the answers themselves.
        lags: which k, from 0; None takes about sixteen, evenly in their logarithm.

    Raises:
        OptionError: there is one sample alone; no argument holds samples and steps; the axes of the answer cannot be
            told; or a lag is out of range.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 3, nonlinearity="linear", bias=False).eval()
        >>> _ = layer.weight_hh_l0.data.copy_(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]))  # a chain of delays
        >>> _ = layer.weight_ih_l0.data.copy_(torch.tensor([[1.0], [0], [0]]))
        >>> found = horizon(layer, {"x": torch.randn(16, 20, 1)}, lags=[0, 1, 2, 3, 10])
        >>> found.used, (found.changes > 0.01).tolist()  # the answer is the present input and the two before it
        (2, [True, True, False, False, False])
    """
    inputs = differentiable(inputs)
    return horizon_of(module, inputs, *record(module, inputs), loss, lags=lags)


def differentiable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with sequences of numbers as tensors that gradients come back to."""
    return {
        name: value.detach().clone().requires_grad_()
        if isinstance(value, Tensor) and value.is_floating_point() and value.ndim > 1
        else value
        for name, value in inputs.items()
    }


def horizon_of(
    module: nn.Module,
    inputs: Mapping[str, Any],
    output: Any,
    recorded: Sequence[Recorded],
    loss: Callable[[Any], Tensor] | None = None,
    *,
    axes: Axes | None = None,
    lags: Sequence[int] | None = None,
) -> Horizon:
    """As :func:`horizon`, of what was recorded already from arguments that :func:`differentiable` made."""
    return _Exchange(module, inputs, output, recorded, loss, axes).over(lags)


class _Exchange:
    """A model's answers to one batch, and what becomes of them where inputs are another sample's."""

    def __init__(
        self,
        module: nn.Module,
        inputs: Mapping[str, Any],
        output: Any,
        recorded: Sequence[Recorded],
        loss: Callable[[Any], Tensor] | None,
        axes: Axes | None,
    ) -> None:
        self.module, self.loss, self.inputs = module, loss, inputs
        y = first_tensor(output)
        if isinstance(y, Tensor) and axes is None:
            axes = axes_of(recorded, y.unsqueeze(-1) if y.ndim == 1 else y)
        found = sequences_in(inputs, recorded, axes)
        if found is None:
            raise OptionError(f"None of the arguments {', '.join(inputs)} holds samples and steps.")
        self.where, self.recorded, self.output = found, recorded, output
        self.N, self.T = len(found.lengths), inputs[found.name].shape[found.steps]
        if self.N < 2:
            raise OptionError("There is one sample, and another one's past is needed: give two or more.")
        if not isinstance(y, Tensor):
            raise OptionError(f"The module's first output is a {type(y).__name__} and no tensor.")
        self.y: Tensor = y
        if axes is None:
            raise OptionError(f"Which axis of the answer, {tuple(self.y.shape)}, counts the samples cannot be told.")
        self.axes: Axes = axes
        self.each = self.y.shape[axes.steps] == self.T and at_each_step(recorded, y, axes)  # else one for all steps
        self.by_y = self._by_answer()
        self.read = self.by_y.movedim(axes.steps, 0).flatten(1).any(dim=1).nonzero().flatten() if self.each else None
        self.places = self._places()

    def over(self, lags: Sequence[int] | None) -> Horizon:
        furthest = max(int(place.max()) for place in self.places)
        if lags is None:
            lags = sorted({0, *(round(float(k)) for k in np.geomspace(1, max(furthest, 1), LAGS - 1))})
        if not lags or min(lags) < 0 or max(lags) > max(furthest, 1):
            raise OptionError(f"lags={list(lags)}: they count steps back, from 0 to {furthest}.")
        known, steps = np.array(sorted(set(lags))), torch.arange(self.T, device=self.y.device)
        whole, alone, moved = [], [], []
        for k in known.tolist():
            back = [place[:, None] - k for place in self.places]
            whole.append(np.mean([self._change(p, steps < at)[0] for p, at in zip(self.places, back, strict=True)]))
            one = [self._change(p, steps == at) for p, at in zip(self.places, back, strict=True)]
            alone.append(np.mean([abs(share) for share, _ in one]))
            moved.append(one[-1][1] if int(self.places[-1][0]) >= k else np.nan)
        gradients, felt = self._gradients(known)
        return Horizon(
            known,
            np.array(whole, float),
            _by_largest(gradients),
            _by_largest(np.array(alone, float)),
            "the answer" if self.loss is None else "the loss",
            int(self.places[-1][0]),
            felt,
            np.array(moved, float),
        )

    def _by_answer(self) -> Tensor:
        """dL/dy; without a loss, a direction at random."""
        if self.loss is None:
            samples_first = (
                self.y.movedim(self.axes.samples, 0) if self.y.ndim < 3 else self.y.movedim(self.axes, (0, 1))
            )
            drawn = torch.randn(samples_first.shape, generator=torch.Generator().manual_seed(0)).to(self.y)
            return drawn.movedim(0, self.axes.samples) if self.y.ndim < 3 else drawn.movedim((0, 1), self.axes)
        found = torch.autograd.grad(self.loss(self.output), self.y, retain_graph=True, allow_unused=True)[0]
        if found is None or not found.any():
            raise OptionError("The loss does not read the module's first output, to which the past would be followed.")
        return found

    def _places(self) -> list[Tensor]:
        """The steps whose answer is looked at, (N,) each: of an answer that is given once, each sample's last."""
        if self.read is None:
            return [self.where.lengths - 1]
        late = self.read[len(self.read) // 2 :]  # steps with a past
        chosen = late[torch.linspace(0, len(late) - 1, min(PLACES, len(late))).round().long()]
        return [torch.full_like(self.where.lengths, int(p)) for p in chosen]

    @torch.no_grad()
    def _change(self, place: Tensor, exchanged: Tensor) -> tuple[float, float]:
        """What becomes of the answers at a place where these inputs, (N, T) bool, are exchanged.

        Returns:
            By which share their loss changes, and how far the first sample's answer moves.
        """
        if not exchanged.any():
            return 0.0, 0.0
        made = self.module(**{**self.inputs, self.where.name: self._mixed(exchanged)})
        y, was = self._at(place, first_tensor(made)), self._at(place, self.y.detach())
        moved = float((y[0] - was[0]).norm())
        if self.loss is None:
            return _share((y - was).square().sum(), 2 * was.var(dim=0, correction=0).sum() * self.N), moved
        whole = self.y.detach().clone()
        self._at(place, whole).copy_(y)
        before, after = self.loss(self.output), self.loss(_with_first(self.output, whole))
        of = 1 if self.read is None else len(self.read)  # steps over which the loss is a mean
        return _share((after - before) * of, before.abs()), moved

    def _at(self, place: Tensor, y: Tensor) -> Tensor:
        """The answers at a place, the samples first; a view."""
        if self.read is None:
            return y.movedim(self.axes.samples, 0)
        samples = self.axes.samples - (self.axes.samples > self.axes.steps)
        return y.select(self.axes.steps, int(place[0])).movedim(samples, 0)

    def _mixed(self, exchanged: Tensor) -> Tensor:
        """The sequences with these steps of the next sample's; beyond its end it begins again."""
        axes = (self.where.samples, self.where.steps)
        x = self.inputs[self.where.name].detach().movedim(axes, (0, 1))
        other = (torch.arange(self.N, device=x.device) + 1) % self.N
        steps = torch.arange(self.T, device=x.device) % self.where.lengths[other][:, None].clamp(min=1)
        there = exchanged.view(self.N, self.T, *[1] * (x.ndim - 2))
        return torch.where(there, x[other[:, None], steps], x).movedim((0, 1), axes)

    def _gradients(self, lags: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """|dL/dx| at each lag, the mean over samples and places, and at each step, of the first sample at the last.

        By the vectors where x is tokens.
        """
        x, axes = self.inputs[self.where.name], (self.where.samples, self.where.steps)
        if not x.is_floating_point():
            x, axes = self.recorded[0].job.x, (1, 0)
        if not x.requires_grad or x.shape[axes[1]] != self.T:
            return np.zeros(len(lags)), np.zeros(self.T)
        sums, felt = np.zeros(len(lags)), np.zeros(self.T)
        for place in self.places:
            by = torch.zeros_like(self.by_y)
            self._at(place, by).copy_(self._at(place, self.by_y))
            (g,) = torch.autograd.grad(self.y, x, by, retain_graph=True, materialize_grads=True)
            size = g.movedim(axes, (0, 1)).reshape(self.N, self.T, -1).norm(dim=-1)
            back = place[:, None] - torch.as_tensor(lags, device=place.device)
            counts, felt = (back >= 0).sum(dim=0).clamp(min=1), self.N * size[0].double().cpu().numpy()
            sums += ((size.gather(1, back.clamp(min=0)) * (back >= 0)).sum(dim=0) / counts).double().cpu().numpy()
        return sums / len(self.places), felt


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of each value among all, from 0; of equal ones the mean of theirs."""
    return np.array([(values < each).sum() + ((values == each).sum() - 1) / 2 for each in values])


def _share(change: Tensor, of: Tensor) -> float:
    return float(change / of) if of > 0 else 0.0


def _by_largest(each: NDArray[np.float64]) -> NDArray[np.float64]:
    highest = each.max(initial=0.0)
    return each / highest if highest > 0 else each


def _with_first(output: Any, y: Tensor) -> Any:
    """The same output with another first tensor."""
    if isinstance(output, Tensor):
        return y
    first, *rest = output
    parts = (_with_first(first, y), *rest)
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
