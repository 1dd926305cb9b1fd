"""A forecaster as files, and back: what model.json and weights.safetensors hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recuerdo.data.covariates import Covariate
from recuerdo.data.frequency import Frequency
from recuerdo.data.tables import Panel, Series
from recuerdo.data.times import TimeType
from recuerdo.errors import ModelFileError
from recuerdo.learn import History, seeded
from recuerdo.tasks.conformal import Conformal, ConformalQuantiles, Uncalibrated
from recuerdo.tasks.forecast_ensembles import Calibration, Ensemble
from recuerdo.tasks.forecast_inputs import Encoding
from recuerdo.tasks.forecast_plan import Plan
from recuerdo.tasks.forecast_running import RunningNet
from recuerdo.tasks.forecast_schema_1 import upgraded
from recuerdo.tasks.forecast_shapes import Shape
from recuerdo.tasks.forecast_streams import Stream
from recuerdo.tasks.forecast_training import Trained
from recuerdo.tasks.model_files import write_model
from recuerdo.tasks.report import Report
from recuerdo.tasks.scaling import FeatureScaler, Scaler

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

TASK = "forecaster"


def save_forecaster(model: Forecaster, path: str | Path, *, overwrite: bool) -> Path:
    """Write a fitted forecaster; see :meth:`Forecaster.save`."""
    ensemble, known, calibration = model._ensemble, model._panel, model._calibration
    encoding = ensemble.encoding
    calendar, quantiles = model._settings["calendar"], model._settings["quantiles"]
    card = {
        "settings": {
            **model._settings,
            "quantiles": None if quantiles is None else list(quantiles),
            "calendar": calendar if isinstance(calendar, str) else list(calendar),
        },
        "plan": asdict(model._plan),
        "shape": asdict(ensemble.shape),
        "members": [{"seed": each.seed, "history": each.history.to_dict()} for each in ensemble.members],
        "unit": ensemble.members[0].unit,
        "encoding": {
            "log": encoding.log,
            "calendar": list(encoding.calendar),
            **{role: [asdict(each) for each in getattr(encoding, role)] for role in ROLES},
        },
        "moves": [[level, move] for level, move in calibration.moves.items()]
        if isinstance(calibration, ConformalQuantiles)
        else None,
        "by_scale": calibration.by_scale if isinstance(calibration, Conformal) else None,
        "independent": calibration.independent if isinstance(calibration, Conformal) else None,
        "report": model.report_.to_json(),
        "table": {
            "date": known.date,
            "target": known.target if isinstance(known.target, str) else list(known.target),
            "id": known.id,
            "kind": known.kind,
            "notes": list(known.notes),
            "freq": known.freq.to_json(),
            "time_type": known.time_type.to_json(),
            "covariates": [asdict(each) for each in known.covariates],
            "static": [asdict(each) for each in known.static],
        },
        "series": [{"id": one.id, **asdict(encoding.scalers[one.id])} for one in known.series],
    }
    tensors = {
        f"net.{number}.{name}": tensor
        for number, each in enumerate(ensemble.members)
        for name, tensor in each.net.state_dict().items()
    }
    if isinstance(calibration, Conformal):
        tensors["conformal.spread"] = torch.from_numpy(calibration.spread)
        tensors["conformal.scores"] = torch.from_numpy(calibration.scores)
    series = known.series
    tensors["series.lengths"] = torch.tensor([len(one.values) for one in series])
    tensors["series.values"] = torch.from_numpy(np.concatenate([one.values for one in series]))
    tensors["series.times"] = torch.from_numpy(np.concatenate([one.times.astype(np.int64) for one in series]))
    tensors["series.covariates"] = torch.from_numpy(np.concatenate([one.covariates for one in series]))
    tensors["series.static"] = torch.from_numpy(np.stack([one.static for one in series]))
    tensors["series.learned"] = torch.from_numpy(np.array(model._learned).astype(np.int64))
    if model._stream is not None:
        tensors["stream.rows"] = torch.from_numpy(np.concatenate(model._stream.tails))
        for number, states in enumerate(model._stream.states):
            tensors |= {f"stream.{number}.{place}": each for place, each in enumerate(states)}
    return write_model(path, TASK, card, tensors, overwrite=overwrite)


ROLES = ("past", "future", "static")


def load_forecaster(path: Path, card: Mapping[str, Any], tensors: dict[str, Tensor]) -> Forecaster:
    """Return the forecaster that `save_forecaster` wrote."""
    from recuerdo.tasks.forecaster import Forecaster

    try:
        if card["schema"] == 1:
            card, tensors = upgraded(card, tensors)
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in card["settings"].items()
        }
        model = Forecaster(**settings)
        model._settings = settings
        model._plan = Plan(**card["plan"])
        model._panel = _panel_from(card, tensors)
        model._learned = _learned_from(model._panel, tensors)
        model._ensemble = _ensemble_from(card, tensors)
        model._stream = _stream_from(model._ensemble, tensors)
        model._calibration = _calibration_from(card, tensors)
        model.report_ = Report.from_json(card["report"])
        _require_alike(model, model._ensemble.shape)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise ModelFileError(
            f"{path} is not a forecaster that this version wrote ({reason}): its model.json and weights do not "
            f"belong together. Save the model anew."
        ) from error
    return model


def _require_alike(model: Forecaster, shape: Shape) -> None:
    """Raise ValueError where the settings or the plan are not those that the networks were built by."""
    for said in (model.get_params(), asdict(model._plan), {"levels": model._levels}):
        for name, value in said.items():
            built = getattr(shape, name, value)
            if value is not None and value != built:
                raise ValueError(f"{name} is {value!r}, and the networks were built with {built!r}")


def _ensemble_from(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Ensemble:
    shape = Shape(**{**card["shape"], "levels": tuple(card["shape"]["levels"])})
    kept = card["encoding"]
    scalers = {one["id"]: Scaler(**{key: one[key] for key in ("mean", "std", "log")}) for one in card["series"]}
    roles = {role: tuple(_feature_scaler(each) for each in kept[role]) for role in ROLES}
    encoding = Encoding(scalers, kept["log"], **roles, calendar=tuple(kept["calendar"]))
    members = []
    for number, member in enumerate(card["members"]):
        with seeded(member["seed"]):  # the layers draw weights, which are replaced: not from the user's random numbers
            net = shape.build(card["unit"])
        prefix = f"net.{number}."
        net.load_state_dict({name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)})
        history = History.from_dict(member["history"])
        members.append(Trained(net.eval(), shape, encoding, card["unit"], history, member["seed"]))
    return Ensemble(tuple(members))


def _learned_from(known: Panel, tensors: Mapping[str, Tensor]) -> tuple[Any, ...]:
    """The last stamps that were learned from: those of the panel, in a file from before rows could follow."""
    if "series.learned" not in tensors:
        return tuple(one.times[-1] for one in known.series)
    return tuple(tensors["series.learned"].numpy().view(known.series[0].times.dtype))


def _stream_from(ensemble: Ensemble, tensors: Mapping[str, Tensor]) -> Stream | None:
    nets = tuple(each.net for each in ensemble.members if isinstance(each.net, RunningNet))
    if not nets:
        return None
    states = []
    for number, net in enumerate(nets):
        kept = tuple(tensors[f"stream.{number}.{place}"] for place in range(len(net.core.encoder.cell.states)))
        fresh = net.start(len(tensors["series.lengths"]))
        if [each.shape for each in kept] != [each.shape for each in fresh]:
            raise ValueError(f"the states of network {number} have other shapes than it")
        states.append(kept)
    lengths, rows = tensors["series.lengths"], tensors["stream.rows"].numpy()
    if len(rows) != lengths.sum():
        raise ValueError(f"{len(rows)} rows are kept of series that have {lengths.sum()}")
    return Stream(nets, np.split(rows, lengths.numpy().cumsum()[:-1]), tuple(states))


def _feature_scaler(plain: Mapping[str, Any]) -> FeatureScaler:
    categories = plain["categories"]
    return FeatureScaler(**{**plain, "categories": None if categories is None else tuple(categories)})


def _calibration_from(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Calibration:
    if not card["settings"].get("trial", True):  # which settings of before there were others do not say
        return Uncalibrated()
    if card["moves"] is not None:
        return ConformalQuantiles(dict(card["moves"]))
    independent = card.get("independent")  # of an earlier version, which did not widen: what it said, it says
    return Conformal(
        tensors["conformal.spread"].numpy(),
        tensors["conformal.scores"].numpy(),
        None if independent is None else float(independent),
        by_scale=card.get("by_scale", True),
    )


def _panel_from(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Panel:
    table = card["table"]
    freq = Frequency.from_json(table["freq"])
    times = tensors["series.times"].numpy()
    if freq.unit != "steps":
        times = times.view("datetime64[us]")
    cuts = tensors["series.lengths"].numpy().cumsum()[:-1]
    parts = (
        np.split(each, cuts) for each in (times, *(tensors[f"series.{n}"].numpy() for n in ("values", "covariates")))
    )
    static = tensors["series.static"].numpy()
    ids = [one["id"] for one in card["series"]]
    return Panel(
        series=tuple(Series(*each) for each in zip(ids, *parts, static, strict=True)),
        freq=freq,
        date=table["date"],
        target=table["target"] if isinstance(table["target"], str) else tuple(table["target"]),
        id=table["id"],
        kind=table["kind"],
        time_type=TimeType.from_json(table["time_type"]),
        notes=tuple(table["notes"]),
        covariates=tuple(_covariate(each) for each in table["covariates"]),
        static=tuple(_covariate(each) for each in table["static"]),
    )


def _covariate(plain: Mapping[str, Any]) -> Covariate:
    categories = plain["categories"]
    return Covariate(plain["name"], plain["role"], None if categories is None else tuple(categories))
