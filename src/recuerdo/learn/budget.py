"""The clock of a training: when must the cool-down begin so that it ends in time?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

MARGIN = 1.1  # later steps may be this much slower than those so far
EVALUATION_SHARE = 1 / 3  # of a step's time per batch, before an evaluation was measured: forward without backward


class Budget:
    """Time spent, before and after resumptions alike, and the time that is left.

    Args:
        max_seconds: the seconds there are; None for no limit.
        clock: gives the present moment in seconds.

    >>> moments = iter([0.0, 1.0, 2.0])
    >>> budget = Budget(10.0, lambda: next(moments))
    >>> budget.elapsed(), budget.elapsed()
    (1.0, 2.0)
    """

    def __init__(self, max_seconds: float | None, clock: Callable[[], float]) -> None:
        self.max_seconds = max_seconds
        self._clock = clock
        self._began = clock()
        self._first_step: float | None = None  # elapsed after the first step, whose one-off costs say nothing
        self._evaluation: float | None = None

    def elapsed(self) -> float:
        """Seconds spent so far."""
        return self._clock() - self._began

    def step_taken(self, seconds: float) -> None:
        """Notes that a step ended when `seconds` had been spent."""
        if self._first_step is None:
            self._first_step = seconds

    def evaluated(self, seconds: float) -> None:
        """Notes that an evaluation took `seconds`."""
        self._evaluation = seconds

    def asks_to_cool(self, step: int, steps_to_cool: int, batches_to_evaluate: int) -> bool:
        """Whether another step at full learning rate would leave too little time for the rest.

        Args:
            step: steps taken.
            steps_to_cool: steps that the cool-down takes if it begins now.
            batches_to_evaluate: batches of the last evaluation, which comes after it.
        """
        if self.max_seconds is None or self._first_step is None:
            return False
        elapsed = self.elapsed()
        per_step = (elapsed - self._first_step) / (step - 1) if step > 1 else 0.0
        evaluation = self._evaluation
        if evaluation is None:
            evaluation = batches_to_evaluate * per_step * EVALUATION_SHARE
        return elapsed + (steps_to_cool + 1) * per_step * MARGIN + evaluation >= self.max_seconds

    def state_dict(self) -> dict[str, float | None]:
        """The times that a resumed training goes on from."""
        return {
            "elapsed": self.elapsed(),
            "first_step": self._first_step,
            "evaluation": self._evaluation,
        }

    def load_state_dict(self, state: Mapping[str, float | None]) -> None:
        """Goes on from the times that `state_dict` gave."""
        self._began = self._clock() - (state["elapsed"] or 0.0)
        self._first_step = state["first_step"]
        self._evaluation = state["evaluation"]
