"""The work in plain torch with packed sequences, as lean as it goes: no DataLoader, AdamW's fused kernel."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from .work import CLIP, DROPOUT, HIDDEN, LEARNING_RATE, WEIGHT_DECAY, Data, Work

PACKAGES = ("torch", "numpy")
LAYERS = {"gru": nn.GRU, "lstm": nn.LSTM, "frnn": nn.RNN}
"""torch has no IndRNN."""


class Net(nn.Module):
    """A recurrent layer in both directions, of whose outputs the head reads the last, the mean and the maximum.

    Args:
        cell: "gru", "lstm" or "frnn".
        features: D, of a step or of a token's vector.
        vocabulary: V; 0 for numbers.
        classes: C.
        dropout: of the tokens' vectors, and of what the head reads.
    """

    def __init__(self, cell: str, features: int, vocabulary: int, classes: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        if vocabulary:
            self.embedding = nn.Embedding(vocabulary, features, padding_idx=0)
        self.encoder = LAYERS[cell](features, HIDDEN, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(6 * HIDDEN, classes)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # noqa: A002 - what torch.nn calls it
        """Answer for a batch (N, T, D), or (N, T) of tokens, of which each sequence has so many steps (N,)."""
        x = self.dropout(self.embedding(input)) if input.ndim == 2 else input
        packed, final = self.encoder(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        output, _ = pad_packed_sequence(packed, batch_first=True)  # zeros beyond the end
        h = final[0] if isinstance(final, tuple) else final
        beyond = torch.arange(output.shape[1]) >= lengths[:, None]
        last, mean = torch.cat([h[0], h[1]], dim=-1), output.sum(dim=1) / lengths[:, None]
        highest = output.masked_fill(beyond[..., None], -math.inf).amax(dim=1)
        return self.head(self.dropout(torch.cat([last, mean, highest], dim=-1)))


def network(cell: str, work: Work, data: Data, dropout: float) -> Net:
    """Return the network with the numbers that all begin with."""
    net = Net(cell, work.features, work.vocabulary, work.classes, dropout)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in data.weights.items()})
    return net


def tensors(data: Data) -> list[Tensor]:
    """Return each sequence as a tensor."""
    kind = np.int64 if data.values.ndim == 1 else np.float32
    return [torch.from_numpy(each.astype(kind)) for each in data.sequences]


class Contestant:
    """A training loop written by hand, over batches that know no lengths."""

    batches = "drawn"

    def __init__(self, cell: str, work: Work, data: Data, dropout: float) -> None:
        self.net, self.sequences = network(cell, work, data, dropout), tensors(data)
        self.lengths, self.labels = torch.from_numpy(data.lengths), torch.from_numpy(data.labels)
        self.order: NDArray[np.int64] = getattr(data, self.batches)

    def train(self) -> list[float]:
        """Take all steps and return their losses."""
        net, losses = self.net.train(), []
        optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
        for rows in self.order:
            x = pad_sequence([self.sequences[i] for i in rows], batch_first=True)
            loss = nn.functional.cross_entropy(net(x, self.lengths[rows]), self.labels[rows])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimiser.step()
            losses.append(loss.item())
        return losses
