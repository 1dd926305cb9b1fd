"""What a network reads of sequences of numbers: values on the training rows' scale, their changes, what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError

Values = NDArray[np.floating]

FLAT = 1e-6
"""Standard deviations below this share of a feature's largest size are rounding: such a feature is constant."""

FLAT_DOUBLE = 1e-12
"""The same of numbers that came in float64, such as seconds since 1970, which differ far behind the point."""


@dataclass(frozen=True, eq=False)
class NumberEncoding:
    """The scale of sequences of numbers, fitted on training rows and no others.

    A value is read less the feature's mean over all training steps, in units of its standard deviation there: never per
    sample, so that level and size, which often are the answer, are kept. With `changes` each step also tells how far it
    is from the one before; a feature that had values missing in training has a further column, 1 where one is missing.

    Attributes:
        mean, std: (D,), of each feature.
        changes: (D,), the standard deviation of its change from step to step; None without changes.
        gaps: (D,) bool, whether values of it were missing.

    Example:
        >>> encoding = NumberEncoding.fit(Ragged.of([np.array([[1.0], [3.0]])]))
        >>> encoding.encode(Ragged.of([np.array([[1.0], [3.0]])])).values.round(2)
        array([[-1.  ,  0.  ],
               [ 1.  ,  1.41]], dtype=float32)
    """

    mean: Values
    std: Values
    changes: Values | None
    gaps: NDArray[np.bool_]

    @classmethod
    def fit(cls, known: Ragged, *, changes: bool = True) -> NumberEncoding:
        """Fit it on training sequences (T_i, D).

        Raises:
            DataError: a feature has no value at all.
        """
        values = known.values.astype(np.float64)
        missing = np.isnan(values)
        empty = np.flatnonzero(missing.all(axis=0))
        if len(empty):
            raise DataError(f"Feature {empty[0]} has no value in any training sequence: leave it out.")
        mean = np.nanmean(values, axis=0)
        flat = FLAT if known.values.dtype == np.float32 else FLAT_DOUBLE
        std = _spread(values - mean, np.nanmax(np.abs(values), axis=0), flat)
        steps = _spread(_changes(values / std, known.starts), 1.0) if changes else None
        return cls(mean, std, steps, np.asarray(missing.any(axis=0)))

    @property
    def features(self) -> int:
        """D, the columns of a sequence as it comes."""
        return len(self.mean)

    @property
    def columns(self) -> int:
        """The columns that a network sees."""
        return self.features * (1 if self.changes is None else 2) + int(self.gaps.sum())

    def encode(self, sequences: Ragged) -> Ragged:
        """Return what a network reads of each step, (sum of T_i, columns) float32.

        Raises:
            DataError: a value is missing in a feature that was complete in training, so that nothing was learned of
                gaps; or one is beyond what float32 holds once it is scaled.
        """
        values = sequences.values.astype(np.float64)
        missing = np.isnan(values)
        unknown = missing & ~self.gaps
        if unknown.any():
            place, feature = np.argwhere(unknown)[0]
            i, step = sequences.where(place)
            raise DataError(
                f"Sample {i}, time step {step}, feature {feature} is missing (NaN), and in "
                f"training that feature never was: fill it in, or train on sequences with gaps, which are then "
                f"understood."
            )
        z = (values - self.mean) / self.std
        parts = [np.nan_to_num(z)]
        if self.changes is not None:
            parts.append(np.nan_to_num(_changes(z, sequences.starts) / self.changes))
        parts.append(missing[:, self.gaps])
        with np.errstate(over="ignore"):  # said below
            made = np.concatenate(parts, axis=1, dtype=np.float32)
        far = np.isinf(made).any(axis=1)
        if far.any():
            place = int(np.argmax(far))
            i, step = sequences.where(place)
            raise DataError(
                f"Sample {i}, time step {step} lies so far from the training data that it is "
                f"too large for float32: {np.nanmax(np.abs(values[place])):g}. Correct it, or write NaN where one is "
                f"missing."
            )
        return Ragged(made, sequences.starts)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain lists."""
        return {
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "changes": None if self.changes is None else self.changes.tolist(),
            "gaps": self.gaps.tolist(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NumberEncoding:
        """Return the encoding that `to_json` wrote."""
        changes = plain["changes"]
        return cls(
            np.array(plain["mean"]),
            np.array(plain["std"]),
            None if changes is None else np.array(changes),
            np.array(plain["gaps"], dtype=bool),
        )


def _changes(values: Values, starts: NDArray[np.int64]) -> Values:
    """Return x_t - x_{t-1} of each sequence, 0 at its first step."""
    result = np.diff(values, axis=0, prepend=values[:1])
    result[starts[:-1][starts[:-1] < starts[1:]]] = 0.0
    return result


def _spread(deviations: Values, size: Values | float, flat: float = FLAT) -> Values:
    """Return the root mean square of each column of what is known; 1 where it is nothing but rounding."""
    known = ~np.isnan(deviations)
    mean = np.nan_to_num(deviations**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    std = np.sqrt(mean)
    return np.where(std > flat * np.maximum(size, 1e-30), std, 1.0)
