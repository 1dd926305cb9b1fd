"""The bag of n-grams: against the same pipeline made of scikit-learn's own parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from recuerdo.data.ngram_counts import count_ngrams
from recuerdo.tasks.bags import INVERSE_STRENGTH, SMALLEST, Bag

TEXTS = [
    "a warm and funny film",
    "cold, slow and dull",
    "funny and warm",
    "dull dull dull",
    "neither warm nor dull",
    "a film",
    "how funny !",
    "slow film",
]
Y = np.array([1, 0, 1, 0, 2, 2, 1, 0])
NEW = ["a dull film", "warm", "", "zebra quagga"]


def bag_of(texts=TEXTS, y=Y, classes=3, weights=None):
    return Bag.fit(count_ngrams(texts), None, np.asarray(y), classes, np.ones(len(y)) if weights is None else weights)


def foreign(texts=TEXTS, y=Y, weights=None):
    shared = {"sublinear_tf": True, "lowercase": True}
    both = make_union(
        TfidfVectorizer(**shared, ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]"),
        TfidfVectorizer(**shared, ngram_range=(2, 5), analyzer="char_wb"),
    )
    model = make_pipeline(both, LogisticRegression(C=INVERSE_STRENGTH, max_iter=1000))
    return model.fit(texts, y, logisticregression__sample_weight=weights)


@pytest.mark.parametrize("weights", [None, np.array([2.0, 1, 1, 0.5, 3, 1, 1, 1])])
@pytest.mark.parametrize("classes", [3, 2])
def test_its_verdicts_are_those_of_a_pipeline_of_scikit_learns(classes, weights):
    y = np.minimum(Y, classes - 1)
    made = bag_of(y=y, classes=classes, weights=weights).logits(NEW)
    expected = foreign(y=y, weights=weights).predict_log_proba(NEW)
    assert (made.argmax(axis=1) == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(np.exp(made), np.exp(expected), atol=0.05)


def test_its_verdicts_are_those_of_logistic_regression_on_its_own_features():
    bag = bag_of()
    features = bag.grams.transform(TEXTS)
    model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=1000).fit(features, Y)
    np.testing.assert_allclose(bag.logits(NEW), model.predict_log_proba(bag.grams.transform(NEW)), atol=1e-3)


def test_a_class_that_no_text_had_is_as_good_as_impossible():
    made = bag_of(classes=5).logits(NEW)
    assert made.shape == (4, 5)
    np.testing.assert_allclose(made[:, 3:], np.log(SMALLEST))


def test_it_learns_from_the_rows_asked_for():
    rows = np.array([0, 1, 2, 3, 6, 7])
    counted = Bag.fit(count_ngrams(TEXTS), rows, Y[rows], 2, np.ones(6))
    alone = bag_of([TEXTS[i] for i in rows], Y[rows], 2)
    np.testing.assert_allclose(counted.logits(NEW), alone.logits(NEW), atol=1e-5)


def test_it_comes_back_from_its_parts():
    bag = bag_of()
    card, tensors = bag.to_parts()
    again = Bag.from_parts(json.loads(json.dumps(card)), tensors)
    np.testing.assert_array_equal(again.logits(NEW), bag.logits(NEW))
