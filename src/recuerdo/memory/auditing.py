"""audit(): everything that this room measures, for any model, from one call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recuerdo.cells import Scanned, State
from recuerdo.errors import OptionError, ShapeError
from recuerdo.learn import Problem, threads_for
from recuerdo.memory.adapters import arguments_by_name, watchable
from recuerdo.memory.flow import GradientFlow, gradient_flow
from recuerdo.memory.gates import GateActivity, gate_activity
from recuerdo.memory.growth import Growth, growth
from recuerdo.memory.jacobians import lyapunov
from recuerdo.memory.recording import Recorded, record
from recuerdo.nn import RecurrentLayer, convert

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SAMPLES = 64
"""Samples that an audit looks at: enough for means, few enough to be quick."""

GROWTH_SAMPLES = 4
"""Samples whose Jacobian products are taken."""


@dataclass(frozen=True)
class Audit:
    """What was measured of a model on some data.

    Attributes:
        gradient_flow: where the gradient of the loss goes through time, one for each layer and direction.
        gates: what the gates do.
        growth: what becomes of a change of the state; empty where samples have lengths of their own.
        lyapunov: name -> the largest Lyapunov exponent, per step, the mean over samples; empty likewise.
        loss: the name of the loss that gradients are of.
        notes: what was left out or chosen, in sentences.
    """

    gradient_flow: list[GradientFlow]
    gates: list[GateActivity]
    growth: list[Growth]
    lyapunov: dict[str, float]
    loss: str
    notes: tuple[str, ...]

    def to_frame(self, name: str) -> pl.DataFrame:
        """Return "gradient_flow", "gates" or "growth" as a table.

        Raises:
            OptionError: another name.
        """
        makers: dict[str, Callable[[], pl.DataFrame]] = {
            "gradient_flow": lambda: _table(self.gradient_flow, "step"),
            "growth": lambda: _table(self.growth, "row"),
            "gates": self._gates_table,
        }
        if name not in makers:
            raise OptionError(f"There is no table {name!r}; there are {', '.join(makers)}.")
        return makers[name]()

    def plot(self, name: str, *, which: int = 0, ax: Axes | None = None) -> Axes:
        """Draw "gradient_flow" (every layer), or "gates" or "growth" of one layer and direction.

        Args:
            name: what to draw.
            which: the number of the layer and direction, for "gates" and "growth".
            ax: where to draw; None makes a new figure.

        Raises:
            OptionError: another name, or nothing of it was measured.
        """
        from recuerdo import show

        makers: dict[str, Callable[[], Axes]] = {
            "gradient_flow": lambda: show.plot_gradient_flow(self.gradient_flow, ax=ax),
            "gates": lambda: show.plot_gates(_one(self.gates, which), ax=ax),
            "growth": lambda: show.plot_growth(_one(self.growth, which), ax=ax),
        }
        if name not in makers:
            raise OptionError(f"There is no picture {name!r}; there are {', '.join(makers)}.")
        return makers[name]()

    def _gates_table(self) -> pl.DataFrame:
        rows = []
        for each in self.gates:
            for gate, left in each.left.items():
                right = each.right[gate]
                rows += [
                    {"layer": each.name, "gate": gate, "unit": unit, "left": float(low), "right": float(high)}
                    for unit, (low, high) in enumerate(zip(left, right, strict=True))
                ]
        schema = {"layer": pl.String, "gate": pl.String, "unit": pl.Int64, "left": pl.Float64, "right": pl.Float64}
        return pl.DataFrame(rows, schema=schema)

    def __str__(self) -> str:
        lines = [f"Gradients of {self.loss}:"]
        for flow in self.gradient_flow:
            first, last = flow.total[0], flow.total[-1]
            lines.append(f"  {flow.name}: |dL/ds| {last:.3g} at the last step, {first:.3g} at the first")
        for each in self.gates:
            if each.time_constants is not None:
                middle, longest = np.median(each.time_constants), np.max(each.time_constants)
                lines.append(
                    f"  {each.name}: gates promise {middle:.1f} steps in the median unit, {longest:.1f} at most"
                )
            for gate, left in each.left.items():
                right = each.right[gate].mean()
                lines.append(
                    f"  {each.name}: {gate} is shut {100 * left.mean():.0f} %, open {100 * right:.0f} % of the time"
                )
        for name, exponent in self.lyapunov.items():
            fate = f"changes die within {-1 / exponent:.1f} steps" if exponent < 0 else "changes do not die"
            lines.append(f"  {name}: largest Lyapunov exponent {exponent:+.3f} per step, {fate}")
        return "\n".join([*lines, *self.notes])


def audit(model: Any, data: Any, *, loss: Callable[[Any], Tensor] | None = None, seed: int = 0) -> Audit:
    """Measure where a model's gradients go, what its gates do, and how long a change of its state lasts.

    Args:
        model: a recuerdo layer or estimator, a torch module with nn.RNN, LSTM or GRU inside, or a Keras recurrent
            layer.
        data: what an estimator takes; for a layer an array or tensor (N, T, D), of which the first 64 samples are
            used; for a module of your own the tensor that it takes, or its arguments by name.
        loss: for a module or layer, a scalar of its output; None takes a fixed random projection of the output at the
            last step, which says where gradients can go rather than where a task sends them.
        seed: of directions and of the projection.

    Returns:
        The audit. The model is left as it is; everything is measured in evaluation mode.

    Raises:
        OptionError: nothing recurrent runs in the model, or a loss is given for an estimator, which has its own.
        ConversionError: a layer has no equal here.

    Example:
        >>> import recuerdo as rc
        >>> found = rc.memory.audit(torch.nn.LSTM(3, 8, batch_first=True), torch.randn(4, 20, 3))
        >>> len(found.gradient_flow[0].total), found.gates[0].time_constants.shape
        (20, (8,))
    """
    module, inputs, score, words = _problem(model, data, loss, seed)
    with threads_for(_products(module)):
        return _measured(module, inputs, score, words, seed)


def _products(module: nn.Module) -> int:
    """Multiply-adds of the largest recurrent product of a step."""
    layers = [each for each in module.modules() if isinstance(each, RecurrentLayer)]
    return MOST_SAMPLES * max((each.cell.blocks * each.hidden_size**2 for each in layers), default=0)


def _measured(
    module: nn.Module, inputs: Mapping[str, Any], score: Callable[[Any], Tensor], words: str, seed: int
) -> Audit:
    output, recorded = record(module, inputs)
    flows = gradient_flow(recorded, score(output))
    gates = gate_activity(recorded)
    notes: list[str] = []
    grown, exponents = [], {}
    if any(each.job.lengths is not None for each in recorded):
        notes.append("growth and Lyapunov exponents were left out: the samples have lengths of their own")
    elif recorded[0].job.x.shape[0] < 3:
        notes.append("growth and Lyapunov exponents were left out: they need three time steps or more")
    else:
        few = [_fewer(each) for each in recorded]
        grown = growth(few, seed=seed)
        exponents = {each.name: _largest_exponent(each, seed) for each in few}
    return Audit(flows, gates, grown, exponents, words, tuple(notes))


def _fewer(recorded: Recorded) -> Recorded:
    """The same recurrence with its first few samples alone, as constants."""
    keep = slice(GROWTH_SAMPLES)

    def cut(states: State) -> State:
        return tuple(each[..., keep, :].detach() for each in states)

    job, result = recorded.job, recorded.result
    return Recorded(
        recorded.name,
        replace(
            job,
            x=job.x[:, keep].detach(),
            state=cut(job.state),
            restart=None if job.restart is None else cut(job.restart),
            reset=None if job.reset is None else job.reset[:, keep],
            recurrent_mask=None if job.recurrent_mask is None else job.recurrent_mask[keep],
            zoneout=job.zoneout[:, :, keep] if isinstance(job.zoneout, Tensor) else job.zoneout,
            nudge=None,
        ),
        Scanned(result.output[:, keep].detach(), cut(result.state), cut(result.gates), cut(result.states)),
    )


def _largest_exponent(recorded: Recorded, seed: int) -> float:
    T = recorded.job.x.shape[0]
    return float(lyapunov(recorded, 1, warm_up=min(20, T // 4), seed=seed).exponents[:, 0].mean())


def _problem(
    model: Any, data: Any, loss: Callable[[Any], Tensor] | None, seed: int
) -> tuple[nn.Module, Mapping[str, Any], Callable[[Any], Tensor], str]:
    """The module to record, its arguments, and the loss of its output with a name."""
    if hasattr(model, "as_problem"):
        if loss is not None:
            raise OptionError(f"{type(model).__name__} has a loss of its own: leave loss= out.")
        problem: Problem = model.as_problem(data)
        batch = next(iter(problem.batches))
        return problem.module.eval(), batch.inputs, lambda output: problem.loss(output, batch), "the model's own loss"
    if type(model).__module__.startswith("keras"):  # with its torch backend a Keras layer is a torch module too
        model = convert.from_keras(model)
    elif not isinstance(model, nn.Module):
        raise OptionError(
            f"An audit takes a torch module, a recuerdo layer or estimator, or a Keras recurrent layer; got "
            f"{type(model).__module__}.{type(model).__name__}."
        )
    inputs = arguments_by_name(model, data)
    if isinstance(model, nn.RNNBase | RecurrentLayer):
        if not model.batch_first and not isinstance(data, Mapping):
            model = copy.deepcopy(model)
            model.batch_first = True  # data is (N, T, D) for every layer
        inputs = {name: _first(value, MOST_SAMPLES) for name, value in inputs.items()} if model.batch_first else inputs
    module = watchable(model, inputs)
    if loss is not None:
        return module, inputs, loss, "the loss that was given"
    words = "a random projection of the output at the last step (no loss was given)"
    return module, inputs, lambda output: _projection(output, seed), words


def _projection(output: Any, seed: int) -> Tensor:
    y = output
    while isinstance(y, tuple | list):
        y = y[0]
    if not isinstance(y, Tensor) or y.ndim < 2:
        raise ShapeError("The model's first output is no tensor of samples: give loss=, a scalar of the output.")
    last = y[:, -1] if y.ndim >= 3 else y
    direction = torch.randn(last.shape[1:], generator=torch.Generator().manual_seed(seed)).to(last)
    return (last * direction / direction.norm()).sum() / last.shape[0]


def _first(value: Any, count: int) -> Any:
    return value[:count] if isinstance(value, Tensor) else value


def _one(measured: list[Any], which: int) -> Any:
    if not 0 <= which < len(measured):
        have = f"0 to {len(measured) - 1}" if measured else "none: nothing of it was measured, see notes"
        raise OptionError(f"which={which}: the layers and directions are numbered, and there are {have}.")
    return measured[which]


def _table(measured: list[Any], counter: str) -> pl.DataFrame:
    """Arrays of one length, measured by layer, as rows."""
    frames = []
    for each in measured:
        columns = {field.name: getattr(each, field.name) for field in fields(each) if field.name != "name"}
        rows = len(next(iter(columns.values())))
        layer = pl.Series("layer", [each.name] * rows)
        frames.append(pl.DataFrame({counter: np.arange(rows), **columns}).select(layer, pl.all()))
    return pl.concat(frames) if frames else pl.DataFrame()
