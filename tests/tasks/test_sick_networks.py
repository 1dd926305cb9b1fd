"""The sick networks are sick in the way that their names say, and a remedy cures them."""

from __future__ import annotations

import pytest

from recuerdo.errors import OptionError
from recuerdo.memory import audit
from recuerdo.tasks.sick_networks import LAG, SICK_NETWORKS, train_sick


@pytest.mark.parametrize("name", SICK_NETWORKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_first_finding_is_the_sickness_and_its_remedy_cures_it(name, seed):
    sick = train_sick(name, random_state=seed)
    first = next(each for each in audit(sick.problem).findings if each.fault)
    assert first.code == name
    assert sick.accuracy < 0.7
    cured = train_sick(name, first.options, random_state=seed)
    found = audit(cured.problem)
    assert cured.accuracy > 0.99 > 0.1 > cured.loss
    assert [each.code for each in found.findings if each.fault] == []
    assert found.reach.held == found.reach.used == found.reach.trainable == LAG


def test_the_same_seed_gives_the_same_network():
    one, other = (train_sick("vanishing", {"max_steps": 5}, random_state=3) for _ in range(2))
    assert one.problem.history.losses == other.problem.history.losses
    assert one.loss == other.loss


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("tired", {}, "no sick network 'tired': choose one of vanishing, exploding"),
        ("vanishing", {"units": 3}, "units: options of a sick network are cell, nonlinearity"),
    ],
)
def test_what_is_not_there_is_said(name, options, words):
    with pytest.raises(OptionError, match=words):
        train_sick(name, options)
