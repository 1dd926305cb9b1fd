"""Tokens are drawn from what was asked for, and as often as they are likely."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.errors import OptionError
from recuerdo.tasks.sampling import Sampler

P = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.7, 0.1]])
LOGITS = np.log(P) + 5


def test_by_default_it_is_the_networks_own_distribution():
    np.testing.assert_allclose(Sampler().probabilities(LOGITS), P)
    random = np.random.default_rng(0)
    drawn = np.array([Sampler().choose(LOGITS, random) for _ in range(4000)])
    for stream, p in enumerate(P):
        share = np.bincount(drawn[:, stream], minlength=4) / 4000
        assert np.abs(share - p).max() < 4 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"temperature": 0}, [1, 0, 0, 0]),
        ({"temperature": 0.5}, np.array([16, 9, 4, 1]) / 30),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 9}, P[0]),
        ({"top_p": 0.69}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.71}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 1e-9}, [1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.5}, [4 / 7, 3 / 7, 0, 0]),
    ],
)
def test_each_option_leaves_what_it_says(options, expected):
    np.testing.assert_allclose(Sampler(**options).probabilities(LOGITS)[0], expected, atol=1e-12)


def test_what_was_said_is_less_likely_to_come_again():
    logits = np.array([[2.0, -1.0, 0.5]])
    said = np.array([[True, True, False]])
    found = Sampler(repetition_penalty=2.0).probabilities(logits, said)
    expected = np.exp([1.0, -2.0, 0.5])
    np.testing.assert_allclose(found[0], expected / expected.sum())
    np.testing.assert_allclose(Sampler().probabilities(logits, said), Sampler().probabilities(logits))


def test_what_may_not_come_never_does():
    logits = np.array([[-np.inf, 0.0, -np.inf]])
    for sampler in (Sampler(), Sampler(temperature=0), Sampler(top_k=2), Sampler(top_p=0.9)):
        assert {int(sampler.choose(logits, np.random.default_rng(k))[0]) for k in range(50)} == {1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": np.inf},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.1},
        {"repetition_penalty": 0},
    ],
)
def test_what_is_out_of_range_is_said(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Sampler(**wrong)
