"""The work in plain torch with packed sequences, sequences of like length in a batch as recuerdo puts them together."""

from __future__ import annotations

from . import by_torch
from .by_torch import PACKAGES

__all__ = ["PACKAGES", "Contestant"]


class Contestant(by_torch.Contestant):
    """The same loop over other batches."""

    batches = "alike"
