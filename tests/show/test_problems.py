"""The picture of a problem shows how each cell learns, beside what can be had without memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

from recuerdo.show import plot_problem
from recuerdo.tasks.problem_runs import ProblemRuns, ProblemTrial

TRIALS = (
    ProblemTrial("GRU", 99, 30, 1.0, "max_steps", 0.004, None, True, ((10, 0.2), (20, 0.05), (30, 0.004))),
    ProblemTrial("FRNN", 99, 30, 1.0, "max_steps", 0.17, None, False, ((10, 0.2), (20, 0.18), (30, 0.17))),
)
RUNS = ProblemRuns("adding", "T", 50, 50, 1 / 6, None, "a loss below 0.01", 0.01, 8, 1, 0, TRIALS)


def test_each_cell_has_its_curve_and_it_is_said_who_has_solved_it():
    ax = plot_problem(RUNS)
    np.testing.assert_allclose(lines_of(ax)["GRU, solved"].get_xydata(), [[10, 0.2], [20, 0.05], [30, 0.004]])
    assert legend_of(ax) == ["GRU, solved", "FRNN, not solved"]
    assert ax.get_title(loc="left") == "Adding, T = 50"
    assert ax.get_yscale() == "log"


def test_the_level_without_memory_is_drawn_and_that_from_which_it_is_solved():
    ax = plot_problem(RUNS)
    assert [text.get_text() for text in ax.texts] == ["without memory, 0.167", "solved below, 0.01"]
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_label().startswith("_")]
    assert levels == pytest.approx([1 / 6, 0.01])
    by_accuracy = plot_problem(replace(RUNS, solved_below=None))
    assert [text.get_text() for text in by_accuracy.texts] == ["without memory, 0.167"]


def test_a_training_without_an_evaluation_is_said_to_be_so():
    ax = plot_problem(replace(RUNS, trials=(replace(TRIALS[0], curve=()),)))
    assert "no training came as far as its first evaluation" in [text.get_text() for text in ax.texts]


def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(tmp_path):
    assert_drawn_where_it_is_told(plot_problem, RUNS, tmp_path)
