"""How good a language model is on a text: every token but the first counted once, each given all before it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from recuerdo.data.token_ids import Progress
from recuerdo.kernels.softmax import linear_cross_entropy
from recuerdo.learn import in_evaluation
from recuerdo.tasks.language_nets import LanguageNet

WINDOW = 1_024
"""Tokens that are read at a time; the state goes on from window to window, so that no loss depends on it."""


def token_losses(net: LanguageNet, ids: NDArray[np.integer], progress: Progress | None = None) -> NDArray[np.float64]:
    """Return -log P of each token but the first, given all before it, in nats, (n - 1,).

    The text is read once from its beginning, in one stream, with the state carried on.

    Args:
        net: the network.
        ids: (n,) tokens.
        progress: told how many of them are read.
    """
    found, state = [], None
    with in_evaluation(net), torch.no_grad():
        for begin in range(0, len(ids) - 1, WINDOW):
            some = torch.from_numpy(np.asarray(ids[begin : begin + WINDOW + 1]).astype(np.int64))
            features, _, state = net.read(some[None, :-1], state)
            _, losses = linear_cross_entropy(features[0], net.weight, net.bias, some[1:], precision=net.shape.precision)
            found.append(losses.double().numpy())
            if progress is not None:
                progress(begin + len(some), len(ids))
    return np.concatenate(found) if found else np.zeros(0)
