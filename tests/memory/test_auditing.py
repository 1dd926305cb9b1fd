"""One audit for everyone's model: the same numbers whether torch.nn, Keras or recuerdo holds the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import recuerdo as rc
from recuerdo.errors import ConversionError, DataError, OptionError, ShapeError
from recuerdo.learn import ArrayBatches, Problem
from recuerdo.memory import Audit, audit

N, T, D, H = 5, 30, 3, 8


@pytest.fixture
def theirs() -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(D, H, batch_first=True)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(N, T, D, generator=torch.Generator().manual_seed(1))


def assert_same(one: Audit, other: Audit, tolerance: float, *, recall: bool = True) -> None:
    for mine, yours in zip(one.gradient_flow, other.gradient_flow, strict=True):
        for part in ("total", "direct", "recurrent"):
            a, b = getattr(mine, part), getattr(yours, part)
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * mine.total.max(), err_msg=part)
    for mine, yours in zip(one.gates, other.gates, strict=True):
        for gate in mine.activity:
            np.testing.assert_allclose(mine.activity[gate], yours.activity[gate], atol=tolerance)
        np.testing.assert_allclose(mine.time_constants, yours.time_constants, rtol=tolerance)
    for mine, yours in zip(one.growth, other.growth, strict=True):
        np.testing.assert_allclose(mine.largest, yours.largest, rtol=1e-3)
    for mine, yours in zip(one.lyapunov, other.lyapunov, strict=True):
        np.testing.assert_allclose(mine.exponents, yours.exponents, atol=1e-4)
    for mine, yours in zip(one.itemised, other.itemised, strict=True):
        np.testing.assert_array_equal(mine.losses, yours.losses)
        np.testing.assert_allclose(mine.norms, yours.norms, rtol=0, atol=tolerance * mine.norms.max())
    np.testing.assert_allclose(one.depth.outputs, other.depth.outputs, rtol=10 * tolerance)
    for mine, yours in zip(one.recall if recall else (), other.recall if recall else (), strict=True):
        np.testing.assert_array_equal(mine.lags, yours.lags)
        np.testing.assert_allclose(mine.found, yours.found, atol=1e-3)
        np.testing.assert_allclose(mine.baseline, yours.baseline, atol=1e-3)
    for part in ("lags", "changes", "gradients", "exchanges"):
        a, b = getattr(one.horizon, part), getattr(other.horizon, part)
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3, err_msg=part)
    for part in (*["held"] * recall, "trainable", "used", "steps", "gated"):
        assert getattr(one.reach, part) == getattr(other.reach, part), part
    np.testing.assert_allclose(one.reach.promised, other.reach.promised, rtol=1e-3)


def test_torch_and_recuerdo_give_the_same_audit(theirs, x):
    assert_same(audit(theirs, x), audit(rc.convert.from_torch(theirs), x), 1e-7)


def test_keras_and_torch_give_the_same_audit(theirs, x):
    keras = pytest.importorskip("keras", reason="keras is not installed")
    layer = keras.layers.LSTM(H)
    layer.build((None, T, D))
    bias = (theirs.bias_ih_l0 + theirs.bias_hh_l0).detach().numpy()
    layer.set_weights([theirs.weight_ih_l0.detach().numpy().T, theirs.weight_hh_l0.detach().numpy().T, bias])
    assert_same(audit(theirs, x), audit(layer, x), 1e-5)


def test_time_first_layers_are_given_samples_first_like_all_others(theirs, x):
    time_first = nn.LSTM(D, H)
    time_first.load_state_dict(theirs.state_dict())
    assert_same(audit(theirs, x), audit(time_first, x), 1e-7)
    assert not time_first.batch_first


class Tagger(nn.Module):
    """Somebody's module, with layers that are packed, stacked, and called on one sequence alone."""

    def __init__(self) -> None:
        super().__init__()
        self.below = nn.GRU(D, H, num_layers=2, bidirectional=True, batch_first=True)
        self.above = nn.Sequential(nn.Linear(2 * H, H), nn.Tanh())
        self.rnn = nn.RNN(H, H)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([T, T, 7, 3, 1]), batch_first=True)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.below(packed)[0], batch_first=True)
        return self.rnn(self.above(y[0]))[0]  # the first sample alone: (T, H)


