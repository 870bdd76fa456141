"""What somebody who made a typing mistake probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def meant(word: str, choices: Iterable[str]) -> str | None:
    """The choice nearest to `word`, or None where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  7 ms that only a mistake has to pay

    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def one_of(word: str, choices: Iterable[str]) -> str:
    """A fix for a wrong word: the likeliest choice first, then all of them."""
    known = list(choices)
    likely = meant(word, known)
    listed = ", ".join(known)
    return f"write one of {listed}" if likely is None else f"did you mean {likely}? (one of {listed})"
