"""Token ids of a text are the same in memory and in a file, which is whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from recuerdo.data import text_streams, token_ids
from recuerdo.data.text_streams import text_source
from recuerdo.data.texts import END, UNKNOWN
from recuerdo.data.token_ids import fit_stream_tokens, ids_of, mapped_ids
from recuerdo.errors import DataError, OutputError

TEXT = "El niño come. ¡Qué  mañana!\n\nLa niña come <unk> 😀\n" * 30
LEVELS = ["word", "char", "bpe", "given"]


@pytest.mark.parametrize("level", LEVELS)
def test_ids_do_not_depend_on_where_a_text_is_cut(level, monkeypatch):
    source = text_source(TEXT)
    tokens = fit_stream_tokens(source, level=level, max_vocabulary=400 if level == "bpe" else None)
    whole = ids_of(source, tokens)
    monkeypatch.setattr(text_streams, "PIECE", 7)
    monkeypatch.setattr(token_ids, "LINES", 2)
    assert fit_stream_tokens(source, level=level, max_vocabulary=400 if level == "bpe" else None) == tokens
    np.testing.assert_array_equal(ids_of(source, tokens), whole)


@pytest.mark.parametrize("level", ["char", "bpe"])
def test_characters_and_byte_pairs_come_back_exactly(level):
    source = text_source(TEXT)
    tokens = fit_stream_tokens(source, level=level, max_vocabulary=400 if level == "bpe" else None)
    assert tokens.decode(ids_of(source, tokens)) == TEXT


def test_lines_of_words_have_an_end_and_a_given_unknown_word_is_unknown():
    tokens = fit_stream_tokens(text_source("a b\na <unk>\nc"), level="given")
    ids = ids_of(text_source("a b\n\nd <unk>"), tokens)
    a, b = tokens.vocabulary.index("a"), tokens.vocabulary.index("b")
    assert ids.tolist() == [a, b, END, END, UNKNOWN, UNKNOWN]
    words = fit_stream_tokens(text_source("a, b\n"), level="word")
    assert len(ids_of(text_source("a, b\n"), words)) == 4


@pytest.mark.parametrize("level", LEVELS)
def test_a_mapped_file_holds_the_same_and_is_used_again(level, tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    source = text_source(path)
    tokens = fit_stream_tokens(source, level=level, max_vocabulary=400 if level == "bpe" else None)
    told = []
    mapped = mapped_ids(source, tokens, tmp_path / "cache", lambda done, size: told.append((done, size)))
    assert isinstance(mapped, np.memmap)
    assert mapped.dtype == np.uint16
    assert told[-1][0] <= told[-1][1]
    np.testing.assert_array_equal(mapped, ids_of(source, tokens))
    monkeypatch.setattr(token_ids, "_encoded", None)  # it is not made again
    np.testing.assert_array_equal(mapped_ids(source, tokens, tmp_path / "cache"), mapped)
    monkeypatch.undo()
    path.write_text(TEXT.replace("come", "bebe"), encoding="utf-8")  # of the same size
    assert len(list((tmp_path / "cache").iterdir())) == 1
    mapped_ids(source, tokens, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_disk_that_is_full_leaves_nothing_that_is_half_written(tmp_path, monkeypatch):
    source = text_source(TEXT)
    tokens = fit_stream_tokens(source, level="char")
    encoded = token_ids._encoded

    def full(*given):
        yield from encoded(*given)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(token_ids, "_encoded", full)
    with pytest.raises(OutputError, match=r"No space left on device\. Make room there"):
        mapped_ids(source, tokens, tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    np.testing.assert_array_equal(mapped_ids(source, tokens, tmp_path), ids_of(source, tokens))


def test_a_text_without_a_token_is_no_text(tmp_path):
    tokens = fit_stream_tokens(text_source("a b"), level="given")
    path = tmp_path / "blank.txt"
    path.write_text("   ")
    for read in (
        lambda: ids_of(text_source(path), tokens),
        lambda: mapped_ids(text_source(path), tokens, tmp_path / "c"),
    ):
        with pytest.raises(DataError, match=r"There is no token in .*blank.txt"):
            read()
    with pytest.raises(DataError, match="so the vocabulary is empty"):
        fit_stream_tokens(text_source(path), level="word")


def test_a_large_vocabulary_takes_four_bytes(tmp_path):
    text = "".join(map(chr, [*range(0x100, 0xD800), *range(0x10000, 0x13000)]))
    source = text_source(text)
    tokens = fit_stream_tokens(source, level="char")
    assert tokens.size > 1 << 16
    mapped = mapped_ids(source, tokens, Path(tmp_path))
    assert mapped.dtype == np.int32
    np.testing.assert_array_equal(mapped, ids_of(source, tokens))
