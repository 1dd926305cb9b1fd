"""The trial of a classifier or scorer: what it says of held-out sequences, beside what the baselines say of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.errors import OptionError
from recuerdo.tasks.class_metrics import class_scores, confusion
from recuerdo.tasks.number_metrics import number_scores
from recuerdo.tasks.pooling import averaged, cross_pooled, dealt, fit_pool, log_probabilities
from recuerdo.tasks.sequence_baselines import MAJORITY, most_frequent
from recuerdo.tasks.sequence_models import SequenceModel, Source, texts_of
from recuerdo.tasks.sequence_report import points_of
from recuerdo.tasks.sequence_targets import Targets
from recuerdo.tasks.temperature import temperature_words
from recuerdo.tasks.text_baselines import TFIDF
from recuerdo.tasks.timed_baselines import Asked, compare
from recuerdo.tasks.warping_baseline import DTW

if TYPE_CHECKING:
    from recuerdo.tasks.sequence_fitting import SequenceEstimator
    from recuerdo.tasks.sequence_plan import Plan
    from recuerdo.tasks.sequence_training import Member

Values = NDArray[np.float64]
Part = tuple[Source, Targets, Values]
"""Sequences, their answers and their weights."""

BASELINE_SHARE, BASELINE_SECONDS = 0.1, 1.0
"""What the baselines may take: this share of the time of the trial's and the final training, and a second at least."""


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
        points: (truth, answer) of numbers.
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
    points: tuple[tuple[float, float], ...] = ()


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
        held: what it is judged by, which has not decided anything of it. Its probabilities are pooled, or brought to a
            temperature, by what other held-out rows tell; all of them tell what the model keeps.
        plan: of the fit.
        began: when the trial began.
        seed: of the baselines.
    """
    who = type(estimator).__name__
    made, _ = model.raw(held[0], who)
    known, owner = held[1].flatten()
    weights = held[2][owner]
    made = [one[held[1].known] for one in made]
    steps, words = _steps(members, plan, len(learned[0]), len(held[0]))
    words += _unjudged(model, learned[1], held[1])
    name, temperature, pool, matrix, points = estimator.name, None, model.pool, (), ()
    scores: dict[str, dict[str, float]] = {}
    if model.classes is not None:
        parts = [averaged(made)]
        if model.bag is not None:
            parts.append(model.bag.logits(texts_of(held[0])))
        pool = fit_pool(parts, known, weights)
        probabilities = np.exp(cross_pooled(parts, known, weights, owner if model.each else None))
        scores[name] = class_scores(probabilities, known, weights)
        if len(parts) > 1:
            alone = class_scores(np.exp(log_probabilities(parts[0])), known, weights)
            if estimator.baselines is not None and not estimator._copied:
                scores[TFIDF] = class_scores(np.exp(parts[1]), known, weights)
            words.append(
                f"a bag of n-grams stands beside the recurrence; {len(known)} held-out verdicts weigh its logits "
                f"{pool[1]:.2f} and the networks' {pool[0]:.2f}; the recurrence alone has an accuracy of "
                f"{alone['accuracy']:.3f}"
            )
        else:
            temperature = 1 / pool[0]
            words.append(temperature_words(temperature, len(known)))
        matrix = tuple(tuple(int(one) for one in row) for row in confusion(probabilities, known))
        own = [class_scores(np.exp(log_probabilities(one)), known, weights) for one in made]
    else:
        on_scale = [one * model.unit + model.offset for one in made]
        mean = np.mean(on_scale, axis=0)
        scores[name], points = number_scores(known, mean, weights), points_of(known, mean)
        own = [number_scores(known, one, weights) for one in on_scale]
    skipped: tuple[str, ...] = ()
    if estimator.baselines is not None and estimator._copied:
        skipped = ("no baseline was fitted, as this is a clone, such as a search or a cross-validation makes",)
    elif estimator.baselines is not None:
        seconds = max(BASELINE_SECONDS, BASELINE_SHARE * 2 * (time.monotonic() - began))
        in_loss = estimator._in_loss(learned[1], learned[2])
        said, skipped = _baselines(model, members, learned, in_loss, held, plan, seconds, seed)
        for other, answer in said.items():
            scores[other] = _scores(
                answer, known, weights, verdicts_only=other == DTW, classes=model.classes is not None
            )
    seeds = {member.seed: row for member, row in zip(members, own, strict=True)} if len(members) > 1 else {}
    return Judged(scores, len(known), matrix, temperature, pool, steps, tuple(words), skipped, seeds, points)


def _steps(members: Sequence[Member], plan: Plan, learned: int, held: int) -> tuple[int, list[str]]:
    """Return the steps of the training on all rows, and why."""
    taken = members[0].history.steps
    if not plan.early_stop:
        return taken, []
    best = [member.history.best_step or taken for member in members]
    every = learned + len(plan.held)
    passes = -(-every // plan.batch_size) / -(-learned // plan.batch_size)
    steps = max(1, round(float(np.mean(best)) * passes))
    return steps, [
        f"training takes {steps} steps, after which {len(plan.held) - held} held-out sequences were judged best (of "
        f"{taken} in the trial); the scores are over {held} others"
    ]


def halved(targets: Targets, held: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of the held-out sequences judge the model, and which say when its training is over.

    Args:
        targets: the answers to N sequences.
        held: (n,) which of them are held out.

    Raises:
        OptionError: there are fewer than two.
    """
    if len(held) < 2:
        raise OptionError(
            f"early_stop=True needs 2 held-out sequences or more, one to end the training and one to judge it, and "
            f"{len(held)} is held out here: give more sequences, or leave early_stop out."
        )
    values = targets.values
    named = targets.classes is not None and isinstance(values, np.ndarray)
    hand = dealt(np.asarray(values[held], np.int64) if named else np.zeros(len(held), np.int64), 2)
    return held[hand == 0], held[hand == 1]


