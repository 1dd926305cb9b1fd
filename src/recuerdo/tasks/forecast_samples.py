"""Samples from the distributions that networks answer for each step ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import Distribution

from recuerdo.tasks.forecast_ensembles import own_units
from recuerdo.tasks.scaling import Scaler

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """What several networks say of n series together: the distribution of one of them, taken by chance.

    Attributes:
        distributions: of each network, (n, K), on the scaler's scale.
        scalers: of each series.
    """

    distributions: tuple[Distribution, ...]
    scalers: tuple[Scaler, ...]

    def sample(self, count: int) -> Values:
        """Draw with torch's random numbers; the result is (count, n, K), in the series' own units."""
        chosen = torch.randint(len(self.distributions), (count,))
        parts = [each.sample((int((chosen == number).sum()),)) for number, each in enumerate(self.distributions)]
        # Sorted by network, a number of a sample would tell which one it comes from.
        z = torch.cat(parts)[chosen.argsort().argsort()].numpy()
        return own_units(z, self.scalers, np.arange(len(self.scalers)))
