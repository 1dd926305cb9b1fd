"""What a classifier or a regressor of sequences has to beat: the most frequent answer, and a network without memory.

Each takes training sequences, their truth and the sequences to judge. The truth is classes as indices (N,), with
`classes` as their number C, or numbers (N,) or (N, K), with `classes` None. The answer is probabilities (n, C), or
numbers (n,) or (n, K). Weights (N,) say how much each training sequence counts. A class that no training sequence has
may be among the C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from recuerdo.learn import Batch, GatherBatches, Problem, Settings, fit, in_evaluation, seeded, threads_for
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.class_metrics import checked_weights
from recuerdo.tasks.forecast_cores import WindowMLP

if TYPE_CHECKING:
    from recuerdo.data.ragged import Ragged

Values = NDArray[np.float64]
Truth = NDArray[Any]

MAJORITY, MEAN = "majority class", "mean"
"""What tables call the answer that is the same for every sequence."""

STEP_MLP = "MLP (each step alone)"
"""What tables call the MLP where every step has a verdict, which it gives without the steps before and after."""

AHEAD = 256
"""Sequences that are judged at a time."""


def most_frequent(y: Truth, rows: int, *, classes: int | None = None, weights: ArrayLike | None = None) -> Values:
    """Return how frequent each class is in training, or the mean of the numbers, for every row alike.

    Args:
        y: the truth of the training sequences.
        rows: n, how many answers are asked for.
        classes: C, or None for numbers.
        weights: of the training sequences, (N,).

    Example:
        >>> most_frequent(np.array([1, 1, 0, 1]), 2, classes=3).tolist()
        [[0.25, 0.75, 0.0], [0.25, 0.75, 0.0]]
        >>> most_frequent(np.array([1.0, 2.0]), 2).tolist()
        [1.5, 1.5]
    """
    w = np.ones(len(y)) if weights is None else checked_weights(weights, len(y))
    one = np.average(y, axis=0, weights=w) if classes is None else np.bincount(y, w, minlength=classes) / w.sum()
    return np.repeat(np.asarray(one, dtype=np.float64)[None], rows, axis=0)


def hidden_size(inputs: int, outputs: int, parameters: int) -> int:
    """Return the hidden units with which an MLP has as many parameters as possible without many more than these."""
    return max(1, round((parameters - outputs) / (inputs + 1 + outputs)))


def flat_mlp(
    train: Ragged,
    y: Truth,
    test: Ragged,
    *,
    classes: int | None = None,
    weights: ArrayLike | None = None,
    parameters: int,
    steps: int,
    max_seconds: float | None = None,
    seed: int = 0,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
) -> Values | None:
    """Return the answers of an MLP with one hidden layer over the flattened sequence.

    Each feature is standardised by the training steps. Shorter sequences are filled up with zeros to the longest one of
    training, longer ones are cut there, and a missing value is 0, which is the feature's mean.

    Args:
        train: N sequences (T_i, D), NaN where a value is missing.
        y: their truth.
        test: n sequences.
        classes: C, or None for numbers.
        weights: of the training sequences, (N,).
        parameters: how many the network has that it is compared with; the MLP gets about as many.
        steps: of training.
        max_seconds: for training.
        seed: of first weights and the order of batches.
        batch_size, learning_rate: of training.

    Returns:
        The answers, or None where the steps take longer than max_seconds.

    Example:
        >>> from recuerdo.data.ragged import Ragged
        >>> x = Ragged.of([np.full((3, 1), level, np.float32) for level in (-1.0, 1.0, -2.0, 2.0)])
        >>> made = flat_mlp(x, np.array([0, 1, 0, 1]), x, classes=2, parameters=50, steps=100)
        >>> made.argmax(axis=1).tolist()
        [0, 1, 0, 1]
    """
    flat = _Flat(train)
    numbers = classes is None
    y = np.asarray(y)
    offset, unit = (y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)) if numbers else (0.0, 1.0)
    truth = torch.from_numpy(((y - offset) / unit).astype(np.float32) if numbers else y.astype(np.int64))
    outputs = classes if classes is not None else int(truth[0].numel())
    w = np.ones(len(y)) if weights is None else checked_weights(weights, len(y))
    counts = torch.from_numpy((w / w.mean()).astype(np.float32))

    def gather(indices: NDArray[np.int64]) -> Batch:
        rows = torch.from_numpy(indices)
        return Batch({"x": flat(train, indices)}, truth[rows], {"weight": counts[rows]})

    def loss(output: Tensor, batch: Batch) -> Tensor:
        raw = output[:, 0]
        each = (
            F.cross_entropy(raw, batch.target, reduction="none")
            if classes is not None
            else ((raw - batch.target.reshape(raw.shape)) ** 2).mean(dim=1)
        )
        return (each * batch.aside["weight"]).mean()

    with seeded(seed), threads_for(batch_size * parameters):
        net = WindowMLP(flat.size, 1, outputs, parameters)
        batches = GatherBatches(len(train), gather, batch_size=min(batch_size, len(train)), seed=seed)
        settings = Settings(max_steps=steps, max_seconds=max_seconds, learning_rate=learning_rate)
        history = fit(Problem(net, batches, loss), settings=settings, random_state=seed, verbose=False, label=MLP)
        if history.stopped == "interrupted":
            raise KeyboardInterrupt
        if history.stopped == "max_seconds":
            return None
        places = np.array_split(np.arange(len(test)), -(-len(test) // AHEAD))
        with in_evaluation(net), torch.no_grad():
            raw = torch.cat([net(flat(test, place))[:, 0] for place in places]).double()
    if classes is not None:
        return raw.softmax(dim=1).numpy()
    return raw.numpy().reshape(len(test), *y.shape[1:]) * unit + offset


def scale_of_steps(train: Ragged) -> tuple[Values, Values]:
    """Return mean and standard deviation of each feature over all steps where it is known, (D,) each.

    A feature that never varied in training says nothing later: its deviation is infinite.

    Example:
        >>> from recuerdo.data.ragged import Ragged
        >>> scale_of_steps(Ragged.of([np.array([[1.0, 5.0], [3.0, 5.0]])]))
        (array([2., 5.]), array([ 1., inf]))
    """
    values = train.values.astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(axis=0) / count)
    return mean, np.where(spread > 0, spread, np.inf)


class _Flat:
    """Sequences as rows of standardised numbers, all as long as the longest that it was made of."""

    def __init__(self, train: Ragged) -> None:
        self.mean, self.std = scale_of_steps(train)
        self.longest = int(train.lengths.max())
        self.size = self.longest * train.values.shape[1]

    def __call__(self, sequences: Ragged, indices: NDArray[np.int64]) -> Tensor:
        padded, lengths = sequences.padded(indices)
        padded = padded[:, : self.longest]
        there = np.arange(padded.shape[1]) < lengths[:, None]
        z = np.where(there[..., None], (padded - self.mean) / self.std, 0.0)
        made = np.zeros((len(z), self.longest, z.shape[2]), np.float32)
        made[:, : z.shape[1]] = np.nan_to_num(z, nan=0.0)
        return torch.from_numpy(made.reshape(len(z), -1))
