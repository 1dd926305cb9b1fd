"""The picture and the page of a surprise hold the whole text, the redder the less each token was expected."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from recuerdo.data.texts import TextToken
from recuerdo.errors import OptionError
from recuerdo.show.surprises import COLOURS, LEAST_BITS, pieces_of
from recuerdo.tasks import Surprise


def surprise(text, *marks):
    """Of words of the text in their order, with the bits of each."""
    tokens, begin = [], 0
    for word, _ in marks:
        begin = text.index(word, begin)
        tokens.append(TextToken(word, begin, begin + len(word)))
        begin += len(word)
    return Surprise(text, tuple(tokens), np.array([bits for _, bits in marks], float))


def tree(path):
    return ET.fromstring(path.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n"))


PLAIN = surprise("the  cat\nsaw <xat>.", ("the", 1.0), ("cat", 2.0), ("saw", 3.0), ("<xat>", 16.0), (".", 0.0))


def test_the_pieces_are_the_text_and_what_lies_between_tokens_has_no_colour():
    pieces = list(pieces_of(PLAIN))
    assert "".join(text for text, _, _ in pieces) == PLAIN.text
    assert [text for text, colour, _ in pieces if colour is None] == ["  ", "\n", " "]
    assert [bits for _, colour, bits in pieces if colour] == [f"{bits:.1f} bits" for bits in PLAIN.bits]


def test_the_least_expected_is_darkest_and_a_text_that_was_expected_stays_pale():
    def darkness(one):
        return [3 - sum(to_rgb(colour)) for _, colour, _ in pieces_of(one) if colour]

    the, cat, saw, xat, mark = darkness(PLAIN)
    assert mark == 0 < the < cat < saw < xat
    assert darkness(surprise("a", ("a", 1.0)))[0] == pytest.approx(3 - sum(COLOURS(1 / LEAST_BITS)[:3]), abs=0.01)


def test_bytes_of_one_character_are_one_piece_with_the_bits_of_all():
    split = Surprise(
        "é!", (TextToken("Ã", 0, 1), TextToken("©", 0, 1), TextToken("!", 1, 2)), np.array([2.0, 3.0, 1.0])
    )
    assert [(text, bits) for text, _, bits in pieces_of(split)] == [("é", "5.0 bits"), ("!", "1.0 bits")]


def test_the_page_holds_the_text_and_a_table_with_the_most_bits_first(tmp_path):
    body = tree(PLAIN.to_html(tmp_path / "page.html"))
    (words,) = (each for each in body.iter("p") if each.get("class") == "words")
    assert "".join(words.itertext()) == PLAIN.text
    assert [each.get("title") for each in words if each.get("title")] == [f"{bits:.1f} bits" for bits in PLAIN.bits]
    rows = [["".join(cell.itertext()) for cell in row] for row in body.iter("tr")]
    assert rows[:2] == [["Place", "Bits", "Token"], ["4", "16.0", "the cat saw [<xat>]."]]
    assert body.find(".//h1").text == "Surprise: 4.40 bits a token"
    with pytest.raises(OptionError, match="html"):
        PLAIN.to_html(tmp_path / "page.pdf")


def test_the_picture_draws_the_words_and_says_what_is_left_out():
    drawn = [text.get_text() for text in PLAIN.plot().texts]
    assert {"the", "cat", "saw", "<xat>"} <= {word.strip() for word in drawn}
    long = " ".join(f"word{k}" for k in range(2_000))
    notes = " ".join(text.get_text() for text in surprise(long, ("word0", 1.0)).plot().texts)
    assert "words are not drawn; to_html(path) writes them all" in " ".join(notes.split())
    lacking = " ".join(text.get_text() for text in surprise("好 a", ("a", 1.0)).plot().texts)
    assert "Characters that these letters lack are boxes (1)" in " ".join(lacking.split())


def test_printed_it_names_what_was_least_expected():
    mean, first, *_ = str(PLAIN).splitlines()
    assert mean == "4.40 bits a token; least expected:"
    assert first == "  16.0  the cat saw [<xat>]."


def test_a_token_stands_between_what_is_around_it():
    assert PLAIN.around(1, reach=3) == "…e [cat] sa…"
    assert PLAIN.around(0, reach=3) == "[the] c…"
    assert PLAIN.around(4, reach=3) == "…at>[.]"
