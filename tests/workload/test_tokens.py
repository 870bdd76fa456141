"""The documented estimate: ceil(ASCII / 4) + one for each other character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.workload import estimate

REPEATABLE = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("漫画", 2), ("漫画a", 3), ("ab漫cd画ef", 4), ("é", 1), ("😀", 1)],
)
def test_by_hand(text, tokens):
    """Four ASCII characters, or a part of four, are a token; so is each other character."""
    assert estimate(text) == tokens


@REPEATABLE
@given(st.text())
def test_the_rule_itself(text):
    """The quick way to count gives what counting character by character gives."""
    n_ascii = sum(ord(char) < 128 for char in text)
    assert estimate(text) == (n_ascii + 3) // 4 + len(text) - n_ascii
