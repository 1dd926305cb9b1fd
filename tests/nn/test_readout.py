"""What is read of a whole sequence: against numpy on each sample by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recuerdo.errors import OptionError
from recuerdo.nn import GRU, LAYERS, LSTM, READOUTS, Readout

N, T, D, H = 4, 7, 3, 5
LENGTHS = torch.tensor([7, 1, 4, 6])


def read(encoder, parts, x, lengths=None):
    output, final = encoder(x, lengths=lengths)
    return Readout(encoder, parts).double(), output, final


def by_hand(part, output, lengths, directions, score):
    """One sample after the other, its own steps alone."""
    rows = []
    for steps, length in zip(output.detach().numpy(), lengths.tolist(), strict=True):
        own = steps[:length]
        match part:
            case "last":  # forwards the last step's, backwards the first step's
                rows.append(np.concatenate([own[-1, :H], own[0, H:]]) if directions == 2 else own[-1])
            case "mean":
                rows.append(own.mean(axis=0))
            case "max":
                rows.append(own.max(axis=0))
            case "attention":
                weights = np.exp(own @ score)
                rows.append((weights / weights.sum()) @ own)
    return np.stack(rows)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("part", READOUTS)
def test_each_part_is_what_numpy_makes_of_each_sample(part, cell, bidirectional):
    encoder = LAYERS[cell](D, H, bidirectional=bidirectional, dtype=torch.float64)
    readout, output, final = read(encoder, (part,), torch.randn(N, T, D, dtype=torch.float64), LENGTHS)
    score = None if readout.score is None else readout.score.weight[0].detach().numpy()
    expected = by_hand(part, output, LENGTHS, encoder.directions, score)
    np.testing.assert_allclose(readout(output, final, LENGTHS).detach().numpy(), expected, atol=1e-12)
    assert readout.output_size == expected.shape[1]


def test_parts_stand_side_by_side_in_the_order_named():
    encoder = GRU(D, H, 2, bidirectional=True, dtype=torch.float64)
    x = torch.randn(N, T, D, dtype=torch.float64)
    both, output, final = read(encoder, ("max", "last"), x, LENGTHS)
    made = both(output, final, LENGTHS)
    torch.testing.assert_close(made[:, : 2 * H], Readout(encoder, ["max"])(output, final, LENGTHS))
    torch.testing.assert_close(made[:, 2 * H :], Readout(encoder, ["last"])(output, final, LENGTHS))


def test_padding_changes_neither_the_reading_nor_a_gradient():
    encoder = LSTM(D, H, bidirectional=True, dtype=torch.float64)
    readout = Readout(encoder, READOUTS).double()
    x = torch.randn(1, 4, D, dtype=torch.float64)
    made = {}
    for beyond in (0, 5):
        encoder.zero_grad()
        padded = torch.cat([x, torch.full((1, beyond, D), 9.0, dtype=torch.float64)], dim=1).requires_grad_()
        lengths = torch.tensor([4])
        output, final = encoder(padded, lengths=lengths)
        said = readout(output, final, lengths)
        said.square().sum().backward()
        assert padded.grad is not None
        assert not padded.grad[:, 4:].any()
        made[beyond] = (said.detach(), padded.grad[:, :4], *(one.grad.clone() for one in encoder.parameters()))
    for alone, padded in zip(made[0], made[5], strict=True):
        torch.testing.assert_close(padded, alone, rtol=1e-12, atol=1e-12)


def test_of_no_step_at_all_the_reading_is_zero():
    encoder = GRU(D, H, bidirectional=True)
    readout = Readout(encoder, READOUTS)
    for steps in (0, 3):
        x = torch.randn(2, steps, D, requires_grad=True)
        lengths = torch.zeros(2, dtype=torch.int64)
        output, final = encoder(x, lengths=lengths)
        said = readout(output, final, lengths)
        assert not said.any()
        said.sum().backward()
        assert x.grad is None or not x.grad.any()


@pytest.mark.parametrize("parts", [(), ("last", "last"), ("sum",), "last"])
def test_parts_are_one_or_more_of_those_offered(parts):
    with pytest.raises(OptionError, match=r"give one or more of .*, each once, in a list"):
        Readout(GRU(D, H), parts)
