"""TF-IDF under a linear model is what scikit-learn computes, whatever classes, weights and texts there are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from recuerdo.errors import DataError
from recuerdo.tasks import text_baselines
from recuerdo.tasks.text_baselines import SOFTNESS, tfidf

SST2 = Path(__file__).resolve().parents[3] / "shared" / "data" / "sentiment" / "sst2"

TEXTS = ["a good film", "a bad film", "good , good acting", "bad acting", "árbol ñandú good", "so bad it hurts"]
Y = np.array([1, 0, 1, 0, 1, 0])
ASKED = ["good", "bad film", "", "…", "nothing known"]


def features(texts, asked):
    """The same features by two vectorisers, side by side."""
    parts = [
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b", sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    ]
    return (
        sparse.hstack([part.fit_transform(texts) for part in parts]).tocsr(),
        sparse.hstack([part.transform(asked) for part in parts]).tocsr(),
    )


@pytest.mark.parametrize("weights", [None, np.array([1, 2, 1, 0.5, 1, 3])])
def test_the_probabilities_are_those_of_scikit_learn(weights):
    x, z = features(TEXTS, ASKED)
    peer = LogisticRegression(C=SOFTNESS).fit(x, Y, sample_weight=weights)
    np.testing.assert_allclose(tfidf(TEXTS, Y, ASKED, classes=2, weights=weights), peer.predict_proba(z), atol=1e-6)


@pytest.mark.parametrize("y", [Y + 0.5, np.stack([Y, 1 - Y], axis=1)])
def test_the_numbers_are_those_of_ridge_regression(y):
    x, z = features(TEXTS, ASKED)
    np.testing.assert_allclose(tfidf(TEXTS, y, ASKED), Ridge(tol=1e-8).fit(x, y).predict(z), atol=1e-3)


def test_a_class_that_training_lacks_has_probability_zero():
    p = tfidf(TEXTS, np.array([3, 0, 3, 0, 3, 1]), ASKED, classes=5)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p[:, [2, 4]], 0)


def test_one_class_alone_is_certain():
    assert tfidf(TEXTS, np.zeros(6, int), ["x"], classes=2).tolist() == [[1, 0]]
    assert tfidf(TEXTS, Y, ["x"], classes=2, weights=Y).tolist() == [[0, 1]]


def test_texts_without_a_word_are_said():
    with pytest.raises(DataError, match="TF-IDF needs a word, and the 2 training texts have none"):
        tfidf(["", "…"], np.array([0, 1]), ["x"], classes=2)


def test_some_of_many_texts_tell_whether_the_time_suffices(monkeypatch):
    clock, fitted = SimpleNamespace(now=0.0), []

    def fit(train, y, test, classes, w):
        fitted.append((len(train), len(y), len(test), None if w is None else len(w)))
        clock.now += len(train) / 100
        return np.zeros((len(test), 2))

    monkeypatch.setattr(text_baselines, "_fitted", fit)
    train, y = ["x" * 40] * 3000, np.arange(3000) % 2
    assert (
        tfidf(train, y, ["x"] * 50, classes=2, weights=np.ones(3000), max_seconds=29, clock=lambda: clock.now) is None
    )
    assert fitted == [(300, 300, 5, 300)]
    assert tfidf(train, y, ["x"] * 50, classes=2, max_seconds=31, clock=lambda: clock.now) is not None
    assert fitted[1:] == [(300, 300, 5, None), (3000, 3000, 50, None)]


def test_of_few_long_texts_a_part_of_each_tells_whether_the_time_suffices(monkeypatch):
    clock, fitted = SimpleNamespace(now=0.0), []

    def fit(train, y, test, classes, w):
        fitted.append((len(train), sum(map(len, train)), sum(map(len, test)), len(y)))
        clock.now += sum(map(len, train)) / 1e5
        return np.zeros((len(test), 2))

    monkeypatch.setattr(text_baselines, "_fitted", fit)
    train, y = ["x" * 20_000] * 30, np.arange(30) % 2
    assert tfidf(train, y, ["x" * 10] * 4, classes=2, max_seconds=5, clock=lambda: clock.now) is None
    assert fitted == [(30, 60_000, 4, 30)]
    assert tfidf(train, y, ["x" * 10] * 4, classes=2, max_seconds=7, clock=lambda: clock.now) is not None


def test_short_texts_are_fitted_at_once_and_without_a_limit_all_are(monkeypatch):
    fitted = []
    monkeypatch.setattr(text_baselines, "_fitted", lambda train, *_: fitted.append(len(train)))
    tfidf(["x"] * 3000, np.zeros(3000, int), ["x"], classes=2, max_seconds=1)
    tfidf(["x" * 100] * 3000, np.zeros(3000, int), ["x"], classes=2)
    assert fitted == [3000, 3000]


def test_it_finds_what_a_sentence_of_the_stanford_treebank_says():
    if not SST2.exists():
        pytest.skip(f"{SST2} is not there")

    def read(part, most):
        lines = (SST2 / f"{part}.tsv").read_text(encoding="utf-8").splitlines()[1:][:most]
        labels, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
        return list(texts), np.array(labels, dtype=int)

    (x, y), (z, truth) = read("train", 2000), read("dev", None)
    p = tfidf(x, y, z, classes=2)
    assert 0.70 < np.mean(p.argmax(axis=1) == truth) < 0.85
