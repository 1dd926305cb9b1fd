"""The arguments of a LanguageModel: what a level starts from, and what is refused before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, get_args

from recuerdo.errors import OptionError
from recuerdo.kernels.job import Precision
from recuerdo.learn import Settings
from recuerdo.learn.randomness import usable_device
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_options import (
    require_count,
    require_from_zero,
    require_offered,
    require_share,
    resolve_device,
)

if TYPE_CHECKING:
    from recuerdo.tasks.language_model import LanguageModel


@dataclass(frozen=True)
class Usual:
    """What a level starts from where nothing was said; see :class:`recuerdo.LanguageModel`.

    Attributes:
        passes: over the text.
    """

    embedding_size: int
    hidden_size: int
    num_layers: int
    tied: bool
    steps: int
    batch_size: int
    learning_rate: float
    passes: float


USUAL = {
    "word": Usual(256, 512, 1, True, 35, 32, 3e-3, 8),
    "given": Usual(256, 512, 1, True, 35, 32, 3e-3, 8),
    "bpe": Usual(256, 512, 1, True, 64, 32, 3e-3, 8),
    "char": Usual(64, 512, 1, False, 96, 32, 3e-3, 10),
}
"""By level."""


def checked_options(model: LanguageModel) -> None:
    """Raise OptionError for the first argument that is not offered, saying what is."""
    for argument in ("embedding_size", "hidden_size", "num_layers", "batch_size", "steps"):
        require_count(argument, getattr(model, argument))
    require_offered("cell", model.cell, tuple(LAYERS))
    require_offered("precision", model.precision, get_args(Precision))
    require_offered("baselines", model.baselines, ("auto", None))
    usable_device(resolve_device(model.device))
    require_offered("verbose", model.verbose, (True, False, None, "brief"))
    for argument in ("tied", "lowercase"):
        require_offered(argument, getattr(model, argument), (True, False))
    for argument in ("dropout", "embedding_dropout", "weight_dropout", "forget"):
        require_share(argument, getattr(model, argument))
    for argument in ("activation", "change"):
        require_from_zero(argument, getattr(model, argument))
    if model.tied and model.num_layers == 1 and model.hidden_size != model.embedding_size:
        raise OptionError(
            f"hidden_size={model.hidden_size} and embedding_size={model.embedding_size}: where weights are tied, the "
            f"last layer has as many units as a token's vector has numbers. Give both alike, or tied=False."
        )
    Settings(  # each of these raises what training would
        max_steps=model.max_steps if model.max_steps is not None or model.max_seconds is not None else 1,
        max_seconds=model.max_seconds,
        learning_rate=model.learning_rate,
        optimizer=model.optimizer,
        weight_decay=model.weight_decay,
        clip=model.clip,
    )
    if model.random_state is not None and not _count_from_zero(model.random_state):
        raise OptionError(
            f"random_state={model.random_state!r}: a seed is a whole number from 0 to 2**32 - 1, or None."
        )


def _count_from_zero(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) < 2**32
