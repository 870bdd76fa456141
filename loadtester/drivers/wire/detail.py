"""What an Ending says of itself: short, on one line, without secrets and personal data."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from loadtester.scenario.personal import redacted_detail, unfinished

LIMIT_CHARS: Final = 120
#: Looked at before redacting: an error page may be large, and only its beginning is ever shown.
_LOOKED_AT_CHARS: Final = 1000


def short_detail(text: str, head: str = "") -> str:
    """`head: text` on one line of at most 120 printable characters, with what looks secret or personal taken out.

    Head and text are redacted apart, as a head like "401 invalid_api_key" makes any word after it look like one.
    """
    said = _line(text[:_LOOKED_AT_CHARS])
    if len(text) > _LOOKED_AT_CHARS and len(said) <= LIMIT_CHARS:
        # So much was taken out that the end of what was looked at shows, perhaps in the middle of a secret.
        said = unfinished(said)
    line = ": ".join(filter(None, (_line(head[:_LOOKED_AT_CHARS]), said)))
    return line if len(line) <= LIMIT_CHARS else f"{line[: LIMIT_CHARS - 1]}…"


@lru_cache(maxsize=512)
def _line(text: str) -> str:
    """Cached, as under load the same refusal comes thousands of times a second."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return redacted_detail(line)
