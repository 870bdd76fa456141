"""Bare prompts have exactly the length that a trace asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.workload import estimate
from loadtester.workload.bare import bare
from loadtester.workload.question import language_of

REPEATABLE = settings(derandomize=True, deadline=None)

LANGUAGES = st.sampled_from(["en", "ja"])
DRAWN = st.integers(min_value=0, max_value=2**64 - 1)


@REPEATABLE
@given(LANGUAGES, st.integers(min_value=1, max_value=40_000), DRAWN)
def test_exact(language, n_tokens, drawn):
    """Whatever the length, also beyond the corpus: that many tokens, in that language's characters."""
    text = bare(language, n_tokens, drawn)
    assert estimate(text) == n_tokens
    assert text.isascii() == (language == "en")


@REPEATABLE
@given(LANGUAGES, st.integers(max_value=0), DRAWN)
def test_never_empty(language, n_tokens, drawn):
    """A trace's zero becomes one token: a target takes no empty message."""
    assert estimate(bare(language, n_tokens, drawn)) == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_different_draws_differ(language):
    """Two draws give two texts: a prompt cache must not see one prompt over and over."""
    assert len({bare(language, 100, drawn) for drawn in range(1_000)}) == 1_000
    assert language_of(bare(language, 100, 1)) == language
