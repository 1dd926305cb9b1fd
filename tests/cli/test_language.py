"""`recuerdo language` trains, judges, writes on and says what comes next, as rc.LanguageModel does."""

from __future__ import annotations

from pathlib import Path

import pytest

import recuerdo as rc

TEXT = "the cat sat on the mat.\nthe dog sat on the log.\n¡mañana!\n" * 40
QUICK = ("--level", "char", "--hidden-size", 16, "--max-steps", 30, "--seed", 0)


@pytest.fixture
def language(call, here):
    Path("text.txt").write_text(TEXT, encoding="utf-8")

    def run(*arguments):
        return call("language", *arguments)

    return run


def test_a_model_is_trained_judged_and_writes_on(language):
    done = language("fit", "text.txt", "--save", "model", *QUICK)
    assert done.code == 0, done.err
    model = rc.load("model")
    assert "fitted in" in done.out
    assert str(model.report_) in done.out
    assert "5-gram (Kneser-Ney)" in done.out
    done = language("evaluate", "model", "text.txt")
    assert done.out.strip() == str(model.evaluate(Path("text.txt")))
    options = ("--prompt", "the", "--max-tokens", 20, "--temperature", 0.5, "--seed", 3, "--stop", "zz")
    written = model.generate("the", max_tokens=20, temperature=0.5, random_state=3)
    assert language("generate", "model", *options).out == f"the{written}\n"
    done = language("next", "model", "the c", "-k", 3)
    assert [line.split("%")[1].strip() for line in done.out.splitlines()] == [
        repr(x) for x, _ in model.next("the c", 3)
    ]
    assert language("fit", "text.txt", "--save", "model", *QUICK).code == 2
    assert language("fit", "text.txt", "--save", "model", "--overwrite", *QUICK).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "none.txt", "--save", "m"], "There is no file none.txt"),
        (["fit", "latin.txt", "--save", "m", *QUICK], "latin.txt, line 1: byte 2 (0xf1) is no UTF-8"),
        (["fit", "text.txt", "--save", "m", "--level", "letter"], "level='letter' is not offered"),
        (["fit", "short.txt", "--save", "m", *QUICK], "short.txt has 3 tokens at level 'char'"),
        (["fit", "text.txt", "--save", "m", "--errors", "ignore"], "errors='ignore' is not offered"),
        (["evaluate", "none", "text.txt"], "none"),
        (["generate", "none"], "none"),
    ],
)
def test_what_is_wrong_is_one_sentence(language, arguments, said):
    Path("latin.txt").write_bytes(b"ma\xf1ana " * 50)
    Path("short.txt").write_text("abc")
    done = language(*arguments)
    assert done.code == 2
    assert done.err.startswith("recuerdo: ")
    assert said in done.err
    assert not Path("m").exists()


def test_bytes_may_be_replaced(language):
    Path("latin.txt").write_bytes(b"ma\xf1ana " * 50)
    assert language("fit", "latin.txt", "--save", "m", "--errors", "replace", *QUICK).code == 0


def test_another_model_writes_nothing(language):
    x = [[0.0, 1.0], [1.0, 0.0]] * 3
    other = rc.SequenceClassifier(max_steps=1, hidden_size=2, trial=False, verbose=False).fit(x, [0, 1] * 3)
    other.save("other")
    done = language("generate", "other")
    assert "other holds a SequenceClassifier, which is no language model" in done.err
