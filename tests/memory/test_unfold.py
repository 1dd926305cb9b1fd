"""The unfolded cell: its lines are the cell's equations, their numbers are those that were computed."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.cells import ACTIVATIONS, CELLS, CellSpec
from recuerdo.errors import OptionError
from recuerdo.memory import unfold
from recuerdo.nn import RecurrentLayer

N, T, D, H = 2, 6, 2, 3

LAYERS = {
    "frnn": rc.nn.FRNN,
    "indrnn": lambda *sizes, **options: rc.nn.IndRNN(*sizes, nonlinearity="tanh", **options),
    "lstm": rc.nn.LSTM,
    "gru": rc.nn.GRU,
    "gru_reset_before": lambda *sizes, **options: rc.nn.GRU(*sizes, reset_after=False, **options),
}

OPTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "two layers, two directions": {"num_layers": 2, "bidirectional": True},
    "layer norm": {"layer_norm": True},
    "layer norm, no bias": {"layer_norm": True, "bias": False},
    "zoneout": {"zoneout": 0.4},
    "recurrent dropout": {"recurrent_dropout": 0.4},
    "all": {
        "layer_norm": True,
        "zoneout": 0.3,
        "recurrent_dropout": 0.3,
        "bidirectional": True,
        "learn_state": True,
    },
}

KEPT = {"tanh": math.tanh, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}


def made(cell, seed=0, **options):
    """A layer with every parameter drawn anew, so that no gain is 1 and no bias is 0."""
    generator = torch.Generator().manual_seed(seed)
    layer = LAYERS[cell](D, H, **options)
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.7
    return layer


def inputs(seed=1):
    return torch.randn(N, T, D, generator=torch.Generator().manual_seed(seed))


def seeded(call):
    """Masks of a layer in training are drawn when it is called: the same in every call."""
    torch.manual_seed(7)
    return call()


def all_steps(module, x, **where):
    return seeded(lambda: unfold(module, x, 0, around=T, **where))


# Only these two draw masks in training, so that training differs from evaluation.
CASES = [
    pytest.param(options, training, id=f"{name}, {'training' if training else 'evaluation'}")
    for name, options in OPTIONS.items()
    for training in ([True, False] if {"zoneout", "recurrent_dropout"} & options.keys() else [False])
]


@pytest.mark.parametrize(("options", "training"), CASES)
@pytest.mark.parametrize("cell", LAYERS)
def test_the_lines_come_to_the_states_and_gates_of_the_layer(cell, options, training):
    layer, x = made(cell, **options).train(training), inputs()
    with torch.no_grad():
        trace = seeded(lambda: layer(x, trace=True))[2]
    for k in range(layer.num_layers * layer.directions):
        for step in all_steps(layer, x, layer=k, sample=1, unit=2).steps:
            for name, values in {**trace.gates, **trace.states}.items():
                line = f"{name}_t" if name in trace.states else name
                assert step[line] == pytest.approx(float(values[k][1, step.t, 2]), abs=1e-6)


@pytest.mark.parametrize(("options", "training"), CASES)
@pytest.mark.parametrize("cell", LAYERS)
def test_the_numbers_of_a_line_come_to_its_value(cell, options, training):
    layer = made(cell, **options).train(training)
    for step in all_steps(layer, inputs(), unit=1).steps:
        for line in step.lines:
            computed = eval(line.written(None), {"__builtins__": {}}, KEPT)
            assert computed == pytest.approx(line.value, rel=1e-9, abs=1e-12), line


@pytest.mark.parametrize("options", [OPTIONS["plain"], OPTIONS["two layers, two directions"]], ids=["plain", "reverse"])
@pytest.mark.parametrize("cell", LAYERS)
def test_the_values_of_lines_come_to_the_value_of_a_line_that_names_them(cell, options):
    layer = made(cell, **options)
    unfolded = all_steps(layer, inputs(), layer=layer.directions - 1)
    sign = "+" if unfolded.reverse else "-"
    named = 0
    for step in unfolded.steps:
        known = {f"{state}_{{t{sign}1}}": value for state, value in step.before.items()}
        for line in step.lines:
            if not re.search(r"[WUu][ _]", line.formula):  # the sums over x and h have their own test
                names = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
                words = re.sub(rf"(?<!\w)({names})(?!\w)", lambda m, known=known: f"({known[m[0]]!r})", line.formula)
                assert eval(words, {"__builtins__": {}}, KEPT) == pytest.approx(line.value, rel=1e-9), line
                named += 1
            if line.name != line.formula:
                known[line.name] = line.value
    assert named >= 2 * T


@pytest.mark.parametrize("cell", LAYERS)
def test_the_input_and_recurrent_parts_are_rows_of_the_weights(cell):
    layer, x = made(cell), inputs()
    unit, sample = 2, 1
    blocks = [f"_{gate}" for gate in layer.cell.gates] or [""]
    output = layer(x)[0].detach().double().numpy()
    W, U = (getattr(layer, f"weight_{half}_l0").detach().double().numpy() for half in ("ih", "hh"))
    b = layer.bias_ih_l0.detach().double().numpy()
    for step in all_steps(layer, x, sample=sample, unit=unit).steps[1:]:
        given, before = x[sample, step.t].double().numpy(), output[sample, step.t - 1]
        for k, name in enumerate(blocks):
            row = k * H + unit
            assert step[f"Wx{name}"] == pytest.approx(W[row] @ given + b[row])
            if cell == "indrnn":
                assert step["Uh"] == pytest.approx(U[row] * before[unit], abs=1e-6)
            elif cell != "gru_reset_before" or name != "_n":
                bias = float(layer.bias_hh_l0[row].detach())
                assert step[f"Uh{name}"] == pytest.approx(U[row] @ before + bias, abs=1e-6)


def test_a_sum_holds_every_product_and_the_bias():
    layer = made("lstm")
    (line,) = [line for line in unfold(layer, inputs(), 3, around=0).steps[0].lines if line.name == "Uh_f"]
    assert line.formula == "U_f h_{t-1} + b_hh"
    assert [piece for piece in line.pieces if piece == " * "] == [" * "] * H
    np.testing.assert_allclose(line.pieces[0::4][:H], layer.weight_hh_l0[H].detach().numpy())
    assert line.pieces[-1] == pytest.approx(float(layer.bias_hh_l0[H].detach()))


def constant_lstm():
    """One unit whose gates do not look at anything: i, f, g, o are functions of their biases alone."""
    layer = rc.nn.LSTM(1, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    layer.bias_ih_l0.data.copy_(torch.tensor([0.5, 2.0, 1.0, -0.5]))
    return layer


def test_an_lstm_with_constant_gates_is_a_geometric_sum():
    i, f, o = (1 / (1 + math.exp(-b)) for b in (0.5, 2.0, -0.5))
    g = math.tanh(1.0)
    for step in unfold(constant_lstm(), np.zeros((1, 5, 1)), 2).steps:
        c = i * g * (1 - f ** (step.t + 1)) / (1 - f)
        assert step["c_t"] == pytest.approx(c, abs=1e-6)
        assert step["h_t"] == pytest.approx(o * math.tanh(c), abs=1e-6)
        assert step["i * g"] == pytest.approx(i * g)


def test_the_formulas_are_those_of_the_cells_docstrings():
    def formulas(cell):
        (step,) = unfold(made(cell), inputs(), 2, around=0).steps
        return {line.name: line.formula for line in step.lines}

    assert (
        formulas("lstm").items()
        >= {
            "f": "sigmoid(a_f)",
            "a_f": "Wx_f + Uh_f",
            "g": "tanh(a_g)",
            "c_t": "f * c_{t-1} + i * g",
            "h_t": "o * tanh(c_t)",
        }.items()
    )
    assert formulas("gru").items() >= {"a_n": "Wx_n + r * Uh_n", "h_t": "(1 - z) * n + z * h_{t-1}"}.items()
    assert formulas("gru_reset_before")["Uh_n"] == "U_n (r * h_{t-1}) + b_hh"
    assert formulas("frnn") == {
        "Wx": "W x_t + b_ih",
        "Uh": "U h_{t-1} + b_hh",
        "a": "Wx + Uh",
        "h_t": "tanh(a)",
    }
    assert formulas("indrnn")["Uh"] == "u * h_{t-1}"


@pytest.mark.parametrize("option", ["zoneout", "recurrent_dropout", "layer_norm"])
def test_an_option_adds_its_lines(option):
    def names(**options):
        (step,) = unfold(made("lstm", **options), inputs(), 2, around=0).steps
        return {line.name for line in step.lines}

    added = {
        "zoneout": {"c_new", "h_new"},
        "recurrent_dropout": {"h_{t-1} * m"},
        "layer_norm": {"norm_c", *(f"raw {half}_{gate}" for half in ("Wx", "Uh") for gate in "ifgo")},
    }
    value = True if option == "layer_norm" else 0.5
    assert names(**{option: value}) - names() == added[option]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_written_by_its_name(name):
    layer = rc.nn.FRNN(D, H, nonlinearity=name)
    (step,) = unfold(layer, inputs(), 1, around=0).steps
    last = step.lines[-1]
    assert last.formula == ("Wx + Uh" if name == "linear" else f"{name}(a)")
    assert last.value == pytest.approx(float(layer(inputs())[0][0, 1, 0].detach()), abs=1e-6)


def test_a_new_cell_is_written_out_as_soon_as_it_runs():
    def step(wx, state, recurrent):
        """The minimal gated unit: one gate keeps and lets in."""
        (h,) = state
        f, n = (wx + recurrent(h)).unbind(-2)
        f, n = f.sigmoid(), n.tanh()
        return (f * h + (1 - f) * n,), (f, n)

    cell = CellSpec("minimal", step, ("f", "n"), ("h",), "a test", forgets="f", candidates=("n",))
    layer, x = RecurrentLayer(cell, D, H), inputs()
    unfolded = unfold(layer, x, 3)
    assert unfolded.steps[0].lines[-1].formula == "f * h_{t-1} + (1 - f) * n"
    for step_ in unfolded.steps:
        assert step_["h_t"] == pytest.approx(float(layer(x)[0][0, step_.t, 0].detach()), abs=1e-6)
    assert "  f           = sigmoid(a_f)" in unfolded.text()
    assert "f" in [text.get_text() for text in unfolded.plot().texts]


@pytest.mark.parametrize(("t", "steps"), [(0, [0, 1, 2]), (3, [1, 2, 3, 4, 5]), (5, [3, 4, 5])])
def test_the_steps_around_end_where_the_sequence_ends(t, steps):
    unfolded = unfold(made("gru"), inputs(), t)
    assert [step.t for step in unfolded.steps] == steps
    assert unfolded[t].t == t


def test_a_step_begins_with_the_state_that_the_step_before_left():
    steps = unfold(made("lstm"), inputs(), 3).steps
    for before, after in pairwise(steps):
        for state in ("h", "c"):
            assert after.before[state] == pytest.approx(before[f"{state}_t"], abs=1e-6)


def test_in_reverse_the_state_before_is_that_of_the_step_after():
    steps = unfold(made("lstm", bidirectional=True), inputs(), 3, layer=1).steps
    for before, after in pairwise(steps):
        assert before.before["c"] == pytest.approx(after["c_t"], abs=1e-6)
    assert "f * c_{t+1}" in [line.name for line in steps[0].lines]


@pytest.mark.parametrize("learn_state", [False, True])
def test_where_a_sequence_begins_the_state_is_its_start(learn_state):
    layer = made("lstm", learn_state=learn_state)
    reset = torch.zeros(N, T, dtype=torch.bool)
    reset[0, 3] = True
    unfolded = unfold(layer, {"x": inputs(), "reset": reset}, 3)
    assert [step.restarted for step in unfolded.steps] == [False, False, True, False, False]
    start = float(layer.initial_c_l0[0].detach()) if learn_state else 0
    assert unfolded[3].before["c"] == pytest.approx(start)
    alone = layer(inputs()[:, 3:])[0]
    assert unfolded[3]["h_t"] == pytest.approx(float(alone[0, 0, 0].detach()), abs=1e-6)
    assert "a new sequence begins here" in unfolded.text()


def test_a_padded_sample_has_its_own_steps_only():
    given = {"x": inputs(), "lengths": [6, 4]}
    assert [step.t for step in unfold(made("gru"), given, 3, sample=1).steps] == [1, 2, 3]
    with pytest.raises(
        OptionError, match=r"t=4 is out of range, because sample 1 has 4 time steps in layer l0: choose"
    ):
        unfold(made("gru"), given, 4, sample=1)


def test_a_sample_without_steps_is_refused():
    with pytest.raises(
        OptionError, match=r"t=0 is out of range, because sample 1 has 0 time steps in .*another sample"
    ):
        unfold(made("gru"), {"x": inputs(), "lengths": [6, 0]}, 0, sample=1)


class Tagger(nn.Module):
    """Someone's own module: token ids in, one number for each out."""

    def __init__(self, layer):
        super().__init__()
        self.embedding, self.layer, self.head = nn.Embedding(10, D), layer, nn.Linear(H, 1)

    def forward(self, tokens):
        return self.head(self.layer(self.embedding(tokens))[0])


