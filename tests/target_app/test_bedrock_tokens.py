"""target_app.bedrock.tokens: a counting rule simple enough to be restated."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock.tokens import count, ends, prefix, quarters


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("漫", 1), ("漫画", 2), ("漫a画bcde", 4), ("😀", 1), ("é", 1)],
)
def test_known_counts(text, tokens):
    """Four ASCII characters are a token, any other character is one."""
    assert count(text) == tokens


@given(st.text())
def test_count_is_the_rule(text):
    """ceil(ASCII / 4) + non-ASCII, for any text."""
    n_ascii = sum(ord(character) < 128 for character in text)
    assert count(text) == math.ceil(n_ascii / 4) + len(text) - n_ascii


@given(st.text(), st.integers(0, 40))
def test_a_prefix_counts_to_what_was_asked_for(text, tokens):
    """A prefix has exactly the tokens asked for, or is all of the text, and no longer one would do."""
    start = prefix(text, tokens)
    assert text.startswith(start)
    assert count(start) == min(tokens, count(text))
    assert start == text or count(text[: len(start) + 1]) > tokens


@given(st.text(st.sampled_from("aé漫 "), max_size=30))
def test_ends_are_the_prefixes(text):
    """Each end is that of the longest prefix with so many tokens."""
    assert ends(text) == [len(prefix(text, tokens)) for tokens in range(count(text) + 1)]
    assert [max(n for n in range(len(text) + 1) if count(text[:n]) <= tokens) for tokens in range(count(text) + 1)] == (
        ends(text)
    )


@given(st.text(), st.text())
def test_quarters_add_up(one, other):
    """Weights of texts put together are the sum of theirs, and count is the ceiling."""
    assert quarters(one + other) == quarters(one) + quarters(other)
    assert count(one) == math.ceil(quarters(one) / 4)
