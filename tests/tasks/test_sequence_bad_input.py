"""What sequence estimators say of input that cannot be right, and what they answer where it is only unusual."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency

from recuerdo import SequenceClassifier, SequenceRegressor, load
from recuerdo.errors import DataError, OptionError, ShapeError

SMALL = {"hidden_size": 4, "embedding_size": 4, "max_steps": 10, "random_state": 0, "verbose": False, "baselines": None}
N, T, D = 20, 6, 3
X = np.random.default_rng(0).standard_normal((N, T, D))
Y = np.tile([0, 1], N // 2)
STEPS = np.tile([0, 1, 0], (N, T // 3))
TEXTS = ["good film", "bad film"] * (N // 2)


def classifier(**options) -> SequenceClassifier:
    return SequenceClassifier(**{**SMALL, **options})


def regressor(**options) -> SequenceRegressor:
    options = {**SMALL, **options}
    return SequenceRegressor(**options)


@cache
def fitted(kind: str):
    match kind:
        case "numbers":
            return classifier().fit(X, Y)
        case "rows":
            return classifier().fit(X[..., 0], Y)
        case "texts":
            return classifier().fit(TEXTS, Y)
        case "each":
            return classifier(output="each").fit(X, STEPS)
        case _:
            return regressor().fit(X, X[:, 0, 0])


def holed(place, hole=np.nan):
    made = X.copy()
    made[place] = hole
    return made


WRONG_X = {
    "a wrong axis": ("numbers", X.transpose(0, 2, 1), ShapeError, r"did you mean X\.transpose\(0, 2, 1\)\?"),
    "fewer features": ("numbers", X[..., :2], ShapeError, "X has 2 features, but SequenceClassifier is expecting 3"),
    "features of a regressor": ("numbers of y", X[..., :2], ShapeError, "SequenceRegressor is expecting 3 features"),
    "one feature of three": ("numbers", X[..., 0], ShapeError, "X has 1 features, but .* is expecting 3 features"),
    "rows of other lengths": ("rows", X[:, :4, 0], ShapeError, "fit on a list of arrays where lengths differ"),
    "an axis too many": ("numbers", X[None], ShapeError, "drop an axis"),
    "an axis too few": ("numbers", X[0, :, 0], ShapeError, r"X\.reshape\(1, -1\) is one sequence"),
    "no sequence in an array": ("numbers", X[:0], ShapeError, r"0 sample\(s\)"),
    "no sequence in a list": ("numbers", [], ShapeError, "there are no sequences"),
    "no sequence in a stream": ("numbers", iter([]), ShapeError, "there are no sequences"),
    "no text": ("texts", [], ShapeError, r"0 sample\(s\)"),
    "an empty sequence": ("numbers", [X[0], X[1, :0]], ShapeError, "Sequence 1 is empty: .* Leave it out"),
    "sequences of several widths": ("numbers", [X[0], X[1, :, :2]], ShapeError, "Sequence 1 has 2 features"),
    "texts for numbers": ("numbers", TEXTS, DataError, "was fitted on numbers, and was given texts: give arrays"),
    "numbers for texts": ("texts", X, DataError, "was fitted on texts, and was given numbers: give a list of str"),
    "texts for a regressor": ("numbers of y", TEXTS, DataError, "SequenceRegressor was fitted on numbers"),
    "one text": ("texts", "good film", DataError, r"put it into a list, \[text\]"),
    "bytes": ("texts", [b"good"], DataError, r"Decode bytes first, for example by \.decode\('utf-8'\)"),
    "a text that is missing": ("texts", ["good", None], DataError, "Text 1 is no str but NoneType. Leave it out"),
    "a number among texts": ("texts", ["good", 3.0], DataError, r"Text 1 is no str but float \(3.0\)"),
    "a text among numbers": ("numbers", [X[0], "good"], DataError, "sequence 1 is text .* where numbers belong"),
    "words for numbers": ("numbers", [["a", "b"]], DataError, "was fitted on numbers, and was given lists of words"),
    "strings in a list": ("numbers", [[1.0, "b"]], DataError, r"'b' \(sequence 0, time step 1\) is no number"),
    "strings in an array": ("rows", np.array([[1.0, "b"]], object), DataError, r"'b' \(sample 0, time step 1\)"),
    "strings in a table": ("rows", pd.DataFrame({"a": ["x"], "b": 1}), DataError, "column 'a' is of text"),
    "dates in a table": (
        "rows",
        pd.DataFrame({"a": pd.to_datetime(["2020"])}),
        DataError,
        "column 'a' is of type Date",
    ),
    "NaN": ("numbers", holed((2, 3, 1)), DataError, r"Sample 2, time step 3, feature 1 is missing \(NaN\)"),
    "infinity": ("numbers", holed((2, 3, 1), np.inf), DataError, "inf in sequence 2, time step 3, feature 1"),
    "beyond float32": ("numbers", holed((2, 3, 1), 1e300), DataError, r"too large for float32: 1e\+300"),
    "nothing": ("numbers", None, DataError, "got None"),
    "a dict": ("numbers", {"a": 1}, DataError, "got a dict"),
}


@pytest.mark.parametrize(("kind", "given", "error", "words"), WRONG_X.values(), ids=WRONG_X)
def test_what_cannot_be_asked_is_said(kind, given, error, words):
    with pytest.raises(error, match=words):
        fitted(kind).predict(given)


@pytest.mark.parametrize("given", [X[None], [], X[:0], [X[0], X[1, :0]], [[0, "b"]] * N, holed(0, np.inf), iter(X)])
def test_fit_refuses_what_predict_refuses(given):
    with pytest.raises((DataError, ShapeError), match=r"[Ss]equence|samples|Found array|is no number|Make a list"):
        classifier().fit(given, Y)


WRONG_Y = {
    "no y": (None, DataError, "the target y is None"),
    "one class": (np.zeros(N, int), DataError, "y holds one class only, 0: it takes two classes or more"),
    "bytes": (np.array([b"a", b"b"] * (N // 2)), DataError, r"y holds bytes, as b'a': decode them"),
    "one class of strings": (["a"] * N, DataError, "y holds one class only, 'a'"),
    "shorter": (Y[:-1], ShapeError, "there are 20 sequences and 19 answers"),
    "longer": (np.r_[Y, Y], ShapeError, "there are 20 sequences and 40 answers"),
    "one for each step": (STEPS, ShapeError, r"y has shape \(20, 6\).* That is output='each'"),
    "rows of several lengths": ([[0], [1, 2]] * 10, ShapeError, "rows of different lengths: output='each' takes"),
    "a single one": (1, ShapeError, r"y has shape \(\)"),
    "None": ([None, *Y[1:].tolist()], DataError, "Sample 0 has no label"),
    "NaN": ([*Y[:-1].tolist(), np.nan], DataError, "Sample 19 has no label .* leave the sample out, or label it"),
    "NaN among strings": (["a", "b"] * 9 + ["a", np.nan], DataError, "Sample 19 has no label"),
    "NA of pandas": (pd.Series([pd.NA, *Y[1:]], dtype="Int64"), DataError, "Sample 0 has no label"),
    "NA among objects": (pd.Series([pd.NA, *Y[1:]], dtype=object), DataError, "Sample 0 has no label"),
    "NA among strings": (pd.Series([pd.NA, *["a", "b"] * 9, "a"], dtype="string"), DataError, "Sample 0 has no label"),
    "null of polars": (pl.Series([None, *["a", "b"] * 9, "a"]), DataError, "Sample 0 has no label"),
    "strings and numbers": (["a", 1] * 10, DataError, r"y mixes labels of the types \['int', 'str'\]"),
    "fractions": (Y + 0.5, DataError, "Unknown label type: y holds 0.5, .*SequenceRegressor learns numbers"),
    "infinity": (np.where(Y == 1, np.inf, 0.0), DataError, "Unknown label type: y holds inf"),
    "complex": (Y + 1j, DataError, "Complex data not supported"),
    "dates": (np.array(["2020", "2021"] * 10, "datetime64[Y]"), DataError, "Unknown label type: y holds datetime64"),
}


@pytest.mark.parametrize(("y", "error", "words"), WRONG_Y.values(), ids=WRONG_Y)
def test_labels_that_cannot_be_learned_are_said(y, error, words):
    with pytest.raises(error, match=words):
        classifier().fit(X, y)


WRONG_STEPS = {
    "one for each sequence": (Y, ShapeError, "y of sample 0 is the single 0: give 6, or output='last'"),
    "too few steps": (STEPS[:, :5], ShapeError, "sample 0 has 6 steps and 5 answers"),
    "too few sequences": (STEPS[:-1], ShapeError, "there are 20 sequences and 19 rows of answers"),
    "a column for each class": (np.eye(2)[STEPS], ShapeError, r"y\.argmax\(axis=-1\) is the label"),
    "no label at all": (np.full((N, T), np.nan), DataError, "y holds no label at all"),
    "one class": (np.zeros((N, T), int), DataError, "y holds one class only, 0"),
    "no y": (None, DataError, "the target y is None: give one for each step"),
    "a single one": (3, ShapeError, r"y is 3: give \(N, T\) of them"),
}


@pytest.mark.parametrize(("y", "error", "words"), WRONG_STEPS.values(), ids=WRONG_STEPS)
def test_labels_of_steps_that_cannot_be_learned_are_said(y, error, words):
    with pytest.raises(error, match=words):
        classifier(output="each").fit(X, y)


WRONG_NUMBERS = {
    "strings": ("last", ["a"] * N, DataError, "y has to hold numbers, and it holds .*'a'"),
    "NaN": ("last", np.where(Y == 0, np.nan, 1.0), DataError, "y of sample 0 is nan"),
    "infinity": ("last", np.where(Y == 1, np.inf, 1.0), DataError, "y of sample 1 is inf"),
    "numbers whose squares overflow": ("last", Y * 1e200, DataError, r"beyond 1e\+100, .* in a larger unit"),
    "an axis too many": ("last", np.zeros((N, T, 1)), ShapeError, "That is output='each'"),
    "shorter": ("last", X[1:, 0, 0], ShapeError, "there are 20 sequences and 19 answers"),
    "no number at all": ("each", np.full((N, T), np.nan), DataError, "y holds no number at all"),
    "no whole step": (
        "each",
        np.stack([np.full((N, T), np.nan), np.zeros((N, T))], axis=-1),
        DataError,
        "no step has a number in all 2 columns",
    ),
    "infinity at a step": ("each", holed((2, 3, 1), np.inf), DataError, "y of sample 2 is inf"),
    "several widths": (
        "each",
        [np.zeros((T, 2))] * 19 + [np.zeros((T, 3))],
        ShapeError,
        r"sample 19 has shape \(6, 3\)",
    ),
}


@pytest.mark.parametrize(("output", "y", "error", "words"), WRONG_NUMBERS.values(), ids=WRONG_NUMBERS)
def test_numbers_that_cannot_be_learned_are_said(output, y, error, words):
    with pytest.raises(error, match=words):
        regressor(output=output).fit(X, y)


WRONG_LENGTHS = {
    "fewer": ([T] * (N - 1), "there are 20 sequences and 19 lengths"),
    "none": ([0] + [T] * (N - 1), "sample 0 has 6 time steps, so its length cannot be 0"),
    "more than there are": ([T] * (N - 1) + [7], "sample 19 has 6 time steps, so its length cannot be 7"),
    "no whole numbers": ([float(T)] * N, "lengths are whole numbers"),
}


@pytest.mark.parametrize(("lengths", "words"), WRONG_LENGTHS.values(), ids=WRONG_LENGTHS)
def test_lengths_that_do_not_match_are_said(lengths, words):
    with pytest.raises(ShapeError, match=words):
        classifier().fit(X, Y, lengths=lengths)
    with pytest.raises(ShapeError, match=words):
        fitted("numbers").predict(X, lengths=lengths)


def test_lengths_go_with_padded_arrays_alone():
    with pytest.raises(DataError, match="a text is as long as it is: leave them out"):
        fitted("texts").predict(TEXTS, lengths=[2] * N)
    with pytest.raises(DataError, match="X is an iterator: give each row cut to its own"):
        fitted("numbers").predict(iter(X), lengths=[2] * N)


def test_a_padded_array_of_answers_is_cut_as_its_sequences_are():
    lengths = 1 + np.arange(N) % T
    rows = [x[:length] for x, length in zip(X, lengths, strict=True)]
    junk = np.where(np.arange(T) < lengths[:, None], STEPS, 7)
    padded = classifier(output="each").fit(X, junk, lengths=lengths)
    listed = classifier(output="each").fit(rows, [y[:length] for y, length in zip(STEPS, lengths, strict=True)])
    for said, other in zip(padded.predict_proba(X, lengths=lengths), listed.predict_proba(rows), strict=True):
        np.testing.assert_array_equal(said, other)
    assert padded.score(X, junk, lengths=lengths) == listed.score(
        rows, [y[: len(x)] for x, y in zip(rows, STEPS, strict=True)]
    )


def test_a_text_of_unseen_tokens_alone_is_answered():
    np.testing.assert_allclose(fitted("texts").predict_proba(["zebra quagga"]).sum(axis=1), 1)
    model = classifier(bag=False).fit(TEXTS, Y)
    unseen = model.predict_proba(["zebra quagga"])
    np.testing.assert_array_equal(unseen, model.predict_proba(["quokka numbat"]))  # all unknown words are one word


def test_a_text_without_a_token_is_answered():
    model = fitted("texts")
    empty = model.predict_proba(["", "  \t", "good film"])
    assert np.isfinite(empty).all()
    np.testing.assert_array_equal(empty[0], empty[1])
    np.testing.assert_array_equal(empty[0], model.predict_proba([""])[0])
    np.testing.assert_array_equal(model.explain("").running[-1], empty[0])
    assert model.explain("").tokens == ()


def test_an_empty_text_may_be_learned_from_but_not_nothing_else():
    model = classifier().fit(["", *TEXTS[1:]], Y)
    assert np.isfinite(model.predict_proba([""])).all()
    for empty in ("", " \n"):
        with pytest.raises(DataError, match="there is no token in the 20 texts: give texts with words"):
            classifier().fit([empty] * N, Y)
    signs = ["😀", "😢"] * (N // 2)  # no letter, and yet tokens
    assert np.isfinite(classifier().fit(signs, Y).predict_proba(signs)).all()


def test_gaps_that_fit_has_seen_are_understood():
    train = holed((slice(None), slice(0, 2), 0))
    model = classifier().fit(train, Y)
    assert np.isfinite(model.predict_proba(train)).all()
    assert np.isfinite(model.predict_proba(X)).all()
    with pytest.raises(DataError, match=r"feature 1 is missing .* train on sequences with gaps"):
        model.predict(holed((0, 0, 1)))
    with pytest.raises(DataError, match="Feature 1 has no value in any training sequence: leave it out"):
        classifier().fit(holed((slice(None), slice(None), 1)), Y)


def test_a_class_that_stands_once_is_learned_from():
    model = classifier().fit(X, np.arange(N))
    assert model.classes_.tolist() == list(range(N))
    rare = classifier().fit(X, [0] * (N - 1) + [1])
    assert rare.predict_proba(X).shape == (N, 2)


def test_answers_at_few_steps_of_one_sequence_are_enough():
    y = np.full((N, T), np.nan)
    y[0] = STEPS[0]
    model = classifier(output="each").fit(X, y)
    assert model.report_.scores == {}
    assert "no trial, for which 10 sequences or more are needed" in model.report_.choices
    assert regressor(output="each").fit(X, y).predict(X).shape == (N, T)


def test_labels_keep_their_type_where_some_are_missing():
    y = [[None if t == 2 else int(one) for t, one in enumerate(row)] for row in STEPS]
    model = classifier(output="each").fit(X, y)
    assert model.classes_.dtype == np.int64
    named = classifier(output="each").fit(X, [[np.nan if one is None else "ab"[one] for one in row] for row in y])
    assert named.classes_.tolist() == ["a", "b"]


def test_a_class_that_fit_has_not_seen_is_never_right():
    assert fitted("numbers").score(X, Y + 5) == 0.0
    assert fitted("each").score(X, STEPS + 5) == 0.0
    half = np.where(np.arange(N) < N // 2, fitted("numbers").predict(X), 9)
    assert fitted("numbers").score(X, half) == 0.5


def test_the_score_refuses_answers_of_another_number():
    with pytest.raises(ShapeError, match="there are 20 sequences and 19 answers"):
        fitted("numbers").score(X, Y[:-1])
    with pytest.raises(ShapeError, match="there are 20 sequences and 19 answers"):
        fitted("numbers of y").score(X, X[1:, 0, 0])


WRONG_WEIGHTS = {
    "fewer": (np.ones(N - 1), ShapeError, r"one weight for each of 20 rows; got weights \(19,\)"),
    "negative": (-np.ones(N), DataError, "none is negative"),
    "NaN": (np.full(N, np.nan), DataError, "are finite"),
    "zero": (np.zeros(N), DataError, "not all are zero"),
    "strings": (["a"] * N, DataError, "Weights are numbers, .* 'a'"),
    "one class left": (Y, DataError, "y holds one class only, 1"),
}


@pytest.mark.parametrize(("weights", "error", "words"), WRONG_WEIGHTS.values(), ids=WRONG_WEIGHTS)
def test_sample_weights_that_weigh_nothing_are_said(weights, error, words):
    with pytest.raises(error, match=words):
        classifier().fit(X, Y, sample_weight=weights)


WRONG_OPTIONS = {
    "cell": ("rnn", r"cell='rnn' is not offered; there are .*'gru'\. Did you mean 'frnn'\?"),
    "output": ("all", "output='all' is not offered; there are 'last', 'each'"),
    "hidden_size": (0, "hidden_size=0: it counts"),
    "num_layers": (1.5, "num_layers=1.5: it counts"),
    "bidirectional": ("yes", "bidirectional='yes' is not offered"),
    "readout": ("sum", "readout='sum': it is one or more of last, mean, max, attention"),
    "residual": (True, "residual=True adds .* set num_layers=2 or more"),
    "layer_norm": (None, "layer_norm=None is not offered"),
    "dropout": (1.0, r"dropout=1.0: it is a share, so it has to be in \[0, 1\)"),
    "fold": (0, "fold=0: it counts"),
    "changes": ("yes", "changes='yes' is not offered"),
    "jitter": (-1, "jitter=-1: it has to be a number from 0"),
    "level": ("token", "level='token' is not offered"),
    "lowercase": (None, "lowercase=None is not offered"),
    "max_vocabulary": (0, "max_vocabulary=0: it counts"),
    "embedding_size": (True, "embedding_size=True: it counts"),
    "embeddings": ("glove", "embeddings='glove' is not offered"),
    "word_dropout": ("a", "word_dropout='a': it is a share"),
    "crop": (0, "crop=0: it counts"),
    "bag": ("yes", "bag='yes' is not offered"),
    "class_weight": ("bal", "class_weight='bal': it is 'balanced', a dict of class -> weight, or None"),
    "early_stop": ("late", "early_stop='late' is not offered"),
    "n_seeds": (0, "n_seeds=0: it counts"),
    "trial": (None, "trial=None is not offered"),
    "baselines": ("all", "baselines='all' is not offered"),
    "max_steps": (0, "max_steps=0: it counts"),
    "max_seconds": (0, "max_seconds=0: a budget is a number of seconds above 0"),
    "batch_size": (0, "batch_size=0: it counts"),
    "learning_rate": (0, "learning_rate must be a number above 0"),
    "weight_decay": (-1, "weight_decay=-1: it has to be a number from 0"),
    "random_state": ("a", "random_state must be None or a whole number"),
    "device": ("tpu", "device='tpu' is not known"),
    "verbose": ("loud", "verbose='loud' is not offered"),
}


def test_every_option_is_tried_with_a_wrong_value():
    assert set(WRONG_OPTIONS) == set(classifier().get_params())


@pytest.mark.parametrize("option", WRONG_OPTIONS)
def test_a_wrong_option_is_said(option):
    wrong, words = WRONG_OPTIONS[option]
    with pytest.raises(OptionError, match=words):
        classifier(**{option: wrong}).fit(X, Y)
    if option in regressor().get_params():
        with pytest.raises(OptionError, match=words):
            regressor(**{option: wrong}).fit(X, X[:, 0, 0])


@pytest.mark.parametrize("readout", [(), ("last", "last"), ("last", "sum"), 3, None])
def test_a_readout_is_one_or_more_of_those_offered(readout):
    with pytest.raises(OptionError, match="it is one or more of last, mean, max, attention"):
        classifier(readout=readout).fit(X, Y)


def test_an_option_that_there_is_not_is_refused_by_python():
    with pytest.raises(TypeError, match="banana"):
        classifier(banana=1)


def test_options_that_do_not_go_together_are_said():
    with pytest.raises(OptionError, match="fold=2 makes one step of several"):
        classifier(fold=2, output="each").fit(X, STEPS)
    with pytest.raises(OptionError, match="bag=True stands beside a network that reads texts"):
        classifier(bag=True).fit(X, Y)
    with pytest.raises(OptionError, match="early_stop=True needs held-out sequences"):
        classifier(early_stop=True).fit(X[:8], Y[:8])
    with pytest.raises(OptionError, match=r"give the words of each text as a list, .* there is output='last'"):
        classifier(output="each").fit(TEXTS, Y)
    with pytest.raises(OptionError, match="with output='each' they have no class"):
        classifier(output="each", class_weight="balanced").fit(X, STEPS)
    with pytest.raises(OptionError, match="unlabelled= takes further texts, and these sequences are numbers"):
        classifier().fit(X, Y, unlabelled=TEXTS)
    with pytest.raises(DataError, match="unlabelled= takes texts here, as X does, and was given numbers"):
        classifier().fit(TEXTS, Y, unlabelled=X)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        ({0: -1.0, 1: 2.0}, OptionError, r"class_weight\[0\]=-1.0: it has to be a number from 0"),
        ({0: np.nan, 1: 2.0}, OptionError, r"class_weight\[0\]=nan"),
        ({0: 0.0, 1: 0.0}, DataError, "no sequence has any weight"),
        ({"0": 1.0}, OptionError, r"class_weight has '0', which is not among the classes \[0, 1\]"),
    ],
)
def test_class_weights_that_weigh_nothing_are_said(weights, error, words):
    with pytest.raises(error, match=words):
        classifier(class_weight=weights).fit(X, Y)


def test_partial_fit_says_what_does_not_go_on():
    def begun():
        return classifier().partial_fit(X, Y, classes=[0, 1])

    with pytest.raises(OptionError, match="The first call of partial_fit needs classes="):
        classifier().partial_fit(X, Y)
    with pytest.raises(DataError, match="classes holds one class only, 0"):
        classifier().partial_fit(X, Y * 0, classes=[0])
    with pytest.raises(DataError, match=r"label 2 is not among the classes \[0, 1\]"):
        begun().partial_fit(X, Y + 1)
    with pytest.raises(OptionError, match=r"partial_fit\(classes=\[0, 1, 2\]\): the first call named \[0, 1\]"):
        begun().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ShapeError, match="X has 2 features"):
        begun().partial_fit(X[..., :2], Y)
    with pytest.raises(DataError, match="feature 0 is missing"):
        begun().partial_fit(holed((0, 0, 0)), Y)
    with pytest.raises(OptionError, match="output='each' was another one when learning began"):
        begun().set_params(output="each").partial_fit(X, STEPS)
    with pytest.raises(DataError, match="was fitted on numbers, and was given texts"):
        begun().partial_fit(TEXTS, Y)
    with pytest.raises(OptionError, match="bag=True needs all texts at once: call fit"):
        classifier(bag=True).partial_fit(TEXTS, Y, classes=[0, 1])
    with pytest.raises(ShapeError, match="y has 1 columns, and when learning began it had 3"):
        regressor().partial_fit(X, X[:, 0]).partial_fit(X, Y)


@pytest.mark.parametrize(
    ("kind", "given", "error", "words"),
    [
        ("numbers", "good", DataError, "was fitted on numbers, and explain was given a text"),
        ("texts", X[0], DataError, "was fitted on texts: explain takes one text, got a ndarray"),
        ("texts", ["good"], DataError, "explain takes one text, got a list"),
        ("numbers", X, ShapeError, r"sequence 0 of the list has shape \(20, 6, 3\)"),
        ("numbers", X[0, :0], ShapeError, "Sequence 0 is empty"),
        ("numbers", X[0, :, :2], ShapeError, "X has 2 features"),
    ],
)
def test_explain_takes_one_sequence_of_the_kind_of_fit(kind, given, error, words):
    with pytest.raises(error, match=words):
        fitted(kind).explain(given)


@pytest.mark.parametrize("model", [classifier(), regressor()], ids=["classifier", "regressor"])
def test_columns_are_those_of_fit_in_their_order(model):
    check_dataframe_column_names_consistency(type(model).__name__, model)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_saved_model_knows_its_columns(frame, tmp_path):
    columns = {name: X[:, t, 0] for t, name in enumerate("abcdef")}
    model = load(classifier().fit(frame(columns), Y).save(tmp_path / "model"))
    assert model.feature_names_in_.tolist() == list("abcdef")
    np.testing.assert_array_equal(model.predict(frame(columns)), fitted("rows").predict(X[..., 0]))
    with pytest.raises(DataError, match=r"must be in the same order as they were in fit\.\nGive SequenceClassifier"):
        model.predict(frame(dict(reversed(columns.items()))))
    with pytest.warns(UserWarning, match="X has feature names, but SequenceClassifier was fitted without"):
        fitted("rows").predict(frame(columns))


def test_texts_are_not_folded():
    with pytest.raises(OptionError, match="fold=7 makes one step of several steps of numbers, and these are texts"):
        classifier(fold=7).fit(TEXTS, Y)


def test_one_sequence_and_arrays_of_samples_are_told_apart():
    rows = np.zeros((N, T, 3), np.float32)
    model = SequenceClassifier(**SMALL).fit(rows, Y)
    with pytest.raises(ShapeError, match=r"One sequence \(time steps, features\) is X\[None\]"):
        model.predict(rows[0])
    for asked in (lambda: model.explain(rows[:1]), lambda: model.predict(iter([rows[:2], rows[2:]]))):
        with pytest.raises(ShapeError, match="Its first axis seems to be samples: give each of them by itself"):
            asked()
