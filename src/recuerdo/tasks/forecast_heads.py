"""What a forecaster answers for each step ahead: a number, quantiles, or a distribution; and what it learns by.

Each kind turns the raw numbers of the last layer, (N, K, P), into an answer around an anchor (N, K), in units of each
window's scale (N, 1): zeros give the anchor itself. Answers and truth are on the scaler's scale.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

HEADS = ("point", "quantiles", "gaussian", "student_t")

ONE = math.log(math.e - 1)
"""softplus(ONE) = 1: spreads begin at one scale of the window."""

LEAST_SPREAD = 1e-3
"""Smallest spread of a distribution, in units of the window's scale: a likelihood without bound cannot be learned."""


class Head(ABC):
    """How an answer is made, read and judged."""

    width: int
    """P, raw numbers for each step ahead."""

    @abstractmethod
    def answer(self, raw: Tensor, anchor: Tensor, scale: Tensor) -> Tensor:
        """Return the answer, (N, K) or (N, K, ·)."""

    @abstractmethod
    def point(self, answer: Tensor) -> Tensor:
        """Return the forecast, (N, K): the median."""

    @abstractmethod
    def loss(self, answer: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Return the error of each value, (N, K)."""

    @abstractmethod
    def quantile(self, answer: Tensor, level: float) -> Tensor:
        """Return the value, (N, K), below which a share `level` of the truth is said to lie."""


@dataclass(frozen=True)
class Point(Head):
    """One number: the median, learned by the absolute error in units of the window's scale."""

    width = 1

    def answer(self, raw: Tensor, anchor: Tensor, scale: Tensor) -> Tensor:
        """Return the forecast, (N, K)."""
        return anchor + scale * raw[..., 0]

    def point(self, answer: Tensor) -> Tensor:
        """Return the forecast, (N, K)."""
        return answer

    def loss(self, answer: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Return |error| / scale, (N, K)."""
        return (answer - target).abs() / scale

    def quantile(self, answer: Tensor, level: float) -> Tensor:
        """Return the forecast: a number knows no spread."""
        return answer


@dataclass(frozen=True)
class Quantiles(Head):
    """Quantiles that cannot cross: the median, and steps above 0 away from it; learned by the pinball loss.

    Args:
        levels: ascending, with 0.5 among them.

    Source:
        Koenker and Bassett 1978, Regression quantiles, eq. 2.1.
    """

    levels: tuple[float, ...]

    @classmethod
    def of(cls, levels: Sequence[float]) -> Quantiles:
        """Return the head of these levels and the median."""
        return cls(tuple(sorted({0.5, *levels})))

    @property
    def width(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride] - a constant of each instance
        """One raw number for each level."""
        return len(self.levels)

    def answer(self, raw: Tensor, anchor: Tensor, scale: Tensor) -> Tensor:
        """Return the quantiles, (N, K, levels), ascending."""
        middle = self.levels.index(0.5)
        center = anchor + scale * raw[..., middle]
        # A step is as wide at first as a normal distribution of one scale has it.
        normal = torch.special.ndtri(torch.tensor(self.levels, dtype=torch.float64)).diff().to(raw)
        steps = scale[..., None] * normal * softplus(raw + ONE)[..., [i for i in range(self.width) if i != middle]]
        above = center[..., None] + steps[..., middle:].cumsum(dim=-1)
        below = center[..., None] - steps[..., :middle].flip(-1).cumsum(dim=-1).flip(-1)
        return torch.cat([below, center[..., None], above], dim=-1)

    def point(self, answer: Tensor) -> Tensor:
        """Return the median, (N, K)."""
        return answer[..., self.levels.index(0.5)]

    def loss(self, answer: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Return twice the mean pinball loss over the levels, in units of the scale, (N, K)."""
        levels = torch.tensor(self.levels, dtype=answer.dtype, device=answer.device)
        error = target[..., None] - answer
        return 2 * torch.maximum(levels * error, (levels - 1) * error).mean(dim=-1) / scale

    def quantile(self, answer: Tensor, level: float) -> Tensor:
        """Return one of the levels, (N, K)."""
        return answer[..., self.levels.index(level)]


@dataclass(frozen=True)
class Gaussian(Head):
    """A normal distribution, (mean, standard deviation), learned by its log-likelihood."""

    width = 2

    def answer(self, raw: Tensor, anchor: Tensor, scale: Tensor) -> Tensor:
        """Return mean and standard deviation, (N, K, 2)."""
        spread = scale * (softplus(raw[..., 1] + ONE) + LEAST_SPREAD)
        return torch.stack([anchor + scale * raw[..., 0], spread], dim=-1)

    def point(self, answer: Tensor) -> Tensor:
        """Return the mean, (N, K)."""
        return answer[..., 0]

    def loss(self, answer: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Return -log density, with the scale as unit, (N, K)."""
        return -self.distribution(answer).log_prob(target) - scale.log()

    def quantile(self, answer: Tensor, level: float) -> Tensor:
        """Return a quantile of the distribution, (N, K)."""
        return self.distribution(answer).icdf(torch.tensor(level, dtype=answer.dtype, device=answer.device))

    def distribution(self, answer: Tensor) -> torch.distributions.Normal:
        """Return the distributions, (N, K)."""
        return torch.distributions.Normal(answer[..., 0], answer[..., 1], validate_args=False)


@dataclass(frozen=True)
class StudentT(Head):
    """Student's t, (mean, spread, degrees of freedom): outliers cost less; learned by its log-likelihood."""

    width = 3

    def answer(self, raw: Tensor, anchor: Tensor, scale: Tensor) -> Tensor:
        """Return mean, spread and degrees of freedom above 2, (N, K, 3)."""
        spread = scale * (softplus(raw[..., 1] + ONE) + LEAST_SPREAD)
        freedom = 2 + 4 * softplus(raw[..., 2] + ONE)
        return torch.stack([anchor + scale * raw[..., 0], spread, freedom], dim=-1)

    def point(self, answer: Tensor) -> Tensor:
        """Return the mean, (N, K)."""
        return answer[..., 0]

    def loss(self, answer: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Return -log density, with the scale as unit, (N, K)."""
        return -self.distribution(answer).log_prob(target) - scale.log()

    def quantile(self, answer: Tensor, level: float) -> Tensor:
        """Return a quantile of the distribution, (N, K)."""
        from scipy.stats import t

        mean, spread, freedom = answer.unbind(dim=-1)
        places = t.ppf(level, freedom.detach().cpu().double().numpy())
        return mean + spread * torch.as_tensor(places).to(answer)

    def distribution(self, answer: Tensor) -> torch.distributions.StudentT:
        """Return the distributions, (N, K)."""
        mean, spread, freedom = answer.unbind(dim=-1)
        return torch.distributions.StudentT(freedom, mean, spread, validate_args=False)


def make_head(name: str, levels: Sequence[float]) -> Head:
    """Return the head of that name; `levels` are the quantiles that are asked for."""
    match name:
        case "quantiles":
            return Quantiles.of(levels)
        case "gaussian":
            return Gaussian()
        case "student_t":
            return StudentT()
    return Point()
