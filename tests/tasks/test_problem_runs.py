"""Cells are trained alike on a problem, and what is said of them is what they do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from torch import nn

from recuerdo.errors import OptionError
from recuerdo.learn import Callback
from recuerdo.tasks import problem_runs, run_problem
from recuerdo.tasks.problem_runs import ProblemRuns

SMALL = {"hidden_size": 16, "num_layers": 1, "batch_size": 20, "verbose": False}


@pytest.fixture(scope="module")
def recalled() -> ProblemRuns:
    return run_problem("delayed-recall", length=6, max_steps=240, learning_rate=0.01, **SMALL)


def test_all_four_cells_recall_over_a_few_steps(recalled):
    assert [trial.cell for trial in recalled.trials] == ["FRNN", "IndRNN", "LSTM", "GRU"]
    for trial in recalled.trials:
        assert trial.solved
        assert trial.accuracy >= 0.99
        assert trial.loss < recalled.chance / 5
        assert (trial.steps, trial.stopped) == (240, "max_steps")
        steps, losses = zip(*trial.curve, strict=True)
        assert steps == tuple(range(6, 241, 6))
        assert losses[0] > recalled.chance / 2 > losses[-1]
    assert recalled.verdict == "Solved (99 % right) by FRNN, IndRNN, LSTM and GRU."
    assert recalled.title == "Delayed recall, lag = 6"
    assert replace(recalled, permutation_seed=0).title == "Delayed recall, lag = 6, shuffled"
    assert (recalled.steps, recalled.left) == (7, ())


def test_what_was_not_learned_is_not_called_solved():
    runs = run_problem("adding", ["gru", "indrnn"], length=30, max_steps=2, **SMALL)
    assert [trial.solved for trial in runs.trials] == [False, False]
    assert [trial.accuracy for trial in runs.trials] == [None, None]
    assert runs.verdict == "Not solved (a loss below 0.01) by GRU and IndRNN."


def test_where_the_answer_is_a_number_the_loss_decides():
    runs = run_problem("adding", ["lstm", "frnn"], length=4, max_steps=600, learning_rate=0.02, **SMALL)
    assert runs.trials[0].solved
    assert runs.trials[0].loss < 0.01
    assert runs.trials[0].loss == pytest.approx(runs.trials[0].curve[-1][1], rel=0.5)


def test_a_copy_is_judged_by_the_symbols_alone():
    runs = run_problem("copying", ["gru"], length=2, max_steps=40, **SMALL)
    (trial,) = runs.trials
    assert trial.loss < 2.2  # ln 9, before anything is learned
    assert trial.accuracy < 0.5  # blanks are soon right, and more than half of all steps
    assert runs.steps == 22


def test_a_seed_gives_the_same_result_whatever_other_cells_are_trained(recalled):
    again = run_problem("delayed-recall", ["gru"], length=6, max_steps=240, learning_rate=0.01, **SMALL)
    one, other = again.trials[0], recalled.trials[3]
    assert (one.loss, one.curve) == (other.loss, other.curve)


def test_the_result_is_a_table_and_json(recalled):
    frame = recalled.to_frame()
    assert frame.columns == ["cell", "parameters", "steps", "seconds", "stopped", "loss", "accuracy", "solved"]
    assert frame["cell"].to_list() == ["FRNN", "IndRNN", "LSTM", "GRU"]
    theirs = [sum(weight.numel() for weight in kind(9, 16).parameters()) for kind in (nn.RNN, nn.LSTM, nn.GRU)]
    assert frame["parameters"].gather([0, 2, 3]).to_list() == [each + 16 * 4 + 4 for each in theirs]
    read = json.loads(json.dumps(recalled.to_dict()))
    assert read["trials"][3]["curve"] == [list(point) for point in recalled.trials[3].curve]
    assert (read["problem"], read["length"], read["chance_accuracy"]) == ("delayed-recall", 6, 0.25)


def test_a_cell_that_diverges_is_judged_by_its_best_weights_and_the_others_go_on():
    runs = run_problem("adding", ["indrnn", "gru"], length=20, max_steps=30, learning_rate=1e30, **SMALL)
    assert [trial.stopped for trial in runs.trials] == ["diverged", "diverged"]
    assert all(trial.steps < 30 and not trial.solved for trial in runs.trials)


def test_ctrl_c_ends_the_run_and_what_was_trained_is_kept(monkeypatch):
    class Stop(Callback):
        def on_step(self, run):
            if run.step == 3:
                raise KeyboardInterrupt

    real = problem_runs.fit
    monkeypatch.setattr(
        problem_runs, "fit", lambda *given, callbacks, **named: real(*given, callbacks=(*callbacks, Stop()), **named)
    )
    runs = run_problem("adding", ["gru", "lstm", "frnn"], length=5, max_steps=30, **SMALL)
    (trial,) = runs.trials
    assert (trial.cell, trial.stopped, trial.steps) == ("GRU", "interrupted", 3)
    assert runs.left == ("lstm", "frnn")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cells": ["gru", "grru"]}, r"cells=\['gru', 'grru'\]: choose some of frnn, indrnn, lstm, gru, each once"),
        ({"cells": ["gru", "gru"]}, r"each once"),
        ({"cells": []}, r"cells=\[\]: choose some of"),
        ({"random_state": -1}, r"random_state=-1: it has to be 0 or more"),
        ({"max_steps": 0}, r"max_steps must be a whole number from 1"),
        ({"batch_size": 0}, r"batch_size of the batches must be at least 1"),
        ({"length": 1}, r"adding\(T=1\): it has to be 2 or more"),
    ],
)
def test_what_is_not_offered_is_refused(options, said):
    with pytest.raises(OptionError, match=said):
        run_problem("adding", **options)
