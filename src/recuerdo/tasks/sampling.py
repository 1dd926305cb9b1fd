"""The choice of the next token from what a network says of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import OptionError

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Sampler:
    """How the next token is drawn.

    Args:
        temperature: what the logits are divided by; below 1 it keeps to what is likely, 0 takes the likeliest.
        top_k: the likeliest tokens that are drawn from; None for all.
        top_p: as few of the likeliest as have this probability together (nucleus sampling); 1 for all.
        repetition_penalty: what the logits of tokens that were said already are divided by where they are positive, and
            multiplied by where they are negative; 1 for none.

    Raises:
        OptionError: a value out of range.

    Source:
        top_p: Holtzman et al. 2020; repetition_penalty: Keskar et al. 2019, section 4.1.

    Example:
        >>> logits = np.log([[0.5, 0.3, 0.2]])
        >>> Sampler(temperature=0).choose(logits, np.random.default_rng(0)).tolist()
        [0]
        >>> Sampler(top_p=0.7).probabilities(logits).round(3).tolist()
        [[0.625, 0.375, 0.0]]
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < np.inf:
            raise OptionError(f"temperature is a number from 0, got {self.temperature}.")
        if self.top_k is not None and self.top_k < 1:
            raise OptionError(f"top_k is a whole number from 1, or None for all tokens; got {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise OptionError(f"top_p is a probability above 0, 1 for all tokens; got {self.top_p}.")
        if not 0 < self.repetition_penalty < np.inf:
            raise OptionError(f"repetition_penalty is a number above 0, 1 for none; got {self.repetition_penalty}.")

    def probabilities(self, logits: Values, said: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return what is drawn from, (S, V).

        Args:
            logits: (S, V) of S streams; -inf for a token that may not come.
            said: (S, V) which tokens each stream has said already.
        """
        p = self._weights(logits, said)
        return p / p.sum(axis=1, keepdims=True)

    def choose(
        self, logits: Values, random: np.random.Generator, said: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Draw a token for each stream, (S,); arguments as in `probabilities`."""
        reached = self._weights(logits, said).cumsum(axis=1)
        drawn = random.random(len(reached)) * reached[:, -1]  # always below what the last token that may come reaches
        return (reached <= drawn[:, None]).sum(axis=1)

    def _weights(self, logits: Values, said: NDArray[np.bool_] | None) -> NDArray[np.float64]:
        """Probabilities times a factor of each row's own."""
        z = np.asarray(logits, np.float64)
        if said is not None and self.repetition_penalty != 1:
            penalty = self.repetition_penalty
            z = np.where(said, np.where(z > 0, z / penalty, z * penalty), z)
        if self.temperature == 0:
            likeliest = np.zeros_like(z)
            likeliest[np.arange(len(z)), z.argmax(axis=1)] = 1
            return likeliest
        if self.top_k is not None and self.top_k < z.shape[1]:
            least = np.partition(z, -self.top_k, axis=1)[:, -self.top_k]
            z = np.where(z < least[:, None], -np.inf, z)
        p = z - z.max(axis=1, keepdims=True)
        if self.temperature != 1:
            p /= self.temperature
        np.exp(p, out=p)
        if self.top_p < 1:
            order = np.argsort(-p, axis=1, kind="stable")
            sorted_p = np.take_along_axis(p, order, axis=1)
            before = np.cumsum(sorted_p, axis=1) - sorted_p
            kept = np.zeros(p.shape, bool)
            np.put_along_axis(kept, order, before < self.top_p * sorted_p.sum(axis=1, keepdims=True), axis=1)
            p = np.where(kept, p, 0)
        return p
