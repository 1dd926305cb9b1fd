"""From series to a trained network: scalers, windows, batches, and one call of the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recuerdo.cells import CELLS
from recuerdo.data.windows import WindowSet
from recuerdo.learn import Batch, GatherBatches, History, Problem, Settings, fit, seeded, threads_for
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_nets import DirectNet, RecursiveNet, direct_core, parameter_count, window_mlp
from recuerdo.tasks.scaling import Scaler

Values = NDArray[np.float64]
Net = DirectNet | RecursiveNet

STRATEGIES = ("direct", "recursive")

AUTO_STEPS = (300, 1500)
"""Without max_steps or max_seconds: twenty passes over the windows, but no fewer and no more steps than these."""


RESOLUTION = 1e-6
"""Changes of a standardised series below this are rounding, in float32 anyway, and no unit to measure in."""


@dataclass(frozen=True)
class Shape:
    """What decides the shape of a forecaster's network.

    Attributes:
        cell: a name in recuerdo.nn.LAYERS, or "mlp" for the baseline over the flattened window.
        strategy: "direct" or "recursive".
        hidden_size, num_layers, dropout: of the recurrent layers.
        horizon, lookback, season: K, L, s.
        parameters: for "mlp", how many it shall have.
    """

    cell: str
    strategy: str
    hidden_size: int
    num_layers: int
    dropout: float
    horizon: int
    lookback: int
    season: int
    parameters: int = 0

    @property
    def products(self) -> int:
        """Multiply-adds of one window in a step's largest product: the recurrent matrix of four gates, or the MLP."""
        return max(4 * self.hidden_size**2, self.parameters)

    def build(self, unit: float) -> Net:
        """Return the untrained network for series with this typical seasonal change."""
        if self.cell == "mlp":
            return DirectNet(window_mlp(self.lookback, self.horizon, self.parameters), self.horizon, self.season, unit)
        features = 1 if self.strategy == "direct" else 2
        # A cell whose memory is bounded by its recurrent weights is told how long a memory it needs.
        bound = {"max_lag": self.lookback} if CELLS[self.cell].recurrent == "diagonal" else {}
        encoder = LAYERS[self.cell](features, self.hidden_size, self.num_layers, dropout=self.dropout, **bound)
        if self.strategy == "direct":
            return DirectNet(direct_core(encoder, self.horizon), self.horizon, self.season, unit)
        return RecursiveNet(encoder, self.horizon, self.season, unit)


@dataclass(frozen=True)
class Trained:
    """A trained network and all that was fitted with it, on the rows that it was given and no others."""

    net: Net
    scalers: tuple[Scaler, ...]
    unit: float
    history: History
    seed: int

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early."""
        return self.history.stopped == "interrupted"


def train(
    shape: Shape,
    series: Sequence[Values],
    names: Sequence[object],
    *,
    log: bool,
    max_steps: int | None,
    max_seconds: float | None,
    batch_size: int,
    learning_rate: float,
    random_state: int | None,
    device: torch.device,
    verbose: bool | None,
    label: str,
) -> Trained:
    """Fit scalers and a network on all windows of some series.

    Args:
        shape: which network.
        series: training rows, (T_i,) each; nothing else is seen.
        names: what to call the series in messages.
        log: whether logarithms are taken.
        max_steps, max_seconds, batch_size, learning_rate, random_state, device, verbose, label: see recuerdo.learn.
    """
    scalers = tuple(Scaler.fitted(values, log) for values in series)
    scaled = [scaler.forward(values) for scaler, values in zip(scalers, series, strict=True)]
    unit = typical_change(scaled, shape.season)
    windows = WindowSet(scaled, shape.lookback, shape.horizon, names=names)
    if max_steps is None and max_seconds is None:
        per_pass = -(-len(windows) // batch_size)
        max_steps = int(np.clip(20 * per_pass, *AUTO_STEPS))
    settings = Settings(max_steps=max_steps, max_seconds=max_seconds, learning_rate=learning_rate)
    with seeded(random_state) as seed, threads_for(batch_size * shape.products):
        net = shape.build(unit)
        problem = as_problem(net, windows, batch_size=batch_size, seed=seed)
        history = fit(problem, settings=settings, random_state=seed, device=device, verbose=verbose, label=label)
    return Trained(net, scalers, unit, history, seed)


def as_problem(
    net: Net, windows: WindowSet, *, batch_size: int, seed: int = 0, shuffle: bool = True, target: str = "y"
) -> Problem:
    """Return what the network learns from these windows, for training or for a look inside."""
    teacher = isinstance(net, RecursiveNet)

    def gather(indices: NDArray[np.int64]) -> Batch:
        inputs, targets = (torch.from_numpy(part.astype(np.float32)) for part in windows.gather(indices))
        return Batch({"window": inputs} | ({"following": targets} if teacher else {}), targets)

    batches = GatherBatches(len(windows), gather, batch_size=batch_size, seed=seed, shuffle=shuffle)
    return Problem(
        net, batches, lambda output, batch: net.loss(output, **batch.inputs, target=batch.target), {"window": (target,)}
    )


def typical_change(scaled: Sequence[Values], season: int) -> float:
    """Return the root mean square of z_t - z_{t-season} over all series; 1 if nothing ever changes but by rounding."""
    changes = np.concatenate([z[season:] - z[:-season] for z in scaled])
    unit = float(np.sqrt(np.mean(changes**2)))
    return unit if unit > RESOLUTION else 1.0


@torch.no_grad()
def forecast(net: Net, windows: Values, batch_size: int = 1024) -> tuple[Values, Values]:
    """Forecast from windows on the scaler's scale.

    Args:
        net: a trained network.
        windows: (n, L, 1).
        batch_size: windows at a time.

    Returns:
        The next K values (n, K) and the windows' scales (n, 1), float64, both on the scaler's scale.
    """
    device = next(net.parameters()).device
    net.eval()
    forecasts, scales = [], []
    for first in range(0, len(windows), batch_size):
        window = torch.from_numpy(windows[first : first + batch_size].astype(np.float32)).to(device)
        forecasts.append(net(window).double().cpu().numpy())
        scales.append(net.scale(window).double().cpu().numpy())
    return np.concatenate(forecasts), np.concatenate(scales)


__all__ = ["STRATEGIES", "Shape", "Trained", "as_problem", "forecast", "parameter_count", "train", "typical_change"]
