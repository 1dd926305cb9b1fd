"""Classifiers and scorers of texts that begin with what a language model has learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import recuerdo as rc
from recuerdo.errors import NotFittedError, OptionError

TEXTS = ["good warm bright day", "cold grey rain day", "warm bright sun", "grey rain again"] * 8
LABELS = ["good", "bad", "good", "bad"] * 8
QUICK = {"max_steps": 4, "trial": False, "baselines": None, "random_state": 0, "verbose": False}


def language(level="word", **options):
    sizes = {"embedding_size": 12, "hidden_size": 12, "max_steps": 6, "random_state": 0, "verbose": False}
    return rc.LanguageModel(level, **{**sizes, "baselines": None, **options}).fit("\n".join(TEXTS * 6))


def start(model):
    """The network before its first step: a training whose steps move nothing."""
    return model.set_params(learning_rate=1e-30, weight_decay=0.0).fit(TEXTS, LABELS)._model.nets[0]


@pytest.mark.parametrize("cell", ["frnn", "indrnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_vectors_and_layers_begin_as_the_language_models(cell, bidirectional):
    model = language(cell=cell)
    net, given = start(model.classifier(bidirectional=bidirectional, **QUICK)), model._net
    torch.testing.assert_close(net.embedding.weight[1:], given.embedding.weight[1:])
    assert not net.embedding.weight[0].any()
    x = torch.randn(3, 5, 12)
    with torch.no_grad():
        forwards = net.encoder(x)[0][..., :12]
        torch.testing.assert_close(forwards, given.recurrent[0](x)[0])


def test_all_layers_begin_so_where_they_read_in_one_direction():
    model = language(num_layers=2)
    net = start(model.classifier(bidirectional=False, **QUICK))
    x = torch.randn(2, 4, 12)
    with torch.no_grad():
        torch.testing.assert_close(net.encoder(x)[0], model._net.recurrent[1](model._net.recurrent[0](x)[0])[0])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"cell": "gru"}, "cell"),
        ({"hidden_size": 5}, "hidden_size"),
        ({"num_layers": 2, "bidirectional": False}, "num_layers"),
        ({"layer_norm": True}, "layer_norm"),
    ],
)
def test_the_report_says_why_layers_begin_at_random(options, why):
    model = language().classifier(**{**QUICK, **options}).fit(TEXTS, LABELS)
    assert any(f"layers at random, as {why} is another one" in line for line in model.report_.choices)
    both = language(num_layers=2).classifier(**QUICK).fit(TEXTS, LABELS)
    assert any("the second layer reads both directions" in line for line in both.report_.choices)


def test_the_report_says_that_layers_begin_so():
    model = language().classifier(**QUICK).fit(TEXTS, LABELS)
    assert "vectors begin as those of the language model, so do layers" in model.report_.choices
    assert set(model.predict(TEXTS)) <= {"good", "bad"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "char"}, r"level='char', and the language model that embeddings= names has 'word'"),
        ({"lowercase": True}, r"lowercase=True, and .* has False: give lowercase=False, or let its classifier"),
        ({"embedding_size": 7}, r"embedding_size=7, and .* has 12"),
        ({"max_vocabulary": 50}, r"max_vocabulary= cuts a vocabulary"),
        ({"embeddings": "glove"}, r"embeddings='glove' is not offered"),
    ],
)
def test_what_does_not_go_with_the_language_model_is_refused(options, message):
    model = language().classifier(**QUICK).set_params(**options)
    with pytest.raises(OptionError, match=message):
        model.fit(TEXTS, LABELS)


def test_a_language_model_that_has_read_nothing_starts_nothing():
    with pytest.raises(NotFittedError):
        rc.LanguageModel().classifier()


def test_words_that_are_given_go_with_a_language_model_of_given_words():
    words = [text.split() for text in TEXTS]
    model = language("given").classifier(level="word", **QUICK).fit(words, LABELS)
    assert "vectors begin as those of the language model, so do layers" in model.report_.choices
    with pytest.raises(OptionError, match="level='word', and the language model"):
        language("given").classifier(level="word", **QUICK).fit(TEXTS, LABELS)


def test_a_regressor_begins_so_too():
    model = language().regressor(**QUICK).fit(TEXTS, np.arange(len(TEXTS)) % 2)
    assert "vectors begin as those of the language model, so do layers" in model.report_.choices


def test_a_file_holds_what_became_of_it_and_says_so_before_it_is_fitted_anew(tmp_path):
    model = language().classifier(**QUICK).fit(TEXTS, LABELS)
    read = rc.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(read.predict_proba(TEXTS), model.predict_proba(TEXTS))
    with pytest.raises(OptionError, match=r"give the language model again with set_params"):
        read.fit(TEXTS, LABELS)
    read.set_params(embeddings=language()).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(read.predict_proba(TEXTS), model.predict_proba(TEXTS))
