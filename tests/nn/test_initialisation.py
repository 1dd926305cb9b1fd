"""What the parameters are before the first step of training, and IndRNN's bound."""

from __future__ import annotations

import math

import pytest
import torch
from tests.nn.cases import CELLS, randn
from tests.tolerances import assert_values
from torch import nn
from torch.nn.utils import parametrize

from recuerdo.errors import OptionError
from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, RecurrentLayer

D, H, L = 3, 64, 2
MAX_LAG = 50

cells = pytest.mark.parametrize("cell", CELLS)
full = pytest.mark.parametrize("cell", [name for name in CELLS if name != "indrnn"])


def bias_total(layer: RecurrentLayer, gate: str) -> torch.Tensor:
    """What both bias vectors add up to in one gate, over all layers and directions."""
    rows = slice(layer.cell.gates.index(gate) * H, (layer.cell.gates.index(gate) + 1) * H)
    totals = []
    for own in layer.weights():
        assert own.bias_ih is not None
        assert own.bias_hh is not None
        totals.append((own.bias_ih + own.bias_hh)[rows].detach())
    return torch.cat(totals)


def assert_fills(values: torch.Tensor, low: float, high: float) -> None:
    """All values lie in [low, high], and they spread over it."""
    width = high - low
    assert low <= values.min()
    assert values.max() <= high
    assert values.min() <= low + 0.1 * width
    assert values.max() >= high - 0.1 * width


@cells
def test_uniform_fills_the_bound_of_torch(cell: str) -> None:
    layer = CELLS[cell](D, H, L, bidirectional=True)
    for name, parameter in layer.named_parameters():
        if cell != "indrnn" or "weight_hh" not in name:
            assert_fills(parameter.detach(), -1 / math.sqrt(H), 1 / math.sqrt(H))


@pytest.mark.parametrize(
    ("cell", "init"),
    [(cell, init) for cell in CELLS for init in ("uniform", "orthogonal") if (cell, init) != ("indrnn", "orthogonal")],
)
def test_norm_gains_begin_at_one_and_learned_states_at_zero(cell: str, init: str) -> None:
    layer = CELLS[cell](D, H, L, layer_norm=True, learn_state=True, init=init)
    for name, parameter in layer.named_parameters():
        if name.startswith(("norm_c_bias", "initial_")):
            assert (parameter == 0).all(), name
        elif name.startswith("norm_"):
            assert (parameter == 1).all(), name


