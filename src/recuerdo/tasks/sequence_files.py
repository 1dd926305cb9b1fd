"""Classifiers and scorers of sequences in model directories, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from recuerdo.data.texts import Tokens
from recuerdo.errors import ModelFileError
from recuerdo.learn import History, seeded
from recuerdo.tasks.bags import Bag
from recuerdo.tasks.language_starts import LEFT_OUT
from recuerdo.tasks.model_files import write_model
from recuerdo.tasks.sequence_classifier import SequenceClassifier
from recuerdo.tasks.sequence_fitting import SequenceEstimator
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_models import SequenceModel
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape
from recuerdo.tasks.sequence_regressor import SequenceRegressor
from recuerdo.tasks.sequence_report import SequenceReport

CLASSIFIER, REGRESSOR = "sequence classifier", "sequence regressor"


def save_sequences(estimator: SequenceEstimator, path: str | Path, *, overwrite: bool) -> Path:
    """Write a fitted estimator; see :meth:`recuerdo.SequenceClassifier.save`."""
    model = estimator._model
    settings = estimator.get_params(deep=False) | {"random_state": estimator.report_.random_state}
    if not isinstance(estimator.embeddings, str):
        settings["embeddings"] = LEFT_OUT
    weights = settings.get("class_weight")
    if isinstance(weights, Mapping):
        settings["class_weight"] = {"pairs": [[_plain(key), weight] for key, weight in weights.items()]}
    tensors = {f"nets.{i}.{name}": one for i, net in enumerate(model.nets) for name, one in net.state_dict().items()}
    bag = None
    if model.bag is not None:
        bag, numbers = model.bag.to_parts()
        tensors |= {f"bag.{name}": one for name, one in numbers.items()}
    encoding = model.encoding
    card = {
        "settings": settings,
        "shape": model.nets[0].shape.to_json(),
        "nets": len(model.nets),
        "tokens": encoding.to_json() if isinstance(encoding, Tokens) else None,
        "numbers": encoding.to_json() if isinstance(encoding, NumberEncoding) else None,
        "bag": bag,
        "columns": model.columns,
        "pool": list(model.pool),
        "classes": None if model.classes is None else model.classes.tolist(),
        "labels": None if model.classes is None else model.classes.dtype.str,
        "offset": model.offset.tolist(),
        "unit": model.unit.tolist(),
        "steps": model.steps,
        "flat": model.flat,
        "names": model.names,
        "constant": None if model.constant is None else model.constant.tolist(),
        "counted": model.counted,
        "histories": [each.to_dict() for each in model.histories],
        "report": estimator.report_.to_json(),
    }
    return write_model(path, CLASSIFIER if estimator.CLASSES else REGRESSOR, card, tensors, overwrite=overwrite)


def load_sequences(path: Path, card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SequenceEstimator:
    """Return the estimator that `save_sequences` wrote."""
    try:
        settings = dict(card["settings"])
        settings["readout"] = (
            settings["readout"] if isinstance(settings["readout"], str) else tuple(settings["readout"])
        )
        if isinstance(settings.get("class_weight"), Mapping):
            settings["class_weight"] = dict(settings["class_weight"]["pairs"])
        kind = SequenceClassifier if card["task"] == CLASSIFIER else SequenceRegressor
        estimator = kind(**settings)
        shape = SequenceShape.from_json(card["shape"])
        nets = tuple(_net(shape, tensors, f"nets.{i}.") for i in range(card["nets"]))
        tokens, numbers, bag = card["tokens"], card["numbers"], card["bag"]
        encoding = Tokens.from_json(tokens) if tokens is not None else NumberEncoding.from_json(numbers)
        model = SequenceModel(
            nets,
            encoding,
            None if bag is None else Bag.from_parts(bag, _under(tensors, "bag.")),
            tuple(card["pool"]),
            None if card["classes"] is None else np.array(card["classes"], dtype=card["labels"]),
            np.array(card["offset"]),
            np.array(card["unit"]),
            card["steps"],
            card["flat"],
            None if card["names"] is None else tuple(card["names"]),
            None if card.get("constant") is None else np.array(card["constant"]),
            card.get("counted", 0.0),
            columns=card.get("columns"),
            histories=tuple(History.from_dict(each) for each in card.get("histories", ())),
        )
        estimator._settle(model)
        estimator.report_ = SequenceReport.from_json(card["report"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{path} is no whole model: {error}. It was changed, or written in part; fit it anew."
        ) from error
    return estimator


def columns_of(estimator: SequenceEstimator) -> Mapping[str, Any] | None:
    """Return the columns of the file that a fitted estimator learned from, by their roles; None where none are kept."""
    return estimator._model.columns


def remember_columns(estimator: SequenceEstimator, columns: Mapping[str, Any]) -> None:
    """Have a fitted estimator keep which columns of a file it learned from, also when it is saved.

    Args:
        estimator: the fitted estimator.
        columns: names of columns by their roles, of what JSON can hold.
    """
    estimator._settle(replace(estimator._model, columns=dict(columns)))


def _net(shape: SequenceShape, tensors: Mapping[str, Tensor], prefix: str) -> SequenceNet:
    with seeded(0):  # what is drawn is overwritten, and the user's own stream is left alone
        net = shape.build()
    net.load_state_dict(_under(tensors, prefix))
    return net.eval()


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _plain(key: Any) -> Any:
    return key.item() if hasattr(key, "item") else key
