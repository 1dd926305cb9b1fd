"""A page is one file of well-formed HTML, whatever the words in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from matplotlib.figure import Figure

from recuerdo.errors import OptionError, OutputError
from recuerdo.show.pages import Page, number, percent, score, svg

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(words="a < b & 'c'"):
    ax = Figure(figsize=(3, 2)).subplots()
    ax.plot([0, 1], [1, 2], label=words)
    ax.legend()
    return ax


def tree(page):
    return ET.fromstring(page.text().removeprefix("<!DOCTYPE html>\n"))


def test_every_word_comes_back_as_it_was_written():
    page = Page('<b>"title"</b> & more', "lead <i>")
    page.heading("a & b", "one < two")
    page.items(["x > y"])
    page.table("cap<tion", ("", "MAE"), [("GRU & co", "0.5"), ("naive", "1")], best="GRU & co")
    page.picture(drawn(), 'alt "text" <', "numbers & more", ("k", "v"), [("<1>", "2")])
    body = tree(page)
    assert body.find(".//h1").text == '<b>"title"</b> & more'
    assert body.find(".//title").text == '<b>"title"</b> & more'
    assert [each.text for each in body.iter("p")] == ["lead <i>", "one < two"]
    assert body.find(".//li").text == "x > y"
    assert [row.find("th").text for row in body.iter("tr")][1:3] == ["GRU & co (best)", "naive"]
    (picture,) = body.iter(f"{SPACE}svg")
    assert picture.get("aria-label") == 'alt "text" <'
    assert picture.get("role") == "img"
    assert any(text.text == "a < b & 'c'" for text in picture.iter(f"{SPACE}text"))
    assert body.find(".//summary").text == "The numbers: numbers & more"


def test_pictures_that_follow_one_another_stand_in_a_row_and_share_no_name():
    page = Page("title", "lead")
    for _ in range(2):
        page.picture(drawn("same"), "alt", "caption")
    page.say("end")
    page.picture(drawn("same"), "alt", "caption")
    body = tree(page)
    rows = [each for each in body.iter("div") if each.get("class") == "pictures"]
    assert [len(row) for row in rows] == [2, 1]
    names = [each.get("id") for each in body.iter() if each.get("id")]
    assert len(names) == len(set(names))
    used = {
        value.split("#")[1].rstrip(")")
        for each in body.iter()
        for key, value in each.attrib.items()
        if "#p" in value and (key.endswith("href") or value.startswith("url("))
    }
    assert used
    assert used <= set(names)


def test_a_picture_is_the_same_each_time_and_carries_no_date():
    first, second = (svg(drawn().figure, "alt", "p1-") for _ in range(2))
    assert first == second
    assert "metadata" not in first
    assert "xml version" not in first


def test_numbers_are_written_for_people():
    assert (number(1234567.0), number(0.125), number(float("nan"))) == ("1.23457e+06", "0.125", "missing")
    assert (score(0.12345), score(float("nan"))) == ("0.123", "undefined")
    assert (percent(0.805), percent(0.8, 0), percent(float("nan"))) == ("80.5 %", "80 %", "unknown")


def test_a_page_is_written_whole_and_replaces_an_older_one(tmp_path):
    place = tmp_path / "page.html"
    place.write_text("old")
    assert Page("título", "lead").save(str(place)) == place
    assert "título" in place.read_text(encoding="utf-8")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"A page ends in \.html, and page\.pdf does not: change the file's name"):
        Page("title", "lead").save(tmp_path / "page.pdf")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"The page cannot be written to .*nowhere.*: No such file .*\. Choose"):
        Page("title", "lead").save(tmp_path / "nowhere" / "page.html")
