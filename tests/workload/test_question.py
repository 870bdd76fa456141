"""Placeholders are filled in the prompt's language; everything else stays as written."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from loadtester import workload
from loadtester.scenario.call import read_call
from loadtester.workload.draw import bits
from loadtester.workload.question import built_in, dressed, http_question, language_of, question

FOLDER = Path(workload.__file__).parent
TITLES = {language: (FOLDER / f"titles_{language}.txt").read_text("utf-8").splitlines() for language in ("en", "ja")}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_placeholders(language):
    """Titles come from the language's list, volumes from 1 to 30, orders look like MGA-2024-78542."""
    one = question("{title}|{volume}|{order}|{genre}|{count}", language)
    for n in range(200):
        title, volume, order, genre, count = one.ask(bits(1, n)).split("|")
        assert title in TITLES[language]
        assert 1 <= int(volume) <= 30
        assert re.fullmatch(r"MGA-202[4-6]-[1-9]\d{4}", order)
        assert genre in built_in()[language]["genres"]
        assert count in built_in()[language]["counts"]


def test_placeholders_are_drawn_anew():
    """Two of the same placeholder are two draws."""
    one = question("{order} {order}", "en")
    first, second = one.ask(bits(1, 1)).split()
    assert first != second


@pytest.mark.parametrize("prompt", ["100 % {sure}", '{"json": {"title": 1}}', "%s %d %(title)s", "{}", "{ title }", ""])
def test_the_rest_stays(prompt):
    """Percent signs and braces that are no placeholder are the user's own."""
    assert question(prompt, "en").ask(1) == prompt


def test_dressed_keeps_the_question():
    """Opening and closing words go around the question, never into it, and vary."""
    one = dressed(question("Is 100 % of {title} here?", "en"), "en")
    asked = {one.ask(bits(1, n)) for n in range(300)}
    assert all(re.search(r"Is 100 % of .+ here\?", text) for text in asked)
    assert any(text.startswith("Is 100") for text in asked)
    assert any(not text.startswith("Is 100") for text in asked)


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Hello", "en"),
        ("こんにちは", "ja"),
        ("ワンピース vol. 3", "ja"),
        ("在庫?", "ja"),
        ("", "en"),
        ("café", "en"),
        ("ﾏﾝｶﾞ", "ja"),
    ],
)
def test_language_of(prompt, language):
    """Any kana or kanji makes a prompt Japanese."""
    assert language_of(prompt) == language


@pytest.mark.parametrize("language", ["en", "ja"])
def test_titles_are_clean(language):
    """The lists hold each title once, trimmed, and each in its language."""
    titles = TITLES[language]
    assert len(titles) == len(set(titles)) >= 100
    assert all(title and title == title.strip() and "%" not in title for title in titles)
    assert all(language_of(title) == language for title in titles)


def test_a_line_of_http_is_filled_as_a_url():
    """What fills the path is percent-encoded, so that the line can be taken apart; a body is filled as it is."""
    one = http_question('PUT /v1/x/{title}?p={product} {"title": "{title}", "user": "{user}"}', "en")
    for n in range(200):
        call = read_call(one.ask(bits(1, n)))
        title, product = re.fullmatch(r"/v1/x/([^/?& ]+)\?p=(MGA-\d{6})", call.path).groups()
        assert unquote(title) in TITLES["en"]
        assert re.fullmatch(r'{"title": "[^"]+", "user": "u-\d+"}', call.body.decode())
        assert product
