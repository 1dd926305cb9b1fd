"""The pictures of gradients and gates show the numbers that were measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import CellTrial, DepthFlow, FourCells, GradientFlow, gate_activity, record
from recuerdo.show import plot_depth, plot_four_cells, plot_gates, plot_gradient_flow

TOTAL = np.array([1e-3, 1e-2, 1e-1, 1.0])
DIRECT = np.array([0.0, 0.0, 1e-8, 1.0])
FLOW = GradientFlow("encoder.l0", TOTAL, DIRECT, TOTAL - DIRECT)


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def gates(cell="LSTM"):
    torch.manual_seed(0)
    _, recorded = record(getattr(rc.nn, cell)(2, 12), {"x": 6 * torch.randn(5, 9, 2)})
    return gate_activity(recorded)[0]


def depths():
    return [DepthFlow(("l",) * L, 0.5 ** np.arange(L)[::-1], np.full(L, 2.0), np.full(L, 3.0)) for L in (1, 2, 4)]


def four():
    trials = {}
    for k, name in enumerate(("FRNN", "IndRNN", "LSTM", "GRU")):
        flows = [GradientFlow("l0", *[rate ** np.arange(5.0)[::-1]] * 3) for rate in (0.1 + 0.2 * k, 0.9)]
        trials[name] = CellTrial(name, 10, *flows, loss_untrained=1 + k, loss_trained=0.01 * (k + 1))
    return FourCells(trials, T=5, lag=3, steps=77)


def test_one_flow_is_drawn_in_its_parts_from_the_end_back():
    ax = plot_gradient_flow(FLOW)
    lines = lines_of(ax)
    np.testing.assert_array_equal(lines["total"].get_xdata(), [0, 1, 2, 3])
    np.testing.assert_array_equal(lines["total"].get_ydata(), TOTAL[::-1])
    np.testing.assert_array_equal(lines["through the recurrence"].get_ydata(), [np.nan, *(TOTAL - DIRECT)[2::-1]])
    assert ax.get_yscale() == "log"
    assert ax.xaxis_inverted()
    assert ax.get_title(loc="left") == "Gradient through time, encoder.l0"


def test_a_shadow_of_rounding_is_not_drawn_as_direct():
    (direct,) = [line for label, line in lines_of(plot_gradient_flow([FLOW])).items() if label.startswith("direct")]
    np.testing.assert_array_equal(direct.get_ydata(), [1.0, np.nan, np.nan, np.nan])


def test_of_several_flows_each_total_is_a_line_of_its_own():
    flows = [GradientFlow(f"l{k}", TOTAL / 2**k, DIRECT, TOTAL) for k in range(6)]
    lines = lines_of(plot_gradient_flow(flows))
    assert list(lines) == [flow.name for flow in flows]
    np.testing.assert_array_equal(lines["l5"].get_ydata(), TOTAL[::-1] / 32)
    looks = {(to_hex(line.get_color()), line.get_linestyle()) for line in lines.values()}
    assert len(looks) == 4


def test_a_gradient_that_does_not_change_looks_flat():
    level = np.array([1.0, 1.001, 0.999])
    low, high = plot_gradient_flow(GradientFlow("l0", level, level, level)).get_ylim()
    assert high / low == pytest.approx(100)


@pytest.mark.parametrize(("cell", "names"), [("LSTM", ["i", "f", "o"]), ("GRU", ["r", "z"])])
def test_gates_are_drawn_over_time_and_by_unit(cell, names):
    activity = gates(cell)
    over_time, stuck = plot_gates(activity).child_axes
    lines = lines_of(over_time)
    assert legend_of(over_time) == names
    for name, points in zip(names, stuck.collections, strict=True):
        np.testing.assert_array_equal(lines[name].get_ydata(), activity.activity[name])
        expected = np.stack([activity.left[name], activity.right[name]], axis=1)
        np.testing.assert_allclose(points.get_offsets(), expected)
        assert to_hex(lines[name].get_color()) == to_hex(points.get_facecolor()[0])


def test_a_cell_without_gates_is_refused():
    with pytest.raises(OptionError, match="l0 has no gates to draw: give a layer of an LSTM or a GRU"):
        plot_gates(gates("FRNN"))


def test_the_deepest_stack_is_drawn_in_full_and_the_others_by_their_outputs():
    flows = depths()
    ax = plot_depth(flows[::-1])
    lines = lines_of(ax)
    np.testing.assert_array_equal(lines["by the layer's output, |dL/dy|"].get_ydata(), flows[-1].outputs)
    np.testing.assert_array_equal(lines["by its input weights, |dL/dW|"].get_ydata(), flows[-1].weight_ih)
    np.testing.assert_array_equal(lines["by its recurrent weights, |dL/dU|"].get_ydata(), flows[-1].weight_hh)
    np.testing.assert_array_equal(lines["by the layer's output, |dL/dy|"].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(lines["the same, shallower stacks"].get_ydata(), flows[0].outputs)
    assert len(legend_of(ax)) == 4
    assert ax.get_title(loc="left") == "Gradient through depth, 4 layers"


def test_one_stack_stands_alone():
    assert len(legend_of(plot_depth(depths()[-1]))) == 3


def test_weights_without_a_gradient_are_left_out():
    flow = DepthFlow(("l0", "l1"), np.array([0.5, 1]), np.full(2, np.nan), np.zeros(2))
    assert legend_of(plot_depth(flow)) == ["by the layer's output, |dL/dy|"]


def test_four_cells_are_drawn_before_and_after_on_one_scale():
    found = four()
    before, after = plot_four_cells(found).child_axes
    assert legend_of(before) == ["FRNN  1", "IndRNN  2", "LSTM  3", "GRU  4"]
    assert legend_of(after) == ["FRNN  0.01", "IndRNN  0.02", "LSTM  0.03", "GRU  0.04"]
    np.testing.assert_allclose(before.get_lines()[0].get_ydata(), 0.1 ** np.arange(5))
    np.testing.assert_allclose(after.get_lines()[0].get_ydata(), 0.9 ** np.arange(5))
    assert before.get_ylim() == after.get_ylim()
    assert (before.get_title(loc="left"), after.get_title(loc="left")) == ("Untrained", "After 77 steps of training")


DRAWN = [
    (plot_gradient_flow, lambda: FLOW),
    (plot_gates, gates),
    (plot_depth, depths),
    (plot_four_cells, four),
]


@pytest.mark.parametrize(("plot", "measured"), DRAWN)
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, measured, tmp_path):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(measured(), ax=left) is left
    assert not right.get_lines()
    assert not right.child_axes
    ax = plot(measured())
    assert ax.figure is not figure
    for name, drawn in (("given", figure), ("own", ax.figure)):
        drawn.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
