"""HTML from values: whatever is not already markup is escaped, so no name of a run can become any."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

#: Elements without an end.
_VOID = frozenset({"meta", "br", "input", "col"})


class Markup(str):
    """Text that is markup already, made by `tag` or written here."""

    __slots__ = ()


Child = str | int | None


def tag(element: str, *children: Child | Iterable[Child], **attributes: str | float | bool | None) -> Markup:
    """An element; `class_` is class, `aria_label` aria-label.

    An attribute that is True has no value, one that is False or None is left out.
    """
    shown = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if element in _VOID:
        return Markup(f"<{element}{shown}>")
    return Markup(f"<{element}{shown}>{join(*children)}</{element}>")


def join(*children: Child | Iterable[Child]) -> Markup:
    """Children one after the other, texts escaped."""
    return Markup("".join(_text(child) for child in children))


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Child]], *, is_shown: bool = False, note: Child = None
) -> Markup:
    """A table whose first column names its rows and whose others are figures, in a frame that scrolls by itself."""
    body = [
        tag("tr", tag("th", row[0], scope="row"), (tag("td", cell) for cell in row[1:]))  # one line of figures
        for row in rows
    ]
    whole = tag(
        "table",
        tag("caption", caption, class_=None if is_shown else "hidden"),
        tag("thead", tag("tr", (tag("th", name, scope="col") for name in head))),
        tag("tbody", body),
    )
    return join(tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption), note)


def behind(caption: str, head: Sequence[str], rows: Iterable[Sequence[Child]]) -> Markup:
    """A chart's figures as a table that can be unfolded."""
    return tag("details", tag("summary", f"{caption} as a table"), table(caption, head, rows))


def section(name: str, title: str, *children: Child | Iterable[Child]) -> Markup:
    """A section of the page, which its name leads to."""
    return tag("section", tag("h2", title, id=f"{name}-title"), *children, id=name, aria_labelledby=f"{name}-title")


def script_json(value: object) -> Markup:
    """JSON that may stand inside a script element: nothing in it can end one, or open a comment."""
    text = json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _text(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, int):
        return str(child)
    return join(*child)


def _attribute(key: str, value: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
