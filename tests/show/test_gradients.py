"""The pictures of gradients and of changes of the state show the numbers that were measured."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of

from recuerdo.memory import DepthFlow, GradientFlow, Growth, ItemisedFlow, Lyapunov
from recuerdo.show import plot_depth, plot_gradient_flow, plot_growth, plot_itemised, plot_lyapunov

TOTAL = np.array([1e-3, 1e-2, 1e-1, 1.0])
DIRECT = np.array([0.0, 0.0, 1e-8, 1.0])
FLOW = GradientFlow("encoder.l0", TOTAL, DIRECT, TOTAL - DIRECT)
MATRIX = ItemisedFlow("l0", np.array([1, 3]), 4, np.array([[0.1, 1.0, 0.0, 0.0], [1e-9, 0.01, 0.1, 1.0]]))
GROWTH = Growth("l0", np.array([1, 3, 9]), np.array([0.9, 0.7, 0.3]), np.array([0.5, 0.1, 0.0]))
EXPONENTS = Lyapunov("l0", np.array([[-0.1, -0.5], [-0.3, -0.7]]), np.array([10.0, 10 / 3]))


def depths():
    return [DepthFlow(("l",) * L, 0.5 ** np.arange(L)[::-1], np.full(L, 2.0), np.full(L, 3.0)) for L in (1, 2, 4)]


def test_one_flow_is_drawn_in_its_parts_from_the_end_back():
    ax = plot_gradient_flow(FLOW)
    lines = lines_of(ax)
    np.testing.assert_array_equal(lines["total"].get_xdata(), [0, 1, 2, 3])
    np.testing.assert_array_equal(lines["total"].get_ydata(), TOTAL[::-1])
    np.testing.assert_array_equal(lines["through the recurrence"].get_ydata(), [np.nan, *(TOTAL - DIRECT)[2::-1]])
    assert ax.get_yscale() == "log"
    assert ax.xaxis_inverted()
    assert ax.get_title(loc="left") == "Gradient through time, encoder.l0"


def test_what_is_direct_is_drawn_as_the_table_has_it():
    (direct,) = [line for label, line in lines_of(plot_gradient_flow([FLOW])).items() if label.startswith("direct")]
    np.testing.assert_array_equal(direct.get_ydata(), [1.0, 1e-8, np.nan, np.nan])


def test_a_flow_of_a_single_point_is_a_point():
    first = GradientFlow("l0", np.array([1.0]), np.array([1.0]), np.array([0.0]))
    second = GradientFlow("l1", np.array([0.0, 0.5]), np.array([0.0, 0.5]), np.zeros(2))
    assert lines_of(plot_gradient_flow(first))["total"].get_marker() == "o"
    for line in plot_gradient_flow([first, second]).get_lines():
        assert (line.get_marker(), line.get_markevery()) == ("o", [0])
    assert lines_of(plot_gradient_flow(FLOW))["total"].get_marker() == "None"


def test_a_layer_that_is_not_read_is_said_to_be_none():
    silent = GradientFlow("l1", *[np.zeros(4)] * 3)
    assert [text.get_text() for text in plot_gradient_flow(silent).texts] == ["the loss does not read this layer"]
    assert [text.get_text() for text in plot_gradient_flow([silent] * 2).texts] == [
        "the loss does not read these layers"
    ]
    ax = plot_gradient_flow([FLOW, silent])
    assert legend_of(ax) == ["encoder.l0", "l1, 0 everywhere"]
    assert not ax.texts


@pytest.mark.parametrize(("count", "named"), [(2, 2), (4, 4), (6, 6), (20, 6)])
def test_of_several_flows_each_total_is_a_line_of_its_own(count, named):
    flows = [GradientFlow(f"l{k}", TOTAL / 2**k, DIRECT, TOTAL) for k in range(count)]
    ax = plot_gradient_flow(flows)
    for flow, line in zip(flows, ax.get_lines(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), flow.total[::-1])
    assert len({(to_hex(line.get_color()), line.get_linestyle()) for line in ax.get_lines()}) == count
    names = legend_of(ax)
    assert len(names) == named
    assert (names[0], names[-1]) == ("l0", f"l{count - 1}")


def test_a_gradient_that_does_not_change_looks_flat():
    level = np.array([1.0, 1.001, 0.999])
    low, high = plot_gradient_flow(GradientFlow("l0", level, level, level)).get_ylim()
    assert high / low == pytest.approx(100)


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


def test_each_direction_of_a_stack_is_a_line_of_its_own_over_the_layers():
    names = ("l0", "l0_reverse", "l1", "l1_reverse")
    ax = plot_depth(DepthFlow(names, np.arange(1.0, 5), np.arange(2.0, 6), np.zeros(4)))
    lines = lines_of(ax)
    forth, back = (lines[f"by the layer's output, |dL/dy|{words}"] for words in ("", ", in reverse"))
    np.testing.assert_array_equal(forth.get_xydata(), [[1, 1], [2, 3]])
    np.testing.assert_array_equal(back.get_xydata(), [[1, 2], [2, 4]])
    assert len(legend_of(ax)) == 4
    assert ax.get_title(loc="left") == "Gradient through depth, 2 layers in two directions"


def test_a_single_layer_is_a_point_on_a_whole_number():
    ax = plot_depth(depths()[0])
    assert {line.get_marker() for line in ax.get_lines()} == {"o"}
    assert ax.get_title(loc="left") == "Gradient through depth, 1 layer"
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]


def test_a_layer_without_a_gradient_leaves_its_neighbours_as_points():
    flow = DepthFlow(("l0", "l1", "l2"), np.array([0.5, 0, 1]), np.full(3, np.nan), np.zeros(3))
    (line,) = plot_depth(flow).get_lines()
    assert line.get_markevery() == [0, 2]


def test_a_loss_that_reads_no_layer_is_said_to():
    ax = plot_depth(DepthFlow(("l0", "l1"), *[np.zeros(2)] * 3))
    assert [text.get_text() for text in ax.texts] == ["the loss reads no layer"]


def test_a_matrix_of_zeros_says_that_the_layer_is_not_read(tmp_path):
    ax = plot_itemised(ItemisedFlow("l0", np.array([1, 3]), 2, np.zeros((2, 4))))
    assert [text.get_text() for text in ax.texts] == ["the loss does not read this layer"]
    assert not ax.collections
    ax.figure.savefig(tmp_path / "empty.png")


def test_the_matrix_is_drawn_as_it_is_and_what_is_zero_is_left_white():
    ax = plot_itemised(MATRIX)
    (mesh,) = ax.collections
    drawn = mesh.get_array()
    np.testing.assert_array_equal(drawn.filled(0), MATRIX.norms)
    assert drawn.mask.tolist() == [[False, False, True, True], [False] * 4]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1", "3"]
    assert ax.yaxis_inverted()
    assert ax.get_title(loc="left").endswith(", l0")
    assert mesh.norm.vmax == 1.0


def test_growth_is_drawn_over_the_lags_and_zero_is_a_gap():
    lines = lines_of(plot_growth(GROWTH))
    np.testing.assert_array_equal(lines["largest"].get_xydata(), np.stack([GROWTH.lags, GROWTH.largest], axis=1))
    np.testing.assert_array_equal(lines["typical"].get_ydata(), [0.5, 0.1, np.nan])


def test_where_nothing_at_all_is_left_it_is_said_from_when_on():
    gone = Growth("l0", np.array([1, 3, 9, 20]), np.array([0.9, 0.7, 0, 0]), np.array([0.5, 0.1, 0, 0]))
    ax = plot_growth(gone)
    assert ax.get_xlabel() == "steps from the change to the end; nothing at all is left from 9 on"
    assert ax.get_xlim()[1] > 20
    assert plot_growth(GROWTH).get_xlabel() == "steps from the change to the end"


def test_exponents_of_minus_infinity_are_left_out_and_counted(tmp_path):
    partly = Lyapunov("l0", np.array([[-0.1, -0.5], [-0.3, -np.inf]]), np.array([10.0, 10 / 3]))
    gone = Lyapunov("l1", np.full((2, 2), -np.inf), np.zeros(2))
    ax = plot_lyapunov([partly, gone])
    assert legend_of(ax) == [
        "l0 dies within 5 steps (1 of 4 exponents are −∞)",
        "l1 dies entirely within the sequence (4 of 4 exponents are −∞)",
    ]
    first, second = (bars.lines[0].get_ydata() for bars in ax.containers)
    np.testing.assert_allclose(first, [-0.2, -0.5])
    assert np.isnan(second).all()
    ax.figure.savefig(tmp_path / "some.png")
    plot_lyapunov(gone).figure.savefig(tmp_path / "none.png")


def test_exponents_are_means_over_samples_with_their_reach():
    ax = plot_lyapunov(EXPONENTS)
    (bars,) = ax.containers
    line, _, (reach,) = bars.lines
    np.testing.assert_allclose(line.get_ydata(), [-0.2, -0.6])
    np.testing.assert_allclose([part[:, 1] for part in reach.get_segments()], [[-0.3, -0.1], [-0.7, -0.5]])
    assert legend_of(ax) == ["l0 dies within 5 steps"]


def test_of_several_layers_the_exponents_stand_beside_each_other():
    growing = Lyapunov("l1", np.array([[0.1, -0.1]]), np.array([np.inf]))
    ax = plot_lyapunov([EXPONENTS, growing])
    assert legend_of(ax) == ["l0 dies within 5 steps", "l1 does not die"]
    first, second = (bars.lines[0].get_xdata() for bars in ax.containers)
    assert (first < second).all()


@pytest.mark.parametrize(
    ("plot", "measured"),
    [
        (plot_gradient_flow, FLOW),
        (plot_depth, depths()),
        (plot_itemised, MATRIX),
        (plot_growth, GROWTH),
        (plot_lyapunov, EXPONENTS),
    ],
)
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, measured, tmp_path):
    assert_drawn_where_it_is_told(plot, measured, tmp_path)
