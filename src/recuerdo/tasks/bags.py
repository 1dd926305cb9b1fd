"""A bag of n-grams beside the recurrence: a linear verdict over which words and pieces of words a text holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.data.ngram_counts import Counted
from recuerdo.data.ngrams import NGrams

INVERSE_STRENGTH = 4.0
"""C of the logistic regression: features are of length 1, so that scikit-learn's 1 holds their weights too small."""

SMALLEST = 1e-9
"""Probability below which a class counts as this likely, so that its logarithm is finite."""


@dataclass(frozen=True, eq=False)
class Bag:
    """Logistic regression on TF-IDF weights of n-grams, fitted by itself; the network's verdict and its own are pooled.

    Attributes:
        grams: from texts to features.
        coefficients: (C, F) float32, or (1, F) for two classes.
        intercept: (C,) or (1,).
        classes: C, of the model; classes that no training text had are as good as impossible.
        known: which of them the coefficients are for.
    """

    grams: NGrams
    coefficients: NDArray[np.float32]
    intercept: NDArray[np.float64]
    classes: int
    known: NDArray[np.int64]

    @classmethod
    def fit(
        cls,
        counted: Counted,
        rows: NDArray[np.int64] | None,
        y: NDArray[np.int64],
        classes: int,
        weights: NDArray[np.float64],
    ) -> Bag:
        """Fit it on training texts.

        Args:
            counted: the n-grams of texts.
            rows: which of them to learn from, (N,) indices; None for all.
            y: the classes of these, (N,) indices.
            classes: C.
            weights: how much each of these counts, (N,).

        Example:
            >>> from recuerdo.data.ngram_counts import count_ngrams
            >>> bag = Bag.fit(count_ngrams(["good", "bad", "good film"]), None, np.array([1, 0, 1]), 2, np.ones(3))
            >>> bag.logits(["good"]).argmax(axis=1).tolist()
            [1]
        """
        from sklearn.linear_model import LogisticRegression

        grams, features = counted.learn(rows)
        model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=1000)
        model.fit(features, y, sample_weight=weights)
        coefficients, intercept = np.asarray(model.coef_, np.float32), np.asarray(model.intercept_, np.float64)
        return cls(grams, coefficients, intercept, classes, np.asarray(model.classes_))

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the logarithms of the classes' probabilities, (n, C)."""
        made = self.grams.transform(texts) @ self.coefficients.T.astype(np.float64) + self.intercept
        if made.shape[1] == 1:
            made = np.concatenate([np.zeros_like(made), made], axis=1)
        made -= made.max(axis=1, keepdims=True)
        made -= np.log(np.exp(made).sum(axis=1, keepdims=True))
        result = np.full((len(made), self.classes), np.log(SMALLEST))
        result[:, self.known] = np.maximum(made, np.log(SMALLEST))
        return result

    def to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what a model file keeps of it: plain JSON, and tensors."""
        card = {"grams": self.grams.to_json(), "classes": self.classes, "known": self.known.tolist()}
        tensors = {"coefficients": torch.from_numpy(self.coefficients), "intercept": torch.from_numpy(self.intercept)}
        return card, tensors

    @classmethod
    def from_parts(cls, card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Bag:
        """Return the bag that `to_parts` took apart."""
        numbers = tensors["coefficients"].numpy(), tensors["intercept"].numpy()
        return cls(NGrams.from_json(card["grams"]), *numbers, card["classes"], np.array(card["known"], np.int64))
