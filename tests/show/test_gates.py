"""The pictures of gates show the numbers that were measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import gate_activity, record
from recuerdo.show import plot_gates, plot_time_constants


def gates(cell="LSTM"):
    torch.manual_seed(0)
    _, recorded = record(getattr(rc.nn, cell)(2, 12), {"x": 6 * torch.randn(5, 9, 2)})
    return gate_activity(recorded)[0]


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


def test_time_constants_are_drawn_from_the_shortest_to_the_longest():
    ax = plot_time_constants(replace(gates(), time_constants=np.array([4.0, np.inf, 1.0, 2.0])))
    points = ax.get_lines()[0]
    np.testing.assert_array_equal(points.get_xydata(), [[1, 1], [2, 2], [3, 4]])
    assert legend_of(ax) == ["median 3 steps"]
    assert ax.get_xlabel().endswith("\n(not drawn: 1 forget nothing)")


def test_what_has_no_place_on_the_axis_is_counted(tmp_path):
    some = plot_time_constants(replace(gates(), time_constants=np.array([0.0, np.inf, 0.0, 2.0])))
    assert some.get_xlabel().endswith("\n(not drawn: 2 keep nothing and 1 forget nothing)")
    assert legend_of(some) == ["median 1 steps"]
    none = plot_time_constants(replace(gates(), time_constants=np.array([0.0, 0.0, np.inf])))
    assert [text.get_text() for text in none.texts] == ["no unit has a time constant between 0 and infinity"]
    assert none.get_legend() is None
    none.figure.savefig(tmp_path / "none.png")


@pytest.mark.parametrize("count", [2, 3, 4])
def test_units_and_steps_are_counted_in_whole_numbers(count):
    activity = replace(gates(), time_constants=np.arange(1.0, count + 1))
    short = {gate: mean[:count] for gate, mean in activity.activity.items()}
    for ax in (plot_time_constants(activity), plot_gates(replace(activity, activity=short)).child_axes[0]):
        assert all(tick == round(tick) for tick in ax.get_xticks())


def test_gates_of_a_single_step_are_points():
    activity = gates()
    one = replace(activity, activity={gate: mean[:1] for gate, mean in activity.activity.items()})
    assert {line.get_marker() for line in plot_gates(one).child_axes[0].get_lines()} == {"o"}


def test_a_cell_without_time_constants_is_refused():
    with pytest.raises(OptionError, match="l0 has no time constants to draw: give a layer of an IndRNN, LSTM or GRU"):
        plot_time_constants(gates("FRNN"))


@pytest.mark.parametrize("plot", [plot_gates, plot_time_constants])
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, tmp_path):
    assert_drawn_where_it_is_told(plot, gates(), tmp_path)
