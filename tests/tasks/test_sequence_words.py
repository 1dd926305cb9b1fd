"""Texts whose words are given: one answer for every word, against a grammar whose tags are known."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import KFold, cross_val_score

from recuerdo import SequenceClassifier, SequenceRegressor, load
from recuerdo.data.sentences import Sentences
from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.tasks import sequence_sources
from recuerdo.tasks.sequence_baselines import MAJORITY
from recuerdo.tasks.sequence_sources import read_source
from recuerdo.tasks.sequence_verdicts import verdicts
from recuerdo.tasks.text_baselines import TFIDF
from recuerdo.tasks.word_baselines import WORD_MAJORITY, WORD_MEAN

SMALL = {"hidden_size": 4, "embedding_size": 4, "max_steps": 10, "random_state": 0, "verbose": False, "baselines": None}
WORDS = [["The", "cat", "sleeps"], ["Go"], ["I", "can", "go", "home"], ["The", "can"]] * 5
TAGS = [["DET", "NOUN", "VERB"], ["VERB"], ["PRON", "AUX", "VERB", "NOUN"], ["DET", "NOUN"]] * 5
MOODS = ["says", "asks", "says", "asks"] * 5


def tagger(**options) -> SequenceClassifier:
    return SequenceClassifier(**{**SMALL, "output": "each", **options})


def judge(**options) -> SequenceClassifier:
    return SequenceClassifier(**{**SMALL, **options})


@pytest.fixture(scope="module")
def fitted():
    return tagger().fit(WORDS, TAGS)


def grammar(count: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences in which what comes before tells what "can" is, and what comes after tells what "her" is."""
    draw = np.random.default_rng(seed)
    pronouns, nouns = ["I", "you", "we", "they"], ["book", "dog", "garden", "lamp", "boat"]
    verbs, seen = ["fly", "sing", "run", "rust"], ["saw", "heard", "met"]
    forms = [
        ([pronouns, ["can"], verbs], ["PRON", "AUX", "VERB"]),
        ([["the", "a"], ["can"], verbs], ["DET", "NOUN", "VERB"]),
        ([pronouns, seen, ["her"], nouns], ["PRON", "VERB", "DET", "NOUN"]),
        ([pronouns, seen, ["her"], ["again", "."]], ["PRON", "VERB", "PRON", "REST"]),
    ]
    words, tags = [], []
    for _ in range(count):
        sentence, tagged = [], []
        for form in draw.integers(0, 4, draw.integers(1, 4)):
            sentence += [str(draw.choice(one)) for one in forms[form][0]]
            tagged += forms[form][1]
            sentence, tagged = [*sentence, ","], [*tagged, "REST"]
        words.append(sentence)
        tags.append(tagged)
    return words, tags


def test_a_word_is_told_by_those_before_and_after_it():
    X, y = grammar(300, 0)
    options = {"max_steps": 150, "hidden_size": 32, "embedding_size": 32, "learning_rate": 1e-2}
    options |= {"random_state": 0, "verbose": False}
    model = SequenceClassifier(output="each", **options).fit(X, y)
    asked, truth = grammar(100, 1)
    assert model.score(asked, truth) == 1.0
    report = model.report_
    assert list(report.scores) == ["BiGRU", MAJORITY, WORD_MAJORITY]
    assert report.unit == "word"
    assert report.winner == "BiGRU"
    assert report.scores["BiGRU"]["accuracy"] > 0.99
    assert report.scores[WORD_MAJORITY]["accuracy"] < 0.92
    assert f"On {report.rows} held-out words:" in str(report)
    assert any("for every word" in one for one in report.choices)
    forwards = SequenceClassifier(output="each", bidirectional=False, trial=False, **options).fit(X, y)
    said = forwards.predict(asked)
    wrong = {x[t] for x, row, right in zip(asked, said, truth, strict=True) for t in np.flatnonzero(row != right)}
    assert wrong == {"her"}  # which one it is stands after it


