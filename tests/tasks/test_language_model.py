"""A language model learns a text, says how good it is, writes on, and is the same after saving and after a break."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch

import recuerdo as rc
from recuerdo.errors import DataError, ModelFileError, NotFittedError, OptionError
from recuerdo.learn import Callback
from recuerdo.tasks import language_model
from recuerdo.tasks.language_model import LanguageModel

TEXT = "the cat sat on the mat.\nthe dog sat on the log.\n¡mañana 😀!\n" * 60
SMALL = {"hidden_size": 24, "embedding_size": 24, "random_state": 0, "verbose": False}


def fitted(level="char", **options):
    most = {"max_vocabulary": 290} if level == "bpe" else {}
    return LanguageModel(level=level, **{**SMALL, "max_steps": 40, **most, **options}).fit(TEXT)


@pytest.fixture(scope="module")
def good():
    return fitted(max_steps=500, hidden_size=48)


def test_it_learns_what_comes_next(good):
    assert good.generate("the cat sat on the m", max_tokens=3, temperature=0) == "at."
    (first, p), *_ = good.next("the c", k=2)
    assert (first, p > 0.9) == ("a", True)
    report = good.report_
    assert report.nats["LSTM"] < 0.4 < report.nats["unigram"] < report.nats["uniform"]
    assert report.verdict.startswith(f"{report.winner} wins")
    assert report.verdict in str(report)


def test_scores_of_a_text_are_one_sum_in_several_units(good):
    scores = good.evaluate(TEXT[:150])
    total = scores.nats * scores.targets
    assert scores.targets == len(TEXT[:150]) - 1
    assert scores.perplexity == pytest.approx(math.exp(scores.nats))
    assert scores.bits_per_character == pytest.approx(total / math.log(2) / 150)
    assert scores.bits_per_byte == pytest.approx(total / math.log(2) / len(TEXT[:150].encode()))
    assert good.perplexity(TEXT[:150]) == scores.perplexity
    surprise = good.surprise(TEXT[1:60])
    assert len(surprise.bits) == len(surprise.tokens) == 59
    assert surprise.to_frame()["token"].str.join("").item() == TEXT[1:60]
    odd = good.surprise("the cat sat on the xat")
    assert odd.tokens[int(odd.bits.argmax())].start == 19


@pytest.mark.parametrize("level", ["word", "char", "bpe", "given"])
def test_every_level_writes_text(level):
    model = fitted(level)
    written = model.generate("the", max_tokens=30, random_state=0)
    assert written == model.generate("the", max_tokens=30, random_state=0)
    assert written != model.generate("the", max_tokens=30, random_state=1)
    assert "".join(model.stream("the", max_tokens=30, random_state=0)) == written
    assert "<" not in written
    if level in ("word", "given"):
        assert written.startswith((" ", "\n"))
    assert model.generate("never seen: ß", max_tokens=5, random_state=0)
    assert model.generate("", max_tokens=5, random_state=0)
    assert model.generate("the", max_tokens=0) == ""


def test_writing_ends_at_a_stop_which_is_not_part_of_it(good):
    whole = good.generate("the cat", max_tokens=60, temperature=0)
    place = whole.index("on the")
    for stop in ("on the", ["zzz", "on the"]):
        assert good.generate("the cat", max_tokens=60, temperature=0, stop=stop) == whole[:place]
        assert "".join(good.stream("the cat", max_tokens=60, stop=stop, sampler=rc.tasks.Sampler(0))) == whole[:place]
    assert good.generate("the cat", max_tokens=60, temperature=0, stop="zzz") == whole
    with pytest.raises(OptionError, match="stop holds an empty text"):
        good.generate("a", stop="")


@pytest.mark.parametrize("level", ["word", "bpe"])
def test_samples_are_written_side_by_side(level):
    model = fitted(level)
    several = model.generate("the", max_tokens=25, samples=4, random_state=0)
    assert several == model.generate("the", max_tokens=25, samples=4, random_state=0)
    assert len(set(several)) > 1
    likeliest = model.generate("the", max_tokens=25, temperature=0)
    assert model.generate("the", max_tokens=25, temperature=0, samples=3) == [likeliest] * 3
    assert model.generate("the", max_tokens=0, samples=2) == ["", ""]
    with pytest.raises(OptionError, match="samples=0: it counts"):
        model.generate("the", samples=0)


def test_a_sample_that_has_ended_leaves_the_others_going(good):
    texts = good.generate("the cat", max_tokens=60, stop="dog", samples=6, temperature=1.5, random_state=0)
    whole = good.generate("the cat", max_tokens=60, samples=6, temperature=1.5, random_state=0)
    assert texts == [each.split("dog")[0] for each in whole]
    assert len({len(each) for each in texts}) > 1


@pytest.mark.parametrize("level", ["word", "char", "bpe"])
def test_a_text_can_be_forked_and_gone_on_with_later(level):
    model = fitted(level)
    writer = model.stream("the", max_tokens=60, random_state=0, stop="zzz", sampler=rc.tasks.Sampler(1.3))
    begun = "".join(next(writer) for _ in range(20))
    twin, other = writer.fork(), writer.fork(random_state=9)
    kept = pickle.loads(pickle.dumps(writer.state_dict()))
    rest = "".join(writer)
    assert begun + rest == model.generate("the", max_tokens=60, random_state=0, stop="zzz", temperature=1.3)
    assert "".join(twin) == rest != "".join(other)
    later = model.stream("another prompt", stop="zzz", sampler=rc.tasks.Sampler(1.3))
    later.load_state_dict(kept)
    assert "".join(later) == rest
    with pytest.raises(ModelFileError, match="another model"):
        fitted("char", max_steps=1).fit("xyz" * 900).stream().load_state_dict(kept)


def test_writing_ends_once(good):
    writer = good.stream("the", max_tokens=2)
    assert len(list(writer)) == 3  # the last piece is what was held back
    assert list(writer) == []
    with pytest.raises(OptionError, match="max_tokens=-1"):
        good.stream("the", max_tokens=-1)


def test_what_is_written_does_not_depend_on_how_it_is_cut(good):
    one = good.generate("the cat", max_tokens=20, temperature=0)
    more = good.generate("the cat" + one, max_tokens=20, temperature=0)
    assert good.generate("the cat", max_tokens=40, temperature=0) == one + more


@pytest.mark.parametrize("level", ["word", "char", "bpe", "given"])
def test_a_saved_model_is_the_same(level, tmp_path):
    model = fitted(level)
    again = rc.load(model.save(tmp_path / "model"))
    assert isinstance(again, LanguageModel)
    assert again.evaluate(TEXT[:200]) == model.evaluate(TEXT[:200])
    assert again.generate("the", random_state=3) == model.generate("the", random_state=3)
    assert again.report_ == model.report_
    assert again.settings() == {**model.settings(), "random_state": model.report_.random_state}
    assert again.as_problem(TEXT).history == model.as_problem(TEXT).history
    assert again.as_problem(TEXT).history.steps == model.report_.steps
    assert "mañana" not in (tmp_path / "model" / "model.json").read_text() or level != "char"


def test_a_training_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = fitted(dropout=0.3, weight_dropout=0.2, forget=0.3)
    path = tmp_path / "checkpoint"
    fit = language_model.fit

    class KilledError(Exception):
        pass

    class Kill(Callback):
        def on_step(self, run):
            if run.step == 23:
                raise KilledError

    monkeypatch.setattr(language_model, "fit", lambda *given, **named: fit(*given, callbacks=(Kill(),), **named))
    model = LanguageModel(level="char", max_steps=40, dropout=0.3, weight_dropout=0.2, forget=0.3, **SMALL)
    with pytest.raises(KilledError):
        model.fit(TEXT, checkpoint=path)
    monkeypatch.undo()
    again = LanguageModel(level="char", max_steps=40, dropout=0.3, weight_dropout=0.2, forget=0.3, **SMALL)
    again.fit(TEXT, checkpoint=path)
    for name, value in whole._net.state_dict().items():
        assert value.equal(again._net.state_dict()[name]), name


def test_a_file_and_its_text_train_the_same_model(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    model = LanguageModel(level="char", max_steps=10, **SMALL)
    one, other = model.fit(TEXT).report_.nats, model.fit(path, cache=tmp_path / "cache").report_.nats
    assert one == other
    held = LanguageModel(level="char", max_steps=10, **SMALL).fit(TEXT, valid=path).report_
    assert held.targets == len(TEXT) - 1


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("short", {}, r"has 5 tokens at level 'char', and a window alone reads 96: give a longer text, or fewer steps"),
        ("   \n ", {"level": "word"}, "the vocabulary is empty"),
        ("", {}, "The text is empty"),
    ],
)
def test_a_text_that_is_too_short_is_said(text, options, said):
    with pytest.raises(DataError, match=said):
        LanguageModel(**{"level": "char", **SMALL, **options}).fit(text)


def test_it_can_be_looked_into_with_a_text(good):
    problem = good.as_problem(TEXT)
    batch = next(iter(problem.batches))
    net = problem.module.eval()
    first = net(**batch.inputs).features[0] @ net.weight.T + net.bias
    nats = torch.nn.functional.cross_entropy(first, batch.target[0]).item()
    assert nats == pytest.approx(good.evaluate(TEXT[: good.steps + 1]).nats, rel=1e-4)
    (flow,) = rc.memory.audit(good, TEXT).gradient_flow
    assert len(flow.total) == good.steps
    with pytest.raises(DataError, match="a window alone reads"):
        good.as_problem("the cat")


def test_a_vocabulary_of_one_is_learned():
    model = LanguageModel(level="char", max_steps=5, **SMALL).fit("a" * 500)
    assert model.generate("a", max_tokens=4) == "aaaa"


@pytest.mark.parametrize(("level", "unseen", "other"), [("char", "thé", "th☃"), ("word", "the zebra", "the gnu")])
def test_what_a_prompt_holds_that_training_did_not_is_read_as_unknown(level, unseen, other):
    model = fitted(level)
    assert model.next(unseen) == model.next(other)
    assert model.next(unseen) != model.next("the")
    assert "<unk>" not in model.generate(unseen, max_tokens=50, temperature=2.0, random_state=0)


def test_what_was_not_fitted_or_is_not_offered_is_said():
    for ask in (
        lambda m: m.next("a"),
        lambda m: m.generate("a"),
        lambda m: m.evaluate("ab"),
        lambda m: m.surprise("ab"),
    ):
        with pytest.raises(NotFittedError, match="This LanguageModel has learned nothing yet"):
            ask(LanguageModel())
    with pytest.raises(OptionError, match="level='letter' is not offered"):
        LanguageModel(level="letter")
    with pytest.raises(OptionError, match="optimizer must be one of adamw, sgd"):
        LanguageModel(level="char", optimizer="adam", **SMALL).fit(TEXT)


def test_losses_in_the_report_are_those_of_the_held_out_end(good):
    cut = len(TEXT) - max(64, int(0.05 * len(TEXT)))
    assert good.report_.targets == len(TEXT) - cut - 1
    assert good.report_.nats["LSTM"] == pytest.approx(good.evaluate(TEXT[cut:]).nats, rel=1e-6)
    assert np.isfinite(list(good.report_.nats.values())).all()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("hidden_size", 0, "it counts"),
        ("embedding_size", -1, "it counts"),
        ("num_layers", 1.5, "it counts"),
        ("batch_size", "all", "it counts"),
        ("steps", 0, "it counts"),
        ("dropout", 1, "it is a share"),
        ("embedding_dropout", 2, "it is a share"),
        ("weight_dropout", -0.1, "it is a share"),
        ("forget", True, "it is a share"),
        ("activation", -1, "a number from 0"),
        ("change", math.inf, "a number from 0"),
        ("cell", "lsmt", "Did you mean 'lstm'"),
        ("level", "words", "Did you mean 'word'"),
        ("tied", "yes", "not offered"),
        ("lowercase", 3, "not offered"),
        ("precision", "fp8", "not offered"),
        ("baselines", "all", "not offered"),
        ("verbose", "loud", "not offered"),
        ("optimizer", "adam", "one of adamw, sgd"),
        ("learning_rate", 0, "above 0"),
        ("clip", -1, "above 0"),
        ("max_steps", 0, "from 1"),
        ("max_seconds", 0, "max_seconds"),
        ("random_state", "a", "a seed is"),
        ("device", "gpu7", "device"),
    ],
)
def test_an_option_that_is_out_of_range_is_said_before_anything_is_read(option, value, said):
    with pytest.raises(OptionError, match=said):
        LanguageModel(**{option: value})


def test_one_tied_layer_has_as_many_units_as_a_vector_has_numbers():
    sizes = [LanguageModel(**given) for given in ({}, {"hidden_size": 40}, {"embedding_size": 50})]
    assert [(one.embedding_size, one.hidden_size) for one in sizes] == [(256, 256), (40, 40), (50, 50)]
    with pytest.raises(OptionError, match="Give both alike, or tied=False"):
        LanguageModel(hidden_size=40, embedding_size=50)
    both = LanguageModel(num_layers=2)
    assert (both.embedding_size, both.hidden_size) == (256, 512)
