"""target_app.validation.length: bounds by query type."""

import pytest

from target_app.prompting import ROUTES
from target_app.validation.length import BOUNDS_CHARS, length_fault


def test_every_query_type_has_bounds():
    """Each type's fewest lie under its most."""
    assert set(BOUNDS_CHARS) == set(ROUTES)
    assert all(0 < fewest < most for fewest, most in BOUNDS_CHARS.values())


@pytest.mark.parametrize(("n_chars", "is_fault"), [(3, True), (4, False), (10, False), (11, True)])
def test_both_bounds_are_within(n_chars, is_fault):
    """Spaces around an answer are no part of it."""
    assert (length_fault(" " * 5 + "円" * n_chars + "\n", (4, 10)) is not None) == is_fault
