"""`recuerdo memory`: a summary, pictures, and one step with its numbers, for a model that was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import recuerdo as rc


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    rc.data.air_passengers().write_csv(folder / "air.csv")
    model = rc.Forecaster(12, hidden_size=6, max_steps=5, random_state=0, baselines=None, verbose=False)
    model.fit(folder / "air.csv").save(folder / "model")
    return folder


def test_it_says_where_gradients_go_and_draws_it(saved, call, here):
    done = call("memory", saved / "model", saved / "air.csv")
    assert done.code == 0
    assert "Gradients of the model's own loss:" in done.out
    assert "gates promise" in done.out
    assert "\ncore.encoder.l0 " in done.out
    for quantity in ("gradient_flow", "itemised", "gates", "time_constants", "growth", "lyapunov"):
        name = f"{quantity}.png"
        assert f"memory-model/{name}" in done.out
        with Image.open(here / "memory-model" / name) as picture:
            assert picture.format == "PNG"


def test_a_language_model_and_a_classifier_are_looked_into_with_their_own_files(call, here, tmp_path):
    (tmp_path / "book.txt").write_text("the cat sat on the mat. " * 40)
    rc.LanguageModel("char", hidden_size=8, max_steps=2, steps=12, random_state=0, verbose=False).fit(
        tmp_path / "book.txt"
    ).save(tmp_path / "writer")
    done = call("memory", tmp_path / "writer", tmp_path / "book.txt", "--out", "text")
    assert done.code == 0
    assert "layers.0.l0" in done.out
    rows = "\n".join(f"good film {k},1\nbad film {k},0" for k in range(10))
    (tmp_path / "films.csv").write_text(f"text,label\n{rows}\n")
    fitting = ("--max-steps", 3, "--no-baselines", "--save", tmp_path / "judge")
    assert call("classify", tmp_path / "films.csv", *fitting).code == 0
    done = call("memory", tmp_path / "judge", tmp_path / "films.csv", "--out", "films")
    assert done.code == 0
    assert "Gradients of the model's own loss:" in done.out


def test_a_step_is_written_out_with_its_numbers(saved, call, here):
    done = call("memory", saved / "model", saved / "air.csv", "--explain", "t=17", "--unit", 2, "--out", "seen")
    assert done.code == 0
    assert "gru core.encoder.l0, unit 2, sample 0" in done.out
    assert "z           = sigmoid(a_z)" in done.out
    assert (here / "seen" / "unfolded.svg").read_text().startswith("<?xml")


def test_the_layer_and_the_sample_that_are_written_out_can_be_chosen(saved, call, here, tmp_path):
    deep = rc.Forecaster(12, num_layers=2, hidden_size=6, max_steps=2, random_state=0, baselines=None, verbose=False)
    deep.fit(saved / "air.csv").save(tmp_path / "deep")
    asked = ("--explain", "t=3", "--layer", "core.encoder.l1", "--sample", 2, "--out", "seen")
    done = call("memory", tmp_path / "deep", saved / "air.csv", *asked)
    assert done.code == 0
    assert "gru core.encoder.l1, unit 0, sample 2" in done.out


def test_a_page_is_written_where_it_is_asked_for_and_replaces_nothing_unasked(saved, call, here):
    pytest.importorskip("bokeh", reason="the extra page is not installed")
    asked = ("memory", saved / "model", saved / "air.csv", "--html", "seen.html")
    done = call(*asked)
    assert done.code == 0
    assert done.out.rstrip().endswith("seen.html")
    text = (here / "seen.html").read_text()
    assert "<h1>What model remembers of air.csv</h1>" in text
    done = call(*asked)
    assert done.code == 2
    assert "seen.html is there already" in done.err
    assert call(*asked, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--explain", "3", "--layer", "l7"], "--layer l7 is none of this model's: choose one of core.encoder.l0"),
        (["--explain", "3", "--sample", 999], "sample=999 is out of range"),
        (["--explain", "17th"], "--explain 17th names no time step: write it as --explain t=17"),
        (["--explain", "t=99"], "t=99 is out of range, because sample 0 has 24 time steps"),
        (["--overwrite"], "--overwrite is for a page at --html: name that file, or leave it out"),
        (["--explain", "3", "--unit", 6], "unit=6 is out of range, because layer core.encoder.l0 has 6 units"),
    ],
)
def test_what_cannot_be_shown_is_said_and_nothing_is_written(saved, call, here, arguments, words):
    done = call("memory", saved / "model", saved / "air.csv", *arguments)
    assert done.code == 2
    assert words in done.err
    assert not list(here.glob("memory-*"))


def test_no_picture_is_overwritten(saved, call, here):
    (here / "seen").mkdir()
    (here / "seen" / "gates.png").write_text("mine")
    done = call("memory", saved / "model", saved / "air.csv", "--out", "seen")
    assert done.code == 2
    assert "seen already holds gates.png, and nothing is overwritten unasked: choose another --out." in done.err
    assert (here / "seen" / "gates.png").read_text() == "mine"


def test_a_directory_that_is_no_model_is_said_to_be_none(saved, call, here):
    done = call("memory", here, saved / "air.csv")
    assert done.code == 2
    assert "is no model of recuerdo's: it has no model.json" in done.err
