"""What X may be: the forms in which sequences and texts come, and answers in the form in which they were asked for."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from recuerdo import SequenceClassifier, SequenceRegressor
from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks import sequence_sources
from recuerdo.tasks.sequence_sources import read_source

SMALL = {"hidden_size": 4, "embedding_size": 4, "max_steps": 10, "random_state": 0, "verbose": False, "baselines": None}
X = np.random.default_rng(0).standard_normal((20, 6, 2)).astype(np.float32)
Y = np.tile([0, 1], 10)
TEXTS = ["good film", "bad film"] * 10

TEXT_FORMS = [
    list,
    tuple,
    np.array,
    lambda t: np.array(t, object),
    pd.Series,
    pl.Series,
    pa.array,
    lambda t: pa.chunked_array([t]),
]


@pytest.mark.parametrize(
    "form", TEXT_FORMS, ids=["list", "tuple", "array", "objects", "pandas", "polars", "arrow", "chunked"]
)
def test_texts_come_in_any_column(form):
    assert read_source(form(TEXTS), "It") == (TEXTS, None)


NUMBER_FORMS = {
    "array": lambda x: x,
    "fortran": np.asfortranarray,
    "float64": lambda x: x.astype(float),
    "list of arrays": list,
    "nested lists": lambda x: x.tolist(),
    "tensor": torch.from_numpy,
    "object array": lambda x: np.array([*x, None], object)[:-1],
    "ragged": lambda x: Ragged.of(list(x)),
}


@pytest.mark.parametrize("form", NUMBER_FORMS.values(), ids=NUMBER_FORMS)
def test_verdicts_do_not_depend_on_the_form_of_numbers(form):
    model = SequenceClassifier(**SMALL).fit(X, Y)
    other = SequenceClassifier(**SMALL).fit(form(X.copy()), Y)
    np.testing.assert_array_equal(np.array(other.predict_proba(form(X))), model.predict_proba(X))


def test_a_table_is_sequences_of_one_feature():
    rows = X[..., 0]
    model = SequenceClassifier(**SMALL).fit(rows, Y)
    assert model.n_features_in_ == 6
    table = pl.DataFrame(dict(zip("abcdef", rows.T, strict=True)))
    for frame in (table, table.to_pandas(), table.to_arrow()):
        np.testing.assert_array_equal(
            SequenceClassifier(**SMALL).fit(frame, Y).predict_proba(frame), model.predict_proba(rows)
        )


def test_lengths_cut_a_padded_array():
    lengths = 1 + np.arange(20) % 6
    junk = X.copy()
    junk[np.arange(6) >= lengths[:, None]] = 99
    source, steps = read_source(junk, "It", lengths)
    assert isinstance(source, Ragged)
    assert steps is None
    for row, x, length in zip(source, X, lengths, strict=True):
        np.testing.assert_array_equal(row, x[:length])
    rows = [x[:length] for x, length in zip(X, lengths, strict=True)]
    padded, listed = SequenceClassifier(**SMALL).fit(junk, Y, lengths=lengths), SequenceClassifier(**SMALL).fit(rows, Y)
    np.testing.assert_array_equal(padded.predict_proba(junk, lengths=lengths), listed.predict_proba(rows))


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_an_iterator_is_answered_as_the_list_is(kind, monkeypatch):
    monkeypatch.setattr(sequence_sources, "STREAMED", 7)
    asked = list(X) if kind == "numbers" else TEXTS
    model = SequenceClassifier(**SMALL).fit(asked, Y)
    np.testing.assert_array_equal(model.predict(iter(asked)), model.predict(asked))
    np.testing.assert_allclose(model.predict_proba(one for one in asked), model.predict_proba(asked), rtol=1e-12)
    assert model.score(iter(asked), Y) == model.score(asked, Y)


def test_an_iterator_is_never_held():
    model = SequenceClassifier(**SMALL, bag=False).fit(TEXTS, Y)
    held, most = [], 0

    class Text(str):
        def __del__(self):
            held.pop()

    def stream():
        nonlocal most
        for text in repeat("good film", 20_000):
            held.append(None)
            most = max(most, len(held))
            yield Text(text)

    assert len(model.predict(stream())) == 20_000
    assert most <= 2 * sequence_sources.STREAMED + 2


def test_answers_at_every_step_come_as_the_sequences_did():
    steps = np.tile([0, 1, 0], (20, 2))
    model = SequenceClassifier(output="each", **SMALL).fit(X, steps)
    array, rows = model.predict_proba(X), model.predict_proba(list(X))
    assert isinstance(array, np.ndarray)
    assert array.shape == (20, 6, 2)
    assert isinstance(rows, list)
    np.testing.assert_array_equal(np.stack(rows), array)
    np.testing.assert_array_equal(np.stack(model.predict_proba(iter(X))), array)
    ragged = [x[: 1 + i % 6] for i, x in enumerate(X)]
    assert [len(row) for row in model.predict(ragged)] == [len(x) for x in ragged]
    numbers = SequenceRegressor(output="each", **SMALL).fit(X, np.stack([steps, -steps], axis=-1))
    assert numbers.predict(X).shape == (20, 6, 2)
    assert SequenceRegressor(output="each", **SMALL).fit(X, steps).predict(X).shape == (20, 6)


def test_iterators_and_tables_are_answered_alike_at_every_step():
    steps = np.tile([0, 1, 0], (20, 2))
    rows = X[..., 0]
    model = SequenceClassifier(output="each", **SMALL).fit(list(rows), steps)
    with pytest.raises(ShapeError, match="there are no sequences"):
        model.predict(iter([]))
    with pytest.warns(UserWarning, match="X has feature names"):
        made = [model.predict(kind(rows, columns=list("abcdef"))) for kind in (pd.DataFrame, _polars)]
    for one in made:
        np.testing.assert_array_equal(one, model.predict(rows))


def _polars(rows, columns):
    return pl.DataFrame(rows, schema=columns)


@pytest.mark.parametrize("make", [pd.Series, lambda items: pl.Series([item.tolist() for item in items])])
def test_a_column_of_sequences_is_a_list_of_them(make):
    ragged = [x[: 2 + i % 5] for i, x in enumerate(X)]
    model = SequenceClassifier(**SMALL).fit(make(ragged), Y)
    np.testing.assert_array_equal(model.predict_proba(make(ragged)), model.predict_proba(ragged))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_table_of_texts_alone_is_its_column(make, recwarn):
    model = SequenceClassifier(**SMALL).fit(make({"said": TEXTS}), Y)
    np.testing.assert_array_equal(model.predict_proba(make({"said": TEXTS})), model.predict_proba(TEXTS))
    assert not [each for each in recwarn if "names" in str(each.message)]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_the_columns_of_tables_in_a_list_come_again(make):
    tables = [make(dict(zip("ab", x.T, strict=True))) for x in X]
    turned = [table[["b", "a"]] for table in tables]
    model = SequenceClassifier(**SMALL).fit(tables, Y)
    arrays = SequenceClassifier(**SMALL).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(tables), arrays.predict_proba(X))
    for asked in (lambda: model.predict(turned), lambda: model.explain(turned[0])):
        with pytest.raises(DataError, match="in the same order as they were in fit"):
            asked()
    with pytest.raises(DataError, match="Sequence 1 of the list has the columns b, a, and sequence 0 the columns a, b"):
        model.predict([tables[0], turned[1]])
    with pytest.raises(DataError, match="Sequence 1 of the list has no names of columns"):
        SequenceClassifier(**SMALL).fit([tables[0], *X[1:]], Y)
