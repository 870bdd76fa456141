"""What is only there where it was asked for: `pip install 'fmload[NAME]'`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loadtester.errors import Exit, FmloadError


@contextmanager
def needs(name: str, flag: str | None = None) -> Iterator[None]:
    """Imports in here are of the extra `name`, which `flag`, as a rule of that name too, asks for.

    Raises FmloadError, with how to install it, where it is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise FmloadError(
            f"{flag or f'--{name}'} needs {error.name}, which is not installed",
            remedy=f"pip install 'fmload[{name}]'",
            code=Exit.USAGE,
        ) from error
