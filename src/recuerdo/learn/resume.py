"""Everything that the next step of a training depends on, as tensors and facts, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from recuerdo.errors import ModelFileError
from recuerdo.learn.best import Best
from recuerdo.learn.callbacks import Run
from recuerdo.learn.history import History
from recuerdo.learn.problem import Batches
from recuerdo.learn.randomness import random_streams, set_random_streams
from recuerdo.learn.weights import set_weights, weights

LATER = {"optimizer": "adamw", "decay_from": None, "decay_every": None, "decay": 0.5}
"""Settings that came later, and what training did before."""

SERIES = ("losses", "grad_norms", "learning_rates", "evaluations")  # long, so they are kept as tensors


def pack(
    run: Run, batches: Batches, valid: Batches | None, device: torch.device, finished: bool
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The whole state of a training between two steps.

    Returns:
        The tensors (weights, best weights, optimiser, random numbers, per-step records), named group/name, and the
        other facts.
    """
    record = run.history.to_dict()
    groups: dict[str, Mapping[str, Tensor]] = {
        "weights": weights(run.module),
        "best": run.best.kept or {},
        "optimizer": {
            f"{index}/{name}": value for index, values in run.optimizer.state.items() for name, value in values.items()
        },
        "random": random_streams(device),
        "history": {name: torch.tensor(record.pop(name), dtype=torch.float64) for name in SERIES},
    }
    facts = {
        "finished": finished,
        "identity": identity(run, batches, valid, device),
        "history": record,
        "total": run.total,
        "reason": run.reason,
        "best": {"loss": run.best.loss, "step": run.best.step, "stale": run.best.stale},
        "budget": run.budget.state_dict(),
        "batches": batches.state_dict(),
        "valid": None if valid is None else valid.state_dict(),
    }
    return {f"{group}/{name}": value for group, part in groups.items() for name, value in part.items()}, facts


def unpack(
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    run: Run,
    batches: Batches,
    valid: Batches | None,
    device: torch.device,
) -> None:
    """Puts a training into the state that `pack` gave.

    Raises:
        ModelFileError: the state belongs to a training with other settings, weights, batches or seed.
    """
    require_same(facts["identity"], identity(run, batches, valid, device))
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        group, name = key.split("/", 1)
        groups.setdefault(group, {})[name] = value

    batches.load_state_dict(facts["batches"])
    if valid is not None:
        valid.load_state_dict(facts["valid"])
    set_weights(run.module, groups["weights"])
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in groups.get("optimizer", {}).items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    run.optimizer.load_state(state)
    set_random_streams(groups["random"], device)
    series = {name: groups["history"][name].tolist() for name in SERIES}
    run.history = History.from_dict({**facts["history"], **series})
    run.total, run.reason = facts["total"], facts["reason"]
    run.best = Best(**facts["best"], kept=groups.get("best"))
    run.budget.load_state_dict(facts["budget"])


def identity(run: Run, batches: Batches, valid: Batches | None, device: torch.device) -> dict[str, Any]:
    """What two trainings must share for one to go on where the other was: in JSON's own types."""
    named = {**dict(run.module.named_parameters()), **dict(run.module.named_buffers())}
    settings = asdict(run.settings)
    for name, usual in LATER.items():  # absent then, as in the checkpoints of versions that did not have them
        if settings[name] == usual:
            del settings[name]
    return {
        **settings,
        "random_state": run.history.random_state,
        "device": device.type,
        "training batches per epoch": len(batches),
        "validation batches": None if valid is None else len(valid),
        "weights": {name: [str(value.dtype), *value.shape] for name, value in named.items()},
    }


def require_same(saved: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raises `ModelFileError` with the first thing in which a checkpoint's training differs from this one."""
    name, was, now = _first_difference(saved, own)
    if name == "weights":
        layer, was, now = _first_difference(was, now)
        name = f"the weight {layer!r}"
    if name is not None:
        raise ModelFileError(
            f"The checkpoint belongs to another training: {name} was {was} and is now {now}. "
            "Train with what it was begun with, or name another file."
        )


def _first_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str | None, Any, Any]:
    for name in {**one, **other}:
        if one.get(name) != other.get(name):
            return name, one.get(name), other.get(name)
    return None, None, None
