"""The work in skorch: by_torch's network in its training loop, without validation, printing or timing of epochs."""

from __future__ import annotations

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import GradientNormClipping
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from .by_torch import network, tensors
from .work import CLIP, LEARNING_RATE, WEIGHT_DECAY, Data, Work

PACKAGES = ("skorch", "torch", "numpy")


class Sequences(Dataset[Any]):
    """Sequences in the order in which the steps take them."""

    def __init__(self, data: Data) -> None:
        own = tensors(data)
        self.items = [(own[i], int(data.lengths[i]), int(data.labels[i])) for i in data.drawn.reshape(-1)]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> tuple[Tensor, int, int]:
        return self.items[place]


def padded(items: list[tuple[Tensor, int, int]]) -> tuple[dict[str, Tensor], Tensor]:
    """Return a batch."""
    sequences, lengths, labels = zip(*items, strict=True)
    inputs = {"input": pad_sequence(list(sequences), batch_first=True), "lengths": torch.tensor(lengths)}
    return inputs, torch.tensor(labels)


class Contestant:
    """skorch's NeuralNet over the batches that know no lengths, in its DataLoader."""

    def __init__(self, cell: str, work: Work, data: Data, dropout: float) -> None:
        self.data = Sequences(data)
        self.model = NeuralNet(
            network(cell, work, data, dropout),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=WEIGHT_DECAY,
            optimizer__fused=True,
            lr=LEARNING_RATE,
            max_epochs=1,
            batch_size=work.batch_size,
            iterator_train__collate_fn=padded,
            iterator_train__shuffle=False,  # they are in order
            train_split=None,
            callbacks=[GradientNormClipping(CLIP)],
            callbacks__print_log=None,
            callbacks__epoch_timer=None,
            verbose=0,
        )

    def train(self) -> list[float]:
        """Take all steps and return their losses."""
        self.model.fit(self.data, None)
        return self.model.history[-1, "batches", :, "train_loss"]
