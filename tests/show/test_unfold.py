"""The picture of an unfolded cell shows the numbers of the cell, all of them and no others."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

import recuerdo as rc
from recuerdo.errors import OptionError, OutputError
from recuerdo.memory import unfold
from recuerdo.show import plot_unfolded, save_unfolded
from recuerdo.show.unfold import GATE, WIDE

LAYERS = {
    "frnn": lambda **options: rc.nn.FRNN(1, 3, **options),
    "indrnn": lambda **options: rc.nn.IndRNN(1, 3, nonlinearity="tanh", **options),
    "lstm": lambda **options: rc.nn.LSTM(1, 3, **options),
    "gru": lambda **options: rc.nn.GRU(1, 3, **options),
    "gru_reset_before": lambda **options: rc.nn.GRU(1, 3, reset_after=False, **options),
}


def unfolded(cell="lstm", t=3, features=1, layer=0, **options):
    torch.manual_seed(0)
    module = LAYERS[cell](**options) if features == 1 else rc.nn.LSTM(features, 3)
    return unfold(module, torch.randn(1, 8, features), t, layer=layer)


def written(value):
    return f"{value:z.2f}".replace("-", "−")


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def key(ax):
    (text,) = [each for each in words(ax) if "the glass" in each.lower()]
    return text.replace("\n", " ")


def glasses(ax):
    """The filled part of each glass: what is neither the paper behind it nor the outline around it."""
    return [
        patch
        for patch in ax.patches
        if isinstance(patch, Rectangle) and patch.get_fill() and patch.get_facecolor()[:3] != (1, 1, 1)
    ]


@pytest.mark.parametrize(
    "options", [{}, {"layer_norm": True, "zoneout": 0.2, "recurrent_dropout": 0.2}], ids=["", "all"]
)
@pytest.mark.parametrize("cell", LAYERS)
def test_every_state_input_and_gate_is_written(cell, options):
    one = unfolded(cell, **options)
    shown = words(one.plot())
    for step in one.steps:
        assert f"t = {step.t}" in shown
        assert f"$x_{{{step.t}}}$ = {written(step.x[0])}" in shown
        assert f"$y_{{{step.t}}}=h_{{{step.t}}}$ = {written(step['h_t'])}" in shown
        for state in one.cell.states:
            assert f"${state}_{{{step.t}}}$" in shown
            assert written(step[f"{state}_t"]) in shown
        for gate in one.cell.gates:
            assert shown.count(gate) == len(one.steps)
            assert written(step[gate]) in shown


def test_what_is_kept_and_what_is_added_is_written_above_its_sign():
    one = unfolded("lstm")
    texts = {text.get_text(): text.get_position() for text in one.plot().texts}
    for step in one.steps:
        kept, added = f"kept\n{written(step['f * c_{t-1}'])}", f"added\n{written(step['i * g'])}"
        assert texts[kept][0] < texts[added][0]
    shown = words(unfolded("gru").plot())
    step = unfolded("gru").steps[0]
    assert {f"kept\n{written(step['z * h_{t-1}'])}", f"added\n{written(step['(1 - z) * n'])}"} <= set(shown)


def test_a_cell_without_gates_shows_its_sum():
    one = unfolded("frnn")
    shown = words(one.plot())
    for step in one.steps:
        assert f"tanh({written(step['a'])})" in shown
        assert f"input {written(step['Wx'])}" in shown
        assert f"past\n{written(step['Uh'])}" in shown


@pytest.mark.parametrize("layer", [0, 1], ids=["forwards", "reverse"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before"])
def test_a_glass_is_filled_to_its_value(cell, layer):
    one = unfolded(cell, layer=layer, bidirectional=True)
    bars = iter(glasses(one.plot()))
    _, height, bottom = GATE
    order = sorted(one.cell.gates, key=lambda gate: gate != one.cell.forgets)
    for step in one.steps:
        for gate in order:
            bar = next(bars)
            signed = gate in one.cell.candidates
            assert bar.get_height() == pytest.approx(step[gate] * (height / 2 if signed else height))
            assert bar.get_y() == pytest.approx(bottom + (height / 2 if signed else 0))
    assert next(bars, None) is None


def test_a_value_beyond_one_fills_its_glass_and_no_more():
    layer = rc.nn.FRNN(1, 1, nonlinearity="linear")
    ax = unfold(layer, torch.full((1, 1, 1), 1000.0), 0).plot()
    (bar,) = glasses(ax)
    assert abs(bar.get_height()) == GATE[1] / 2
    assert "Where h lies beyond, the glass is full, and the number says how far." in key(ax)
    assert "Where h lies beyond" not in key(unfolded("frnn").plot())


def test_colours_differ_in_grey_from_the_paper_and_leave_the_number_legible():
    for bar in glasses(unfolded("lstm").plot()):
        red, green, blue = bar.get_facecolor()[:3]
        grey = 0.299 * red + 0.587 * green + 0.114 * blue
        assert 0.6 < grey < 0.85


def test_the_step_that_was_asked_for_stands_out():
    ax = unfolded(t=3).plot()
    widths = [patch.get_linewidth() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert [width == max(widths) for width in widths] == [False, False, True, False, False]
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == ["t = 3"]


@pytest.mark.parametrize(("layer", "sign"), [(0, 1), (1, -1)])
def test_the_states_are_handed_on_in_the_order_of_running(layer, sign):
    ax = unfolded(layer=layer, bidirectional=True).plot()
    across = [text for text in ax.texts if not text.get_text() and text.xy[1] == text.xyann[1]]
    assert len(across) == 2 * 6  # h and c, into the first cell and out of each
    assert all((text.xy[0] - text.xyann[0]) * sign > 0 for text in across)


def test_many_features_are_counted_rather_than_written():
    assert "$x_{3}$ (7 numbers)" in words(unfolded(features=7).plot())


def test_it_draws_where_it_is_told_to():
    ax = Figure().subplots()
    assert plot_unfolded(unfolded(), ax=ax) is ax


def test_zoneout_is_named():
    assert unfolded(zoneout=0.3).plot().get_title(loc="left") == "lstm l0, unit 0, sample 0, with zoneout"


@pytest.mark.parametrize(("cell", "layer"), [("frnn", 1), ("lstm", 0), ("lstm", 1), ("gru", 0)])
def test_no_words_lie_on_one_another(cell, layer):
    figure = Figure(figsize=(0.72 * (5 * (WIDE + 1.15) + 1.15), 4.3), layout="constrained")
    ax = plot_unfolded(unfolded(cell, layer=layer, bidirectional=True), ax=figure.subplots())
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in ax.texts if text.get_text()]
    for index, (word, box) in enumerate(boxes):
        over = [other for other, there in boxes[index + 1 :] if box.overlaps(there)]
        assert not over, f"{word!r} lies on {over}"


def test_the_svg_is_a_picture_and_the_same_each_time(tmp_path):
    one = unfolded()
    first, second = one.to_svg(tmp_path / "first.svg"), save_unfolded(one, str(tmp_path / "second.svg"))
    assert ET.parse(first).getroot().tag.endswith("svg")
    assert first.read_bytes() == second.read_bytes()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"A picture ends in \.svg, and cell\.png does not: change"):
        unfolded().to_svg(tmp_path / "cell.png")


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OutputError, match=r"The picture cannot be written to .*no_folder.*: No such file"):
        unfolded().to_svg(tmp_path / "no_folder" / "cell.svg")


def test_the_picture_in_the_documentation_is_the_one_that_its_page_draws(tmp_path, monkeypatch):
    docs = Path(__file__).resolve().parents[2] / "docs"
    program: dict = {"__name__": "draw_pages"}
    exec((docs / "pictures" / "draw_pages.py").read_text(encoding="utf-8"), program)
    program["main"](docs / "inside-an-lstm.md", tmp_path)
    drawn, kept = (
        re.findall("<!-- (.*?) -->", (folder / "inside_lstm.svg").read_text(encoding="utf-8"), re.DOTALL)
        for folder in (tmp_path, docs / "pictures")
    )
    assert drawn == kept, "run python docs/pictures/draw_pages.py"
    assert len(drawn) > 50
