"""The picture of a confusion matrix shows every count in its place, and its names can be told apart."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tests.show.reading import assert_drawn_where_it_is_told

from recuerdo.show import plot_confusion

COUNTS = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
NAMES = ("no", "yes", "perhaps")


def written(ax):
    return {text.get_position(): text.get_text() for text in ax.texts}


def many(count):
    counts = np.random.default_rng(0).integers(0, 5, (count, count))
    return counts, [f"a class that is called {k}" for k in range(count)]


def test_every_count_and_its_share_of_the_true_class_stand_in_their_place():
    ax = plot_confusion(COUNTS, NAMES)
    assert written(ax) == {(0, 0): "8\n80 %", (1, 0): "2\n20 %", (0, 1): "1\n10 %", (1, 1): "9\n90 %"}
    assert [label.get_text() for label in ax.get_xticklabels()] == list(NAMES)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no (10)", "yes (10)", "perhaps (0)"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("verdict", "true class (how many)")
    assert ax.get_title(loc="left") == "Verdicts, 17 of 20 right"


def test_right_is_blue_wrong_is_red_and_the_darker_the_more():
    shade = plot_confusion(COUNTS, NAMES).images[0].get_array()
    assert shade[0, 0, 2] > shade[0, 0, 0]
    assert shade[0, 1, 0] > shade[0, 1, 2]
    assert shade[0, 1, 1] < shade[1, 0, 1] < shade[1, 2, 1]
    np.testing.assert_array_equal(shade[2], np.ones((3, 4)))


@pytest.mark.parametrize(("count", "cell"), [(8, "\n"), (9, ""), (30, ""), (31, None)])
def test_of_more_classes_a_cell_says_less(count, cell):
    counts, names = many(count)
    words = list(written(plot_confusion(counts, names)).values())
    assert len(words) == (0 if cell is None else np.count_nonzero(counts))
    assert all(("\n" in each) == (cell == "\n") for each in words)


@pytest.mark.parametrize("count", [2, 8, 15, 30, 120])
def test_no_names_or_counts_overlap(count):
    ax = plot_confusion(*many(count))
    FigureCanvasAgg(ax.figure).draw()
    for texts in (ax.get_xticklabels(), ax.get_yticklabels(), ax.texts):
        boxes = [text.get_window_extent().padded(-1) for text in texts if text.get_text()]
        boxes = boxes[: 2 * count]  # of the counts, two rows
        assert not [1 for k, box in enumerate(boxes) for other in boxes[k + 1 :] if box.overlaps(other)]


def test_long_names_that_differ_at_their_ends_stay_different():
    _, names = many(30)
    labels = [label.get_text() for label in plot_confusion(*many(30)).get_xticklabels()]
    assert len(set(labels)) == len(names)
    assert max(map(len, labels)) == 16


def test_classes_may_be_numbers_and_truth_values():
    ax = plot_confusion(np.eye(2, dtype=int), (False, True))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["False", "True"]


def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(tmp_path):
    def plot(counts, ax=None):
        return plot_confusion(counts, NAMES, ax=ax)

    assert_drawn_where_it_is_told(plot, COUNTS, tmp_path)
    left, right = Figure().subplots(1, 2)
    plot_confusion(COUNTS, NAMES, ax=left)
    assert left.images
    assert not right.images


def test_a_name_with_dollars_is_no_formula():
    ax = plot_confusion(np.eye(2, dtype=int), ["$5-$10", "a_$^"])
    ax.figure.savefig(BytesIO())
    assert [label.get_text() for label in ax.get_xticklabels()] == [r"\$5-\$10", r"a_\$^"]
