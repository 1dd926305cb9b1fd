"""Large texts are read with progress, and their ids mapped; small ones quietly, and held."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from recuerdo.data import text_source
from recuerdo.tasks import language_reading
from recuerdo.tasks.language_nets import LanguageNet, LanguageShape
from recuerdo.tasks.language_reading import judged, learn_tokens, read_ids

LINES = "the cat sat on the mat\n" * 200


@pytest.fixture
def large(tmp_path, monkeypatch):
    monkeypatch.setattr(language_reading, "SHOWN", 100)
    monkeypatch.setattr(language_reading, "MAPPED", 100)
    monkeypatch.setattr("recuerdo.data.token_ids.WORD", 500)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "text.txt"
    path.write_text(LINES)
    return text_source(path)


@pytest.mark.parametrize("level", ["word", "char", "given", "bpe"])
def test_ids_of_a_large_file_are_mapped_and_the_same(large, tmp_path, level):
    most = {"max_vocabulary": 300} if level == "bpe" else {}
    tokens = learn_tokens(large, False, level=level, **most)
    mapped, held = read_ids(large, tokens, None), read_ids(text_source(LINES), tokens, None)
    assert isinstance(mapped, np.memmap)
    assert not isinstance(held, np.memmap)
    np.testing.assert_array_equal(mapped, held)
    (file,) = (tmp_path / "home" / ".cache" / "recuerdo" / "tokens").iterdir()
    written = file.stat().st_mtime_ns
    np.testing.assert_array_equal(read_ids(large, tokens, None), held)
    assert file.stat().st_mtime_ns == written


def test_reading_a_large_text_is_a_line_where_lines_are_wanted(large, capsys):
    tokens = learn_tokens(large, "brief", level="word")
    read_ids(large, tokens, None, "brief")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"vocabulary of {large.name}: 0 MB ... ")
    assert second.startswith(f"tokens of {large.name}: 0 MB ... ")
    for quiet in (False, None):
        learn_tokens(large, quiet, level="word")
    assert capsys.readouterr().err == ""


def test_reading_a_large_text_is_a_bar_on_a_terminal(large, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = []
    with language_reading.told("tokens", 4_600, None, 100) as progress:

        def tell(done, size):
            told.append((done, size))
            progress(done, size)

        read = language_reading.fit_stream_tokens(large, level="word", progress=tell)
    assert "tokens" in capsys.readouterr().err
    assert read.size > 3
    assert [size for _, size in told] == [len(LINES)] * len(told)
    done = [each for each, _ in told]
    assert done == sorted(done)
    assert len(done) > 5


def test_judging_a_long_text_is_told(capsys, monkeypatch):
    net, ids = LanguageNet(LanguageShape(5, embedding_size=3, hidden_size=3)), np.arange(3_000) % 5
    assert len(judged(net, ids, True)) == 2_999
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(language_reading, "JUDGED", 2_000)
    judged(net, ids, True)
    assert capsys.readouterr().err.startswith("losses of 3,000 tokens ... ")
    done = []
    language_reading.token_losses(net, ids, lambda *each: done.append(each))
    assert done == [(1_025, 3_000), (2_049, 3_000), (3_000, 3_000)]
