"""What a classifier or scorer of sequences does in fit: plan, trial, baselines, and the training on all rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import exceptions
from sklearn.base import BaseEstimator, clone

from recuerdo.data.embeddings import ppmi_embeddings
from recuerdo.data.ngram_counts import Counted, count_ngrams
from recuerdo.data.ragged import Ragged
from recuerdo.data.texts import Tokens, fit_tokens
from recuerdo.errors import DataError, NotFittedError, OptionError, ShapeError
from recuerdo.nn import LAYERS
from recuerdo.tasks.bags import Bag
from recuerdo.tasks.column_names import names_of, require_names
from recuerdo.tasks.forecast_options import resolve_device
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_models import SequenceModel, Source, encoded
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape
from recuerdo.tasks.sequence_options import checked_options, seed_of
from recuerdo.tasks.sequence_plan import (
    FEWEST,
    Plan,
    batch_size_for,
    changes_tell,
    frames_for,
    held_out,
    said_of,
    steps_for,
)
from recuerdo.tasks.sequence_report import SequenceReport
from recuerdo.tasks.sequence_sources import cut_answers, read_source, take
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.sequence_training import Member, Samples, Schedule, built, train, train_on
from recuerdo.tasks.sequence_trial import Judged

TEXT_RATE, NUMBER_RATE = 2e-3, 3e-3
"""Learning rates where none is asked for."""

EVALUATIONS, PATIENCE = 12, 3
"""Looks at the held-out rows in a whole training that may stop early, and how many of them without gain end it."""

EMBEDDED = 0.24
"""Standard deviation of embeddings that come from the texts' own statistics."""

TRIAL_SHARE = 1 / 3
"""Of max_seconds, for the trial's trainings."""


class SequenceNotFittedError(NotFittedError, exceptions.NotFittedError):
    """recuerdo's error for an estimator that was asked before it was fitted, and scikit-learn's own."""


