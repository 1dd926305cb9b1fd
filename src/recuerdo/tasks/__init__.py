"""The jobs: estimators that take what people have and give what they want, and say how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recuerdo.errors import ModelFileError
from recuerdo.tasks import baselines, exponential_smoothing, interval_metrics, metrics
from recuerdo.tasks.causality import check_causality
from recuerdo.tasks.explanations import Explanation
from recuerdo.tasks.forecast_files import TASK as FORECASTER
from recuerdo.tasks.forecast_files import load_forecaster
from recuerdo.tasks.forecaster import Forecaster
from recuerdo.tasks.forecasts import Forecasts
from recuerdo.tasks.hold_out import Comparison, hold_out
from recuerdo.tasks.language_files import TASK as LANGUAGE
from recuerdo.tasks.language_files import load_language
from recuerdo.tasks.language_model import LanguageModel
from recuerdo.tasks.language_writing import Writer
from recuerdo.tasks.model_files import read_model
from recuerdo.tasks.problem_runs import ProblemRuns, run_problem
from recuerdo.tasks.report import Report
from recuerdo.tasks.sampling import Sampler
from recuerdo.tasks.score_tables import Errors
from recuerdo.tasks.sequence_classifier import SequenceClassifier
from recuerdo.tasks.sequence_files import CLASSIFIER, REGRESSOR, load_sequences
from recuerdo.tasks.sequence_regressor import SequenceRegressor
from recuerdo.tasks.sequence_report import SequenceReport
from recuerdo.tasks.surprises import Surprise
from recuerdo.tasks.tunings import Tuning

_LOADERS = {FORECASTER: load_forecaster, CLASSIFIER: load_sequences, REGRESSOR: load_sequences, LANGUAGE: load_language}


def load(path: str | Path) -> Any:
    """Load a model that an estimator's `save` wrote, on the CPU, wherever it was trained.

    Args:
        path: the model's directory. It holds no pickle, so that a model from a stranger is safe to open.

    Returns:
        The Forecaster, SequenceClassifier, SequenceRegressor or LanguageModel that was saved.

    Raises:
        ModelFileError: there is no model, or it is damaged, foreign, or of a newer schema.
    """
    card, tensors = read_model(path)
    loader = _LOADERS.get(str(card["task"]))
    if loader is None:
        raise ModelFileError(
            f"{path} holds a model for the task {card['task']!r}; this version knows {', '.join(_LOADERS)}: "
            f"update recuerdo."
        )
    return loader(Path(path), card, tensors)


__all__ = [
    "Comparison",
    "Errors",
    "Explanation",
    "Forecaster",
    "Forecasts",
    "LanguageModel",
    "ProblemRuns",
    "Report",
    "Sampler",
    "SequenceClassifier",
    "SequenceRegressor",
    "SequenceReport",
    "Surprise",
    "Tuning",
    "Writer",
    "baselines",
    "check_causality",
    "exponential_smoothing",
    "hold_out",
    "interval_metrics",
    "load",
    "metrics",
    "run_problem",
]
