"""What a classifier or scorer of sequences does in fit: plan, trial, baselines, and the training on all rows."""

from __future__ import annotations

import time
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import exceptions
from sklearn.base import clone

from recuerdo.data.ngram_counts import Counted, count_ngrams
from recuerdo.data.ragged import Ragged
from recuerdo.data.texts import Tokens
from recuerdo.errors import DataError, NotFittedError, OptionError, ShapeError
from recuerdo.learn import Problem
from recuerdo.tasks.column_names import names_of, require_names
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_learning import SequenceLearner, scale_of, scaled
from recuerdo.tasks.sequence_models import GIVE, SequenceModel, Source, encoded, kind_of, texts_of
from recuerdo.tasks.sequence_nets import SequenceNet
from recuerdo.tasks.sequence_options import checked_options, seed_of
from recuerdo.tasks.sequence_plan import Plan, batch_size_for
from recuerdo.tasks.sequence_report import SequenceReport
from recuerdo.tasks.sequence_sources import cut_answers, read_source, steps_of, take
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.sequence_training import Member, Samples, as_problem, built, train_on
from recuerdo.tasks.sequence_trial import Judged

if TYPE_CHECKING:
    from recuerdo.tasks.explanations import Explanation

TRIAL_SHARE = 0.45
"""Of max_seconds, for the trial's encodings and trainings; those on all rows have the rest, less the judging."""

FAR_FEWER = 0.5
"""A training of less than this share of the trial's steps is not what was judged."""


class SequenceNotFittedError(NotFittedError, exceptions.NotFittedError):
    """recuerdo's error for an estimator that was asked before it was fitted, and scikit-learn's own."""


