"""The pictures of the classic statements show the numbers that were checked."""

from __future__ import annotations

import numpy as np
import pytest
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

from recuerdo.memory import CellTrial, FourCells, GradientFlow, NormBound, Shrinking
from recuerdo.show import plot_four_cells, plot_norm_bound, plot_shrinking

SHRINKING = Shrinking("step back", np.array([2.0, 1.0, 0.5, 0.0]), 0.5, 2.0, 1.0, (0.2, 0.6, 0.9))
BOUND = NormBound(norm=0.8, gamma=1.0, rate=0.5, norms=np.array([1.0, 0.5, 0.25]))


def four():
    trials = {}
    for k, name in enumerate(("FRNN", "IndRNN", "LSTM", "GRU")):
        flows = [GradientFlow("l0", *[rate ** np.arange(5.0)[::-1]] * 3) for rate in (0.1 + 0.2 * k, 0.9)]
        trials[name] = CellTrial(name, 10, *flows, loss_untrained=1 + k, loss_trained=0.01 * (k + 1))
    return FourCells(trials, T=5, lag=3, steps=77)


def test_four_cells_are_drawn_before_and_after_on_one_scale():
    found = four()
    before, after = plot_four_cells(found).child_axes
    assert legend_of(before) == ["FRNN  1", "IndRNN  2", "LSTM  3", "GRU  4"]
    assert legend_of(after) == ["FRNN  0.01", "IndRNN  0.02", "LSTM  0.03", "GRU  0.04"]
    np.testing.assert_allclose(before.get_lines()[0].get_ydata(), 0.1 ** np.arange(5))
    np.testing.assert_allclose(after.get_lines()[0].get_ydata(), 0.9 ** np.arange(5))
    assert before.get_ylim() == after.get_ylim()
    assert (before.get_title(loc="left"), after.get_title(loc="left")) == ("Untrained", "After 77 steps of training")


def test_shrinking_shows_the_derivatives_that_were_met_and_the_line_through_the_norms():
    slope, gradient = plot_shrinking(SHRINKING).child_axes
    assert legend_of(slope) == ["1 - tanh²(a)", "met here", "mean 0.6"]
    (met,) = slope.patches
    assert (met.get_y(), met.get_y() + met.get_height()) == pytest.approx((0.2, 0.9))
    lines = lines_of(gradient)
    np.testing.assert_array_equal(lines["measured"].get_ydata(), [2, 1, 0.5, np.nan])
    np.testing.assert_allclose(lines["0.5 with each step back (R² 1.00)"].get_ydata(), [2, 1, 0.5, 0.25])
    assert gradient.get_title(loc="left") == "The gradient shrinks geometrically"
    assert gradient.get_xlabel() == "steps back from the loss"


@pytest.mark.parametrize(
    ("rate", "fit", "words"),
    [(0.5, 0.2, "shrinks, not by one factor"), (1.5, 1.0, "grows"), (1.0, 1.0, "stays as it is")],
)
def test_the_title_says_what_was_found(rate, fit, words):
    found = Shrinking("layer down", np.array([1.0, 0.5, 0.2]), rate, 1.0, fit, (0.2, 0.6, 0.9))
    assert plot_shrinking(found).child_axes[1].get_title(loc="left") == f"The gradient {words}"


def test_the_bound_is_drawn_over_what_was_measured():
    ax = plot_norm_bound(BOUND)
    lines = lines_of(ax)
    np.testing.assert_allclose(lines["allowed: (γ||U||)ᵏ, γ||U|| = 0.8"].get_ydata(), [1, 0.8, 0.64])
    np.testing.assert_array_equal(lines["measured: 0.5 with each step back"].get_ydata(), BOUND.norms)
    assert ax.get_title(loc="left") == "The norm says: the gradient must vanish, and does"
    assert ax.xaxis_inverted()


@pytest.mark.parametrize(
    ("norm", "rate", "words"),
    [
        (1.5, 1.2, "may explode, and does"),
        (1.5, 0.5, "may explode, yet shrinks"),
        (0.5, 1.2, "must vanish, yet grows"),
        (1.0, 1.0, "may explode, yet stays as it is"),
    ],
)
def test_the_title_says_whether_the_gradient_does_what_the_norm_allows(norm, rate, words):
    found = NormBound(norm=norm, gamma=1.0, rate=rate, norms=BOUND.norms)
    assert plot_norm_bound(found).get_title(loc="left").endswith(words)


@pytest.mark.parametrize(
    ("plot", "measured"), [(plot_four_cells, four()), (plot_shrinking, SHRINKING), (plot_norm_bound, BOUND)]
)
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, measured, tmp_path):
    assert_drawn_where_it_is_told(plot, measured, tmp_path)
