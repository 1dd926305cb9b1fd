"""The network of a forecaster whose state runs along a series from its first row, and is never read again.

What it reads of a row is causal and on a fixed scale, so that a row read once is read for good: with the next row, one
step of the recurrence takes the state on. A window's own level and spread, which :class:`DirectNet` reads by, would
change every row that was read before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.tasks.forecast_anchor import Anchor, filled
from recuerdo.tasks.forecast_cores import RecurrentCore
from recuerdo.tasks.forecast_heads import Head
from recuerdo.tasks.forecast_inputs import Rows
from recuerdo.tasks.forecast_nets import FLOOR

Table = NDArray[np.float32]
States = tuple[Tensor, ...]
"""(layers, N, w, H) for each state of the cell: one for each phase of a segment, the next one to take a step first."""

COLUMNS = ("filled", "seasonal change less its mean", "last change", "steps since the last known")
"""What stands behind z in a table that a RunningNet reads, before the covariates."""

FILLED, CHANGED, CHANGES, SINCE, MADE = 1, slice(2, 4), 2, 4, len(COLUMNS)

MOST_NUMBERS = 2**24
"""Numbers that one batch of series is computed with at most, in what the recurrent layers are given or answer."""


class RunningNet(nn.Module):
    """All K steps at once, from a state that has run along the series: anchor + unit * correction.

    The core sees of row t the seasonal change z_t - z_{t-s}, less the mean of those within the L rows up to t, so that
    growth does not come in, and the last change z_t - z_{t-1}; both on the scale that they have in the training rows.
    Where values can be missing, it also sees which are known, and how long ago the last known one was. A missing value
    counts as the one a season before, or as the last one. Nothing that is seen at t is later than t.

    Args:
        core: recurrent layers of 2 features, 2 more with `gaps`, and the covariates.
        anchor: the mixture of simple forecasts.
        head: what an answer is.
        unit: typical seasonal change of the training rows.
        gaps: whether the core is told which values are missing.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, core: RecurrentCore, anchor: Anchor, head: Head, unit: float, *, gaps: bool = False) -> None:
        super().__init__()
        self.core, self.anchor, self.head, self.unit, self.gaps = core, anchor, head, unit, gaps
        self.register_buffer("centre", torch.zeros(CHANGES))
        self.register_buffer("spread", torch.full((CHANGES,), unit))

    @torch.no_grad()
    def fit_scale(self, rows: Rows) -> None:
        """Take mean and spread of the changes from training rows, as `running_rows` makes them."""
        changes = rows.table[:, CHANGED].astype(np.float64)
        floor = FLOOR * self.unit  # what hardly changes shall not be made large
        self.centre.copy_(torch.from_numpy(changes.mean(axis=0)))
        self.spread.copy_(torch.from_numpy(np.hypot(changes.std(axis=0), floor)))

    def scale(self, window: Tensor) -> Tensor:
        """Return the typical change, (N, 1): the same for every window."""
        return torch.full_like(window[:, :1, 0], self.unit)

    def anchored(self, window: Tensor) -> Tensor:
        """Return the complete windows (N, L) that the anchor reckons with."""
        return filled(window[..., FILLED], self.anchor.season)

    def features(self, rows: Tensor) -> Tensor:
        """Return what the core sees of rows (N, T, 1 + MADE + C), as `with_changes` makes them."""
        features = [(rows[..., CHANGED] - self.centre) / self.spread]
        if self.gaps:
            since = rows[..., SINCE, None]
            features += [(since == 0).to(rows.dtype), since.log1p()]
        return torch.cat([*features, rows[..., 1 + MADE :]], dim=-1).nan_to_num(0.0)  # NaN before a series begins

    def forward(
        self,
        window: Tensor,
        future: Tensor | None = None,
        static: Tensor | None = None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """Answer for the next K steps.

        Args:
            window: the last rows, (N, L, 1 + MADE + C); NaN before a series begins.
            future: covariates of the steps ahead, (N, K, F).
            static: covariates of the series, (N, S).
            memory: the state after the last row, (N, H); None begins with the first row of the window.

        Returns:
            The head's answer: (N, K) for a number each, (N, K, ·) for quantiles or a distribution.
        """
        if memory is None:
            raw = self.core(self.features(window), future, static, ~window[..., SINCE].isnan())
        else:
            raw = self.core.answer(memory, future, static)
        return self.head.answer(raw, self.anchor(self.anchored(window)), self.scale(window))

    def start(self, series: int) -> States:
        """Return the states of so many series before their first step: zero."""
        encoder, weight = self.core.encoder, next(self.parameters())
        shape = encoder.num_layers, series, self.core.segment, encoder.hidden_size
        return tuple(weight.new_zeros(shape) for _ in encoder.cell.states)

    def advance(self, x: Tensor, lengths: Tensor, states: States) -> tuple[Tensor, States]:
        """Take one step of the recurrence with each new row.

        With segments of w rows, each row completes a segment, so that there are w interleaved states, one for each
        phase, and each row takes one of them a step on. Rows that fill no segment yet take none.

        Args:
            x: features of the new rows and of the w - 1 rows before them (N, T, D), fewer at the beginning of a series.
            lengths: how many rows of x count, (N,).
            states: as `start` and this method return them.

        Returns:
            The last layer's state after each segment (N, T - w + 1, H), and the states after the last.
        """
        w, N = self.core.segment, len(x)
        if x.shape[1] < w:
            return x.new_zeros(N, 0, self.core.encoder.output_size), states
        made = self.core.embedded(x.unfold(1, w, 1).transpose(2, 3).flatten(2))
        count, rounds = made.shape[1], -(-made.shape[1] // w)
        made = nn.functional.pad(made, (0, 0, 0, rounds * w - count)).unflatten(1, (rounds, w)).transpose(1, 2)
        steps, phases = (lengths - (w - 1)).clamp_min(0)[:, None], torch.arange(w, device=x.device)
        turns = (steps - phases + w - 1) // w  # (N, w), steps of each phase
        busy = turns > 0
        outputs = x.new_zeros(N, w, rounds, self.core.encoder.output_size)
        after = tuple(each.clone() for each in states)
        if bool(busy.any()):
            given = [each[:, busy] for each in states]
            y, final = self.core.encoder(made[busy], given[0] if len(given) == 1 else tuple(given), lengths=turns[busy])
            outputs[busy] = y
            for each, new in zip(after, (final,) if isinstance(final, Tensor) else final, strict=True):
                each[:, busy] = new
        order = ((phases + steps) % w)[None, :, :, None]
        after = tuple(each.gather(2, order.expand_as(each)) for each in after)
        return outputs.transpose(1, 2).flatten(1, 2)[:, :count], after


def latest(states: States) -> Tensor:
    """Return the last layer's state after the last row, (N, H)."""
    return states[0][-1, :, -1]


def with_changes(table: Table, season: int, lookback: int, before: Table | None = None) -> Table:
    """Put behind z what a RunningNet reads of it; see COLUMNS.

    Args:
        table: rows of one series, (T, 1 + C): z, NaN where missing, and covariates.
        season: s.
        lookback: L; the seasonal changes within as many rows have the mean that each is taken less of.
        before: the rows before them, as this function made them, L or more, or all; None at the beginning of a series.

    Returns:
        The rows, (T, 1 + MADE + C).
    """
    z, missing = table[:, 0], np.isnan(table[:, 0])
    kept = z[:0] if before is None else before[-lookback:, FILLED]
    first = len(kept)
    whole = np.concatenate([kept, z])
    for t in first + np.flatnonzero(missing):
        if t >= season:
            whole[t] = whole[t - season]
        if t and np.isnan(whole[t]):
            whole[t] = whole[t - 1]
    seasonal, last = whole - _earlier(whole, season), whole - _earlier(whole, 1)
    seasonal -= _running_mean(seasonal, max(1, lookback - season))
    places = np.arange(1, len(z) + 1)
    latest_known = np.maximum.accumulate(np.where(missing, 0, places))
    carried = 0 if before is None or not len(before) else before[-1, SINCE]
    since = places - latest_known + np.where(latest_known == 0, carried, 0)
    changes = np.nan_to_num(np.stack([seasonal, last], axis=1))[first:]
    made = np.concatenate([z[:, None], whole[first:, None], changes, since[:, None]], axis=1)
    return np.concatenate([made, table[:, 1:]], axis=1, dtype=np.float32)


def _earlier(whole: Table, lag: int) -> Table:
    return np.concatenate([np.full(lag, np.nan, dtype=np.float32), whole])[: len(whole)]


def _running_mean(values: Table, rows: int) -> NDArray[np.float64]:
    """The mean of the known ones among each value and those before it, so many in all."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.stack([np.where(known, values, 0.0), known]), axis=1, dtype=np.float64)
    sums[:, rows:] -= sums[:, :-rows].copy()
    return sums[0] / np.maximum(sums[1], 1)


def running_rows(rows: Rows, season: int, lookback: int) -> Rows:
    """Return all rows of all series as `with_changes` makes them."""
    ends = rows.starts + rows.lengths + rows.ahead
    parts = [
        with_changes(rows.table[start:end], season, lookback) for start, end in zip(rows.starts, ends, strict=True)
    ]
    return replace(rows, table=np.concatenate(parts))


def run(net: RunningNet, tables: Sequence[Table], states: States) -> tuple[Tensor, States]:
    """Take the states of some series on by rows of them; arguments and returns as in `RunningNet.advance`."""
    given = [torch.from_numpy(each) for each in tables]
    padded = nn.utils.rnn.pad_sequence(given, batch_first=True).to(states[0])
    lengths = torch.tensor([len(each) for each in tables], device=padded.device)
    return net.advance(net.features(padded), lengths, states)


def memories(net: RunningNet, rows: Rows, origins: NDArray[np.int64]) -> Tensor:
    """Return the state after each origin (n, H), each series run once from its first row to its last origin.

    Args:
        net: in evaluation mode.
        rows: as `running_rows` makes them.
        origins: (n, 2), number of the series and index of the last known row.
    """
    skipped = net.core.segment - 1
    lasts = np.zeros(len(rows.starts), dtype=np.int64)
    np.maximum.at(lasts, origins[:, 0], origins[:, 1] + 1)
    found = latest(net.start(len(origins)))
    for batch in batches(net, lasts, rows.table.shape[1]):
        tables = [rows.table[rows.starts[each] : rows.starts[each] + lasts[each]] for each in batch]
        outputs, _ = run(net, tables, net.start(len(batch)))
        place = np.full(len(lasts), -1)
        place[batch] = np.arange(len(batch))
        asked = np.flatnonzero((place[origins[:, 0]] >= 0) & (origins[:, 1] >= skipped))
        found[asked] = outputs[place[origins[asked, 0]], origins[asked, 1] - skipped]
    return found


def batches(net: RunningNet, lengths: NDArray[np.int64], columns: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the series that are run together: those that are about as long, and those of no row never.

    Args:
        net: what runs.
        lengths: rows of each series, (n,).
        columns: of a row.
    """
    size = max(net.core.encoder.output_size, net.core.segment * columns)
    numbers = np.argsort(lengths, kind="stable")[(lengths == 0).sum() :]
    while len(numbers):
        most = max(1, MOST_NUMBERS // (size * int(lengths[numbers[-1]])))
        yield numbers[-most:]
        numbers = numbers[:-most]
