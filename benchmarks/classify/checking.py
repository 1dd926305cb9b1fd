"""No speed on red: the networks that are timed answer alike and learn alike from the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from . import by_recuerdo, by_torch
from .work import Data, Work

CLOSE = 1e-4
"""Of the largest number of a tensor: float32 sums in another order."""


class UnlikeError(Exception):
    """Two that are to do the same work do not; says where."""


def alike(cell: str, work: Work, data: Data) -> float:
    """Compare answers and all gradients of recuerdo's network and torch's on one batch.

    Returns:
        The largest difference, in units of the largest number of its tensor.

    Raises:
        UnlikeError: it is larger than CLOSE.
    """
    ours, torchs = by_recuerdo.network(cell, work, dropout=0.0), by_torch.network(cell, work, data, dropout=0.0)
    ours.load_state_dict({name: torch.from_numpy(value) for name, value in data.weights.items()})
    rows = data.drawn[0]
    own = by_torch.tensors(data)
    x, lengths = pad_sequence([own[i] for i in rows], batch_first=True), torch.from_numpy(data.lengths[rows])
    found = [said(each, x, lengths, torch.from_numpy(data.labels[rows])) for each in (ours, torchs)]
    return compared(*found, where=f"{work.name}, {cell}, recuerdo and torch")


def said(net: nn.Module, x: Tensor, lengths: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return a network's answers and gradients by name."""
    answers = net(x, lengths)
    nn.functional.cross_entropy(answers, labels).backward()
    gradients = {name: each.grad for name, each in net.named_parameters() if each.grad is not None}
    return {"answers": answers.detach(), **gradients}


def compared(ours: Mapping[str, ArrayLike], theirs: Mapping[str, ArrayLike], where: str) -> float:
    """Return the largest difference of tensors by name, each in units of its own largest number.

    Raises:
        UnlikeError: it is larger than CLOSE, or they have not the same names.
    """
    if ours.keys() != theirs.keys():
        raise UnlikeError(f"{where}: {sorted(ours.keys() ^ theirs.keys())} stand on one side alone.")
    apart = {}
    for name in ours:
        one, other = np.asarray(ours[name]), np.asarray(theirs[name])
        apart[name] = float(np.abs(one - other).max() / np.abs(other).max())
    worst = max(apart, key=lambda name: apart[name] if apart[name] == apart[name] else np.inf)
    if not apart[worst] <= CLOSE:
        raise UnlikeError(f"{where}: {worst} differs by {apart[worst]:.1e} of its largest number. Nothing was timed.")
    return apart[worst]


def same_losses(losses: Mapping[str, Sequence[float]], where: str) -> None:
    """Compare the losses of contestants that take the same steps from the same numbers, without dropout.

    Raises:
        UnlikeError: they differ.
    """
    (first, own), *others = losses.items()
    for who, each in others:
        compared({"loss": own}, {"loss": each}, where=f"{where}, {first} and {who}")
