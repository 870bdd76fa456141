"""What an Ending says of itself: short, on one line, without secrets."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from loadtester.scenario.redact import mask

LIMIT_CHARS: Final = 120
#: Looked at before masking: an error page may be large, and only its beginning is ever shown.
_LOOKED_AT_CHARS: Final = 1000


def short_detail(text: str, head: str = "") -> str:
    """`head: text` on one line of at most 120 printable characters, with what looks like a credential masked.

    Head and text are masked apart, as a head like "401 invalid_api_key" makes any word after it look like one.
    """
    line = ": ".join(filter(None, (_line(head[:_LOOKED_AT_CHARS]), _line(text[:_LOOKED_AT_CHARS]))))
    return line if len(line) <= LIMIT_CHARS else f"{line[: LIMIT_CHARS - 1]}…"


@lru_cache(maxsize=512)
def _line(text: str) -> str:
    """Cached, as under load the same refusal comes thousands of times a second."""
    return mask("".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split())))
