"""The learning part of a direct forecaster: from a window's features to raw numbers for each step ahead."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recuerdo.nn import RecurrentLayer


def zeroed(linear: nn.Linear) -> nn.Linear:
    """Return the layer with weights and bias set to zero, so that a net begins at its anchor."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


class RecurrentCore(nn.Module):
    """Recurrent layers over the window, step by step or segment by segment, and their last state into all K steps.

    With segments of w rows, each w rows are embedded as one step of the recurrence, so that its path through time is w
    times shorter. Rows at the window's beginning that fill no segment are left out. What is known of a step ahead
    (future covariates) joins the last state in one hidden layer that all steps ahead share.

    Args:
        encoder: recurrent layers of D features, or of `embedded` where segments are longer than 1.
        features: D.
        horizon: K.
        width: P, raw numbers for each step ahead.
        segment: w.
        dropout: share of the last state that is dropped in training.
        future: F, covariates that are known ahead.
        static: S, covariates of the series.

    Source:
        Segments: Lin et al. 2023, SegRNN, section 4.1.
    """

    def __init__(
        self,
        encoder: RecurrentLayer,
        features: int,
        horizon: int,
        width: int,
        *,
        segment: int = 1,
        dropout: float = 0.0,
        future: int = 0,
        static: int = 0,
    ) -> None:
        super().__init__()
        self.segment, self.horizon, self.width = segment, horizon, width
        self.embedding = nn.Linear(segment * features, encoder.input_size) if segment > 1 else None
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        size = encoder.output_size + static
        self.head = zeroed(nn.Linear(size, horizon * width))
        if future:
            self.from_state = nn.Linear(size, encoder.output_size)
            self.from_future = nn.Linear(future, encoder.output_size, bias=False)
            self.shared_head = zeroed(nn.Linear(encoder.output_size, width))

    def forward(
        self, x: Tensor, future: Tensor | None = None, static: Tensor | None = None, begun: Tensor | None = None
    ) -> Tensor:
        """Return the raw numbers, (N, K, P).

        Args:
            x: features of the window, (N, L, D).
            future: covariates of the steps ahead, (N, K, F).
            static: covariates of the series, (N, S).
            begun: which rows lie in their series, (N, L): the state is zero before the first step that lies in it
                whole. None has the state begin with the window, whatever its rows are.
        """
        return self.answer(self.read(x, begun), future, static)

    def read(self, x: Tensor, begun: Tensor | None = None) -> Tensor:
        """Return the last state of some windows, (N, H); arguments as in `forward`."""
        ahead = x.shape[1] % self.segment
        x = self.embedded(x[:, ahead:].unflatten(1, (-1, self.segment)).flatten(2))
        if begun is None:
            return self._last_layer(self.encoder(x)[1])
        whole = begun[:, ahead:].unflatten(1, (-1, self.segment)).all(dim=-1)
        # What was read before the first whole step is forgotten with it.
        reset = torch.cat([torch.zeros_like(whole[:, :1]), ~whole[:, :-1]], dim=1)
        h = self._last_layer(self.encoder(x, reset=reset if bool(reset.any()) else None)[1])
        return torch.where(whole[:, -1:], h, 0.0)

    def embedded(self, segments: Tensor) -> Tensor:
        """Return what the recurrent layers are given of segments (..., w * D): themselves, where each is one row."""
        return segments if self.embedding is None else self.embedding(segments).relu()

    def answer(self, h: Tensor, future: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the raw numbers, (N, K, P), that a last state (N, H) gives; arguments as in `forward`."""
        state = self.dropout(h if static is None else torch.cat([h, static], dim=-1))
        raw = self.head(state).unflatten(-1, (self.horizon, self.width))
        if future is not None:
            hidden = (self.from_state(state)[:, None] + self.from_future(future)).relu()
            raw = raw + self.shared_head(hidden)
        return raw

    def _last_layer(self, final: Tensor | tuple[Tensor, ...]) -> Tensor:
        h = final if isinstance(final, Tensor) else final[0]
        return torch.cat(h[-self.encoder.directions :].unbind(0), dim=-1)


class WindowMLP(nn.Module):
    """The baseline: an MLP over all that the recurrent core is given, flattened, with about as many parameters.

    Args:
        inputs: how many numbers that is: L * D + K * F + S.
        horizon: K.
        width: P, raw numbers for each step ahead.
        parameters: how many the network has that it is compared with.
    """

    def __init__(self, inputs: int, horizon: int, width: int, parameters: int) -> None:
        super().__init__()
        self.horizon, self.width = horizon, width
        outputs = horizon * width
        hidden = max(1, round((parameters - outputs) / (inputs + 1 + outputs)))
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), zeroed(nn.Linear(hidden, outputs)))

    def forward(self, x: Tensor, future: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the raw numbers, (N, K, P); arguments as in :class:`RecurrentCore`."""
        parts = [part.flatten(1) for part in (x, future, static) if part is not None]
        return self.layers(torch.cat(parts, dim=1)).unflatten(-1, (self.horizon, self.width))


def parameter_count(module: nn.Module) -> int:
    """Return how many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())
