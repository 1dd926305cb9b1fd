"""The networks of sequence estimators: against torch.nn with packed sequences, outputs and gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.tolerances import assert_gradients, assert_values
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recuerdo import convert
from recuerdo.data.token_codecs import UNKNOWN
from recuerdo.nn import LAYERS
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape, _cropped

NUMBERS = SequenceShape(
    outputs=3,
    each=False,
    columns=4,
    noisy=4,
    vocabulary=0,
    embedding=0,
    fold=1,
    longest=9,
    cell="gru",
    hidden_size=6,
    num_layers=2,
    bidirectional=True,
    residual=False,
    layer_norm=False,
    readout=("last", "mean", "max"),
    dropout=0.0,
    jitter=0.0,
    word_dropout=0.0,
    crop=0,
)
TEXTS = replace(NUMBERS, columns=0, noisy=0, vocabulary=11, embedding=5)
LENGTHS = torch.tensor([9, 2, 5, 9, 1])


def net_of(shape: SequenceShape, seed: int = 0) -> SequenceNet:
    torch.manual_seed(seed)
    return shape.build().double().eval()


def numbers(shape: SequenceShape = NUMBERS, seed: int = 1) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(len(LENGTHS), 9, shape.columns, generator=source, dtype=torch.float64)


def plain_torch(net: SequenceNet, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The same verdicts by torch.nn alone: packed sequences, and each sample read by itself."""
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    output, final = layer(packed)
    output, _ = pad_packed_sequence(output, batch_first=True)
    h = final[0] if isinstance(final, tuple) else final
    last = torch.cat([h[-2], h[-1]], dim=-1)
    means = torch.stack([row[:length].mean(dim=0) for row, length in zip(output, LENGTHS, strict=True)])
    highest = torch.stack([row[:length].amax(dim=0) for row, length in zip(output, LENGTHS, strict=True)])
    return nn.functional.linear(torch.cat([last, means, highest], dim=-1), net.head.weight, net.head.bias)


@pytest.mark.parametrize("cell", ["gru", "lstm", "frnn"])
def test_verdicts_and_gradients_are_those_of_torch_with_packed_sequences(cell):
    net = net_of(replace(NUMBERS, cell=cell))
    layer = convert.to_torch(net.encoder)
    said, found = [], []
    for ask in (lambda x: plain_torch(net, layer, x), lambda x: net(x, LENGTHS)):
        net.zero_grad()
        x = numbers().requires_grad_()
        said.append(ask(x))
        nn.functional.cross_entropy(said[-1], torch.tensor([0, 2, 1, 1, 0])).backward()
        found.append({"x": x.grad, "head": net.head.weight.grad.clone(), "head's bias": net.head.bias.grad.clone()})
    assert_values(said[1].detach(), said[0].detach())
    assert_gradients(found[1], found[0])
    # convert brings weights into torch's order: it does the same for gradients that stand in their place.
    with torch.no_grad():
        for one in net.encoder.parameters():
            one.copy_(one.grad)
    ours, theirs = dict(convert.to_torch(net.encoder).named_parameters()), dict(layer.named_parameters())
    weights = [name for name in theirs if "weight" in name]  # of torch's two biases ours is the sum
    assert_gradients({name: ours[name].detach() for name in weights}, {name: theirs[name].grad for name in weights})


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize(
    ("shape", "each"),
    [(NUMBERS, False), (NUMBERS, True), (replace(NUMBERS, fold=4), False), (TEXTS, False), (TEXTS, True)],
    ids=["numbers", "numbers, each", "frames", "texts", "texts, each"],
)
def test_what_stands_beyond_the_end_changes_neither_verdict_nor_gradient(shape, cell, each):
    net = net_of(replace(shape, cell=cell, each=each))
    source = torch.Generator().manual_seed(3)
    x = numbers() if not shape.vocabulary else torch.randint(1, 11, (len(LENGTHS), 9), generator=source)
    other = x.clone()
    for row, length in zip(other, LENGTHS, strict=True):
        row[length:] = 7
    known = torch.arange(9) < LENGTHS[:, None]
    results = []
    for given in (x, other):
        net.zero_grad()
        said = net(given, LENGTHS)
        said = said[known] if each else said
        said.square().sum().backward()
        results.append((said.detach(), {name: one.grad.clone() for name, one in net.named_parameters()}))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-12, atol=1e-12)
    assert_gradients(results[1][1], results[0][1])


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("shape", [NUMBERS, replace(NUMBERS, fold=4), TEXTS], ids=["numbers", "frames", "texts"])
def test_a_batch_says_and_teaches_what_its_samples_do_one_by_one(shape, cell):
    net = net_of(replace(shape, cell=cell))
    source = torch.Generator().manual_seed(3)
    x = numbers() if not shape.vocabulary else torch.randint(1, 11, (len(LENGTHS), 9), generator=source)
    net(x, LENGTHS).square().sum().backward()
    whole = {name: one.grad.clone() for name, one in net.named_parameters()}
    said = net(x, LENGTHS).detach()
    net.zero_grad()
    for i, length in enumerate(LENGTHS.tolist()):
        alone = net(x[i : i + 1, :length], LENGTHS[i : i + 1])
        torch.testing.assert_close(alone[0].detach(), said[i], rtol=1e-12, atol=1e-12)
        alone.square().sum().backward()
    assert_gradients({name: one.grad for name, one in net.named_parameters()}, whole)