def test_layers_inside_a_module_are_found_and_named_as_their_owner_named_them(x):
    module = Tagger().train()
    found = audit(module, x, loss=lambda y: y[-1].sum())
    names = ["below.l0", "below.l0_reverse", "below.l1", "below.l1_reverse", "rnn.l0"]
    assert [each.name for each in found.gradient_flow] == names
    assert [type(part) for part in module.children()] == [nn.GRU, nn.Sequential, nn.RNN]
    assert module.training
    assert [each.name for each in found.growth] == [each.name for each in found.lyapunov] == ["rnn.l0"]
    assert found.notes[1] == (
        "growth and Lyapunov exponents of below.l0, below.l0_reverse, below.l1 and 1 more were left out: samples with "
        "lengths of their own end before the batch does"
    )
    assert "rnn.l0" in found.plot("growth").get_title(loc="left")
    with pytest.raises(OptionError, match=r"There is nothing to draw of below\.l0: the itemised flow was left out"):
        found.plot("growth", which=0)


def test_the_direct_part_is_what_torch_calls_the_gradient_of_the_output(theirs, x):
    output, _ = theirs(x)
    output.retain_grad()
    output.pow(2).sum(dim=(1, 2)).mean().backward()
    found = audit(theirs, x, loss=lambda y: y[0].pow(2).sum(dim=(1, 2)).mean())
    expected = (output.grad * N).norm(dim=-1).mean(dim=0)
    np.testing.assert_allclose(found.gradient_flow[0].direct, expected, rtol=1e-4)


def test_an_estimator_brings_its_own_loss():
    table = rc.data.air_passengers()
    model = rc.Forecaster(12, max_steps=5, random_state=0, baselines=None, verbose=False).fit(table)
    found = audit(model, table)
    assert found.loss == "the model's own loss"
    assert [each.name for each in found.gradient_flow] == ["core.encoder.l0"]
    with pytest.raises(OptionError, match="Forecaster has a loss of its own: leave loss= out"):
        audit(model, table, loss=lambda y: y.sum())


def test_without_a_loss_the_projection_is_said_to_be_one(theirs, x):
    assert audit(theirs, x).loss == "a random projection of the output at the last step (no loss was given)"
    assert_same(audit(theirs, x, seed=3), audit(theirs, x, seed=3), 0.0)


def test_the_model_is_left_as_it_was(theirs, x):
    before = {name: value.clone() for name, value in theirs.state_dict().items()}
    theirs.train()
    audit(theirs, x)
    assert theirs.training
    assert all(torch.equal(before[name], value) for name, value in theirs.state_dict().items())
    assert all(parameter.grad is None for parameter in theirs.parameters())


TABLES = {
    "gradient_flow": (["layer", "step", "total", "direct", "recurrent"], T),
    "itemised": (["layer", "loss", "step", "norm"], 24 * T),
    "depth": (["layer", "outputs", "weight_ih", "weight_hh"], 1),
    "gates": (["layer", "gate", "unit", "left", "right"], 3 * H),  # i, f, o: g is a candidate
    "activity": (["layer", "gate", "step", "mean"], 4 * T),
    "time_constants": (["layer", "unit", "steps"], H),
    "growth": (["layer", "lag", "largest", "typical"], 9),
    "lyapunov": (["layer", "sample", "order", "exponent", "memory"], 4 * 8),
}


