"""The problems are supplied as their papers draw them, and their levels without memory are what such an answer gets."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error
from tests.data.test_mnist import write_idx

from recuerdo.data import adding
from recuerdo.errors import OptionError
from recuerdo.learn import Batch
from recuerdo.tasks.known_problems import PROBLEMS, Wish, known_problem

DRAWN = ["adding", "copying", "delayed-recall", "temporal-order"]


@pytest.fixture
def pictures(tmp_path):
    """Forty training and twenty test pictures in MNIST's format, whose ink is their own number."""
    for part, count in (("train", 40), ("t10k", 20)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", np.ones((count, 28, 28)) * np.arange(count)[:, None, None])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return tmp_path


def whole(batches) -> tuple[np.ndarray, np.ndarray]:
    """All sequences of an epoch."""
    found = list(batches)
    return torch.cat([each.inputs["x"] for each in found]).numpy(), torch.cat([each.target for each in found]).numpy()


@pytest.mark.parametrize("name", DRAWN)
def test_without_memory_the_best_answer_gets_what_the_problem_says(name):
    problem = known_problem(name)
    test = problem.supply(Wish()).test
    y = whole(test)[1]
    if problem.chance_accuracy is None:
        output = torch.full((len(y), 1), float(y.mean()))
    else:  # the share of each class, at each step where there are several
        y = y.reshape(len(y), -1)
        shares = np.stack([(y == k).mean(axis=0) for k in range(problem.outputs)], axis=-1)
        output = torch.from_numpy(np.log(np.maximum(shares, 1e-30))).expand(len(y), *shares.shape)
        output = output if problem.read == "each" else output[:, 0]
    batch = Batch({}, torch.from_numpy(whole(test)[1]))
    assert problem.loss(output, batch).item() == pytest.approx(problem.chance(problem.length or 0), rel=0.05)
    if problem.chance_accuracy is not None:
        right, asked = problem.right(output, batch)
        assert right / asked == pytest.approx(problem.chance_accuracy, abs=0.03)
        assert asked == (20_000 if name == "copying" else 2_000)


@pytest.mark.parametrize("name", DRAWN)
def test_the_shapes_are_those_that_a_network_is_built_for(name):
    problem = known_problem(name)
    batch = next(iter(problem.supply(Wish(length=12, batch_size=7)).train))
    assert batch.inputs["x"].shape == (7, problem.steps(12), problem.features)
    assert batch.target.shape == ((7, problem.steps(12)) if problem.read == "each" else (7,))
    if problem.chance_accuracy is not None:
        assert set(batch.target.flatten().tolist()) <= set(range(problem.outputs))


def test_each_step_has_sequences_of_its_own_and_none_is_judged_on():
    supply = PROBLEMS["adding"].supply(Wish(length=10, batch_size=20))
    drawn = [batch.inputs["x"].numpy() for batch in islice(iter(supply.train), 30)]
    seen = np.concatenate([*drawn, whole(supply.valid)[0], whole(supply.test)[0]])
    assert len(np.unique(seen.reshape(len(seen), -1), axis=0)) == len(seen) == 600 + 500 + 2000


def test_a_random_state_is_a_set_of_sequences():
    def first(random_state):
        supply = PROBLEMS["adding"].supply(Wish(length=10, random_state=random_state))
        parts = [next(iter(part)).inputs["x"] for part in (supply.train, supply.valid, supply.test)]
        return torch.cat(parts).flatten(1).tolist()

    one, again, other = (first(random_state) for random_state in (3, 3, 4))
    assert one == again
    assert not {tuple(each) for each in one} & {tuple(each) for each in other}


def test_the_sequences_are_those_of_the_functions_that_draw_them():
    x, y = whole(PROBLEMS["adding"].supply(Wish(length=30)).test)
    expected = adding(2000, 30, seed=1)
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(y, expected[1])


def test_losses_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    y, said = random.random(50), random.random((50, 1))
    found = PROBLEMS["adding"].loss(torch.from_numpy(said), Batch({}, torch.from_numpy(y)))
    assert found.item() == pytest.approx(mean_squared_error(y, said[:, 0]))
    labels, scores = random.integers(0, 9, (4, 6)), random.normal(size=(4, 6, 9))
    shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    found = PROBLEMS["copying"].loss(torch.from_numpy(scores), Batch({}, torch.from_numpy(labels)))
    assert found.item() == pytest.approx(log_loss(labels.ravel(), shares.reshape(-1, 9), labels=range(9)))


def test_what_counts_as_solved_is_said_and_meant():
    assert PROBLEMS["adding"].goal == "a loss below 0.01"
    assert PROBLEMS["adding"].is_solved(0.0099, None)
    assert not PROBLEMS["adding"].is_solved(0.01, None)
    assert PROBLEMS["mnist-rows"].goal == "98.8 % right"
    assert PROBLEMS["mnist-rows"].is_solved(9.0, 0.988)
    assert not PROBLEMS["mnist-rows"].is_solved(0.0, 0.9879)


@pytest.mark.parametrize(("name", "shape"), [("mnist-rows", (28, 28)), ("mnist-pixels", (784, 1))])
def test_pictures_are_held_out_of_the_training_part_and_judged_on_the_test_part(pictures, name, shape):
    supply = PROBLEMS[name].supply(Wish(batch_size=6, data=pictures))
    ink = {part: np.rint(255 * whole(getattr(supply, part))[0][:, 0, 0]) for part in ("train", "valid", "test")}
    assert sorted(ink["train"]) == list(range(36))
    assert ink["valid"].tolist() == [36, 37, 38, 39]
    assert ink["test"].tolist() == list(range(20))
    assert next(iter(supply.train)).inputs["x"].shape == (6, *shape)
    assert PROBLEMS[name].size(Wish()) == shape[0]


@pytest.mark.parametrize(
    ("name", "wish", "said"),
    [
        ("adding", {"data": "mnist"}, r"data='mnist': this problem is drawn, and made of no files\. Leave data out"),
        ("copying", {"permutation_seed": 1}, r"permutation_seed=1: this problem is drawn"),
        ("temporal-order", {"length": 5}, r"temporal_order\(T=5\): it has to be 10 or more"),
        ("mnist-rows", {}, r"mnist-rows is made of MNIST's pictures: name the folder that holds its four \.gz files"),
        ("mnist-rows", {"data": ".", "permutation_seed": 1}, r"mnist-rows has rows: take mnist-pixels"),
    ],
)
def test_wishes_that_do_not_go_with_a_problem_are_refused(name, wish, said):
    with pytest.raises(OptionError, match=said):
        PROBLEMS[name].supply(Wish(**wish))


def test_pictures_decide_their_length():
    with pytest.raises(OptionError, match=r"length=5: the pictures decide the length of mnist-rows\. Leave it out"):
        PROBLEMS["mnist-rows"].size(Wish(length=5))


def test_an_unknown_problem_is_answered_with_the_known_ones():
    with pytest.raises(
        OptionError, match=r"There is no problem 'adder': choose one of adding, copying, delayed-recall"
    ):
        known_problem("adder")
