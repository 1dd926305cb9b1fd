"""The work as recuerdo does it, over the same batches as the peers: what the recurrence alone is faster by."""

from __future__ import annotations

from recuerdo.learn import GatherBatches, Problem, Settings, fit, threads_for
from recuerdo.tasks.sequence_training import loss

from . import by_recuerdo
from .by_recuerdo import OPTIMISERS, PACKAGES
from .work import LEARNING_RATE, SEED, WEIGHT_DECAY

__all__ = ["OPTIMISERS", "PACKAGES", "Contestant"]


class Contestant(by_recuerdo.Contestant):
    """The same training over batches that know no lengths."""

    def train(self) -> list[float]:
        """Take all steps and return their losses."""
        work = self.work
        batches = GatherBatches(len(self.samples.inputs), self.samples.batch, work.batch_size, seed=SEED)
        problem = Problem(self.net, batches, lambda output, batch: loss(output, batch, classes=True))
        settings = Settings(
            max_steps=work.steps,
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            warmup_steps=0,
            cooldown=0.0,
        )
        with threads_for(work.batch_size * self.net.shape.products):  # as train_on
            return fit(problem, settings=settings, random_state=SEED, verbose=False).losses
