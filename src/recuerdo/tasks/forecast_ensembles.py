"""One network or several that differ by their seed alone: what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.tasks.conformal import Answer, Conformal, ConformalQuantiles, Uncalibrated
from recuerdo.tasks.forecast_heads import Gaussian, StudentT, make_head
from recuerdo.tasks.forecast_inputs import Encoding, Rows
from recuerdo.tasks.forecast_nets import RecursiveNet
from recuerdo.tasks.forecast_shapes import Shape
from recuerdo.tasks.forecast_training import Trained, answers
from recuerdo.tasks.scaling import Scaler

Values = NDArray[np.float64]
Calibration = Conformal | ConformalQuantiles | Uncalibrated


@dataclass(frozen=True)
class Ensemble:
    """Trained networks of one shape and one encoding, whose forecasts are averaged.

    Attributes:
        members: one network for each seed.
        cut: whether Ctrl-C ended the training of a further member, which is left out.
    """

    members: tuple[Trained, ...]
    cut: bool = False

    @property
    def shape(self) -> Shape:
        """The shape that all share."""
        return self.members[0].shape

    @property
    def encoding(self) -> Encoding:
        """The encoding that all share."""
        return self.members[0].encoding

    @property
    def gaps(self) -> bool:
        """Whether the networks have met missing values."""
        return self.shape.gaps

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended a training early."""
        return self.cut or any(each.interrupted for each in self.members)

    def answer(
        self, rows: Rows, origins: NDArray[np.int64], memories: Sequence[Tensor] | None = None
    ) -> tuple[Answer, list[Values]]:
        """Say what follows some origins.

        Args:
            rows: the rows on the networks' scale.
            origins: (n, 2), number of the series and index of the last known row.
            memories: each member's states after these origins, where they are known; see `answers`.

        Returns:
            The mean answer, and each member's own forecasts (n, K), all on the scaler's scale.
        """
        kept = memories or [None] * len(self.members)
        made = [
            answers(each.net, each.shape, rows, origins, memory)
            for each, memory in zip(self.members, kept, strict=True)
        ]
        head = make_head(self.shape.head, self.shape.levels)

        def quantile(level: float) -> Values:
            return np.mean([head.quantile(answer, level).numpy() for answer, *_ in made], axis=0)

        points = [head.point(answer).numpy() for answer, *_ in made]
        known = tuple(head.distribution(answer) for answer, *_ in made) if isinstance(head, Gaussian | StudentT) else ()
        _, scale, change = made[0]
        return Answer(np.mean(points, axis=0), scale, change, quantile, known), points

    def calibrated(
        self, answer: Answer, truth: Values, levels: Sequence[float], independent: float | None = None
    ) -> Calibration:
        """Return the calibration that answers about held-out windows ask for.

        Args:
            answer: what was said of them.
            truth: z, (n, K), NaN where unknown.
            levels: the quantiles that are asked for.
            independent: how many of the errors count as independent; None for all.
        """
        if self.shape.head == "point" or isinstance(self.members[0].net, RecursiveNet):
            conformal = Conformal.fitted((truth - answer.point) / answer.change, independent)
            for level in levels:
                conformal.margin(abs(2 * level - 1))  # raises where there are too few errors
            return conformal
        return ConformalQuantiles.fitted(levels, answer, truth, independent)


def own_units(z: Values, scalers: Sequence[Scaler], numbers: NDArray[np.int64]) -> Values:
    """Take forecasts (n, K) back to their series' own units, where `numbers` (n,) tells the scaler of each."""
    mean, std = (np.array([getattr(each, name) for each in scalers])[numbers, None] for name in ("mean", "std"))
    y = z * std + mean
    return np.exp(y) if scalers[0].log else y
