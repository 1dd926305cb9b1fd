"""Which axis of an output counts the samples, and which row is whose: told by derivatives alone."""

from __future__ import annotations

import pytest
import torch
from tests.nn.cases import CELLS, build, randn

from recuerdo.memory import record
from recuerdo.memory.axes import Axes, at_each_step, axes_of, rows
from recuerdo.nn import GRU

N, D, H = 4, 2, 3


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("T", [1, N, 6])
@pytest.mark.parametrize("samples", [1, N])
def test_the_axis_of_the_samples_is_found_whichever_it_is(cell: str, T: int, samples: int) -> None:
    (output, _), recorded = record(build(cell, D, H, bidirectional=True), {"x": randn(samples, T, D)})
    assert axes_of(recorded, output) == (0, 1)
    turned = output.transpose(0, 1)
    assert axes_of(recorded, turned) == ((0, 1) if samples == T == 1 else (1, 0))
    assert axes_of(recorded, output.softmax(dim=-1)) == (0, 1)  # whose sum over units is always 1
    assert axes_of(recorded, output[:, -1]) == (0, 1)


def test_steps_are_found_behind_the_features_by_their_number() -> None:
    (output, _), recorded = record(GRU(D, H), {"x": torch.randn(N, 7, D)})
    assert axes_of(recorded, output.transpose(1, 2)) == (0, 2)
    assert axes_of(recorded, output[:, :5]) == (0, 1)  # of any other number, next to the samples


def test_rows_that_were_put_into_another_order_are_found() -> None:
    (output, _), (one,) = record(GRU(D, H), {"x": torch.randn(N, 5, D), "lengths": [5, 2, 0, 3]})
    order = torch.tensor([2, 0, 3, 1])
    for found in (rows(one, output[order], 0), rows(one, output[order].transpose(0, 1), 1)):
        assert found is not None
        assert found.tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_coarse_numbers_do_not_blur_it(dtype: torch.dtype) -> None:
    (output, _), recorded = record(GRU(D, H).to(dtype), {"x": torch.randn(32, 32, D, dtype=dtype)})
    assert axes_of(recorded, output) == (0, 1)
    assert axes_of(recorded, output.transpose(0, 1)) == (1, 0)


def test_a_sample_whose_gradient_is_lost_in_rounding_takes_the_row_that_is_left() -> None:
    (output, _), (one,) = record(GRU(D, H), {"x": torch.randn(N, 5, D)})
    faint = torch.tensor([1.0, 1e-40, 1.0, 0.0]).view(-1, 1, 1)
    found = rows(one, output * faint, 0)
    assert found is not None
    assert found.tolist() == [0, 1, 2, 3]


def test_samples_that_see_each_other_cannot_be_told_apart() -> None:
    (output, _), recorded = record(GRU(D, H), {"x": torch.randn(N, 5, D)})
    assert axes_of(recorded, output - output.mean(dim=0)) is None
    assert axes_of(recorded, output[:, -1].mean(dim=0)) is None
    assert axes_of(recorded, output.detach()) is None


@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_answer_for_each_step_is_told_from_one_that_looks_ahead(bidirectional: bool) -> None:
    (output, _), recorded = record(GRU(D, H, 2, bidirectional=bidirectional), {"x": torch.randn(N, 7, D)})
    assert at_each_step(recorded, output, Axes(0, 1))
    assert at_each_step(recorded, output.transpose(0, 1), Axes(1, 0))
    ahead = output[:, -1:].expand_as(output)
    assert not at_each_step(recorded, ahead, Axes(0, 1))
    assert not at_each_step(recorded, output[:, -1], Axes(0, 1))
    assert not at_each_step(recorded, output[:, :5], Axes(0, 1))
