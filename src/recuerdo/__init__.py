"""recuerdo: recurrent networks that forecast, and show what they remember.

The public names are imported at first use, so that ``import recuerdo`` loads neither torch nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from recuerdo._version import __version__

if TYPE_CHECKING:
    from recuerdo import cells, data, errors, kernels, learn, memory, nn, shapes, show, tasks
    from recuerdo.nn import convert
    from recuerdo.tasks import Forecaster, LanguageModel, SequenceClassifier, SequenceRegressor, load

_HOMES = {
    "Forecaster": "recuerdo.tasks",
    "LanguageModel": "recuerdo.tasks",
    "SequenceClassifier": "recuerdo.tasks",
    "SequenceRegressor": "recuerdo.tasks",
    "load": "recuerdo.tasks",
    "convert": "recuerdo.nn",
}
_ROOMS = ("cells", "data", "errors", "kernels", "learn", "memory", "nn", "shapes", "show", "tasks")

__all__ = [
    "Forecaster",
    "LanguageModel",
    "SequenceClassifier",
    "SequenceRegressor",
    "__version__",
    "cells",
    "convert",
    "data",
    "errors",
    "kernels",
    "learn",
    "load",
    "memory",
    "nn",
    "shapes",
    "show",
    "tasks",
]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f"recuerdo.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recuerdo' has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
