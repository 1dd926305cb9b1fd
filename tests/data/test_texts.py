"""Texts become the tokens a reader would name, in any script, and come back as they were."""

import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.data import Tokens, fit_tokens, token_codecs
from recuerdo.data.texts import END, PADDING, UNKNOWN
from recuerdo.errors import DataError, ModelFileError, OptionError

LEVELS = ("word", "char", "bpe")
WORLD = [
    "¡Qué mañana, señor Núñez! ¿Don't stop?",
    "L’été à la façade; naïve e\u0301te\u0301",
    "今日は良い天気です。カタカナ",
    "שלום עולם, العربية هنا",
    "हिन्दी में लिखा",
    "👩‍👩‍👧 👍🏽 🇪🇸 ❤️\n\ttab",
    "it cost 1,000.50 in 1998",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SST2 = Path(__file__).resolve().parents[3] / "shared" / "data" / "sentiment" / "sst2" / "train.tsv"


@pytest.fixture(scope="module")
def byte_pairs():
    return fit_tokens(WORLD, level="bpe", max_vocabulary=400)


def words(text, **options):
    return [token.string for token in fit_tokens([text], **options).tokens(text)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Don't stop—l'homme d’été!", ["Don't", "stop", "—", "l'homme", "d’été", "!"]),
        ("it 's $3.14, 1,000 or 5.", ["it", "'", "s", "$", "3.14", ",", "1,000", "or", "5", "."]),
        ("¿Qué? ñandú\n\tGrüße", ["¿", "Qué", "?", "ñandú", "Grüße"]),
        ("x2今日はカタカナ", ["x2", "今", "日", "は", "カタカナ"]),
        ("हिन्दी में می\u200cخواهم שלום", ["हिन्दी", "में", "می\u200cخواهم", "שלום"]),
        ("👨‍👩‍👧‍👦🇪🇸👍🏽❤️", ["👨‍👩‍👧‍👦", "🇪🇸", "👍🏽", "❤️"]),
        ("cutting-room <pad> snake_case", ["cutting", "-", "room", "<", "pad", ">", "snake_case"]),
    ],
)
def test_words_are_what_a_reader_calls_so(text, said):
    assert words(text) == said


def test_texts_that_are_cut_already_keep_their_words():
    text = "a stirring , funny and finally transporting re imagining of beauty . . ."
    assert words(text) == text.split()


def test_an_accent_is_the_same_however_it_was_typed():
    tokens = fit_tokens(["caf\u00e9"])
    np.testing.assert_array_equal(tokens.encode(["cafe\u0301"]).values, tokens.encode(["caf\u00e9"]).values)
    assert tokens.tokens("cafe\u0301!")[0] == ("caf\u00e9", 0, 5)


@pytest.mark.parametrize("level", LEVELS)
def test_lowercase_goes_letter_by_letter_and_keeps_accents(level):
    tokens = fit_tokens(["ÑANDÚ ΟΔΟΣ"], level=level, lowercase=True)
    assert tokens.decode(tokens.encode(["ÑANDÚ ΟΔΟΣ"]).values) == "ñandú οδοσ"
    assert tokens.encode(["ñandú οδοσ"]).values.tolist() == tokens.encode(["ÑANDÚ ΟΔΟΣ"]).values.tolist()
    assert fit_tokens(["ab AB"]).size == 3 + 2


def test_ids_fall_with_the_count_and_ties_go_by_code_point():
    expected = ("<pad>", "<unk>", "<eos>", "a", "c", "b", "d")
    assert fit_tokens(["d c a", "a c b", "a"]).vocabulary == expected
    assert fit_tokens(["dcaacba"], level="char").vocabulary == expected
    assert (PADDING, UNKNOWN, END) == (0, 1, 2)


def test_rare_and_surplus_tokens_are_unknown():
    texts = ["a a a b b c"]
    assert fit_tokens(texts, min_count=2).vocabulary[3:] == ("a", "b")
    assert fit_tokens(texts, max_vocabulary=4).vocabulary[3:] == ("a",)
    assert fit_tokens(texts, min_count=2).encode(["c b a"]).values.tolist() == [UNKNOWN, 4, 3]
    assert fit_tokens(["aab"], level="char", max_vocabulary=4).encode(["ab"]).values.tolist() == [3, UNKNOWN]


@given(ANY_TEXT.filter(bool))
def test_characters_give_back_any_text_they_were_learned_from(text):
    tokens = fit_tokens([text], level="char")
    assert tokens.decode(tokens.encode([text]).values) == text
    assert len(tokens.encode([text]).values) == len(text)


