"""The four cells are compared on equal terms, and the verdict follows from the numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recuerdo.errors import OptionError
from recuerdo.memory import CellTrial, FourCells, GradientFlow, four_cells

T, H = 24, 6


@pytest.fixture(scope="module")
def found():
    return four_cells(T, hidden_size=H, max_steps=8, random_state=3)


def test_four_cells_of_one_size_are_compared(found):
    assert list(found.trials) == ["FRNN", "IndRNN", "LSTM", "GRU"]
    full, head = 2 * H + H * H + 2 * H, H + 1
    expected = {"FRNN": full + head, "IndRNN": 4 * H + head, "LSTM": 4 * full + head, "GRU": 3 * full + head}
    assert {name: trial.parameters for name, trial in found.trials.items()} == expected
    assert (found.T, found.lag, found.steps) == (T, T - 1, 8)


def test_each_trial_has_a_flow_and_an_error_before_and_after(found):
    for trial in found.trials.values():
        for flow in (trial.flow_untrained, trial.flow_trained):
            assert flow.total.shape == (T,)
            assert flow.direct[-1] > 0
        assert trial.loss_trained != trial.loss_untrained
        assert not np.array_equal(trial.flow_trained.total, trial.flow_untrained.total)
        assert trial.carried(0, trained=True) == 1
        total = trial.flow_untrained.total
        assert trial.carried(5, trained=False) == pytest.approx(total[-6] / total[-1])


def test_the_last_gradient_is_that_of_the_squared_error(found):
    """Through a linear head, |dL/dh_T| is 2 |error| |w|, the mean over samples: so it cannot exceed 2 |w| RMSE."""
    for trial in found.trials.values():
        bound = 2 * np.sqrt(trial.loss_untrained)  # |w| <= 1, as a head's weights lie within 1/sqrt(H)
        assert 0 < trial.flow_untrained.total[-1] <= bound


def test_the_table_and_the_picture_hold_the_trials(found):
    table = found.to_frame()
    assert table["cell"].to_list() == list(found.trials)
    assert table["loss_trained"].to_list() == [trial.loss_trained for trial in found.trials.values()]
    assert table["carried_trained"][2] == found.trials["LSTM"].carried(T - 1, trained=True)
    assert len(found.plot().child_axes) == 2


def test_of_several_layers_the_top_one_is_followed():
    deep = four_cells(6, hidden_size=2, num_layers=2, max_steps=1, samples=50)
    assert {trial.flow_trained.name for trial in deep.trials.values()} == {"encoder.l1"}


def test_the_same_seed_gives_the_same_comparison(found):
    again = four_cells(T, hidden_size=H, max_steps=8, random_state=3)
    other = four_cells(T, hidden_size=H, max_steps=8, random_state=4)
    for name, trial in found.trials.items():
        assert again.trials[name].loss_trained == trial.loss_trained
        assert other.trials[name].loss_trained != trial.loss_trained


def test_no_random_number_of_the_caller_is_drawn():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    four_cells(6, hidden_size=2, max_steps=1, samples=50)
    assert torch.equal(torch.rand(1), expected)


def test_an_lstm_that_begins_as_in_torch_forgets_by_half_and_one_with_a_long_memory_does_not(found):
    short = four_cells(T, hidden_size=H, max_steps=1, lasting=False, random_state=3)
    assert short.trials["LSTM"].carried(T - 1, trained=False) < 1e-4
    assert found.trials["LSTM"].carried(T - 1, trained=False) > 1e-2
    assert found.trials["FRNN"].carried(T - 1, trained=False) < 1e-4


def made_up(lstm, frnn, lstm_loss, frnn_loss):
    def trial(name, left, loss):
        flow = GradientFlow("l0", *[np.array([left, 0.7, 1.0])] * 3)
        return CellTrial(name, 1, flow, flow, 1.0, loss)

    trials = {"FRNN": trial("FRNN", frnn, frnn_loss), "LSTM": trial("LSTM", lstm, lstm_loss)}
    return FourCells(trials, T=3, lag=2, steps=70)


@pytest.mark.parametrize(
    ("numbers", "holds", "words"),
    [
        ((0.5, 0.001, 0.01, 0.17), True, "what it was made for holds here"),
        ((0.5, 0.05, 0.01, 0.17), True, "what it was made for holds here"),
        ((0.5, 0.001, 0.16, 0.17), False, "its gradient arrives, but it has not learned the problem yet"),
        ((0.5, 0.001, 0.02, 0.01), False, "its gradient arrives, but the FRNN has learned it better"),
        ((0.5, 0.4, 0.01, 0.17), False, "it has learned the problem, with a gradient less than 10 times the FRNN's"),
        ((0.5, 0.4, 0.17, 0.17), False, "what it was made for does not hold here"),
    ],
)
def test_the_verdict_follows_from_the_numbers(numbers, holds, words):
    found = made_up(*numbers)
    assert found.holds is holds
    assert found.sentence.endswith(f": {words}.")


def test_the_sentence_has_the_numbers():
    assert made_up(0.5, 0.001, 0.012, 0.17).sentence.startswith(
        "After 70 steps of training on sequences of 3, the LSTM carries 0.5 of its gradient back over 2 steps (FRNN "
        "0.001), and its error is 0.012 (FRNN 0.17, without memory 0.17): "
    )


@pytest.mark.parametrize("lag", [0, 24])
def test_a_lag_beyond_the_sequence_is_refused(lag):
    with pytest.raises(
        OptionError, match=rf"four_cells\(lag={lag}\): with 24 time steps, a gradient can go back from 1 to 23"
    ):
        four_cells(24, lag=lag)
