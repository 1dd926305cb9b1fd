"""Byte pairs are joined as published, and give back whatever was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from recuerdo.data import Tokens, fit_tokens
from recuerdo.data.byte_pairs import _BYTES, _spelt
from recuerdo.data.token_codecs import END, PADDING, UNKNOWN
from recuerdo.errors import ModelFileError

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def byte_pairs():
    return fit_tokens(["a stirring, funny and finally moving re-imagining", "¡Qué mañana!"], level="bpe")


def test_byte_pairs_are_joined_as_in_the_paper_that_proposed_them():
    texts = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    assert fit_tokens(texts, level="bpe").vocabulary[259:263] == ("es", "est", "lo", "low")


def test_bytes_are_written_as_the_library_writes_them():
    assert sorted(_BYTES) == sorted(pre_tokenizers.ByteLevel.alphabet())
    written = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str("aé 👍\n")[0][0]
    assert _spelt(written) == "aé 👍\n".encode()


def test_byte_pairs_of_bytes_are_shown_readably(byte_pairs):
    assert len(set(byte_pairs.vocabulary)) == byte_pairs.size
    assert [token.string for token in byte_pairs.tokens("€")] == [r"\xe2", r"\x82", r"\xac"]


@given(ANY_TEXT)
def test_byte_pairs_give_back_any_text(byte_pairs, text):
    ids = byte_pairs.encode([text]).values
    assert byte_pairs.decode(ids) == text
    assert not {PADDING, UNKNOWN, END} & set(ids.tolist())


def test_byte_pairs_with_a_join_out_of_range_are_refused(byte_pairs):
    with pytest.raises(ModelFileError, match="cannot belong to level 'bpe'"):
        Tokens.from_json(byte_pairs.to_json().replace('"merges":[[', '"merges":[[9999,3],['))
