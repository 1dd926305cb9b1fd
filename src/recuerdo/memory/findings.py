"""What an audit found, in sentences: the number behind each, and what to change; the likeliest cause first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recuerdo.learn import History
from recuerdo.memory.gates import GateActivity
from recuerdo.memory.reach import SLOWEST, Reach
from recuerdo.memory.recording import Recorded

FAR, NEAR = 8.0, 0.02
"""Size of a feature, its mean or spread, above or below which a network does not meet it halfway."""

DEAD, STUCK, CLIPPED = 0.5, 0.75, 0.9
"""Shares: of units that are always 0, of time in which gates are shut or open, of steps whose gradient is clipped."""

FORGETFUL, SHUT = 0.6, 0.15
"""Steps that the slower units promise, and the mean of the gate that keeps, below which a cell keeps nothing."""

EXPLODING = 100.0
"""Factor by which a gradient grows on its way back, from which it explodes."""

LAST, FALLING = 0.2, 0.03
"""The last share of a training's steps, and that of its first loss by which a loss that still falls falls in them."""

BOLD = 0.5
"""Learning rate by the size of the first weights, 1 / sqrt(H), from which a step of Adam is as large as a weight."""

LEARNED = 0.1
"""Loss at the end by that at the beginning, below which what looks sick did no harm."""

LASTING = 5
"""Steps over which a loss that rose has to stay there, by its median: one batch alone may be a hard one."""

CERTAIN = 3.0
"""Standard errors that a slope has to have."""

SPIKE, LITTLE, WORSE = 1.8, 0.6, 1.2
"""By the first loss: the highest one that too large steps alone make, if the median later is not far below the first;
and a median that they alone make."""


@dataclass(frozen=True)
class Finding:
    """Something to change, or to know.

    Attributes:
        code: its kind, such as "vanishing".
        sentence: what was found, with its numbers.
        remedy: what to try.
        options: the same as options of an estimator, as far as they are known.
        fault: whether it is one; else a note.
    """

    code: str
    sentence: str
    remedy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fault: bool = True

    def __str__(self) -> str:
        return f"{self.sentence} Try: {self.remedy}." if self.remedy else self.sentence


@dataclass(frozen=True)
class Evidence:
    """What findings follow from.

    Attributes:
        recorded: every recurrence; its gates, states and inputs.
        gates, reach: what was measured.
        growth: by how much gradients grow on their way back through the recurrence, at most.
        tokens: whether the input is tokens.
        history: of the training; None where it is not known.
        last_only: whether the loss reads the last step alone, though there are answers for all.
    """

    recorded: Sequence[Recorded]
    gates: Sequence[GateActivity]
    reach: Reach
    growth: float
    tokens: bool
    history: History | None
    last_only: bool = False


def findings(evidence: Evidence) -> list[Finding]:
    """Return what was found, the likeliest cause first: what a later one would follow from comes before it."""
    return [found for look in LOOKS for found in look(evidence)]


def _first(losses: NDArray[np.float64]) -> float:
    """The loss that a training began with."""
    return float(np.median(losses[:3]))


