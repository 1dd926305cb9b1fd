"""What a forecaster's training makes small. Missing values count for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from recuerdo.tasks.forecast_heads import Head

LOSSES = ("mae", "mse", "owa")


@dataclass(frozen=True)
class Objective:
    """The loss of an answer.

    Args:
        name: "mae", the head's own loss, for a number the absolute error in units of its window's scale; "mse", the
            squared error in units of the series' standard deviation; "owa", half sMAPE and half MASE, each in units of
            the seasonal naive forecast's on the training windows (the M4 competition's score).
        head: what the answer is.
        log: whether the scaler takes logarithms.
        references: for "owa", sMAPE (0 to 200) and MASE of the seasonal naive forecast.
    """

    name: str
    head: Head
    log: bool = False
    references: tuple[float, float] = (100.0, 1.0)

    def __call__(self, answer: Tensor, target: Tensor, scale: Tensor, aside: Mapping[str, Tensor]) -> Tensor:
        """Return the mean loss over all values that are known.

        Args:
            answer: as the head makes it, around (N, K).
            target: z, (N, K), NaN where missing.
            scale: of each window, (N, 1).
            aside: for "owa", `units` (N, 3): mean and standard deviation of the scaler, and the unit of MASE.
        """
        known = ~target.isnan()
        truth = torch.where(known, target, self.head.point(answer).detach())
        match self.name:
            case "mse":
                error = (answer - truth) ** 2
            case "owa":
                error = self._owa(answer, truth, aside["units"])
            case _:
                error = self.head.loss(answer, truth, scale)
        return (error * known).sum() / known.sum().clamp_min(1)

    def _owa(self, answer: Tensor, truth: Tensor, units: Tensor) -> Tensor:
        mean, std, naive = units[..., None].unbind(dim=1)
        forecast, true = answer * std + mean, truth * std + mean
        if self.log:
            forecast, true = forecast.exp(), true.exp()
        gap = (forecast - true).abs()
        size = (forecast.abs() + true.abs()).clamp_min(1e-6 * naive)
        return 0.5 * (200 * gap / size / self.references[0] + gap / naive / self.references[1])
