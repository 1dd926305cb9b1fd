"""What decides the shape of a forecaster's network, and the network that is built from it."""

from __future__ import annotations

from dataclasses import dataclass

from recuerdo.cells import CELLS
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_anchor import Anchor, lags
from recuerdo.tasks.forecast_cores import RecurrentCore, WindowMLP
from recuerdo.tasks.forecast_heads import make_head
from recuerdo.tasks.forecast_nets import DirectNet, RecursiveNet
from recuerdo.tasks.forecast_running import RunningNet

Net = DirectNet | RecursiveNet | RunningNet

STRATEGIES = ("direct", "recursive")

MEMORIES = ("window", "running")


@dataclass(frozen=True)
class Shape:
    """What decides the shape of a forecaster's network.

    Attributes:
        cell: a name in recuerdo.nn.LAYERS, or "mlp" for the baseline over the flattened window.
        strategy: "direct" or "recursive".
        hidden_size, num_layers, dropout: of the recurrent layers; dropout also before the head.
        horizon, lookback, season, segment: K, L, s, w.
        level_rows: rows of a window whose mean is its level.
        gated: whether the anchor has more members and the network weighs them window by window, told the changes from
            the seasons before.
        head: what an answer is: "point", "quantiles", "gaussian" or "student_t".
        levels: quantiles that are asked for.
        gaps: whether values can be missing.
        covariates, future, static: C, F, S, columns of each kind; C counts those known ahead too.
        memory: "window" reads each window anew, "running" keeps a state along the series.
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
    segment: int = 1
    level_rows: int = 1
    gated: bool = False
    head: str = "point"
    levels: tuple[float, ...] = ()
    gaps: bool = False
    covariates: int = 0
    future: int = 0
    static: int = 0
    parameters: int = 0
    memory: str = "window"

    @property
    def features(self) -> int:
        """D, what the core is given of each row."""
        return (2 if self.memory == "running" else 1) + len(self.lags) + 2 * self.gaps + self.covariates

    @property
    def lags(self) -> tuple[int, ...]:
        """Rows back to each row that the core is told the change from."""
        return lags(self.season, self.lookback) if self.gated else ()

    @property
    def products(self) -> int:
        """Multiply-adds of one window in a step's largest product: the recurrent matrix of four gates, or the MLP."""
        return max(4 * self.hidden_size**2, self.parameters)

    def build(self, unit: float) -> Net:
        """Return the untrained network for series with this typical seasonal change."""
        head = make_head(self.head, self.levels)
        anchor = Anchor(self.horizon, self.season, self.lookback, means=self.gated)
        width = head.width + self.gated * len(anchor.names)
        if self.cell == "mlp":
            inputs = self.lookback * self.features + self.horizon * self.future + self.static
            core = WindowMLP(inputs, self.horizon, width, self.parameters)
        else:
            between = self.dropout if self.num_layers > 1 else 0.0
            # A cell whose memory is bounded by its recurrent weights is told how long a memory it needs.
            bounded = CELLS[self.cell].recurrent == "diagonal"
            bound = {"max_lag": max(2, self.lookback // self.segment)} if bounded else {}
            if bounded and self.memory == "running":
                bound = {"nonlinearity": "tanh"}  # rectified units would add up for as long as the series runs
            shape = self.hidden_size, self.num_layers
            if self.strategy == "recursive":
                encoder = LAYERS[self.cell](2, *shape, dropout=between, **bound)
                return RecursiveNet(encoder, self.horizon, self.season, unit)
            size = self.hidden_size if self.segment > 1 else self.features
            core = RecurrentCore(
                LAYERS[self.cell](size, *shape, dropout=between, **bound),
                self.features,
                self.horizon,
                width,
                segment=self.segment,
                dropout=self.dropout,
                future=self.future,
                static=self.static,
            )
            if self.memory == "running":
                return RunningNet(core, anchor, head, unit, gaps=self.gaps)
        return DirectNet(
            core, anchor, head, unit, level_rows=self.level_rows, lags=self.lags, gated=self.gated, gaps=self.gaps
        )