def _learned(history: History | None) -> bool:
    """Whether a training is known to have ended far below where it began."""
    if history is None or history.steps < 10:
        return False
    losses = np.array(history.losses)
    return float(np.median(losses[-len(losses) // 10 :])) < LEARNED * _first(losses)


def _untrained(evidence: Evidence) -> Iterator[Finding]:
    history = evidence.history
    if history is not None and history.steps == 0:
        yield Finding("untrained", "The weights are those that it began with: no step was taken.", "train it")


def _unscaled(evidence: Evidence) -> Iterator[Finding]:
    if evidence.tokens:
        return
    first = evidence.recorded[0]
    x = first.job.x.detach().double()[first.inside]
    mean, spread = x.mean(dim=0).abs(), x.std(dim=0, correction=0)
    large = int(((mean > FAR) | (spread > FAR)).sum())
    small = int(((spread < NEAR) & (spread > 0) & (mean < NEAR)).sum())
    if large or small:
        d = int(torch.maximum(mean, spread).argmax() if large else spread.argmin())
        which = f"{large or small} of {len(mean)} features" if len(mean) > 1 else "The input"
        yield Finding(
            "unscaled",
            f"{which} {'are' if large + small > 1 else 'is'} of another size than the weights expect (mean "
            f"{x.mean(dim=0)[d]:.3g}, spread {spread[d]:.3g} of feature {d}).",
            "scale the input to mean 0 and spread 1, by the training rows",
        )


def _short_lookback(evidence: Evidence) -> Iterator[Finding]:
    need, steps = evidence.reach.needed.steps, evidence.reach.steps
    if need is not None and need > steps:
        yield Finding(
            "short-lookback",
            f"The samples have {steps} steps, and the task needs {need} ({evidence.reach.needed.why}).",
            f"give samples of {2 * need} steps or more (lookback={2 * need})",
            {"lookback": 2 * need},
        )


def _last_only(evidence: Evidence) -> Iterator[Finding]:
    if evidence.last_only:
        yield Finding(
            "last-step-loss",
            f"The loss reads the last step alone, and there is an answer for each of {evidence.reach.steps}.",
            "a loss over all steps, whose gradients have shorter ways",
        )


def _learning_rate(evidence: Evidence) -> Iterator[Finding]:
    history = evidence.history
    if history is None or history.steps < 20:
        return
    losses = np.array(history.losses)
    first, middle = _first(losses), float(np.median(losses[len(losses) // 2 :]))
    highest = float(np.median(np.lib.stride_tricks.sliding_window_view(losses, LASTING), axis=1).max())
    rate = max(history.learning_rates)
    units = max(each.job.state[0].shape[-1] for each in evidence.recorded)
    bold = highest > SPIKE * first or rate > BOLD / units**0.5
    if middle > WORSE * first or (bold and middle > LITTLE * first):
        yield Finding(
            "learning-rate",
            f"The loss began at {first:.3g}, rose to {highest:.3g}, and its median in the second half of the training "
            f"is {middle:.3g}: steps at a learning rate of {rate:.3g} are too large.",
            f"a tenth of it (learning_rate={rate / 10:.2g})",
            _slower(history),
        )


def _dead(evidence: Evidence) -> Iterator[Finding]:
    for each in evidence.recorded:
        if each.job.cell.nonlinearity != "relu":
            continue
        h = each.states["h"].detach()[each.inside]
        share = float((h == 0).all(dim=0).double().mean())
        if share > DEAD:
            yield Finding(
                "dead",
                f"{100 * share:.0f} % of the units of {each.name} are 0 at all steps of all samples: no gradient "
                f"reaches them any more.",
                "begin anew with a smaller learning rate, biases of 0, or nonlinearity='tanh'",
                _slower(evidence.history),
                fault=not _learned(evidence.history),
            )
            return


def _forgets(evidence: Evidence) -> Iterator[Finding]:
    for each, recorded in zip(evidence.gates, evidence.recorded, strict=True):
        gate = recorded.job.cell.forgets
        if each.time_constants is None or gate is None:
            continue
        slow = float(np.quantile(each.time_constants, SLOWEST, method="lower"))
        mean = float(np.nanmean(each.activity[gate]))
        if slow < FORGETFUL and mean < SHUT:
            need = evidence.reach.needed.steps or evidence.reach.steps
            yield Finding(
                "forgets",
                f"The gate {gate} of {each.name} is nearly shut (mean {mean:.2g}): its units keep what they hold for "
                f"{slow:.2g} steps.",
                f"a forget bias for {need} steps (init='chrono', max_lag={need})",
                {"init": "chrono", "max_lag": need},
            )
            return


def _saturated(evidence: Evidence) -> Iterator[Finding]:
    shares = {
        f"gate {gate} of {each.name}": float((left + each.right[gate]).mean())
        for each in evidence.gates
        for gate, left in each.left.items()
    }
    if shares and (mean := float(np.mean(list(shares.values())))) > STUCK:
        worst = max(shares, key=shares.__getitem__)
        yield Finding(
            "saturated",
            f"The gates are shut or open, and seldom in between ({100 * mean:.0f} % of the time; {worst} "
            f"{100 * shares[worst]:.0f} %): no gradient moves them.",
            "smaller weights: begin anew with a smaller learning rate or with weight_decay",
            _slower(evidence.history),
        )


def _slower(history: History | None) -> dict[str, Any]:
    """A tenth of the learning rate, where that is known."""
    return {} if history is None or not history.steps else {"learning_rate": max(history.learning_rates) / 10}


def _clipping(evidence: Evidence) -> Iterator[Finding]:
    history = evidence.history
    if history is not None and history.clip is not None and history.clip_rate > CLIPPED:
        norm = float(np.median(history.grad_norms))
        yield Finding(
            "clipping",
            f"{100 * history.clip_rate:.0f} % of the steps were clipped at {history.clip:.3g}, and half of the "
            f"gradients are longer than {norm:.3g}: the steps have one length, whatever there is to learn.",
            f"clip={2 * norm:.2g}, twice the median norm",
            {"clip": 2 * norm},
        )


def _exploding(evidence: Evidence) -> Iterator[Finding]:
    if evidence.growth > EXPLODING:
        lasting, options = _lasting(evidence.reach.needed.steps)
        yield Finding(
            "exploding",
            f"The gradient grows by a factor of {evidence.growth:.3g} on its way back over {evidence.reach.steps} "
            f"steps.",
            f"cell='lstm', whose gates bound it{lasting}; or clip at 1, and nonlinearity='tanh'",
            {"cell": "lstm", **options},
        )


def _lasting(need: int | None) -> tuple[str, dict[str, Any]]:
    """A forget bias for so many steps, in words and as options of a layer."""
    if need is None or need < 3:
        return "", {}
    return f", with a forget bias for {need} steps (init='chrono', max_lag={need})", {"init": "chrono", "max_lag": need}


def _vanishing(evidence: Evidence) -> Iterator[Finding]:
    reach = evidence.reach
    need = reach.needed.steps
    if need is None or need > reach.steps or reach.trainable >= need:
        return
    if reach.used is not None and reach.used >= need:
        return  # it was learned all the same: where answers are certain, gradients are small everywhere
    lasting, options = _lasting(need)
    yield Finding(
        "vanishing",
        f"{reach} Learning is limited by gradient flow.",
        f"cell='lstm'{lasting}",
        {"cell": "lstm", **options},
    )


def _too_short(evidence: Evidence) -> Iterator[Finding]:
    history = evidence.history
    if history is None or history.steps < 4:
        return
    if history.best_step is not None and history.best_step <= (1 - LAST) * history.steps:
        return  # what was held out is no better for the steps after that: they learn the samples by heart
    losses = np.array(history.losses)
    late = losses[-max(4, 2 * len(losses) // 5) :]
    steps = np.arange(len(late)) - (len(late) - 1) / 2
    slope = float(steps @ late / (steps @ steps))
    missed = late - late.mean() - slope * steps
    noise = float(np.sqrt(missed @ missed / (len(late) - 2) / (steps @ steps)))
    fell = -slope * len(late) / 2
    if fell > FALLING * _first(losses) and -slope > CERTAIN * noise:
        yield Finding(
            "too-short",
            f"The loss fell by {fell:.2g} over the last fifth of {history.steps} steps, to {late[-1]:.3g}: it was "
            f"still learning.",
            f"train on (max_steps={4 * history.steps})",
            {"max_steps": 4 * history.steps},
        )


LOOKS: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    _untrained,
    _unscaled,
    _short_lookback,
    _last_only,
    _learning_rate,
    _dead,
    _forgets,
    _saturated,
    _exploding,
    _clipping,
    _vanishing,
    _too_short,
)