def test_every_quantity_is_a_table(theirs, x):
    found = audit(theirs, x)
    for name, (columns, rows) in TABLES.items():
        table = found.to_frame(name)
        assert table.columns == columns
        assert table.height == rows, name
    assert found.to_frame("growth")["lag"].to_list()[-1] == T - 1
    with pytest.raises(OptionError, match="There is no table 'flow'; there are gradient_flow, itemised, depth"):
        found.to_frame("flow")


def test_every_quantity_is_a_picture(x):
    found = audit(rc.nn.LSTM(D, H, num_layers=2), x)
    assert found.pictures == ["gradient_flow", "itemised", "depth", "gates", "time_constants", "growth", "lyapunov"]
    for name in found.pictures:
        ax = Figure().subplots()
        assert found.plot(name, ax=ax) is ax
    assert "l1" in found.plot("growth", which=1).get_title(loc="left")
    with pytest.raises(OptionError, match="There is no picture 'flow'; there are gradient_flow, "):
        found.plot("flow")
    with pytest.raises(OptionError, match="which=1: this picture shows all layers and directions"):
        found.plot("depth", which=1)
    with pytest.raises(OptionError, match="which=2: the layers and directions are numbered, and there are 0 to 1"):
        found.plot("gates", which=2)
    by_name = found.plot("growth", which="l1", ax=Figure().subplots())
    assert "l1" in by_name.get_title(loc="left")
    with pytest.raises(OptionError, match=r"which='l2': the layers .* their names are l0, l1"):
        found.plot("gates", which="l2")


def test_what_was_not_measured_is_said_where_it_is_asked_for():
    found = audit(rc.nn.FRNN(1, 3), torch.randn(2, 2, 1), loss=lambda output: output[1].sum())
    assert found.pictures == ["gradient_flow"]
    assert found.notes[0] == "the itemised flow was left out: the loss does not read the module's first output"
    for ask in (found.to_frame, found.plot):
        with pytest.raises(OptionError, match="growth and Lyapunov exponents were left out: they need 3 time steps or"):
            ask("lyapunov")
    one = audit(rc.nn.Stack(rc.nn.FRNN(1, 3), nn.Linear(3, 1)), torch.randn(2, 5, 1))
    assert one.notes[0] == "the itemised flow was left out: the module answers with one number"
    assert one.notes[1].startswith("what the state holds was left out: a probe is fitted on some samples and judged on")
    assert one.recall == []
    alone = audit(rc.nn.FRNN(1, 3), torch.randn(1, 9, 1))
    assert alone.notes[-1].startswith("what answers use was left out: there is one sample, and another one's past")
    assert alone.horizon is None
    assert alone.reach.used is None


def test_without_a_loss_every_step_of_a_layer_is_itemised(theirs, x):
    found = audit(theirs, x)
    assert found.itemised[0].of == T
    assert found.notes == (
        f"the itemised flow holds 24 of the {T} steps that the loss reads",
        "growth and Lyapunov exponents are those of the first 4 samples",
    )


def test_the_summary_has_a_line_for_each_layer_and_gate(theirs, x):
    found = audit(theirs, x)
    first, _, *lines = str(found).splitlines()
    assert first == str(found.reach)
    assert lines[1].split("  ")[-1].strip() == "a change of the state"
    assert lines[2].startswith("l0 ")
    assert lines[2].endswith(" steps")
    assert [line.split()[1] for line in lines[5:8]] == ["i", "f", "o"]


