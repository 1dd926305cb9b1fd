"""What stands in for a loss: read at each sample's own last step, wherever the samples are."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from recuerdo.errors import ShapeError
from recuerdo.memory import record
from recuerdo.memory.projection import first_tensor, projection
from recuerdo.nn import GRU

N, T, D, H = 4, 6, 2, 3
LENGTHS = [6, 2, 5, 1]


def test_each_sample_is_read_at_its_own_last_step_in_any_order() -> None:
    (output, _), recorded = record(GRU(D, H), {"x": torch.randn(N, T, D), "lengths": LENGTHS})
    order = torch.tensor([2, 0, 3, 1])
    for y in (output, output[order], output.transpose(0, 1)):
        last, each, words = projection(y, recorded, seed=0)
        assert words == "a random projection of the output at each sample's last step (no loss was given)"
        (by_last,) = torch.autograd.grad(last, output, retain_graph=True)
        assert by_last.any(dim=-1).nonzero().tolist() == [[n, length - 1] for n, length in enumerate(LENGTHS)]
        (by_each,) = torch.autograd.grad(each, output, retain_graph=True)
        assert by_each.any(dim=-1).sum(dim=1).tolist() == LENGTHS
        torch.testing.assert_close(by_last.norm(dim=-1).sum(), torch.tensor(1.0))


@pytest.mark.parametrize("numbers", [1, 3])
def test_an_answer_that_is_given_once_is_read_as_a_whole(numbers: int) -> None:
    (_, final), recorded = record(GRU(D, H), {"x": torch.randn(N, T, D)})
    answer = final[-1, :, :numbers]
    last, each, words = projection(answer, recorded, seed=0)
    assert words == "a random projection of the output (no loss was given)"
    assert last.item() == each.item()
    alone, *_ = projection(answer[:, 0], recorded, seed=0)  # (N,)
    torch.testing.assert_close(alone.abs(), answer[:, 0].mean().abs())


def test_the_first_part_of_nested_outputs_is_taken() -> None:
    y = torch.zeros(N, T, H)
    assert first_tensor(((y, y + 1), y)) is y
    packed = pack_padded_sequence(y, torch.tensor([3, 2, 1, 1]), batch_first=True)
    assert first_tensor((packed, y)).shape == (N, 3, H)
    assert first_tensor({"y": y}) == {"y": y}


def test_what_cannot_be_projected_asks_for_a_loss() -> None:
    (output, _), recorded = record(GRU(D, H), {"x": torch.randn(N, T, D)})
    with pytest.raises(ShapeError, match="The module's first output is a dict: give loss="):
        projection({"y": output}, recorded, seed=0)
    with pytest.raises(ShapeError, match=r"Which axis of .*, \(3,\), counts the samples cannot be told: give loss="):
        projection(output.mean(dim=(0, 1)), recorded, seed=0)