@pytest.mark.parametrize("layer", [rc.nn.LSTM(D, H), nn.LSTM(D, H, batch_first=True)], ids=["recuerdo", "torch"])
def test_a_layer_inside_a_module_is_found(layer):
    module, tokens = Tagger(layer), np.array([[1, 2, 3, 4]])
    unfolded = unfold(module, tokens, 2, unit=1)
    assert unfolded.layer.endswith("l0")
    h = layer(module.embedding(torch.as_tensor(tokens)))[0]
    assert unfolded[2]["h_t"] == pytest.approx(float(h[0, 2, 1].detach()), abs=1e-6)
    assert unfolded[2].x == pytest.approx(module.embedding.weight[3].tolist())


def test_the_model_is_left_as_it_was():
    layer = made("lstm")
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    unfold(layer, inputs(), 2)
    assert layer.training
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())


def test_the_table_has_a_row_for_each_line():
    unfolded = unfold(made("lstm"), inputs(), 2)
    frame = unfolded.to_frame()
    assert frame.columns == ["step", "name", "formula", "value"]
    assert frame.height == sum(len(step.lines) for step in unfolded.steps)
    picked = frame.row(by_predicate=(pl.col("step") == 3) & (pl.col("name") == "c_t"), named=True)
    assert picked == {"step": 3, "name": "c_t", "formula": "f * c_{t-1} + i * g", "value": unfolded[3]["c_t"]}


