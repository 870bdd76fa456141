"""Whether an answer is laid out as expected: plain text, Markdown or JSON."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
#: What plain text has no use for: headings, fences, table rules, links, bold.
_MARKUP: Final = re.compile(
    r"^#{1,6} \S|^ {0,3}(?:```|~~~)|^\|?(?: *:?-{3,}:? *\|)+|\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)|\*\*\S[^*\n]*\*\*",
    re.MULTILINE,
)
#: What makes a text Markdown besides: lists, quotations, code, emphasis.
_LIGHT: Final = re.compile(r"^ {0,3}(?:[-*+]|\d+\.) \S|^> \S|`[^`\n]+`|(?<!\w)[*_]\S[^*_\n]*[*_](?!\w)", re.MULTILINE)


def layout_fault(answer: str, expected: Literal["plain", "markdown", "json"]) -> str | None:
    """What is wrong with an answer's layout."""
    match expected:
        case "json":
            return None if _is_json(answer) else "not JSON"
        case "plain":
            if _MARKUP.search(answer):
                return "Markdown in plain text"
            return (
                "JSON in place of plain text" if answer.lstrip().startswith(("{", "[")) and _is_json(answer) else None
            )
        case "markdown":
            if len(_FENCE.findall(answer)) % 2:
                return "a code block that never ends"
            return None if _MARKUP.search(answer) or _LIGHT.search(answer) else "no Markdown in it"


def _is_json(answer: str) -> bool:
    try:
        msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):  # the last: nested beyond all sense
        return False
    return True
