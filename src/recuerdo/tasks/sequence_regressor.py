"""SequenceRegressor: sequences of numbers or texts go in, a number comes out, at the end, or for every step or word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from recuerdo.errors import DataError
from recuerdo.tasks.class_metrics import checked_weights
from recuerdo.tasks.number_metrics import r2
from recuerdo.tasks.sequence_answers import Rows, answered
from recuerdo.tasks.sequence_fitting import SequenceEstimator
from recuerdo.tasks.sequence_models import Source
from recuerdo.tasks.sequence_plan import Plan
from recuerdo.tasks.sequence_sources import cut_answers
from recuerdo.tasks.sequence_targets import Targets, read_numbers

if TYPE_CHECKING:
    from recuerdo.tasks.language_model import LanguageModel


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """Scores sequences with a number, or several, by a recurrent network, beside the baselines that it has to beat.

    All that :class:`recuerdo.SequenceClassifier` says of sequences, trial and network holds here too; what is learned
    is the squared error, each column of the target in units of its own spread. It is a regressor of scikit-learn's.

    Args:
        cell, output, hidden_size, num_layers, bidirectional, readout, residual, layer_norm, dropout, fold, changes,
            jitter, level, lowercase, max_vocabulary, embedding_size, embeddings, word_dropout, crop, early_stop,
            n_seeds, trial,
            max_steps, max_seconds, batch_size, learning_rate, weight_decay, random_state, device, verbose: as in
            :class:`recuerdo.SequenceClassifier`.
        baselines: "auto" compares with the mean, an MLP of as many parameters, the nearest neighbour by dynamic time
            warping, TF-IDF with ridge regression on texts, and where every word has a number, with the mean of each
            word's; None with nothing.

    Attributes:
        feature_names_in_: the names of the columns, where it was fitted on a table.
        report_: after fit, the scores beside the baselines', the choices made, steps, seconds and seed.

    Example:
        >>> import recuerdo as rc
        >>> X, y = rc.data.problems.adding(200, T=10)
        >>> model = rc.SequenceRegressor(max_steps=20, baselines=None, random_state=0).fit(X, y)
        >>> model.predict(X[:3]).shape
        (3,)
    """

    CLASSES: ClassVar[bool] = False

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
        jitter: float = 0.1,
        level: str = "word",
        lowercase: bool = True,
        max_vocabulary: int | None = None,
        embedding_size: int = 128,
        embeddings: str | LanguageModel = "ppmi",
        word_dropout: float = 0.1,
        crop: int = 256,
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
        """Learn from sequences and their numbers.

        Args:
            X, sample_weight, lengths, unlabelled: as in :meth:`recuerdo.SequenceClassifier.fit`.
            y: (N,) or (N, C) numbers; with output="each" (N, T) or (N, T, C), or a list of (T_i,) or (T_i, C), None
                or NaN where a step or word has none.

        Returns:
            The regressor itself.

        Raises:
            DataError: X or y cannot be read.
            ShapeError: X, y, lengths and weights do not go together.
            OptionError: an argument of the regressor is out of range.
            DivergedError: training left the finite numbers.
        """
        return self._fit(X, y, sample_weight, lengths, unlabelled)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, lengths: Any = None) -> Self:
        """Go on learning from some more sequences, in one pass over them.

        The first call, unless fit came before, decides from its sequences what fit would (scales, frames, vocabulary),
        and holds no trial. Each call begins with a fresh optimiser at the full learning rate; max_steps,
        max_seconds and early_stop are fit's.

        Args:
            X, y, sample_weight, lengths: as in fit.

        Raises:
            DataError, ShapeError: as in fit.
        """
        return self._fit_more(X, y, sample_weight, lengths, None)

    def predict(self, X: Any, *, lengths: Any = None) -> Rows:
        """Return the number of each sequence, or of each of its steps.

        Args:
            X: as in fit, of any number of sequences; an iterator is read in parts, and only the answers are held.
            lengths: as in fit.

        Returns:
            (N,) or (N, C), as y came. With output="each" (N, T) or (N, T, C) for an array, and a list for a list.

        Raises:
            NotFittedError: before fit.
            DataError, ShapeError: X cannot be read, or is of other features than in fit.
        """
        model = self._require_fitted()

        def answer(source: Source) -> tuple[NDArray[Any], Any]:
            numbers, inputs = model.numbers(source, self._who)
            return numbers[:, 0] if model.flat else numbers, inputs

        return answered(model, X, self._who, lengths, answer)

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, lengths: Any = None) -> float:
        """Return R², the share of the variance that is explained; with output="each" over all steps whose number is
        known.

        Args:
            X, y, lengths: as in fit.
            sample_weight: (N,).
        """
        model = self._require_fitted()
        said = self.predict(X, lengths=lengths)
        own = np.array([len(row) for row in said]) if model.each else np.ones(len(said), np.int64)
        truth = self._read_targets(cut_answers(y, lengths), own)
        known, owner = truth.flatten()
        flat = np.concatenate(list(said)) if model.each else np.asarray(said)
        weights = None if sample_weight is None else checked_weights(sample_weight, len(own))[owner]
        return r2(known, flat.reshape(len(flat), -1)[truth.known], weights)

    def _read_targets(self, y: Any, lengths: NDArray[np.int64], classes: Any = None) -> Targets:
        return read_numbers(y, lengths, each=self.output == "each", who=self._who)

    def _class_weights(self, targets: Targets) -> NDArray[np.float64]:
        return np.ones(len(targets))

    def _sample_weights(self, targets: Targets, sample_weight: Any) -> NDArray[np.float64]:
        N = len(targets)
        weights = np.ones(N) if sample_weight is None else checked_weights(sample_weight, N)
        if not weights.sum() > 0:
            raise DataError(f"{self._who}: no sequence has any weight, so there is nothing to learn.")
        return weights / weights.mean()

    def _bag_wanted(self, plan: Plan) -> bool:
        return False
