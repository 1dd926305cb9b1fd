"""The one training loop: warm up, step, guard, clip, update, constrain, evaluate, cool down, end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from recuerdo.errors import OptionError
from recuerdo.learn.adamw import AdamW
from recuerdo.learn.budget import Budget
from recuerdo.learn.callbacks import Callback, Run
from recuerdo.learn.checkpoint import read_checkpoint, write_checkpoint
from recuerdo.learn.clipping import clipping, gradient_norm
from recuerdo.learn.evaluation import mean_loss
from recuerdo.learn.guard import require_finite, require_finite_evaluation, require_one_number
from recuerdo.learn.history import History
from recuerdo.learn.interrupt import Interrupts, deferred_interrupts
from recuerdo.learn.problem import Batch, Batches, Problem
from recuerdo.learn.progress import Progress, progress_for
from recuerdo.learn.randomness import seeded, usable_device
from recuerdo.learn.resume import pack, unpack
from recuerdo.learn.schedule import is_cooling, learning_rate, total_when_cooling_at
from recuerdo.learn.settings import Settings
from recuerdo.learn.sgd import SGD

OPTIMIZERS = {"adamw": AdamW, "sgd": SGD}

CHECKPOINT_STEPS = 100  # between checkpoints, where neither settings nor evaluations say when


def fit(
    problem: Problem,
    *,
    valid: Batches | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | str | None = None,
    random_state: int | None = None,
    device: torch.device | str = "cpu",
    verbose: bool | str | None = None,
    label: str = "training",
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """Trains a module, and leaves the best weights in it.

    With `valid` the best weights are those with the lowest validation loss, otherwise the last ones. The module is left
    on `device`, in evaluation mode. A layer with a method `constrain_()` has it called after each step. A training that
    a clock or patience ended after n steps gives the same weights, bit for bit, as one with the same seed and
    max_steps=n. Ctrl-C ends a training between two steps; what has been learned by then is kept.

    Args:
        problem: the module, its batches and the loss; the batches go on from where they stand.
        valid: what evaluations are made on, each over one epoch of it.
        settings: length, learning rate, clipping, evaluations.
        callbacks: listeners, called in this order.
        checkpoint: a file from which a training that was cut short goes on exactly, if it is there, and into which it
            is written while it goes on. It stays when the training has ended: the same call then puts the result into
            the module at once, without a step and without calling the callbacks. Holds no pickle.
        random_state: seed of dropout and of whatever else draws from torch; None draws one, or takes the checkpoint's.
        device: "cpu", or a CUDA device.
        verbose: True shows progress on stderr, False does not, None does if stderr is a terminal; "brief" does so too
            and writes one line elsewhere.
        label: what the progress calls this training.
        clock: gives the present moment in seconds, for `max_seconds`.

    Returns:
        What happened, step by step.

    Raises:
        DivergedError: a loss or a gradient is not finite. The step was not taken; the best weights are put back.
        DataError: it is the batch that holds NaN or an infinite number.
        ModelFileError: the checkpoint is damaged, or belongs to another training.
        OutputError: the checkpoint cannot be written.
        OptionError: settings that do not go together.

    >>> from recuerdo.learn import ArrayBatches
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> problem = Problem(
    ...     nn.Linear(1, 1), ArrayBatches({"input": x}, 3 * x), lambda y, batch: ((y - batch.target) ** 2).mean()
    ... )
    >>> history = fit(problem, settings=Settings(max_steps=200, learning_rate=0.1), random_state=0)
    >>> history.steps, round(problem.module.weight.item(), 2)
    (200, 3.0)
    """
    place = usable_device(device)
    _require_consistent(problem, valid, settings, checkpoint)
    path = None if checkpoint is None else Path(checkpoint)
    saved = read_checkpoint(path) if path is not None and path.exists() else None
    if saved is not None and random_state is None:
        random_state = saved[1]["history"]["random_state"]
    with (
        seeded(random_state, place) as seed,
        deferred_interrupts() as interrupts,
        progress_for(verbose, label) as progress,
    ):
        run = _begin(problem, settings, seed, place, clock)
        if saved is not None:
            tensors, facts = saved
            unpack(tensors, facts, run, problem.batches, valid, place)
            if facts["finished"]:
                progress.say(f"{run.step} steps were finished before; the result is read from {path}")
                run.best.restore(run.module)
                run.module.eval()
                return run.history
            progress.say(f"resumed after step {run.step} from {path}")
        training = _Training(run, problem, valid, place, (*callbacks, progress), path, interrupts, progress)
        training.conduct()
        return run.history


@dataclass
class _Training:
    run: Run
    problem: Problem
    valid: Batches | None
    device: torch.device
    listeners: Sequence[Callback]
    checkpoint: Path | None
    interrupts: Interrupts
    progress: Progress
    whole: bool = True  # False while a step or an evaluation is half done and the state is fit for no checkpoint

    def conduct(self) -> None:
        """From the first step to the best weights, whatever comes between."""
        run = self.run
        run.module.train()
        try:
            self._tell("on_start")
            self._train()
            run.history.stopped = run.reason
            self._save(finished=True)
            self.interrupts.obey()
        except KeyboardInterrupt:
            if self.whole:
                self._save()
            run.history.stopped = "interrupted"
            kept = "its weights" if run.best.step is None else f"the best weights, of step {run.best.step},"
            self.progress.say(f"interrupted after step {run.step}; {kept} are kept")
        finally:
            run.best.restore(run.module)
            run.optimizer.zero_grad()
            run.module.eval()
        self._tell("on_end")

    def _train(self) -> None:
        run, batches = self.run, _endless(self.problem.batches)
        while True:
            self._cool_down_if_time_is_short()
            if self._evaluation_is_due():
                self._evaluate()
            self._cool_down_if_patience_is_out()
            self.interrupts.obey()
            if run.step == run.total:
                return
            if self._checkpoint_is_due():
                self._save()
            self.whole = False
            self._step(next(batches).to(self.device))
            self.whole = True
            self._tell("on_step")

    def _step(self, batch: Batch) -> None:
        run, settings = self.run, self.run.settings
        rate = learning_rate(run.step, run.total, settings)
        run.optimizer.learning_rate = rate

        run.optimizer.zero_grad()
        error = self.problem.loss(run.module(**batch.inputs), batch)
        require_one_number(error)
        error.backward()
        norm = gradient_norm(run.module.parameters())
        loss, grad_norm = error.item(), norm.item()
        require_finite(loss, grad_norm, batch, run.step, settings, gaps=self.problem.gaps)

        run.optimizer.step(clipping(norm, settings.clip))
        _constrain(run.module)
        self._record(loss, grad_norm, rate)

    def _record(self, loss: float, grad_norm: float, rate: float) -> None:
        history = self.run.history
        history.losses.append(loss)
        history.grad_norms.append(grad_norm)
        history.learning_rates.append(rate)
        history.seconds = self.run.budget.elapsed()
        self.run.budget.step_taken(history.seconds)

    def _cool_down_if_time_is_short(self) -> None:
        run, cooldown = self.run, self.run.settings.cooldown
        if not is_cooling(run.step, run.total, cooldown):
            total = total_when_cooling_at(run.step, cooldown)
            batches_to_evaluate = 0 if self.valid is None else len(self.valid)
            if run.budget.asks_to_cool(run.step, total - run.step, batches_to_evaluate):
                run.total, run.reason = total, "max_seconds"

    def _cool_down_if_patience_is_out(self) -> None:
        run, settings = self.run, self.run.settings
        if settings.patience is None or is_cooling(run.step, run.total, settings.cooldown):
            return
        if run.best.stale >= settings.patience:
            run.total, run.reason = total_when_cooling_at(run.step, settings.cooldown), "patience"

    def _evaluation_is_due(self) -> bool:
        run = self.run
        every = run.settings.evaluate_every or len(self.problem.batches)
        due = run.step > 0 and (run.step % every == 0 or run.step == run.total)
        return self.valid is not None and due and not self._was_evaluated()

    def _was_evaluated(self) -> bool:
        evaluations = self.run.history.evaluations
        return bool(evaluations) and evaluations[-1][0] == self.run.step

    def _evaluate(self) -> None:
        run = self.run
        assert self.valid is not None

        def check(loss: float, batch: Batch) -> None:
            require_finite_evaluation(loss, batch, run.step, run.grad_norm, gaps=self.problem.gaps)

        began = run.budget.elapsed()
        self.whole = False
        loss = mean_loss(run.module, self.valid, self.problem.loss, self.device, check)
        run.history.evaluations.append((run.step, loss))
        run.best.consider(run.module, run.step, loss)
        run.history.best_step = run.best.step
        run.history.seconds = run.budget.elapsed()
        run.budget.evaluated(run.history.seconds - began)
        self.whole = True
        self._tell("on_evaluation")

    def _checkpoint_is_due(self) -> bool:
        step, every = self.run.step, self.run.settings.checkpoint_every
        if step == 0:
            return True  # an unwritable place is better known before the work than after
        if every is None and self.valid is not None:
            return self._was_evaluated()
        return step % (every or CHECKPOINT_STEPS) == 0

    def _save(self, finished: bool = False) -> None:
        if self.checkpoint is not None:
            state = pack(self.run, self.problem.batches, self.valid, self.device, finished)
            write_checkpoint(self.checkpoint, *state)

    def _tell(self, event: str) -> None:
        for listener in self.listeners:
            getattr(listener, event)(self.run)


def _begin(problem: Problem, settings: Settings, seed: int, device: torch.device, clock: Callable[[], float]) -> Run:
    module = problem.module.to(device)
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trainable:
        raise OptionError("The module has no parameter that requires a gradient, so there is nothing to train.")
    return Run(
        module=module,
        optimizer=OPTIMIZERS[settings.optimizer](trainable, settings.learning_rate, weight_decay=settings.weight_decay),
        settings=settings,
        budget=Budget(settings.max_seconds, clock),
        history=History(random_state=seed, clip=settings.clip),
        total=settings.max_steps,
    )


def _require_consistent(
    problem: Problem, valid: Batches | None, settings: Settings, checkpoint: Path | str | None
) -> None:
    for name in ("patience", "evaluate_every"):
        if valid is None and getattr(settings, name) is not None:
            raise OptionError(f"{name} needs batches to evaluate on: give valid=, or leave {name} at None.")
    if checkpoint is None and settings.checkpoint_every is not None:
        raise OptionError("checkpoint_every needs a file: give checkpoint=, or leave checkpoint_every at None.")
    for name, batches in (("training", problem.batches), ("validation", valid)):
        if batches is not None and len(batches) == 0:
            raise OptionError(f"There are no {name} batches: give at least one.")


def _endless(batches: Batches) -> Iterator[Batch]:
    while True:
        yield from batches


def _constrain(module: nn.Module) -> None:
    for part in module.modules():
        constrain = getattr(part, "constrain_", None)
        if callable(constrain):
            constrain()