def _unjudged(model: SequenceModel, learned: Targets, held: Targets) -> list[str]:
    """Return a sentence on the classes that no held-out sequence or step has."""
    if model.classes is None:
        return []
    count, there = (np.bincount(one.flatten()[0], minlength=len(model.classes)) for one in (learned, held))
    rare = [k for k in np.flatnonzero(there == 0) if count[k]]
    if not rare:
        return []
    names = model.classes.tolist()
    shown = ", ".join(f"{names[k]!r} ({count[k]} to learn from)" for k in rare[:3])
    if len(rare) > 3:
        shown += f" and {len(rare) - 3} more classes"
    return [f"nothing of {shown} was held out to judge by: the scores say nothing on it"]


def _baselines(
    model: SequenceModel,
    members: Sequence[Member],
    learned: Part,
    in_loss: Values,
    held: Part,
    plan: Plan,
    seconds: float,
    seed: int,
) -> tuple[dict[str, Values], tuple[str, ...]]:
    """Return what the baselines say of the held-out answers that are known, and which were left out."""
    y, owner = learned[1].flatten()
    train, test = (_asked(part) for part in (learned, held))
    classes = None if model.classes is None else len(model.classes)
    if model.bag is not None:  # TF-IDF is judged already: it is the bag
        return {MAJORITY: most_frequent(y, len(test), classes=classes, weights=learned[2])}, ()
    asked = Asked(
        train,
        y if classes is not None or not learned[1].flat else y[:, 0],
        test,
        classes,
        parameters=sum(one.numel() for one in members[0].net.parameters()),
        steps=members[0].history.steps,
        weights=learned[2][owner],
        in_loss=in_loss[owner],
        batch_size=max(1, round(plan.batch_size * len(y) / len(learned[0]))),
        seed=seed,
        unit="sequence" if not model.each else "word" if plan.texts else "step",
    )
    return compare(asked, seconds=seconds)


def _asked(part: Part) -> Ragged | list[str]:
    """Return the sequences; where every step has an answer, those of its steps that have one, each by itself."""
    source, targets, _ = part
    if not targets.each:
        return source if isinstance(source, Ragged) else texts_of(source)
    if isinstance(source, Sentences):
        return list(compress(chain.from_iterable(source), np.asarray(targets.known)))
    assert isinstance(source, Ragged)
    steps = source.values[targets.known]
    return Ragged(steps, np.arange(len(steps) + 1))


def _scores(answer: Values, known: Any, weights: Values, *, verdicts_only: bool, classes: bool) -> dict[str, float]:
    if classes:
        return class_scores(answer, known, weights, verdicts_only=verdicts_only)
    return number_scores(known, answer.reshape(known.shape), weights)
