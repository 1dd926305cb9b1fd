"""What a running forecaster keeps of its series, and how the next rows take it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.data.tables import Panel
from recuerdo.learn import in_evaluation
from recuerdo.tasks.forecast_ensembles import Ensemble
from recuerdo.tasks.forecast_inputs import Rows, make_rows
from recuerdo.tasks.forecast_running import MADE, RunningNet, States, Table, batches, latest, run, with_changes


@dataclass(frozen=True, eq=False)
class Stream:
    """The last rows of each series, and where the recurrence of each network stands behind them.

    Attributes:
        nets: one for each member of the ensemble.
        tails: of each series the last L rows, as `with_changes` makes them; fewer where it has no more.
        states: of each network, over all series; see :data:`States`.
    """

    nets: tuple[RunningNet, ...]
    tails: list[Table]
    states: tuple[States, ...]

    @classmethod
    def of(cls, ensemble: Ensemble, known: Panel) -> Self | None:
        """Return the stream that has read all rows of a panel; None where the networks do not run along a series."""
        nets = tuple(each.net for each in ensemble.members if isinstance(each.net, RunningNet))
        if not nets:
            return None
        rows = make_rows(known, ensemble.encoding)
        made = cls(nets, [rows.table[:0]] * len(known), tuple(net.start(len(known)) for net in nets))
        for batch in batches(nets[0], rows.lengths, rows.table.shape[1]):
            made = made.read(batch, [rows.table[rows.starts[each] :][: rows.lengths[each]] for each in batch])
        return made

    @torch.no_grad()
    def read(self, numbers: NDArray[np.int64], tables: Sequence[Table]) -> Self:
        """Return the stream that has read the next rows of some series too; this one is left as it is.

        Args:
            numbers: of the series, (n,), each once.
            tables: of each the next rows, (T_i, 1 + C): z, NaN where missing, and covariates.
        """
        anchor, before = self.nets[0].anchor, self.nets[0].core.segment - 1
        tails = [self.tails[each] if len(self.tails[each]) else None for each in numbers]
        made = [
            with_changes(table, anchor.season, anchor.lookback, tail) for table, tail in zip(tables, tails, strict=True)
        ]
        whole = [each if tail is None else np.concatenate([tail, each]) for tail, each in zip(tails, made, strict=True)]
        # The rows of a segment that has begun are read again, embedded as part of it.
        seen = [all_[max(0, len(all_) - len(new) - before) :] for all_, new in zip(whole, made, strict=True)]
        places = torch.from_numpy(numbers).to(self.states[0][0].device)
        after = []
        for net, states in zip(self.nets, self.states, strict=True):
            with in_evaluation(net):
                moved = run(net, seen, tuple(each[:, places] for each in states))[1]
            after.append(tuple(each.index_copy(1, places, new) for each, new in zip(states, moved, strict=True)))
        kept = list(self.tails)
        for number, each in zip(numbers, whole, strict=True):
            kept[number] = each[-anchor.lookback :].copy()
        return replace(self, tails=kept, states=tuple(after))

    def rows(self, rows: Rows) -> Rows:
        """Return the rows that are kept in the place of those of a panel's tail, with what is known ahead of them."""
        made = np.full((len(rows.table), self.tails[0].shape[1]), np.nan, dtype=np.float32)
        made[:, 1 + MADE :] = rows.table[:, 1:]
        for start, tail in zip(rows.starts, self.tails, strict=True):
            made[start : start + len(tail)] = tail
        return replace(rows, table=made)

    def memories(self) -> list[Tensor]:
        """Return each network's state behind the last row of each series, (n, H)."""
        return [latest(states) for states in self.states]
