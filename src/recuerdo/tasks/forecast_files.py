"""A forecaster as files, and back: what model.json and weights.safetensors hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recuerdo.data.frequency import Frequency
from recuerdo.data.tables import Panel, Series
from recuerdo.data.times import TimeType
from recuerdo.errors import ModelFileError
from recuerdo.learn import History, seeded
from recuerdo.tasks.conformal import Conformal
from recuerdo.tasks.forecast_plan import Plan
from recuerdo.tasks.forecast_training import Trained
from recuerdo.tasks.model_files import write_model
from recuerdo.tasks.report import Report
from recuerdo.tasks.scaling import Scaler

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

TASK = "forecaster"


def save_forecaster(model: Forecaster, path: str | Path, *, overwrite: bool) -> Path:
    """Write a fitted forecaster; see :meth:`Forecaster.save`."""
    trained, known = model._model, model._panel
    card = {
        "settings": {**model._settings, "quantiles": list(model._settings["quantiles"])},
        "plan": asdict(model._plan),
        "unit": trained.unit,
        "seed": trained.seed,
        "history": trained.history.to_dict(),
        "report": model.report_.to_json(),
        "table": {
            "date": known.date,
            "target": known.target if isinstance(known.target, str) else list(known.target),
            "id": known.id,
            "kind": known.kind,
            "notes": list(known.notes),
            "freq": known.freq.to_json(),
            "time_type": known.time_type.to_json(),
        },
        "series": [{"id": one.id, **asdict(scaler)} for one, scaler in zip(known.series, trained.scalers, strict=True)],
    }
    tensors = {f"net.{name}": tensor for name, tensor in trained.net.state_dict().items()}
    tensors["conformal.spread"] = torch.from_numpy(model._conformal.spread)
    tensors["conformal.scores"] = torch.from_numpy(model._conformal.scores)
    tensors["series.values"] = torch.from_numpy(np.stack([one.values for one in known.series]))
    tensors["series.times"] = torch.from_numpy(np.stack([one.times.astype(np.int64) for one in known.series]))
    return write_model(path, TASK, card, tensors, overwrite=overwrite)


def load_forecaster(path: Path, card: Mapping[str, Any], tensors: dict[str, Tensor]) -> Forecaster:
    """Return the forecaster that `save_forecaster` wrote."""
    from recuerdo.tasks.forecaster import Forecaster

    try:
        settings = {**card["settings"], "quantiles": tuple(card["settings"]["quantiles"])}
        model = Forecaster(**settings)
        model._settings = settings
        model._plan = Plan(**card["plan"])
        with seeded(card["seed"]):  # the layers draw weights, which are replaced: not from the user's random numbers
            net = model._shape(model._plan, model.cell).build(card["unit"])
        net.load_state_dict({name[4:]: tensor for name, tensor in tensors.items() if name.startswith("net.")})
        scalers = tuple(Scaler(**{key: one[key] for key in ("mean", "std", "log")}) for one in card["series"])
        history = History.from_dict(card["history"])
        model._model = Trained(net.eval(), scalers, card["unit"], history, card["seed"])
        model._conformal = Conformal(tensors["conformal.spread"].numpy(), tensors["conformal.scores"].numpy())
        model._panel = _panel_from(card, tensors)
        model.report_ = Report.from_json(card["report"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise ModelFileError(
            f"{path} is not a forecaster that this version wrote ({reason}): its model.json and weights do not "
            f"belong together. Save the model anew."
        ) from error
    return model


def _panel_from(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Panel:
    table = card["table"]
    freq = Frequency.from_json(table["freq"])
    values, times = tensors["series.values"].numpy(), tensors["series.times"].numpy()
    if freq.unit != "steps":
        times = times.view("datetime64[us]")
    return Panel(
        series=tuple(Series(one["id"], t, v) for one, t, v in zip(card["series"], times, values, strict=True)),
        freq=freq,
        date=table["date"],
        target=table["target"] if isinstance(table["target"], str) else tuple(table["target"]),
        id=table["id"],
        kind=table["kind"],
        time_type=TimeType.from_json(table["time_type"]),
        notes=tuple(table["notes"]),
    )
