"""The unfolded cell: a few steps of one unit, each line of the cell with its numbers put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from torch import Tensor, nn

from recuerdo.cells import CellSpec, Walk
from recuerdo.errors import OptionError
from recuerdo.memory.adapters import watchable
from recuerdo.memory.reading import as_text
from recuerdo.memory.recording import Recorded, record
from recuerdo.memory.steps import Steps, arguments_of
from recuerdo.memory.subject import subject_of
from recuerdo.memory.written import Line, Page

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Moment:
    """One step of one unit.

    Attributes:
        t: the time step.
        x: the cell's input, D numbers.
        before: state name -> the unit's state before the step.
        lines: the cell's lines, in the order in which they can be computed.
        restarted: a new sequence begins here, so that the state before it was put back to its start.
    """

    t: int
    x: tuple[float, ...]
    before: dict[str, float]
    lines: tuple[Line, ...]
    restarted: bool

    def __getitem__(self, name: str) -> float:
        """The value of the line of that name."""
        for line in self.lines:
            if line.name == name:
                return line.value
        raise KeyError(f"{name!r}: there are {', '.join(line.name for line in self.lines)}")


@dataclass(frozen=True)
class Unfolded:
    """A few neighbouring steps of one unit of a cell, with their numbers.

    Attributes:
        layer: the name of the layer and direction.
        cell: its equations.
        sample, unit: whose numbers these are.
        t: the step that was asked for.
        reverse: the layer runs from the last step to the first, so that the state before step t is the one of t + 1.
        steps: the steps around t, in the order of time.
    """

    layer: str
    cell: CellSpec
    sample: int
    unit: int
    t: int
    reverse: bool
    steps: tuple[Moment, ...]

    def __getitem__(self, t: int) -> Moment:
        """The step t."""
        for step in self.steps:
            if step.t == t:
                return step
        raise KeyError(f"step {t}: steps {self.steps[0].t} to {self.steps[-1].t} were unfolded")

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 100) -> str:
        """Return the steps as plain text for a terminal.

        Args:
            width: columns, 80 or more; a sum that is too long for them is shortened and says so.

        Raises:
            OptionError: fewer than 80 columns.
        """
        return as_text(self, width)

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each line of each step: step, name, formula, value."""
        rows = [(step.t, line.name, line.formula, line.value) for step in self.steps for line in step.lines]
        schema = {"step": pl.Int64, "name": pl.String, "formula": pl.String, "value": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the cells side by side; see :func:`recuerdo.show.plot_unfolded`."""
        from recuerdo.show import plot_unfolded

        return plot_unfolded(self, ax=ax)

    def to_svg(self, path: str | Path) -> Path:
        """Draw the cells side by side into an SVG file; see :func:`recuerdo.show.save_unfolded`."""
        from recuerdo.show import save_unfolded

        return save_unfolded(self, path)


def unfold(
    model: Any, data: Any, t: int, *, layer: int | str = 0, sample: int = 0, unit: int = 0, around: int = 2
) -> Unfolded:
    """Write out what one unit computes at a step and at its neighbours, with every number.

    The model is run once and recorded. Each step is then computed again from the recorded state before it, in float64
    and by the cell's own equations.

    Args:
        model: what :func:`recuerdo.memory.audit` takes. It is called in the mode that it is in (a module with
            torch.nn's layers as a copy, in evaluation mode).
        data: what goes with it there; of a learn.Problem None, and of an estimator its table: the samples are then
            those of the first batch.
        t: the time step in the middle, from 0.
        layer: which recurrence, by its name or by its number in the order in which they run; each direction counts as
            one.
        sample, unit: whose numbers.
        around: how many steps to show on either side, as far as the sample has them.

    Returns:
        The steps t - around to t + around.

    Raises:
        OptionError: t, layer, sample, unit or around is no whole number or out of range, or nothing recurrent ran; and
            what else an audit refuses.

    Source:
        The equations are those of :mod:`recuerdo.cells`, which names their papers.

    Example:
        >>> import numpy as np, recuerdo as rc
        >>> layer = rc.nn.LSTM(1, 1)
        >>> for parameter in layer.parameters():
        ...     _ = torch.nn.init.constant_(parameter, 0.5)
        >>> step = rc.memory.unfold(layer, np.ones((1, 4, 1)), t=0)[0]
        >>> for line in step.lines[-3:]:
        ...     print(f"{line.name} = {line.formula} = {line.numbers} = {line.value:.3f}")
        a_o = Wx_o + Uh_o = 1 + 0.5 = 1.500
        o = sigmoid(a_o) = sigmoid(1.5) = 0.818
        h_t = o * tanh(c_t) = 0.818 * tanh(0.740) = 0.514
    """
    with torch.inference_mode(False):
        subject = subject_of(model, data)
        module = subject.module
        if any(isinstance(each, nn.RNNBase) for each in module.modules()):
            module = watchable(module, subject.inputs)
        recorded = record(module, subject.inputs)[1]
        return _unfolded(recorded, t, layer, sample, unit, around)


def _unfolded(recorded: Sequence[Recorded], t: int, layer: int | str, sample: int, unit: int, around: int) -> Unfolded:
    names = [each.name for each in recorded]
    if isinstance(layer, str):
        if layer not in names:
            raise OptionError(f"layer={layer!r} did not run; what ran is {', '.join(names)}: choose one of these.")
        layer = names.index(layer)
    one = recorded[_require("layer", layer, len(recorded), f"what ran is {', '.join(names)}")]
    _, N = one.job.x.shape[:2]
    H = one.job.state[0].shape[-1]
    sample = _require("sample", sample, N, f"the batch has {_count(N, 'sample')}")
    unit = _require("unit", unit, H, f"layer {one.name} has {_count(H, 'unit')}")
    length = int(one.inside[:, sample].sum())
    t = _require("t", t, length, f"sample {sample} has {_count(length, 'time step')} in layer {one.name}")
    if not _whole(around) or around < 0:
        raise OptionError(f"around={around!r}: it counts the steps on either side, so it has to be 0 or more.")
    steps = range(max(0, t - around), min(length, t + around + 1))
    moments = _moments(one, steps, sample, unit)
    return Unfolded(one.name, one.job.cell, sample, unit, t, one.job.reverse, moments)


def _moments(recorded: Recorded, steps: range, sample: int, unit: int) -> tuple[Moment, ...]:
    job, cell = recorded.job, recorded.job.cell
    taken = arguments_of(job)
    walk = Walk(**taken)
    before = Steps(recorded).before
    moments = []
    for t in steps:
        state = tuple(each[t, sample] for each in before)
        restarted = walk.reset is not None and bool(walk.reset[t, sample])
        if restarted:
            state = tuple(s[sample] for s in walk.restart) if walk.restart else tuple(map(torch.zeros_like, state))
        page = Page(
            cell,
            taken["weights"],
            unit,
            mask=None if job.recurrent_mask is None else taken["recurrent_mask"][sample],
            earlier="{t+1}" if job.reverse else "{t-1}",
        )
        x = taken["x"][t, sample]
        lines = page.write(x, state, kept_by_zoneout(walk.zoneout, t, sample, state))
        values = {name: float(s[unit]) for name, s in zip(cell.states, state, strict=True)}
        moments.append(Moment(t, tuple(x.tolist()), values, tuple(lines), restarted))
    return tuple(moments)


def kept_by_zoneout(
    zoneout: float | Tensor | None, t: int | slice, sample: int, state: tuple[Tensor, ...]
) -> tuple[Tensor, ...] | None:
    """The share of each old state that zoneout keeps, (H,) each."""
    if zoneout is None:
        return None
    if isinstance(zoneout, Tensor):
        return tuple(zoneout[:, t, sample])
    return tuple(torch.full_like(s, zoneout) for s in state)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _require(argument: str, value: Any, count: int, words: str) -> int:
    """The value as an int, if it is a whole number from 0 to count - 1."""
    whole = _whole(value)
    if whole and 0 <= value < count:
        return int(value)
    last = f"from 0 to {count - 1}" if count > 1 else "0"
    mend = f"choose {argument} {last}" if count else "choose another sample"
    wrong = "is out of range" if whole else "is no whole number"
    raise OptionError(f"{argument}={value!r} {wrong}{', because' if whole else ';'} {words}: {mend}.")