class SequenceEstimator(SequenceLearner):
    """A classifier or scorer of sequences, and what its fit does. Abstract."""

    report_: SequenceReport
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    _model: SequenceModel
    _copied = False
    """Whether scikit-learn's clone made it, as a search or a cross-validation does: then no baseline is fitted."""

    def explain(self, x: Any) -> Explanation:
        """Return which steps of one sequence moved the verdict, or the number.

        Args:
            x: one sequence: (T, D) or (T,) numbers, a text, or the list of its words, as in fit. With output="each"
                it is the last step's verdict that is explained.

        Raises:
            NotFittedError: before fit.
            DataError: it cannot be read, or is of other features than in fit.
        """
        from recuerdo.tasks.explanations import explain

        return explain(self._require_fitted(), x, self._who)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model as a directory of model.json and weights.safetensors, whole or not at all.

        Args:
            path: the directory to make.
            overwrite: whether a model that is there is replaced.

        Returns:
            The directory.

        Raises:
            NotFittedError: before fit.
            OutputError: something is there already, or the place cannot be written.
        """
        from recuerdo.tasks.sequence_files import save_sequences

        self._require_fitted()
        return save_sequences(self, path, overwrite=overwrite)

    def as_problem(self, X: Any, y: Any, lengths: Any = None) -> Problem:
        """Return the trained network with batches of these sequences and its loss, for anything that looks inside.

        Of several networks it is the first. `recuerdo.memory.audit(model, (X, y))` asks for it.

        Args:
            X, y, lengths: as in fit; classes have to be among those that were learned.

        Raises:
            NotFittedError: before fit.
            DataError, ShapeError: X or y cannot be read, or is not like that of fit.
        """
        model = self._require_fitted()
        source, _ = read_source(X, self._who, lengths)
        require_names(X, source, model.names, self._who)
        own = steps_of(source, output="each" if model.each else "last", level=self.level, who=self._who)
        targets = self._read_targets(cut_answers(y, lengths), own, model.classes)
        if targets.outputs != len(model.offset):
            raise ShapeError(f"y has {targets.outputs} columns, and in fit it had {len(model.offset)}.")
        answers = scaled(targets, model.offset, model.unit)
        samples = Samples(model.encode(source, self._who), answers, np.ones(len(targets)))
        batch_size = self.batch_size or batch_size_for(not isinstance(source, Ragged), len(source))
        problem = as_problem(model.nets[0], samples, batch_size, shuffle=False)
        names = model.encoding.vocabulary if isinstance(model.encoding, Tokens) else model.names
        labels = {} if names is None else {"input": names}
        return replace(problem, labels=labels, history=next(iter(model.histories), None))

    def _read_targets(self, y: Any, lengths: NDArray[np.int64], classes: Any = None) -> Targets:
        """Return what y says."""
        raise NotImplementedError

    def _sample_weights(self, targets: Targets, sample_weight: Any) -> NDArray[np.float64]:
        """Return how much each sequence counts."""
        raise NotImplementedError

    def __sklearn_clone__(self) -> Self:
        made = type(self)(**{name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()})
        made._copied = True
        return made

    def _fit(self, X: Any, y: Any, sample_weight: Any, lengths: Any, unlabelled: Any) -> Self:
        began = time.monotonic()
        checked_options(self)
        source, steps = read_source(X, self._who, lengths)
        y, names = cut_answers(y, lengths), names_of(X, source)
        targets = self._read_targets(y, self._steps_of(source))
        weights = self._sample_weights(targets, sample_weight)
        in_loss = self._in_loss(targets, weights)
        if (in_loss == 0).any():  # a sequence without weight says nothing, nor does the class that only such have
            kept = np.flatnonzero(in_loss > 0)
            source = take(source, kept)
            targets = self._read_targets(_kept(y, kept), self._steps_of(source))
            weights = weights[kept] / weights[kept].mean()
        extra = self._read_unlabelled(unlabelled, source)
        if isinstance(source, list) and not any(text.strip() for text in source):
            raise DataError(f"{self._who}: there is no token in the {len(source)} texts: give texts with words.")
        seed = _drawn(seed_of(self.random_state))
        plan = self._make_plan(source, targets, seed)
        counted = count_ngrams(texts_of(source)) if self._bag_wanted(plan) else None
        judged = None
        if len(plan.held):
            judged = self._try(source, targets, weights, extra, plan, seed, counted)
            plan = replace(plan, max_steps=judged.steps)
        training = time.monotonic()
        budget = None if self.max_seconds is None else max(0.1, self.max_seconds - (training - began))
        model, members = self._train(source, targets, weights, extra, plan, seed, steps, budget, "fitting", counted)
        seconds = time.monotonic() - training
        if judged is not None:
            model = replace(model, pool=judged.pool)
            taken = min(member.history.steps for member in members)
            if taken < FAR_FEWER * judged.steps and not any(member.interrupted for member in members):
                warnings.warn(
                    f"max_seconds={self.max_seconds} left the training on all sequences {taken} steps, and what was "
                    f"scored had {judged.steps}: the scores are of a model that learned longer. Give more seconds.",
                    UserWarning,
                    stacklevel=3,
                )
        self._settle(replace(model, names=names).having_seen(targets, weights))
        self.report_ = self._make_report(judged, plan, members, seed, seconds, began)
        if self.report_.beaten and judged is not None and not self._copied:
            warnings.warn(self.report_.verdict, UserWarning, stacklevel=3)
        return self

    def _fit_more(self, X: Any, y: Any, sample_weight: Any, lengths: Any, classes: Any) -> Self:
        """Train one pass more over some sequences; the first time, on a model that is made from them."""
        began = time.monotonic()
        checked_options(self)
        source, steps = read_source(X, self._who, lengths)
        fresh = not hasattr(self, "_model")
        if not fresh and self._model.each != (self.output == "each"):
            raise OptionError(f"output={self.output!r} was another one when learning began: set it back, or fit anew.")
        if not fresh:
            require_names(X, source, self._model.names, self._who)
        own = self._steps_of(source)
        targets = self._read_targets(cut_answers(y, lengths), own, classes if fresh else self._model.classes)
        weights = self._sample_weights(targets, sample_weight)
        seed = _drawn(seed_of(self.random_state))
        plan = self._make_plan(source, targets, seed, trial=False, model=None if fresh else self._model)
        plan = replace(plan, max_steps=-(-len(source) // plan.batch_size))
        if fresh:
            encoding, prepare = self._make_encoding(source, [], plan, seed)
            shape = self._make_shape(encoding, encoded(encoding, source), targets, plan)
            offset, unit = scale_of(targets)
            nets = tuple(built(shape, seed + number, prepare) for number in range(self.n_seeds))
            model = SequenceModel(nets, encoding, None, (1.0,), targets.classes, offset, unit, steps, targets.flat)
            self._settle(replace(model, names=names_of(X, source)))
        model = self._model
        if targets.outputs != len(model.offset):
            raise ShapeError(f"y has {targets.outputs} columns, and when learning began it had {len(model.offset)}.")
        in_loss = self._in_loss(targets, weights)
        samples = Samples(model.encode(source, self._who), scaled(targets, model.offset, model.unit), in_loss)
        schedule = self._schedule(plan, None)
        members = []
        for number, net in enumerate(model.nets):
            own_seed = _seed_of_call(net, seed + number)
            history = train_on(net, samples, schedule, seed=own_seed, label="one pass", steady=True)
            members.append(Member(net, history, seed + number))
        self._model = replace(model.having_seen(targets, weights), histories=())
        told = [*plan.words, "learned by partial_fit, the last call's sequences stand here"]
        if model.bag is not None:
            told.append("the bag of n-grams and the pooling stay as fit left them: only the network goes on learning")
        words = replace(plan, words=tuple(told))
        seconds = time.monotonic() - began
        self.report_ = self._make_report(None, words, members, seed, seconds, began)
        return self

    def _settle(self, model: SequenceModel) -> None:
        """Keep a model, and what scikit-learn wants to know of it."""
        self._model = model
        if model.classes is not None:
            self.classes_ = model.classes
        if model.names is not None:
            self.feature_names_in_ = np.array(model.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if isinstance(model.encoding, NumberEncoding):
            # Of a 2-D array scikit-learn counts the columns.
            self.n_features_in_ = model.steps or model.encoding.features
        elif hasattr(self, "n_features_in_"):
            del self.n_features_in_

    def _try(
        self,
        source: Source,
        targets: Targets,
        weights: NDArray[np.float64],
        extra: list[Any],
        plan: Plan,
        seed: int,
        counted: Counted | None,
    ) -> Judged:
        """Train without the held-out sequences and judge them."""
        from recuerdo.tasks.sequence_trial import halved, judge

        learned, held, watched = np.setdiff1d(np.arange(len(source)), plan.held), plan.held, None
        if plan.early_stop:  # what ends the training is no judge of it
            held, looked = halved(targets, plan.held)
            watched = (take(source, looked), targets.take(looked), weights[looked])
        began = time.monotonic()
        budget = None if self.max_seconds is None else self.max_seconds * TRIAL_SHARE
        known, answers = take(source, learned), targets.take(learned)
        model, members = self._train(
            known, answers, weights[learned], extra, plan, seed, None, budget, "trial", counted, learned, watched
        )
        if any(member.interrupted for member in members):
            raise KeyboardInterrupt
        return judge(
            self,
            model,
            members,
            learned=(known, answers, weights[learned]),
            held=(take(source, held), targets.take(held), weights[held]),
            plan=plan,
            began=began,
            seed=seed,
        )

    def _steps_of(self, source: Source) -> NDArray[np.int64]:
        return steps_of(source, output=self.output, level=self.level, who=self._who)

    def _read_unlabelled(self, unlabelled: Any, source: Source) -> list[Any]:
        """Return further texts without labels, which the vocabulary and the embeddings are made from."""
        if unlabelled is None:
            return []
        if isinstance(source, Ragged):
            raise OptionError("unlabelled= takes further texts, and these sequences are numbers: leave it out.")
        texts, _ = read_source(unlabelled, self._who)
        kind, wanted = kind_of(texts), kind_of(source)
        if kind != wanted:
            raise DataError(f"unlabelled= takes {wanted} here, as X does, and was given {kind}: {GIVE[wanted]}.")
        return [*texts]

    def _make_report(
        self,
        judged: Judged | None,
        plan: Plan,
        members: Sequence[Member],
        seed: int,
        seconds: float,
        began: float,
    ) -> SequenceReport:
        words = list(plan.words)
        if judged is not None:
            words += judged.words
        if any(member.interrupted for member in members):
            words.append("training was interrupted; what had been learned by then is kept")
        net = members[0].net
        return SequenceReport(
            model=self.name,
            kind="classes" if self.CLASSES else "numbers",
            scores={} if judged is None else judged.scores,
            rows=0 if judged is None else judged.rows,
            choices=tuple(words),
            skipped=() if judged is None else judged.skipped,
            steps=members[0].history.steps,
            seconds=time.monotonic() - began,
            random_state=seed,
            parameters=sum(one.numel() for one in net.parameters()),
            classes=() if self._model.classes is None else tuple(self._model.classes.tolist()),
            confusion=() if judged is None else judged.confusion,
            temperature=None if judged is None else judged.temperature,
            training_seconds=seconds,
            seed_scores={} if judged is None else judged.seed_scores,
            points=() if judged is None else judged.points,
            unit="sequence" if not net.shape.each else "word" if plan.texts else "step",
            decides="macro-F1" if getattr(self, "class_weight", None) == "balanced" else "",
        )

    def _require_fitted(self) -> SequenceModel:
        if not hasattr(self, "_model"):
            raise SequenceNotFittedError(
                f"This {self._who} has learned nothing yet: call fit(X, y), or recuerdo.load(path)."
            )
        return self._model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")


def _kept(y: Any, indices: NDArray[np.int64]) -> Any:
    """Return the answers of some sequences, in the form in which they came."""
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    return y[indices] if isinstance(y, np.ndarray) else [y[i] for i in indices]


def _seed_of_call(net: SequenceNet, seed: int) -> int:
    """Return a seed that differs from call to call of partial_fit, as the weights do, also after saving and loading."""
    state = zlib.crc32(net.head.weight.detach().cpu().numpy().tobytes())
    return int(np.random.SeedSequence([seed, state]).generate_state(1)[0])


def _drawn(random_state: int | None) -> int:
    return int(np.random.SeedSequence().generate_state(1)[0]) if random_state is None else random_state
