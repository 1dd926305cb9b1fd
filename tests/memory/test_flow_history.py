"""Flows that are taken during a training: where they begin and end, and that the training does not notice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Problem, Settings, fit
from recuerdo.memory import FlowHistory, audit


def problem(layer: nn.Module | None = None) -> Problem:
    torch.manual_seed(0)
    x = torch.randn(64, 10, 2)
    net = layer or rc.nn.Stack(rc.nn.LSTM(2, 5), nn.Linear(5, 1))
    batches = ArrayBatches({"x": x}, x.sum(dim=(1, 2), keepdim=False).unsqueeze(1), batch_size=8, seed=1)
    return Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())


def trained(of: Problem, *callbacks) -> list[float]:
    settings = Settings(max_steps=25, learning_rate=1e-2)
    return fit(of, settings=settings, callbacks=callbacks, random_state=0, verbose=False).losses


def test_the_first_is_of_the_network_as_it_began_and_the_last_as_it_ended():
    of = problem()
    first = audit(of)
    seen = FlowHistory(of, share=0.9)
    trained(of, seen)
    assert [seen.rows[0].step, seen.rows[-1].step] == [0, 25]
    assert len(seen.rows) > 2
    assert [row.step for row in seen.rows] == sorted({row.step for row in seen.rows})
    few = {name: value[:8] for name, value in next(iter(problem().batches)).inputs.items()}
    target = next(iter(problem().batches)).target[:8]
    for row, net in ((seen.rows[0], problem().module), (seen.rows[-1], of.module)):
        found = audit(net, dict(few), loss=lambda y: (y - target).square().mean())
        np.testing.assert_allclose(row.total["encoder.l0"], found.gradient_flow[0].total, rtol=1e-5)
    assert first.gradient_flow[0].name in seen.rows[0].total


def test_the_training_does_not_notice():
    plain, watched = problem(), problem()
    state = torch.get_rng_state()
    one, other = trained(plain), trained(watched, FlowHistory(watched, share=0.9))
    assert one == other
    assert torch.equal(state, torch.get_rng_state())
    for a, b in zip(plain.module.parameters(), watched.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_it_looks_seldom_where_its_share_is_small():
    of = problem()
    seen = FlowHistory(of, share=1e-6)
    trained(of, seen)
    assert [row.step for row in seen.rows] == [0, 25]


def test_layers_of_torch_are_watched_too():
    class Theirs(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.GRU(2, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    of = problem(Theirs())
    seen = FlowHistory(of)
    trained(of, seen)
    assert seen.to_frame().columns == ["taken", "layer", "step", "total"]
    assert set(seen.to_frame()["layer"]) == {"rnn.l0"}


def test_a_share_that_is_none_is_refused():
    with pytest.raises(OptionError, match=r"share=1\.5"):
        FlowHistory(problem(), share=1.5)
