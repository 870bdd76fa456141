"""target_app.validation.layout: plain text, Markdown, JSON."""

import pytest

from target_app.validation.layout import layout_fault


@pytest.mark.parametrize(
    ("answer", "expected", "is_fault"),
    [
        ("Volume 3 costs ¥550.", "plain", False),
        ("1. One Piece\n2. Naruto\n- in stock", "plain", False),
        ("・進撃の巨人\n・鬼滅の刃", "plain", False),
        ("#1 in sales, 5 * 4 = 20, Haikyu!!", "plain", False),
        ("# Heading\ntext", "plain", True),
        ("It is **bold**.", "plain", True),
        ("[here](https://example.com)", "plain", True),
        ("```\ncode\n```", "plain", True),
        ("|a|b|\n|---|---|\n|1|2|", "plain", True),
        ('{"price": 550}', "plain", True),
        ("[sic]", "plain", False),
        ("# Heading\ntext", "markdown", False),
        ("- one\n- two", "markdown", False),
        ("It is *new*.", "markdown", False),
        ("Plain words.", "markdown", True),
        ("# Heading\n```\nnever ends", "markdown", True),
        ('{"price": 550}', "json", False),
        ("[]", "json", False),
        ('{"price": 550', "json", True),
        ('Here: {"price": 550}', "json", True),
        ('```json\n{"price": 550}\n```', "json", True),
        ("", "json", True),
        ("\ud800", "json", True),
        ("[" * 100_000, "json", True),
        ("[" * 100_000, "plain", False),
    ],
)
def test_layouts(answer, expected, is_fault):
    """Each kind takes its own, and says no to what is broken or another kind."""
    assert (layout_fault(answer, expected) is not None) == is_fault