def test_the_text_of_a_step_reads_from_top_to_bottom():
    text = unfold(constant_lstm(), np.ones((1, 3, 1)), 1, around=0).text(80)
    assert text == TEXT, text


TEXT = """\
lstm l0, unit 0, sample 0
step 1; numbers to three decimals

            t        1
          x_t    1.000
            f    0.881
  f * c_{t-1}    0.418
            i    0.622
            g    0.762
        i * g    0.474
          c_t    0.892
            o    0.378
          h_t    0.269

t = 1
  comes in: x_{1} = 1
  from before: h_{0} = 0.167, c_{0} = 0.474
  forget gate f: how much of the old c is kept (0 nothing, 1 all of it)
    Wx_f        = W_f x_t + b_ih      = 0 * 1 + 2                     =    2.000
    Uh_f        = U_f h_{t-1} + b_hh  = 0 * 0.167 + 0                 =    0.000
    a_f         = Wx_f + Uh_f         = 2 + 0                         =    2.000
    f           = sigmoid(a_f)        = sigmoid(2)                    =    0.881
  so this much of the old c is kept
    f * c_{t-1}                       = 0.881 * 0.474                 =    0.418
  input gate i: how much of the candidate is let in
    Wx_i        = W_i x_t + b_ih      = 0 * 1 + 0.5                   =    0.500
    Uh_i        = U_i h_{t-1} + b_hh  = 0 * 0.167 + 0                 =    0.000
    a_i         = Wx_i + Uh_i         = 0.5 + 0                       =    0.500
    i           = sigmoid(a_i)        = sigmoid(0.5)                  =    0.622
  candidate g: what this input proposes to write
    Wx_g        = W_g x_t + b_ih      = 0 * 1 + 1                     =    1.000
    Uh_g        = U_g h_{t-1} + b_hh  = 0 * 0.167 + 0                 =    0.000
    a_g         = Wx_g + Uh_g         = 1 + 0                         =    1.000
    g           = tanh(a_g)           = tanh(1)                       =    0.762
  so this is what this input adds
    i * g                             = 0.622 * 0.762                 =    0.474
  cell state c: what was kept, and what was added
    c_t         = f * c_{t-1} + i * g = 0.881 * 0.474 + 0.622 * 0.762 =    0.892
  output gate o: how much of c is shown
    Wx_o        = W_o x_t + b_ih      = 0 * 1 + (-0.5)                =   -0.500
    Uh_o        = U_o h_{t-1} + b_hh  = 0 * 0.167 + 0                 =    0.000
    a_o         = Wx_o + Uh_o         = -0.5 + 0                      =   -0.500
    o           = sigmoid(a_o)        = sigmoid(-0.5)                 =    0.378
  hidden state h, the unit's output: what is shown of c
    h_t         = o * tanh(c_t)       = 0.378 * tanh(0.892)           =    0.269"""


