"""Batches over samples that can be picked by number, in an order that a seed and an epoch decide alone."""

from __future__ import annotations

import operator
import zlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from recuerdo.errors import ModelFileError, OptionError, ShapeError
from recuerdo.learn.problem import Batch

PROBED = 64  # samples that tell one data set from another: enough to notice a change, cheap for lazy data
POOL = 32  # batches sorted by length together: lengths in a batch are alike, and who is in it still differs by epoch


class GatherBatches:
    """Batches that are built when they are asked for, from the numbers of the samples in them.

    Epoch e visits the samples in the order `np.random.default_rng([seed, e]).permutation(size)`, so a place in
    the training is just (epoch, position). The last batch of an epoch may be smaller.

    With `lengths`, samples of like length share a batch, so that little is padded: that order is cut into pools of 32
    batches or more, each pool is sorted by length and cut into batches, and the batches are shuffled.

    Args:
        size: number of samples.
        gather: makes a batch from an int64 array of sample numbers; the same numbers must give the same batch.
        batch_size: samples in a batch.
        shuffle: False visits the samples in their own order.
        seed: of the orders.
        lengths: time steps of each sample, (size,), where they differ; None leaves the order as it is drawn.

    Raises:
        OptionError: no samples, a batch size below 1, a negative seed, or lengths without shuffle.
        ShapeError: other than one length for each sample.

    >>> series = torch.arange(10.0)
    >>> def windows(i):
    ...     return Batch({"input": series[i[:, None] + np.arange(3)]}, series[i + 3])
    >>> batches = GatherBatches(7, windows, batch_size=4, shuffle=False)
    >>> [batch.target.tolist() for batch in batches]
    [[3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    >>> steps = np.array([2, 90, 3, 88, 91, 2])
    >>> alike = GatherBatches(6, lambda i: Batch({}, torch.from_numpy(steps[i])), batch_size=3, lengths=steps)
    >>> sorted(sorted(batch.target.tolist()) for batch in alike)
    [[2, 2, 3], [88, 90, 91]]
    """

    def __init__(
        self,
        size: int,
        gather: Callable[[np.ndarray], Batch],
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        lengths: ArrayLike | None = None,
    ) -> None:
        numbers = {"size": size, "batch_size": batch_size, "seed": seed}
        for name, least in (("size", 1), ("batch_size", 1), ("seed", 0)):
            if numbers[name] < least:
                raise OptionError(f"{name} of the batches must be at least {least}, got {numbers[name]}.")
        self._gather = gather
        # Python's own integers, whichever came: they go into the checkpoint.
        self._kind = {name: operator.index(value) for name, value in numbers.items()} | {"shuffle": int(shuffle)}
        self._lengths = None if lengths is None else _checked(lengths, size, shuffle)
        if self._lengths is not None:  # absent otherwise, as in the checkpoints of batches that knew no lengths
            self._kind["lengths"] = zlib.crc32(self._lengths.tobytes())
        self._content: int | None = None
        self._epoch = 0
        self._position = 0
        self._resume = False

    def __len__(self) -> int:
        return -(-self._kind["size"] // self._kind["batch_size"])

    def __iter__(self) -> Iterator[Batch]:
        if self._position and not self._resume:  # the epoch before was left half-way
            self._epoch, self._position = self._epoch + 1, 0
        self._resume = False
        epoch, width = self._epoch, self._kind["batch_size"]
        order = self._order(epoch)
        for position in range(self._position, len(self)):
            batch = self._gather(order[position * width : (position + 1) * width])
            last = position + 1 == len(self)
            self._epoch, self._position = (epoch + 1, 0) if last else (epoch, position + 1)
            yield batch

    def _order(self, epoch: int) -> np.ndarray:
        size, width = self._kind["size"], self._kind["batch_size"]
        if not self._kind["shuffle"]:
            return np.arange(size)
        random = np.random.default_rng([self._kind["seed"], epoch])
        order = random.permutation(size)
        if self._lengths is None:
            return order
        cuts = np.arange(1, max(size // (POOL * width), 1)) * (POOL * width)  # the rest joins the last pool
        pools = [pool[np.argsort(self._lengths[pool], kind="stable")] for pool in np.split(order, cuts)]
        *whole, rest = _cut(np.concatenate(pools), len(cuts) * POOL * width, width, random)
        return np.concatenate([*(whole[k] for k in random.permutation(len(whole))), rest])

    def state_dict(self) -> dict[str, int]:
        """The epoch and position of the next batch, and what tells these batches from others."""
        if self._content is None:
            self._content = self._probe()
        return {
            "epoch": self._epoch,
            "position": self._position,
            **self._kind,
            "content": self._content,
        }

    def load_state_dict(self, state: Mapping[str, int], /) -> None:
        """Goes to the place that `state_dict` gave.

        Raises:
            ModelFileError: the state was taken from other samples, or from another batch size, order or seed.
        """
        own = self.state_dict()
        if state.keys() != own.keys():
            raise ModelFileError(
                f"The saved place in the batches has the entries {sorted(state)}, not {sorted(own)}: "
                "it was taken from batches of another kind. Train on the same kind, or name another file."
            )
        for name in (*self._kind, "content"):
            if state[name] != own[name]:
                sums = {"content": "samples themselves differ", "lengths": "lengths of the samples differ"}
                what = sums.get(name, f"{name} was {state[name]}")
                now = "" if name in sums else f" and is now {own[name]}"
                raise ModelFileError(
                    f"The saved place belongs to other batches: the {what}{now}. "
                    "Train on the same data, or name another file."
                )
        self._epoch, self._position, self._resume = state["epoch"], state["position"], True

    def _probe(self) -> int:
        size = self._kind["size"]
        batch = self._gather(np.unique(np.linspace(0, size - 1, min(size, PROBED)).astype(np.int64)))
        total = 0
        for value in (*(batch.inputs[name] for name in sorted(batch.inputs)), batch.target):
            content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            total = zlib.crc32(content.numpy().tobytes(), total)
        return total


class ArrayBatches(GatherBatches):
    """Batches over arrays or tensors whose first axis is the samples.

    Args:
        inputs: the module's arguments by name, each (N, ...). Types are kept: float64 stays float64.
        target: (N, ...).
        batch_size: samples in a batch.
        shuffle: a fresh order each epoch; False visits the samples in their own order.
        seed: of the orders.

    Raises:
        ShapeError: an input and the target have different numbers of samples.
        OptionError: no samples, a batch size below 1, or a negative seed.

    >>> batches = ArrayBatches({"input": np.zeros((10, 5, 3))}, np.zeros(10), batch_size=4)
    >>> [tuple(batch.inputs["input"].shape) for batch in batches]
    [(4, 5, 3), (4, 5, 3), (2, 5, 3)]
    """

    def __init__(
        self,
        inputs: Mapping[str, np.ndarray | Tensor],
        target: np.ndarray | Tensor,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        tensors = {name: _tensor(value) for name, value in inputs.items()}
        answers = _tensor(target)
        for name, value in tensors.items():
            if len(value) != len(answers):
                raise ShapeError(
                    f"Input {name!r} holds {len(value)} samples and the target {len(answers)}: the first axis "
                    "of both is the samples. Give as many of the one as of the other."
                )

        def gather(indices: np.ndarray) -> Batch:
            rows = torch.from_numpy(indices)
            return Batch({name: value[rows] for name, value in tensors.items()}, answers[rows])

        super().__init__(len(answers), gather, batch_size, shuffle, seed)


def _cut(sorted_pools: NDArray, last: int, width: int, random: np.random.Generator) -> list[NDArray]:
    """Cut into batches of `width`, and put the incomplete one (perhaps empty) at the end.

    It is taken from anywhere in the pool that begins at `last`: from the end, it would always be the longest.
    """
    batches, missing = divmod(len(sorted_pools), width)
    begin = int(random.integers(last // width, batches + 1)) * width
    rest = sorted_pools[begin : begin + missing]
    whole = np.delete(sorted_pools, np.s_[begin : begin + missing])
    return [*whole.reshape(batches, width), rest]


def _checked(lengths: ArrayLike, size: int, shuffle: bool) -> NDArray[np.int64]:
    found = np.asarray(lengths)
    if found.shape != (size,) or not np.issubdtype(found.dtype, np.integer):
        raise ShapeError(
            f"The lengths of {size} samples are {size} whole numbers, one for each; "
            f"got {found.dtype} of shape {found.shape}."
        )
    if not shuffle:
        raise OptionError(
            "lengths= puts samples of like length together, and shuffle=False keeps the samples in their own order: "
            "choose one of the two."
        )
    return found.astype(np.int64)


def _tensor(value: np.ndarray | Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.from_numpy(np.require(value, requirements=["C", "W"]))  # a copy only of a read-only or reversed one
