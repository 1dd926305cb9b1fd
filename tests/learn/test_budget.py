from __future__ import annotations

from recuerdo.learn.budget import MARGIN, Budget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_nothing_is_asked():
    clock = Clock()
    budget = Budget(None, clock)
    budget.step_taken(1.0)
    clock.now += 1e9
    assert not budget.asks_to_cool(5, 2, 0)


def test_the_cool_down_is_asked_for_when_it_and_one_more_step_no_longer_fit():
    clock = Clock()
    budget = Budget(100.0, clock)
    budget.step_taken(50.0)  # a slow first step says nothing of the others
    clock.now += 60.0  # ten more steps in 10 s: one second each
    room = 100.0 - 60.0
    fitting = int(room / MARGIN) - 1
    assert not budget.asks_to_cool(11, fitting, 0)
    assert budget.asks_to_cool(11, fitting + 1, 0)


def test_time_for_the_last_evaluation_is_put_aside():
    clock = Clock()
    budget = Budget(100.0, clock)
    budget.step_taken(1.0)
    clock.now += 60.0
    assert not budget.asks_to_cool(60, 10, batches_to_evaluate=30)  # guessed at 10 s: a third of a step each
    assert budget.asks_to_cool(60, 10, batches_to_evaluate=100)
    budget.evaluated(20.0)
    assert not budget.asks_to_cool(60, 10, batches_to_evaluate=100)
    budget.evaluated(30.0)
    assert budget.asks_to_cool(60, 10, batches_to_evaluate=1)


def test_a_resumed_clock_goes_on_from_the_time_spent():
    clock = Clock()
    before = Budget(10.0, clock)
    clock.now += 4.0
    before.step_taken(1.0)
    later = Clock()
    after = Budget(10.0, later)
    after.load_state_dict(before.state_dict())
    later.now += 2.0
    assert after.elapsed() == 6.0
    assert after.state_dict() == {"elapsed": 6.0, "first_step": 1.0, "evaluation": None}