@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("hidden", [2, 40])
@pytest.mark.parametrize("cell", LAYERS)
def test_no_row_is_wider_than_the_terminal(cell, hidden, width):
    options = {"layer_norm": True, "recurrent_dropout": 0.2, "zoneout": 0.2, "bidirectional": True}
    for extra in ({}, options):
        unfolded = unfold(LAYERS[cell](3, hidden, **extra), torch.randn(1, 4, 3), 1, layer=len(extra) and 1)
        rows = unfolded.text(width).splitlines()
        assert max(map(len, rows)) <= width
        for line in unfolded[1].lines:
            assert any(row.strip().startswith(line.name) for row in rows)


def test_a_long_sum_says_how_much_is_left_out():
    text = unfold(rc.nn.LSTM(1, 40), torch.randn(1, 4, 1), 1, around=0).text(100)
    row = next(row for row in text.splitlines() if row.strip().startswith("Uh_f"))
    shown, more = row.count(" * "), int(re.search(r"\+ \.\.\. (\d+) more", row)[1])
    assert shown + more == 40 + 1  # forty products and the bias


def test_an_exact_number_is_short_and_a_tiny_one_is_no_zero():
    layer = rc.nn.FRNN(1, 1, nonlinearity="linear", bias=False)
    layer.weight_ih_l0.data.fill_(1e-5)
    layer.weight_hh_l0.data.fill_(0.5)
    (line, *_) = unfold(layer, np.full((1, 2, 1), 2.0), 0, around=0).steps[0].lines
    assert line.numbers == "1.0e-05 * 2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t": 6}, r"t=6 is out of range, because sample 0 has 6 time steps in layer l0: choose t from 0 to 5\."),
        ({"t": -1}, r"t=-1 is out of range"),
        ({"t": "2"}, r"t='2' is no whole number; sample 0 has 6 time steps in layer l0: choose t from 0 to 5\."),
        ({"t": 2.0}, r"t=2\.0 is no whole number"),
        ({"t": 0, "layer": "l1"}, r"layer='l1' did not run; what ran is l0: choose one of these\."),
        ({"t": 0, "unit": 3}, r"unit=3 is out of range, because layer l0 has 3 units: choose unit from 0 to 2\."),
        ({"t": 0, "sample": 2}, r"sample=2 is out of range, because the batch has 2 samples: choose sample from 0"),
        (
            {"t": 0, "layer": 1},
            r"layer=1 is out of range, because what ran is l0: choose layer 0\.",
        ),
        ({"t": 0, "around": -1}, r"around=-1: it counts the steps on either side, so it has to be 0 or more\."),
    ],
)
def test_what_is_out_of_range_is_said(arguments, message):
    with pytest.raises(OptionError, match=message):
        unfold(made("lstm"), inputs(), **arguments)


