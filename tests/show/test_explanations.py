"""The picture of an explanation shows the series, the running verdict and the words where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

import recuerdo as rc
from recuerdo.data import TextToken
from recuerdo.errors import ShapeError
from recuerdo.show import plot_explanation
from recuerdo.tasks import Explanation

RUNNING = np.array([[0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.3, 0.1, 0.6], [0.05, 0.05, 0.9]])
BEFORE = np.array([0.5, 0.3, 0.2])


def of_numbers(values, classes=("a", "b", "c"), running=RUNNING, before=BEFORE):
    verdict = int(running[-1].argmax()) if classes is not None else 0
    moved = np.diff(running[:, verdict], prepend=before[verdict])
    labels = None if classes is None else np.array(classes)
    places = np.arange(1, len(running) + 1)
    return Explanation(places, running, before, moved, labels, verdict, np.asarray(values), None, ())


def of_text(text, moved, *, classes=("no", "yes"), tokens=None, places=None):
    """A text whose words, or given tokens, move the verdict "yes" from 0.5 by so much each."""
    if tokens is None:
        found, end = [], 0
        for word in text.split():
            start = text.index(word, end)
            end = start + len(word)
            found.append(TextToken(word, start, end))
        tokens = found
    moved = np.asarray(moved, dtype=float)
    p = 0.5 + np.cumsum(moved)
    running = np.stack([1 - p, p], axis=1)
    places = np.arange(1, len(moved) + 1) if places is None else np.asarray(places)
    return Explanation(places, running, np.array([0.5, 0.5]), moved, np.array(classes), 1, None, text, tuple(tokens))


def boxes(ax):
    """The colours behind words, and where they stand in points, in the order of drawing."""
    return [(patch.get_x(), patch.get_width(), patch.get_facecolor()[:3]) for patch in ax.patches]


def words(ax):
    return [text.get_text() for text in ax.texts]


def marks(ax):
    return list(ax.patches)


def bluer(colour):
    return colour[2] - colour[0]


def test_a_series_stands_above_its_running_verdict_on_the_same_steps():
    ax = plot_explanation(of_numbers(np.arange(8).reshape(4, 2)))
    above, below = ax.child_axes
    for k, line in enumerate(above.get_lines()):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), np.arange(8).reshape(4, 2)[:, k])
    lines = lines_of(below)
    np.testing.assert_array_equal(lines["c (the verdict)"].get_xdata(), [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(lines["c (the verdict)"].get_ydata(), [0.2, 0.1, 0.7, 0.6, 0.9])
    np.testing.assert_array_equal(lines["a (the next)"].get_ydata(), [0.5, 0.2, 0.1, 0.3, 0.05])
    assert lines["c (the verdict)"].get_linewidth() > lines["a (the next)"].get_linewidth()
    assert above.get_xlim() == below.get_xlim()
    assert above.get_title(loc="left") == "Verdict: c, with a probability of 90.0 %"


def test_the_steps_that_moved_it_most_are_marked_in_both_and_which_way():
    above, below = plot_explanation(of_numbers(np.zeros((4, 1)))).child_axes
    for one in (above, below):
        found = {round(mark.get_x() + 0.5): mark for mark in marks(one)}
        assert sorted(found) == [2, 4]  # by +0.6 and +0.3; the others moved it by 0.1, less than a fifth of that
        assert bluer(found[2].get_facecolor()) > 0
        assert found[2].get_alpha() > found[4].get_alpha()
    assert "moved it towards the verdict" in legend_of(below)
    away = of_numbers(np.zeros((4, 1)), running=RUNNING[:, ::-1], before=np.array([0.9, 0.05, 0.05]))
    _, below = plot_explanation(away).child_axes
    assert bluer(marks(below)[0].get_facecolor()) < 0
    assert "moved it away" in legend_of(below)


def test_many_features_are_strips_with_gaps_and_their_marks_stand_beside_them():
    values = np.arange(28.0).reshape(4, 7)
    values[2, 3] = np.nan
    values[:, 5] = np.nan
    above, _ = plot_explanation(of_numbers(values)).child_axes
    shades = above.images[0].get_array()
    assert shades.shape == (7, 4)
    np.testing.assert_allclose(shades[0], [0, 1 / 3, 2 / 3, 1])
    assert np.ma.getmaskarray(shades)[3].tolist() == [False, False, True, False]
    assert np.ma.getmaskarray(shades)[5].all()
    low = max(mark.get_y() + mark.get_height() for mark in marks(above))
    assert low <= 1
    assert min(mark.get_y() for mark in marks(above)) > 0.9  # of the axes' height
    assert above.transData.transform((1, -0.5))[1] < above.transAxes.transform((0, 0.95))[1]


def test_a_number_runs_as_one_line():
    running = np.array([[1.0], [5.0], [4.0]])
    explanation = of_numbers(np.zeros((3, 1)), classes=None, running=running, before=np.array([2.0]))
    above, below = plot_explanation(explanation).child_axes
    np.testing.assert_array_equal(below.get_lines()[0].get_ydata(), [2, 1, 5, 4])
    assert legend_of(below) == ["raised it most", "lowered it most"]
    assert above.get_title(loc="left") == "Verdict: 4"


def test_words_stand_in_reading_order_on_what_they_moved():
    ax = plot_explanation(of_text("a very  good\nfilm", [0.0, -0.1, 0.4, 0.1]))
    assert words(ax)[:4] == ["a", "very", "good", "film"]
    found = boxes(ax)
    lefts = [left for left, _, _ in found]
    assert lefts == sorted(lefts)
    assert found[0][2] == to_rgb("#ffffff")
    assert bluer(found[1][2]) < 0 < bluer(found[3][2]) < bluer(found[2][2])
    assert "blue moved it towards yes" in words(ax)[4]
    assert ax.get_title(loc="left") == "Verdict: yes, with a probability of 90.0 %"


def test_parts_of_a_word_have_colours_of_their_own_and_stand_together():
    tokens = [TextToken("un", 0, 2), TextToken("##kind", 2, 6)]
    first, second = boxes(plot_explanation(of_text("unkind!", [0.2, -0.2], tokens=tokens)))
    assert first[0] + first[1] == pytest.approx(second[0])
    assert bluer(second[2]) < 0 < bluer(first[2])


def test_a_step_at_which_nobody_asked_has_the_colour_of_the_next_that_was():
    found = boxes(plot_explanation(of_text("a b c d", [0.3, -0.1], places=[2, 4])))
    assert found[0][2] == found[1][2] != found[2][2] == found[3][2]


def test_a_character_of_several_tokens_is_written_once():
    tokens = [TextToken("\\xf0\\x9f", 0, 1), TextToken("\\x98\\x80", 0, 1), TextToken("!", 1, 2)]
    ax = plot_explanation(of_text("\U0001f600!", [0.1, 0.2, -0.1], tokens=tokens))
    assert words(ax)[:2] == ["\U0001f600", "!"]


def test_lines_break_between_words_and_within_the_picture():
    text = " ".join(["word"] * 60 + ["x" * 300])
    ax = plot_explanation(of_text(text, np.full(61, 0.005)))
    FigureCanvasAgg(ax.figure).draw()
    width = ax.figure.bbox.width
    assert all(text.get_window_extent().x1 <= width for text in ax.texts)
    assert "".join(words(ax)[:-1]) == text.replace(" ", "")


def test_a_long_text_is_cut_with_a_sentence():
    ax = plot_explanation(of_text(" ".join(f"word{k}" for k in range(700)), np.full(700, 0.0005)))
    drawn = sum(each.startswith("word") for each in words(ax))
    assert 200 < drawn < 700
    assert words(ax)[-1] == f"{700 - drawn} of 700 words are not drawn; to_html(path) writes them all."


def test_a_text_from_right_to_left_begins_at_the_right():
    ax = plot_explanation(of_text("זה סרט very good מאוד", [0.1, 0.1, 0.1, 0.05, 0.05]))
    lefts = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert lefts["זה"] > lefts["סרט"] > lefts["good"] > lefts["very"] > lefts["מאוד"]


def test_marks_of_formulas_and_of_pages_are_letters(tmp_path):
    ax = plot_explanation(of_text("$5 or $6 <b>&amp; \\frac{", [0.1, 0.1, 0.1, 0.05, 0.05], classes=("$x$ $", "$a_1$")))
    ax.figure.savefig(tmp_path / "a.png")
    assert words(ax)[:5] == ["$5", "or", "$6", "<b>&amp;", "\\frac{"]
    ax = plot_explanation(of_numbers(np.zeros((4, 1)), classes=("$a$ $", "b", "$c$")))
    ax.figure.savefig(tmp_path / "b.png")


def test_what_the_letters_lack_is_a_box_and_said(tmp_path):
    ax = plot_explanation(of_text("好 👩‍👧 a\x00b ok", [0.1, 0.1, 0.1, 0.05]))
    ax.figure.savefig(tmp_path / "a.png")  # a missing letter would be a warning, and so an error here
    assert [each.replace("\u200d", "") for each in words(ax)[:3]] == ["□", "□□", "a□b"]
    assert words(ax)[-1] == "Characters that these letters lack are boxes (4); to_html(path) writes them."


def test_an_empty_text_is_said():
    explanation = Explanation(
        np.zeros(1, np.int64), np.array([[0.4, 0.6]]), np.array([0.4, 0.6]), np.zeros(1), np.array(["a", "b"]), 1, None,
        "", (),
    )  # fmt: skip
    assert words(plot_explanation(explanation)) == ["The text is empty."]


@pytest.mark.parametrize("kind", [rc.SequenceClassifier, rc.SequenceRegressor])
def test_a_model_of_a_table_explains_its_rows_and_no_others(kind):
    X = np.random.default_rng(0).normal(size=(20, 5))
    model = kind(max_steps=2, hidden_size=4, trial=False, random_state=0, verbose=False).fit(X, np.arange(20) % 2)
    found = model.explain(X[3])
    assert found.answer == model.predict(X[3:4])[0]
    above, _ = found.plot().child_axes
    np.testing.assert_allclose(above.get_lines()[0].get_ydata(), X[3], rtol=1e-6)
    with pytest.raises(ShapeError, match=r"X has 4 features, but .* is expecting 5"):
        model.explain(X[3, :4])
    with pytest.raises(ShapeError, match=r"takes one row of 5 steps, got a table of one: give X"):
        model.explain(X[:1])


@pytest.mark.parametrize("explanation", [of_numbers(np.zeros((4, 1))), of_text("a b", [0.1, 0.1])])
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(explanation, tmp_path):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_explanation(explanation, left) is left
    assert not right.child_axes
    assert not right.texts
    figure.savefig(tmp_path / "given.png")
    own = explanation.plot()
    assert own.figure is not figure
    if explanation.text is None:
        assert_drawn_where_it_is_told(plot_explanation, explanation, tmp_path)
