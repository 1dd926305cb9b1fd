"""The arguments of a classifier or scorer of sequences, checked before anything is read or trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from recuerdo.data.token_levels import LEVELS
from recuerdo.errors import OptionError
from recuerdo.learn import Settings, seeded
from recuerdo.nn import LAYERS, READOUTS
from recuerdo.tasks.forecast_options import (
    is_number,
    require_count,
    require_from_zero,
    require_offered,
    require_share,
    resolve_device,
)
from recuerdo.tasks.language_starts import LEFT_OUT

if TYPE_CHECKING:
    from recuerdo.tasks.sequence_fitting import SequenceEstimator

OUTPUTS = ("last", "each")
EMBEDDINGS = ("ppmi", "random")


def checked_options(model: SequenceEstimator) -> None:
    """Raise OptionError for the first argument that is not offered, saying what is."""
    for argument in ("hidden_size", "num_layers", "embedding_size", "crop", "n_seeds"):
        require_count(argument, getattr(model, argument))
    for argument in ("fold", "max_vocabulary", "max_steps", "batch_size"):
        if getattr(model, argument) is not None:
            require_count(argument, getattr(model, argument))
    require_offered("cell", model.cell, tuple(LAYERS))
    require_offered("output", model.output, OUTPUTS)
    require_offered("level", model.level, tuple(name for name, level in LEVELS.items() if not level.given))
    _require_embeddings(model.embeddings)
    require_offered("baselines", model.baselines, ("auto", None))
    require_offered("changes", model.changes, ("auto", True, False))
    for argument in ("early_stop", "bidirectional", "residual", "layer_norm", "lowercase", "trial"):
        require_offered(argument, getattr(model, argument), (True, False))
    _require_readout(model.readout)
    for argument in ("dropout", "word_dropout"):
        require_share(argument, getattr(model, argument))
    for argument in ("jitter", "weight_decay"):
        require_from_zero(argument, getattr(model, argument))
    seconds = model.max_seconds
    if seconds is not None and not (is_number(seconds) and 0 < seconds < math.inf):
        raise OptionError(f"max_seconds={seconds!r}: a budget is a number of seconds above 0, or None.")
    if model.residual and model.num_layers == 1:
        raise OptionError("residual=True adds a layer's input from the second layer on: set num_layers=2 or more.")
    if model.output == "each" and model.fold not in (None, 1):
        raise OptionError(
            f"fold={model.fold} makes one step of several, and output='each' answers at every step: leave one of them "
            f"out."
        )
    if not any(model.verbose is each for each in (True, False, None)) and model.verbose != "brief":
        raise OptionError(f"verbose={model.verbose!r} is not offered; there are True, False, None and 'brief'.")
    with seeded(seed_of(model.random_state), resolve_device(model.device)):
        if model.learning_rate is not None:
            Settings(learning_rate=model.learning_rate)  # each of these raises what training would


def seed_of(random_state: Any) -> Any:
    """Return the seed; scikit-learn's RandomState draws one.

    Example:
        >>> import numpy as np
        >>> seed_of(3), seed_of(np.random.RandomState(0)) == seed_of(np.random.RandomState(0))
        (3, True)
    """
    if hasattr(random_state, "randint"):
        return int(random_state.randint(2**31 - 1))
    return (
        int(random_state) if isinstance(random_state, Integral) and not isinstance(random_state, bool) else random_state
    )


def _require_embeddings(embeddings: Any) -> None:
    if embeddings == LEFT_OUT:
        raise OptionError(
            "embeddings= named a language model when this model was fitted, and its file holds what it became: to fit "
            "anew, give the language model again with set_params(embeddings=...), or 'ppmi'."
        )
    from recuerdo.tasks.language_model import LanguageModel

    if not isinstance(embeddings, LanguageModel):
        require_offered("embeddings", embeddings, EMBEDDINGS)


def _require_readout(readout: str | Sequence[str]) -> None:
    parts = (readout,) if not isinstance(readout, list | tuple) else tuple(readout)
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= set(READOUTS):
        raise OptionError(f"readout={readout!r}: it is one or more of {', '.join(READOUTS)}, as in ('last', 'mean').")


def require_bag(bag: Any) -> None:
    """Raise OptionError unless it says whether a bag of n-grams is wanted."""
    require_offered("bag", bag, ("auto", True, False))


def require_class_weight(class_weight: Any) -> None:
    """Raise OptionError unless it is a mapping, "balanced" or None."""
    if class_weight is not None and class_weight != "balanced" and not isinstance(class_weight, Mapping):
        raise OptionError(f"class_weight={class_weight!r}: it is 'balanced', a dict of class -> weight, or None.")
    if isinstance(class_weight, Mapping):
        for label, weight in class_weight.items():
            require_from_zero(f"class_weight[{label!r}]", weight)


def require_known_classes(class_weight: Mapping[Any, float] | str, classes: Any) -> None:
    """Raise OptionError where a weight is for a class that no sequence has."""
    if isinstance(class_weight, Mapping):
        foreign = [label for label in class_weight if label not in classes.tolist()]
        if foreign:
            raise OptionError(f"class_weight has {foreign[0]!r}, which is not among the classes {classes.tolist()}.")
