"""All baselines of a classifier or a regressor, as far as there is time for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError
from recuerdo.tasks.sequence_baselines import (
    MAJORITY,
    MEAN,
    MLP,
    STEP_MLP,
    flat_mlp,
    hidden_size,
    most_frequent,
    scale_of_steps,
)
from recuerdo.tasks.text_baselines import TFIDF, tfidf
from recuerdo.tasks.warping_baseline import DTW, dtw, dtw_cost, installed
from recuerdo.tasks.word_baselines import WORD_MAJORITY, WORD_MEAN, of_each_word

Values = NDArray[np.float64]

LARGEST = 2.0
"""Times as many parameters as the network that the MLP may have, whose hidden layer cannot be smaller than one unit."""


@dataclass(frozen=True)
class Asked:
    """What the baselines are asked: to learn from some sequences, and to judge others.

    Attributes:
        train: N sequences (T_i, D), or N texts or words.
        y: their truth: classes as indices (N,), or numbers (N,) or (N, K).
        test: n sequences, or n texts or words.
        classes: C, or None for numbers.
        parameters: how many the network has that they stand beside.
        steps: how many it was trained for.
        weights: how much each training sequence counts, (N,).
        in_loss: the same where it is learned from, as classes may have weights there; None as `weights`.
        batch_size: how many sequences a step of the network's training learned from.
        seed: of what is drawn.
        unit: "sequence", or "step" where every sequence is one step of a longer one, or "word" where every text is one
            word of a longer one.
    """

    train: Ragged | Sequence[str]
    y: NDArray[Any]
    test: Ragged | Sequence[str]
    classes: int | None
    parameters: int
    steps: int
    weights: ArrayLike | None = None
    in_loss: ArrayLike | None = None
    batch_size: int = 32
    seed: int = 0
    unit: str = "sequence"

    @property
    def learned(self) -> ArrayLike | None:
        """How much each training sequence counts for those who minimise a loss, (N,)."""
        return self.weights if self.in_loss is None else self.in_loss

    @property
    def sequences(self) -> tuple[Ragged, Ragged]:
        """Training sequences and those to judge, which are no texts."""
        return cast("Ragged", self.train), cast("Ragged", self.test)

    @property
    def texts(self) -> tuple[Sequence[str], Sequence[str]]:
        """Training texts and those to judge, which are no sequences of numbers."""
        return cast(Sequence[str], self.train), cast(Sequence[str], self.test)


def compare(
    asked: Asked, *, seconds: float, clock: Callable[[], float] = time.monotonic
) -> tuple[dict[str, Values], tuple[str, ...]]:
    """Let every baseline judge the same sequences, the cheap ones first, until the time is over.

    Several features are standardised by the training steps for all of them, the nearest neighbour too.

    Args:
        asked: what they are asked.
        seconds: for all of them; a baseline that does not fit into what is left is left out.
        clock: gives the present moment in seconds.

    Returns:
        Name -> probabilities (n, C), or numbers (n,) or (n, K), and a sentence on each that was left out.

    Example:
        >>> from recuerdo.data.ragged import Ragged
        >>> x = Ragged.of([np.full((3, 1), level, np.float32) for level in (-1.0, 1.0, -2.0, 2.0)])
        >>> asked = Asked(x, np.array([0, 1, 0, 1]), x, classes=2, parameters=50, steps=20)
        >>> made, left_out = compare(asked, seconds=10.0)
        >>> "majority class" in made, "MLP (same size)" in made
        (True, True)
    """
    over = clock() + seconds
    constant = MAJORITY if asked.classes is not None else MEAN
    made = {constant: most_frequent(asked.y, len(asked.test), classes=asked.classes, weights=asked.weights)}
    said: list[str] = []
    for name, judge in _in_order(asked, seconds):
        left = over - clock()
        found = judge(asked, left, clock) if left > 0 else _late(left)
        if isinstance(found, str):
            said.append(f"{name} was left out: {found}")
        else:
            made[name] = found
    return made, tuple(said)


Judge = Callable[[Asked, float, Callable[[], float]], Values | str]
"""What a baseline answers in some seconds, or why it does not."""


def _in_order(asked: Asked, seconds: float) -> list[tuple[str, Judge]]:
    if asked.unit == "word":
        return [(WORD_MAJORITY if asked.classes is not None else WORD_MEAN, _word)]
    if isinstance(asked.train, Sequence):
        return [(TFIDF, _tfidf)]
    if asked.unit == "step":
        return [(STEP_MLP, _mlp)]
    both: list[tuple[str, Judge]] = [(DTW, _dtw), (MLP, _mlp)]
    return both if installed() is None and _cost(asked) <= seconds / 2 else both[::-1]


def _word(asked: Asked, left: float, clock: Callable[[], float]) -> Values | str:
    train, test = asked.texts
    return of_each_word(train, asked.y, test, classes=asked.classes, weights=asked.weights)


def _tfidf(asked: Asked, left: float, clock: Callable[[], float]) -> Values | str:
    train, test = asked.texts
    try:
        found = tfidf(
            train, asked.y, test,
            classes=asked.classes, weights=asked.learned, max_seconds=left, clock=clock,
        )  # fmt: skip
    except DataError:
        return "no training text has a word"
    return _late(left) if found is None else found


def _mlp(asked: Asked, left: float, clock: Callable[[], float]) -> Values | str:
    train, test = asked.sequences
    inputs = int(train.lengths.max()) * train.values.shape[1]
    outputs = asked.classes if asked.classes is not None else int(np.prod(asked.y.shape[1:]))
    hidden = hidden_size(inputs, outputs, asked.parameters)
    size = hidden * (inputs + 1 + outputs) + outputs
    if size > LARGEST * asked.parameters:
        return (
            f"flattened, a sequence is {inputs:,} numbers, for which one hidden unit alone has {size:,} parameters, "
            f"and the model has {asked.parameters:,}"
        )
    found = flat_mlp(
        train, asked.y, test, classes=asked.classes, weights=asked.learned, parameters=asked.parameters,
        steps=asked.steps, batch_size=asked.batch_size, max_seconds=left, seed=asked.seed,
    )  # fmt: skip
    return _late(left) if found is None else found


def _dtw(asked: Asked, left: float, clock: Callable[[], float]) -> Values | str:
    train, test = asked.sequences
    missing = installed()
    if missing is not None:
        return missing
    if np.isnan(train.values).any() or np.isnan(test.values).any():
        return "it takes no missing values"
    if train.values.shape[1] > 1:  # else the feature of the largest unit decides alone who is near
        mean, std = scale_of_steps(train)
        train, test = (Ragged((one.values - mean) / std, one.starts) for one in (train, test))
    expected = _cost(asked)
    if expected > left:
        return f"it would have taken about {expected:.3g} s, more than the {left:.1f} s that were left"
    found = dtw(
        train, asked.y, test,
        classes=asked.classes, weights=asked.weights, max_seconds=left, clock=clock,
    )  # fmt: skip
    return _late(left) if found is None else found


def _cost(asked: Asked) -> float:
    train, test = asked.sequences
    return dtw_cost(train.lengths, test.lengths, train.values.shape[1])


def _late(left: float) -> str:
    return f"it would have taken more than the {max(left, 0):.1f} s that were left"