@pytest.mark.parametrize("text", [*WORLD, "  two  gaps \r\n", "<pad><unk><eos>", "e\u0301\u0302 x\u0323"])
def test_every_script_comes_back(byte_pairs, text):
    characters = fit_tokens([*WORLD, text], level="char")
    for tokens in (byte_pairs, characters):
        assert tokens.decode(tokens.encode([text]).values) == text


def test_decoding_says_what_is_lost(byte_pairs):
    tokens = fit_tokens(["one  two,\nthree"])
    assert tokens.decode(tokens.encode(["two,  one\nfour"]).values) == "two , one <unk>"
    characters = fit_tokens(["ab"], level="char")
    assert characters.decode(characters.encode(["axb"]).values) == "a\ufffdb"
    assert byte_pairs.decode([UNKNOWN, byte_pairs.encode(["€"]).values[0], PADDING, END]) == "\ufffd\ufffd"
    assert characters.decode(np.array([3, 4, END, PADDING])) == "ab"
    assert characters.decode([]) == ""


@pytest.mark.parametrize("level", LEVELS)
@given(text=ANY_TEXT, lowercase=st.booleans())
def test_tokens_stand_in_order_where_they_say_and_leave_only_gaps(level, text, lowercase):
    tokens = fit_tokens(WORLD, level=level, lowercase=lowercase)
    found = tokens.tokens(text)
    ids = tokens.encode([text]).values
    assert [token.string for token in found] == [tokens.vocabulary[i] for i in ids]
    covered = set()
    for before, token in zip([None, *found], found, strict=False):
        assert 0 <= token.start < token.end <= len(text)
        assert before is None or before.start <= token.start
        covered.update(range(token.start, token.end))
    assert not "".join(letter for i, letter in enumerate(text) if i not in covered).strip()


@pytest.mark.parametrize("level", LEVELS)
def test_an_empty_text_is_an_empty_sequence(level):
    found = fit_tokens(WORLD, level=level).encode(["", "a", ""])
    assert found.lengths.tolist() == [0, 1, 0]
    assert found.values.dtype == np.int32
    assert len(fit_tokens(WORLD, level=level).encode([])) == 0


def test_a_text_without_a_word_is_an_empty_sequence():
    assert fit_tokens(["a"]).encode([" \n\t\u3000"]).lengths.tolist() == [0]


@pytest.mark.parametrize("level", LEVELS)
def test_the_ids_of_a_text_do_not_depend_on_the_others(level, monkeypatch):
    tokens = fit_tokens(WORLD, level=level)
    alone = [tokens.encode([text]).values.tolist() for text in WORLD]
    assert [one.tolist() for one in tokens.encode(iter(WORLD))] == alone
    monkeypatch.setattr("recuerdo.data.texts._AT_ONCE", 2)
    assert [one.tolist() for one in tokens.encode(WORLD)] == alone


@pytest.mark.parametrize("level", LEVELS)
@given(text=st.text(st.sampled_from("ab é\u0301\n\t '.,1\u3000\r\x1c今👍\u200d\x85")))
def test_a_long_text_in_parts_has_the_same_tokens(level, text):
    tokens = fit_tokens(["ab a' b.1 \n\n 今"], level=level)
    whole = tokens.encode([text]).values.tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_codecs, "_LONG", 1)
        assert tokens.encode([text]).values.tolist() == whole
        assert "".join(token_codecs.parts(text)) == text


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_texts_in_any_order_give_the_same_tokens(level):
    assert fit_tokens(iter(WORLD), level=level) == fit_tokens(WORLD[::-1], level=level)


@pytest.mark.parametrize("level", LEVELS)
def test_tokens_survive_json_and_pickle(level):
    tokens = fit_tokens(WORLD, level=level, lowercase=True)
    ids = tokens.encode(WORLD).values
    for again in (Tokens.from_json(tokens.to_json()), pickle.loads(pickle.dumps(tokens))):
        assert again == tokens
        np.testing.assert_array_equal(again.encode(WORLD).values, ids)
        assert again.tokens(WORLD[0]) == tokens.tokens(WORLD[0])