def test_a_layer_can_be_asked_for_by_its_name():
    layer = made("gru", num_layers=2, bidirectional=True)
    assert str(unfold(layer, inputs(), 2, layer="l1_reverse")) == str(unfold(layer, inputs(), 2, layer=3))


def test_a_time_first_layer_is_given_samples_first_as_in_an_audit():
    torch.manual_seed(0)
    theirs = nn.GRU(D, H)
    samples_first = nn.GRU(D, H, batch_first=True)
    samples_first.load_state_dict(theirs.state_dict())
    assert str(unfold(theirs, inputs(), 5, sample=1)) == str(unfold(samples_first, inputs(), 5, sample=1))
    turned = {"input": inputs().transpose(0, 1)}  # by name, as the layer takes it itself
    assert str(unfold(theirs, turned, 5, sample=1)) == str(unfold(samples_first, inputs(), 5, sample=1))


def test_a_keras_layer_is_written_out():
    keras = pytest.importorskip("keras", reason="keras is not installed")
    layer = keras.layers.GRU(H)
    y = np.asarray(keras.ops.convert_to_numpy(layer(inputs().numpy())))
    assert unfold(layer, inputs(), T - 1, sample=1, unit=2)[T - 1]["h_t"] == pytest.approx(y[1, 2], abs=1e-6)


