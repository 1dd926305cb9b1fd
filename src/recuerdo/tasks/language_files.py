"""A language model as files, and back: weights, vocabulary and settings; the text is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from recuerdo.data.texts import Tokens
from recuerdo.errors import ModelFileError
from recuerdo.learn import History, seeded
from recuerdo.tasks.language_nets import LanguageNet, LanguageShape
from recuerdo.tasks.language_report import LanguageReport
from recuerdo.tasks.model_files import write_model

if TYPE_CHECKING:
    from recuerdo.tasks.language_model import LanguageModel

TASK = "language model"


def save_language(model: LanguageModel, path: str | Path, *, overwrite: bool) -> Path:
    """Write a fitted model; see :meth:`recuerdo.LanguageModel.save`."""
    net, tokens = model._fitted()
    card = {
        "settings": {**model.settings(), "random_state": model.report_.random_state},
        "shape": asdict(net.shape),
        "tokens": tokens.to_json(),
        "report": model.report_.to_json(),
        "history": None if model._history is None else model._history.to_dict(),
    }
    return write_model(path, TASK, card, dict(net.state_dict()), overwrite=overwrite)


def load_language(path: Path, card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LanguageModel:
    """Return the model that `save_language` wrote."""
    from recuerdo.tasks.language_model import LanguageModel

    try:
        model = LanguageModel(**card["settings"])
        with seeded(0):
            net = LanguageNet(LanguageShape(**card["shape"]))
        net.load_state_dict(dict(tensors))
        model._net, model._tokens = net.eval(), Tokens.from_json(card["tokens"])
        history = card.get("history")  # which files of before do not have
        model._history = None if history is None else History.from_dict(history)
        model.report_ = LanguageReport.from_json(card["report"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not hold what a language model needs ({error}): save it again.") from error
    return model
