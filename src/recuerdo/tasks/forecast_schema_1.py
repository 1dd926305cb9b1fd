"""Forecasters that were saved in schema 1, brought to what the present schema holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from recuerdo.tasks.forecast_anchor import member_names
from recuerdo.tasks.forecast_shapes import Shape

NOTHING = -1e4
"""Logit of a member that an older anchor does not have: its weight is 0."""


def upgraded(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and the tensors of a schema 1 forecaster in the present schema; it forecasts the same.

    Its direct network had one anchor, last season + g * growth, with the same g = sigmoid(damping) for each step, and a
    window's level was the mean of its last season.
    """
    settings, plan = card["settings"], card["plan"]
    own = {"segment": 1, "least": plan["lookback"]}
    plan = {**plan, **own, "hidden_size": settings["hidden_size"], "batch_size": settings["batch_size"]}
    shape = Shape(
        cell=settings["cell"],
        strategy=settings["strategy"],
        hidden_size=settings["hidden_size"],
        num_layers=settings["num_layers"],
        dropout=settings["dropout"],
        horizon=settings["horizon"],
        lookback=plan["lookback"],
        season=plan["season"],
        level_rows=plan["season"],
        levels=tuple(sorted(settings["quantiles"])),
    )
    made = {**card}
    made["settings"] = {**settings, "encoder": "steps"}
    made["plan"], made["shape"] = plan, asdict(shape)
    made["members"] = [{"seed": card["seed"], "history": card["history"]}]
    made["encoding"] = {"log": plan["log"], "calendar": [], "past": [], "future": [], "static": []}
    made["moves"] = None
    made["table"] = {**card["table"], "covariates": [], "static": []}

    renamed = {f"net.0.{name[4:]}": tensor for name, tensor in tensors.items() if name.startswith("net.")}
    if shape.strategy == "direct":
        renamed["net.0.anchor.logits"] = _logits(shape, renamed.pop("net.0.damping"))
    values, times = tensors["series.values"], tensors["series.times"]
    series, rows = values.shape
    renamed["series.lengths"] = torch.full((series,), rows)
    renamed["series.values"], renamed["series.times"] = values.reshape(-1), times.reshape(-1)
    renamed["series.covariates"] = torch.zeros(series * rows, 0, dtype=torch.float64)
    renamed["series.static"] = torch.zeros(series, 0, dtype=torch.float64)
    return made, renamed | {name: each for name, each in tensors.items() if name.startswith("conformal.")}


def _logits(shape: Shape, damping: Tensor) -> Tensor:
    names = list(member_names(shape.season, shape.lookback))
    logits = torch.full((len(names),), NOTHING)
    logits[names.index("last season" if shape.season > 1 else "last value")] = torch.nn.functional.logsigmoid(-damping)
    logits[names.index("last season and growth")] = torch.nn.functional.logsigmoid(damping)
    return logits.expand(shape.horizon, -1).clone()
