"""The work as SequenceClassifier trains: its network, its training loop, sequences of like length in a batch."""

from __future__ import annotations

import numpy as np
import torch

from recuerdo.data import Ragged
from recuerdo.learn.adamw import AdamW
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.sequence_training import Samples, Schedule, built, train_on

from .work import DROPOUT, HIDDEN, LEARNING_RATE, SEED, WEIGHT_DECAY, Data, Work

PACKAGES = ("recuerdo", "torch", "numpy")
OPTIMISERS = (AdamW,)


def network(cell: str, work: Work, dropout: float = DROPOUT) -> SequenceNet:
    """Return a fresh network, without the noise that recuerdo alone has."""
    return built(
        SequenceShape(
            outputs=work.classes,
            each=False,
            columns=0 if work.vocabulary else work.features,
            noisy=0 if work.vocabulary else work.features,
            vocabulary=work.vocabulary,
            embedding=work.features if work.vocabulary else 0,
            fold=1,
            longest=work.longest,
            cell=cell,
            hidden_size=HIDDEN,
            num_layers=1,
            bidirectional=True,
            residual=False,
            layer_norm=False,
            readout=("last", "mean", "max"),
            dropout=dropout,
            jitter=0.0,
            word_dropout=0.0,
            crop=0,
        ),
        SEED,
    )


class Contestant:
    """What SequenceClassifier.fit calls to train one network."""

    def __init__(self, cell: str, work: Work, data: Data, dropout: float) -> None:
        self.net, self.work = network(cell, work, dropout), work
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in data.weights.items()})
        starts = np.concatenate([[0], np.cumsum(data.lengths)])
        targets = Targets(data.labels, np.arange(work.classes))
        self.samples = Samples(Ragged(data.values, starts), targets, np.ones(len(data.labels)))
        self.schedule = Schedule(
            max_steps=work.steps,
            max_seconds=None,
            batch_size=work.batch_size,
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            device=torch.device("cpu"),
            verbose=False,
        )

    def train(self) -> list[float]:
        """Take all steps and return their losses."""
        return train_on(self.net, self.samples, self.schedule, seed=SEED, label="", steady=True).losses
