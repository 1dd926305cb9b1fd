"""Interpolated Kneser-Ney gives probabilities, what its formula says, and the published figure of the Penn Treebank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recuerdo.data.text_streams import text_source
from recuerdo.data.texts import END
from recuerdo.data.token_ids import fit_stream_tokens, ids_of
from recuerdo.tasks.kneser_ney import fit_kneser_ney

PTB = Path(__file__).resolve().parents[3] / "shared" / "data" / "language" / "ptb"


def text(n, V, seed=0):
    random = np.random.default_rng(seed)
    return np.minimum(random.geometric(0.3, n) - 1, V - 1)


@pytest.mark.parametrize("end", [None, 0])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_what_may_come_next_has_probabilities_that_add_up_to_one(order, end):
    V = 9
    model = fit_kneser_ney(text(400, 8), vocabulary=V, order=order, end=end)
    for context in ([0, 1, 2, 3], [8, 8], [0], [1, 0, 0, 1], [5, 0]):
        p = [np.exp(-model.losses(np.array([*context, word]))[-1]) for word in range(V)]
        assert sum(p) == pytest.approx(1, abs=1e-12)
        assert min(p) > 0


def test_a_pair_counts_as_the_formula_says():
    # Pairs: ab 3, bc 2, ba 1, ca 1, cb 1; preceded in so many ways: a 2 (b, c), b 2 (a, c), c 1 (b). Too few for the
    # modified discounts, so that each count gives up Y = n1 / (n1 + 2 n2).
    a, b, c = 0, 1, 2
    ids = np.array([a, b, c, a, b, a, b, c, b])
    model = fit_kneser_ney(ids, vocabulary=4, order=2)
    pairs = {(a, b): 3, (b, c): 2, (c, a): 1, (b, a): 1, (c, b): 1}
    high, low = 3 / (3 + 2 * 1), 1 / (1 + 2 * 2)
    ways, total = {a: 2, b: 2, c: 1}, 5
    unigram = {w: (max(ways.get(w, 0) - low, 0) + 3 * low / 4) / total for w in range(4)}
    after = {a: (3, 1), b: (3, 2), c: (2, 2)}  # how often, and by how many kinds, it is followed
    for (one, two), count in pairs.items():
        often, kinds = after[one]
        expected = (count - high + kinds * high * unigram[two]) / often
        assert np.exp(-model.losses(np.array([one, two]))[0]) == pytest.approx(expected)
    unseen = 1 * high * unigram[c] / 3
    assert np.exp(-model.losses(np.array([a, c]))[0]) == pytest.approx(unseen)


def test_a_context_ends_where_its_line_does():
    ids = np.array([1, 2, 0, 3, 4, 0] * 20 + [1, 2, 0, 5, 4, 0])
    model = fit_kneser_ney(ids, vocabulary=6, order=4, end=0)
    one, other = (model.losses(np.array([*before, 0, 3]))[-1] for before in ([1, 2], [3, 4]))
    assert one == pytest.approx(other)
    over = fit_kneser_ney(ids, vocabulary=6, order=4)
    one, other = (over.losses(np.array([*before, 0, 3]))[-1] for before in ([1, 2], [3, 4]))
    assert abs(one - other) > 0.1


def test_a_text_that_is_shorter_than_an_n_gram_is_no_error():
    assert len(fit_kneser_ney(np.array([1]), vocabulary=3).losses(np.array([1, 2, 0]))) == 2
    assert len(fit_kneser_ney(text(50, 5), vocabulary=5).losses(np.array([1]))) == 0


@pytest.mark.skipif(not PTB.is_dir(), reason="shared/data/language/ptb is not on this machine")
@pytest.mark.parametrize(("order", "published"), [(3, 148.3), (5, 141.2)])  # Mikolov et al. 2011
def test_the_penn_treebank_is_as_hard_as_was_published(order, published):
    parts = {part: text_source(next(PTB.glob(f"ptb.{part}.txt*"))) for part in ("train", "test")}
    tokens = fit_stream_tokens(parts["train"], level="given")
    ids = {part: ids_of(source, tokens) for part, source in parts.items()}
    assert (len(ids["train"]), len(ids["test"])) == (929_589, 82_430)
    model = fit_kneser_ney(ids["train"], vocabulary=tokens.size, order=order, end=END)
    assert np.exp(model.losses(ids["test"]).mean()) == pytest.approx(published, abs=0.06)
