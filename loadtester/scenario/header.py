"""Headers that a user adds to each request. No message here ever quotes a value."""

from __future__ import annotations

import re
from typing import Final

from loadtester.scenario.redact import quoted
from loadtester.scenario.units import UnfitError

#: A header's name (RFC 9110, 5.6.2: token).
_NAME: Final = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")
#: What the drivers have to say themselves, or the exchange falls apart.
_OURS: Final = frozenset(
    {"connection", "content-length", "keep-alive", "sec-websocket-key", "te", "trailer", "transfer-encoding", "upgrade"}
)
_MOST_CHARS: Final = 8_192


def header(name: str, value: str) -> tuple[str, str]:
    """A header's name and value, checked for what could break or split a request. Raises UnfitError."""
    if not _NAME.fullmatch(name):
        raise UnfitError(f"{quoted(name)} can't be a header's name", "write 'Name: value'")
    if name.lower() in _OURS:
        raise UnfitError(f"{name} is fmload's own to set", "leave it out")
    text = value.strip()
    if not text:
        raise UnfitError(f"{name} has no value", "write 'Name: value'")
    if len(text) > _MOST_CHARS:
        raise UnfitError(f"the value of {name} has {len(text):,} characters", f"write at most {_MOST_CHARS:,}")
    if any(ord(char) < 32 or ord(char) == 127 or ord(char) > 255 for char in text):  # noqa: PLR2004  control, DEL, not latin-1
        raise UnfitError(
            f"the value of {name} holds a character that no header can hold", "write printable latin-1 text"
        )
    return name, text