def test_streams_of_texts_are_never_held():
    tokens = fit_tokens(["some words of a text"])
    tokens.encode(["warm"])
    tracemalloc.start()
    found = tokens.encode("some words of a text" + " " * (i % 7) for i in range(20_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 20_000
    assert peak < 3 * found.values.nbytes + 1_000_000


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_no_thread_is_started_and_no_setting_is_left(monkeypatch):
    program = (
        "import os\nfrom recuerdo.data import fit_tokens\n"
        "before, threads = dict(os.environ), len(os.listdir('/proc/self/task'))\n"
        f"for level in {LEVELS}: fit_tokens(['some words']*300, level=level).encode(['some words']*300)\n"
        "assert dict(os.environ) == before\n"
        "assert len(os.listdir('/proc/self/task')) == threads\n"
        "pid = os.fork()\n"
        "if not pid: fit_tokens(['some words'], level='bpe').encode(['a']); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    fit_tokens(["some words"], level="bpe")
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("one text", r"a list of str, got one str\. Did you mean \[text\]"),
        (b"bytes", "a list of str, got one bytes"),
        (7, "a list of str, got int"),
        (["a", b"b"], r"Text 1 is no str but bytes\. Decode bytes first"),
        (["a", "b", float("nan")], r"Text 2 is no str but float \(nan\)\. Leave it out, or write ''"),
        ([None], "Text 0 is no str but NoneType"),
        ([["a", "b"]], "Text 0 is no str but list"),
        (["a", "b\ud800"], r"Text 1 holds half a character \(a lone surrogate\) at 1"),
    ],
)
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_no_text_is_named(level, texts, said):
    with pytest.raises(DataError, match=said):
        fit_tokens(texts, level=level)
    with pytest.raises(DataError, match=said):
        fit_tokens(["a"], level=level).encode(texts)


@pytest.mark.parametrize("level", LEVELS)
def test_no_texts_teach_nothing(level):
    with pytest.raises(DataError, match="There is no text to learn tokens from"):
        fit_tokens([], level=level)


def test_an_empty_vocabulary_is_refused():
    with pytest.raises(DataError, match="There is no token in the 2 texts, so the vocabulary is empty"):
        fit_tokens(["", " "])
    with pytest.raises(DataError, match=r"no token that occurs 3 times in the 1 texts.* or lower min_count"):
        fit_tokens(["a b a"], min_count=3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"level": "words"}, "level='words' is not offered. Choose one of 'word', 'char', 'bpe'"),
        ({"max_vocabulary": 3}, "max_vocabulary=3 is too few for level 'word': 3 ids.* has to be 4 or more"),
        ({"max_vocabulary": 259, "level": "bpe"}, "max_vocabulary=259 is too few for level 'bpe': 259 ids.* 260 or"),
        ({"min_count": 0}, "min_count=0: it counts occurrences"),
    ],
)
def test_options_out_of_range_are_named(options, said):
    with pytest.raises(OptionError, match=said):
        fit_tokens(["a"], **options)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([5], "Token ids are from 0 to 3, got 5 to 5"),
        ([-1, 1], "from 0 to 3, got -1 to 1"),
        ([[1]], r"whole numbers \(T,\), the ids of one text, got int64 \(1, 1\)"),
        ([0.5], "got float64"),
    ],
)
def test_ids_that_are_none_are_refused(ids, said):
    with pytest.raises(DataError, match=said):
        fit_tokens(["a"]).decode(ids)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "no JSON with level, lowercase and pieces"),
        ("[]", "no JSON with level"),
        ('{"level":"word","lowercase":false}', "no JSON with level"),
        ('{"level":"verse","lowercase":false,"pieces":["a"]}', "of level 'verse' with lowercase=False"),
        ('{"level":"word","lowercase":1,"pieces":["a"]}', "of level 'word' with lowercase=1"),
        ('{"level":"word","lowercase":false,"pieces":["a","a"]}', "a token is no text or stands twice"),
        ('{"level":"word","lowercase":false,"pieces":["<pad>"]}', "a token is no text or stands twice"),
        ('{"level":"word","lowercase":false,"pieces":[1]}', "a token is no text or stands twice"),
        ('{"level":"char","lowercase":false,"pieces":["ab"]}', "cannot belong to level 'char'"),
        ('{"level":"bpe","lowercase":false,"pieces":["a"]}', "cannot belong to level 'bpe'"),
        ('{"level":"word","lowercase":false,"pieces":["a"],"merges":[[3,3]]}', "cannot belong to level 'word'"),
    ],
)
def test_a_damaged_vocabulary_is_refused(written, said):
    with pytest.raises(ModelFileError, match=said):
        Tokens.from_json(written)


def test_reviews_in_english_keep_all_their_words():
    if not SST2.exists():
        pytest.skip("needs shared/data/sentiment/sst2")
    texts = [line.split("\t", 1)[1] for line in SST2.read_text(encoding="utf-8").splitlines()[1:]]
    tokens = fit_tokens(texts)
    assert not (tokens.encode(texts).values == UNKNOWN).any()
    found = {token for token in tokens.vocabulary[3:] if token.isalpha()}
    split = {word for text in texts for word in text.split() if word.isalpha()}
    assert split <= found
