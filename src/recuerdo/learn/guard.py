"""Stops a training that has left the finite numbers before it spoils the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recuerdo.errors import DataError, DivergedError, ShapeError
from recuerdo.learn.problem import Batch
from recuerdo.learn.settings import Settings


def require_one_number(loss: Tensor) -> None:
    """Raises `ShapeError` unless the loss is a scalar."""
    if loss.ndim:
        raise ShapeError(
            f"The loss must be one number per batch, got shape {tuple(loss.shape)}: take its mean, loss.mean()."
        )


def require_finite(
    loss: float, grad_norm: float, batch: Batch, step: int, settings: Settings, *, gaps: bool = False
) -> None:
    """Raises unless the loss and the gradient norm of a step are finite; with gaps, NaN in the batch is no fault.

    Raises:
        DataError: they are not, because the batch itself holds NaN or an infinite number.
        DivergedError: they are not, and the batch is sound.
    """
    if math.isfinite(loss) and math.isfinite(grad_norm):
        return
    require_finite_batch(batch, f"training batch of step {step}", gaps=gaps)
    if settings.clip is None:
        mend = f"learning_rate={settings.learning_rate / 10:g} (a tenth) or clip=1.0"
    else:
        mend = f"learning_rate={settings.learning_rate / 10:g} (a tenth) or clip={settings.clip / 10:g}"
    raise DivergedError(
        f"Training diverged at step {step}: the loss is {loss:g} and the gradient norm {grad_norm:g}; the step was "
        f"not taken. Try {mend}, and bring the inputs to mean 0 and spread 1.",
        step=step,
        grad_norm=grad_norm,
    )


def require_finite_evaluation(loss: float, batch: Batch, step: int, grad_norm: float, *, gaps: bool = False) -> None:
    """Raises unless a validation loss is finite: `DataError` if the batch is at fault, else `DivergedError`."""
    if math.isfinite(loss):
        return
    require_finite_batch(batch, f"validation batch after step {step}", gaps=gaps)
    raise DivergedError(
        f"Training diverged: after step {step} the validation loss is {loss:g} while the training loss was finite. "
        "Try a learning_rate ten times lower, and check that the validation data are scaled as the training data.",
        step=step,
        grad_norm=grad_norm,
    )


def require_finite_batch(batch: Batch, where: str, *, gaps: bool = False) -> None:
    """Raises `DataError` with the first place at which a batch holds NaN, unless that marks gaps, or infinity."""
    mend = "Correct these values first." if gaps else "Fill or drop missing values first."
    for name, value in (
        *((f"input {name!r}", value) for name, value in batch.inputs.items()),
        ("target", batch.target),
    ):
        if not value.is_floating_point():
            continue
        bad = torch.isinf(value) if gaps else ~torch.isfinite(value)
        if bad.any():
            place = tuple(torch.nonzero(bad)[0].tolist())
            raise DataError(
                f"The {where} holds {value[place].item():g} in {name} at {list(place)} "
                f"({int(bad.sum())} of {value.numel()} numbers are not finite): "
                f"this is the data, not the training. {mend}"
            )
