"""`recuerdo doctor`: the fault of a saved model or of an example, its remedy, and what the remedy changed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import recuerdo as rc


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A forecaster that was trained for two steps, with its table."""
    folder = tmp_path_factory.mktemp("saved")
    rc.data.air_passengers().write_csv(folder / "air.csv")
    model = rc.Forecaster(12, hidden_size=6, lookback=6, max_steps=30, random_state=0, baselines=None, verbose=False)
    model.fit(folder / "air.csv").save(folder / "model")
    return folder


def test_an_example_is_diagnosed(call, here):
    done = call("doctor", "vanishing")
    assert done.code == 0
    assert "1. vanishing: Weights promise 2 steps" in done.out
    assert "Try: cell='lstm', with a forget bias for 30 steps (init='chrono', max_lag=30)." in done.out
    assert "before" not in done.out.replace("30 steps before", "")
    assert not list(here.iterdir())


def test_an_example_is_cured(call, here):
    done = call("doctor", "exploding", "--fix")
    assert done.code == 0
    assert "1. exploding: The gradient grows by a factor of" in done.out
    assert "Training it again with cell='lstm', init='chrono', max_lag=30, against exploding:" in done.out
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    assert rows["findings"] == ["exploding", "none"]
    assert rows["held"] == ["0", "30"]
    assert float(rows["right"][1]) > 0.99 > 0.7 > float(rows["right"][0])
    assert "It helped: right" in done.out
    assert not list(here.iterdir())


def test_a_forecaster_that_cannot_see_a_season_is_given_a_longer_look(saved, call, here):
    done = call("doctor", saved / "model", saved / "air.csv", "--fix")
    assert done.code == 0
    assert "1. short-lookback: The samples have 6 steps, and the task needs 12 (known of the data)." in done.out
    assert "Training it again with lookback=24, against short-lookback:" in done.out
    assert "MASE" in done.out
    cured = rc.load(here / "model-treated")
    assert cured.get_params()["lookback"] == 24
    assert cured.report_.random_state == 0
    assert "model-treated  the model that was trained again" in done.out
    assert rc.load(saved / "model").get_params()["lookback"] == 6


def test_where_the_model_goes_can_be_said_and_nothing_is_overwritten(saved, call, here):
    call("doctor", saved / "model", saved / "air.csv", "--fix", "--save", "cured")
    assert rc.load(here / "cured").get_params()["lookback"] == 24
    done = call("doctor", saved / "model", saved / "air.csv", "--fix", "--save", "cured")
    assert done.code == 2
    assert "cured is there already, and nothing is overwritten unasked: choose another --save" in done.err
    assert call("doctor", saved / "model", saved / "air.csv", "--fix", "--save", "cured", "--overwrite").code == 0


def test_how_far_the_task_has_to_look_can_be_said(saved, call):
    done = call("doctor", saved / "model", saved / "air.csv", "--needed", 40)
    assert "the task needs 40 (given)" in done.out


def test_a_classifier_and_a_language_model_are_diagnosed_by_their_own_trainings(call, here):
    rows = "\n".join(f"good film {k},1\nbad film {k},0" for k in range(40))
    Path("films.csv").write_text(f"text,label\n{rows}\n")
    fitting = ("--max-steps", 40, "--seed", 0, "--no-baselines", "--save", "judge")
    assert call("classify", "films.csv", *fitting).code == 0
    done = call("doctor", "judge", "films.csv")
    assert done.code == 0
    assert "SequenceClassifier (BiGRU): " in done.out
    Path("book.txt").write_text("the cat sat on the mat. " * 60)
    model = rc.LanguageModel("char", hidden_size=8, learning_rate=1.0, max_steps=60, steps=12, random_state=0,
                             baselines=None, verbose=False)  # fmt: skip
    model.fit(Path("book.txt")).save("writer")
    done = call("doctor", "writer", "book.txt", "--fix")
    assert "1. saturated: The gates are shut or open, and seldom in between" in done.out
    assert "Training it again with learning_rate=0.1, against saturated:" in done.out
    (row,) = [line.split() for line in done.out.splitlines() if line.startswith("perplexity")]
    was, now = map(float, row[1:])
    assert f"It {'helped' if now < was else 'did not help'}: perplexity {now:.4g}, and {was:.4g} before." in done.out
    assert rc.load("writer-treated").learning_rate == 0.1


def test_what_is_well_is_left_alone(call, here):
    t = np.arange(300)
    Path("wave.csv").write_text("ds,y\n" + "\n".join(f"{k},{np.sin(k / 4):.4f}" for k in t) + "\n")
    model = rc.Forecaster(4, hidden_size=12, max_steps=400, random_state=0, baselines=None, verbose=False)
    model.fit("wave.csv").save("well")
    done = call("doctor", "well", "wave.csv", "--fix")
    assert done.code == 0
    assert "Nothing is found wrong with it." in done.out
    assert "Nothing was trained: nothing is found wrong with it." in done.out
    assert sorted(each.name for each in here.iterdir()) == ["wave.csv", "well"]


def test_a_remedy_that_no_option_holds_is_said_and_not_tried(call, here):
    """Of a SequenceClassifier the forget bias is no option."""
    from recuerdo.cli.doctor import _first_remedy, _no_remedy
    from recuerdo.memory import Finding

    found = SimpleNamespace(faults=[Finding("forgets", "It forgets.", "a forget bias", {"init": "chrono"})])
    assert _first_remedy(found, frozenset({"cell"})) == (None, {})
    assert "no remedy for forgets is an option of this model" in _no_remedy(found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model"], "DATA is missing: name a file like the one that model was fitted on."),
        (["vanishing", "air.csv"], "'vanishing' is an example, and brings data of its own: leave DATA out."),
        (["vanishing", "--save", "here"], "--save is where --fix puts the model that it trains: add --fix"),
        (["vanishing", "--fix", "--overwrite"], "--overwrite is for a model at --save: name that folder, or leave it"),
        (["vanishing", "--fix", "--save", "here"], "'vanishing' is an example, and not kept: leave --save out."),
        (["nowhere", "air.csv"], "nowhere"),
        (["vanishing", "--needed", "-1"], "needed=-1: it counts steps back"),
    ],
)
def test_what_does_not_go_together_is_said(call, here, arguments, words):
    done = call("doctor", *arguments)
    assert done.code == 2
    assert words in done.err
    assert not list(here.iterdir())
