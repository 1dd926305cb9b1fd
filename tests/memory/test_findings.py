"""The first finding names the planted fault, and healthy networks are left in peace."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.memory.patients import FIRST, HEALTHY, SECOND, SICK, patient

import recuerdo as rc
from recuerdo.learn import History
from recuerdo.memory import Needed, audit
from recuerdo.memory.findings import Evidence, _exploding, _too_short, _vanishing

SEEDS = 100, 101, 102


def right(code, found):
    return found[:1] == [code] if code in SICK else found == []


def faults(problem):
    return [each.code for each in audit(problem).faults]


@pytest.mark.parametrize("code", SICK + HEALTHY)
def test_the_fault_is_named_in_the_ward_where_the_thresholds_were_set(code):
    found = faults(patient(code, FIRST, 0))
    assert right(code, found), found


def test_the_fault_is_named_in_another_ward():
    wrong = []
    for code in SICK + HEALTHY:
        for seed in SEEDS:
            found = faults(patient(code, SECOND, seed))
            if not right(code, found):
                wrong.append((code, seed, found))
    assert len(wrong) <= 2, wrong


def test_a_finding_is_a_sentence_with_its_numbers_and_a_remedy():
    found = audit(patient("vanishing", FIRST, 1))
    (first, *_) = found.findings
    assert str(found.reach) in first.sentence
    assert "Try: cell='lstm', with a forget bias for 25 steps (init='chrono', max_lag=25)." in str(first)
    assert first.options == {"cell": "lstm", "init": "chrono", "max_lag": 25}
    assert str(first) in str(found)


def test_without_a_history_what_it_would_say_is_not_said():
    problem = patient("clipping", FIRST, 1)
    assert faults(problem) == ["clipping"]
    assert faults(replace(problem, history=None)) == []
    assert faults(replace(problem, history=History())) == ["untrained"]


def test_a_layer_alone_has_no_fault_but_its_own():
    assert audit(rc.nn.GRU(1, 8), torch.randn(16, 20, 1)).findings == []
    (found,) = audit(rc.nn.GRU(1, 8), 1000 * torch.randn(16, 20, 1)).findings[:1]
    assert found.code == "unscaled"
    assert "spread" in found.sentence


def test_a_gradient_that_is_small_where_all_is_learned_is_no_fault():
    """What answers use cannot have been out of reach."""
    problem = patient("vanishing", FIRST, 1)
    evidence = Evidence([], [], replace(audit(problem).reach, used=25), 1.0, False, None)
    assert list(_vanishing(evidence)) == []
    assert len(list(_vanishing(replace(evidence, reach=replace(evidence.reach, used=24))))) == 1


@pytest.mark.parametrize(
    ("best_step", "codes"), [(None, ["too-short"]), (100, ["too-short"]), (81, ["too-short"]), (60, [])]
)
def test_a_loss_that_falls_where_what_is_held_out_does_not_is_no_reason_to_train_on(best_step, codes):
    history = History(losses=[1 - k / 200 for k in range(100)], best_step=best_step)
    assert [each.code for each in _too_short(Evidence([], [], None, 1.0, False, history))] == codes


@pytest.mark.parametrize(("need", "options"), [(25, {"init": "chrono", "max_lag": 25}), (2, {}), (None, {})])
def test_a_forget_bias_is_asked_for_as_far_as_the_task_is_known_to_need(need, options):
    reached = replace(audit(patient("exploding", FIRST, 1)).reach, needed=Needed(need, "given"))
    (found,) = _exploding(Evidence([], [], reached, 1e6, False, None))
    assert found.options == {"cell": "lstm", **options}
