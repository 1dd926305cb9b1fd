"""Each statement says yes and no where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import norm_bound, record, shrinking_in_depth, shrinking_in_time
from recuerdo.memory.statements import NormBound

F64 = torch.float64


def turned(H, factor):
    """An orthogonal matrix times a factor."""
    return factor * torch.linalg.qr(torch.randn(H, H, dtype=F64, generator=torch.Generator().manual_seed(0)))[0]


def frnn(U, nonlinearity="tanh", **options):
    layer = rc.nn.FRNN(1, len(U), nonlinearity=nonlinearity, bias=False, dtype=F64, **options)
    layer.weight_hh_l0.data.copy_(torch.as_tensor(U))
    return layer


def last(layer, x, check):
    """The check of the top layer, with a loss on the last step."""
    (output, _), recorded = record(layer, {"x": x})
    return check(recorded[-1], output[:, -1].sum())


def still(T=40, N=3):
    return torch.zeros(N, T, 1, dtype=F64)


@pytest.mark.parametrize(("factor", "holds"), [(0.5, True), (0.9, True), (1.1, False)])
def test_where_tanh_is_steepest_the_rate_in_time_is_the_factor_of_the_weights(factor, holds):
    found = last(frnn(turned(6, factor)), still(), shrinking_in_time)
    assert found.rate == pytest.approx(factor)
    assert found.fit == pytest.approx(1)
    assert found.derivatives == (1, 1, 1)
    assert found.holds is holds
    np.testing.assert_allclose(found.norms, found.norms[0] * factor ** np.arange(40.0))


def test_a_gradient_that_does_not_change_is_level():
    found = last(frnn(turned(6, 1.0)), still(), shrinking_in_time)
    assert found.rate == pytest.approx(1)
    assert found.fit == 1


def test_the_derivatives_are_those_of_tanh_where_it_was():
    torch.manual_seed(0)
    theirs = torch.nn.RNN(1, 5, batch_first=True, dtype=F64)
    x = 2 * torch.randn(4, 20, 1, dtype=F64)
    found = last(rc.convert.from_torch(theirs), x, shrinking_in_time)
    slopes = 1 - theirs(x)[0] ** 2
    assert found.derivatives == pytest.approx((slopes.min().item(), slopes.mean().item(), slopes.max().item()))
    assert 0 < found.derivatives[0] < found.derivatives[2] <= 1
    assert found.rate < 1


def test_a_gradient_that_shrinks_by_two_factors_does_not_shrink_by_one():
    x = still()
    x[:, :4] = 4.0  # there tanh is flat
    layer = frnn([[0.99]])
    layer.weight_ih_l0.data.fill_(1)
    found = last(layer, x, shrinking_in_time)
    assert found.rate < 1
    assert found.fit < 0.9
    assert not found.holds
    assert "not by one factor" in found.sentence


def test_in_reverse_the_steps_back_lead_to_the_end():
    torch.manual_seed(0)
    layer = rc.nn.FRNN(1, 6, bidirectional=True, dtype=F64)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        getattr(layer, f"{name}_reverse").data.copy_(getattr(layer, name).data)
    x = torch.randn(2, 25, 1, dtype=F64)
    (output, _), (forth, _) = record(layer, {"x": x})
    (turned_output, _), (_, back) = record(layer, {"x": x.flip(1)})
    first = shrinking_in_time(forth, output[:, -1, :6].sum())
    second = shrinking_in_time(back, turned_output[:, 0, 6:].sum())
    np.testing.assert_allclose(second.norms, first.norms)
    assert second.rate == pytest.approx(first.rate)


def test_what_underflowed_is_left_out_of_the_fit():
    layer = frnn(turned(6, 0.01)).float()
    found = last(layer, still(60).float(), shrinking_in_time)
    assert found.norms[-1] == 0
    assert found.rate == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("factor", "holds"), [(0.6, True), (1.3, False)])
def test_the_rate_in_depth_is_the_factor_of_the_weights(factor, holds):
    layer = rc.nn.FRNN(5, 5, num_layers=20, bias=False, dtype=F64)
    for weights in layer.weights():
        weights.weight_ih.data.copy_(turned(5, factor))
    (output, _), recorded = record(layer, {"x": torch.zeros(3, 1, 5, dtype=F64)})
    found = shrinking_in_depth(recorded, output.sum())
    assert found.rate == pytest.approx(factor)
    assert found.holds is holds
    assert len(found.norms) == 20
    assert found.norms[0] == pytest.approx(3 * 5**0.5)  # N times that of a sum over N samples
    assert "layer down" in found.sentence


def test_the_sentences_have_the_numbers():
    assert last(frnn(turned(6, 0.5)), still(), shrinking_in_time).sentence == (
        "The derivative of tanh lies between 1 and 1 here (mean 1), and the gradient shrinks by the factor 0.5 with "
        "each step back (R² 1.00): geometrically, as the statement says."
    )
    assert last(frnn(turned(6, 1.1)), still(), shrinking_in_time).sentence == (
        "The derivative of tanh lies between 1 and 1 here (mean 1), yet the gradient grows by the factor 1.1 with "
        "each step back (R² 1.00): the weights outweigh the derivative, and the statement does not hold."
    )


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


def test_the_fitted_line_goes_through_norms_that_shrink_by_one_factor():
    found = last(frnn(turned(3, 0.5)), still(9), shrinking_in_time)
    np.testing.assert_allclose(found.fitted, found.norms, rtol=0.2)


def test_a_bound_that_is_broken_is_said_to_be():
    assert NormBound(norm=0.5, gamma=1.0, rate=1.2, norms=np.array([1.0, 1.2, 1.44])).sentence.endswith(
        "yet the gradient grows by the factor 1.2 with each step back: the statement does not hold."
    )


@pytest.mark.parametrize("check", [shrinking_in_time, norm_bound])
def test_a_loss_on_every_step_is_refused(check):
    (output, _), recorded = record(frnn(turned(3, 0.5)), {"x": still(9)})
    with pytest.raises(OptionError, match=r"The loss reads l0 at 8 steps before the last as well.* take the top layer"):
        check(recorded[0], output.sum())


@pytest.mark.parametrize("check", [shrinking_in_time, norm_bound])
def test_two_steps_have_no_rate(check):
    with pytest.raises(OptionError, match=r"2 of 2 gradient norms are above zero, and a factor needs three"):
        last(frnn(turned(3, 0.5)), still(2), check)


@pytest.mark.parametrize(
    ("layer", "what"), [(rc.nn.FRNN(1, 2, nonlinearity="relu"), "relu"), (rc.nn.LSTM(1, 2), "gates")]
)
@pytest.mark.parametrize("in_depth", [False, True])
def test_the_statement_about_tanh_asks_for_tanh(layer, what, in_depth):
    (output, _), recorded = record(layer, {"x": still(5).float()})
    subject, check = (recorded, shrinking_in_depth) if in_depth else (recorded[0], shrinking_in_time)
    with pytest.raises(OptionError, match=rf"about tanh, and l0 has {what}: give FRNN or IndRNN with tanh"):
        check(subject, output[:, -1].sum())


def test_depth_is_counted_in_one_direction():
    (output, _), recorded = record(rc.nn.FRNN(1, 2, num_layers=3, bidirectional=True), {"x": torch.zeros(1, 3, 1)})
    with pytest.raises(OptionError, match="a stack in one direction, and this one has two"):
        shrinking_in_depth(recorded, output.sum())


def test_the_bound_asks_for_a_plain_recurrence():
    with pytest.raises(OptionError, match=r"about h = act\(W x \+ U h \+ b\), not about gru: give an FRNN or IndRNN"):
        last(rc.nn.GRU(1, 2), still(5).float(), norm_bound)
    for options in ({"layer_norm": True}, {"zoneout": 0.1}, {"recurrent_dropout": 0.5}):
        with pytest.raises(OptionError, match="layer norm, zoneout or recurrent dropout changes it: leave them out"):
            last(rc.nn.FRNN(1, 2, **options), still(5).float(), norm_bound)
