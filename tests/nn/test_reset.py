"""A row that holds several sequences, one behind the other, gives what each of them gives alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.nn.cases import (
    CELLS,
    OPTIONS,
    build,
    cotangent_loss,
    examples,
    gradients,
    leaves,
    own_state,
    parts,
    randn,
    random_state,
    whole,
)
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor

from recuerdo.nn import RecurrentLayer

D, H = 2, 3

cells = pytest.mark.parametrize("cell", CELLS)
segments = st.lists(st.integers(1, 3), min_size=2, max_size=3)


def run_alone(
    layer: RecurrentLayer, x: Tensor, state: tuple[Tensor, ...] | None, bounds: list[int]
) -> tuple[Tensor, ...]:
    """Each sequence of a row by itself. The given state enters before the first forwards, after the last backwards."""
    own = own_state(layer, 1)
    given = own if state is None else state
    backwards = torch.arange(own[0].shape[0]) % layer.directions == 1
    outputs, finals = [], []
    for begin, end in pairwise(bounds):
        enters = torch.where(backwards, end == bounds[-1], begin == 0).reshape(-1, 1, 1)
        start = tuple(torch.where(enters, g, o) for g, o in zip(given, own, strict=True))
        output, final = layer(x[:, begin:end], whole(start))
        outputs.append(output)
        finals.append(parts(final))
    ends_first = backwards.reshape(-1, 1, 1)  # the reverse direction ends where the row begins
    final = tuple(torch.where(ends_first, f, b) for f, b in zip(finals[0], finals[-1], strict=True))
    return torch.cat(outputs, dim=1), *final


def flags(rows: list[list[int]], T: int) -> tuple[Tensor, Tensor, list[list[int]]]:
    """reset and lengths for rows of sequence lengths, with flags at every step of the padding."""
    bounds = [torch.tensor([0, *row]).cumsum(0).tolist() for row in rows]
    reset = torch.zeros(len(rows), T, dtype=torch.bool)
    for n, row in enumerate(bounds):
        reset[n, row[1:]] = True
        reset[n, row[-1] :] = True
    return reset, torch.tensor([row[-1] for row in bounds]), bounds


@cells
@pytest.mark.parametrize("option", ["plain", "all"])
@pytest.mark.parametrize("stateful", [False, True], ids=["own_state", "given_state"])
@examples(6)
@given(st.lists(segments, min_size=1, max_size=2))
def test_sequences_in_one_row_give_what_each_gives_alone(
    cell: str, option: str, stateful: bool, rows: list[list[int]]
) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, **OPTIONS[option])
    T = max(map(sum, rows)) + 2
    reset, lengths, bounds = flags(rows, T)
    x = randn(len(rows), T, D)
    for n, length in enumerate(lengths):
        x[n, length:] = float("nan")
    state = random_state(layer, len(rows)) if stateful else ()
    named = leaves(layer, x, state)
    output, final = layer(x, whole(state) if stateful else None, lengths=lengths, reset=reset)
    together, alone = [], []
    for n, row in enumerate(bounds):
        given = tuple(part[:, n : n + 1] for part in state) if stateful else None
        together += [output[n : n + 1, : row[-1]], *(part[:, n : n + 1] for part in parts(final))]
        alone += run_alone(layer, x[n : n + 1], given, row)
    for actual, expected in zip(together, alone, strict=True):
        assert_values(actual, expected)
    assert_gradients(gradients(cotangent_loss(*together), named), gradients(cotangent_loss(*alone), named))


@cells
def test_without_lengths_the_whole_row_counts(cell: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True, learn_state=True), randn(1, 5, D)
    reset = torch.tensor([[False, False, True, False, False]])
    for actual, expected in zip(
        (lambda o, f: (o, *parts(f)))(*layer(x, reset=reset)), run_alone(layer, x, None, [0, 2, 5]), strict=True
    ):
        assert_values(actual, expected)


@cells
def test_a_reset_at_the_first_step_leaves_the_given_state_aside(cell: str) -> None:
    layer, x = build(cell, D, H, learn_state=True), randn(1, 4, D)
    reset = torch.tensor([[True, False, False, False]])
    assert_values(layer(x, whole(random_state(layer, 1)), reset=reset)[0], layer(x)[0])


@cells
def test_the_learned_state_has_its_gradient_however_the_given_state_is_laid_out(cell: str) -> None:
    layer, x = build(cell, D, H, learn_state=True), randn(2, 4, D)
    reset = torch.tensor([[False, True, False, False], [False, False, False, True]])
    state = random_state(layer, 2)
    columns_first = tuple(part.mT.contiguous().mT for part in state)
    assert not any(part[0].is_contiguous() for part in columns_first)
    learned = {name: each for name, each in layer.named_parameters() if name.startswith("initial")}
    wanted, found = (
        gradients(cotangent_loss(layer(x, whole(given), reset=reset)[0]), learned) for given in (state, columns_first)
    )
    assert all(each.abs().max() > 0 for each in wanted.values())
    assert_gradients(found, wanted)


@cells
def test_no_reset_is_the_same_as_no_flag_set(cell: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True), randn(2, 4, D)
    state = whole(random_state(layer, 2))
    output, _ = layer(x, state, reset=torch.zeros(2, 4, dtype=torch.bool))
    assert torch.equal(output, layer(x, state)[0])


@cells
def test_time_first_flags_are_transposed(cell: str) -> None:
    first, second = build(cell, D, H, bidirectional=True), build(cell, D, H, bidirectional=True, batch_first=False)
    x, reset = randn(2, 4, D), torch.tensor([[False, True, False, False], [False, False, False, True]])
    turned, _ = second(x.transpose(0, 1), reset=reset.T)
    assert torch.equal(turned.transpose(0, 1), first(x, reset=reset)[0])
