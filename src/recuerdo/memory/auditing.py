"""audit(): everything that this room measures, for any model, from one call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recuerdo.cells import Scanned, State
from recuerdo.errors import OptionError, ShapeError
from recuerdo.learn import Problem, threads_for
from recuerdo.memory.adapters import arguments_by_name, watchable
from recuerdo.memory.audited import Audit
from recuerdo.memory.depth import gradient_by_layer
from recuerdo.memory.flow import gradient_flow
from recuerdo.memory.gates import gate_activity
from recuerdo.memory.growth import growth
from recuerdo.memory.itemised import ItemisedFlow, itemised_flow
from recuerdo.memory.jacobians import Lyapunov, lyapunov
from recuerdo.memory.recording import Recorded, record
from recuerdo.nn import RecurrentLayer, convert

MOST_SAMPLES = 32
"""Samples that an audit looks at: enough for means, few enough to be quick."""

GROWTH_SAMPLES = 4
"""Samples whose Jacobian products are taken."""

EXPONENTS = 8
"""Lyapunov exponents of each layer and direction, at most."""

SHORTEST = 3
"""Time steps that growth and Lyapunov exponents need."""


def audit(model: Any, data: Any = None, *, loss: Callable[[Any], Tensor] | None = None, seed: int = 0) -> Audit:
    """Measure where a model's gradients go, what its gates do, and how long a change of its state lasts.

    Args:
        model: a recuerdo layer or estimator, a torch module with nn.RNN, LSTM or GRU inside, a Keras recurrent layer,
            or a learn.Problem, which brings its data and its loss.
        data: what an estimator takes; for a layer an array or tensor (N, T, D), of which the first 32 samples are
            used; for a module of your own the tensor that it takes, or its arguments by name; nothing for a Problem,
            whose first batch is taken.
        loss: for a module or layer, a scalar of its output; None takes a fixed random projection of the output at the
            last step, which says where gradients can go rather than where a task sends them.
        seed: of directions and of the projection.

    Returns:
        The audit. The model is left as it is; everything is measured in evaluation mode.

    Raises:
        OptionError: nothing recurrent runs in the model; data are missing, or given for a Problem; or a loss is given
            for an estimator or a Problem, which has its own.
        ConversionError: a layer has no equal here.

    Example:
        >>> import recuerdo as rc
        >>> found = rc.memory.audit(torch.nn.LSTM(3, 8, batch_first=True), torch.randn(4, 20, 3))
        >>> len(found.gradient_flow[0].total), found.gates[0].time_constants.shape
        (20, (8,))
    """
    question = _question(model, data, loss, seed)
    with threads_for(_products(question.module)):
        return _measured(question, seed)


class _Question(NamedTuple):
    """What is asked of a module.

    Attributes:
        module: what to record.
        inputs: its arguments by name.
        loss: its output -> the loss whose gradients are followed.
        steps: its output -> the loss that is itemised by the steps of the output at which it is read.
        words: the loss by name.
    """

    module: nn.Module
    inputs: Mapping[str, Any]
    loss: Callable[[Any], Tensor]
    steps: Callable[[Any], Tensor]
    words: str


def _products(module: nn.Module) -> int:
    """Multiply-adds of the largest recurrent product of a step."""
    layers = [each for each in module.modules() if isinstance(each, RecurrentLayer)]
    return MOST_SAMPLES * max((each.cell.blocks * each.hidden_size**2 for each in layers), default=0)


def _measured(question: _Question, seed: int) -> Audit:
    output, recorded = record(question.module, question.inputs)
    loss, steps = question.loss(output), question.steps(output)
    notes: list[str] = []
    itemised: list[ItemisedFlow] = []
    y = _first_tensor(output)
    if y is None or y.ndim < 2 or y.shape[1] < 2:
        notes.append("the itemised flow was left out: the module answers with one number")
    elif not _reads(steps, y):
        notes.append("the itemised flow was left out: the loss does not read the module's first output")
    else:
        itemised = itemised_flow(recorded, y, steps)
        if itemised[0].of > len(itemised[0].losses):
            notes.append(
                f"the itemised flow holds {len(itemised[0].losses)} of the {itemised[0].of} steps that the loss reads"
            )
    grown, exponents = [], []
    if any(each.job.lengths is not None for each in recorded):
        notes.append("growth and Lyapunov exponents were left out: the samples have lengths of their own")
    elif recorded[0].job.x.shape[0] < SHORTEST:
        notes.append(f"growth and Lyapunov exponents were left out: they need {SHORTEST} time steps or more")
    else:
        few = [_fewer(each) for each in recorded]
        grown = growth(few, seed=seed)
        exponents = [_exponents(each, seed) for each in few]
    return Audit(
        gradient_flow=gradient_flow(recorded, loss),
        itemised=itemised,
        depth=gradient_by_layer(recorded, loss),
        gates=gate_activity(recorded),
        growth=grown,
        lyapunov=exponents,
        loss=question.words,
        notes=tuple(notes),
    )


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


def _exponents(recorded: Recorded, seed: int) -> Lyapunov:
    T, k = recorded.job.x.shape[0], sum(each.shape[-1] for each in recorded.job.state)
    return lyapunov(recorded, min(k, EXPONENTS), warm_up=min(20, T // 4), seed=seed)


def _question(model: Any, data: Any, loss: Callable[[Any], Tensor] | None, seed: int) -> _Question:
    who = type(model).__name__
    if isinstance(model, Problem) == (data is not None):
        raise OptionError(
            f"{who} brings data of its own: leave them out."
            if isinstance(model, Problem)
            else f"An audit of {who} needs data to run on: give audit(model, data)."
        )
    if isinstance(model, Problem) or hasattr(model, "as_problem"):
        if loss is not None:
            raise OptionError(f"{who} has a loss of its own: leave loss= out.")
        return _of_problem(model if isinstance(model, Problem) else model.as_problem(data))
    if type(model).__module__.startswith("keras"):  # with its torch backend a Keras layer is a torch module too
        model = convert.from_keras(model)
    elif not isinstance(model, nn.Module):
        raise OptionError(
            f"An audit takes a torch module, a recuerdo layer or estimator, or a Keras recurrent layer; got "
            f"{type(model).__module__}.{who}."
        )
    inputs = arguments_by_name(model, data)
    if isinstance(model, nn.RNNBase | RecurrentLayer):
        if not model.batch_first and not isinstance(data, Mapping):
            model = copy.deepcopy(model)
            model.batch_first = True  # data is (N, T, D) for every layer
        inputs = {name: _first(value, MOST_SAMPLES) for name, value in inputs.items()} if model.batch_first else inputs
    module = watchable(model, inputs)
    if loss is not None:
        return _asking(module, inputs, loss, "the loss that was given")
    words = "a random projection of the output at the last step (no loss was given)"
    return _Question(
        module,
        inputs,
        lambda output: _projection(output, seed, slice(-1, None)),
        lambda output: _projection(output, seed, slice(None)),
        words,
    )


def _of_problem(problem: Problem) -> _Question:
    place = problem.batches.state_dict()
    batch = next(iter(problem.batches))
    problem.batches.load_state_dict(place)
    module = watchable(problem.module, batch.inputs)
    return _asking(module, batch.inputs, lambda y: problem.loss(y, batch), "the model's own loss")


def _asking(module: nn.Module, inputs: Mapping[str, Any], loss: Callable[[Any], Tensor], words: str) -> _Question:
    return _Question(module, inputs, loss, loss, words)


def _reads(loss: Tensor, output: Tensor) -> bool:
    by_output = torch.autograd.grad(loss, output, retain_graph=True, allow_unused=True)[0]
    return by_output is not None and bool(by_output.any())


def _projection(output: Any, seed: int, steps: slice) -> Tensor:
    """The mean over samples of a random projection of the output at each of some steps, added up."""
    y = _first_tensor(output)
    if y is None or y.ndim < 2:
        raise ShapeError("The model's first output is no tensor of samples: give loss=, a scalar of the output.")
    taken = y[:, steps] if y.ndim >= 3 else y.unsqueeze(1)
    direction = torch.randn(taken.shape[2:], generator=torch.Generator().manual_seed(seed)).to(taken)
    return (taken * direction / direction.norm()).sum() / taken.shape[0]


def _first_tensor(output: Any) -> Tensor | None:
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return output if isinstance(output, Tensor) else None


def _first(value: Any, count: int) -> Any:
    return value[:count] if isinstance(value, Tensor) else value
