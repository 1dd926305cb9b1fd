"""`recuerdo problem` trains, and says in a table who has solved what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SMALL = ("--hidden-size", 8, "--layers", 1, "--batch-size", 10)


@pytest.fixture
def problem(call, here):
    def run(name, *arguments, steps=3):
        return call("problem", name, "--max-steps", steps, *SMALL, *arguments)

    return run


def test_a_table_says_who_has_solved_it_beside_what_chance_gives(problem):
    done = problem("delayed-recall", "--length", 4, "--cell", "gru", "--cell", "INDRNN", "--seed", 2)
    assert done.code == 0
    title, header, chance, gru, indrnn, verdict = done.out.splitlines()
    assert title == "Delayed recall, lag = 4: 1 layer of 8 units, seed 2."
    assert header.split() == ["cell", "parameters", "steps", "seconds", "loss", "right"]
    assert chance.split() == ["(no", "memory)", "1.39", "25.0", "%"]
    assert gru.split()[::2][:2] == ["GRU", "3"]
    assert indrnn.split()[0] == "IndRNN"
    assert verdict == "Not solved (99 % right) by GRU and IndRNN."
    assert "GRU: at most 3 steps" in done.err


def test_a_number_has_no_column_of_right_answers(problem):
    done = problem("adding", "--length", 4, "--cell", "gru")
    assert "right" not in done.out
    assert "0.167" in done.out


def test_all_four_cells_are_trained_unless_some_are_named(problem):
    out = problem("temporal-order", "--length", 10).out
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ["FRNN", "IndRNN", "LSTM", "GRU"]


def test_picture_and_numbers_are_written_where_it_is_said(problem):
    done = problem("copying", "--length", 2, "--cell", "gru", "--picture", "out/curve.png", "--json", "out/all.json")
    assert Path("out/curve.png").read_bytes().startswith(b"\x89PNG")
    read = json.loads(Path("out/all.json").read_text())
    assert (read["problem"], read["trials"][0]["cell"], len(read["trials"][0]["curve"])) == ("copying", "GRU", 3)
    assert done.out.endswith("Written:\n  out/curve.png\n  out/all.json\n")


@pytest.mark.parametrize(("option", "name"), [("--picture", "a.png"), ("--json", "a.json")])
def test_what_is_there_is_not_overwritten_unasked(problem, option, name):
    Path(name).write_text("mine")
    done = problem("adding", "--length", 4, "--cell", "gru", option, name)
    assert (done.code, done.out) == (2, "")
    assert f"{name} is there already, and nothing is overwritten unasked: choose another {option}" in done.err
    assert Path(name).read_text() == "mine"
    assert problem("adding", "--length", 4, "--cell", "gru", option, name, "--overwrite").code == 0
    assert Path(name).read_bytes() != b"mine"


def test_another_ending_of_a_picture_is_refused_before_any_training(problem):
    done = problem("adding", "--picture", "curve.gif")
    assert (done.code, done.out) == (2, "")
    assert "A picture ends in .png, .svg, .pdf, and curve.gif does not" in done.err


def test_a_cell_that_diverges_is_told(problem):
    done = problem("adding", "--length", 9, "--cell", "indrnn", "--learning-rate", 1e30, steps=20)
    assert done.code == 0
    assert "its best weights are judged. Try a lower --learning-rate." in done.out


def test_options_that_are_not_offered_are_one_sentence(problem):
    done = problem("adder")
    assert done.code == 2
    assert done.err.startswith("recuerdo: There is no problem 'adder': choose one of adding, copying")
    assert "mnist-rows is made of MNIST's pictures" in problem("mnist-rows").err
