"""SequenceClassifier: sequences of numbers or texts go in, a class comes out, at the end, or for every step or word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight

from recuerdo.errors import OptionError
from recuerdo.tasks.class_metrics import checked_weights
from recuerdo.tasks.sequence_answers import Rows, answered
from recuerdo.tasks.sequence_fitting import SequenceEstimator
from recuerdo.tasks.sequence_models import Source
from recuerdo.tasks.sequence_options import require_bag, require_class_weight, require_known_classes
from recuerdo.tasks.sequence_plan import Plan
from recuerdo.tasks.sequence_sources import cut_answers
from recuerdo.tasks.sequence_targets import Targets, flat_labels, read_labels

if TYPE_CHECKING:
    from recuerdo.tasks.language_model import LanguageModel


class SequenceClassifier(ClassifierMixin, SequenceEstimator):
    """Tells classes of sequences apart by a recurrent network, beside the baselines that it has to beat.

    Sequences are arrays of numbers, all of one length or each of its own, texts, or texts as their words. A fit trains
    twice: once without a share of the sequences, which then tell how good it is and how sure it may be (the trial), and
    once on all of them. What it says of a sequence depends on that sequence alone, never on those beside it. It is a
    classifier of scikit-learn's.

    Args:
        cell: "gru", "lstm", "frnn" or "indrnn".
        output: "last" gives one verdict for each sequence; "each" one for every step of numbers, or for every word of
            texts that come as their words, as in tagging.
        hidden_size: H, units of a layer and direction.
        num_layers: L, layers.
        bidirectional: read from both ends; False reads forwards only, so that a verdict at a step knows no later one.
        readout: what of the outputs the verdict is made from: one or more of "last", "mean", "max" and "attention";
            with output="each" each step's own output is read.
        residual: add a layer's input to its output, from the second layer on.
        layer_norm: normalise inside the cell; deep IndRNNs want it.
        dropout: share dropped in training, of what the head reads, of embeddings, and between layers.
        fold: steps of numbers that make one step of the recurrence; None takes as many as leave 64 or fewer.
        changes: whether each step of numbers tells its change from the one before too; "auto" does where changes are
            small beside the spread of the values.
        jitter: standard deviation of the noise on numbers in training, in units of each feature's own.
        level: what a text is cut into: "word", "char" or "bpe"; words that are given stay whole.
        lowercase: whether the network reads texts in small letters; the bag always does.
        max_vocabulary: tokens that are known at most; None for all (8,192 for "bpe").
        embedding_size: E, numbers of a token's vector.
        embeddings: how these begin: "ppmi" from which tokens stand near which, in the training texts and `unlabelled`;
            "random"; or those of a fitted LanguageModel, with its vocabulary, and its layers where these are like the
            network's (see :meth:`recuerdo.LanguageModel.classifier`).
        word_dropout: share of a text's tokens that are taken for unknown ones in training.
        crop: tokens of a text that a step of training reads at most, from a random place; verdicts are on whole texts,
            and where every word has one, training reads whole texts too.
        bag: whether a bag of n-grams (TF-IDF with logistic regression) stands beside the recurrence, their verdicts
            pooled by weights from the trial; "auto" does for texts with a verdict at the end. Given words it reads with
            a space between them.
        class_weight: class -> how much its sequences count in the loss, "balanced" for all classes alike, None for all
            sequences alike. Scores and temperature count every sequence alike, or by sample_weight.
        early_stop: whether the trial says how long the training on all sequences takes: for as many steps as did best
            on half of the held-out sequences. The other half gives the scores.
        n_seeds: how many networks, which differ by their seed alone, are averaged.
        trial: False trains once, on everything: no scores, no baselines, probabilities as the network says them, or
            with a bag as the mean of both verdicts' logarithms.
        baselines: "auto" compares with the most frequent class, an MLP of as many parameters on the flattened numbers,
            the nearest neighbour by dynamic time warping (with the extra `baselines`), TF-IDF with logistic regression
            on texts, and where every word has a verdict, with the class that each word has most often; what takes
            more than a tenth of the fit's time, or a second, is left out and said.
            Clones, as searches and cross-validations make them, compare with nothing. None compares with nothing.
        max_steps: optimiser steps; None decides from the number of sequences.
        max_seconds: a budget for both trainings; the learning rate's schedule fits itself to it.
        batch_size: sequences of a step; None decides from their number, 32 to 128.
        learning_rate: the highest of AdamW; None takes 3e-3 for numbers and 2e-3 for texts.
        weight_decay: of AdamW.
        random_state: a seed; None draws one, which report_ tells.
        device: "auto" takes a CUDA device if there is one, else the CPU.
        verbose: True shows progress, False does not, None does on a terminal; "brief" does there, and writes one line
            for each training elsewhere.

    Attributes:
        classes_: the classes, sorted; the columns of predict_proba.
        feature_names_in_: the names of the columns, where it was fitted on a table.
        report_: after fit, the scores beside the baselines', the choices made, steps, seconds and seed.

    Example:
        >>> import recuerdo as rc
        >>> rising = np.cumsum(np.random.default_rng(0).random((40, 12, 1)), axis=1)
        >>> X, y = np.concatenate([rising, -rising]), ["up"] * 40 + ["down"] * 40
        >>> model = rc.SequenceClassifier(max_steps=30, random_state=0).fit(X, y)
        >>> model.predict(X[[0, -1]]).tolist()
        ['up', 'down']
    """

    CLASSES: ClassVar[bool] = True
    classes_: NDArray[Any]

    def __init__(
        self,
        cell: str = "gru",
        output: str = "last",
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        readout: str | Sequence[str] = ("last", "mean", "max"),
        residual: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.3,
        fold: int | None = None,
        changes: bool | str = "auto",
        jitter: float = 0.3,
        level: str = "word",
        lowercase: bool = True,
        max_vocabulary: int | None = None,
        embedding_size: int = 128,
        embeddings: str | LanguageModel = "ppmi",
        word_dropout: float = 0.1,
        crop: int = 256,
        bag: bool | str = "auto",
        class_weight: Mapping[Any, float] | str | None = None,
        early_stop: bool = False,
        n_seeds: int = 1,
        trial: bool = True,
        baselines: str | None = "auto",
        max_steps: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float = 0.01,
        random_state: int | None = None,
        device: str = "auto",
        verbose: bool | str | None = None,
    ) -> None:
        self.cell = cell
        self.output = output
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.readout = readout
        self.residual = residual
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.fold = fold
        self.changes = changes
        self.jitter = jitter
        self.level = level
        self.lowercase = lowercase
        self.max_vocabulary = max_vocabulary
        self.embedding_size = embedding_size
        self.embeddings = embeddings
        self.word_dropout = word_dropout
        self.crop = crop
        self.bag = bag
        self.class_weight = class_weight
        self.early_stop = early_stop
        self.n_seeds = n_seeds
        self.trial = trial
        self.baselines = baselines
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, lengths: Any = None, unlabelled: Any = None) -> Self:
        """Learn from sequences and their classes.

        Args:
            X: numbers (N, T, D), or (N, T) of one feature; a list of (T_i, D) or (T_i,) arrays of any lengths; a list
                or column of N texts, or of N lists of words. NaN is a value that is missing.
            y: (N,) classes, strings or whole numbers; with output="each" (N, T), or a list of (T_i,), None or NaN
                where a step or word has none.
            sample_weight: (N,) how much each sequence counts.
            lengths: (N,) steps that count of each row of a padded array.
            unlabelled: further texts without classes, for vocabulary and embeddings; as their words where X is so.

        Returns:
            The classifier itself.

        Raises:
            DataError: X or y cannot be read, or there is but one class.
            ShapeError: X, y, lengths and weights do not go together.
            OptionError: an argument of the classifier is out of range.
            DivergedError: training left the finite numbers.
        """
        self._check_own_options()
        return self._fit(X, y, sample_weight, lengths, unlabelled)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, *, lengths: Any = None
    ) -> Self:
        """Go on learning from some more sequences, in one pass over them.

        The first call, unless fit came before, decides from its sequences what fit would (scale, frames, vocabulary),
        and holds no trial. Each call begins with a fresh optimiser at the full learning rate; max_steps,
        max_seconds and early_stop are fit's. After fit on texts the network goes on, and the bag and the pooling stay
        as they are.

        Args:
            X, y, sample_weight, lengths: as in fit.
            classes: all classes that will ever come; needed in the first call alone.

        Raises:
            DataError: a class that was not named, or as in fit.
            OptionError: the first call does not name the classes, a later one names others, or bag=True.
        """
        self._check_own_options()
        if classes is None and not hasattr(self, "_model"):
            raise OptionError("The first call of partial_fit needs classes=, all that will ever come.")
        if classes is not None and hasattr(self, "_model") and set(np.unique(classes)) != set(self.classes_):
            raise OptionError(
                f"partial_fit(classes={np.unique(classes).tolist()}): the first call named {self.classes_.tolist()}, "
                f"and they stay: leave classes out, or fit a clone."
            )
        if self.bag is True and not hasattr(self, "_model"):
            raise OptionError("bag=True needs all texts at once: call fit, or leave it out for partial_fit.")
        return self._fit_more(X, y, sample_weight, lengths, classes)

    def predict(self, X: Any, *, lengths: Any = None) -> Rows:
        """Return the class of each sequence, or of each of its steps.

        Args:
            X: as in fit, of any number of sequences; an iterator is read in parts, and only the answers are held.
            lengths: as in fit.

        Returns:
            (N,). With output="each" (N, T) for an array, and a list of (T_i,) for a list.

        Raises:
            NotFittedError: before fit.
            DataError, ShapeError: X cannot be read, or is of other features than in fit.
        """
        model = self._require_fitted()
        assert model.classes is not None
        classes = model.classes

        def answer(source: Source) -> tuple[NDArray[Any], Any]:
            logits, inputs = model.logits(source, self._who)
            return classes[logits.argmax(axis=-1)], inputs

        return answered(model, X, self._who, lengths, answer)

    def predict_proba(self, X: Any, *, lengths: Any = None) -> Rows:
        """Return how likely each class is: as `predict`, with a last axis of C probabilities in the classes' order."""
        return self._logits(X, lengths, np.exp)

    def predict_log_proba(self, X: Any, *, lengths: Any = None) -> Rows:
        """Return the logarithms of `predict_proba`, which do not run into 0."""
        return self._logits(X, lengths, lambda logits: logits)

    def _logits(self, X: Any, lengths: Any, then: Any) -> Rows:
        model = self._require_fitted()

        def answer(source: Source) -> tuple[NDArray[Any], Any]:
            logits, inputs = model.logits(source, self._who)
            return then(logits), inputs

        return answered(model, X, self._who, lengths, answer)

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, lengths: Any = None) -> float:
        """Return the accuracy; with output="each" that of all steps whose class is known.

        Args:
            X, y, lengths: as in fit; a class that fit has not seen is never right.
            sample_weight: (N,).
        """
        model = self._require_fitted()
        said = self.predict(X, lengths=lengths)
        own = np.array([len(row) for row in said]) if model.each else np.ones(len(said), np.int64)
        truth, place, _ = flat_labels(cut_answers(y, lengths), own, each=model.each, who=self._who)
        flat = np.concatenate(list(said)) if model.each else np.asarray(said)
        weights = np.ones(len(own)) if sample_weight is None else checked_weights(sample_weight, len(own))
        return float(np.average(flat[place] == truth, weights=np.repeat(weights, own)[place]))

    def _check_own_options(self) -> None:
        require_bag(self.bag)
        require_class_weight(self.class_weight)

    def _read_targets(self, y: Any, lengths: NDArray[np.int64], classes: Any = None) -> Targets:
        return read_labels(y, lengths, each=self.output == "each", who=self._who, classes=classes)

    def _sample_weights(self, targets: Targets, sample_weight: Any) -> NDArray[np.float64]:
        N = len(targets)
        weights = np.ones(N) if sample_weight is None else checked_weights(sample_weight, N)
        if self.class_weight is not None:
            if targets.each:
                raise OptionError("class_weight weighs whole sequences, and with output='each' they have no class.")
            require_known_classes(self.class_weight, targets.classes)
        return weights / weights.mean()

    def _class_weights(self, targets: Targets) -> NDArray[np.float64]:
        if self.class_weight is None:
            return np.ones(len(targets))
        assert targets.classes is not None
        assert isinstance(targets.values, np.ndarray)
        if isinstance(self.class_weight, Mapping):
            named = self.class_weight
            return np.array([named.get(label, 1.0) for label in targets.classes.tolist()], np.float64)[targets.values]
        return np.asarray(compute_sample_weight(self.class_weight, targets.values), dtype=np.float64)

    def _bag_wanted(self, plan: Plan) -> bool:
        if self.bag is True and not plan.texts:
            raise OptionError("bag=True stands beside a network that reads texts, and these are numbers: leave it out.")
        if self.bag is True and self.output == "each":
            raise OptionError("bag=True judges whole texts, and output='each' every word: leave it out.")
        return plan.texts and self.output == "last" and self.bag is not False
