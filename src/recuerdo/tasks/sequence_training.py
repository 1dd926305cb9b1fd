"""Training and asking the network of a classifier or scorer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.data.ragged import Ragged
from recuerdo.kernels import calling, only
from recuerdo.learn import Batch, GatherBatches, History, Problem, Settings, fit, in_evaluation, seeded, threads_for
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape
from recuerdo.tasks.sequence_targets import NONE, Targets

WARM_UP, COOL_DOWN = 0.1, 0.7
"""Shares of a training over which the learning rate rises and falls."""

AT_ONCE = 1 << 18
"""Steps times samples that are answered together at most: bounds the memory of long sequences and of large batches."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained; see recuerdo.learn.Settings."""

    max_steps: int | None
    max_seconds: float | None
    batch_size: int
    learning_rate: float
    weight_decay: float
    device: torch.device
    verbose: bool | str | None


@dataclass(frozen=True, eq=False)
class Samples:
    """Encoded sequences with what is to be said of them.

    Attributes:
        inputs: (T_i, columns) numbers, or (T_i,) token ids.
        targets: the answers.
        weights: (N,) how much each sample counts; their mean is 1.
    """

    inputs: Ragged
    targets: Targets
    weights: NDArray[np.float64]

    def take(self, indices: NDArray[np.int64]) -> Samples:
        """Return some of them."""
        return Samples(self.inputs.take(indices), self.targets.take(indices), self.weights[indices])

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Return the samples of these numbers, padded to the longest of them."""
        values, lengths = self.inputs.padded(indices)
        inputs = {"input": torch.from_numpy(values), "lengths": torch.from_numpy(lengths)}
        known = self.targets.values
        if isinstance(known, Ragged):
            if self.targets.classes is None:
                target, _ = known.take(indices).padded()
                target[np.arange(target.shape[1]) >= lengths[:, None]] = np.nan
            else:
                shifted = Ragged(known.values + 1, known.starts)  # padding is 0, which stands for no label here
                target = shifted.padded(indices)[0] - 1
        else:
            target = known[indices]
        target = target.astype(np.int64 if self.targets.classes is not None else np.float32)
        weights = torch.from_numpy(self.weights[indices].astype(np.float32))
        return Batch(inputs, torch.from_numpy(target), {"weight": weights})


def loss(output: Tensor, batch: Batch, classes: bool) -> Tensor:
    """Return the weighted mean loss: cross-entropy of classes, squared error of numbers; over the steps that have an
    answer.

    Args:
        output: (N, C) or (N, T, C).
        batch: target (N,), (N, C), (N, T) or (N, T, C); NONE or NaN where no answer is known; aside "weight" (N,).
        classes: whether the outputs are classes.
    """
    target, weight = batch.target, batch.aside["weight"]
    if classes:
        error = nn.functional.cross_entropy(
            output.flatten(0, -2), target.flatten(), reduction="none", ignore_index=NONE
        ).view(target.shape)
        known = target != NONE
    else:
        known = ~target.isnan().any(dim=-1)
        error = (output - target.nan_to_num(0.0)).square().mean(dim=-1)
        error = torch.where(known, error, 0.0)
    if error.ndim == 1:
        return (error * weight).mean()
    return (error * weight[:, None]).sum() / known.sum().clamp_min(1)


@dataclass(frozen=True)
class Member:
    """A trained network."""

    net: SequenceNet
    history: History
    seed: int

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early."""
        return self.history.stopped == "interrupted"


def train(
    shape: SequenceShape,
    samples: Samples,
    schedule: Schedule,
    *,
    random_state: int,
    label: str,
    watched: Samples | None = None,
    evaluations: int = 0,
    patience: int | None = None,
    prepare: Callable[[SequenceNet], None] | None = None,
) -> Member:
    """Train a network.

    Args:
        shape: which network.
        samples: what it learns from; nothing else is seen.
        schedule: how long and how fast.
        random_state: the seed.
        label: what the progress calls it.
        watched: held-out samples: the weights that do best on them are kept.
        evaluations: how often they are looked at.
        patience: looks without gain after which the learning rate begins to fall; None never.
        prepare: what is done to the fresh network, such as giving it embeddings.
    """
    net = built(shape, random_state, prepare)
    history = train_on(
        net,
        samples,
        schedule,
        seed=random_state,
        label=label,
        watched=watched,
        evaluations=evaluations,
        patience=patience,
    )
    return Member(net, history, random_state)