@cells
def test_reset_parameters_draws_everything_anew(cell: str) -> None:
    layer = CELLS[cell](D, H, layer_norm=True, learn_state=True)
    torch.manual_seed(0)
    layer.reset_parameters()
    first = {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(float("nan"))
    torch.manual_seed(0)
    layer.reset_parameters()
    for name, parameter in layer.named_parameters():
        assert torch.equal(parameter, first[name]), name


@full
def test_orthogonal_makes_each_gates_recurrent_matrix_orthogonal(cell: str) -> None:
    layer = CELLS[cell](D, H, L, bidirectional=True, init="orthogonal", dtype=torch.float64)
    for own in layer.weights():
        for U in own.weight_hh.detach().unflatten(0, (layer.cell.blocks, H)):
            assert_values(U @ U.T, torch.eye(H, dtype=torch.float64))
        for W in own.weight_ih.detach().unflatten(0, (layer.cell.blocks, H)):
            bound = math.sqrt(6 / (H + W.shape[1]))
            assert_fills(W, -bound, bound)
        assert own.bias_ih is not None
        assert not own.bias_ih.any()


def test_orthogonal_works_without_biases() -> None:
    assert LSTM(D, H, bias=False, init="orthogonal").bias_ih_l0 is None


def test_chrono_gives_an_lstm_memories_between_one_and_max_lag() -> None:
    layer = LSTM(D, H, L, bidirectional=True, init="chrono", max_lag=MAX_LAG, dtype=torch.float64)
    forget = bias_total(layer, "f")
    assert_fills(forget.exp(), 1, MAX_LAG - 1)
    assert torch.equal(bias_total(layer, "i"), -forget)
    lasts = 1 / (1 - forget.sigmoid())
    assert lasts.min() > 1
    assert lasts.max() <= MAX_LAG + 1e-9


@pytest.mark.parametrize("cell", ["gru", "gru_reset_before"])
def test_chrono_gives_a_gru_memories_between_one_and_max_lag(cell: str) -> None:
    layer = CELLS[cell](D, H, L, init="chrono", max_lag=MAX_LAG, dtype=torch.float64)
    update = bias_total(layer, "z")
    assert_fills(update.exp(), 1, MAX_LAG - 1)
    lasts = 1 / (1 - update.sigmoid())
    assert lasts.min() > 1
    assert lasts.max() <= MAX_LAG + 1e-9
    assert bias_total(layer, "r").abs().max() <= 2 / math.sqrt(H)


def test_chrono_leaves_all_else_as_uniform() -> None:
    layer = LSTM(D, H, init="chrono", max_lag=MAX_LAG)
    own = next(layer.weights())
    assert own.bias_ih is not None
    assert own.bias_hh is not None
    for values in (own.weight_ih, own.weight_hh, own.bias_ih[2 * H :], own.bias_hh[2 * H :]):
        assert_fills(values.detach(), -1 / math.sqrt(H), 1 / math.sqrt(H))
    assert not own.bias_hh[: 2 * H].any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FRNN(D, H, init="chrono", max_lag=9), "init='chrono' sets the bias .*, and FRNN has none: use"),
        (lambda: IndRNN(D, H, init="chrono", max_lag=9), "and IndRNN has none: use cell LSTM"),
        (lambda: LSTM(D, H, init="chrono", bias=False, max_lag=9), "bias=False leaves none: drop one"),
        (lambda: LSTM(D, H, init="chrono"), "needs max_lag, .*, 3 or more; got max_lag=None: try the lag"),
        (lambda: GRU(D, H, init="chrono", max_lag=2), "got max_lag=2: try the lag"),
        (lambda: IndRNN(D, H, init="orthogonal"), "needs a full recurrent matrix, and IndRNN's is diagonal: use"),
    ],
    ids=["frnn", "indrnn", "bias", "no_max_lag", "short_max_lag", "diagonal"],
)
def test_initialisers_refuse(make: type, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        make()


@pytest.mark.parametrize(("max_lag", "gamma"), [(None, 2.0), (1, 2.0), (100, 2.0), (100, 1.0), (7, 5.0)])
def test_an_indrnn_is_born_within_its_bound(max_lag: int | None, gamma: float) -> None:
    layer = IndRNN(D, H, L, bidirectional=True, max_lag=max_lag, gamma=gamma, dtype=torch.float64)
    bound = 1.0 if max_lag is None else gamma ** (1 / max_lag)
    assert layer.bound == bound
    last = 0.0 if max_lag is None else gamma ** (-1 / max_lag)
    for k, own in enumerate(layer.weights()):
        assert_fills(own.weight_hh.detach(), 0.0 if k < 2 else last, bound)


def test_constrain_clips_every_recurrent_weight_and_nothing_else() -> None:
    layer = IndRNN(D, H, L, bidirectional=True, max_lag=10)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(3 * torch.randn_like(parameter))
    before = {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}
    layer.constrain_()
    for name, parameter in layer.named_parameters():
        clipped = "weight_hh" in name
        wanted = before[name].clamp(-layer.bound, layer.bound) if clipped else before[name]
        assert torch.equal(parameter, wanted), name


def test_within_the_bound_a_gradient_grows_at_most_by_gamma_over_max_lag_steps() -> None:
    gamma, max_lag = 2.0, 20
    layer = IndRNN(D, H, max_lag=max_lag, gamma=gamma, dtype=torch.float64)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").copy_(3 * randn(H))
        layer.get_parameter("bias_ih_l0").fill_(0.1)
    layer.constrain_()
    h = torch.ones(1, 1, H, dtype=torch.float64, requires_grad=True)
    _, final = layer(randn(1, max_lag, D).abs(), h)
    (growth,) = torch.autograd.grad(final.sum(), h)
    assert growth.abs().max() <= gamma * (1 + 1e-12)
    assert growth.abs().max() > 0


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def test_constrain_refuses_a_parametrised_weight() -> None:
    layer = IndRNN(D, H, max_lag=10)
    parametrize.register_parametrization(layer, "weight_hh_l0", Doubled())
    words = r"constrain_\(\) cannot clip weight_hh_l0, .* put the bound 1\.07177 into that parametrisation"
    with pytest.raises(OptionError, match=words):
        layer.constrain_()


def test_constrain_refuses_a_weight_under_the_older_weight_norm() -> None:
    layer = IndRNN(D, H)
    del layer.weight_hh_l0
    layer.weight_hh_l0 = torch.ones(H)
    with pytest.raises(OptionError, match="cannot clip weight_hh_l0, because it is computed"):
        layer.constrain_()
