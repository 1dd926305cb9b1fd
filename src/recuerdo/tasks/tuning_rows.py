"""The rows that a tuning looks at: what its trials learn from, and what they are scored by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.tables import Panel
from recuerdo.data.windows import WindowSet
from recuerdo.errors import DataError, OptionError
from recuerdo.learn import Callback, Run
from recuerdo.tasks.forecast_ensembles import own_units
from recuerdo.tasks.forecast_heads import make_head
from recuerdo.tasks.forecast_inputs import Rows, naive_units
from recuerdo.tasks.forecast_plan import Plan, most_held_out
from recuerdo.tasks.forecast_shapes import Net, Shape
from recuerdo.tasks.forecast_training import answers, evenly
from recuerdo.tasks.forecast_trial import followed
from recuerdo.tasks.metrics import mae, mase

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

Values = NDArray[np.float64]

PARTS = 10
"""Parts of a training, after each of which a trial is scored and may be pruned."""

MOST_SCORED = 1000
"""Windows that a score looks at, at most, evenly over all series."""


@dataclass(frozen=True, eq=False)
class Field:
    """The rows that trials learn from and are scored on: all before those that are set apart.

    Attributes:
        earlier: all but the rows set apart.
        before: all but those and the validation rows: what a trial learns from.
        plan: what the forecaster itself would decide about the earlier rows; its held-out rows are those of validation,
            of which the judged ones give the score. A trial chooses its number of steps where a fit would: on the
            others.
        origins: (n, 2), number of the series and last known row of each window that is scored.
        truth: (n, K), what followed.
        units: (n,), of MASE, from the training rows.
    """

    earlier: Panel
    before: Panel
    plan: Plan
    origins: NDArray[np.int64]
    truth: Values
    units: Values

    @classmethod
    def of(cls, forecaster: Forecaster, known: Panel, apart: int) -> Field:
        """Return the field of a panel whose last rows are set apart here, before anything is decided.

        Raises:
            DataError: what is left of a series has too few rows.
        """
        horizon = forecaster.horizon
        try:
            earlier = known.split(apart)[0]
            plan = forecaster._make_plan(earlier, judged=True)
        except DataError as error:
            raise DataError(
                f"Tuning sets the last {apart} rows of each series apart, and what is left does not do. {error}"
            ) from error
        before = earlier.split(plan.held_out)[0]
        lengths = np.array([len(one.values) for one in earlier.series])
        windows = WindowSet(lengths, 1, horizon, first_target=lengths - plan.judged)
        chosen = evenly(len(windows), MOST_SCORED)
        origins = windows.origins(chosen)
        units = naive_units(before, plan.season)[origins[:, 0]]
        return cls(earlier, before, plan, origins, followed(earlier, origins, horizon), units)

    @property
    def measure(self) -> str:
        """MASE, or MAE where a series has no unit of it."""
        return "MAE" if np.isnan(self.units).any() else "MASE"

    def score(self, net: Net, shape: Shape, rows: Rows) -> float:
        """Return the measure of a network's forecasts of the windows that are scored."""
        answer, *_ = answers(net, shape, rows, self.origins)
        point = make_head(shape.head, shape.levels).point(answer).numpy()
        forecast = own_units(point, rows.scalers, self.origins[:, 0])
        return mae(self.truth, forecast) if self.measure == "MAE" else mase(self.truth, forecast, self.units)


class Watch(Callback):
    """Scores a network after each part of its training, and reports it.

    Args:
        steps: of the whole training.
        score: of the network as it is.
        report: called with the parts that are done and the score; what it raises ends the training.
    """

    def __init__(self, steps: int, score: Callable[[Any], float], report: Callable[[int, float], None]) -> None:
        self._steps, self._score, self._report = steps, score, report
        self._done = 0
        self.taken = 0

    def on_step(self, run: Run) -> None:
        """Report once for each part but the last, whose score is the trial's own."""
        self.taken = run.step
        done = PARTS * run.step // self._steps
        if self._done < done < PARTS:
            self._done = done
            self._report(done, self._score(run.module))


def rows_apart(forecaster: Forecaster, known: Panel, asked: int | None) -> int:
    """Return how many rows at the end of each series are set apart: those that were asked for, or a fit holds out.

    Raises:
        OptionError: fewer were asked for than a fit holds out.
    """
    shortest = min(len(one.values) for one in known.series)
    least = most_held_out(shortest, forecaster.horizon, len(known), forecaster._least_errors)
    if asked is None:
        return least
    if isinstance(asked, bool) or not isinstance(asked, int | np.integer) or asked < least:
        raise OptionError(
            f"held_out={asked!r}: a fit judges itself by up to the last {least} rows, so it is a whole number of "
            f"{least} or more, or None for just these."
        )
    return int(asked)
