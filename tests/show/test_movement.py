"""The picture of a training shows what its callback wrote down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

from recuerdo.errors import OptionError
from recuerdo.memory import Movement
from recuerdo.show import plot_movement, plot_saturation

ROWS = [
    Movement(step, 10.0 / step, 0.5, {"a": 1e-3 * step, "b": 0.0}, {"a": 0.0, "b": 1.0}, {}, {})
    for step in (10, 20, 30)
]


def test_each_weight_has_a_line_and_one_that_does_not_move_a_gap():
    moved, gradient = plot_movement(ROWS).child_axes
    lines = lines_of(moved)
    np.testing.assert_allclose(lines["a"].get_xydata(), [[10, 0.01], [20, 0.02], [30, 0.03]])
    assert np.isnan(lines["b"].get_ydata()).all()
    assert legend_of(moved) == ["a", "b"]
    np.testing.assert_allclose(gradient.get_lines()[0].get_ydata(), [1, 0.5, 1 / 3])
    assert gradient.get_title(loc="left") == "Gradient, clipped in 50 % of steps"


def test_the_titles_of_both_panels_stand_level():
    many = [replace(row, update_ratio=dict.fromkeys("abcdefgh", 1e-3)) for row in ROWS]
    for rows in (ROWS, many):
        ax = plot_movement(rows)
        ax.figure.canvas.draw()
        heights = {round(panel._left_title.get_window_extent().y0, 3) for panel in ax.child_axes}
        assert len(heights) == 1


def test_what_stands_still_is_drawn_weights_and_gates():
    rows = [replace(row, left={"l0.z": 0.1}, right={"l0.z": row.step / 100}) for row in ROWS]
    still, stuck = plot_saturation(rows).child_axes
    lines = lines_of(still)
    np.testing.assert_allclose(lines["a"].get_xydata(), [[10, 0], [20, 0], [30, 0]])
    np.testing.assert_allclose(lines["b"].get_ydata(), [1, 1, 1])
    opened, shut = stuck.get_lines()
    np.testing.assert_allclose(opened.get_ydata(), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(shut.get_ydata(), [0.1, 0.1, 0.1])
    assert opened.get_linestyle() == "-" != shut.get_linestyle()
    assert legend_of(stuck) == ["l0.z"]


def test_without_a_probe_it_is_said_that_no_gate_was_watched():
    _, stuck = plot_saturation(ROWS).child_axes
    assert [text.get_text() for text in stuck.texts] == ["no gate was watched"]


@pytest.mark.parametrize("plot", [plot_movement, plot_saturation])
def test_without_a_row_there_is_nothing_to_draw(plot):
    with pytest.raises(OptionError, match="No step was written down: train for more steps, or give WeightMovement a"):
        plot([])


@pytest.mark.parametrize("plot", [plot_movement, plot_saturation])
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, tmp_path):
    assert_drawn_where_it_is_told(plot, ROWS, tmp_path)
