"""The picture of a training shows what its callback wrote down."""

from __future__ import annotations

import numpy as np
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

from recuerdo.memory import Movement
from recuerdo.show import plot_movement

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


def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(tmp_path):
    assert_drawn_where_it_is_told(plot_movement, ROWS, tmp_path)
