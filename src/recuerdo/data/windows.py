"""Windows over series: the rows a forecast sees, and the rows it is to say."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError

__all__ = ["WindowSet", "gather_rows"]


class WindowSet:
    """All windows over a set of series, as an index: no window is stored, and its place is computed when asked for.

    Args:
        lengths: (n,) rows of each series.
        lookback: input rows of one window.
        horizon: target rows of one window.
        stride: rows from one window to the next, counted back from the last window, so that the latest rows are used.
        first_target: for each series the first row that may be a target; None is as early as can be.
        last_target: for each series the last row that may be a target; None is the end of the series.
        least: how many input rows of a window must lie in its series, the others before its begin; None is lookback.
        names: what to call each series in a message; None numbers them.

    Raises:
        DataError: a series has fewer rows than one window needs.
        OptionError: lookback, horizon or stride is not positive, or least is not from 1 to lookback.

    Example:
        >>> windows = WindowSet([6, 5], lookback=3, horizon=2)
        >>> len(windows), windows.origins([0, 1, 2]).tolist()
        (3, [[0, 2], [0, 3], [1, 2]])
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.integer],
        lookback: int,
        horizon: int,
        stride: int = 1,
        first_target: Sequence[int] | NDArray[np.integer] | None = None,
        last_target: Sequence[int] | NDArray[np.integer] | None = None,
        *,
        least: int | None = None,
        names: Sequence[object] | None = None,
    ) -> None:
        for name, value in (("lookback", lookback), ("horizon", horizon), ("stride", stride)):
            if value < 1:
                raise OptionError(f"{name} counts rows and must be 1 or more, got {value}.")
        least = lookback if least is None else least
        if not 1 <= least <= lookback:
            raise OptionError(f"least counts input rows and must be from 1 to lookback {lookback}, got {least}.")
        self.lookback, self.horizon, self.stride, self.least = lookback, horizon, stride, least
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self._names = range(len(self.lengths)) if names is None else names
        self._long_enough(self.lengths, "", ". Choose a shorter lookback or horizon, or leave the series out.")
        first = np.full_like(self.lengths, least) if first_target is None else np.maximum(least, first_target)
        final = self.lengths - 1 if last_target is None else np.minimum(self.lengths - 1, last_target)
        self._latest = final - horizon  # the last input row of the last window
        self._ends = np.cumsum(np.maximum(0, (self._latest - first + 1) // stride + 1))

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def origins(self, indices: Sequence[int] | NDArray[np.integer] | range) -> NDArray[np.int64]:
        """Where some windows lie; they are ordered by series and then by time.

        Args:
            indices: (n,) windows, from 0 to len - 1 in any order.

        Returns:
            For each the number of the series and the index of the last input row (n, 2).

        Raises:
            IndexError: there is no such window.
        """
        indices = np.asarray(indices, dtype=np.int64)
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"Windows are numbered from 0 to {len(self) - 1}, got {indices.min()} to {indices.max()}.")
        number = np.searchsorted(self._ends, indices, side="right")
        return np.stack([number, self._latest[number] - (self._ends[number] - 1 - indices) * self.stride], axis=1)

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
        cuts = self.lengths - held_out
        self._long_enough(cuts, f" before the {held_out} held-out ones", ".")
        parts: Any = self.lengths, self.lookback, self.horizon, self.stride
        before = type(self)(*parts, last_target=cuts - 1, least=self.least, names=self._names)
        return before, type(self)(*parts, first_target=cuts, least=self.least, names=self._names)

    def _long_enough(self, lengths: NDArray[np.int64], which: str, mend: str) -> None:
        short = np.flatnonzero(lengths < self.least + self.horizon)
        if short.size:
            i, needed = int(short[0]), self.least + self.horizon
            what = "lookback" if self.least == self.lookback else "least input rows"
            raise DataError(
                f"Series {self._names[i]!r} has {max(int(lengths[i]), 0)} rows{which}; {what} {self.least} + horizon "
                f"{self.horizon} need at least {needed}{mend}"
            )


def gather_rows(
    rows: NDArray[np.floating],
    starts: Sequence[int] | NDArray[np.integer],
    origins: NDArray[np.int64],
    before: int,
    after: int,
) -> NDArray[np.floating]:
    """Copy the rows around some origins.

    Args:
        rows: (R, ...) floats, the rows of all series, one series after the other.
        starts: (n,) where each series begins.
        origins: (m, 2) series and last input row of each window, as `WindowSet.origins` gives them.
        before: how many rows to take up to the origin, with it; those before the begin of the series are NaN.
        after: how many rows to take behind the origin.

    Returns:
        The rows (m, before + after, ...), of the type of `rows`.

    Raises:
        DataError: a window reaches beyond the end of its series.

    Example:
        >>> gather_rows(np.arange(6.0), [0, 3], np.array([[1, 1]]), before=3, after=1).tolist()
        [[nan, 3.0, 4.0, 5.0]]
    """
    starts = np.asarray(starts, dtype=np.int64)
    number, end = origins.T
    begin, origin = starts[number], starts[number] + end
    beyond = origin + after >= np.append(starts[1:], len(rows))[number]
    if beyond.any():
        i = int(beyond.argmax())
        raise DataError(f"Series {number[i]} has no {after} rows after row {end[i]}. Take an earlier origin.")
    places = origin[:, None] + np.arange(1 - before, after + 1)
    early = places < begin[:, None]
    gathered = rows[np.where(early, begin[:, None], places)]
    gathered[early] = np.nan
    return gathered