def test_frames_are_steps_side_by_side():
    net = net_of(replace(NUMBERS, fold=4))
    x = numbers()
    framed = net._framed(x, LENGTHS)
    assert framed.shape == (5, 3, 16)
    np.testing.assert_array_equal(framed[0, 1], x[0, 4:8].reshape(-1))
    np.testing.assert_array_equal(framed[0, 2, :4], x[0, 8])
    assert not framed[0, 2, 4:].any()
    assert not framed[1].reshape(12, 4)[2:].any()  # two steps, then nothing


def test_noise_and_dropout_are_of_training_alone():
    shape = replace(TEXTS, dropout=0.5, word_dropout=0.5)
    net = net_of(shape)
    ids = torch.randint(2, 11, (5, 9))
    torch.testing.assert_close(net(ids, LENGTHS), net(ids, LENGTHS), rtol=0, atol=0)
    net.train()
    assert not torch.equal(net(ids, LENGTHS), net(ids, LENGTHS))


def test_jitter_has_the_size_asked_for_and_spares_what_says_what_is_missing():
    net = net_of(replace(NUMBERS, noisy=3, jitter=0.5)).train()
    x = torch.zeros(200, 50, 4, dtype=torch.float64)
    noisy = net._framed(x, torch.full((200,), 50))
    assert not noisy[..., 3].any()
    assert noisy[..., :3].std().item() == pytest.approx(0.5, rel=0.02)  # 30,000 draws


def test_word_dropout_makes_unknown_words_at_its_rate_and_no_padding():
    net = net_of(replace(TEXTS, word_dropout=0.25)).train()
    with torch.no_grad():  # the first number of a vector is the token's id
        net.embedding.weight[:, 0] = torch.arange(11.0)
    ids = torch.randint(2, 11, (300, 40))
    ids[:, 30:] = 0
    read = net._embedded(ids)[..., 0]
    assert not read[:, 30:].any()
    dropped = read[:, :30] != ids[:, :30]
    assert dropped.double().mean().item() == pytest.approx(0.25, abs=0.02)  # 9,000 draws
    assert (read[:, :30][dropped] == UNKNOWN).all()


def test_a_crop_is_a_piece_of_each_text_and_of_training_alone():
    ids = torch.arange(1, 21).repeat(500, 1)
    lengths = torch.full((500,), 20)
    lengths[::2] = 3
    pieces, own = _cropped(ids, lengths, 6)
    assert own.tolist() == [3, 6] * 250
    assert (pieces[::2, :3] == torch.tensor([1, 2, 3])).all()
    assert (pieces[1::2].diff(dim=1) == 1).all()
    assert set(pieces[1::2, 0].tolist()) == set(range(1, 16))  # each place where a piece of 6 can begin
    net = net_of(replace(TEXTS, vocabulary=21, crop=6))
    assert torch.equal(net(ids[:5], LENGTHS + 6), net_of(replace(TEXTS, vocabulary=21))(ids[:5], LENGTHS + 6))


def test_embeddings_begin_with_the_vectors_given_and_keep_what_was_not_told():
    net = net_of(TEXTS)
    before = net.embedding.weight.clone()
    vectors = np.zeros((11, 5), np.float32)
    vectors[4:] = 2.0
    net.embed(vectors)
    assert (net.embedding.weight[4:] == 2).all()
    torch.testing.assert_close(net.embedding.weight[:4], before[:4], rtol=0, atol=0)
    assert not net.embedding.weight[0].any()


def test_a_shape_comes_back_from_json():
    assert SequenceShape.from_json(NUMBERS.to_json()) == NUMBERS
