"""A fitted classifier or scorer: encodings, networks, a bag, and how their verdicts are pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sequence_reading import require_like
from recuerdo.data.texts import Tokens
from recuerdo.errors import DataError
from recuerdo.tasks.bags import Bag
from recuerdo.tasks.pooling import averaged, pooled
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_nets import SequenceNet
from recuerdo.tasks.sequence_training import answers

Values = NDArray[np.float64]
Source = Ragged | list[str]
"""Sequences as they were read: numbers, or texts."""


def encoded(encoding: NumberEncoding | Tokens, source: Source) -> Ragged:
    """Return what a network reads of sequences of the kind that the encoding was fitted on."""
    if isinstance(encoding, Tokens):
        assert not isinstance(source, Ragged)
        return encoding.encode(source)
    assert isinstance(source, Ragged)
    return encoding.encode(source)


@dataclass(frozen=True, eq=False)
class SequenceModel:
    """What answers.

    Attributes:
        nets: networks that differ by their seed; the mean of their answers counts.
        encoding: from sequences to what the networks read.
        bag: a verdict on texts beside theirs; None for none.
        pool: weights of the networks' logits and of the bag's.
        classes: (C,) labels; None for numbers.
        offset, unit: (C,) of numbers: what the networks' answers are multiplied by, and shifted.
        steps: time steps that each sequence has to have, where it was fitted on rows of a 2-D array; None for any.
        flat: whether numbers have no axis of columns.
        names: of the columns, where it was fitted on a table.
    """

    nets: tuple[SequenceNet, ...]
    encoding: NumberEncoding | Tokens
    bag: Bag | None
    pool: tuple[float, ...]
    classes: NDArray[np.generic] | None
    offset: Values
    unit: Values
    steps: int | None
    flat: bool = True
    names: tuple[str, ...] | None = None

    @property
    def texts(self) -> bool:
        """Whether it reads texts."""
        return isinstance(self.encoding, Tokens)

    @property
    def each(self) -> bool:
        """Whether it answers at every step."""
        return self.nets[0].shape.each

    def encode(self, source: Source, who: str) -> Ragged:
        """Return what the networks read.

        Raises:
            DataError: numbers where it learned from texts, or the other way; other features than in training.
        """
        if isinstance(self.encoding, Tokens):
            if isinstance(source, Ragged):
                raise DataError(f"This {who} was fitted on texts, and was given numbers: give a list of str.")
            return self.encoding.encode(source)
        if not isinstance(source, Ragged):
            raise DataError(
                f"This {who} was fitted on numbers, and was given texts: give arrays (time steps, features)."
            )
        require_like(source, self.encoding.features, self.steps, who)
        return self.encoding.encode(source)

    def raw(self, source: Source, who: str) -> tuple[list[Values], Ragged]:
        """Return each network's own answers, logits (N, C) or (sum of T_i, C), and what they read."""
        inputs = self.encode(source, who)
        return [answers(net, inputs) for net in self.nets], inputs

    def parts(self, source: Source, who: str) -> tuple[list[Values], Ragged]:
        """Return the logits that are pooled, the networks' mean first, and what the networks read."""
        made, inputs = self.raw(source, who)
        found = [averaged(made)]
        if self.bag is not None:
            assert not isinstance(source, Ragged)
            found.append(self.bag.logits(source))
        return found, inputs

    def logits(self, source: Source, who: str) -> tuple[Values, Ragged]:
        """Return the pooled logarithms of the probabilities, (N, C) or (sum of T_i, C), and what the networks read."""
        parts, inputs = self.parts(source, who)
        return pooled(parts, self.pool), inputs

    def numbers(self, source: Source, who: str) -> tuple[Values, Ragged]:
        """Return the numbers on their own scale, (N, C) or (sum of T_i, C), and what the networks read."""
        made, inputs = self.raw(source, who)
        return np.mean(made, axis=0) * self.unit + self.offset, inputs
