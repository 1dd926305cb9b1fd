"""What a fit of sequences decides: against the words of its own documentation, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.tasks.sequence_plan import (
    FEWEST,
    MOST_FRAMES,
    MOST_HELD,
    changes_tell,
    doubts,
    frames_for,
    held_out,
    said_of,
    steps_for,
)
from recuerdo.tasks.sequence_targets import read_labels, read_numbers


def labels(y, lengths=None, each=False):
    return read_labels(y, np.ones(len(y), int) if lengths is None else lengths, each=each, who="It")


@pytest.mark.parametrize("longest", [1, 63, 64, 65, 128, 129, 1000, 5000])
def test_frames_are_the_shortest_that_leave_few_enough(longest):
    fold = frames_for(longest)
    assert -(-longest // fold) <= MOST_FRAMES
    assert fold == 1 or -(-longest // (fold - 1)) > MOST_FRAMES


def test_changes_tell_of_walks_and_not_of_noise():
    random = np.random.default_rng(0)
    noise = random.standard_normal((20, 50, 2))
    assert not changes_tell(Ragged.of(list(noise)))
    assert changes_tell(Ragged.of(list(noise.cumsum(axis=1))))
    gaps = noise.cumsum(axis=1)
    gaps[:, ::5] = np.nan
    assert changes_tell(Ragged.of(list(gaps)))
    assert not changes_tell(Ragged.of([[[1.0]], [[2.0]]]))


def test_a_share_of_each_class_is_held_out_and_one_of_each_stays():
    y = np.repeat([0, 1, 2, 3], [60, 30, 4, 1])
    held = held_out(labels(y), 0)
    assert np.bincount(y[held], minlength=4).tolist() == [12, 6, 1, 0]
    assert held.tolist() == sorted(set(held.tolist()))
    np.testing.assert_array_equal(held, held_out(labels(y), 0))
    assert held.tolist() != held_out(labels(y), 1).tolist()


@pytest.mark.parametrize(
    ("count", "expected"), [(FEWEST - 1, 0), (FEWEST, 2), (999, 200), (1000, 100), (50_000, MOST_HELD)]
)
def test_the_share_falls_with_the_number_of_sequences(count, expected):
    targets = read_numbers(np.arange(count), np.ones(count, int), each=False, who="It")
    assert len(held_out(targets, 0)) == expected


def test_only_sequences_with_an_answer_are_held_out():
    y = [[i % 2, None] if i < 20 else [None, None] for i in range(200)]
    held = held_out(labels(y, np.full(200, 2), each=True), 0)
    assert len(held) == 4
    assert held.max() < 20
    assert not len(held_out(labels([[0, 1]] * 9 + [[None, None]] * 50, np.full(59, 2), each=True), 0))


def test_what_was_read_is_said():
    rows = Ragged.of([np.zeros((3, 1)), np.zeros((5, 1))])
    assert said_of(rows, labels([0, 1])) == "2 sequences of 3 to 5 steps and 1 feature, with 2 classes"
    assert said_of(["a", "b"], labels([0, 1])) == "2 texts with 2 classes"
    words = Sentences([["a", "b"], ["c"]])
    assert said_of(words, labels([0, 1])) == "2 texts of 3 words, with 2 classes"
    tags = labels([[0, 1], [1]], words.lengths, each=True)
    assert said_of(words, tags) == "2 texts of 3 words, with 2 classes for every word"


def test_where_every_word_has_an_answer_training_takes_longer():
    assert [steps_for(True, batches) for batches in (10, 1000)] == [400, 3000]
    assert [steps_for(True, batches, each=True) for batches in (10, 1000)] == [800, 10_000]
    assert steps_for(False, 20, each=True) == steps_for(False, 20) == 1200


def test_what_may_be_something_else_is_asked_after():
    turned = Ragged.of([np.zeros((3, 12)), np.zeros((2, 12))])
    (said,) = doubts(turned, "word")
    assert said == "12 features and 3 steps: if the features are the steps, X.transpose(0, 2, 1) turns them"
    assert not doubts(Ragged.of([np.zeros((4, 12))]), "word")
    thai, english = "ภาพยนตร์เรื่องนี้สนุกมากและน่าประทับใจ", "this film is great fun and very moving"
    (said,) = doubts([thai] * 19 + [english], "word")
    assert said == "the texts have no spaces between words, so that level='char' or 'bpe' may read them better"
    for texts, level in (([thai] * 20, "char"), ([english] * 20, "word"), (["film"] * 20, "word")):
        assert not doubts(texts, level)
    assert not doubts(Sentences([["a" * 30]] * 20), "word")