def test_an_estimator_and_a_problem_bring_their_data():
    table = rc.data.air_passengers()
    model = rc.Forecaster(12, max_steps=2, random_state=0, baselines=None, verbose=False).fit(table)
    problem = model.as_problem(table)
    expected = str(unfold(problem.module, next(iter(model.as_problem(table).batches)).inputs, 3))
    assert str(unfold(model, table, 3)) == expected
    assert str(unfold(problem, None, 3)) == expected


def test_steps_are_written_out_inside_of_inference_mode():
    layer = made("lstm")
    with torch.inference_mode():
        found = unfold(made("lstm"), inputs(), 2)
    assert str(found) == str(unfold(layer, inputs(), 2))


def test_a_module_without_recurrence_is_refused():
    with pytest.raises(OptionError, match="Nothing recurrent ran in this Linear"):
        unfold(nn.Linear(D, H), inputs(), 0)


def test_a_narrow_terminal_is_refused():
    with pytest.raises(OptionError, match="width=40: a line of the cell needs 80 columns or more"):
        unfold(made("lstm"), inputs(), 0).text(40)


def test_a_line_or_step_that_is_not_there_names_those_that_are():
    unfolded = unfold(made("frnn"), inputs(), 1, around=0)
    with pytest.raises(KeyError, match="there are Wx, Uh, a, h_t"):
        _ = unfolded[1]["f"]
    with pytest.raises(KeyError, match="steps 1 to 1 were unfolded"):
        _ = unfolded[0]


def test_every_cell_has_its_words():
    for name in CELLS:
        (step,) = unfold(made(name), inputs(), 1, around=0).steps
        text = unfold(made(name), inputs(), 1, around=0).text()
        for gate in step.lines:
            if gate.name in CELLS[name].gates or gate.name.endswith("_t"):
                assert re.search(rf"(gate|candidate|state) {gate.name.removesuffix('_t')}\b", text), gate.name
