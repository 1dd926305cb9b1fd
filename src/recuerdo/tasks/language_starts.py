"""What a classifier or scorer of texts begins with where a language model has read before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from recuerdo.errors import OptionError

if TYPE_CHECKING:
    from recuerdo.data.texts import Tokens
    from recuerdo.tasks.language_model import LanguageModel
    from recuerdo.tasks.sequence_learning import SequenceLearner
    from recuerdo.tasks.sequence_nets import SequenceNet

LEFT_OUT = "a language model, which is not kept"
"""What stands for a language model in the options of a saved classifier."""

COPIED = ("cell", "num_layers", "embedding_size", "level", "lowercase")
"""Options that a classifier has of the same name and meaning."""


def options_from(model: LanguageModel) -> dict[str, object]:
    """Return the options of a classifier all of whose vectors and layers begin as the model's."""
    net, _ = model._fitted()
    return {**{name: getattr(model, name) for name in COPIED}, "hidden_size": net.recurrent[0].hidden_size}


def tokens_of(learner: SequenceLearner, model: LanguageModel, level: str) -> Tokens:
    """Return a language model's tokens for a classifier of texts.

    Raises:
        OptionError: the classifier cuts texts in another way, by `level`, or its vectors are of another size.
        NotFittedError: the language model has learned nothing yet.
    """
    _, tokens = model._fitted()
    own = {"level": level, "lowercase": learner.lowercase, "embedding_size": learner.embedding_size}
    theirs = {"level": tokens.level, "lowercase": tokens.lowercase, "embedding_size": model.embedding_size}
    for name, value in theirs.items():
        if own[name] != value:
            raise OptionError(
                f"{name}={own[name]!r}, and the language model that embeddings= names has {value!r}: give {name}="
                f"{value!r}, or let its classifier() set all such options."
            )
    if learner.max_vocabulary is not None:
        raise OptionError("max_vocabulary= cuts a vocabulary, and embeddings= brings a whole one: leave one out.")
    return tokens


def told(learner: SequenceLearner, model: LanguageModel) -> str:
    """Return what of a language model a network begins with, in words for the report."""
    differ = layers_differ(learner, model)
    layers = f"layers at random, as {differ}" if differ else "so do layers"
    return f"vectors begin as those of the language model, {layers}"


def layers_differ(learner: SequenceLearner, model: LanguageModel) -> str:
    """Return in what the layers differ, so that they cannot begin as the language model's; "" where they can."""
    net, _ = model._fitted()
    sizes = {layer.hidden_size for layer in net.recurrent}
    for name, own, theirs in (
        ("cell", learner.cell, model.cell),
        ("num_layers", learner.num_layers, len(net.recurrent)),
        ("hidden_size", {learner.hidden_size}, sizes),
        ("layer_norm", learner.layer_norm, False),
        ("residual", learner.residual, False),
    ):
        if own != theirs:
            return f"{name} is another one"
    if learner.num_layers > 1 and learner.bidirectional:
        return "the second layer reads both directions of the first"
    return ""


@torch.no_grad()
def begin(net: SequenceNet, model: LanguageModel, *, layers: bool) -> None:
    """Give a fresh network the vectors of a language model, and its layers; what reads backwards stays at random."""
    given, _ = model._fitted()
    net.embedding.weight[1:] = given.embedding.weight[1:]
    own = dict(net.encoder.named_parameters())
    for k, layer in enumerate(given.recurrent if layers else ()):
        for name, value in layer.named_parameters():
            own[f"{name.removesuffix('_l0')}_l{k}"].copy_(value)
