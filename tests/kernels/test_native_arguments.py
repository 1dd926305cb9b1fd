"""What does not fit is an error in words, before the core reads beyond the end of a tensor or as another type."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.kernels.native_cases import job
from tests.native_core import needs_native
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import Job, ops, recurrence
from recuerdo.kernels.calling import Given, Numbers

pytestmark = needs_native

T, N, D, H = 3, 4, 2, 5


def asked(option: str = "plain") -> Job:
    return job("lstm", option, (T, N, D, H), torch.float64, layer_norm=True)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> tuple[Given, Numbers]:
    """All that the core is given for an LSTM with every option."""
    calls: list[tuple[Given, Numbers]] = []
    run = ops.run

    def noting(given: Given, numbers: Numbers, keep: bool) -> object:
        calls.append((given, numbers))
        return run(given, numbers, keep)

    with monkeypatch.context() as patch:
        patch.setattr(ops, "run", noting)
        recurrence(asked("all"), "native")
    (one,) = calls
    assert all(each is not None for each in one[0])
    return one


@pytest.mark.parametrize("field", Given._fields[1:])
def test_a_tensor_of_another_shape(field: str, call: tuple[Given, Numbers]) -> None:
    given, numbers = call
    one_less = given._replace(**{field: getattr(given, field)[:-1]})
    with pytest.raises(BackendError, match=rf"reads {field} as torch.\w+ of shape \(.*\); got torch"):
        ops.walked(one_less, numbers, True)


@pytest.mark.parametrize("field", [field for field in Given._fields if field != "h0"])
def test_a_tensor_of_another_type(field: str, call: tuple[Given, Numbers]) -> None:
    given, numbers = call
    other = torch.float32 if getattr(given, field).is_floating_point() else torch.int32
    with pytest.raises(BackendError, match=rf"reads {field} as torch.\w+ of shape .*; got {other}"):
        ops.walked(given._replace(**{field: getattr(given, field).to(other)}), numbers, True)


def test_the_operator_in_a_type_that_the_core_does_not_compute_in(call: tuple[Given, Numbers]) -> None:
    given, numbers = call
    half = [each.half() if isinstance(each, Tensor) and each.is_floating_point() else each for each in given]
    with pytest.raises(BackendError, match=r"computes in float32 and float64, and h0 is torch\.float16"):
        torch.ops.recuerdo.recurrence(*half, *numbers, True)


@pytest.mark.parametrize("rows", [1, N - 1, 100 * N])
def test_a_job_whose_state_is_of_other_samples(rows: int) -> None:
    one = asked()
    other = replace(one, state=tuple(torch.zeros(rows, H, dtype=torch.float64) for _ in one.state))
    message = (
        rf"Beside h0 of shape \({rows}, 5\) the native core reads h0 as torch.float64 of shape \(4, 5\); "
        rf"got torch.float64 of shape \({rows}, 5\)\."
    )
    with pytest.raises(BackendError, match=message):
        recurrence(other, "native")


def test_a_job_whose_resets_are_integers() -> None:
    one = replace(asked(), reset=torch.full((T, N), 256))  # whose first byte is 0
    with pytest.raises(BackendError, match=r"reads reset as torch.bool of shape \(3, 4\); got torch.int64"):
        recurrence(one, "native")