class Unruly(nn.Module):
    """Its forward draws random numbers in evaluation too, so that no copy can be seen to compute the same."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(D, H, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x + torch.rand_like(x))[0]


def test_a_copy_that_computes_something_else_is_refused(x):
    with pytest.raises(ConversionError, match="A copy of this Unruly with recuerdo's layers computes something else"):
        audit(Unruly(), x)


@pytest.mark.parametrize(
    ("model", "data", "error", "words"),
    [
        (nn.Linear(D, H), torch.zeros(N, T, D), OptionError, "Nothing recurrent ran in this Linear"),
        ("a model", torch.zeros(N, T, D), OptionError, r"What can be looked into is .* got builtins\.str"),
        (nn.Flatten(), torch.zeros(N, T, D), OptionError, "Nothing recurrent ran in this Flatten"),
        (nn.LSTM, torch.zeros(N, T, D), OptionError, r"LSTM is a class: give a model of it, as LSTM\(\.\.\.\) makes"),
        (rc.nn.GRU(D, H), torch.zeros(N, T, D + 1), ShapeError, r"GRU expects \(samples, time steps, 3 features\)"),
    ],
)
def test_what_cannot_be_audited_is_said(model, data, error, words):
    with pytest.raises(error, match=words):
        audit(model, data)


def test_two_steps_are_too_few_for_growth():
    found = audit(rc.nn.GRU(D, H), torch.zeros(N, 2, D))
    assert found.growth == []
    assert "they need 3 time steps or more" in found.notes[0]


def test_a_picture_shows_what_was_measured(theirs, x):
    found = audit(theirs, x)
    drawn = found.plot("growth").get_lines()
    assert any(np.array_equal(line.get_ydata(), found.growth[0].largest) for line in drawn)
    assert found.plot("gates").child_axes
    ax = found.plot("gradient_flow")
    assert found.plot("gradient_flow", ax=ax) is ax
    with pytest.raises(OptionError, match="There is no picture 'flow'; there are gradient_flow, itemised"):
        found.plot("flow")
    with pytest.raises(OptionError, match="which=1: the layers and directions are numbered, and there are 0 to 0"):
        found.plot("growth", which=1)


def problem():
    torch.manual_seed(0)
    net = rc.nn.Stack(rc.nn.GRU(1, 4), nn.Linear(4, 2))
    x = torch.randn(20, 6, 1)
    batches = ArrayBatches({"x": x}, x[:, -2:, 0], batch_size=8, shuffle=True, seed=3)
    return Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())


def test_a_problem_brings_data_and_loss_and_its_place_in_them_is_kept():
    whole = problem()
    whole.module.train()
    place = whole.batches.state_dict()
    found = audit(whole)
    assert whole.batches.state_dict() == place
    assert whole.module.training
    batch = next(iter(problem().batches))
    given = audit(whole.module, dict(batch.inputs), loss=lambda y: (y - batch.target).square().mean())
    assert_same(found, given, 0.0, recall=False)  # for which the problem has more batches
    with pytest.raises(OptionError, match="Problem brings data of its own: leave them out"):
        audit(whole, torch.zeros(1, 6, 1))
    with pytest.raises(OptionError, match="Problem has a loss of its own: leave loss= out"):
        audit(whole, loss=lambda y: y.sum())


def test_probes_look_at_more_samples_than_the_rest_and_at_lags_up_to_the_end():
    x, lag = torch.randn(600, 12, 1), 11
    layer = rc.nn.FRNN(1, 12, nonlinearity="linear", bias=False)
    layer.weight_hh_l0.data.copy_(torch.diag(torch.ones(lag), -1))
    layer.weight_ih_l0.data.zero_()[0].fill_(1)
    found = audit(layer, x)
    assert found.recall[0].rows == 512 // 5 + 1
    assert found.recall[0].measured == found.reach.held == lag
    few = audit(layer, x[:32])
    assert few.recall[0].measured < lag
    batches = ArrayBatches({"x": x}, x[:, 0], batch_size=40, shuffle=False)
    next(iter(batches))
    place = batches.state_dict()
    of_problem = audit(Problem(Last(layer), batches, lambda y, batch: (y - batch.target).square().mean()))
    assert of_problem.recall[0].rows > 100
    assert of_problem.reach.held == lag
    assert batches.state_dict() == place


class Last(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1, -1:]


class Classes(Last):
    def forward(self, x):
        return self.layer(x)[0][:, -1]


def test_the_numbers_of_an_answer_that_is_given_once_are_no_steps():
    """As many classes as there are steps, from the last state of a network that halves what it holds."""
    layer = rc.nn.FRNN(1, 12, nonlinearity="linear", bias=False, dtype=torch.float64)
    layer.weight_hh_l0.data.copy_(torch.eye(12) / 2)
    x = torch.randn(8, 12, 1).double()
    classes = torch.arange(8)
    batches = ArrayBatches({"x": x}, classes, batch_size=8, shuffle=False)
    loss = lambda y, batch: nn.functional.cross_entropy(y.float(), batch.target)  # noqa: E731
    assert audit(Problem(Classes(layer), batches, loss)).reach.trainable == 6  # 0.5^6 > 0.01 > 0.5^7


def test_data_that_are_missing_are_asked_for(theirs):
    with pytest.raises(OptionError, match="LSTM needs data to run on: give them behind the model"):
        audit(theirs)


class Own(nn.Module):
    """Somebody's module, with its axes one way or the other, packed where lengths are given."""

    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(D, H, batch_first=batch_first), nn.Linear(H, 2)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        if lengths is None:
            return self.head(self.rnn(x)[0])
        first = self.rnn.batch_first
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        return self.head(nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=first)[0])


