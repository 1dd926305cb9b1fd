"""How far back answers use the past: known where a network sees only so far, whatever it answers with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.memory.test_recall import delays
from torch import Tensor, nn

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory.horizon import Horizon, horizon

LAGS = [0, 1, 2, 3, 4, 8]


class Sum(nn.Module):
    """Answers with the sum of the last three inputs, at each step or once at each sample's end."""

    def __init__(self, *, once: bool, time_first: bool = False) -> None:
        super().__init__()
        self.layer, self.once = delays(3), once
        self.layer.batch_first = not time_first

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        output, h = self.layer(x, lengths=lengths)
        return h[0].sum(dim=-1, keepdim=True) if self.once else output.sum(dim=-1, keepdim=True)


def series(N=24, T=20, D=1):
    return torch.randn(N, T, D).double()


def squares(y):
    return y.square().mean()


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("once", [True, False])
def test_what_reaches_three_steps_is_said_to(once, given):
    model, x = Sum(once=once).eval(), series()
    right = model(x).detach() + 0.5
    found = horizon(model, {"x": x}, (lambda y: (y - right).square().mean()) if given else None, lags=LAGS)
    assert found.used == 2
    assert np.abs(found.changes[:2]).min() > 0.05
    np.testing.assert_allclose(found.changes[2:], 0, atol=1e-9)
    np.testing.assert_allclose(found.gradients, [1, 1, 1, 0, 0, 0], atol=1e-6)
    assert (found.exchanges[:3] > 0.3).all()
    np.testing.assert_allclose(found.exchanges[3:], 0, atol=1e-9)


def test_without_a_loss_an_answer_that_is_all_anothers_has_moved_as_far_as_two_answers_differ():
    last = Sum(once=True).eval()
    last.layer.weight_ih_l0.data.zero_()
    last.layer.weight_ih_l0.data[0] = 1
    x = series(N=400)
    found = horizon(last, {"x": x}, lags=[0, 1, 2])
    np.testing.assert_allclose(found.changes, [2 / 3, 1 / 3, 0], atol=0.1)


def test_the_order_of_axes_changes_nothing():
    x = series()
    one, other = (
        horizon(Sum(once=False, time_first=first).eval(), {"x": x.transpose(0, 1) if first else x}, squares, lags=LAGS)
        for first in (False, True)
    )
    np.testing.assert_allclose(one.changes, other.changes)
    np.testing.assert_allclose(one.gradients, other.gradients)


def test_each_samples_own_end_counts():
    x, lengths = series(), torch.arange(24) % 12 + 9
    x[torch.arange(20) >= lengths[:, None]] = 1e6
    found = horizon(Sum(once=True).eval(), {"x": x, "lengths": lengths}, lags=LAGS)
    assert found.used == 2
    assert found.changes.max() < 10  # nothing of beyond the end came in
    np.testing.assert_allclose(found.gradients[:3], 1, atol=1e-6)


class Said(NamedTuple):
    scores: Tensor
    rest: str


class Words(nn.Module):
    """Says of each word whether the one two before it was the first of the vocabulary."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.layer = nn.Embedding(4, 1).double(), delays(3)
        self.embedding.weight.data.copy_(torch.tensor([[1.0], [0], [0], [0]]))

    def forward(self, input: Tensor) -> Said:  # noqa: A002
        return Said(self.layer(self.embedding(input))[0][..., 2:], "as it is")


def test_tokens_are_exchanged_and_followed_to_their_vectors():
    ids = torch.randint(0, 4, (32, 15))

    def loss(said):
        assert said.rest == "as it is"
        return (said.scores[:, 2:, 0] - (ids[:, :-2] == 0).double() - 0.3).square().mean()

    found = horizon(Words().eval(), {"input": ids}, loss, lags=LAGS)
    assert found.used == 2
    assert found.exchanges.argmax() == 2
    np.testing.assert_allclose(found.changes[:2], found.changes[0])


def test_by_default_lags_go_back_to_the_beginning():
    found = horizon(rc.nn.GRU(2, 5).eval(), {"x": torch.randn(8, 100, 2)})
    assert found.lags[:3].tolist() == [0, 1, 2]
    assert found.lags[-1] == 99
    assert found.changes[-1] == pytest.approx(0, abs=1e-9)
    assert found.to_frame().columns == ["lag", "change", "gradient", "exchange"]


def test_gradient_and_exchange_may_disagree():
    same = np.array([1.0, 0.5, 0.2, 0.1])
    lags = np.arange(4)
    assert not Horizon(lags, same, same, same, "the loss", 0, same, same).disagree
    assert Horizon(lags, same, same, same[::-1], "the loss", 0, same, same).disagree
    assert not Horizon(lags, same, 0 * same, same, "the loss", 0, same, same).disagree  # nothing to order


def test_what_cannot_be_exchanged_is_said():
    layer = delays(3).eval()
    with pytest.raises(OptionError, match="There is one sample"):
        horizon(layer, {"x": series(N=1)})
    with pytest.raises(OptionError, match="from 0 to 19"):
        horizon(layer, {"x": series()}, lags=[20])
    with pytest.raises(OptionError, match="does not read the module's first output"):
        horizon(layer, {"x": series()}, lambda output: output[1].sum())
