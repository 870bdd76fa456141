"""What an Ending says of itself: short, on one line, without secrets."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from loadtester.scenario.redact import mask

LIMIT_CHARS: Final = 120
#: Looked at before masking: an error page may be large, and only its beginning is ever shown.
_LOOKED_AT_CHARS: Final = 1000


@lru_cache(maxsize=512)
def short_detail(text: str) -> str:
    """`text` on one line of at most 120 printable characters, with what looks like a credential masked.

    Cached: under load the same refusal comes thousands of times a second.
    """
    line = " ".join(text[:_LOOKED_AT_CHARS].split())
    line = mask("".join(char if char.isprintable() else "\ufffd" for char in line))
    return line if len(line) <= LIMIT_CHARS else f"{line[: LIMIT_CHARS - 1]}…"
