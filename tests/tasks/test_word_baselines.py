"""What each word was most often: against counting by hand, with what is known of all words for those not seen."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from recuerdo.tasks.sequence_baselines import most_frequent
from recuerdo.tasks.word_baselines import of_each_word

DRAW = np.random.default_rng(0)
TRAIN = [f"w{i}" for i in DRAW.zipf(1.5, 400) % 40]
Y = (np.array([int(word[1:]) % 3 for word in TRAIN]) + (DRAW.random(400) < 0.3)) % 3
ASKED = [*sorted(set(TRAIN)), "new", "W1"]


def counted():
    found = defaultdict(Counter)
    for word, one in zip(TRAIN, Y.tolist(), strict=True):
        found[word][one] += 1
    return found


def test_the_verdict_is_the_words_most_frequent_class():
    overall, own = Counter(Y.tolist()), counted()
    said = of_each_word(TRAIN, Y, ASKED, classes=4).argmax(axis=1)
    for word, one in zip(ASKED, said.tolist(), strict=True):
        if word in own:
            most = max(own[word].values())
            level = [k for k, count in own[word].items() if count == most]
            assert one == max(level, key=lambda k: overall[k])  # of several that are level the one frequent in all
        else:
            assert one == overall.most_common(1)[0][0]


def test_probabilities_count_one_place_of_any_word_beside_its_own():
    overall, own = most_frequent(Y, 1, classes=4)[0], counted()
    p = of_each_word(TRAIN, Y, ASKED, classes=4)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for word, row in zip(ASKED, p, strict=True):
        n = own[word].total()
        np.testing.assert_allclose(row, [(own[word][k] + overall[k]) / (n + 1) for k in range(4)])


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_numbers_are_the_words_means(columns):
    y = np.array([1.0, 3.0, 8.0]) if columns is None else np.array([1.0, 3.0, 8.0])[:, None] * np.arange(1, columns + 1)
    said = of_each_word(["a", "a", "b"], y, ["a", "b", "new"])
    expected = np.array([(1 + 3 + 4) / 3, (8 + 4) / 2, 4])
    np.testing.assert_allclose(said, expected if columns is None else expected[:, None] * np.arange(1, columns + 1))


def test_a_word_that_weighs_twice_is_one_that_stands_twice():
    weighed = of_each_word(["a", "b", "a"], np.array([0, 1, 1]), ["a"], classes=2, weights=[2, 2, 2])
    np.testing.assert_allclose(weighed, of_each_word(["a", "b", "a"], np.array([0, 1, 1]), ["a"], classes=2))
    y = np.array([0.0, 1.0, 5.0])
    heavy = of_each_word(["a", "b", "a"], y, ["a"], weights=[1, 1, 2])
    w = np.array([1, 1, 2]) / (4 / 3)
    np.testing.assert_allclose(heavy, (w[0] * 0 + w[2] * 5 + np.average(y, weights=w)) / (w[0] + w[2] + 1))
