"""The anchor of a direct forecast: a mixture of forecasts that a person could write down, learned for each step ahead.

Its weights are learned, the same for all windows; a gated network moves them from window to window.

z is a series on its scaler's scale, s the season, L the rows of a window, K the horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn

LEAST_WEIGHT = 0.01
"""Share that a member has at the start at least: a weight of 0 could not be learned back."""

FITTED_ON = 2000
"""Training windows that the first weights are fitted on, at most, evenly over all."""

WEEK = 7
"""Seasons of a longer season: days of a week, where a season is a day."""


class Anchor(nn.Module):
    """A weighted mean of simple forecasts, with weights that differ by step ahead and always add up to 1.

    Its members: the last value; the mean of the window; the last season; the last season and its growth, which is the
    mean of the last season less that of the season before; the values seven seasons ago, which is a week where a season
    is a day; and, with `means`, the mean of all seasons and that of all such weeks; each where the window holds it.

    Args:
        horizon: K.
        season: s.
        lookback: L.
        means: whether means over several seasons are members too.
    """

    def __init__(self, horizon: int, season: int, lookback: int, *, means: bool = False) -> None:
        super().__init__()
        self.horizon, self.season, self.lookback = horizon, season, lookback
        self.names = member_names(season, lookback, means)
        self.logits = nn.Parameter(torch.zeros(horizon, len(self.names)))

    def weights(self, gates: Tensor | None = None) -> Tensor:
        """Return the weights, (K, members), or (N, K, members) where `gates`, of this shape, move their logits."""
        return (self.logits if gates is None else self.logits + gates).softmax(dim=-1)

    def members(self, z: Tensor) -> Tensor:
        """Return each member's forecast, (N, K, members), of complete windows (N, L)."""
        s, K = self.season, self.horizon
        last = _repeated(z, s, K)
        made: dict[str, Callable[[], Tensor]] = {
            "last value": lambda: z[:, -1:].expand(-1, K),
            "mean of the window": lambda: z.mean(dim=1, keepdim=True).expand(-1, K),
            "last season": lambda: last,
            # Like with like, should the window be shorter than two seasons.
            "last season and growth": lambda: last + (z[:, s:] - z[:, :-s])[:, -s:].mean(dim=1, keepdim=True),
            "mean of the seasons": lambda: _mean_cycle(z, s, K),
            "seven seasons ago": lambda: _repeated(z, WEEK * s, K),
            "mean of the weeks": lambda: _mean_cycle(z, WEEK * s, K),
        }
        return torch.stack([made[name]() for name in self.names], dim=-1)

    def forward(self, z: Tensor, gates: Tensor | None = None) -> Tensor:
        """Return the anchor, (N, K), of complete windows (N, L); `gates` (N, K, members) move the logits of weights."""
        return (self.members(z) * self.weights(gates)).sum(dim=-1)

    @torch.no_grad()
    def fit(self, z: Tensor, target: Tensor, scale: Tensor) -> None:
        """Begin with the weights that forecast some training windows with the least squared error.

        Args:
            z: complete windows, (N, L).
            target: what followed, (N, K); NaN where missing.
            scale: each window's unit of error, (N, 1).
        """
        members = ((self.members(z) - z[:, -1:, None]) / scale[..., None]).double().cpu().numpy()
        truth = ((target - z[:, -1:]) / scale).double().cpu().numpy()
        self.logits.copy_(
            torch.from_numpy(np.stack([_shares(members[:, k], truth[:, k]) for k in range(self.horizon)]))
        )


def member_names(season: int, lookback: int, means: bool = False) -> Sequence[str]:
    """Return the names of an anchor's members, in their order."""
    names = {
        "last value": True,
        "mean of the window": True,
        "last season": season > 1,
        "last season and growth": lookback > season,
        "seven seasons ago": season > 1 and lookback >= WEEK * season,
        "mean of the seasons": means and season > 1 and lookback >= 3 * season,
        "mean of the weeks": means and season > 1 and lookback >= 2 * WEEK * season,
    }
    return [name for name, there in names.items() if there]


def lags(season: int, lookback: int) -> tuple[int, ...]:
    """Return the rows to look back from each row for what has changed: a season and seven, where a window has them."""
    return tuple(lag for lag in (season, WEEK * season) if season > 1 and lookback > lag)


def _repeated(cycle: Tensor, period: int, horizon: int) -> Tensor:
    return cycle[:, -period:].repeat(1, -(-horizon // period))[:, :horizon]


def _mean_cycle(z: Tensor, period: int, horizon: int) -> Tensor:
    whole = z[:, z.shape[1] % period :].unflatten(1, (-1, period))
    return _repeated(whole.mean(dim=1), period, horizon)


def _shares(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Logits of the weights from 0 that add up to 1 and come nearest to the truth (n,) by least squares."""
    known = ~np.isnan(truth)
    count = members.shape[1]
    if not known.any():
        return np.zeros(count)
    # That they add up to 1 is one more equation, of far more weight than all others.
    heavy = 1e3 * np.sqrt(known.sum())
    system = np.concatenate([members[known], np.full((1, count), heavy)])
    weights = np.maximum(nnls(system, np.append(truth[known], heavy))[0], LEAST_WEIGHT)
    return np.log(weights / weights.sum())


def filled(z: Tensor, season: int) -> Tensor:
    """Return windows (N, L) whose missing values (NaN) are taken from the seasons beside them.

    A missing value takes that of the latest season before which has one at its place, else of the next season that
    has; a place that no season of the window has takes the mean of what is known, and a window without any value 0.
    This is what the anchor reckons with; the recurrent layers are told which values are missing.
    """
    missing = z.isnan()
    if not bool(missing.any()):
        return z
    N, L = z.shape
    ahead = -L % season
    rows = torch.nn.functional.pad(z, (ahead, 0), value=torch.nan).view(N, -1, season)
    rows = _carried(_carried(rows).flip(1)).flip(1).reshape(N, -1)[:, ahead:]
    known = (~missing).sum(dim=1, keepdim=True)
    mean = z.nan_to_num(0.0).sum(dim=1, keepdim=True) / known.clamp_min(1)
    return torch.where(rows.isnan(), mean, rows)


def _carried(rows: Tensor) -> Tensor:
    """Carry the last known value of each column forward along axis 1."""
    places = torch.arange(rows.shape[1], device=rows.device)[:, None]
    latest = torch.where(rows.isnan(), 0, places).cummax(dim=1).values
    return rows.gather(1, latest)
