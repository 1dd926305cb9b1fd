"""Batches of a text that is read in several places at once, each window where the one before it ended."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from recuerdo.errors import DataError, ModelFileError
from recuerdo.learn import Batch

PROBED = 4_096
"""Tokens that tell one text from another."""


class TextBatches:
    """Windows of a text for truncated backpropagation through time: what one's state ends in, the next begins with.

    The text is cut into N streams of equal length, which are read side by side; a batch is the next T tokens of each,
    and the tokens that follow them. Each epoch begins with a window of another length, 1 to T, so that windows end in
    other places each time; and each stream's state is forgotten before a window with a small probability, so that a
    network learns to begin as well. Both follow from the seed and the place alone.

    Args:
        ids: (n,) the tokens; what is left over behind N streams of equal length is not read.
        streams: N.
        steps: T.
        seed: of the windows and of what is forgotten; None keeps all windows at T and forgets nothing.
        forget: probability with which a stream's state is forgotten before a window.

    Raises:
        DataError: there are fewer tokens than two for each stream.

    Example:
        >>> batches = TextBatches(np.arange(9), streams=2, steps=3)
        >>> [batch.inputs["input"].tolist() for batch in batches]
        [[[0, 1, 2], [4, 5, 6]], [[3], [7]]]
        >>> [batch.inputs["fresh"].tolist() for batch in batches]
        [[True, True], [False, False]]
    """

    def __init__(
        self, ids: NDArray[np.integer], *, streams: int, steps: int, seed: int | None = None, forget: float = 0.0
    ) -> None:
        self._length = (len(ids) - 1) // streams
        if self._length < 1:
            raise DataError(
                f"The text has {len(ids)} tokens, and {streams} streams of it need {streams + 1} or more: give a "
                f"longer text, or a smaller batch_size."
            )
        self._ids, self._steps, self._seed, self._forget = ids, steps, seed, forget
        self._kind = {"tokens": len(ids), "streams": streams, "steps": steps, "seed": -1 if seed is None else seed}
        self._epoch = self._place = 0
        self._resume = False
        self._content: int | None = None

    @property
    def targets(self) -> int:
        """Tokens that are predicted in an epoch."""
        return self._length * self._kind["streams"]

    def __len__(self) -> int:
        return -(-self._length // self._steps)

    def __iter__(self) -> Iterator[Batch]:
        if self._place and not self._resume:  # the epoch before was left half-way
            self._epoch, self._place = self._epoch + 1, 0
        self._resume = False
        epoch, at = self._epoch, self._place
        while at < self._length:
            width = self._steps
            if at == 0 and self._seed is not None:
                width = int(np.random.default_rng([self._seed, epoch]).integers(1, self._steps + 1))
            end = min(at + width, self._length)
            batch = self._window(epoch, at, end)
            self._epoch, self._place = (epoch + 1, 0) if end == self._length else (epoch, end)
            yield batch
            at = end

    def _window(self, epoch: int, at: int, end: int) -> Batch:
        streams = self._kind["streams"]
        begin = np.arange(streams)[:, None] * self._length
        window = torch.from_numpy(self._ids[begin + np.arange(at, end + 1)].astype(np.int64))
        fresh = np.full(streams, at == 0)
        if self._seed is not None and self._forget:
            fresh |= np.random.default_rng([self._seed, epoch, at]).random(streams) < self._forget
        return Batch({"input": window[:, :-1], "fresh": torch.from_numpy(fresh)}, window[:, 1:])

    def state_dict(self) -> dict[str, int]:
        """The epoch and the place in the streams of the next window, and what tells this text from others."""
        if self._content is None:
            some = np.linspace(0, len(self._ids) - 1, min(len(self._ids), PROBED)).astype(np.int64)
            self._content = zlib.crc32(self._ids[some].astype(np.int64).tobytes())
        return {"epoch": self._epoch, "place": self._place, **self._kind, "content": self._content}

    def load_state_dict(self, state: Mapping[str, int], /) -> None:
        """Go to the place that `state_dict` gave.

        Raises:
            ModelFileError: it was taken from another text, or from other streams or windows.
        """
        own = self.state_dict()
        for name in (*self._kind, "content"):
            if state.get(name) != own[name]:
                raise ModelFileError(
                    f"The saved place belongs to another text or to other windows ({name} was {state.get(name)} and is "
                    f"now {own[name]}): train on the same, or name another file."
                )
        self._epoch, self._place, self._resume = state["epoch"], state["place"], True
