"""What the results of classifiers read, divide, judge and write; how good a classifier is, it says itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.kernel.child import NoAnswerError
from benchmarks.results import digits, fits, known, long, sequences, series, side_by_side, text
from benchmarks.results.figures import Effort, Figure
from benchmarks.results.sequences import SERIES, Split

from recuerdo.tasks import run_problem

needs_data = pytest.mark.skipif(not sequences.DATA.exists(), reason="the data are not beside the checkout")
QUICK = Effort(quick=True)


def at_once(jobs: Sequence[side_by_side.Job]) -> Iterator[Any]:
    """Jobs in this process, their arguments and results as JSON makes them."""
    for module, function, arguments in jobs:
        yield json.loads(json.dumps(side_by_side.one(module, function, json.loads(json.dumps(arguments)))))


def by_name(figures: Iterator[Figure]) -> dict[str, Figure]:
    return {each.name: each for each in figures}


def test_jobs_run_in_processes_of_their_own_and_answer_in_their_order() -> None:
    jobs = [("figures", "mean", ([2, 4],)), ("figures", "stdev", ([1, "one"],))]
    done = side_by_side.run(jobs)
    assert next(done) == 3
    with pytest.raises(NoAnswerError, match="TypeError"):
        next(done)


def answers(jobs: Sequence[side_by_side.Job], accuracy: dict[str, list[float]], nearest: float) -> Iterator[Any]:
    for _, function, (name, *more) in jobs:
        if function == "baseline":
            yield {"accuracy": nearest, "macro_f1": nearest}
        else:
            found = [accuracy.get(name, [90.0, 92.0])[seed % 2] for seed in more[1]]
            n = len(found)
            yield {
                "accuracy": found,
                "macro_f1": found,
                "seconds": [7.0] * n,
                "beaten": [True] + [False] * (n - 1),
                "report": ["words"] * n,
            }


def test_series_are_judged_by_set_by_their_mean_and_by_the_lowest_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    accuracy = {"Trace": [86.0, 85.0], "TwoLeadECG": [20.0, 20.0], "GunPoint": [98.0, 98.0], "SwedishLeaf": [80, 80]}
    monkeypatch.setattr(series, "by_aeon", lambda seeds: {"Trace": {"rocket": [99.0, 97.0], "dtw": 87.5}})
    monkeypatch.setattr(side_by_side, "run", lambda jobs: answers(jobs, accuracy, nearest=88.0))
    found = by_name(series.figures(Effort(most_seeds=2)))
    assert (found["GunPoint, accuracy %"].verdict, found["SwedishLeaf, accuracy %"].verdict) == ("met", "missed")
    trace = found["Trace, accuracy %"]
    assert (trace.value, trace.seeds, trace.seconds, trace.verdict) == (85.5, (86.0, 85.0), 7.0, "")
    assert trace.anchors == {
        "1-NN DTW": 88.0,
        "published": 100.0,
        "MiniRocket": 98.0,
        "reports won by a baseline": 1.0,
    }
    whole = (7 * 91 + 85.5 + 20 + 98 + 80) / 11
    assert found["mean of 11 sets, accuracy %"].value == pytest.approx(whole)
    assert "MiniRocket" not in found["mean of 11 sets, accuracy %"].anchors  # it was not on all sets
    above = found["the same above 1-NN DTW, points"]
    assert (above.value, above.verdict) == (pytest.approx(whole - 88), "missed")
    lowest = found["lowest above 1-NN DTW, points (SwedishLeaf)"]
    assert (lowest.value, lowest.verdict) == (-8.0, "missed")
    assert found["TwoLeadECG above 1-NN DTW, points"].verdict == ""
    assert found["1-NN DTW by aeon, farthest from ours, points"].value == 0.5


def test_networks_that_are_averaged_share_no_seed_with_those_of_another_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(jobs: Sequence[side_by_side.Job]) -> Iterator[Any]:
        asked.extend(jobs)
        return answers(jobs, {"SST-2": [84.0, 84.0]}, nearest=93.0)

    monkeypatch.setattr(side_by_side, "run", run)
    found = by_name(text.figures(Effort()))
    seeds = [arguments[2] for _, function, arguments in asked if function == "fitted" and arguments[1]]
    assert seeds == [[0], [2], [4], [6], [8]]
    assert sum(function == "fitted" for _, function, _ in asked) == 25
    assert found["SST-2, n_seeds=2, accuracy %"].verdict == "met"
    assert found["Rest-Mex, macro-F1 %"].anchors == {"TF-IDF": 93.0}
    assert found["MR, accuracy %"].anchors["reports won by a baseline"] == 5.0
    assert found["slowest fit of a text set on one thread, seconds"].verdict == "met"


def test_rows_are_fitted_by_the_default_call_and_beside_the_baselines_of_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    X = (drawn.normal(size=(40, 28, 28)) + y[:, None, None]).astype(np.float32)
    monkeypatch.setattr(digits, "digits", lambda: Split(X, y, X, y))
    found = by_name(digits.figures(QUICK))
    accuracy = found["MNIST row by row, accuracy %"]
    assert accuracy.anchors["majority class, held out"] == 50.0
    assert accuracy.at_least == 98.8
    assert found["MNIST row by row, slowest fit, seconds"].value == accuracy.seconds


def test_every_cell_is_judged_on_a_known_problem_and_all_stand_in_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "run", at_once)
    monkeypatch.setattr(known, "PICTURES", tmp_path)
    found = by_name(known.copying(QUICK))
    assert [name.split(", ")[2] for name in found] == ["IndRNN", "FRNN", "LSTM", "GRU"]
    one = found["copying, lag 50, GRU, symbols right %"]
    assert one.anchors["without memory"] == 12.5
    assert (one.options["steps"], len(one.options["curves"][0])) == ([5], 5)
    assert (tmp_path / "copying-50-quick.png").stat().st_size > 1000


def test_runs_come_back_from_json_as_they_were() -> None:
    runs = run_problem("delayed-recall", ["gru"], length=3, hidden_size=4, max_steps=3, verbose=False)
    assert known.restored(json.loads(json.dumps(runs.to_dict()))) == runs


def test_a_long_training_writes_its_curve_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(long, "HOME", tmp_path)
    case = long.Long("small", "adding", 400, cells=("indrnn", "gru"), length=5, hidden_size=8, at_most=1e6)
    effort = Effort(most_steps=6)
    first = list(long.figures(case, effort))
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("  IndRNN, step 1: loss ")
    assert len(said) == 12
    kept = json.loads((tmp_path / "small.json").read_text())
    assert [each["cell"] for each in kept["trials"]] == ["IndRNN", "GRU"]
    assert [len(each["curve"]) for each in kept["trials"]] == [6, 6]
    assert (tmp_path / "small.png").stat().st_size > 1000
    assert [(each.name, each.verdict) for each in first] == [
        ("Adding, T = 5, IndRNN, MSE", "met"),
        ("Adding, T = 5, GRU, MSE", ""),
    ]
    again = list(long.figures(case, effort))
    assert again == first  # the checkpoints say that both are finished
    assert capsys.readouterr().out == ""
    (alone,) = long.figures(case, replace(effort, cells=("gru",), most_steps=3))
    assert alone.options["steps"] == 3


def test_a_deep_stack_is_normalised_and_a_quick_run_leaves_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long, "HOME", tmp_path)
    case = replace(long.PIXELS, name="deep", problem="delayed-recall", length=4, hidden_size=8, at_least=200.0)
    (figure,) = long.figures(case, QUICK)
    assert (figure.name, figure.verdict) == ("Delayed recall, lag = 4, IndRNN, right %", "missed")
    assert figure.options["normed"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["deep-quick.json", "deep-quick.png"]
    net = long.network(case, long.known_problem("delayed-recall"), "indrnn", 5)
    assert [type(each).__name__ for each in net.head] == ["LayerNorm", "Linear"]


def test_steps_are_limited_by_what_is_asked() -> None:
    assert [Effort(most_steps=7).steps(wanted) for wanted in (None, 5, 9)] == [7, 5, 7]
    assert Effort(quick=True, most_steps=7).steps(9) == 5


@needs_data
def test_the_series_are_split_as_published() -> None:
    sizes = {name: (len((split := sequences.series(name)).y), len(split.truth)) for name in SERIES}
    assert sizes == {
        "ArrowHead": (36, 175),
        "BasicMotions": (40, 40),
        "DodgerLoopDay": (78, 80),
        "ECG200": (100, 100),
        "GunPoint": (50, 150),
        "ItalyPowerDemand": (67, 1029),
        "JapaneseVowels": (270, 370),
        "SwedishLeaf": (500, 625),
        "SyntheticControl": (300, 300),
        "Trace": (100, 100),
        "TwoLeadECG": (23, 1139),
    }


@needs_data
@pytest.mark.parametrize("name", ["ArrowHead", "BasicMotions", "ECG200", "GunPoint", "ItalyPowerDemand", "TwoLeadECG"])
def test_the_nearest_neighbour_is_as_good_as_published(name: str) -> None:
    assert fits.baseline(name, quick=False)["accuracy"] == pytest.approx(series.PUBLISHED[name], abs=0.05)


@needs_data
def test_texts_are_split_as_they_are_judged_and_none_stands_on_both_sides() -> None:
    found = {name: read() for name, read in sequences.TEXTS.items()}
    sizes = {name: (len(split.y), len(split.truth)) for name, split in found.items()}
    assert sizes["SST-2"] == (6920, 1821)
    assert sizes["MR"] == (9595, 1067)
    assert sizes["review polarity"] == (1600, 400)
    assert sum(sizes["Rest-Mex"]) == 5142  # of 5,197 reviews
    restmex = found["Rest-Mex"]
    assert not set(restmex.X) & set(restmex.asked)
    assert len(set(restmex.X)) == len(restmex.X)
    assert np.unique(restmex.truth).tolist() == [1, 2, 3, 4, 5]
    assert np.bincount(found["review polarity"].truth.astype(int)).tolist() == [200, 200]


@needs_data
def test_a_fit_is_scored_on_the_sequences_to_judge() -> None:
    found = fits.fitted("GunPoint", {"hidden_size": 4}, [0, 1], quick=True)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(found, 2)
    assert all(0 <= each <= 100 for each in found["accuracy"])
    again = fits.fitted("GunPoint", {"hidden_size": 4}, [1], quick=True)
    assert again["accuracy"] == found["accuracy"][1:]


def test_scores_are_percents() -> None:
    found = fits.scores(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
    assert found["accuracy"] == 75.0
    assert found["macro_f1"] == pytest.approx(100 * (0.8 + 2 / 3) / 2)
