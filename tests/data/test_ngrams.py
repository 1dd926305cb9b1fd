"""N-grams weigh what scikit-learn says they weigh, before and after they were kept as JSON."""

import json
import pickle
import time

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from recuerdo.data import NGrams, fit_ngrams
from recuerdo.errors import DataError, ModelFileError, OptionError

TEXTS = ["a good film , good fun", "not a good film", "bad , bad acting", "fun acting in a fun film", "la señora canta"]
UNSEEN = ["Good good good acting", "nothing known here ?", "", "señora"]


def of_sklearn(texts, unseen):
    common = {"sublinear_tf": True, "dtype": np.float32}
    kinds = (
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", **common),
        TfidfVectorizer(ngram_range=(2, 5), analyzer="char_wb", **common),
    )
    return [hstack([kind.fit(texts).transform(some) for kind in kinds]).toarray() for some in (texts, unseen)]


def test_features_are_those_of_scikit_learn():
    grams = fit_ngrams(TEXTS)
    for some, expected in zip((TEXTS, UNSEEN), of_sklearn(TEXTS, UNSEEN), strict=True):
        found = grams.transform(some)
        assert (found.format, found.dtype) == ("csr", np.float32)
        np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    assert grams.size == len(grams.names) == found.shape[1]


def test_a_text_without_a_known_ngram_is_a_row_of_zeros():
    found = fit_ngrams(TEXTS, characters=None).transform(["", "unheard"])
    assert found.shape[0] == 2
    assert found.nnz == 0
    assert fit_ngrams(TEXTS).transform([]).shape == (0, fit_ngrams(TEXTS).size)


def test_words_of_any_script_and_typing_are_the_networks_own():
    assert fit_ngrams(["हिन्दी"], words=(1, 1), characters=None).names == ["हिन्दी"]
    grams = fit_ngrams(["Caf\u00e9 don't"], words=(1, 1))
    assert grams.names[:2] == ["caf\u00e9", "don't"]
    np.testing.assert_array_equal(grams.transform(["cafe\u0301"]).toarray(), grams.transform(["CAF\u00c9"]).toarray())


def test_the_most_frequent_are_kept_and_ties_go_by_alphabet():
    texts = ["b a d", "d b c", "d"]
    assert fit_ngrams(texts, words=(1, 1), characters=None, max_features=3).names == ["a", "b", "d"]
    assert fit_ngrams(texts, words=(1, 1), characters=None, min_count=2).names == ["b", "d"]
    both = fit_ngrams(texts, max_features=4)
    assert [len(each.strings) for each in both.grams] == [4, 4]


@pytest.mark.parametrize("options", [{}, {"words": None}, {"characters": None, "max_features": 5}])
def test_json_and_pickle_keep_every_feature(options):
    grams = fit_ngrams(TEXTS, **options)
    expected = grams.transform(TEXTS + UNSEEN).toarray()
    for again in (NGrams.from_json(grams.to_json()), pickle.loads(pickle.dumps(grams))):
        assert again.names == grams.names
        np.testing.assert_array_equal(again.transform(TEXTS + UNSEEN).toarray(), expected)


def test_a_hundred_thousand_ngrams_are_loaded_in_well_under_a_second():
    strings = [f"n-gram {i}" for i in range(100_000)]
    grams = {"kind": "words", "lengths": [1, 2], "strings": strings, "found_in": [1 + i % 9 for i in range(100_000)]}
    written = json.dumps({"texts": 9, "grams": [grams]})
    NGrams.from_json(written).transform(["warm"])
    began = time.process_time()
    assert NGrams.from_json(written).transform(["n - gram 5"]).shape == (1, 100_000)
    assert time.process_time() - began < 0.5


def test_texts_pass_in_chunks_and_from_iterators(monkeypatch):
    grams = fit_ngrams(iter(TEXTS))
    whole = grams.transform(TEXTS).toarray()
    monkeypatch.setattr("recuerdo.data.ngrams._AT_ONCE", 2)
    np.testing.assert_array_equal(grams.transform(iter(TEXTS)).toarray(), whole)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"words": None, "characters": None}, "words=None and characters=None leave no n-grams"),
        ({"words": (2, 1)}, r"words=\(2, 1\): it is the shortest and the longest n-gram, such as \(1, 2\)"),
        ({"characters": (0, 3)}, r"characters=\(0, 3\): it is the shortest"),
        ({"max_features": 0}, "max_features=0: it has to be 1 or more"),
        ({"min_count": 0}, "min_count=0: it has to be 1 or more"),
    ],
)
def test_options_out_of_range_are_named(options, said):
    with pytest.raises(OptionError, match=said):
        fit_ngrams(TEXTS, **options)


@pytest.mark.parametrize(
    ("texts", "options", "said"),
    [
        ([], {}, "There is no text to learn n-grams from"),
        (["", " "], {}, "There are no n-grams of 1 to 2 words in the 2 texts"),
        (["one"], {"words": (3, 3)}, "no n-grams of 3 to 3 words in the 1 texts.*, or words=None"),
        (["one", "two"], {"min_count": 2}, "No n-gram of words stands in 2 of the 2 texts or more. Lower min_count"),
        (["a", 5], {}, "Text 1 is no str but int"),
        ("a text", {}, "got one str"),
    ],
)
def test_texts_that_teach_nothing_are_named(texts, options, said):
    with pytest.raises(DataError, match=said):
        fit_ngrams(texts, **options)


def test_what_is_no_text_is_named():
    with pytest.raises(DataError, match="Text 1 is no str but NoneType"):
        fit_ngrams(TEXTS).transform(["a", None])


GOOD = {"kind": "words", "lengths": [1, 1], "strings": ["a", "b"], "found_in": [1, 2]}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "no JSON with texts and grams"),
        ("[]", "no JSON with texts and grams"),
        (json.dumps({"texts": 2}), "no JSON with texts and grams"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"lengths": [1]}]}), "no JSON with texts and grams"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"kind": "verses"}]}), r"of kind 'verses' with lengths \(1, 1\)"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"lengths": [2, 1]}]}), r"lengths \(2, 1\)"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"strings": ["a", "a"]}]}), "holds one twice or no text"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"strings": ["a", 5]}]}), "holds one twice or no text"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"strings": []}]}), "a list that is empty"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"found_in": [1]}]}), "2, but their counts in 2 texts do not fit"),
        (json.dumps({"texts": 2, "grams": [GOOD | {"found_in": [1, 3]}]}), "2, but their counts in 2 texts"),
        (json.dumps({"texts": 2, "grams": []}), "no n-grams at all"),
    ],
)
def test_damaged_ngrams_are_refused(written, said):
    with pytest.raises(ModelFileError, match=said):
        NGrams.from_json(written)
