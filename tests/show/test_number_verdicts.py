"""The picture of numbers has a dot for each row, and the line on which answer and truth are the same."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.show import plot_numbers


@pytest.mark.parametrize("points", [np.array([[1.0, 1.5], [2.0, 1.0], [4.0, 9.0]]), np.array([[3.0, 3.0]])])
def test_every_row_is_a_dot_and_the_line_is_where_both_are_the_same(points):
    ax = plot_numbers(points, title="GRU")
    line, dots = ax.lines
    np.testing.assert_array_equal(dots.get_xydata(), points)
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_xlim()[0] < points.min()
    assert ax.get_xlim()[1] > points.max()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("truth", "answer")
    assert ax.get_title(loc="left") == f"GRU to {len(points)} rows"
