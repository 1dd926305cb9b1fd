"""The networks of a forecaster: what stands around the recurrent layers so that they need only learn what is new.

Both forecast the correction to an anchor that a person could write down, on a scale that each window brings along,
and both begin, untrained, at that anchor. z is a series on its scaler's scale, s the season.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recuerdo.nn import RecurrentLayer
from recuerdo.tasks.forecast_anchor import Anchor, filled
from recuerdo.tasks.forecast_cores import zeroed
from recuerdo.tasks.forecast_heads import Head

State = Tensor | tuple[Tensor, ...]

FLOOR = 0.1
"""Smallest scale of a window, in units of the typical seasonal change: keeps flat windows from blowing up."""


class DirectNet(nn.Module):
    """All K steps at once, from the last state: anchor + scale * correction.

    With `gated` the last state also says how the anchor's members are weighed here: whether to go by yesterday or by
    last week is learned from how such windows went on, and a mixture, unlike a correction, stays in its members' range.

    The core sees each window less its level, over its own standard deviation, and in further features the change from
    a season ago, and from seven, which it would otherwise have to remember each value for; where values can be missing,
    it sees in two more which are known, and how long ago the last known one was.

    Args:
        core: (N, L, D), (N, K, F), (N, S) -> (N, K, P), zero at first; with `gated` M more, which move the weights of
            the anchor's M members. D is 1, 1 more for each lag, 2 more with `gaps`, and the covariates.
        anchor: the mixture of simple forecasts.
        head: what an answer is.
        unit: typical seasonal change of the training rows.
        level_rows: how many of a window's last rows its level is the mean of.
        lags: rows back to each row that the core is told the change from.
        gated: whether the core weighs the anchor's members anew for each window.
        gaps: whether the core is told which values are missing.
    """

    def __init__(
        self,
        core: nn.Module,
        anchor: Anchor,
        head: Head,
        unit: float,
        *,
        level_rows: int,
        lags: Sequence[int] = (),
        gated: bool = False,
        gaps: bool = False,
    ) -> None:
        super().__init__()
        self.core, self.anchor, self.head, self.unit = core, anchor, head, unit
        self.level_rows, self.lags, self.gated, self.gaps = level_rows, tuple(lags), gated, gaps

    def scale(self, window: Tensor) -> Tensor:
        """Return each window's own scale, (N, 1): the standard deviation of what is known, and a floor.

        Of a window that is less than half known it is moved towards 1, that of the series.
        """
        z = window[..., 0]
        known = ~z.isnan()
        count = known.sum(dim=1, keepdim=True).clamp_min(1)
        z = z.nan_to_num(0.0)
        mean = z.sum(dim=1, keepdim=True) / count
        spread = _mean_of_known((z - mean) ** 2, known, 1.0)
        return (spread + (FLOOR * self.unit) ** 2).sqrt()

    def anchored(self, window: Tensor) -> Tensor:
        """Return the complete windows (N, L) that the anchor reckons with."""
        return filled(window[..., 0], self.anchor.season)

    def forward(self, window: Tensor, future: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Answer for the next K steps.

        Args:
            window: (N, L, 1 + C): z, NaN where missing, and covariates.
            future: covariates of the steps ahead, (N, K, F).
            static: covariates of the series, (N, S).

        Returns:
            The head's answer: (N, K) for a number each, (N, K, ·) for quantiles or a distribution.
        """
        z = self.anchored(window)
        level, scale = z[:, -self.level_rows :].mean(dim=1, keepdim=True), self.scale(window)
        features = [((z - level) / scale)[..., None]]
        for lag in self.lags:
            change = (z[:, lag:] - z[:, :-lag]) / scale
            features.append(nn.functional.pad(change, (lag, 0))[..., None])
        if self.gaps:
            features += [part[..., None] for part in known_and_since(window[..., 0])]
        if window.shape[-1] > 1:
            features.append(window[..., 1:].nan_to_num(0.0))  # NaN only before a series begins
        raw = self.core(torch.cat(features, dim=-1), future, static)
        raw, gates = (raw.split([self.head.width, len(self.anchor.names)], dim=-1)) if self.gated else (raw, None)
        return self.head.answer(raw, self.anchor(z, gates), scale)


def seasonal_change(z: Tensor, season: int, unit: float) -> Tensor:
    """Return how much windows (N, L) change from season to season, (N, 1): the root mean square, and a floor.

    Where less than half of the changes are known, it is moved towards `unit`, the typical one of the training rows.
    """
    change = z[:, season:] - z[:, :-season]
    mean = _mean_of_known(change.nan_to_num(0.0) ** 2, ~change.isnan(), unit**2)
    return (mean + (FLOOR * unit) ** 2).sqrt()


def _mean_of_known(squares: Tensor, known: Tensor, usual: float) -> Tensor:
    """Return the means of what is known (N, 1); as much as is missing to half of all counts as the usual value."""
    count = known.sum(dim=1, keepdim=True)
    missing = (known.shape[1] // 2 - count).clamp_min(0).to(squares.dtype)
    return ((squares * known).sum(dim=1, keepdim=True) + missing * usual) / (count + missing).clamp_min(1)


def known_and_since(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return which values of windows (N, L) are known, as 0 and 1, and log(1 + steps since the last known one)."""
    known = ~z.isnan()
    places = torch.arange(z.shape[1], device=z.device)
    latest = torch.where(known, places, -1).cummax(dim=1).values
    return known.to(z.dtype), (places - latest).to(z.dtype).log1p()


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

    def loss(self, output: Tensor, window: Tensor, target: Tensor) -> Tensor:
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