@pytest.mark.parametrize("steps", [12, N])
@pytest.mark.parametrize("ragged", [False, True])
def test_a_module_with_time_first_is_read_at_its_last_step_too(x, steps, ragged):
    one, other = Own(batch_first=True), Own(batch_first=False)
    other.load_state_dict(one.state_dict())
    lengths = {"lengths": torch.tensor([steps, 2, 4, steps, 1])} if ragged else {}
    found = audit(one, {"x": x[:, :steps], **lengths})
    turned = audit(other, {"x": x[:, :steps].transpose(0, 1), **lengths})
    assert turned.loss == found.loss
    assert_same(found, turned, 1e-6)
    assert found.itemised[0].norms.shape == (steps, steps)


def test_a_time_first_layer_takes_its_arguments_as_it_has_them(theirs, x):
    time_first = nn.LSTM(D, H)
    time_first.load_state_dict(theirs.state_dict())
    assert_same(audit(theirs, x), audit(time_first, {"input": x.transpose(0, 1)}), 1e-7)


def test_samples_of_several_lengths_are_read_at_their_own_last_steps(x):
    layer, lengths = rc.nn.LSTM(D, H), [T, 9, 20, T, 4]
    padded = torch.cat([x, x.new_zeros(N, 6, D)], dim=1)
    found = audit(layer, {"x": padded, "lengths": lengths})
    assert found.loss == "a random projection of the output at each sample's last step (no loss was given)"
    assert found.notes[-1].endswith("samples with lengths of their own end before the batch does")
    alone = [audit(layer, x[n : n + 1, :length]).gradient_flow[0].total for n, length in enumerate(lengths)]
    expected = [np.mean([each[t] for each in alone if t < len(each)]) for t in range(T)]
    np.testing.assert_allclose(found.gradient_flow[0].total[:T], expected, rtol=1e-5)
    assert found.ends == (T,)
    assert str(found).splitlines()[4].split()[1] == f"{expected[-1]:.3g}"  # not what stands in the padding


def test_lengths_that_leave_nothing_out_change_nothing(x):
    layer = rc.nn.LSTM(D, H)
    assert_same(audit(layer, x), audit(layer, {"x": x, "lengths": [T] * N}), 1e-7)