class SequenceEstimator(BaseEstimator):
    """The options of a classifier or scorer of sequences, and what fit does with them. Abstract."""

    cell: str
    output: str
    hidden_size: int
    num_layers: int
    bidirectional: bool
    readout: str | Sequence[str]
    residual: bool
    layer_norm: bool
    dropout: float
    fold: int | None
    changes: bool | str
    jitter: float
    level: str
    lowercase: bool
    max_vocabulary: int | None
    embedding_size: int
    embeddings: str
    word_dropout: float
    crop: int
    early_stop: bool
    n_seeds: int
    trial: bool
    baselines: str | None
    max_steps: int | None
    max_seconds: float | None
    batch_size: int | None
    learning_rate: float | None
    weight_decay: float
    random_state: int | None
    device: str
    verbose: bool | str | None

    CLASSES: ClassVar[bool]
    """Whether it answers classes, else numbers."""

    report_: SequenceReport
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    _model: SequenceModel
    _copied = False
    """Whether scikit-learn's clone made it, as a search or a cross-validation does: then no baseline is fitted."""

    def _read_targets(self, y: Any, lengths: NDArray[np.int64], classes: Any = None) -> Targets:
        """Return what y says."""
        raise NotImplementedError

    def _sample_weights(self, targets: Targets, sample_weight: Any) -> NDArray[np.float64]:
        """Return how much each sequence counts."""
        raise NotImplementedError

    def _bag_wanted(self, plan: Plan) -> bool:
        """Whether a bag of n-grams stands beside the networks."""
        raise NotImplementedError

    def __sklearn_clone__(self) -> Self:
        made = type(self)(**{name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()})
        made._copied = True
        return made

    @property
    def name(self) -> str:
        """What tables call the model: the cell in the letters that people write it in."""
        cell = getattr(LAYERS.get(self.cell), "__name__", self.cell)
        return f"Bi{cell}" if self.bidirectional else cell

    @property
    def _who(self) -> str:
        return type(self).__name__

    def _fit(self, X: Any, y: Any, sample_weight: Any, lengths: Any, unlabelled: Any) -> Self:
        began = time.monotonic()
        checked_options(self)
        source, steps = read_source(X, self._who, lengths)
        y, names = cut_answers(y, lengths), names_of(X)
        targets = self._read_targets(y, _lengths(source, self.output, self._who))
        weights = self._sample_weights(targets, sample_weight)
        if (weights == 0).any():  # a sequence without weight says nothing, nor does the class that only such have
            kept = np.flatnonzero(weights > 0)
            source, lengths = take(source, kept), None
            targets = self._read_targets(_kept(y, kept), _lengths(source, self.output, self._who))
            weights = weights[kept] / weights[kept].mean()
        extra = self._read_unlabelled(unlabelled, source)
        if not isinstance(source, Ragged) and not any(text.strip() for text in source):
            raise DataError(f"{self._who}: there is no token in the {len(source)} texts: give texts with words.")
        seed = _drawn(seed_of(self.random_state))
        plan = self._make_plan(source, targets, seed)
        counted = count_ngrams(source) if self._bag_wanted(plan) and not isinstance(source, Ragged) else None
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
        self._settle(replace(model, names=names))
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
            require_names(X, self._model.names, self._who)
        own = _lengths(source, self.output, self._who)
        targets = self._read_targets(cut_answers(y, lengths), own, classes if fresh else self._model.classes)
        weights = self._sample_weights(targets, sample_weight)
        seed = _drawn(seed_of(self.random_state))
        plan = replace(self._make_plan(source, targets, seed), held=np.zeros(0, np.int64), early_stop=False)
        plan = replace(plan, max_steps=-(-len(source) // plan.batch_size))
        if fresh:
            encoding, prepare = self._make_encoding(source, [], plan, seed)
            shape = self._make_shape(encoding, encoded(encoding, source), targets, plan)
            offset, unit = _scale(targets)
            nets = tuple(built(shape, seed + number, prepare) for number in range(self.n_seeds))
            model = SequenceModel(nets, encoding, None, (1.0,), targets.classes, offset, unit, steps, targets.flat)
            self._settle(replace(model, names=names_of(X)))
        model = self._model
        if targets.outputs != len(model.offset):
            raise ShapeError(f"y has {targets.outputs} columns, and when learning began it had {len(model.offset)}.")
        samples = Samples(model.encode(source, self._who), _scaled(targets, model.offset, model.unit), weights)
        schedule = self._schedule(plan, None)
        members = []
        for number, net in enumerate(model.nets):
            history = train_on(net, samples, schedule, seed=seed + number, label="one pass", steady=True)
            members.append(Member(net, history, seed + number))
        words = replace(plan, words=(*plan.words, "learned by partial_fit, the last call's sequences stand here"))
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

    def _schedule(self, plan: Plan, budget: float | None) -> Schedule:
        return Schedule(
            max_steps=plan.max_steps,
            max_seconds=budget,
            batch_size=plan.batch_size,
            learning_rate=plan.learning_rate,
            weight_decay=self.weight_decay,
            device=resolve_device(self.device),
            verbose=self.verbose,
        )

    def _make_plan(self, source: Source, targets: Targets, seed: int) -> Plan:
        """Decide what fit does."""
        texts = not isinstance(source, Ragged)
        held = held_out(targets, seed) if self.trial else np.zeros(0, np.int64)
        fold, changes = 1, False
        words = [said_of(source, targets)]
        if isinstance(source, Ragged):
            changes = changes_tell(source) if self.changes == "auto" else bool(self.changes)
            if self.output == "last":
                fold = self.fold or frames_for(int(source.lengths.max()))
            if fold > 1:
                words.append(
                    f"frames of {fold} steps, so that the recurrence takes {-(-int(source.lengths.max()) // fold)}"
                )
            if changes:
                words.append("each step tells its change from the one before as well")
        batch_size = self.batch_size or batch_size_for(texts, len(source))
        max_steps = self.max_steps
        if max_steps is None and self.max_seconds is None:
            max_steps = steps_for(texts, -(-len(source) // batch_size))
        if self.early_stop and not len(held):
            raise OptionError("early_stop=True needs held-out sequences: give more of them, or leave trial=True.")
        if self.trial and not len(held):
            words.append(f"no trial, for which {FEWEST} sequences or more are needed")
        rate = self.learning_rate or (TEXT_RATE if texts else NUMBER_RATE)
        return Plan(texts, fold, changes, batch_size, max_steps, rate, self.early_stop, held, tuple(words))

    def _try(
        self,
        source: Source,
        targets: Targets,
        weights: NDArray[np.float64],
        extra: list[str],
        plan: Plan,
        seed: int,
        counted: Counted | None,
    ) -> Judged:
        """Train without the held-out sequences and judge them."""
        from recuerdo.tasks.sequence_trial import judge

        learned = np.setdiff1d(np.arange(len(source)), plan.held)
        began = time.monotonic()
        budget = None if self.max_seconds is None else self.max_seconds * TRIAL_SHARE
        known, answers = take(source, learned), targets.take(learned)
        watched = (take(source, plan.held), targets.take(plan.held), weights[plan.held]) if plan.early_stop else None
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
            held=(take(source, plan.held), targets.take(plan.held), weights[plan.held]),
            plan=plan,
            began=began,
            seed=seed,
        )

    def _train(
        self,
        source: Source,
        targets: Targets,
        weights: NDArray[np.float64],
        extra: list[str],
        plan: Plan,
        seed: int,
        steps: int | None,
        budget: float | None,
        label: str,
        counted: Counted | None,
        rows: NDArray[np.int64] | None = None,
        watched: tuple[Source, Targets, NDArray[np.float64]] | None = None,
    ) -> tuple[SequenceModel, list[Member]]:
        """Fit encodings, networks and bag on some sequences, and see nothing else.

        The n-grams of all texts are counted already; `rows` tells which of them these sequences are.
        """
        encoding, prepare = self._make_encoding(source, extra, plan, seed)
        inputs = encoded(encoding, source)
        offset, unit = _scale(targets)
        shape = self._make_shape(encoding, inputs, targets, plan)
        bag = None
        if counted is not None:
            assert isinstance(targets.values, np.ndarray)
            bag = Bag.fit(counted, rows, targets.values, targets.outputs, weights)
        samples = Samples(inputs, _scaled(targets, offset, unit), weights)
        looked = None
        if watched is not None:
            looked = Samples(encoded(encoding, watched[0]), _scaled(watched[1], offset, unit), watched[2])
        members = []
        schedule = self._schedule(plan, None if budget is None else budget / self.n_seeds)
        for number in range(self.n_seeds):
            own = label if self.n_seeds == 1 else f"{label} {number + 1}/{self.n_seeds}"
            members.append(
                train(
                    shape,
                    samples,
                    schedule,
                    random_state=seed + number,
                    label=own,
                    watched=looked,
                    evaluations=EVALUATIONS if looked is not None else 0,
                    patience=PATIENCE if looked is not None else None,
                    prepare=prepare,
                )
            )
            if members[-1].interrupted:
                break
        pool = (1.0,) if bag is None else (0.5, 0.5)
        nets = tuple(member.net for member in members)
        return SequenceModel(nets, encoding, bag, pool, targets.classes, offset, unit, steps, targets.flat), members

    def _make_encoding(
        self, source: Source, extra: list[str], plan: Plan, seed: int
    ) -> tuple[NumberEncoding | Tokens, Callable[[SequenceNet], None] | None]:
        """Fit what turns sequences into a network's input, and say what is done to a fresh network."""
        if isinstance(source, Ragged):
            return NumberEncoding.fit(source, changes=plan.changes), None
        texts = source + extra
        tokens = fit_tokens(texts, level=self.level, lowercase=self.lowercase, max_vocabulary=self.max_vocabulary)
        if self.embeddings == "random":
            return tokens, None
        vectors = ppmi_embeddings(tokens.encode(texts), tokens.size, self.embedding_size, scale=EMBEDDED, seed=seed)
        return tokens, lambda net: net.embed(vectors)

    def _make_shape(
        self, encoding: NumberEncoding | Tokens, inputs: Ragged, targets: Targets, plan: Plan
    ) -> SequenceShape:
        numbers = isinstance(encoding, NumberEncoding)
        return SequenceShape(
            outputs=targets.outputs,
            each=targets.each,
            columns=encoding.columns if numbers else 0,
            noisy=encoding.columns - int(encoding.gaps.sum()) if numbers else 0,
            vocabulary=0 if numbers else encoding.size,
            embedding=0 if numbers else self.embedding_size,
            fold=plan.fold,
            longest=-(-int(inputs.lengths.max(initial=1)) // plan.fold),
            cell=self.cell,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            residual=self.residual,
            layer_norm=self.layer_norm,
            readout=(self.readout,) if isinstance(self.readout, str) else tuple(self.readout),
            dropout=float(self.dropout),
            jitter=float(self.jitter),
            word_dropout=float(self.word_dropout),
            crop=0 if numbers else self.crop,
        )

    def _read_unlabelled(self, unlabelled: Any, source: Source) -> list[str]:
        """Return further texts without labels, which the vocabulary and the embeddings are made from."""
        if unlabelled is None:
            return []
        if isinstance(source, Ragged):
            raise OptionError("unlabelled= takes further texts, and these sequences are numbers: leave it out.")
        texts, _ = read_source(unlabelled, self._who)
        if isinstance(texts, Ragged):
            raise DataError("unlabelled= takes texts, and was given numbers: give a list of str.")
        return texts

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
            unit="step" if net.shape.each else "sequence",
        )

    def _require_fitted(self) -> SequenceModel:
        if not hasattr(self, "_model"):
            raise SequenceNotFittedError(
                f"This {self._who} has learned nothing yet: call fit(X, y), or recuerdo.load(path)."
            )
        return self._model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")


def _lengths(source: Source, output: str, who: str) -> NDArray[np.int64]:
    """Return the steps of sequences; a text's own are not asked for."""
    if isinstance(source, Ragged):
        return source.lengths
    if output == "each":
        raise OptionError(
            f"{who}(output='each') answers at every step of sequences of numbers: for texts there is output='last'."
        )
    return np.ones(len(source), np.int64)


def _kept(y: Any, indices: NDArray[np.int64]) -> Any:
    """Return the answers of some sequences, in the form in which they came."""
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    return y[indices] if isinstance(y, np.ndarray) else [y[i] for i in indices]


def _drawn(random_state: int | None) -> int:
    return int(np.random.SeedSequence().generate_state(1)[0]) if random_state is None else random_state


def _scale(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of numbers, (C,) each; 0 and 1 for classes."""
    if targets.classes is not None:
        return np.zeros(targets.outputs), np.ones(targets.outputs)
    values = targets.values.values if isinstance(targets.values, Ragged) else targets.values
    std = np.nanstd(values, axis=0)
    return np.nanmean(values, axis=0), np.where(std > 0, std, 1.0)


def _scaled(targets: Targets, offset: NDArray[np.float64], unit: NDArray[np.float64]) -> Targets:
    """Return numbers in units of their spread; classes as they are."""
    if targets.classes is not None:
        return targets
    if isinstance(targets.values, Ragged):
        return replace(targets, values=Ragged((targets.values.values - offset) / unit, targets.values.starts))
    return replace(targets, values=(targets.values - offset) / unit)
