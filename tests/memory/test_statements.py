"""The statement that a gradient shrinks geometrically says yes and no where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.memory.plain import F64, frnn, last, still, turned

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import record, shrinking_in_depth, shrinking_in_time


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


def test_the_fitted_line_goes_through_norms_that_shrink_by_one_factor():
    found = last(frnn(turned(3, 0.5)), still(9), shrinking_in_time)
    np.testing.assert_allclose(found.fitted, found.norms, rtol=0.2)


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


def test_a_gradient_that_rounding_moves_stays_as_it_is():
    found = last(frnn(turned(6, 1.0)).float(), still().float(), shrinking_in_time)
    assert found.rate != 1
    assert not found.holds
    assert found.verdict == "stays as it is"
    assert "the gradient stays as it is, by the factor 1 with each step back (R² " in found.sentence
    assert found.sentence.endswith("the weights make up for the derivative, and the statement does not hold.")


@pytest.mark.parametrize(("factor", "verdict"), [(0.5, "shrinks geometrically"), (1.1, "grows")])
def test_the_verdict_is_the_sentence_in_a_few_words(factor, verdict):
    assert last(frnn(turned(6, factor)), still(), shrinking_in_time).verdict == verdict


def test_the_table_has_a_row_for_each_distance():
    found = last(frnn(turned(3, 0.5)), still(9), shrinking_in_time)
    table = found.to_frame()
    assert table.columns == ["distance", "norm", "fitted"]
    assert table["distance"].to_list() == list(range(9))
    assert table["norm"].to_list() == found.norms.tolist()
    assert table["fitted"].to_list() == found.fitted.tolist()
