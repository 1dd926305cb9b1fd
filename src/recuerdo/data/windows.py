"""Windows over series: the rows a forecast sees, and the rows it is to say."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError

__all__ = ["WindowSet", "count"]


def count(length: int, lookback: int, horizon: int, stride: int = 1) -> int:
    """How many windows lie wholly inside a series.

    Args:
        length: rows of the series.
        lookback: input rows of one window.
        horizon: target rows of one window, which follow the input rows.
        stride: rows from one window to the next.

    Returns:
        The number of windows, 0 if the series is too short for one.

    Example:
        >>> count(10, lookback=4, horizon=2)
        5
    """
    return max(0, (length - lookback - horizon) // stride + 1)


class WindowSet:
    """All windows over a set of series, kept as an index: rows are copied only when they are gathered.

    Args:
        series: arrays (T_i,).
        lookback: input rows of one window.
        horizon: target rows of one window.
        stride: rows from one window to the next, counted back from the last window, so that the latest rows are used.
        first_target: for each series the first row that may be a target; None is as early as can be.
        last_target: for each series the last row that may be a target; None is the end of the series.
        names: what to call each series in a message; None numbers them.

    Raises:
        DataError: a series has fewer rows than one window needs.
        OptionError: lookback, horizon or stride is not positive.

    Example:
        >>> windows = WindowSet([np.arange(6.0)], lookback=3, horizon=2)
        >>> inputs, targets = windows.gather([0, 1])
        >>> inputs[:, :, 0].tolist(), targets.tolist()
        ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [[3.0, 4.0], [4.0, 5.0]])
    """

    origins: NDArray[np.int64]
    """(n, 2): the number of the series, and the index of the last input row, by series and then by time."""

    def __init__(
        self,
        series: Sequence[NDArray[np.floating]],
        lookback: int,
        horizon: int,
        stride: int = 1,
        first_target: Sequence[int] | None = None,
        last_target: Sequence[int] | None = None,
        names: Sequence[object] | None = None,
    ) -> None:
        for name, value in (("lookback", lookback), ("horizon", horizon), ("stride", stride)):
            if value < 1:
                raise OptionError(f"{name} counts rows and must be 1 or more, got {value}.")
        names = list(range(len(series))) if names is None else names
        for name, values in zip(names, series, strict=True):
            if count(len(values), lookback, horizon) == 0:
                raise DataError(
                    f"Series {name!r} has {len(values)} rows; lookback {lookback} + horizon {horizon} need at least "
                    f"{lookback + horizon}. Choose a shorter lookback or horizon, or leave the series out."
                )
        self.lookback, self.horizon, self.stride = lookback, horizon, stride
        self._names = names
        self._series = series
        self._rows = np.concatenate([np.empty(0), *series], dtype=np.float64)
        lengths = [len(values) for values in series]
        self._starts = np.cumsum([0, *lengths])
        origins = [np.empty((0, 2), dtype=np.int64)]
        for number, length in enumerate(lengths):
            first = lookback if first_target is None else max(lookback, first_target[number])
            last = length - 1 if last_target is None else min(length - 1, last_target[number])
            ends = np.arange(last - horizon, first - 2, -stride, dtype=np.int64)[::-1]
            origins.append(np.stack([np.full_like(ends, number), ends], axis=1))
        self.origins = np.concatenate(origins)

    def __len__(self) -> int:
        return len(self.origins)

    def gather(self, indices: Sequence[int] | NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Copy the rows of some windows.

        Args:
            indices: (n,) windows, from 0 to len - 1 in any order.

        Returns:
            The inputs (n, lookback, 1) and the targets (n, horizon).
        """
        number, end = self.origins[np.asarray(indices, dtype=np.int64)].T
        after = (self._starts[number] + end)[:, None] + 1
        inputs = self._rows[after + np.arange(-self.lookback, 0)]
        return inputs[:, :, None], self._rows[after + np.arange(self.horizon)]

    def split(self, held_out: int) -> tuple[Self, Self]:
        """Split by time, so that no row to be foretold in the second set is seen in training on the first.

        Args:
            held_out: how many rows at the end of each series are held out.

        Returns:
            The windows that end before the held-out rows, and the windows whose targets all lie in them; the inputs of
            the latter may reach back before them.

        Raises:
            DataError: held_out is less than one horizon, or leaves a series without a window to train on.
        """
        if held_out < self.horizon:
            raise DataError(
                f"{held_out} held-out rows cannot hold a target of {self.horizon}. Hold out {self.horizon} or more."
            )
        cuts = [len(values) - held_out for values in self._series]
        for name, cut in zip(self._names, cuts, strict=True):
            if count(cut, self.lookback, self.horizon) == 0:
                raise DataError(
                    f"Series {name!r} has {max(cut, 0)} rows before the {held_out} held-out ones; lookback "
                    f"{self.lookback} + horizon {self.horizon} need at least {self.lookback + self.horizon}."
                )
        parts = self._series, self.lookback, self.horizon, self.stride
        before = type(self)(*parts, last_target=[cut - 1 for cut in cuts], names=self._names)
        return before, type(self)(*parts, first_target=cuts, names=self._names)
