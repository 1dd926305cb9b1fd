"""The bound by the norm of the recurrent weights says yes and no where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.memory.plain import F64, frnn, last, still, turned

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import NormBound, norm_bound


def test_below_the_bound_the_gradient_vanishes():
    found = last(frnn(turned(6, 0.7)), still(), norm_bound)
    assert (found.norm, found.gamma, found.rate) == pytest.approx((0.7, 1, 0.7))
    assert (found.may_explode, found.explodes, found.holds) == (False, False, True)
    assert found.sentence == (
        "The recurrent norm 0.7 stays below 1/gamma = 1, so the gradient must vanish, and it shrinks by the factor "
        "0.7 with each step back."
    )


def test_above_the_bound_it_may_explode():
    found = last(frnn(turned(6, 1.4)), still(), norm_bound)
    assert (found.may_explode, found.explodes, found.holds) == (True, True, True)
    assert found.sentence.endswith(
        "so the gradient may explode, and it does: it grows by the factor 1.4 with each step back."
    )


@pytest.mark.parametrize(
    ("layer", "x", "norm"),
    [
        (frnn([[0.5, 3.0], [0.0, 0.5]], "linear"), still(), 3.08),  # a large norm, and eigenvalues of a half
        (frnn(turned(4, 1.5)), still() + 3, 1.5),  # an input that drives tanh to where it is flat
    ],
)
def test_above_the_bound_it_may_vanish_all_the_same(layer, x, norm):
    layer.weight_ih_l0.data.fill_(1)
    found = last(layer, x, norm_bound)
    assert found.norm == pytest.approx(norm, rel=1e-3)
    assert (found.may_explode, found.explodes, found.holds) == (True, False, True)
    assert "necessary, not sufficient" in found.sentence


@pytest.mark.parametrize(
    ("name", "gamma"),
    [("tanh", 1), ("relu", 1), ("linear", 1), ("sigmoid", 0.25), ("softsign", 1), ("hardsigmoid", 1 / 6)],
)
def test_gamma_is_the_largest_slope(name, gamma):
    assert last(frnn(turned(4, 0.9), name), still(8) + 1e-3, norm_bound).gamma == pytest.approx(gamma)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu"])
def test_no_network_below_the_bound_explodes(seed, name):
    torch.manual_seed(seed)
    layer = rc.nn.FRNN(1, 8, nonlinearity=name, dtype=F64)
    largest = 4 if name == "sigmoid" else 1
    U = layer.weight_hh_l0.data
    U.mul_(0.99 * largest / torch.linalg.matrix_norm(U, 2))
    found = last(layer, torch.randn(2, 30, 1, dtype=F64), norm_bound)
    assert found.norm == pytest.approx(0.99 * largest)
    assert not found.may_explode
    assert not found.explodes


def test_the_norm_of_a_diagonal_is_its_largest_entry():
    layer = rc.nn.IndRNN(1, 3, nonlinearity="tanh", bias=False, dtype=F64)
    layer.weight_hh_l0.data.copy_(torch.tensor([0.2, -0.9, 0.5]))
    found = last(layer, still(200), norm_bound)
    assert found.norm == pytest.approx(0.9)
    assert found.rate == pytest.approx(0.9, rel=0.01)


def test_no_norm_lies_above_the_bound():
    found = last(frnn(turned(3, 1.2)), still(), norm_bound)
    assert len(found.bound) == len(found.norms) == 40
    np.testing.assert_allclose(found.bound[:3], found.norms[0] * 1.2 ** np.arange(3))
    assert (found.norms <= found.bound * (1 + 1e-12)).all()


def test_a_bound_that_is_broken_is_said_to_be():
    assert NormBound(norm=0.5, gamma=1.0, rate=1.2, norms=np.array([1.0, 1.2, 1.44])).sentence.endswith(
        "yet the gradient grows by the factor 1.2 with each step back: the statement does not hold."
    )


def test_the_bound_asks_for_a_plain_recurrence():
    with pytest.raises(OptionError, match=r"about h = act\(W x \+ U h \+ b\), not about gru: give an FRNN or IndRNN"):
        last(rc.nn.GRU(1, 2), still(5).float(), norm_bound)
    for options in ({"layer_norm": True}, {"zoneout": 0.1}, {"recurrent_dropout": 0.5}):
        with pytest.raises(OptionError, match="layer norm, zoneout or recurrent dropout changes it: leave them out"):
            last(rc.nn.FRNN(1, 2, **options), still(5).float(), norm_bound)


@pytest.mark.parametrize("H", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_an_orthogonal_linear_network_keeps_its_gradient_whatever_rounding_says(H, dtype):
    found = last(frnn(turned(H, 1.0), "linear").to(dtype), still().to(dtype), norm_bound)
    assert (found.may_explode, found.explodes, found.holds) == (True, False, True)
    assert found.sentence == (
        "The recurrent norm 1 reaches 1/gamma = 1, so the gradient may explode, and yet it stays as it is, by the "
        "factor 1 with each step back: necessary, not sufficient."
    )
    assert found.verdict == "may explode, yet stays as it is"


@pytest.mark.parametrize(("factor", "verdict"), [(0.9, "must vanish, and does"), (1.1, "may explode, and does")])
def test_the_verdict_is_the_sentence_in_a_few_words(factor, verdict):
    assert last(frnn(turned(6, factor), "linear"), still(), norm_bound).verdict == verdict


def test_a_gradient_that_stays_although_it_must_vanish_breaks_the_bound():
    found = NormBound(norm=0.5, gamma=1.0, rate=1.0, norms=np.ones(3))
    assert not found.holds
    assert found.sentence.endswith("stays as it is, by the factor 1 with each step back: the statement does not hold.")


def test_the_table_has_a_row_for_each_step_back():
    found = last(frnn(turned(3, 0.5)), still(9), norm_bound)
    table = found.to_frame()
    assert table.columns == ["distance", "norm", "bound"]
    assert table["distance"].to_list() == list(range(9))
    assert table["norm"].to_list() == found.norms.tolist()
    assert table["bound"].to_list() == found.bound.tolist()