def built(shape: SequenceShape, seed: int, prepare: Callable[[SequenceNet], None] | None = None) -> SequenceNet:
    """Return a fresh network whose numbers a seed draws, and `prepare` changes."""
    with seeded(seed):
        net = shape.build()
    if prepare is not None:
        prepare(net)
    return net


def train_on(
    net: SequenceNet,
    samples: Samples,
    schedule: Schedule,
    *,
    seed: int,
    label: str,
    watched: Samples | None = None,
    evaluations: int = 0,
    patience: int | None = None,
    steady: bool = False,
) -> History:
    """Train a network that is there; arguments as in `train`, and `steady` keeps the learning rate as it is."""
    steps = schedule.max_steps
    settings = Settings(
        max_steps=steps,
        max_seconds=schedule.max_seconds,
        learning_rate=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        warmup_steps=max(1, int(WARM_UP * steps)) if steps else 50,
        cooldown=COOL_DOWN,
    )
    if steady:
        settings = replace(settings, warmup_steps=0, cooldown=0.0)
    valid = None
    if watched is not None:
        every = max(1, steps // evaluations) if steps else 100
        settings = replace(settings, evaluate_every=every, patience=patience)
        order = np.argsort(watched.inputs.lengths, kind="stable")
        valid = GatherBatches(len(order), lambda i: watched.batch(order[i]), batch_size=256, shuffle=False)
    with threads_for(schedule.batch_size * net.shape.products):
        return fit(
            as_problem(net, samples, schedule.batch_size, seed=seed),
            valid=valid,
            settings=settings,
            random_state=seed,
            device=schedule.device,
            verbose=schedule.verbose,
            label=label,
        )


def as_problem(net: SequenceNet, samples: Samples, batch_size: int, *, seed: int = 0, shuffle: bool = True) -> Problem:
    """Return what a network learns from these samples, for training or for a look inside."""
    classes = samples.targets.classes is not None
    lengths = samples.inputs.lengths if shuffle else None
    batches = GatherBatches(
        len(samples.inputs), samples.batch, batch_size=batch_size, seed=seed, shuffle=shuffle, lengths=lengths
    )
    each = samples.targets.each
    return Problem(net, batches, lambda output, batch: loss(output, batch, classes), gaps=each and not classes)


@torch.no_grad()
def answers(net: SequenceNet, inputs: Ragged, device: torch.device | None = None) -> NDArray[np.float64]:
    """Ask a network, so that what it says of a sequence depends on nothing else.

    Sequences of like length are padded together. Where the native core is there, the recurrent layers give the same
    numbers bit for bit in every batch; what follows them is reckoned in float64.

    Args:
        net: the network; it is left in the mode in which it came.
        inputs: N encoded sequences.
        device: where it runs; None where it is.

    Returns:
        (N, C); at every step (sum of T_i, C), one sequence after another.
    """
    device = device or next(net.parameters()).device
    each, lengths = net.readout is None, inputs.lengths
    result = np.zeros((len(inputs.values) if each else len(inputs), net.shape.outputs))
    weight, bias = net.head.weight.double(), net.head.bias.double()
    # The core computes each sample by itself.
    alone = only("native") if device.type == "cpu" and calling.native is not None else nullcontext()
    with in_evaluation(net), alone, threads_for(net.shape.products):
        for indices in _alike(lengths):
            values, own = inputs.padded(indices)
            batch = torch.from_numpy(values).to(device), torch.from_numpy(own).to(device)
            features = net.features(*batch, dtype=torch.float64)
            made = nn.functional.linear(features.double(), weight, bias).cpu().numpy()
            if each:
                for row, i, length in zip(made, indices, own, strict=True):
                    result[inputs.starts[i] : inputs.starts[i] + length] = row[:length]
            else:
                result[indices] = made
    return result


def _alike(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut sequences of like length into batches of AT_ONCE steps or fewer, and 1,024 sequences or fewer."""
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        last = min(first + 1024, len(order))
        while last - first > 1 and (last - first) * lengths[order[last - 1]] > AT_ONCE:
            last = first + (last - first) // 2
        yield order[first:last]
        first = last
