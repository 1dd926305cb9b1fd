"""Four sets of texts by the default call, beside TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from . import side_by_side
from .figures import Effort, Figure

SEEDS = 5
SLOWEST = 120.0
"""Seconds of a fit."""


@dataclass(frozen=True)
class Case:
    """A set, a call, and what is asked of it.

    Attributes:
        data: the name of the set.
        asked: accuracy in percent, None where nothing is.
        options: of the classifier; none for the default call.
        published: what others got; on other splits, unless the set has one.
    """

    data: str
    asked: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the table calls it."""
        return ", ".join([self.data, *(f"{name}={value}" for name, value in self.options.items())])


# Issue 6, "Must show", 2. The convolutions without outside vectors are of Kim 2014, those of SST-2 trained on phrases
# as well; the support vectors of Pang and Lee 2004, over ten folds.
CASES = (
    Case("SST-2", 83.5, published={"CNN-rand": 82.7}),
    Case("SST-2", 84.0, {"n_seeds": 2}),
    Case("MR", 79.0, published={"CNN-rand": 76.1}),
    Case("review polarity", 90.0, published={"SVM": 87.2}),
    Case("Rest-Mex"),
)


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit each training part with no option but the seed (and n_seeds), and judge the test part."""
    # Networks that are averaged differ by their seeds, which must not be those of the next fit.
    seeds = {each.name: [seed * each.options.get("n_seeds", 1) for seed in effort.seeds(SEEDS)] for each in CASES}
    sets = list(dict.fromkeys(each.data for each in CASES))
    jobs = [("fits", "baseline", (name, effort.quick)) for name in sets]
    for each in CASES:
        jobs += [("fits", "fitted", (each.data, each.options, [seed], effort.quick)) for seed in seeds[each.name]]
    done = side_by_side.run(jobs)
    tfidf = {name: next(done) for name in sets}
    slowest = 0.0
    for each in CASES:
        found = [next(done) for _ in seeds[each.name]]
        accuracy, macro_f1, seconds = ([one[k][0] for one in found] for k in ("accuracy", "macro_f1", "seconds"))
        won = float(sum(one["beaten"][0] for one in found))
        slowest = max(slowest, *seconds)
        yield Figure.over_seeds(
            f"{each.name}, accuracy %",
            accuracy,
            seconds=mean(seconds),
            at_least=each.asked,
            anchors={
                "TF-IDF": tfidf[each.data]["accuracy"],
                **each.published,
                "reports won by a baseline": won,
            },
            options={**each.options, "reports": [one["report"][0] for one in found]},
        )
        beside = {"TF-IDF": tfidf[each.data]["macro_f1"]}
        yield Figure.over_seeds(f"{each.name}, macro-F1 %", macro_f1, anchors=beside)
    yield Figure("slowest fit of a text set on one thread, seconds", slowest, at_most=SLOWEST)