def test_every_recurrence_decides_for_itself_whether_it_can_grow(x):
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.GRU(D, H, batch_first=True), nn.GRU(1, H, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, h = self.encoder(x)
            y, steps = x.new_zeros(len(x), 1, 1), []
            for _ in range(4):
                y, h = self.decoder(y[..., :1], h)
                steps.append(y)
            return torch.cat(steps, dim=1)

    found = audit(Pair(), x)
    assert [each.name for each in found.growth] == ["encoder.l0"]
    assert found.notes[0] == (
        "growth and Lyapunov exponents of decoder.l0, decoder.l0 (call 2), decoder.l0 (call 3) and 1 more were left "
        "out: they need 3 time steps or more"
    )
    assert found.itemised[0].norms.shape == (4, T)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("make", [rc.nn.GRU, lambda D, H: nn.GRU(D, H, batch_first=True)], ids=["recuerdo", "torch"])
def test_an_audit_may_be_asked_for_where_gradients_are_off(x, context, make):
    model = make(D, H)
    with context():
        found = audit(model, x + 0)
    np.testing.assert_array_equal(found.gradient_flow[0].total, audit(model, x).gradient_flow[0].total)


def test_of_many_samples_the_first_are_taken_of_every_argument():
    x, h = torch.randn(50, T, D), torch.randn(1, 50, H)
    layer = rc.nn.GRU(D, H)
    expected = audit(layer, {"x": x[:32], "state": h[:, :32], "lengths": [9] * 32})
    found = audit(layer, {"x": x, "state": h, "lengths": [9] * 50})
    np.testing.assert_array_equal(found.gradient_flow[0].total, expected.gradient_flow[0].total)
    assert found.notes[0] == "the first 32 of the 50 samples were looked at"
    theirs = nn.LSTM(D, H)
    cut = audit(theirs, {"input": x[:32].transpose(0, 1), "hx": (h[:, :32], -h[:, :32])})
    whole = audit(theirs, {"input": x.transpose(0, 1), "hx": (h, -h)})
    np.testing.assert_array_equal(whole.gradient_flow[0].total, cut.gradient_flow[0].total)


def test_an_output_of_other_things_than_tensors_is_called_what_it_is(x):
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(D, H, batch_first=True)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.rnn(x)[0]}

    found = audit(Named(), x, loss=lambda output: output["logits"].mean())
    assert found.notes[0] == "the itemised flow was left out: the module's first output is a dict and no tensor"
    with pytest.raises(ShapeError, match="The module's first output is a dict: give loss=, a scalar of the output"):
        audit(Named(), x)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda y: y[0], rf"The loss has shape \({N}, {T}, {H}\): it has to be one number, such as its mean"),
        (
            lambda y: y[0].detach().sum(),
            r"The loss carries no gradient: compute it from the output, without detach\(\)",
        ),
        (lambda y: 3.0, "The loss is a float: it has to be a tensor computed from the output"),
        ("mse", "loss='mse': give a function that takes the output and returns a scalar of it"),
    ],
)
def test_a_loss_that_is_none_is_refused_in_words(theirs, x, loss, words):
    with pytest.raises(OptionError, match=words):
        audit(theirs, x, loss=loss)


def test_numbers_that_a_module_makes_no_numbers_of_are_found(x):
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = rc.nn.GRU(D, H)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.rnn(x.log())[0]

    with pytest.raises(DataError, match=r"The layer rnn\.l0 was given NaN or infinity: look for them in the data"):
        audit(Own(), x)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("states", [False, True])
def test_a_loss_is_given_what_a_keras_layer_returns(x, sequences, both, states):
    keras = pytest.importorskip("keras", reason="keras is not installed")
    layer = keras.layers.LSTM(H, return_sequences=sequences, return_state=states)
    layer = keras.layers.Bidirectional(layer) if both else layer
    made = layer(x.numpy())
    expected = [each.detach().numpy() for each in (made if states else [made])]
    seen = []

    def loss(output):
        seen.append(output if states else [output])
        return seen[-1][0].square().mean()

    found = audit(layer, x, loss=loss)
    for mine, theirs in zip(seen[0], expected, strict=True):  # later ones are of inputs that were exchanged
        np.testing.assert_allclose(mine.detach().numpy(), theirs, atol=1e-6)
    assert found.loss == "the loss that was given"
    assert found.itemised[0].of == (T if sequences else 1 + both)
