"""Training and asking: the loss against closed forms, and verdicts that depend on their own sequence alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error
from tests.native_core import needs_native
from tests.tasks.test_sequence_nets import NUMBERS, TEXTS

from recuerdo.data.ragged import Ragged
from recuerdo.kernels.native import Native
from recuerdo.nn import LAYERS
from recuerdo.tasks import sequence_training
from recuerdo.tasks.sequence_targets import read_labels, read_numbers
from recuerdo.tasks.sequence_training import Samples, Schedule, answers, loss, train

LENGTHS = np.array([3, 1, 4, 2])
WEIGHTS = np.array([2.0, 0.5, 1.0, 0.5])
RNG = np.random.default_rng(0)
INPUTS = Ragged.of([RNG.standard_normal((length, 4), dtype=np.float32) for length in LENGTHS])
SCHEDULE = Schedule(5, None, 2, 1e-2, 0.0, torch.device("cpu"), False)


def batch_of(y, *, each: bool, classes: bool):
    read = read_labels if classes else read_numbers
    return Samples(INPUTS, read(y, LENGTHS, each=each, who="It"), WEIGHTS).batch(np.arange(4))


def test_the_loss_of_classes_is_scikit_learns_weighted_log_loss():
    logits = torch.from_numpy(RNG.standard_normal((4, 3)))
    y = [0, 2, 1, 2]
    expected = log_loss(y, logits.softmax(dim=1).numpy(), sample_weight=WEIGHTS)
    assert loss(logits, batch_of(y, each=False, classes=True), True).item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_numbers_is_scikit_learns_weighted_squared_error():
    said, y = RNG.standard_normal((4, 2)), RNG.standard_normal((4, 2))
    expected = mean_squared_error(y, said, sample_weight=WEIGHTS)
    made = loss(torch.from_numpy(said), batch_of(y, each=False, classes=False), False)
    assert made.item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_steps_is_over_those_with_an_answer():
    y = [[0, 1, None], [1], [None] * 4, [1, 0]]
    logits = torch.from_numpy(RNG.standard_normal((4, 4, 2)))
    made = loss(logits, batch_of(y, each=True, classes=True), True)
    log_p = logits.log_softmax(dim=-1)
    terms = [
        -WEIGHTS[i] * log_p[i, t, one].item() for i, row in enumerate(y) for t, one in enumerate(row) if one is not None
    ]
    assert made.item() == pytest.approx(sum(terms) / len(terms), rel=1e-6)
    numbers = [[np.nan if one is None else float(one) for one in row] for row in y]
    said = RNG.standard_normal((4, 4, 1))
    made = loss(torch.from_numpy(said), batch_of(numbers, each=True, classes=False), False)
    terms = [
        WEIGHTS[i] * (said[i, t, 0] - one) ** 2
        for i, row in enumerate(y)
        for t, one in enumerate(row)
        if one is not None
    ]
    assert made.item() == pytest.approx(sum(terms) / len(terms), rel=1e-6)


@pytest.mark.parametrize("classes", [True, False])
def test_steps_without_an_answer_give_no_gradient(classes):
    y = [[0, 1, None], [1], [None] * 4, [1, 0]]
    if not classes:
        y = [[np.nan if one is None else float(one) for one in row] for row in y]
    output = torch.randn(4, 4, 2 if classes else 1, requires_grad=True)
    batch = batch_of(y, each=True, classes=classes)
    loss(output, batch, classes).backward()
    assert output.grad is not None
    known = np.zeros((4, 4), bool)
    for place in ((0, 0), (0, 1), (1, 0), (3, 0), (3, 1)):
        known[place] = True
    np.testing.assert_array_equal((output.grad != 0).any(dim=-1).numpy(), known)


def many(shape, N: int = 60) -> Ragged:
    random = np.random.default_rng(1)
    lengths = random.integers(1, 40, N)
    if shape.vocabulary:
        return Ragged.of([random.integers(1, shape.vocabulary, length) for length in lengths])
    return Ragged.of([random.standard_normal((length, shape.columns), dtype=np.float32) for length in lengths])


CASES = [(NUMBERS, False), (NUMBERS, True), (replace(NUMBERS, fold=4), False), (TEXTS, False)]


@needs_native
@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize(("shape", "each"), CASES, ids=["numbers", "each", "frames", "texts"])
def test_a_verdict_does_not_depend_on_the_batch_the_order_or_the_padding(shape, each, cell, monkeypatch):
    torch.manual_seed(0)
    net = replace(shape, cell=cell, each=each).build()
    inputs = many(shape)
    whole = answers(net, inputs)
    split = np.split(whole, inputs.starts[1:-1]) if each else list(whole)
    order = np.random.default_rng(2).permutation(len(inputs))
    shuffled = answers(net, inputs.take(order))
    rows = np.split(shuffled, inputs.take(order).starts[1:-1]) if each else list(shuffled)
    for place, i in enumerate(order):
        np.testing.assert_allclose(rows[place], split[i], rtol=1e-12, atol=1e-12)
    for i in range(0, len(inputs), 7):
        alone = answers(net, inputs.take([i]))
        np.testing.assert_allclose(alone if each else alone[0], split[i], rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(sequence_training, "AT_ONCE", 50)
    np.testing.assert_allclose(answers(net, inputs), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", LAYERS)
def test_without_the_core_a_verdict_moves_by_rounding_alone(cell, monkeypatch):
    monkeypatch.setattr(sequence_training.calling, "native", None)
    monkeypatch.setattr(Native, "warned", True)  # it says so once a process, and elsewhere that is tested
    torch.manual_seed(0)
    net = replace(NUMBERS, cell=cell).build()
    inputs = many(NUMBERS)
    whole = answers(net, inputs)
    for i in range(0, len(inputs), 7):
        np.testing.assert_allclose(answers(net, inputs.take([i]))[0], whole[i], rtol=1e-6, atol=1e-6)


def test_asking_changes_neither_the_network_nor_its_mode():
    net = replace(NUMBERS, dropout=0.5, jitter=0.5).build().train()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    first, second = answers(net, INPUTS), answers(net, INPUTS)
    np.testing.assert_array_equal(first, second)
    assert net.training
    assert not net.encoder.deterministic
    for name, one in net.state_dict().items():
        torch.testing.assert_close(one, before[name], rtol=0, atol=0)


def test_asking_changes_nothing_while_it_lasts_so_that_others_may_ask_too():
    net, seen = NUMBERS.build().eval(), []
    net.encoder.register_forward_hook(lambda *_: seen.append((net.training, dict(vars(net.encoder))["deterministic"])))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: answers(net, INPUTS), range(8)))
    assert set(seen) == {(False, False)}
    for each in made:
        np.testing.assert_array_equal(each, made[0])


def test_the_same_seed_trains_the_same_network_and_leaves_the_users_stream_alone():
    samples = Samples(INPUTS, read_labels([0, 2, 1, 2], LENGTHS, each=False, who="It"), WEIGHTS)
    shape = replace(NUMBERS, dropout=0.3, jitter=0.1)
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the stream of old that a user may rely on
    expected = torch.rand(3), np.random.random(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    one, two, other = (train(shape, samples, SCHEDULE, random_state=seed, label="fit") for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected[0])
    np.testing.assert_array_equal(np.random.random(3), expected[1])  # noqa: NPY002
    for name, value in one.net.state_dict().items():
        assert torch.equal(value, two.net.state_dict()[name])
    assert not torch.equal(one.net.head.weight, other.net.head.weight)
