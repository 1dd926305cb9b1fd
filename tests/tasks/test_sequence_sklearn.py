"""scikit-learn's own checks of the sequence estimators, and scikit-learn's tools around them."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError as ForeignNotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_classifiers_train, parametrize_with_checks

from recuerdo import SequenceClassifier, SequenceRegressor
from recuerdo.errors import NotFittedError

SMALL = {"hidden_size": 8, "random_state": 0, "verbose": False, "baselines": None}
CLASSIFIER = SequenceClassifier(max_steps=30, **SMALL)
REGRESSOR = SequenceRegressor("frnn", max_steps=60, learning_rate=0.03, dropout=0.0, jitter=0.0, **SMALL)

WEIGHT_IS_NO_COPY = (
    "A network learns from batches in random order: a sequence of weight 2 stands once in one batch and its loss "
    "counts twice, while a sequence given twice stands in two places of two batches, so that the steps of the "
    "optimiser differ, and so do the numbers at the end"
)
LISTS_ARE_RAGGED = (
    "The check fits on X.tolist() and wants an error for rows of another length: a list holds sequences of any lengths "
    "here, while an array (N, T) or a table fixes T. The rest of the check is test_lists_apart_the_check_passes"
)


def expected_failures(estimator) -> dict[str, str]:
    failures = {"check_sample_weight_equivalence_on_dense_data": WEIGHT_IS_NO_COPY}
    if is_classifier(estimator):
        failures["check_classifiers_train"] = LISTS_ARE_RAGGED
    return failures


@parametrize_with_checks([CLASSIFIER, REGRESSOR], expected_failed_checks=expected_failures)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


class OverTables(SequenceClassifier):
    """A classifier to which a list of lists is the array that it writes."""

    def fit(self, X, y):
        return super().fit(np.asarray(X), y)


@pytest.mark.parametrize("more", [{}, {"readonly_memmap": True}, {"readonly_memmap": True, "X_dtype": "float32"}])
def test_lists_apart_the_check_passes(more):
    check_classifiers_train("SequenceClassifier", OverTables(**CLASSIFIER.get_params()), **more)


def test_a_list_holds_sequences_of_any_lengths():
    X, y = [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 0, 1]
    model = clone(CLASSIFIER).fit(X, y)
    assert model.predict([[0.0, 1.0, 2.0]]).shape == (1,)
    with pytest.raises(ValueError, match="X has 3 features, but SequenceClassifier is expecting 2 features"):
        clone(CLASSIFIER).fit(np.array(X), y).predict(np.zeros((1, 3)))


@pytest.mark.parametrize("model", [CLASSIFIER, REGRESSOR], ids=["classifier", "regressor"])
def test_asked_before_fit_it_raises_the_error_of_both_libraries(model):
    fresh = clone(model)
    for error in (NotFittedError, ForeignNotFittedError):
        with pytest.raises(error, match=r"has learned nothing yet: call fit\(X, y\), or recuerdo\.load\(path\)"):
            fresh.predict([[0.0, 1.0]])
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        pickle.loads(pickle.dumps(fresh)).explain([0.0, 1.0])


def test_the_tags_say_what_it_takes():
    for model, is_kind in ((CLASSIFIER, is_classifier), (REGRESSOR, is_regressor)):
        tags = get_tags(model)
        assert is_kind(model)
        assert tags.input_tags.three_d_array
        assert tags.input_tags.two_d_array
        assert tags.input_tags.string
        assert tags.input_tags.allow_nan
        assert not tags.input_tags.sparse


def slopes(N: int = 40, T: int = 12, seed: int = 0):
    """Sequences that rise or fall."""
    rise = np.cumsum(np.random.default_rng(seed).random((N, T, 2)), axis=1)
    return np.concatenate([rise[::2], -rise[1::2]]), np.repeat(["up", "down"], N // 2)


def ragged_slopes():
    X, y = slopes()
    return [x[: 4 + i % 9] for i, x in enumerate(X)], y


GOOD, BAD = ("a good film", "good and warm", "how good it is"), ("a bad film", "bad and cold", "how bad it is")
TEXTS, OPINIONS = [f"{text} {i % 5}" for i in range(8) for text in (*GOOD, *BAD)], np.tile([1, 1, 1, 0, 0, 0], 8)


def tidied(texts):
    return [text.strip().upper() for text in texts]


def test_a_grid_over_cell_and_hidden_size_in_a_pipeline_on_strings():
    steps = [("tidy", FunctionTransformer(tidied)), ("model", clone(CLASSIFIER).set_params(embedding_size=8))]
    grid = {"model__cell": ["gru", "lstm", "frnn", "indrnn"], "model__hidden_size": [2, 4]}
    search = GridSearchCV(Pipeline(steps), grid, cv=2, error_score="raise").fit(TEXTS, OPINIONS)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.9
    assert search.predict(["  so good ", "so bad"]).tolist() == [1, 0]
    model = search.best_estimator_["model"]
    assert (model.cell, model.hidden_size) == tuple(search.best_params_.values())


@pytest.mark.parametrize("data", [slopes, ragged_slopes], ids=["array", "list"])
def test_cross_validation_takes_arrays_and_lists(data):
    X, y = data()
    assert cross_val_score(clone(CLASSIFIER), X, y, cv=2).mean() > 0.9
    probabilities = cross_val_predict(clone(CLASSIFIER), X, y, cv=2, method="predict_proba")
    assert probabilities.shape == (len(X), 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_cross_validation_of_a_regressor():
    X, _ = slopes()
    folds = KFold(2, shuffle=True, random_state=0)
    assert cross_val_score(clone(REGRESSOR), X, X[:, -1, 0], cv=folds).min() > 0.8


@pytest.mark.parametrize("kind", ["array", "list", "texts"])
def test_probabilities_can_be_calibrated_further(kind):
    X, y = {"array": slopes, "list": ragged_slopes, "texts": lambda: (TEXTS, OPINIONS)}[kind]()
    model = CalibratedClassifierCV(clone(CLASSIFIER), cv=2).fit(X, y)
    assert model.predict_proba(X[:3]).shape == (3, 2)
    assert np.mean(model.predict(X) == y) > 0.9


def test_a_clone_compares_with_nothing_and_says_so():
    X, y = slopes()
    model = SequenceClassifier(hidden_size=4, max_steps=20, random_state=0, verbose=False)
    copied = clone(model).fit(X, y)
    assert set(copied.report_.scores) == {"BiGRU"}
    (words,) = copied.report_.skipped
    assert words == "no baseline was fitted, as this is a clone, such as a search or a cross-validation makes"
    assert "majority class" in model.fit(X, y).report_.scores
    assert copied.get_params() == model.get_params()


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_a_copy_says_what_the_model_says(kind):
    X, y = slopes() if kind == "numbers" else (TEXTS, OPINIONS)
    model = clone(CLASSIFIER).fit(X, y)
    for made in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(made.predict_proba(X), model.predict_proba(X))


def test_processes_of_joblib_give_what_one_process_gives():
    X, y = slopes()
    seeds = [0, 1]
    fits = [partial(clone(CLASSIFIER).set_params(random_state=seed).fit, X, y) for seed in seeds]
    apart = joblib.Parallel(n_jobs=2)(joblib.delayed(fit)() for fit in fits)
    for fit, there in zip(fits, apart, strict=True):
        np.testing.assert_allclose(there.predict_proba(X), fit().predict_proba(X), rtol=1e-6)
    assert not np.allclose(apart[0].predict_proba(X), apart[1].predict_proba(X), rtol=1e-3)


def test_one_fitted_model_answers_several_threads():
    X, _ = slopes()
    model = clone(CLASSIFIER).fit(*slopes())
    said = joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(model.predict_proba)(X) for _ in range(8))
    for one in said:
        np.testing.assert_array_equal(one, model.predict_proba(X))


@pytest.mark.parametrize("model", [CLASSIFIER, REGRESSOR], ids=["classifier", "regressor"])
def test_a_column_vector_of_answers_is_read_with_scikit_learns_warning(model):
    X, labels = slopes()
    y = labels if model is CLASSIFIER else X[:, -1, 0]
    with pytest.warns(Warning, match="A column-vector y was passed when a 1d array was expected"):
        column = clone(model).fit(X, y[:, None])
    np.testing.assert_array_equal(column.predict(X), clone(model).fit(X, y).predict(X))
