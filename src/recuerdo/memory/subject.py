"""What is looked into: anyone's model and data, as a module, the arguments that it is called with, and its loss."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from recuerdo import shapes
from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.learn import History, Problem
from recuerdo.memory.adapters import arguments_by_name
from recuerdo.memory.reach import Needed, needed_of
from recuerdo.nn import RecurrentLayer, convert

READ = 2_000
"""Samples that are asked what the task needs."""


@dataclass(frozen=True)
class Subject:
    """A module that can be called, and what is known of it.

    Attributes:
        module: the module, in the mode that it was given in.
        inputs: its arguments by name.
        loss: its output -> the loss that the model brings; None if it brings none.
        answer: its output -> what the model that was given would have answered.
        notes: what was left out, in sentences.
        needed: asked for how many steps back the task needs, as far as the model's own data tell.
        history: of its training; None where it is not known.
        target: what its answers are compared with, (N, ...); None where it brings no loss.
        labels: names for the entries of its arguments, as a learn.Problem has them.
        more: asked for the arguments of further batches, where there are any.
    """

    module: nn.Module
    inputs: Mapping[str, Any]
    loss: Callable[[Any], Tensor] | None = None
    answer: Callable[[Any], Any] = lambda output: output
    notes: tuple[str, ...] = ()
    needed: Callable[[], Needed] = lambda: Needed(None, "unknown")
    history: History | None = None
    target: Tensor | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    more: Callable[[], Generator[Mapping[str, Any]]] = lambda: _none()


def _none() -> Generator[Mapping[str, Any]]:
    yield from ()


def subject_of(model: Any, data: Any, *, most: int | None = None) -> Subject:
    """Make a subject of a model and its data.

    Args:
        model: a recuerdo layer or estimator, a torch module, a Keras recurrent layer, or a learn.Problem.
        data: what an estimator takes, (X, y) of a classifier or regressor of sequences;
            for a layer an array or tensor (N, T, D), whichever way its own axes run, or its
            arguments by name, as it takes them itself; the same for a module, but that an array is given to it as it
            is; None for a Problem, whose first batch is taken.
        most: samples of a layer's batch to keep; None keeps all.

    Raises:
        OptionError: data are missing, or given for a Problem; or the model is none of these.
        ShapeError, DataError: a layer's data are not (N, T, D), hold no step, or hold something else than finite
            floating-point numbers.
        ConversionError: a Keras layer has no equal here.
    """
    who = type(model).__name__
    if isinstance(model, type):
        raise OptionError(f"{model.__name__} is a class: give a model of it, as {model.__name__}(...) makes one.")
    if isinstance(model, Problem) == (data is not None):
        raise OptionError(
            f"{who} brings data of its own: leave them out."
            if isinstance(model, Problem)
            else f"{who} needs data to run on: give them behind the model."
        )
    model = _ordinary(model)
    if isinstance(model, Problem) or hasattr(model, "as_problem"):
        return _of_problem(model if isinstance(model, Problem) else _problem_of(model, data))
    if type(model).__module__.split(".")[0] == "keras":  # with its torch backend a Keras layer is a torch module too
        return _of_layer(convert.from_keras(model), data, most, _keras_answer(model))
    if isinstance(model, nn.RNNBase | RecurrentLayer):
        return _of_layer(model, data, most, lambda output: output)
    if isinstance(model, nn.Module):
        return Subject(model, arguments_by_name(model, data))
    raise OptionError(
        f"What can be looked into is a torch module, a recuerdo layer or estimator, a learn.Problem, or a Keras "
        f"recurrent layer; got {type(model).__module__}.{who}."
    )


def _ordinary(model: Any) -> Any:
    """The model; one that was made inside torch.inference_mode() as a copy, which can be differentiated through."""
    made_there = isinstance(model, nn.Module) and any(each.is_inference() for each in model.parameters())
    return copy.deepcopy(model) if made_there else model


def _problem_of(estimator: Any, data: Any) -> Problem:
    """What an estimator learns from data: a table, or sequences and answers where it takes these apart."""
    if "y" not in inspect.signature(estimator.as_problem).parameters:
        return estimator.as_problem(data)
    if not isinstance(data, tuple) or len(data) not in (2, 3):
        raise OptionError(
            f"{type(estimator).__name__} learns from sequences and their answers: give both as data, as in (X, y), or "
            f"(X, y, lengths) of a padded array."
        )
    return estimator.as_problem(*data)


def _of_problem(problem: Problem) -> Subject:
    place = problem.batches.state_dict()
    batch = next(iter(problem.batches))
    problem.batches.load_state_dict(place)
    inputs = arguments_by_name(problem.module, batch.inputs)

    def more() -> Generator[Mapping[str, Any]]:
        try:
            for other in islice(problem.batches, 1, None):
                yield arguments_by_name(problem.module, other.inputs)
        finally:
            problem.batches.load_state_dict(place)

    return Subject(
        problem.module,
        inputs,
        lambda output: problem.loss(output, batch),
        needed=lambda: _needed(problem, place),
        history=problem.history,
        target=batch.target,
        labels=problem.labels,
        more=more,
    )


def _needed(problem: Problem, place: dict[str, int]) -> Needed:
    """What a linear readout of the sequences says, where they are numbers of one length, and so are the answers."""
    if problem.needed is not None:
        return Needed(problem.needed, "known of the data")
    sequences, answers, count = [], [], 0
    for batch in problem.batches:
        first = next((each for each in batch.inputs.values() if each.ndim == 3 and each.is_floating_point()), None)
        if first is None or batch.inputs.get("lengths") is not None or not batch.target.is_floating_point():
            break
        target = batch.target
        if target.ndim == 3 and target.shape[1] == first.shape[1]:  # an answer at each step: the last one
            target = target[:, -1]
        sequences.append(first)
        answers.append(target.flatten(1) if target.ndim > 1 else target.unsqueeze(1))
        count += len(first)
        if count >= READ:
            break
    problem.batches.load_state_dict(place)
    alike = len({each.shape[1:] for each in sequences}) == 1
    return needed_of(torch.cat(sequences), torch.cat(answers)) if alike else Needed(None, "unknown")


def _of_layer(layer: nn.RNNBase | RecurrentLayer, data: Any, most: int | None, answer: Callable[[Any], Any]) -> Subject:
    inputs = arguments_by_name(layer, data)
    if not layer.batch_first and not isinstance(data, Mapping):
        layer = copy.deepcopy(layer)
        layer.batch_first = True  # an array is (N, T, D) for every layer
    x = inputs["x" if isinstance(layer, RecurrentLayer) else "input"]
    if not isinstance(x, Tensor):
        return Subject(layer, inputs, answer=answer)
    _require_sequences(layer, x)
    axis = 0 if layer.batch_first else 1
    N = x.shape[axis]
    if most is None or most >= N:
        return Subject(layer, inputs, answer=answer)

    def part(samples: slice) -> dict[str, Any]:
        return {name: _part(name, value, samples, axis) for name, value in inputs.items()}

    def more() -> Generator[Mapping[str, Any]]:
        for first in range(most, N, most):
            yield part(slice(first, first + most))

    notes = (f"the first {most} of the {N} samples were looked at",)
    return Subject(layer, part(slice(most)), answer=answer, notes=notes, more=more)


def _require_sequences(layer: nn.RNNBase | RecurrentLayer, x: Tensor) -> None:
    who = type(layer).__name__
    shapes.check(x, layer.input_size, who=who, time_first=not layer.batch_first)
    if 0 in x.shape:
        raise ShapeError(f"The data {tuple(x.shape)} are empty: give one sample or more, of one time step or more.")
    if not x.is_floating_point():
        raise DataError(f"{who} computes with floating-point numbers, got {x.dtype}: convert the data to float.")
    wrong = (~x.isfinite()).nonzero()
    if len(wrong):
        n, t, d = wrong[0].tolist() if layer.batch_first else wrong[0][[1, 0, 2]].tolist()
        what = "NaN" if bool(x.isnan().any()) else "infinity"
        raise DataError(
            f"The data hold {what}: {len(wrong)} of their {x.numel()} numbers are not finite, the first at sample {n}, "
            f"step {t}, feature {d}. Fill these in, or leave them out."
        )


def _part(name: str, value: Any, samples: slice, axis: int) -> Any:
    """Some samples of one of a layer's arguments, of which each keeps its samples on another axis."""
    if name in ("hx", "state"):
        return _part_of_states(value, samples)
    if name == "lengths":
        return None if value is None else value[samples]
    if name in ("x", "input", "reset") and value is not None:
        value = torch.as_tensor(value)
        return value[samples] if axis == 0 else value[:, samples]
    return value


def _part_of_states(state: Any, samples: slice) -> Any:
    if isinstance(state, tuple | list):
        return tuple(_part_of_states(part, samples) for part in state)
    return state[:, samples] if isinstance(state, Tensor) else state


def _keras_answer(layer: Any) -> Callable[[Any], Any]:
    """Turn a recurrent layer's output and final state into what a Keras layer with these settings returns."""

    def answer(made: tuple[Tensor, Tensor | tuple[Tensor, ...]]) -> Any:
        output, final = made
        states = (final,) if isinstance(final, Tensor) else final
        directions = range(states[0].shape[0])
        if not layer.return_sequences:  # each direction's own last step
            parts = output.chunk(len(directions), dim=-1)
            output = torch.cat([part[:, -k] for part, k in zip(parts, (1, 0), strict=False)], dim=-1)
        return [output, *(state[k] for k in directions for state in states)] if layer.return_state else output

    return answer
