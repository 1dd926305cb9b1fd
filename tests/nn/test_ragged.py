"""A padded sample gives exactly what it gives alone and unpadded, whatever stands in the padding."""

from __future__ import annotations

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
    parts,
    randn,
    random_state,
    trace_tensors,
    whole,
)
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor

from recuerdo.nn import RecurrentLayer

T, D, H = 5, 2, 3
POISON = (float("nan"), float("inf"), -float("inf"))

cells = pytest.mark.parametrize("cell", CELLS)
poisons = st.sampled_from(POISON)
ragged = st.lists(st.one_of(st.sampled_from([0, T]), st.integers(0, T)), min_size=1, max_size=4)


def poisoned(lengths: list[int], poison: float) -> Tensor:
    x = randn(len(lengths), T, D)
    for sample, length in zip(x, lengths, strict=True):
        sample[length:] = poison
    return x


def run_alone(layer: RecurrentLayer, x: Tensor, state: tuple[Tensor, ...], lengths: list[int]) -> tuple[Tensor, ...]:
    """Each sample through the layer by itself and unpadded; only the output is then padded with zeros."""
    outputs, finals = [], []
    for n, length in enumerate(lengths):
        output, final = layer(x[n : n + 1, :length], whole(tuple(part[:, n : n + 1] for part in state)))
        outputs.append(torch.nn.functional.pad(output, (0, 0, 0, T - length)))
        finals.append(parts(final))
    return torch.cat(outputs), *(torch.cat(each, dim=1) for each in zip(*finals, strict=True))


@cells
@pytest.mark.parametrize("option", OPTIONS)
@examples(6)
@given(ragged, poisons)
def test_values_and_gradients_of_a_padded_batch_are_those_of_its_samples_alone(
    cell: str, option: str, lengths: list[int], poison: float
) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, **OPTIONS[option])
    x, state = poisoned(lengths, poison), random_state(layer, len(lengths))
    named = leaves(layer, x, state)
    output, final = layer(x, whole(state), lengths=lengths)
    together, alone = (output, *parts(final)), run_alone(layer, x, state, lengths)
    for actual, expected in zip(together, alone, strict=True):
        assert_values(actual, expected)
    assert_gradients(gradients(cotangent_loss(*together), named), gradients(cotangent_loss(*alone), named))


@cells
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch_first", "time_first"])
def test_a_sample_of_length_zero_outputs_zero_and_keeps_its_state(cell: str, batch_first: bool) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, batch_first=batch_first)
    x, state = randn(2, T, D) if batch_first else randn(T, 2, D), random_state(layer, 2)
    output, final = layer(x, whole(state), lengths=[T, 0])
    empty = output[1] if batch_first else output[:, 1]
    assert torch.equal(empty, torch.zeros(T, 2 * H, dtype=x.dtype))
    for ended, began in zip(parts(final), state, strict=True):
        assert torch.equal(ended[:, 1], began[:, 1])


@cells
def test_a_batch_without_time_steps_keeps_its_state(cell: str) -> None:
    layer = build(cell, D, H, 2)
    state = random_state(layer, 3)
    output, final = layer(torch.zeros(3, 0, D, dtype=torch.float64), whole(state))
    assert output.shape == (3, 0, H)
    for ended, began in zip(parts(final), state, strict=True):
        assert torch.equal(ended, began)


@cells
def test_a_length_of_zero_ends_in_the_learned_state(cell: str) -> None:
    layer = build(cell, D, H, learn_state=True)
    for name, ended in zip(layer.cell.states, parts(layer(randn(2, T, D), lengths=[0, T])[1]), strict=True):
        assert torch.equal(ended[0, 0], getattr(layer, f"initial_{name}_l0"))


@cells
def test_poisoned_padding_does_not_leak_in_training(cell: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, dropout=0.3, recurrent_dropout=0.3, zoneout=0.3).train()
    clean, dirty = poisoned([3, T, 0], 0.0), poisoned([3, T, 0], POISON[0])
    found = []
    for x in (clean, dirty):
        torch.manual_seed(0)
        output, final = layer(x, lengths=[3, T, 0])
        loss = cotangent_loss(output, *parts(final))
        found.append((output, gradients(loss, leaves(layer, x.requires_grad_()))))
    assert torch.equal(found[0][0], found[1][0])
    for name, gradient in found[0][1].items():
        assert torch.equal(found[1][1][name], gradient)


@cells
def test_the_trace_is_zero_beyond_a_samples_length(cell: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True)
    *_, trace = layer(poisoned([3, T], POISON[0]), lengths=[3, T], trace=True)
    for tensor in trace_tensors(trace):
        assert torch.equal(tensor[0, 3:], torch.zeros(T - 3, H, dtype=tensor.dtype))
        assert (tensor[0, :3] != 0).any()


@pytest.mark.parametrize("kind", [list, tuple, torch.tensor], ids=["list", "tuple", "tensor"])
def test_lengths_may_be_a_sequence_or_a_tensor(kind: type) -> None:
    layer, x = build("gru", D, H), randn(2, T, D)
    assert torch.equal(layer(x, lengths=kind([2, 4]))[1], layer(x, lengths=[2, 4])[1])


@cells
def test_lengths_of_the_whole_axis_change_nothing(cell: str) -> None:
    layer, x = build(cell, D, H, 2, bidirectional=True), randn(3, T, D)
    assert_values(layer(x, lengths=[T, T, T])[0], layer(x)[0])
