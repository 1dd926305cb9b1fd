"""A fitted classifier or scorer: encodings, networks, a bag, and how their verdicts are pooled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.data.sequence_reading import require_like
from recuerdo.data.texts import Tokens
from recuerdo.errors import DataError
from recuerdo.learn import History
from recuerdo.tasks.bags import Bag
from recuerdo.tasks.pooling import averaged, pooled
from recuerdo.tasks.sequence_baselines import most_frequent
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_nets import SequenceNet
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.sequence_training import answers

Values = NDArray[np.float64]
Source = Ragged | list[str] | Sentences
"""Sequences as they were read: numbers, texts, or texts as their words."""

NUMBERS, TEXTS, WORDS = "numbers", "texts", "lists of words"
"""What messages call the three."""

GIVE = {
    NUMBERS: "give arrays (time steps, features)",
    TEXTS: "give a list of str",
    WORDS: "give the words of each text as a list, as in [['The', 'cat'], ['Go']]",
}
"""What now, where another of the three was given."""


def encoded(encoding: NumberEncoding | Tokens, source: Source) -> Ragged:
    """Return what a network reads of sequences of the kind that the encoding was fitted on."""
    if isinstance(encoding, Tokens):
        assert not isinstance(source, Ragged)
        return encoding.encode(source)
    assert isinstance(source, Ragged)
    return encoding.encode(source)


def kind_of(source: Source) -> str:
    """Return what sequences are: NUMBERS, TEXTS or WORDS."""
    if isinstance(source, Ragged):
        return NUMBERS
    return WORDS if isinstance(source, Sentences) else TEXTS


def texts_of(source: Source) -> list[str]:
    """Return texts as a bag of n-grams reads them: given words with a space between them."""
    assert not isinstance(source, Ragged)
    return source.texts if isinstance(source, Sentences) else source


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
        columns: by their roles, of the file that `recuerdo classify` read for the fit; None where there was none.
        flat: whether numbers have no axis of columns.
        names: of the columns, where it was fitted on a table.
        constant: how frequent each class was in training, (C,), or the mean of its numbers: what has to be beaten.
        counted: how much all training answers count together.
        histories: of the trainings of the networks; none where partial_fit went on, or an older version wrote the file.
    """

    nets: tuple[SequenceNet, ...]
    encoding: NumberEncoding | Tokens
    bag: Bag | None
    pool: tuple[float, ...]
    classes: NDArray[np.generic] | None
    offset: Values
    unit: Values
    steps: int | None
    columns: Mapping[str, Any] | None = field(default=None, kw_only=True)
    flat: bool = True
    names: tuple[str, ...] | None = None
    constant: Values | None = None
    counted: float = 0.0
    histories: tuple[History, ...] = ()

    def having_seen(self, targets: Targets, weights: Values) -> SequenceModel:
        """Return it with a `constant` that is over further training answers too.

        Args:
            targets: the answers.
            weights: (N,) how much each sequence counts, without what classes count in the loss.
        """
        y, owner = targets.flatten()
        w = weights[owner]
        now = most_frequent(y, 1, classes=None if self.classes is None else len(self.classes), weights=w)[0]
        count = self.counted + float(w.sum())
        before = now if self.constant is None else self.constant
        return replace(self, constant=before + (now - before) * (w.sum() / count), counted=count)

    @property
    def kind(self) -> str:
        """What it reads: NUMBERS, TEXTS or WORDS."""
        if not isinstance(self.encoding, Tokens):
            return NUMBERS
        return WORDS if self.encoding.given else TEXTS

    @property
    def each(self) -> bool:
        """Whether it answers at every step."""
        return self.nets[0].shape.each

    def encode(self, source: Source, who: str) -> Ragged:
        """Return what the networks read.

        Raises:
            DataError: another kind of sequences than it learned from; other features than in training.
        """
        given = kind_of(source)
        if given != self.kind:
            raise DataError(f"This {who} was fitted on {self.kind}, and was given {given}: {GIVE[self.kind]}.")
        if isinstance(source, Ragged) and isinstance(self.encoding, NumberEncoding):
            require_like(source, self.encoding.features, self.steps, who)
        return encoded(self.encoding, source)

    def raw(self, source: Source, who: str) -> tuple[list[Values], Ragged]:
        """Return each network's own answers, logits (N, C) or (sum of T_i, C), and what they read."""
        inputs = self.encode(source, who)
        return [answers(net, inputs) for net in self.nets], inputs

    def parts(self, source: Source, who: str) -> tuple[list[Values], Ragged]:
        """Return the logits that are pooled, the networks' mean first, and what the networks read."""
        made, inputs = self.raw(source, who)
        found = [averaged(made)]
        if self.bag is not None:
            found.append(self.bag.logits(texts_of(source)))
        return found, inputs

    def logits(self, source: Source, who: str) -> tuple[Values, Ragged]:
        """Return the pooled logarithms of the probabilities, (N, C) or (sum of T_i, C), and what the networks read."""
        parts, inputs = self.parts(source, who)
        return pooled(parts, self.pool), inputs

    def numbers(self, source: Source, who: str) -> tuple[Values, Ragged]:
        """Return the numbers on their own scale, (N, C) or (sum of T_i, C), and what the networks read."""
        made, inputs = self.raw(source, who)
        return np.mean(made, axis=0) * self.unit + self.offset, inputs
