"""audit(): everything that this room measures, for any model, from one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from recuerdo.cells import Scanned, State
from recuerdo.errors import DataError, OptionError
from recuerdo.learn import threads_for
from recuerdo.memory.adapters import watchable
from recuerdo.memory.audited import Audit
from recuerdo.memory.axes import Axes, at_each_step, axes_of
from recuerdo.memory.depth import gradient_by_layer
from recuerdo.memory.findings import Evidence, findings
from recuerdo.memory.flow import gradient_flow
from recuerdo.memory.gates import gate_activity
from recuerdo.memory.growth import Growth, growth
from recuerdo.memory.horizon import Horizon, Sequences, differentiable, horizon_of, sequences_in
from recuerdo.memory.itemised import ItemisedFlow, itemised_flow
from recuerdo.memory.jacobians import Lyapunov, lyapunov
from recuerdo.memory.portrait import Shown, Untrained, portraits, untrained
from recuerdo.memory.projection import first_tensor, projection
from recuerdo.memory.reach import Needed, grows, reach
from recuerdo.memory.recall import Recall, recall
from recuerdo.memory.recording import Recorded, joined, record
from recuerdo.memory.subject import Subject, subject_of
from recuerdo.nn import RecurrentLayer

MOST_SAMPLES = 32
"""Samples that an audit looks at: enough for means, few enough to be quick."""

PROBED, NUMBERS = 512, 10_000_000
"""Samples that probes look at, and numbers of their states, at most: they are fitted, which takes more of them."""

SAMPLE = 0
"""The sample that is shown step by step."""

GROWTH_SAMPLES = 4
"""Samples whose Jacobian products are taken."""

EXPONENTS = 8
"""Lyapunov exponents of each layer and direction, at most."""

SHORTEST = 3
"""Time steps that growth and Lyapunov exponents need."""


def audit(
    model: Any,
    data: Any = None,
    *,
    loss: Callable[[Any], Tensor] | None = None,
    needed: int | None = None,
    seed: int = 0,
) -> Audit:
    """Measure how far back a model remembers: its gradients, its gates, its state, and what its answers use.

    Args:
        model: a recuerdo layer or estimator, a torch module with nn.RNN, LSTM or GRU inside, a Keras recurrent layer,
            or a learn.Problem, which brings its data and its loss.
        data: what an estimator takes, (X, y) of a classifier or regressor of sequences;
            for a layer an array or tensor (N, T, D), or its arguments by name with the axes
            that it takes itself, of which the first 32 samples are used; for a module of your own the tensor that it
            takes, or its arguments by name; nothing for a Problem, whose first batch is taken.
        loss: for a module or layer, a scalar of its output (of what a Keras layer itself would return); None takes a
            fixed random projection of the output at each sample's last step, which says where gradients can go rather
            than where a task sends them.
        needed: how many steps back the task needs, if you know; None lets a linear readout of the input say, where the
            model brings answers that are numbers.
        seed: of directions, of the projection and of shuffled tokens.

    Returns:
        The audit. The model is left as it is; everything is measured in evaluation mode.

    Raises:
        OptionError: nothing recurrent runs in the model; data are missing, given for a Problem, or not by the names
            that the model takes; the loss is no scalar with a gradient; or it is given for an estimator or a Problem,
            which has its own.
        ShapeError: a layer's data are not (N, T, D); or, without a loss, the output's samples cannot be told from its
            steps.
        DataError: the data hold NaN or infinity, or the model makes some of them.
        ConversionError: a layer has no equal here.

    Example:
        >>> import recuerdo as rc
        >>> found = rc.memory.audit(torch.nn.LSTM(3, 8, batch_first=True), torch.randn(4, 20, 3))
        >>> len(found.gradient_flow[0].total), found.gates[0].time_constants.shape
        (20, (8,))
    """
    with torch.inference_mode(False), torch.enable_grad():
        subject = subject_of(model, data, most=MOST_SAMPLES)
        if loss is not None and subject.loss is not None:
            raise OptionError(f"{type(model).__name__} has a loss of its own: leave loss= out.")
        if loss is not None and not callable(loss):
            raise OptionError(f"loss={loss!r}: give a function that takes the output and returns a scalar of it.")
        module = watchable(subject.module, subject.inputs)
        if needed is not None and (isinstance(needed, bool) or not isinstance(needed, Integral) or needed < 0):
            raise OptionError(f"needed={needed!r}: it counts steps back, so it has to be a whole number from 0.")
        with threads_for(_products(module)):
            return _measured(module, subject, loss, needed, seed)


def _products(module: nn.Module) -> int:
    """Multiply-adds of the largest recurrent product of a step."""
    layers = [each for each in module.modules() if isinstance(each, RecurrentLayer)]
    return MOST_SAMPLES * max((each.cell.blocks * each.hidden_size**2 for each in layers), default=0)


def _measured(
    module: nn.Module, subject: Subject, given: Callable[[Any], Tensor] | None, needed: int | None, seed: int
) -> Audit:
    inputs = differentiable(subject.inputs)
    output, recorded = record(module, inputs)
    _require_finite(recorded)
    y = first_tensor(output)
    whole: Callable[[Any], Tensor] | None = subject.loss
    if subject.loss is not None:
        loss = steps = _checked(subject.loss(output))
        words = "the model's own loss"
    elif given is not None:
        loss = steps = _checked(given(subject.answer(output)))
        whole = lambda made: given(subject.answer(made))  # noqa: E731
        words = "the loss that was given"
    else:
        loss, steps, words = projection(y, recorded, seed)
    axes = axes_of(recorded, y) if isinstance(y, Tensor) else None
    itemised, of_items = _itemised(recorded, y, steps, axes)
    grown, exponents, of_growth = _grown(recorded, seed)
    found = sequences_in(inputs, recorded, axes)
    tokens = found is not None and not inputs[found.name].is_floating_point()
    recalled, of_recall = _recalled(module, subject, recorded, found if tokens else None, seed)
    far, of_horizon = _far(module, inputs, output, recorded, whole, axes)
    flows, gates = gradient_flow(recorded, loss), gate_activity(recorded)
    ends = tuple(int(each.inside.any(dim=1).sum()) for each in recorded)
    known = subject.needed() if needed is None else Needed(int(needed), "given")
    each = axes is not None and at_each_step(recorded, y, axes)
    by_step = itemised if each else []
    reached = reach(flows, by_step, gates, exponents, recalled, far, ends, known)
    evidence = Evidence(
        recorded,
        gates,
        reached,
        grows(flows),
        tokens=tokens,
        history=subject.history,
        last_only=_last_only(y, axes, loss, subject.target),
    )
    return Audit(
        gradient_flow=flows,
        itemised=itemised,
        at_each_step=each,
        depth=gradient_by_layer(recorded, loss),
        gates=gates,
        growth=grown,
        lyapunov=exponents,
        recall=recalled,
        horizon=far,
        reach=reached,
        findings=findings(evidence),
        loss=words,
        notes=(*subject.notes, *of_items, *of_growth, *of_recall, *of_horizon),
        ends=ends,
        shown=_shown(inputs, found, subject.labels),
        portraits=portraits(recorded, gates, SAMPLE),
        untrained=_untrained(module, inputs, whole, seed),
    )


def _shown(inputs: Mapping[str, Any], found: Sequences | None, labels: Mapping[str, Sequence[str]]) -> Shown | None:
    """The sample that portraits are of."""
    if found is None:
        return None
    names = labels.get(found.name)
    of = found.lengths[SAMPLE]
    one = inputs[found.name].detach().movedim((found.samples, found.steps), (0, 1))[SAMPLE, :of]
    if not one.is_floating_point():
        ids = one.tolist() if one.ndim == 1 else []
        return Shown(SAMPLE, None, (), tuple(str(each if names is None else names[each]) for each in ids))
    values = one.flatten(1) if one.ndim > 1 else one.unsqueeze(1)
    D = values.shape[1]
    named = tuple(names) if names is not None and len(names) == D else tuple(f"feature {d}" for d in range(D))
    return Shown(SAMPLE, values.double().cpu().numpy(), named, None)


def _untrained(
    module: nn.Module, inputs: Mapping[str, Any], loss: Callable[[Any], Tensor] | None, seed: int
) -> Untrained | None:
    """The same of fresh weights; None where these make something else than finite numbers."""
    output, recorded = record(untrained(module, seed), inputs)
    value = projection(first_tensor(output), recorded, seed).last if loss is None else loss(output)
    if not value.isfinite():
        return None
    return Untrained(gradient_flow(recorded, value), portraits(recorded, gate_activity(recorded), SAMPLE))


def _recalled(
    module: nn.Module, subject: Subject, recorded: Sequence[Recorded], tokens: Sequences | None, seed: int
) -> tuple[list[Recall], list[str]]:
    """What the states hold of the input, by more samples than all else takes, and a note where it was not probed."""
    batches, ids = [recorded], [] if tokens is None else [_steps_first(subject.inputs, tokens)]
    (T, N), names = recorded[0].inside.shape, [each.name for each in recorded]
    units = sum(state.shape[-1] for each in recorded for state in each.states.values())
    most = min(PROBED, NUMBERS // (T * units))
    with closing(subject.more()) as more:
        while most > N and (inputs := next(more, None)) is not None:
            _, others = record(module, inputs, differentiable=False)
            if [each.name for each in others] == names and len(others[0].inside) == T:
                batches.append(others)
                ids += [] if tokens is None else [_steps_first(inputs, tokens)]
                N += others[0].inside.shape[1]
    known = torch.cat(ids, dim=1) if ids else None
    if known is not None and known.shape != (T, N):
        return [], ["what the state holds was left out: the recurrence does not run over the tokens themselves"]
    try:
        return recall(joined(batches), known, seed=seed), []
    except (DataError, OptionError) as error:
        return [], [f"what the state holds was left out: {_beginning_small(error)}"]


def _steps_first(inputs: Mapping[str, Any], found: Sequences) -> Tensor:
    """The sequences, (T, N)."""
    return inputs[found.name].movedim((found.steps, found.samples), (0, 1))


def _last_only(y: Any, axes: Axes | None, loss: Tensor, target: Tensor | None) -> bool:
    """Whether the loss reads one step of an output that has an answer for each."""
    if axes is None or y.ndim < 3 or target is None or target.ndim < 2:
        return False
    T = y.shape[axes.steps]
    by_output = torch.autograd.grad(loss, y, retain_graph=True, allow_unused=True)[0]
    if by_output is None or target.shape[1] != T or T < 2:
        return False
    return int(by_output.movedim(axes.steps, 0).flatten(1).any(dim=1).sum()) == 1


def _far(
    module: nn.Module,
    inputs: Mapping[str, Any],
    output: Any,
    recorded: Sequence[Recorded],
    loss: Callable[[Any], Tensor] | None,
    axes: Axes | None,
) -> tuple[Horizon | None, list[str]]:
    """How far back answers use the past, and notes on that."""
    try:
        found = horizon_of(module, inputs, output, recorded, loss, axes=axes)
    except OptionError as error:
        return None, [f"what answers use was left out: {_beginning_small(error)}"]
    if found.disagree:
        return found, [
            f"gradient and exchange order the inputs differently (rank correlation {found.agreement:.2f}): trust "
            f"neither alone"
        ]
    return found, []


def _beginning_small(error: Exception) -> str:
    words = str(error).rstrip(".")
    return words[:1].lower() + words[1:]


def _require_finite(recorded: Sequence[Recorded]) -> None:
    for each in recorded:
        for what, values in (("was given", each.job.x), ("answers with", each.result.output)):
            if not values.isfinite().all():
                raise DataError(
                    f"The layer {each.name} {what} NaN or infinity: look for them in the data and in the weights."
                )


def _checked(loss: Any) -> Tensor:
    """The loss, if there is one number in it that carries a gradient."""
    if not isinstance(loss, Tensor):
        raise OptionError(f"The loss is a {type(loss).__name__}: it has to be a tensor computed from the output.")
    if loss.numel() != 1:
        raise OptionError(f"The loss has shape {tuple(loss.shape)}: it has to be one number, such as its mean.")
    if not loss.requires_grad:
        raise OptionError("The loss carries no gradient: compute it from the output, without detach() or no_grad().")
    return loss


def _itemised(
    recorded: Sequence[Recorded], y: Any, steps: Tensor, axes: Axes | None
) -> tuple[list[ItemisedFlow], list[str]]:
    """The itemised flow, and notes on what it leaves out."""
    reason = None
    if not isinstance(y, Tensor):
        reason = f"the module's first output is a {type(y).__name__} and no tensor"
    elif y.ndim < 2:
        reason = "the module answers with one number" + " for each sample" * y.ndim
    elif axes is None:
        reason = f"which axis of the output, {tuple(y.shape)}, counts the samples cannot be told"
    elif y.shape[axes.steps] < 2:
        reason = "the module answers with one " + ("number" if y.ndim == 2 else "step")
    elif not _reads(steps, y):
        reason = "the loss does not read the module's first output"
    if reason is not None:
        return [], [f"the itemised flow was left out: {reason}"]
    itemised = itemised_flow(recorded, y, steps, axes=axes)
    shown, of = len(itemised[0].losses), itemised[0].of
    notes = [f"the itemised flow holds {shown} of the {of} steps that the loss reads"] if of > shown else []
    return itemised, notes


def _reads(loss: Tensor, output: Tensor) -> bool:
    by_output = torch.autograd.grad(loss, output, retain_graph=True, allow_unused=True)[0]
    return by_output is not None and bool(by_output.any())


def _grown(recorded: Sequence[Recorded], seed: int) -> tuple[list[Growth], list[Lyapunov], list[str]]:
    """Growth and exponents of every recurrence that allows them, and notes on those that do not."""
    left_out: dict[str, list[str]] = {}
    few = []
    for each in recorded:
        if not each.inside.all():
            left_out.setdefault("samples with lengths of their own end before the batch does", []).append(each.name)
        elif each.job.x.shape[0] < SHORTEST:
            left_out.setdefault(f"they need {SHORTEST} time steps or more", []).append(each.name)
        else:
            few.append(_fewer(each))
    notes = []
    for reason, names in left_out.items():
        of = "" if len(names) == len(recorded) else f" of {_listed(names)}"
        notes.append(f"growth and Lyapunov exponents{of} were left out: {reason}")
    if any(each.job.x.shape[1] > GROWTH_SAMPLES for each in recorded) and few:
        notes.append(f"growth and Lyapunov exponents are those of the first {GROWTH_SAMPLES} samples")
    return growth(few, seed=seed), [_exponents(each, seed) for each in few], notes


def _listed(names: Sequence[str]) -> str:
    """The names, of many only the first three."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


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
            lengths=None,  # growth is of samples that fill the batch
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
