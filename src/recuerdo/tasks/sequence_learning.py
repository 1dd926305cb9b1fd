"""How a classifier or scorer of sequences learns: its options, what it decides from the data, and one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from recuerdo.data.embeddings import ppmi_embeddings
from recuerdo.data.ngram_counts import Counted
from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.data.texts import Tokens, fit_tokens
from recuerdo.errors import DataError, OptionError
from recuerdo.nn import LAYERS
from recuerdo.tasks.bags import Bag
from recuerdo.tasks.forecast_options import resolve_device
from recuerdo.tasks.language_starts import begin, layers_differ, tokens_of, told
from recuerdo.tasks.pooling import even_pool
from recuerdo.tasks.sequence_inputs import NumberEncoding
from recuerdo.tasks.sequence_models import SequenceModel, Source, encoded
from recuerdo.tasks.sequence_nets import SequenceNet, SequenceShape
from recuerdo.tasks.sequence_plan import (
    FEWEST,
    Plan,
    batch_size_for,
    changes_tell,
    doubts,
    frames_for,
    held_out,
    said_of,
    steps_for,
)
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.sequence_training import Member, Samples, Schedule, train

if TYPE_CHECKING:
    from recuerdo.tasks.language_model import LanguageModel

TEXT_RATE, NUMBER_RATE = 2e-3, 3e-3
"""Learning rates where none is asked for."""

EVALUATIONS, PATIENCE = 12, 3
"""Looks at the held-out rows in a whole training that may stop early, and how many of them without gain end it."""

EMBEDDED = 0.24
"""Standard deviation of embeddings that come from the texts' own statistics."""


LEAST_SECONDS = 0.1
"""What a training has, however much of its budget encodings and bag have taken."""


class SequenceLearner(BaseEstimator):
    """The options of a classifier or scorer of sequences, and one training by them. Abstract."""

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
    embeddings: str | LanguageModel
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

    def _bag_wanted(self, plan: Plan) -> bool:
        """Whether a bag of n-grams stands beside the networks."""
        raise NotImplementedError

    def _class_weights(self, targets: Targets) -> NDArray[np.float64]:
        """Return how much each sequence counts in the loss for its class, (N,), beside its own weight."""
        raise NotImplementedError

    def _in_loss(self, targets: Targets, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each sequence counts in the loss, (N,), of mean 1: its own weight times its class's."""
        made = weights * self._class_weights(targets)
        if not made.sum() > 0:
            raise DataError(f"{self._who}: no sequence has any weight, so there is nothing to learn.")
        return made / made.mean()

    @property
    def name(self) -> str:
        """What tables call the model: the cell in the letters that people write it in."""
        cell = getattr(LAYERS.get(self.cell), "__name__", self.cell)
        return f"Bi{cell}" if self.bidirectional else cell

    @property
    def _who(self) -> str:
        return type(self).__name__

    def _make_plan(
        self, source: Source, targets: Targets, seed: int, *, trial: bool = True, model: SequenceModel | None = None
    ) -> Plan:
        """Decide what fit does; without a trial, or what stays as it is in a model that goes on learning."""
        texts = not isinstance(source, Ragged)
        if texts and self.fold not in (None, 1):
            raise OptionError(
                f"fold={self.fold} makes one step of several steps of numbers, and these are texts: leave it out."
            )
        early_stop, trial = self.early_stop and trial, self.trial and trial
        held = held_out(targets, seed) if trial else np.zeros(0, np.int64)
        fold, changes = 1, False
        words = [said_of(source, targets), *doubts(source, self.level)]
        if texts and not isinstance(self.embeddings, str):
            words.append(told(self, self.embeddings))
        if isinstance(source, Ragged):
            if model is not None and isinstance(model.encoding, NumberEncoding):
                fold, changes = model.nets[0].shape.fold, model.encoding.changes is not None
            else:
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
            max_steps = steps_for(texts, -(-len(source) // batch_size), each=targets.each)
        if early_stop and not len(held):
            raise OptionError("early_stop=True needs held-out sequences: give more of them, or leave trial=True.")
        if trial and not len(held):
            few = len(np.unique(targets.flatten()[1])) < FEWEST
            why = f"for which {FEWEST} sequences or more are needed" if few else "as no class can spare a sequence"
            words.append(f"no trial, {why}")
        rate = self.learning_rate or (TEXT_RATE if texts else NUMBER_RATE)
        return Plan(texts, fold, changes, batch_size, max_steps, rate, early_stop, held, tuple(words))

    def _train(
        self,
        source: Source,
        targets: Targets,
        weights: NDArray[np.float64],
        extra: list[Any],
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

        The n-grams of all texts are counted already; `rows` tells which of them these sequences are. The weights are
        the sequences' own, without those of their classes.
        """
        began = time.monotonic()
        encoding, prepare = self._make_encoding(source, extra, plan, seed)
        inputs = encoded(encoding, source)
        offset, unit = scale_of(targets)
        shape = self._make_shape(encoding, inputs, targets, plan)
        bag, in_loss = None, self._in_loss(targets, weights)
        if counted is not None:
            assert isinstance(targets.values, np.ndarray)
            bag = Bag.fit(counted, rows, targets.values, targets.outputs, in_loss)
        samples = Samples(inputs, scaled(targets, offset, unit), in_loss)
        looked = None
        if watched is not None:
            looked = Samples(
                encoded(encoding, watched[0]),
                scaled(watched[1], offset, unit),
                self._in_loss(watched[1], watched[2]),
            )
        members = []
        left = None if budget is None else max(LEAST_SECONDS, budget - (time.monotonic() - began)) / self.n_seeds
        schedule = self._schedule(plan, left)
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
        pool = even_pool(1 if bag is None else 2)
        nets = tuple(member.net for member in members)
        model = SequenceModel(nets, encoding, bag, pool, targets.classes, offset, unit, steps, targets.flat)
        return replace(model, histories=tuple(member.history for member in members)), members

    def _make_encoding(
        self, source: Source, extra: list[Any], plan: Plan, seed: int
    ) -> tuple[NumberEncoding | Tokens, Callable[[SequenceNet], None] | None]:
        """Fit what turns sequences into a network's input, and say what is done to a fresh network."""
        if isinstance(source, Ragged):
            return NumberEncoding.fit(source, changes=plan.changes), None
        texts = [*source, *extra]
        level = "given" if isinstance(source, Sentences) else self.level
        if not isinstance(self.embeddings, str):
            layers = not layers_differ(self, self.embeddings)
            return tokens_of(self, self.embeddings, level), partial(begin, model=self.embeddings, layers=layers)
        tokens = fit_tokens(texts, level=level, lowercase=self.lowercase, max_vocabulary=self.max_vocabulary)
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
            crop=0 if numbers or targets.each else self.crop,
        )

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


def scale_of(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of numbers, (C,) each; 0 and 1 for classes."""
    if targets.classes is not None:
        return np.zeros(targets.outputs), np.ones(targets.outputs)
    values = targets.values.values if isinstance(targets.values, Ragged) else targets.values
    std = np.nanstd(values, axis=0)
    return np.nanmean(values, axis=0), np.where(std > 0, std, 1.0)


def scaled(targets: Targets, offset: NDArray[np.float64], unit: NDArray[np.float64]) -> Targets:
    """Return numbers in units of their spread; classes as they are."""
    if targets.classes is not None:
        return targets
    if isinstance(targets.values, Ragged):
        return replace(targets, values=Ragged((targets.values.values - offset) / unit, targets.values.starts))
    return replace(targets, values=(targets.values - offset) / unit)
