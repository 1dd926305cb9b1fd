"""A layer of several layers and directions is single layers put together by hand."""

from __future__ import annotations

import pytest
import torch
from tests.nn.cases import CELLS, build, parts, randn
from tests.tolerances import assert_values

from recuerdo.nn import RecurrentLayer

N, T, D, H = 2, 5, 3, 4


def single(cell: str, whole: RecurrentLayer, k: int) -> RecurrentLayer:
    """The k-th layer and direction of a bidirectional stack, running forwards by itself."""
    own = list(whole.weights())[k]
    layer = build(cell, own.weight_ih.shape[1], H)
    with torch.no_grad():
        for mine, theirs in zip(next(layer.weights()), own, strict=True):
            if mine is not None and theirs is not None:
                mine.copy_(theirs)
    return layer


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("residual", [False, True], ids=["plain", "residual"])
def test_a_bidirectional_stack_is_single_layers_put_together(cell: str, residual: bool) -> None:
    whole, x = build(cell, D, H, 3, bidirectional=True, residual=residual), randn(N, T, D)
    y, finals = x, []
    for layer in range(3):
        forth, ended = single(cell, whole, 2 * layer)(y)
        back, began = single(cell, whole, 2 * layer + 1)(y.flip(1))
        joined = torch.cat([forth, back.flip(1)], dim=-1)
        y = joined + y if residual and layer else joined
        finals += [parts(ended), parts(began)]
    output, final = whole(x)
    assert_values(output, y)
    for name, actual, expected in zip(whole.cell.states, parts(final), zip(*finals, strict=True), strict=True):
        assert_values(actual, torch.cat(expected), name)
