"""What benchmarks/classifying.py draws, compares and judges; never a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.classify import by_recuerdo_drawn, by_torch, checking, judging, measuring
from benchmarks.classify.judging import ALIKE, DRAWN, OURS, SKORCH, TORCH, Row
from benchmarks.classify.work import CELLS, WORKS, Data, Work, sequences

from benchmarks import classifying

SMALL = {
    "text": replace(WORKS["text"], features=8, vocabulary=50, batch_size=6, steps=3),
    "series": replace(WORKS["series"], batch_size=5, steps=3),
}


def written(work: Work, cell: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(classifying, "BUILD", folder)
    monkeypatch.setitem(WORKS, "small", work)
    return classifying.written("small", cell)


def row(who: str, *runs: float, cell: str = "gru") -> Row:
    return {"work": "text", "cell": cell, "who": who, "runs": list(runs), "reason": None}


@pytest.mark.parametrize("work", WORKS.values(), ids=list(WORKS))
def test_lengths_are_skewed_within_their_bounds_and_labels_are_classes(work: Work) -> None:
    values, lengths, labels = sequences(work)
    assert len(lengths) == len(labels) == work.steps * work.batch_size
    assert len(values) == lengths.sum()
    assert work.shortest <= lengths.min() < lengths.max() <= work.longest
    assert np.median(lengths) == pytest.approx(work.median, rel=0.1)
    assert lengths.mean() > np.median(lengths)
    assert np.unique(labels).tolist() == list(range(work.classes))
    assert values.dtype == (np.int32 if work.vocabulary else np.float32)
    assert not work.vocabulary or (values.min() >= 1 and values.max() < work.vocabulary)


def test_data_are_read_as_they_were_written_and_every_sequence_is_in_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WORKS["series"]
    data = Data.load(written(work, "gru", tmp_path, monkeypatch))
    for batches in (data.drawn, data.alike):
        assert batches.shape == (work.steps, work.batch_size)
        assert np.sort(batches.reshape(-1)).tolist() == list(range(len(data.labels)))
    assert data.padding(data.alike) < 0.1 < data.padding(data.drawn)
    assert [len(each) for each in data.sequences] == data.lengths.tolist()
    assert set(data.weights) >= {"encoder.weight_ih_l0", "encoder.weight_hh_l0_reverse", "head.bias"}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("cell", by_torch.LAYERS)
def test_recuerdo_and_torch_answer_and_learn_alike(
    name: str, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(SMALL[name], cell, tmp_path, monkeypatch)
    assert checking.alike(cell, SMALL[name], Data.load(path)) < checking.CLOSE
    monkeypatch.setattr(measuring, "COMPARED", 3)
    settings = vars(SMALL[name])
    losses = {who: measuring.measure(who, cell, settings, str(path), True)["losses"] for who in (DRAWN, TORCH)}
    checking.same_losses(losses, "small")
    alike = {who: measuring.measure(who, cell, settings, str(path), True)["losses"] for who in (OURS, ALIKE)}
    checking.same_losses(alike, "small")
    with pytest.raises(checking.UnlikeError, match="small, recuerdo and recuerdo_drawn: loss differs by"):
        checking.same_losses({OURS: alike[OURS], DRAWN: losses[DRAWN]}, "small")


def test_a_network_that_answers_otherwise_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data.load(written(SMALL["series"], "gru", tmp_path, monkeypatch))

    def nudged(*arguments: object, dropout: float) -> by_torch.Net:
        net = by_torch.Net("gru", 12, 0, 9, dropout)
        net.load_state_dict({name: torch.from_numpy(value) for name, value in data.weights.items()})
        with torch.no_grad():
            net.head.bias[0] += 0.01
        return net

    monkeypatch.setattr(checking.by_torch, "network", nudged)
    with pytest.raises(checking.UnlikeError, match=r"gru, recuerdo and torch: .* differs by .*Nothing was timed\."):
        checking.alike("gru", SMALL["series"], data)


def test_what_is_not_a_number_is_unlike_everything() -> None:
    one = {"loss": [1.0, 2.0]}
    with pytest.raises(checking.UnlikeError, match="loss differs by nan"):
        checking.compared({"loss": [1.0, float("nan")]}, one, where="x")
    with pytest.raises(checking.UnlikeError, match=r"\['bias'\] stand on one side alone"):
        checking.compared(one, {**one, "bias": [0.0]}, where="x")


def test_recuerdo_stands_alone_with_the_indrnn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(SMALL["series"], "indrnn", tmp_path, monkeypatch)
    pythons = {who: Path("python") for who in judging.WHO}
    assert classifying.contestants("indrnn", pythons) == [OURS, DRAWN]
    assert classifying.contestants("gru", pythons) == list(judging.WHO)
    found = measuring.measure(DRAWN, "indrnn", vars(SMALL["series"]), str(path), False)
    assert found["seconds"] > 0
    assert len(found["losses"]) == SMALL["series"].steps
    assert set(found["versions"]) == set(by_recuerdo_drawn.PACKAGES)
    assert set(CELLS) - set(by_torch.LAYERS) == {"indrnn"}


def test_the_medians_are_divided_and_the_gru_is_judged() -> None:
    rows = [row(OURS, 0.9, 1.0, 9.0), row(DRAWN, 1.5), row(TORCH, 2.9, 3.0, 9.9), row(SKORCH, 2.5), row(ALIKE, 2.0)]
    assert {name: (each.value, each.words) for name, each in judging.verdicts(rows)} == {
        "recuerdo beside torch, packed": (3.0, "met"),
        "recuerdo beside skorch, packed": (2.5, "missed"),
        "recuerdo, batches as drawn beside torch, packed": (2.0, "no target"),
        "recuerdo beside torch, packed, like lengths": (2.0, "no target"),
    }
    others = [row(OURS, 1.0, cell="lstm"), row(TORCH, 2.0, cell="lstm")]
    assert [each.words for _, each in judging.verdicts(others)] == ["no target"]
    assert judging.verdicts([row(OURS, 1.0), row(TORCH)]) == []


def test_a_table_has_a_line_for_everybody_and_for_every_ratio() -> None:
    rows = [row(OURS, 0.001), row(TORCH, 0.004), row(OURS, 0.002, cell="indrnn")]
    table, named = classifying.tabled("text", rows)
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["recuerdo", "torch, packed", "recuerdo beside torch, packed"]
    assert cells[1][:2] == ["1.00 (1.00–1.00)", "4.00 (4.00–4.00)"]
    assert "4.00 (at least 3: met)" in cells[1][2]
    assert cells[2] == ["2.00 (2.00–2.00)", "–", "–"]
    assert [name for name, _ in named] == ["text, gru, recuerdo beside torch, packed"]
