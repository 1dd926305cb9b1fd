"""The state goes on from window to window, dropout holds for a window, and evaluation leaves training as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from recuerdo.errors import OptionError
from recuerdo.learn import Batch
from recuerdo.tasks import language_scores, language_streams
from recuerdo.tasks.language_nets import LanguageNet, LanguageShape
from recuerdo.tasks.language_scores import token_losses
from recuerdo.tasks.language_streams import TokenStream

CELLS = ["frnn", "indrnn", "lstm", "gru"]
SMALL = {"vocabulary": 11, "embedding_size": 5, "hidden_size": 7, "num_layers": 2}
IDS = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (3, 12)))


def built(**options):
    torch.manual_seed(0)
    return LanguageNet(LanguageShape(**SMALL | options))


def window(ids, *, fresh):
    return {"input": ids[:, :-1], "fresh": torch.tensor(fresh)}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_two_windows_say_what_one_says(cell, tied, training):
    net = built(cell=cell, tied=tied).train(training)
    net.carry(3)
    whole = net(IDS[:, :10], torch.ones(3, dtype=torch.bool)).features
    first = net(IDS[:, :4], torch.ones(3, dtype=torch.bool)).features
    second = net(IDS[:, 4:10], torch.zeros(3, dtype=torch.bool)).features
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    assert whole.shape[-1] == (5 if tied else 7)


def test_a_stream_whose_state_is_forgotten_begins_anew():
    net = built().train()
    net.carry(3)
    net(IDS[:, :4], torch.ones(3, dtype=torch.bool))
    mixed = net(IDS[:, 4:], torch.tensor([False, True, False])).features
    anew = net(IDS[:, 4:], torch.ones(3, dtype=torch.bool)).features
    torch.testing.assert_close(mixed[1], anew[1])
    assert not torch.allclose(mixed[0], anew[0])


def test_an_evaluation_between_two_windows_leaves_training_as_it_was():
    net = built().train()
    net.carry(3)
    net(IDS[:, :4], torch.ones(3, dtype=torch.bool))
    before = {name: value.clone() for name, value in net.named_buffers()}
    net.eval()
    net(IDS[:1, :6], torch.ones(1, dtype=torch.bool))
    net.train()
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())
    assert not any(name.startswith("carried") for name in net.state_dict())


def test_the_loss_is_the_mean_over_tokens_and_regularises_in_training_alone():
    net = built(activation=2.0, change=1.0).eval()
    said = net(**window(IDS, fresh=[True] * 3))
    logits = said.features @ net.weight.T + net.bias
    expected = cross_entropy(logits.reshape(-1, 11), IDS[:, 1:].reshape(-1))
    torch.testing.assert_close(net.loss(said, Batch({}, IDS[:, 1:])), expected)
    net.train()
    more = 2 * said.features.pow(2).mean() + (said.raw[:, 1:] - said.raw[:, :-1]).pow(2).mean()
    torch.testing.assert_close(net.loss(said, Batch({}, IDS[:, 1:])), expected + more)


@pytest.mark.parametrize("name", ["input_dropout", "output_dropout"])
def test_what_is_dropped_is_the_same_at_all_steps_of_a_window(name):
    net = built(**{name: 0.5}, num_layers=1).train()
    net.carry(3)
    same = torch.full((3, 8), 4)
    with torch.no_grad():
        net.layers[0].weight_hh_l0.zero_()  # so that every step says the same unless dropout differs
        found = net(same, torch.ones(3, dtype=torch.bool)).features
    if name == "output_dropout":
        zero = found == 0
        assert (zero == zero[:, :1]).all()
        assert 0 < zero.float().mean() < 1


def test_words_and_recurrent_weights_are_dropped_in_training_alone():
    for options in ({"embedding_dropout": 0.5}, {"weight_dropout": 0.5}, {"hidden_dropout": 0.5}):
        net = built(**options)
        net.carry(3)
        fresh = torch.ones(3, dtype=torch.bool)
        torch.manual_seed(1)
        one, other = net.train()(IDS, fresh).features, net(IDS, fresh).features
        assert not torch.allclose(one, other)
        torch.testing.assert_close(net.eval()(IDS, fresh).features, net(IDS, fresh).features)
    net = built(weight_dropout=0.5).train()
    net.carry(3)
    net(IDS, fresh).features.sum().backward()
    assert net.layers[0].weight_hh_l0.grad is not None


@pytest.mark.parametrize("cell", CELLS)
def test_losses_of_a_text_do_not_depend_on_its_windows(cell, monkeypatch):
    net = built(cell=cell)
    ids = np.random.default_rng(1).integers(0, 11, 50)
    whole = token_losses(net, ids)
    monkeypatch.setattr(language_scores, "WINDOW", 7)
    np.testing.assert_allclose(token_losses(net, ids), whole, rtol=1e-5)
    assert whole.shape == (49,)
    assert token_losses(net, ids[:1]).shape == (0,)
    features, _, _ = net.eval().read(torch.from_numpy(ids)[None, :-1], None)
    logits = features[0] @ net.weight.T + net.bias
    expected = cross_entropy(logits, torch.from_numpy(ids)[1:], reduction="none").detach().double()
    np.testing.assert_allclose(whole, expected, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_a_stream_says_what_the_network_says(cell):
    net = built(cell=cell).eval()
    features, _, _ = net.read(IDS, None)
    expected = (features @ net.weight.T + net.bias).detach().numpy()
    stream = TokenStream(net, streams=3)
    for t in range(IDS.shape[1]):
        np.testing.assert_allclose(stream.step(IDS[:, t].numpy()), expected[:, t], rtol=1e-4, atol=1e-5)
    one = TokenStream(net, streams=2)
    np.testing.assert_allclose(
        one.read(net, IDS[0, :7].numpy()), expected[:1, 6].repeat(2, axis=0), rtol=1e-4, atol=1e-5
    )
    kept = one.state
    first = one.step(np.array([1, 2]))
    one.state = kept
    np.testing.assert_array_equal(one.step(np.array([1, 2])), first)
    np.testing.assert_allclose(one.state[0][0].shape, (1, 2, 7))


def test_a_prompt_may_be_longer_than_what_is_read_at_once(monkeypatch):
    net = built().eval()
    ids = IDS[0].numpy()
    at_once = TokenStream(net).read(net, ids)
    seen = []
    whole = net.read
    monkeypatch.setattr(net, "read", lambda some, state: seen.append(some.shape[1]) or whole(some, state))
    monkeypatch.setattr(language_streams, "WINDOW", 4)
    np.testing.assert_allclose(TokenStream(net).read(net, ids), at_once, rtol=1e-5, atol=1e-6)
    assert max(seen) == 4
    assert sum(seen) == len(ids) > 8


def test_another_cell_is_refused():
    with pytest.raises(OptionError, match="cell='rnn' is not offered: choose one of frnn, indrnn, lstm, gru"):
        built(cell="rnn")
