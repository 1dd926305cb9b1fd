"""`recuerdo classify` says and writes what rc.SequenceClassifier computes, whatever the kind of file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score

import recuerdo as rc
from recuerdo.data import read_archive

RNG = np.random.default_rng(0)
GOOD, BAD = ["a grand film", "lovely and warm", "great fun"], ["a dull film", "cold and grim", "no fun"]
TEXTS = pl.DataFrame(
    {"text": [f"{one} {k}" for k in range(8) for one in GOOD + BAD], "label": (["good"] * 3 + ["bad"] * 3) * 8}
)
QUICK = {"max_steps": 3, "hidden_size": 4, "random_state": 1, "trial": False, "baselines": "auto", "verbose": False}


def waves(rows, seed):
    y = np.arange(rows) % 2
    x = np.cumsum(np.random.default_rng(seed).normal(np.where(y == 1, 0.5, -0.5)[:, None], 1, (rows, 6)), axis=1)
    return x.round(3), np.where(y == 1, "up", "down")


def archive(path, rows, seed=0):
    lines = ["@problemName Waves", "@univariate true", "@classLabel true up down", "@data"]
    lines += [",".join(map(str, row)) + f":{label}" for row, label in zip(*waves(rows, seed), strict=True)]
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def steps(rows, seed=0, each=False):
    x, labels = waves(rows, seed)
    flat = {
        "run": np.repeat([f"r{k}" for k in range(rows)], 6),
        "at": np.tile(np.arange(6)[::-1], rows),
        "height": x[:, ::-1].ravel(),
        "kind": np.where(x[:, ::-1].ravel() > 0, "above", "below") if each else np.repeat(labels, 6),
    }
    return pl.DataFrame(flat)


@pytest.fixture
def classify(call, here):
    """Run `recuerdo classify` with as little training as there can be."""

    def run(*arguments, quick=True):
        small = ("--max-steps", 3, "--hidden-size", 4, "--seed", 1, "--no-trial") if quick else ()
        return call("classify", *arguments, *small)

    return run


def test_verdicts_on_an_archive_are_those_of_predict(classify):
    done = classify(archive("Waves_TRAIN.ts", 20), archive("Waves_TEST.ts", 10, 1), "--out", "said.csv")
    assert (done.code, "trial" in done.err) == (0, False)
    train, test = read_archive("Waves_TRAIN.ts"), read_archive("Waves_TEST.ts")
    model = rc.SequenceClassifier(**QUICK).fit(train.sequences, train.labels)
    found = pl.read_csv("said.csv")
    assert found.columns == ["row", "label", "verdict", "p_down", "p_up"]
    assert found["verdict"].to_list() == model.predict(test.sequences).tolist()
    np.testing.assert_allclose(found["p_up"], model.predict_proba(test.sequences)[:, 1], rtol=1e-12)
    accuracy = accuracy_score(test.labels, model.predict(test.sequences))
    assert re.search(rf"On the 10 sequences of TEST:\n.*\nBiGRU +{accuracy:.3f}", done.out)
    assert re.search(r"^majority class +0\.500", done.out, re.MULTILINE)
    assert "true class, and verdicts:" in done.out
    assert "Waves_TRAIN.ts: 20 sequences of 6 steps" in done.out


def test_a_tsv_file_of_an_archive_and_a_packed_one_are_read(classify):
    x, y = waves(12, 0)
    lines = ["\t".join([label, *map(str, row)]) for row, label in zip(x, y, strict=True)]
    Path("a.tsv").write_text("\n".join(lines))
    Path("b.tsv.gz").write_bytes(gzip.compress("\n".join(lines[:4]).encode()))
    done = classify("a.tsv", "b.tsv.gz")
    assert done.code == 0, done.err
    assert "On the 4 sequences of TEST:" in done.out


@pytest.mark.parametrize("name", ["texts.tsv", "texts.csv", "texts.parquet"])
def test_texts_with_labels_are_classified(classify, name):
    if name.endswith("parquet"):
        TEXTS.write_parquet(name)
    else:
        TEXTS.write_csv(name, separator="\t" if "tsv" in name else ",")
    done = classify(name, name, "--out", "said.csv")
    assert done.code == 0, done.err
    assert f"{name}: 48 texts in 'text', labels in 'label'" in done.out
    model = rc.SequenceClassifier(**QUICK).fit(TEXTS["text"].to_list(), TEXTS["label"].to_numpy())
    assert pl.read_csv("said.csv")["verdict"].to_list() == model.predict(TEXTS["text"].to_list()).tolist()


def test_the_level_of_tokens_and_the_weight_of_classes_are_those_of_the_classifier(classify):
    table = TEXTS.filter((pl.col("label") == "good") | (pl.int_range(48) < 12))
    table.write_csv("texts.csv")
    done = classify("texts.csv", "texts.csv", "--level", "char", "--class-weight", "balanced", "--out", "said.csv")
    assert done.code == 0, done.err
    asked = QUICK | {"level": "char", "class_weight": "balanced"}
    model = rc.SequenceClassifier(**asked).fit(table["text"].to_list(), table["label"].to_numpy())
    made = model.predict_proba(table["text"].to_list())
    np.testing.assert_allclose(pl.read_csv("said.csv")["p_good"], made[:, 1], rtol=1e-12)


def test_a_long_table_is_told_apart_by_id_and_sorted_by_time(classify):
    steps(20).write_csv("train.csv")
    steps(8, 1).write_csv("test.csv")
    columns = ("--id", "run", "--time", "at", "--label", "kind")
    done = classify("train.csv", "test.csv", *columns, "--out", "said.csv")
    assert done.code == 0, done.err
    x, y = waves(20, 0)
    model = rc.SequenceClassifier(**QUICK).fit(list(x[..., None]), y)
    found = pl.read_csv("said.csv")
    assert found["id"].to_list() == [f"r{k}" for k in range(8)]
    assert found["verdict"].to_list() == model.predict(list(waves(8, 1)[0][..., None])).tolist()


def test_every_row_of_a_long_table_may_have_a_verdict(classify):
    steps(20, each=True).write_csv("train.csv")
    columns = ("--id", "run", "--label", "kind", "--features", "height", "--output", "each")
    done = classify("train.csv", "train.csv", *columns, "--out", "said.csv")
    assert done.code == 0, done.err
    found = pl.read_csv("said.csv")
    assert found.columns == ["id", "step", "label", "verdict", "p_above", "p_below"]
    assert found.height == 120
    assert found["step"].to_list() == [*range(1, 7)] * 20
    assert "On the 120 steps of TEST:" in done.out
    done = classify("train.csv", "train.csv", *columns, "--explain", "r1", "--explanation", "why.html")
    truth = pl.read_csv("train.csv")["kind"][11]
    said = rf"^Verdict at the last step on id r1: (above|below), .* \(label: {truth}\)$"
    assert re.search(said, done.out, re.MULTILINE), done.out + done.err
    steps(20, each=True).rename({"at": "moment"}).write_csv("train.csv")
    done = classify("train.csv", "train.csv", *columns, "--time", "moment", "--out", "said.csv", "--overwrite")
    assert done.code == 0, done.err
    found = pl.read_csv("said.csv")
    assert found["moment"].to_list() == [*range(6)] * 20
    assert found.columns == ["id", "step", "moment", "label", "verdict", "p_above", "p_below"]


def test_numbers_are_drawn_against_the_true_ones(classify):
    TEXTS.with_columns(label=pl.int_range(48) / 10).write_csv("scores.csv")
    done = classify("scores.csv", "scores.csv", "--regress", "--picture", "said.png", "--save", "model")
    assert done.code == 0, done.err
    assert Path("said.png").read_bytes().startswith(b"\x89PNG")
    assert classify("model", "scores.csv", "--picture", "again.png", quick=False).code == 0
    assert Path("again.png").read_bytes() == Path("said.png").read_bytes()


def test_other_lengths_of_test_are_said(classify):
    archive("train.ts", 20)
    lines = Path("train.ts").read_text().splitlines()
    Path("test.ts").write_text("\n".join([*lines[:4], *(line.partition(",")[2] for line in lines[4:])]) + "\n")
    assert "20 of 20 sequences of TEST are shorter than any of TRAIN" in classify("train.ts", "test.ts").out
    assert "than any of TRAIN" not in classify("train.ts", "train.ts").out


def test_numbers_are_scored_when_that_is_asked_for(classify):
    texts = TEXTS.with_columns(label=pl.int_range(48) / 10)
    texts.write_csv("scores.csv")
    done = classify("scores.csv")
    assert done.code == 2
    assert "The labels are 48 different numbers from 0 to 4.7 in 48 rows: --regress learns to score such." in done.err
    done = classify("scores.csv", "scores.csv", "--regress", "--out", "said.csv")
    assert done.code == 0, done.err
    assert re.search(r"On the 48 sequences of TEST:\n +MAE +RMSE +R2\n", done.out)
    assert pl.read_csv("said.csv").columns == ["row", "label", "number"]


def test_the_trial_its_verdict_and_the_seed_are_told(classify):
    done = classify(archive("a.ts", 40), "--max-steps", 2, "--hidden", 4, "--seed", 5, "--no-baselines", quick=False)
    assert done.code == 0, done.err
    assert re.search(r"^fitted in .* s: 2 steps, seed 5$", done.out, re.MULTILINE)
    assert "held-out sequences:" in done.out
    assert "BiGRU: no baseline was asked for, so whether it is any good is not known." in done.out


def test_a_baseline_that_wins_is_said_and_is_no_traceback(classify):
    x = RNG.normal(size=(60, 6)).round(3)
    lines = ["\t".join(["a" if k % 5 else "b", *map(str, row)]) for k, row in enumerate(x)]
    Path("noise.tsv").write_text("\n".join(lines))
    done = classify("noise.tsv", "noise.tsv", "--max-steps", 2, "--hidden", 4, "--seed", 1, quick=False)
    assert done.code == 0, done.err
    assert "Warning" not in done.err
    assert len(re.findall(r"majority class (?:wins|are level)|and majority class are level", done.out)) >= 1


def test_a_saved_model_judges_other_files(classify):
    archive("a.ts", 20)
    first = classify("a.ts", archive("b.ts", 10, 1), "--save", "model", "--out", "one.csv")
    assert "recuerdo classify model b.ts" in first.out
    again = classify("model", "b.ts", "--out", "two.csv", quick=False)
    assert again.code == 0, again.err
    assert Path("one.csv").read_text() == Path("two.csv").read_text()
    assert first.out.split("of TEST:")[1].split("Written")[0] == again.out.split("of TEST:")[1].split("Written")[0]


def test_a_saved_model_remembers_the_columns_of_a_long_table(classify):
    train = steps(20).with_columns(second=pl.col("height") * 0 + 7 - pl.int_range(120) % 5)
    train.write_csv("train.csv")
    # In another order, and with a column more.
    train.select("second", "at", "kind", pl.lit(3.0).alias("z"), "run", "height").write_csv("test.csv")
    columns = ("--id", "run", "--time", "at", "--label", "kind", "--features", "height", "--features", "second")
    first = classify("train.csv", "test.csv", *columns, "--save", "model", "--out", "one.csv")
    assert first.code == 0, first.err
    again = classify("model", "test.csv", "--out", "two.csv", quick=False)  # as is printed below "Next:"
    assert again.code == 0, again.err
    assert Path("one.csv").read_text() == Path("two.csv").read_text()
    train.drop("second").rename({"run": "who"}).write_csv("less.csv")
    less = classify("model", "less.csv", "--id", "who", quick=False)
    assert (less.code, "less.csv has no column 'second'" in less.err.replace("\n", " ")) == (2, True)
    train.drop("kind").write_csv("new.csv")
    assert "TEST has no labels" in classify("model", "new.csv", quick=False).out
    typo = classify("model", "test.csv", "--label", "kinds", quick=False)
    assert (typo.code, "test.csv has no column 'kinds'" in typo.err.replace("\n", " ")) == (2, True)


def test_a_saved_model_remembers_which_column_holds_the_texts(classify):
    table = TEXTS.with_columns(other=pl.lit("in no way a short text of all those"))
    table.write_csv("texts.csv")
    first = classify("texts.csv", "texts.csv", "--text", "text", "--label", "label", "--save", "model")
    again = classify("model", "texts.csv", quick=False)
    assert again.code == 0, again.err
    assert first.out.split("of TEST:")[1].split("Written")[0].strip() == again.out.split("of TEST:")[1].strip()


def test_a_saved_model_of_texts_finds_the_labels_of_a_table(classify):
    TEXTS.write_csv("texts.csv")
    assert classify("texts.csv", "--save", "model").code == 0
    done = classify("model", "texts.csv", quick=False)
    assert "On the 48 sequences of TEST:" in done.out


def wide(rows: int, seed: int) -> pl.DataFrame:
    x, labels = waves(rows, seed)
    steps = {f"s{k}": x[:, k].ravel() for k in range(x.shape[1])}
    return pl.DataFrame({"id": range(rows), **steps, "shape": np.asarray(labels).astype(str)})


def test_a_table_with_a_series_in_each_row_is_classified(classify):
    wide(20, 0).write_csv("train.csv")
    wide(8, 1).write_csv("test.csv")
    for named in ((), ("--label", "shape")):
        done = classify("train.csv", "test.csv", *named, "--save", "model", "--overwrite")
        read = "train.csv: 20 sequences of 6 steps, a series in each row, its steps 's0' to 's5', labels in 'shape'"
        assert read in done.out
        assert "column 'id' numbers the rows and is no step" in done.out
        assert "On the 8 sequences of TEST:" in done.out
    turned = wide(8, 1)
    turned.select(turned.columns[::-1]).drop("shape").write_csv("turned.csv")
    assert classify("model", "test.csv", "--out", "one.csv", quick=False).code == 0
    assert classify("model", "turned.csv", "--out", "two.csv", quick=False).code == 0
    one, two = pl.read_csv("one.csv"), pl.read_csv("two.csv")
    assert one.drop("label").equals(two)
    numbers = classify("train.csv", "--label", "s0", "--features", "s1", "--features", "s2", "--regress")
    assert "20 sequences of 2 steps" in numbers.out


def test_some_labels_of_test_may_lack(classify):
    TEXTS.write_csv("texts.csv")
    TEXTS.with_columns(label=pl.when(pl.int_range(48) < 40).then("label")).write_csv("some.csv")
    done = classify("texts.csv", "some.csv", "--out", "said.csv", "--explain", "45", "--explanation", "why.html")
    assert "On the 40 sequences of TEST:" in done.out
    assert "8 of 48 have no label and are not counted" in done.out
    assert "Verdict on row 45: " in done.out
    said = pl.read_csv("said.csv")
    assert said["label"].null_count() == 8
    assert said["verdict"].null_count() == 0
    (typo,) = classify("some.csv", "texts.csv").err.splitlines()[-1:]
    assert "has no label (8 such rows)" in typo


def test_what_has_no_labels_gets_verdicts(classify):
    TEXTS.write_csv("texts.csv")
    TEXTS.select("text").write_csv("new.csv")
    done = classify("texts.csv", "new.csv", "--out", "said.csv")
    assert "TEST has no labels, so how good the verdicts on it are is not known." in done.out
    assert pl.read_csv("said.csv").columns == ["row", "verdict", "p_bad", "p_good"]
    done = classify("texts.csv", "new.csv", "--picture", "a.png")
    assert done.code == 2
    assert "--picture compares verdicts with labels, and TEST has none" in done.err


@pytest.mark.parametrize("place", [None, "why.html"])
def test_what_moved_a_verdict_is_printed_and_drawn(classify, place):
    TEXTS.write_csv("texts.csv")
    done = classify("texts.csv", "texts.csv", "--explain", 3, *([] if place is None else ["--explanation", place]))
    assert done.code == 0, done.err
    said = r"^Verdict on row 3: bad, with a probability of 0\.\d+; .* \(label: bad\)$"
    assert re.search(said, done.out, re.MULTILINE)
    model = rc.SequenceClassifier(**QUICK).fit(TEXTS["text"].to_list(), TEXTS["label"].to_numpy())
    found = model.explain(TEXTS["text"][3])
    lines = done.out.split("moved by")[1].splitlines()[1:5]
    assert [line.split()[1] for line in lines] == TEXTS["text"][3].split()
    assert [line.split()[2] for line in lines] == [f"{moved:+.3f}" for moved in found.moved]
    assert Path(place or "explanation-3.png").stat().st_size > 1000


def test_a_sequence_of_a_long_table_is_explained_by_its_id(classify):
    steps(20).write_csv("a.csv")
    columns = ("--id", "run", "--label", "kind", "--features", "height")
    done = classify("a.csv", "a.csv", *columns, "--explain", "r7")
    assert re.search(r"^Verdict on id r7: (up|down), .* \(label: up\)$", done.out, re.MULTILINE)
    assert Path("explanation-r7.png").read_bytes().startswith(b"\x89PNG")
    done = classify("a.csv", "a.csv", *columns, "--explain", "r99")
    assert done.code == 2
    assert "--explain r99: there is no such id; there are r0, r1, r2 and 17 more." in done.err


def test_the_confusion_is_drawn(classify):
    archive("a.ts", 20)
    done = classify("a.ts", "a.ts", "--picture", "out/confusion.png")
    assert done.out.endswith("\nWritten:\n  out/confusion.png\n")
    assert Path("out/confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("option", ["--out", "--picture", "--explanation", "--save"])
def test_what_is_there_is_not_overwritten_unasked(classify, option):
    archive("a.ts", 20)
    name = {"--picture": "x.png", "--explanation": "x.png"}.get(option, "x")
    Path(name).write_text("mine")
    more = ("--explain", 0) if option == "--explanation" else ()
    done = classify("a.ts", "a.ts", option, name, *more)
    assert (done.code, done.out) == (2, "")
    assert f"{name} is there already, and nothing is overwritten unasked: choose another {option}" in done.err
    assert Path(name).read_text() == "mine"
    if option == "--save":
        assert classify("a.ts", option, name, "--overwrite").code == 2  # what is no model is never replaced
        Path(name).unlink()
        assert classify("a.ts", option, name).code == 0
    assert classify("a.ts", "a.ts", option, name, *more, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.ts"], "nowhere.ts"),
        (["waves.arff"], "waves.arff: ARFF is not read. The archives have the same sequences as .ts: take that file."),
        (["a.ts", "--out", "x.csv"], "There is no TEST, whose sequences --out is for: name it after a.ts."),
        (["a.ts", "a.ts", "--picture", "x.gif"], "A picture ends in .png, .svg, .pdf, and x.gif does not"),
        (["a.ts", "--label", "x"], "a.ts is a file of an archive and has no columns with names: leave out --label."),
        (["a.ts", "--output", "each"], "go with a long table, one row for each step: name the column"),
        (["a.ts", "--output", "all"], "--output all is not offered: there are last and each."),
        (["a.ts", "--regress"], "--regress learns numbers, and a label is 'down': leave --regress out."),
        (["a.ts", "--class-weight", "x"], "--class-weight x is not offered: there is balanced."),
        (["a.ts", "--class-weight", "balanced", "--regress"], "--class-weight is of classes, and --regress has none"),
        (["a.ts", "--cell", "rnn"], "cell='rnn' is not offered"),
        (["a.ts", "a.ts", "--explanation", "x.png"], "it names no row: add --explain ROW."),
        (["a.ts", "a.ts", "--explain", "77"], "--explain 77: there is no such row; there are 0 to 19."),
        (["a.ts", "texts.csv"], "TRAIN holds numbers and TEST texts: give both of one kind."),
        (["a.ts", "two.ts"], "TRAIN has 1 features and TEST 2: give the same, in the same order."),
        (["texts.csv", "marks.csv"], "are of two kinds, text and numbers: write both alike."),
        (["steps.csv", "--id", "run"], "--id needs --label, the column of a long table that is to be learned."),
        (["steps.csv", "--id", "run", "--text", "kind"], "--text names a column of whole texts"),
    ],
)
def test_bad_input_is_one_sentence(classify, arguments, message):
    archive("a.ts", 20)
    Path("two.ts").write_text("@classLabel true up down\n@data\n1,2:3,4:up\n2,1:4,3:down\n")
    TEXTS.write_csv("texts.csv")
    TEXTS.with_columns(label=pl.int_range(48) % 2).write_csv("marks.csv")
    steps(4).write_csv("steps.csv")
    done = classify(*arguments)
    assert done.code == 2
    assert done.err.startswith("recuerdo: ")
    assert message in done.err.replace("\n", " ")
    assert "fitted" not in done.out


def test_a_saved_model_takes_no_options_of_training_and_no_other_task(classify, forecast, sales):
    archive("a.ts", 20)
    classify("a.ts", "--save", "model")
    done = classify("model", "a.ts", "--seeds", 2, quick=False)
    assert "model is a model that is fitted already, so --seeds has no use: leave it out." in done.err
    assert "There is no TEST, whose sequences the saved model is for" in classify("model", quick=False).err
    forecast(sales, "--out", "f")
    done = classify("f/model", "a.ts", quick=False)
    assert (done.code, "f/model holds a Forecaster, which judges no sequences" in done.err) == (2, True)


def test_a_file_that_is_refused_needs_no_torch(python, here):
    program = """
import sys
from recuerdo.cli import main
sys.argv = ["recuerdo", "classify", "nowhere.tsv"]
try:
    main()
finally:
    print("loaded:", [name for name in ("torch", "matplotlib", "sklearn") if name in sys.modules])
"""
    done = python(program)
    assert done.code == 2
    assert done.out.splitlines()[-1] == "loaded: []"
