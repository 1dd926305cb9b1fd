"""learn: the one training loop, and what goes into it and comes out of it."""

from recuerdo.learn.batches import ArrayBatches, GatherBatches
from recuerdo.learn.callbacks import Callback, Run
from recuerdo.learn.evaluation import mean_loss
from recuerdo.learn.history import History
from recuerdo.learn.loop import fit
from recuerdo.learn.modes import in_evaluation
from recuerdo.learn.problem import Batch, Batches, Problem
from recuerdo.learn.randomness import seeded
from recuerdo.learn.settings import Settings
from recuerdo.learn.threads import threads_for

__all__ = [
    "ArrayBatches",
    "Batch",
    "Batches",
    "Callback",
    "GatherBatches",
    "History",
    "Problem",
    "Run",
    "Settings",
    "fit",
    "in_evaluation",
    "mean_loss",
    "seeded",
    "threads_for",
]
