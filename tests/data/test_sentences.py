"""Texts whose words are given: each word is one token, whatever stands in it."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.data import Tokens, fit_tokens
from recuerdo.data.embeddings import ppmi_embeddings
from recuerdo.data.sentences import Sentences
from recuerdo.data.text_checks import checked_words
from recuerdo.data.texts import UNKNOWN
from recuerdo.errors import DataError, OptionError

WORDS = [["The", "well-known", "New York"], ["don't", "", "the"], ["the", "año", "3,5 %"]]
ANY_WORDS = st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8), max_size=6)


@given(ANY_WORDS, st.booleans())
def test_every_word_is_one_token(texts, lowercase):
    tokens = fit_tokens([*texts, ["a"]], level="given", lowercase=lowercase)
    assert tokens.encode(texts).lengths.tolist() == [len(words) for words in texts]
    special = {"<pad>", "<unk>", "<eos>"}
    for words, ids in zip(texts, tokens.encode(texts), strict=True):
        assert [i == UNKNOWN for i in ids] == [(word.lower() if lowercase else word) in special for word in words]


@given(ANY_WORDS, st.booleans())
def test_the_place_of_a_token_is_that_of_its_word_in_the_text(texts, lowercase):
    tokens = fit_tokens([*texts, ["a"]], level="given", lowercase=lowercase)
    for words, text in zip(texts, Sentences(texts).texts, strict=True):
        assert [text[one.start : one.end] for one in tokens.tokens(words)] == words


def test_words_stay_whole_and_are_decoded_with_a_space():
    tokens = fit_tokens(WORDS, level="given")
    assert tokens.vocabulary[3] == "the"  # the only one that stands twice
    assert set(tokens.vocabulary[3:]) == {word for words in WORDS for word in words}
    assert tokens.decode(tokens.encode([["New York", "zzz", "año"]]).values) == "New York <unk> año"


def test_words_are_compared_as_those_of_texts_are():
    assert len(set(fit_tokens([["a"]], level="given").encode([["é", "e\u0301"]]).values)) == 1
    both = fit_tokens([["ÑANDÚ", "n\u0303andu\u0301"]], level="given", lowercase=True)
    assert both.vocabulary[3:] == ("ñandú",)
    text = "ΟΔΟΣ İSTANBUL STRASSE Été"
    given_words = fit_tokens([text.split()], level="given", lowercase=True)
    assert set(given_words.vocabulary) == set(fit_tokens([text], lowercase=True).vocabulary)


def test_words_spelled_like_special_ids_are_unknown():
    tokens = fit_tokens([["<unk>", "a", "<pad>", "<eos>"]], level="given")
    assert tokens.vocabulary == ("<pad>", "<unk>", "<eos>", "a")
    assert tokens.encode([["<unk>", "a", "<pad>", "<eos>"]]).values.tolist() == [1, 3, 1, 1]
    assert Tokens.from_json(tokens.to_json()) == tokens


def test_rare_and_surplus_words_are_unknown():
    texts = [["b", "a", "a"], ["c", "a", "b"]]
    assert fit_tokens(texts, level="given", min_count=2).vocabulary[3:] == ("a", "b")
    assert fit_tokens(texts, level="given", max_vocabulary=4).vocabulary[3:] == ("a",)
    counts = Counter(word for words in texts for word in words)
    assert fit_tokens(texts, level="given").vocabulary[3:] == tuple(sorted(counts, key=lambda w: (-counts[w], w)))
    with pytest.raises(DataError, match=r"no token that occurs 9 times in the 2 texts"):
        fit_tokens(texts, level="given", min_count=9)
    with pytest.raises(OptionError, match="max_vocabulary=3 is too few for level 'given'"):
        fit_tokens(texts, level="given", max_vocabulary=3)


def test_they_survive_json_and_pickle():
    tokens = fit_tokens(WORDS, level="given", lowercase=True)
    expected = tokens.encode(WORDS).values.tolist()
    for again in (Tokens.from_json(tokens.to_json()), pickle.loads(pickle.dumps(tokens))):
        assert again == tokens
        assert again.encode(WORDS).values.tolist() == expected


def test_embeddings_are_made_of_them():
    texts = [["the", "red", "cat"], ["the", "grey", "cat"], ["I", "go"]] * 3
    tokens = fit_tokens(texts, level="given")
    vectors = ppmi_embeddings(tokens.encode(texts), tokens.size, 4)
    red, grey, go = (vectors[tokens.vocabulary.index(word)] for word in ("red", "grey", "go"))
    assert red @ grey > red @ go


@pytest.mark.parametrize("form", [list, tuple, np.array, pd.Series, pl.Series, pa.array, lambda t: np.array(t, object)])
def test_the_words_of_a_text_come_in_any_column(form):
    assert list(checked_words([form(["The", "cat"])])) == [["The", "cat"]]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("The cat", "come as a list of lists of str, got str"),
        (7, r"a list of lists of str, got int \(7\)"),
        ([["a"], "The cat"], r"Text 1 is one str, 'The cat', where a list of its words belongs"),
        ([["a"], None], "Text 1 is NoneType, where a list of its words belongs"),
        ([["a"], {"b": 1}], "Text 1 is dict"),
        ([["a"], ["b", 3]], r"Text 1, word 1 is no str but int \(3\)"),
        ([["a", None]], "Text 0, word 1 is no str but NoneType"),
        ([["a", ["b"]]], "Text 0, word 1 is no str but list"),
        ([["a", b"b"]], "Text 0, word 1 is no str but bytes"),
        ([["a", "b\ud800"]], r"Text 0, word 1 holds half a character \(a lone surrogate\) at 1"),
    ],
)
def test_what_are_no_words_is_named(texts, said):
    with pytest.raises(DataError, match=said):
        fit_tokens(texts, level="given")
    with pytest.raises(DataError, match=said):
        fit_tokens([["a"]], level="given").encode(texts)


def test_lists_among_texts_are_named():
    with pytest.raises(DataError, match=r"Text 1 is no str but list\. Give every text as one str, or every text as"):
        fit_tokens(["a text", ["a", "text"]])


def test_texts_are_taken_in_the_order_asked_for():
    read = Sentences(WORDS)
    assert read.take(np.array([2, 0])).words == [WORDS[2], WORDS[0]]
    assert read.lengths.tolist() == [3, 3, 3]
    assert list(read) == WORDS
