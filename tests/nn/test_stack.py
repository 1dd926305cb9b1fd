"""A head reads each sample's own last state, or every output."""

from __future__ import annotations

import pytest
import torch
from tests.nn.cases import CELLS, build, randn, random_state, whole
from tests.tolerances import assert_values
from torch import nn

from recuerdo.nn import Stack

N, T, D, H = 3, 6, 2, 4

cells = pytest.mark.parametrize("cell", CELLS)


@cells
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch_first", "time_first"])
def test_last_reads_the_output_at_each_samples_own_end(cell: str, batch_first: bool) -> None:
    encoder = build(cell, D, H, 2, batch_first=batch_first)
    x, lengths = randn(*((N, T) if batch_first else (T, N)), D), [1, 4, T]
    output, _ = encoder(x, lengths=lengths)
    by_sample = output if batch_first else output.transpose(0, 1)
    ends = torch.stack([by_sample[n, length - 1] for n, length in enumerate(lengths)])
    assert torch.equal(Stack(encoder, nn.Identity())(x, lengths=lengths), ends)


@cells
def test_last_reads_both_directions_where_each_ends(cell: str) -> None:
    encoder, x = build(cell, D, H, 2, bidirectional=True), randn(N, T, D)
    output, _ = encoder(x)
    ends = torch.cat([output[:, -1, :H], output[:, 0, H:]], dim=-1)
    assert torch.equal(Stack(encoder, nn.Identity(), read="last")(x), ends)


@cells
def test_each_reads_every_output(cell: str) -> None:
    encoder, head, x = build(cell, D, H), nn.Linear(H, 1, dtype=torch.float64), randn(N, T, D)
    assert torch.equal(Stack(encoder, head, read="each")(x), head(encoder(x)[0]))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_residual_stack_reads_the_state_of_its_top_layer(bidirectional: bool) -> None:
    encoder, x = build("gru", D, H, 2, residual=True, bidirectional=bidirectional), randn(N, T, D)
    _, h = encoder(x)
    top = torch.cat(h[-encoder.directions :].unbind(0), dim=-1)
    assert torch.equal(Stack(encoder, nn.Identity())(x), top)


def test_state_and_reset_reach_the_encoder() -> None:
    encoder, x = build("lstm", D, H), randn(N, T, D)
    state, reset = whole(random_state(encoder, N)), torch.zeros(N, T, dtype=torch.bool)
    reset[:, 3] = True
    net = Stack(encoder, nn.Identity(), read="each")
    assert torch.equal(net(x, state, reset=reset), encoder(x, state, reset=reset)[0])
    assert_values(net(x, state, reset=reset)[:, 3:], encoder(x[:, 3:])[0])