def test_there_is_one_answer_for_every_word(fitted):
    said, p = fitted.predict(WORDS), fitted.predict_proba(WORDS)
    assert [len(row) for row in said] == [len(words) for words in WORDS]
    assert fitted.classes_.tolist() == ["AUX", "DET", "NOUN", "PRON", "VERB"]
    for row, chances in zip(said, p, strict=True):
        assert chances.shape == (len(row), 5)
        assert row.tolist() == fitted.classes_[chances.argmax(axis=1)].tolist()
    right = np.mean([a == b for row, tags in zip(said, TAGS, strict=True) for a, b in zip(row, tags, strict=True)])
    assert fitted.score(WORDS, TAGS) == pytest.approx(right)
    assert not hasattr(fitted, "n_features_in_")


def test_a_words_verdict_does_not_depend_on_the_other_texts(fitted):
    together = fitted.predict_proba([["word"] * 90, *WORDS, ["can"] * 31])
    for words, p in zip(WORDS, together[1:-1], strict=True):
        np.testing.assert_array_equal(fitted.predict_proba([words])[0], p)


FORMS = {
    "lists": lambda x: x,
    "tuples": lambda x: tuple(map(tuple, x)),
    "arrays": lambda x: [np.array(words) for words in x],
    "objects": lambda x: [np.array(words, object) for words in x],
    "columns": lambda x: [pd.Series(words, index=range(5, 5 + len(words))) for words in x],
    "an array of lists": lambda x: np.array([*x, None], object)[:-1],
    "pandas": pd.Series,
    "polars": pl.Series,
    "arrow": pa.array,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_words_come_in_any_form(form):
    source, steps = read_source(form(WORDS), "It")
    assert isinstance(source, Sentences)
    assert (source.words, steps) == (WORDS, None)


def test_an_array_of_words_is_answered_as_an_array(fitted):
    X = np.array([["The", "cat"], ["I", "go"]])
    assert isinstance(read_source(X.astype(object), "It")[0], Sentences)
    assert fitted.predict(X).shape == (2, 2)
    assert fitted.predict(X).tolist() == [row.tolist() for row in fitted.predict(X.tolist())]


def test_an_iterator_is_answered_as_the_list_is(fitted, monkeypatch):
    monkeypatch.setattr(sequence_sources, "STREAMED", 7)
    for made, expected in zip(fitted.predict_proba(iter(WORDS)), fitted.predict_proba(WORDS), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-12)
    assert fitted.score(iter(WORDS), TAGS) == fitted.score(WORDS, TAGS)


def test_saved_and_pickled_it_says_what_it_said(fitted, tmp_path):
    for again in (load(fitted.save(tmp_path / "model")), pickle.loads(pickle.dumps(fitted))):
        assert again.report_ == fitted.report_
        for made, expected in zip(again.predict_proba(WORDS), fitted.predict_proba(WORDS), strict=True):
            np.testing.assert_array_equal(made, expected)
        with pytest.raises(DataError, match="was fitted on lists of words, and was given texts"):
            again.predict(["The cat"])


def test_the_vocabulary_is_that_of_the_training_words(fitted):
    def known(model):
        return set(model._model.encoding.vocabulary[3:])

    assert known(fitted) == {word.lower() for words in WORDS for word in words}
    assert known(tagger(lowercase=False).fit(WORDS, TAGS)) == {word for words in WORDS for word in words}
    assert known(tagger(max_vocabulary=5).fit(WORDS, TAGS)) == {"can", "go"}  # ties go by code point
    more = tagger().fit(WORDS, TAGS, unlabelled=[["another", "cat"], ["Go"]])
    assert known(more) - known(fitted) == {"another"}
    assert tagger(embeddings="random").fit(WORDS, TAGS).predict([["cat"]])[0].shape == (1,)


def test_all_unknown_words_are_one_word(fitted):
    np.testing.assert_array_equal(
        fitted.predict_proba([["zebra", "quagga"]]), fitted.predict_proba([["quokka", "<unk>"]])
    )
    np.testing.assert_allclose(fitted.predict_proba([["zebra"]])[0].sum(axis=1), 1)


def test_a_word_without_a_label_is_not_learned_from():
    partly = [["DET", None, "VERB"], [None], ["PRON", "AUX", np.nan, "NOUN"], [None, None]] * 5
    model = tagger().fit(WORDS, partly)
    assert model.classes_.tolist() == ["AUX", "DET", "NOUN", "PRON", "VERB"]
    assert model.predict(WORDS)[1].shape == (1,)
    said = np.concatenate(model.predict(WORDS[:3]))[[0, 2, 4, 5, 7]]
    assert model.score(WORDS[:4], partly[:4]) == np.mean(said == ["DET", "VERB", "PRON", "AUX", "NOUN"])


def test_texts_without_weight_are_not_learned_from():
    weights = np.tile([1.0, 0.0, 1.0, 1.0], 5)
    kept = np.flatnonzero(weights)
    options = {"trial": False}
    weighed = tagger(**options).fit(WORDS, TAGS, sample_weight=weights)
    fewer = tagger(**options).fit([WORDS[i] for i in kept], [TAGS[i] for i in kept])
    np.testing.assert_array_equal(weighed.predict_proba(WORDS[:1]), fewer.predict_proba(WORDS[:1]))
    scored = weighed.score(WORDS[:2], TAGS[:2], sample_weight=[0, 1])
    assert scored == weighed.score(WORDS[1:2], TAGS[1:2])


def test_training_reads_long_texts_whole():
    words = [[f"w{(7 * t + k) % 11}" for t in range(40)] for k in range(20)]
    tags = [["odd" if int(word[1:]) % 2 else "even" for word in row] for row in words]
    cut, whole = (tagger(crop=crop, max_steps=5).fit(words, tags) for crop in (3, 256))
    for made, expected in zip(cut.predict_proba(words), whole.predict_proba(words), strict=True):
        np.testing.assert_array_equal(made, expected)
    assert judge(crop=3).fit(words, MOODS).predict(words).shape == (20,)


def test_it_goes_on_learning():
    model = tagger().partial_fit(WORDS, TAGS, classes=["AUX", "DET", "NOUN", "PRON", "VERB"])
    before = model.predict_proba(WORDS)[0]
    after = model.partial_fit([["New", "words"]], [["NOUN", "NOUN"]]).predict_proba(WORDS)[0]
    assert not np.array_equal(before, after)
    with pytest.raises(OptionError, match="these texts are not cut into words"):
        model.partial_fit(["The cat"], [["DET", "NOUN"]])
    with pytest.raises(DataError, match="was fitted on lists of words, and was given numbers"):
        model.partial_fit(np.zeros((1, 2, 1)), [["DET", "NOUN"]])
    with pytest.raises(DataError, match="label 'ADJ' is not among the classes"):
        model.partial_fit([["new"]], [["ADJ"]])


def test_a_scorer_answers_a_number_for_every_word():
    lengths = [[float(len(word)) for word in words] for words in WORDS]
    lengths[0][1] = None
    model = SequenceRegressor(output="each", **{**SMALL, "baselines": "auto"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it may lose to the mean of each word
        model.fit(WORDS, lengths)
    assert [row.shape for row in model.predict(WORDS)[:2]] == [(3,), (1,)]
    assert set(model.report_.scores) == {"BiGRU", "mean", WORD_MEAN}
    assert model.report_.scores[WORD_MEAN]["RMSE"] < model.report_.scores["mean"]["RMSE"]
    two = SequenceRegressor(output="each", **SMALL).fit(WORDS, [np.zeros((len(words), 2)) for words in WORDS])
    assert two.predict(WORDS)[2].shape == (4, 2)


def test_where_each_words_own_class_is_better_the_fit_warns():
    draw = np.random.default_rng(0)
    words = [[f"w{i}" for i in draw.integers(0, 60, 8)] for _ in range(40)]
    tags = [["abcdef"[int(word[1:]) % 6] for word in row] for row in words]
    model = tagger(max_steps=2, baselines="auto")
    with pytest.warns(UserWarning, match=f"{WORD_MAJORITY} wins: accuracy .* Use {WORD_MAJORITY}, or give the model"):
        model.fit(words, tags)
    assert model.report_.winner == WORD_MAJORITY
    assert model.report_.beaten


def test_with_an_answer_at_the_end_words_are_a_text():
    model = judge(baselines="auto").fit(WORDS, MOODS)
    assert model.predict(WORDS).shape == (20,)
    assert list(model.report_.scores) == ["BiGRU", TFIDF, MAJORITY]
    assert model.report_.unit == "sequence"
    texts = [" ".join(words) for words in WORDS]
    whole = judge().fit(texts, MOODS)
    # The same tokens, and a bag that reads the same texts: the same verdicts to the last bit.
    np.testing.assert_array_equal(model.predict_proba(WORDS), whole.predict_proba(texts))
    bare = judge(bag=False, baselines="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert TFIDF in bare.fit(WORDS, MOODS).report_.scores
    assert SequenceRegressor(**SMALL).fit(WORDS, np.arange(20.0)).predict(WORDS).shape == (20,)


@pytest.mark.parametrize("output", ["each", "last"])
def test_the_running_verdict_is_that_of_each_beginning(output):
    model = tagger().fit(WORDS, TAGS) if output == "each" else judge().fit(WORDS, MOODS)
    words = ["I", "can not", "go", "home"]
    told = model.explain(words)
    made = model.predict_proba([words[: t + 1] for t in range(4)])
    np.testing.assert_allclose(told.running, [p[-1] for p in made] if output == "each" else made, rtol=1e-9)
    assert told.to_frame()["token"].to_list() == words
    assert told.text == "I can not go home"
    assert told.answer == (model.predict([words])[0][-1] if output == "each" else model.predict([words])[0])
    assert told.before.sum() == pytest.approx(1)
    assert told.plot() is not None


def test_answers_stand_in_a_table_and_are_scored(fitted):
    truth = np.array([tag for tags in TAGS for tag in tags])
    found = verdicts(fitted, WORDS, truth)
    frame = found.to_frame(np.arange(20), "sentence")
    assert frame.columns[:4] == ["sentence", "step", "label", "verdict"]
    assert frame["step"].to_list()[:5] == [1, 2, 3, 1, 1]
    assert found.report is not None
    assert found.report.scores["BiGRU"]["accuracy"] == pytest.approx(fitted.score(WORDS, TAGS))


def test_it_is_cross_validated():
    scores = cross_val_score(tagger(max_steps=3), WORDS, TAGS, cv=KFold(2))
    assert scores.shape == (2,)


WRONG_FIT = {
    "fewer labels": ({}, WORDS[:2], [["DET"], ["VERB"]], ShapeError, "sample 0 has 3 steps and 1 answers in y"),
    "more labels": ({}, WORDS[:2], [TAGS[0], ["VERB", "X"]], ShapeError, "sample 1 has 1 steps and 2 answers in y"),
    "fewer texts": ({}, WORDS, TAGS[:-1], ShapeError, "20 sequences and 19 rows of answers"),
    "labels of texts": ({}, WORDS, MOODS, ShapeError, "y of sample 0 is the single 'says': give 3, or output='last'"),
    "no label at all": ({}, WORDS, [[None] * len(row) for row in WORDS], DataError, "y holds no label at all"),
    "a number among words": ({}, [["a", 1]], [["A", "B"]], DataError, r"Text 0, word 1 is no str but int \(1\)"),
    "an empty list": ({}, [["a"], []], [["A"], []], ShapeError, "text 1 is an empty list, .* leave it out"),
    "only empty lists": ({}, [[], []], [[], []], ShapeError, "Sequence 0 is empty, .* Leave it out"),
    "a text among lists": (
        {},
        [["a"], "b c"],
        [["A"], ["B", "C"]],
        DataError,
        "Text 1 is one str, 'b c', where a list",
    ),
    "a list among texts": ({}, ["b c", ["a"]], [["A"], ["B", "C"]], DataError, "Text 1 is no str but list. Give every"),
    "whole texts": (
        {},
        ["The cat"],
        [["A", "B"]],
        OptionError,
        r"not cut into words: give the words of each text as a",
    ),
    "characters": (
        {"level": "char"},
        WORDS,
        TAGS,
        OptionError,
        "level='char' cuts texts, and these are given as their",
    ),
    "byte pairs": ({"level": "bpe"}, WORDS, TAGS, OptionError, "level='bpe' cuts texts, .* leave level out"),
    "a level of their own": ({"level": "given"}, WORDS, TAGS, OptionError, "level='given' is not offered"),
    "a bag": ({"bag": True}, WORDS, TAGS, OptionError, "bag=True judges whole texts, and output='each' every word"),
    "class weights": ({"class_weight": "balanced"}, WORDS, TAGS, OptionError, "output='each' they have no class"),
    "folds": ({"fold": 2}, WORDS, TAGS, OptionError, "fold=2 makes one step of several"),
}


@pytest.mark.parametrize(("options", "X", "y", "error", "words"), WRONG_FIT.values(), ids=WRONG_FIT)
def test_what_cannot_be_learned_is_said(options, X, y, error, words):
    with pytest.raises(error, match=words):
        tagger(**options).fit(X, y)


def test_cut_levels_are_refused_at_the_end_too():
    with pytest.raises(OptionError, match="level='char' cuts texts"):
        judge(level="char").fit(WORDS, MOODS)


WRONG_ASKED = {
    "whole texts": (["The cat"], DataError, "fitted on lists of words, and was given texts: give the words of each"),
    "numbers": (np.zeros((2, 3, 1)), DataError, "fitted on lists of words, and was given numbers"),
    "an empty list": ([["a"], []], ShapeError, "SequenceClassifier: text 1 is an empty list"),
    "one text's words": (["The", "cat"], DataError, "was given texts: give the words of each text as a list"),
    "one text": ("The cat", DataError, r"put it into a list, \[text\]"),
    "a text that is missing": ([["a"], None], DataError, "Text 1 is NoneType, where a list of its words belongs"),
}


@pytest.mark.parametrize(("given", "error", "words"), WRONG_ASKED.values(), ids=WRONG_ASKED)
def test_what_cannot_be_asked_is_said(fitted, given, error, words):
    with pytest.raises(error, match=words):
        fitted.predict(given)


def test_lengths_do_not_go_with_words(fitted):
    with pytest.raises(DataError, match="a text is as long as it is: leave them out"):
        fitted.predict(WORDS, lengths=[1] * 20)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("The cat", DataError, "Text 0 is one str, 'The cat', where a list of its words belongs"),
        ([], ShapeError, "text 0 is an empty list"),
        (WORDS, DataError, "Text 0, word 0 is no str but list"),
        (np.zeros((3, 1)), DataError, "Text 0, word 0 is no str but list"),
    ],
)
def test_explain_takes_the_words_of_one_text(fitted, given, error, words):
    with pytest.raises(error, match=words):
        fitted.explain(given)


def test_models_of_texts_and_of_numbers_take_no_words():
    texts = judge().fit(["good film", "bad film"] * 5, [1, 0] * 5)
    with pytest.raises(DataError, match="was fitted on texts, and was given lists of words: give a list of str"):
        texts.predict(WORDS)
    with pytest.raises(DataError, match=r"unlabelled= takes texts here, as X does, and was given lists of words"):
        judge().fit(["good film", "bad film"] * 5, [1, 0] * 5, unlabelled=WORDS)
    with pytest.raises(DataError, match=r"unlabelled= takes lists of words here, as X does, and was given texts"):
        tagger().fit(WORDS, TAGS, unlabelled=["a text"])
    numbers = judge().fit(np.zeros((10, 3, 1)), [0, 1] * 5)
    with pytest.raises(DataError, match="was fitted on numbers, and was given lists of words: give arrays"):
        numbers.predict(WORDS)
