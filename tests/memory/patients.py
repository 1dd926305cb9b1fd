"""Networks that are sick in a known way, and healthy ones, each trained in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

import recuerdo as rc
from recuerdo.learn import ArrayBatches, Batch, History, Problem, Settings, fit, seeded


@dataclass(frozen=True)
class Ward:
    """What its patients have in common.

    Attributes:
        gated: the cell of most of them.
        H: units.
        N, T: samples and their steps.
        lag: steps back from which an answer comes.
        far: the same where it is too far.
        batch_size: samples of a step.
    """

    gated: str
    H: int
    N: int
    T: int
    lag: int
    far: int
    batch_size: int = 32


FIRST = Ward("GRU", H=24, N=512, T=30, lag=3, far=25)
SECOND = Ward("LSTM", H=32, N=640, T=36, lag=5, far=30, batch_size=40)


class Net(nn.Module):
    """A layer, and a number read from its output at each step, or at the last."""

    def __init__(self, layer: nn.Module, H: int, *, last: bool = False) -> None:
        super().__init__()
        self.layer, self.head, self.last = layer, nn.Linear(H, 1), last

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(self.layer(x)[0])
        return y[:, -1] if self.last else y


def squares(y: Tensor, batch: Batch) -> Tensor:
    return (y - batch.target).square().mean()


def squares_at_the_end(y: Tensor, batch: Batch) -> Tensor:
    return (y[:, -1] - batch.target[:, -1]).square().mean()


class Patient:
    """One network in the making: draws its data and weights by a seed, and trains."""

    def __init__(self, ward: Ward, seed: int) -> None:
        self.ward, self.seed = ward, seed
        self.draw = torch.Generator().manual_seed(seed)

    def net(self, cell: str | None = None, *, last: bool = False, **options) -> Net:
        H = self.ward.H
        return Net(getattr(rc.nn, cell or self.ward.gated)(1, H, **options), H, last=last)

    def echo(self, lag: int) -> tuple[Tensor, Tensor]:
        """Noise, and answers that are mostly what it was some steps ago."""
        x = torch.randn(self.ward.N, self.ward.T, 1, generator=self.draw)
        y = 0.3 * x
        y[:, lag:] += 0.7 * x[:, : self.ward.T - lag]
        return x, y

    def trained(
        self, net: Net, data: tuple[Tensor, Tensor], *, steps: int = 150, rate: float = 1e-2, clip: float | None = 1.0,
        loss: Callable[[Tensor, Batch], Tensor] = squares, needed: int | None = None,
    ) -> Problem:  # fmt: skip
        x, y = data
        problem = Problem(net, ArrayBatches({"x": x}, y, batch_size=self.ward.batch_size, seed=self.seed), loss)
        history = History()
        if steps:
            settings = Settings(max_steps=steps, learning_rate=rate, clip=clip, cooldown=0.3)
            history = fit(problem, settings=settings, random_state=self.seed, verbose=False)
        return replace(problem, history=history, needed=needed)

    def vanishing(self) -> Problem:
        net = self.net("FRNN")
        net.layer.weight_hh_l0.data.mul_(0.5)
        return self.trained(net, self.echo(self.ward.far), needed=self.ward.far)

    def exploding(self) -> Problem:
        net, H = self.net("FRNN", nonlinearity="relu"), self.ward.H
        net.layer.weight_hh_l0.data.copy_(2.5 * torch.linalg.qr(torch.randn(H, H))[0])
        return self.trained(net, self.echo(self.ward.lag), steps=5, rate=1e-4)

    def saturated(self) -> Problem:
        net = self.net()
        for weight in net.layer.parameters():
            weight.data.mul_(40)
        return self.trained(net, self.echo(self.ward.lag), rate=1e-3)

    def dead(self) -> Problem:
        net = self.net("IndRNN")
        net.layer.bias_ih_l0.data.fill_(-10.0)
        return self.trained(net, self.echo(self.ward.lag))

    def short_lookback(self) -> Problem:
        season, shown = self.ward.T - 6, self.ward.T // 3
        profile = torch.randn(season, generator=self.draw)
        series = profile[torch.arange(3_000) % season] + 0.1 * torch.randn(3_000, generator=self.draw)
        windows = series.unfold(0, shown + 1, 1)
        data = windows[:, :shown, None], windows[:, shown:]
        return self.trained(self.net(last=True), data, needed=season)

    def unscaled(self) -> Problem:
        x, y = self.echo(self.ward.lag)
        return self.trained(self.net(), (100 * x + 500, y))

    def forgets(self) -> Problem:
        net, H = self.net("LSTM"), self.ward.H
        net.layer.bias_ih_l0.data[H : 2 * H] = -5.0
        net.layer.bias_hh_l0.data[H : 2 * H] = 0.0
        return self.trained(net, self.echo(self.ward.lag), rate=1e-3)

    def clipping(self) -> Problem:
        return self.trained(self.net(), self.echo(self.ward.lag), clip=1e-3)

    def last_step_loss(self) -> Problem:
        return self.trained(self.net(), self.echo(self.ward.lag), loss=squares_at_the_end)

    def learning_rate(self) -> Problem:
        return self.trained(self.net(), self.echo(self.ward.lag), rate=1.0)

    def untrained(self) -> Problem:
        return self.trained(self.net(), self.echo(self.ward.lag), steps=0)

    def too_short(self) -> Problem:
        return self.trained(self.net(), self.echo(self.ward.lag), steps=90)

    def healthy_lstm(self) -> Problem:
        return self.trained(self.net("LSTM"), self.echo(self.ward.lag), steps=600)

    def healthy_gru(self) -> Problem:
        return self.trained(self.net("GRU"), self.echo(self.ward.lag), steps=600)

    def healthy_frnn(self) -> Problem:
        return self.trained(self.net("FRNN"), self.echo(self.ward.lag), steps=600)

    def healthy_indrnn(self) -> Problem:
        """Answers with a mean that forgets."""
        x, _ = self.echo(1)
        y = 0.3 * x
        for t in range(1, x.shape[1]):
            y[:, t] += 0.7 * y[:, t - 1]
        return self.trained(self.net("IndRNN", num_layers=2), (x, y), steps=600)

    def healthy_once(self) -> Problem:
        """Answers once, at the end."""
        x, y = self.echo(2)
        half = self.ward.T // 2
        return self.trained(self.net(last=True), (x[:, :half], y[:, half - 1]), steps=600)

    def healthy_noisy(self) -> Problem:
        """Forecasts a series of which little can be known."""
        noise = torch.randn(3_000, generator=self.draw)
        series = torch.zeros(3_000)
        for t in range(1, 3_000):
            series[t] = 0.8 * series[t - 1] + noise[t]
        windows = series.unfold(0, 25, 1)
        return self.trained(self.net(last=True), (windows[:, :24, None], windows[:, 24:]), steps=300, rate=3e-3)


SICK = (
    "vanishing", "exploding", "saturated", "dead", "short-lookback", "unscaled", "forgets", "clipping",
    "last-step-loss", "learning-rate", "untrained", "too-short",
)  # fmt: skip
HEALTHY = ("healthy-lstm", "healthy-gru", "healthy-frnn", "healthy-indrnn", "healthy-once", "healthy-noisy")


def patient(code: str, ward: Ward, seed: int) -> Problem:
    """Make the patient of a ward."""
    with seeded(seed):
        return getattr(Patient(ward, seed), code.replace("-", "_"))()
