"""The page of an explanation holds the whole text, what moved it, and the numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tests.show.test_explanations import of_numbers, of_text

from recuerdo.errors import OptionError
from recuerdo.show import save_explanation
from recuerdo.tasks import Explanation


def tree(path):
    return ET.fromstring(path.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n"))


def the_text(body):
    (found,) = (each for each in body.iter("p") if each.get("class") == "words")
    return found


@pytest.mark.parametrize(
    "text", ["a  very good\nfilm", "זה סרט נפלא מאוד", "<b>&\U0001f600 好 $x$ ok fine", " ".join(["long"] * 700)]
)
def test_every_character_of_the_text_comes_back(text, tmp_path):
    count = len(text.split())
    body = tree(save_explanation(of_text(text, np.full(count, 0.4 / count)), tmp_path / "page.html"))
    assert "".join(the_text(body).itertext()) == text
    assert the_text(body).get("dir") == "auto"


def test_a_word_says_what_it_moved_and_is_coloured_by_it(tmp_path):
    body = tree(of_text("bad good", [-0.1, 0.4]).to_html(tmp_path / "page.html"))
    bad, good = the_text(body)
    assert (bad.get("title"), good.get("title")) == ("-10.0 points", "+40.0 points")
    red, blue = ([int(each.get("style")[-6:][k : k + 2], 16) for k in (0, 2, 4)] for each in (bad, good))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    said = [each.text for each in body.iter("p")]
    assert said[0] == "Of nothing at all it would give it 50.0 %. It was moved most by step 2, “good”: by +40.0 points."
    assert "blue moved it towards yes" in said[1]


def test_the_numbers_are_a_table_the_largest_first(tmp_path):
    body = tree(of_text("a b c", [0.1, -0.2, 0.05]).to_html(tmp_path / "page.html"))
    rows = [["".join(cell.itertext()) for cell in row] for row in body.iter("tr")]
    assert rows == [
        ["Step", "Word", "Moved by", "To"],
        ["2", "b", "-20.0 points", "40.0 %"],
        ["1", "a", "+10.0 points", "60.0 %"],
        ["3", "c", "+5.0 points", "45.0 %"],
    ]


def test_a_series_has_a_picture_that_is_told_in_words(tmp_path):
    body = tree(of_numbers(np.zeros((4, 2))).to_html(tmp_path / "page.html"))
    (picture,) = body.iter("{http://www.w3.org/2000/svg}svg")
    assert picture.get("aria-label").endswith("each of 4 steps. It was moved most by step 2: by +60.0 points.")
    assert body.find(".//h1").text == "Verdict: c, with a probability of 90.0 %"
    number = of_numbers(np.zeros((2, 1)), classes=None, running=np.array([[1.0], [5.0]]), before=np.array([2.0]))
    body = tree(number.to_html(tmp_path / "page.html"))
    assert body.find(".//p").text == "Of nothing at all it would say 2. It was moved most by step 2: by +4."


def test_characters_that_no_page_may_hold_are_replaced(tmp_path):
    body = tree(of_text("a\x00b", [0.1]).to_html(tmp_path / "page.html"))
    assert "".join(the_text(body).itertext()) == "a\ufffdb"


def test_an_empty_text_is_a_page_too(tmp_path):
    explanation = Explanation(
        np.zeros(1, np.int64), np.array([[0.4, 0.6]]), np.array([0.4, 0.6]), np.zeros(1), np.array(["a", "b"]), 1, None,
        "", (),
    )  # fmt: skip
    assert "The text has no token" in tree(explanation.to_html(tmp_path / "page.html")).find(".//p").text


def test_a_page_needs_no_network_and_another_ending_is_refused(tmp_path):
    explanation = of_text("a b", [0.1, 0.1])
    page = explanation.to_html(tmp_path / "page.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    with pytest.raises(OptionError, match=r"A page ends in \.html"):
        explanation.to_html(tmp_path / "page.txt")
