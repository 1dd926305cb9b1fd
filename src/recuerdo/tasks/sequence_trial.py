"""The trial of a classifier or scorer: what it says of held-out sequences, beside what the baselines say of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.tasks.class_metrics import class_scores, confusion
from recuerdo.tasks.number_metrics import number_scores
from recuerdo.tasks.pooling import averaged, fit_pool, log_probabilities, pooled
from recuerdo.tasks.sequence_comparison import Compared, compare
from recuerdo.tasks.sequence_models import SequenceModel, Source
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.temperature import temperature_words
from recuerdo.tasks.text_baselines import TFIDF

if TYPE_CHECKING:
    from recuerdo.tasks.sequence_fitting import SequenceEstimator
    from recuerdo.tasks.sequence_plan import Plan
    from recuerdo.tasks.sequence_training import Member

Values = NDArray[np.float64]
Part = tuple[Source, Targets, Values]
"""Sequences, their answers and their weights."""

ALONE = "without n-grams"
"""What tables add to the model's name for the networks alone, where a bag stands beside them."""


@dataclass(frozen=True)
class Judged:
    """What a trial found.

    Attributes:
        scores: name -> score -> value, the model first.
        rows: verdicts that each is over.
        confusion: of the model.
        temperature: of its logits, where they are not pooled with a bag's.
        pool: weights of the networks' logits and the bag's.
        steps: how many the training on all rows takes.
        words, skipped: sentences on what was decided, and on baselines that were left out.
        seed_scores: seed -> scores of each network on its own, where there are several.
    """

    scores: dict[str, dict[str, float]]
    rows: int
    confusion: tuple[tuple[int, ...], ...]
    temperature: float | None
    pool: tuple[float, ...]
    steps: int
    words: tuple[str, ...]
    skipped: tuple[str, ...]
    seed_scores: dict[int, dict[str, float]]


def judge(
    estimator: SequenceEstimator,
    model: SequenceModel,
    members: Sequence[Member],
    *,
    learned: Part,
    held: Part,
    plan: Plan,
    began: float,
    seed: int,
) -> Judged:
    """Judge a model that has learned from some sequences by others, and fit how sure it may be.

    Args:
        estimator: whose it is.
        model: as it came out of training.
        members: its networks with what happened in training.
        learned: what it has learned from; the baselines learn from the same.
        held: what it is judged by.
        plan: of the fit.
        began: when the trial began.
        seed: of the baselines.
    """
    who = type(estimator).__name__
    made, _ = model.raw(held[0], who)
    known, owner = held[1].flatten()
    place = _known(held[1])
    weights = held[2][owner]
    made = [one[place] for one in made]
    steps, words = _steps(members, plan, len(learned[0]), len(held[0]))
    name, temperature, pool, matrix = estimator.name, None, model.pool, ()
    scores: dict[str, dict[str, float]] = {}
    if model.classes is not None:
        parts = [averaged(made)]
        if model.bag is not None:
            assert not isinstance(held[0], Ragged)
            parts.append(model.bag.logits(held[0]))
        pool = fit_pool(parts, known, weights)
        probabilities = np.exp(pooled(parts, pool))
        scores[name] = class_scores(probabilities, known, weights)
        if len(parts) > 1:
            scores[f"{name} {ALONE}"] = class_scores(np.exp(log_probabilities(parts[0])), known, weights)
            scores[TFIDF] = class_scores(np.exp(parts[1]), known, weights)
            words.append(
                f"a bag of n-grams stands beside the recurrence; {len(known)} held-out verdicts weigh its logits "
                f"{pool[1]:.2f} "
                f"and the networks' {pool[0]:.2f}"
            )
        else:
            temperature = 1 / pool[0]
            words.append(temperature_words(temperature, len(known)))
        matrix = tuple(tuple(int(one) for one in row) for row in confusion(probabilities, known))
        own = [class_scores(np.exp(log_probabilities(one)), known, weights) for one in made]
    else:
        on_scale = [one * model.unit + model.offset for one in made]
        scores[name] = number_scores(known, np.mean(on_scale, axis=0), weights)
        own = [number_scores(known, one, weights) for one in on_scale]
    compared = Compared({}, ())
    if estimator.baselines is not None and not estimator._copied:
        compared = compare(
            model,
            learned,
            held,
            seconds=time.monotonic() - began,
            seed=seed,
            done=tuple(scores),
            batch_size=plan.batch_size,
        )
    elif estimator.baselines is not None:
        compared = Compared({}, ("no baseline was fitted, as this is a clone: a search or a cross-validation made it",))
    seeds = {member.seed: row for member, row in zip(members, own, strict=True)} if len(members) > 1 else {}
    return Judged(
        scores | compared.scores, len(known), matrix, temperature, pool, steps, tuple(words), compared.skipped, seeds
    )


def _known(targets: Targets) -> Any:
    """Return which of the answers, flattened, are known."""
    if not isinstance(targets.values, Ragged):
        return slice(None)
    values = targets.values.values
    return values >= 0 if targets.classes is not None else ~np.isnan(values).any(axis=1)


def _steps(members: Sequence[Member], plan: Plan, learned: int, held: int) -> tuple[int, list[str]]:
    """Return the steps of the training on all rows, and why."""
    taken = members[0].history.steps
    if not plan.early_stop:
        return taken, []
    best = [member.history.best_step or taken for member in members]
    passes = -(-(learned + held) // plan.batch_size) / -(-learned // plan.batch_size)
    steps = max(1, round(float(np.mean(best)) * passes))
    return steps, [
        f"training takes {steps} steps, after which the held-out sequences were judged best (of {taken} in the trial)"
    ]
