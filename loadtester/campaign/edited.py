"""What a manifest that was edited by hand means: an error of the user's, not a fault of fmload's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtester.errors import FmloadError


@contextmanager
def judgeable(directory: Path, *, what: str = "a report", is_own: bool = False) -> Iterator[None]:
    """Raises FmloadError where the manifest in `directory` lacks what `what` is made of.

    Where fmload has just written it itself (`is_own`), the error is a fault of its own, and passes.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        if is_own:
            raise
        raise FmloadError(
            f"{directory / 'manifest.json'} lacks what {what} needs: {type(error).__name__}: {error}",
            remedy="was it edited or copied in part? copy the whole run directory again",
        ) from error
