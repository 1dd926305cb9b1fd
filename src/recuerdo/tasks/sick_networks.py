"""Networks that are sick in a known way, to see what a diagnosis says of them, and what a remedy changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from recuerdo.errors import OptionError
from recuerdo.learn import Problem, Settings, seeded, threads_for
from recuerdo.nn import Stack
from recuerdo.tasks.known_problems import Wish, known_problem
from recuerdo.tasks.problem_runs import CELLS, judge, train_watched

PROBLEM, LAG = "delayed-recall", 30
"""What they are to learn: which of four symbols stood at the beginning, asked so many steps later."""

TASK = f"recall which of four symbols it was shown {LAG} steps before"

HIDDEN_SIZE = 32


@dataclass(frozen=True)
class SickNetwork:
    """One of them.

    Args:
        words: what it is, in a sentence.
        nonlinearity: of its FRNN.
        gain: of the orthogonal matrix that its recurrent weights begin as; None leaves them as drawn.
        clip: of its gradients; None for never.
    """

    words: str
    nonlinearity: str
    gain: float | None
    clip: float | None

    @property
    def options(self) -> dict[str, Any]:
        """What a remedy may change."""
        return {
            "cell": "frnn",
            "nonlinearity": self.nonlinearity,
            "gain": self.gain,
            "init": None,
            "max_lag": None,
            "clip": self.clip,
            "max_steps": 600,
            "learning_rate": 2e-3,
        }


SICK_NETWORKS: Mapping[str, SickNetwork] = {
    "vanishing": SickNetwork("a plain FRNN, with the weights that torch draws for one", "tanh", gain=None, clip=1.0),
    "exploding": SickNetwork("an FRNN of rectified units with large weights, not clipped", "relu", gain=2.5, clip=None),
}
"""Name -> network."""


@dataclass(frozen=True)
class Treated:
    """A network that was trained.

    Attributes:
        problem: it, with its batches, its loss, its history, and how many steps back the task needs.
        loss: the mean cross-entropy on sequences that it was neither trained nor chosen on.
        accuracy: the share of right answers on them; 1 in 4 without memory.
    """

    problem: Problem
    loss: float
    accuracy: float


def train_sick(name: str, options: Mapping[str, Any] | None = None, *, random_state: int = 0) -> Treated:
    """Train one of SICK_NETWORKS, as it is or with other options.

    Args:
        name: "vanishing" or "exploding".
        options: what is changed: of its `options`. With another cell the weights begin as that cell draws them.
        random_state: seed of data and weights.

    Raises:
        OptionError: a name or an option that is not there.

    Example:
        >>> train_sick("vanishing", {"max_steps": 20}).problem.history.steps
        20
    """
    if name not in SICK_NETWORKS:
        raise OptionError(f"There is no sick network {name!r}: choose one of {', '.join(SICK_NETWORKS)}.")
    usual, changed = SICK_NETWORKS[name].options, dict(options or {})
    if unknown := sorted(changed.keys() - usual.keys()):
        raise OptionError(f"{', '.join(unknown)}: options of a sick network are {', '.join(usual)}.")
    if changed.get("cell", usual["cell"]) != usual["cell"]:
        usual |= {"nonlinearity": None, "gain": None}
    wanted = usual | changed
    known = known_problem(PROBLEM)
    supply = known.supply(Wish(LAG, random_state=random_state))
    with seeded(random_state):
        given = {key: wanted[key] for key in ("nonlinearity", "init", "max_lag") if wanted[key] is not None}
        encoder = CELLS[wanted["cell"]](known.features, HIDDEN_SIZE, **given)
        if wanted["gain"] is not None:
            weight = encoder.weight_hh_l0.data
            weight.copy_(wanted["gain"] * torch.linalg.qr(torch.randn_like(weight))[0])
        net = Stack(encoder, nn.Linear(encoder.output_size, known.outputs), read=known.read)
    settings = Settings(
        max_steps=wanted["max_steps"],
        learning_rate=wanted["learning_rate"],
        clip=wanted["clip"],
        evaluate_every=max(wanted["max_steps"] // 10, 1),
    )
    with threads_for(Wish.batch_size * encoder.cell.blocks * HIDDEN_SIZE**2):
        history, _ = train_watched(net, known, supply, settings, random_state, verbose=False)
        loss, accuracy = judge(net, known, supply.test)
    assert accuracy is not None
    problem = Problem(net, supply.train, known.loss, history=history, needed=LAG)
    return Treated(problem, loss, accuracy)
