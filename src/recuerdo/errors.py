"""Every error that recuerdo raises on purpose, as one tree.

::

    RecuerdoError
    ├── ShapeError       (ValueError)    an array whose axes are not (samples, time steps, features)
    ├── OptionError      (ValueError)    an argument with a value that is not offered
    ├── DataError        (ValueError)    a table or file that cannot be read as series
    │   └── NotANumberError  (TypeError) a thing that can be no number where one belongs
    ├── ConversionError  (TypeError)     a layer that has no equal here
    ├── BackendError     (RuntimeError)  no kernel takes the job
    ├── DivergedError    (RuntimeError)  training left the finite numbers
    ├── LeakError        (AssertionError) a forecaster that has seen the future, or not the latest value
    ├── NotFittedError   (ValueError, AttributeError)  an estimator that was asked before it was fitted
    ├── ModelFileError   (ValueError)    a model directory that cannot be loaded
    └── OutputError      (OSError)       a result that cannot be written where it was asked for

Each message says what is wrong, where, and what to do now. The command line prints it as one sentence and exits with 2.
What is no error, and should be known all the same, is a warning: see `warn`.
"""

import os
import sys
import warnings

_HERE = os.path.dirname(__file__) + os.sep


class RecuerdoError(Exception):
    """The root: catch this to catch everything that recuerdo raises on purpose."""


class ShapeError(RecuerdoError, ValueError):
    """An array whose axes are not the (samples, time steps, features) that are expected."""


class OptionError(RecuerdoError, ValueError):
    """An argument whose value is not offered, or does not go with another one."""


class DataError(RecuerdoError, ValueError):
    """A table or file that cannot be read as one or more series."""


class NotANumberError(DataError, TypeError):
    """A thing, such as a dict, that can be no number, in the place of one."""


class ConversionError(RecuerdoError, TypeError):
    """A layer of another library that has no exact equal here."""


class BackendError(RecuerdoError, RuntimeError):
    """No kernel takes the job, or the one that was named cannot."""


class DivergedError(RecuerdoError, RuntimeError):
    """Training met a loss or a gradient that is not finite; the module keeps its last finite weights.

    Args:
        message: what happened and what to try.
        step: the optimiser step at which it happened, counted from 0.
        grad_norm: the gradient norm of that step (NaN or infinite when the gradient is what broke).
    """

    def __init__(self, message: str, *, step: int, grad_norm: float) -> None:
        super().__init__(message)
        self.step = step
        self.grad_norm = grad_norm

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_diverged, (str(self), self.step, self.grad_norm)


def _rebuild_diverged(message: str, step: int, grad_norm: float) -> DivergedError:
    return DivergedError(message, step=step, grad_norm=grad_norm)


class LeakError(RecuerdoError, AssertionError):
    """A causality self-test that failed: something has seen the future, or has not seen the latest value."""


class NotFittedError(RecuerdoError, ValueError, AttributeError):
    """An estimator that was asked for a result before it was fitted."""


class ModelFileError(RecuerdoError, ValueError):
    """A model directory that is truncated, foreign, or of a newer schema."""


class OutputError(RecuerdoError, OSError):
    """A result that cannot be written where it was asked for, or that would overwrite something."""


def warn(message: str) -> None:
    """Warn at the line that called recuerdo, however deep in recuerdo the reason was found.

    Args:
        message: what is so, and what to do about it.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
