"""The figures of language models: splits, corpora, and whether each part runs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from benchmarks.results import articles, characters, streamed, treebank, writing
from benchmarks.results.figures import Effort

QUICK = Effort(quick=True)
needs_texts = pytest.mark.skipif(not characters.LANGUAGE.is_dir(), reason="no data: the shared folder is not there")


def test_a_text_is_split_into_contiguous_parts() -> None:
    assert characters.parts("abcdefghij", 0.5, 0.2) == ["abcde", "fg", "hij"]
    assert characters.parts("abcdefghij", 0.9) == ["abcdefghi", "j"]


def test_characters_that_do_not_come_back_are_counted() -> None:
    text = "¡Qué mañana! 😀\n\tñ  " * 3
    assert characters.lost(text, ("char", "bpe")) == 0
    assert characters.lost(text, ("word",)) > 0


def test_made_up_texts_have_their_size_and_are_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "TEXTS", tmp_path)
    path = streamed.made(1)
    first = path.read_bytes()
    assert len(first) == 10**6
    path.unlink()
    assert streamed.made(1).read_bytes() == first
    assert {path.name for path in tmp_path.iterdir()} == {"1.txt"}


def test_writing_is_timed_beside_torch_for_one_text_and_many() -> None:
    figures = list(writing.speed(QUICK))
    assert [figure.at_least for figure in figures] == [5, 5, None]
    for figure in figures[:2]:
        rates = figure.anchors
        ours, theirs = rates["recuerdo, characters a second"], rates["torch, characters a second"]
        assert figure.value == pytest.approx(ours / theirs)


def test_plain_torch_writes_by_the_same_network() -> None:
    ours = writing.model()._net
    plain = writing.Plain(len(writing.CHARACTERS))
    assert ours.shape.hidden_size == plain.lstm.hidden_size == writing.HIDDEN
    assert ours.shape.vocabulary == len(writing.CHARACTERS) + 3  # beside padding, unknown and end


@needs_texts
@pytest.mark.parametrize(
    "part", [characters.shakespeare, characters.shakespeare_cells, articles.words, treebank.best, treebank.medium]
)
def test_each_part_yields_numbers(part) -> None:
    for figure in part(QUICK):
        assert math.isfinite(figure.value)
