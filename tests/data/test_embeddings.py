"""Word vectors are the decomposition of counts that one can make by hand."""

from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest

from recuerdo.data import Ragged, fit_tokens, ppmi_embeddings
from recuerdo.data.embeddings import positive_pmi
from recuerdo.errors import DataError, OptionError

SST2 = Path(__file__).resolve().parents[3] / "shared" / "data" / "sentiment" / "sst2" / "train.tsv"


def drawn(seed=0, texts=40, vocabulary=30):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 15, texts)
    return Ragged.of([np.minimum(random.zipf(1.6, n) + 2, vocabulary - 1) for n in lengths])


def counted_by_hand(sequences, vocabulary, window, alpha):
    near = Counter()
    for sequence in sequences:
        for i, word in enumerate(sequence):
            for j, context in enumerate(sequence):
                if i != j and abs(i - j) <= window:
                    near[int(word), int(context)] += 1
    words, contexts = Counter(), Counter()
    for (word, context), count in near.items():
        words[word] += count
        contexts[context] += count
    smoothed = {context: count**alpha for context, count in contexts.items()}
    total = sum(smoothed.values())
    matrix = np.zeros((vocabulary, vocabulary))
    for (word, context), count in near.items():
        matrix[word, context] = max(0, log(count / words[word] / (smoothed[context] / total)))
    return matrix


@pytest.mark.parametrize(("window", "alpha"), [(1, 1.0), (2, 0.75), (5, 0.75), (50, 0.5)])
def test_information_is_what_counting_by_hand_gives(window, alpha):
    sequences = drawn()
    found = positive_pmi(sequences, 30, window=window, alpha=alpha)
    np.testing.assert_allclose(found.toarray(), counted_by_hand(sequences, 30, window, alpha), atol=1e-12)


def test_no_pair_reaches_over_the_end_of_a_text():
    joined, apart = Ragged.of([[0, 1, 2, 3]]), Ragged.of([[0, 1], [], [2, 3]])
    assert positive_pmi(joined, 4, window=1).toarray()[1, 2] > 0
    assert positive_pmi(apart, 4, window=5).toarray()[:2, 2:].sum() == 0


@pytest.mark.parametrize("eigen_power", [0.0, 0.5, 1.0])
def test_vectors_are_those_of_the_exact_decomposition(eigen_power):
    sequences = drawn(1, 200, 60)
    left, values, _ = np.linalg.svd(positive_pmi(sequences, 60).toarray())
    found = ppmi_embeddings(sequences, 60, 5, eigen_power=eigen_power)
    assert found.dtype == np.float32
    exact = left[:, :5] * values[:5] ** eigen_power
    # A dimension has no sign of its own. The random method leaves a part in 10,000 of the largest value.
    for one, other in ((np.abs(found), np.abs(exact)), (found @ found.T, exact @ exact.T)):
        np.testing.assert_allclose(one, other, atol=1e-4 * other.max())


def test_the_largest_number_of_each_dimension_is_positive():
    found = ppmi_embeddings(drawn(), 30, 8)
    assert (found[np.abs(found).argmax(axis=0), np.arange(8)] > 0).all()


def test_a_seed_is_a_set_of_vectors():
    sequences = drawn(2, 300, 200)
    np.testing.assert_array_equal(
        ppmi_embeddings(sequences, 200, 8, seed=3), ppmi_embeddings(sequences, 200, 8, seed=3)
    )


def test_tokens_without_company_and_dimensions_without_texts_are_zero():
    found = ppmi_embeddings(Ragged.of([[3, 4, 3, 4], [5], [6]]), 9, 7)
    assert np.flatnonzero(found.any(axis=1)).tolist() == [3, 4]
    assert not found[:, 2:].any()
    assert not ppmi_embeddings(Ragged.of([[1], []]), 3, 2).any()
    assert not ppmi_embeddings(Ragged(np.zeros(0, np.int32), np.zeros(1, np.int64)), 3, 2, scale=0.1).any()


def test_scale_is_the_standard_deviation_of_what_was_seen():
    found = ppmi_embeddings(drawn(), 40, 6, scale=0.24)
    assert found[found.any(axis=1)].std() == pytest.approx(0.24, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 0}, "size=0: a vector has 1 dimension or more"),
        ({"window": 0}, "window=0: it counts tokens to each side"),
        ({"alpha": 0.0}, r"alpha=0\.0: it has to be above 0, and 1 at most"),
        ({"alpha": 1.5}, r"alpha=1\.5"),
        ({"eigen_power": -1.0}, r"eigen_power=-1\.0: it has to be from 0 to 1"),
        ({"scale": 0.0}, r"scale=0\.0: a standard deviation has to be above 0, and finite"),
        ({"scale": float("nan")}, "scale=nan"),
    ],
)
def test_options_out_of_range_are_named(options, said):
    with pytest.raises(OptionError, match=said):
        ppmi_embeddings(drawn(), 30, **({"size": 4} | options))


def test_what_is_no_token_is_refused():
    with pytest.raises(DataError, match=r"Token ids have to be from 0 to 4, got 3 to 29\. Is vocabulary= that of"):
        ppmi_embeddings(drawn(), 5, 2)
    with pytest.raises(DataError, match=r"Vectors are made of token ids .* got float64 \(3, 2\)"):
        ppmi_embeddings(Ragged.of([np.zeros((3, 2))]), 5, 2)


def test_words_of_like_use_have_like_vectors():
    if not SST2.exists():
        pytest.skip("needs shared/data/sentiment/sst2")
    texts = [line.split("\t", 1)[1] for line in SST2.read_text(encoding="utf-8").splitlines()[1:]]
    tokens = fit_tokens(texts)
    vectors = ppmi_embeddings(tokens.encode(texts), tokens.size, 50)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    place = tokens.vocabulary.index
    pairs = [("good", "great"), ("film", "movie"), ("funny", "hilarious"), ("dull", "boring"), ("actors", "cast")]
    for one, other in pairs:
        alike = vectors @ vectors[place(one)]
        assert alike[place(other)] > alike[place("the")] + 0.05, (one, other)
        assert (alike[3:1003] > alike[place(other)]).sum() < 50, "among the nearest 5 % of the 1,000 commonest words"
