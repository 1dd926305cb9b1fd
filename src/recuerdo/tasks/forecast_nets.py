"""The networks of a forecaster: what stands around the recurrent layers so that they need only learn what is new.

Both forecast the correction to an anchor that a person could write down, on a scale that each window brings along,
and both begin, untrained, at that anchor. z is a series on its scaler's scale, s the season.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recuerdo.nn import RecurrentLayer, Stack

State = Tensor | tuple[Tensor, ...]

FLOOR = 0.1
"""Smallest scale of a window, in units of the typical seasonal change: keeps flat windows from blowing up."""


def zeroed(linear: nn.Linear) -> nn.Linear:
    """Return the layer with weights and bias set to zero, so that a net begins at its anchor."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


class DirectNet(nn.Module):
    """All K steps at once, from the last state: last season + g * growth + correction.

    Growth is the mean of the last season less that of the season before it; g = sigmoid of a learned number, 1/2 at
    first. The core sees the window less the mean of its last season, over its own standard deviation.

    Args:
        core: (N, L, 1) -> (N, K), zero at first.
        horizon: K.
        season: s, with 2 s <= L.
        unit: typical seasonal change of the training rows.
    """

    def __init__(self, core: nn.Module, horizon: int, season: int, unit: float) -> None:
        super().__init__()
        self.core, self.horizon, self.season, self.unit = core, horizon, season, unit
        self.damping = nn.Parameter(torch.zeros(()))

    def scale(self, window: Tensor) -> Tensor:
        """Return each window's own scale, (N, 1)."""
        spread = window[..., 0].var(dim=1, correction=0, keepdim=True)
        return (spread + (FLOOR * self.unit) ** 2).sqrt()

    def forward(self, window: Tensor) -> Tensor:
        """Return the next K values, (N, K), of windows (N, L, 1)."""
        z, s = window[..., 0], self.season
        last = z[:, -s:]
        level, scale = last.mean(dim=1, keepdim=True), self.scale(window)
        growth = (z[:, s:] - z[:, :-s])[:, -s:].mean(dim=1, keepdim=True)  # like with like, should L be below 2 s
        repeats = -(-self.horizon // s)
        anchor = last.repeat(1, repeats)[:, : self.horizon] + self.damping.sigmoid() * growth
        return anchor + scale * self.core(((z - level) / scale).unsqueeze(-1))

    def loss(self, output: Tensor, window: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute error over the horizon, in units of each window's scale."""
        return ((output - target).abs() / self.scale(window)).mean()


class RecursiveNet(nn.Module):
    """One step at a time: each y_t forecasts x_{t+1}, and beyond the last value the forecasts are fed back.

    Step t sees the seasonal change z_t - z_{t-s} and the last change z_t - z_{t-1}, in typical units, and answers
    z_{t+1} = z_{t+1-s} + g * (z_t - z_{t-s}) + correction. Nothing that it sees at t is later than t.

    Args:
        encoder: recurrent layers with two features.
        horizon: K.
        season: s, with s < L.
        unit: typical seasonal change of the training rows.
    """

    def __init__(self, encoder: RecurrentLayer, horizon: int, season: int, unit: float) -> None:
        super().__init__()
        self.encoder, self.head = encoder, zeroed(nn.Linear(encoder.output_size, 1))
        self.horizon, self.season, self.unit = horizon, season, unit
        self.damping = nn.Parameter(torch.zeros(()))

    def scale(self, window: Tensor) -> Tensor:
        """Return the typical change, (N, 1): the same for every window."""
        return torch.full_like(window[:, :1, 0], self.unit)

    def forward(self, window: Tensor, following: Tensor | None = None) -> Tensor:
        """Forecast.

        Args:
            window: (N, L, 1).
            following: the K values after it, (N, K), for teacher forcing; None feeds the forecasts back.

        Returns:
            The next K values, (N, K); with `following` the answers of every step from the first that has a season
            behind it to the last, (N, L + K - 1 - s), where answer j is for row s + 1 + j.
        """
        z = window[..., 0]
        if following is not None:
            known = torch.cat([z, following[:, :-1]], dim=1)
            return self._answers(known, None)[0]
        answers, state = self._answers(z, None)
        for _ in range(self.horizon - 1):
            z = torch.cat([z, answers[:, -1:]], dim=1)
            answer, state = self._answers(z[:, -self.season - 1 :], state)
            answers = torch.cat([answers, answer], dim=1)
        return answers[:, -self.horizon :]

    def loss(self, output: Tensor, window: Tensor, following: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute one-step error over every step, in typical units; the target is what follows."""
        whole = torch.cat([window[..., 0], target], dim=1)
        return (output - whole[:, self.season + 1 :]).abs().mean() / self.unit

    def _answers(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The answer of each step t >= s of z, (N, T - s), and the state after the last."""
        s = self.season
        seasonal, last = z[:, s:] - z[:, :-s], z[:, s:] - z[:, s - 1 : -1]
        y, final = self.encoder(torch.stack([seasonal, last], dim=-1) / self.unit, state)
        anchor = z[:, 1 : z.shape[1] - s + 1] + self.damping.sigmoid() * seasonal
        return anchor + self.unit * self.head(y)[..., 0], final


def direct_core(encoder: RecurrentLayer, horizon: int) -> nn.Module:
    """Return the recurrent core of a DirectNet: the last state into a linear head for all steps."""
    return Stack(encoder, zeroed(nn.Linear(encoder.output_size, horizon)), read="last")


def window_mlp(lookback: int, horizon: int, parameters: int) -> nn.Module:
    """Return the MLP over the flattened window, with one hidden layer and as many parameters as near as can be.

    Args:
        lookback: L.
        horizon: K.
        parameters: how many the network has that it is compared with.
    """
    width = max(1, round((parameters - horizon) / (lookback + 1 + horizon)))
    return nn.Sequential(nn.Flatten(), nn.Linear(lookback, width), nn.ReLU(), zeroed(nn.Linear(width, horizon)))


def parameter_count(module: nn.Module) -> int:
    """Return how many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())
