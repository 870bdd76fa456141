"""What is wrong with a value of the configuration, in words: where it is, and what would be right there."""

from __future__ import annotations

import difflib
import re
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec


def explained(words: str, root: type[msgspec.Struct]) -> str:
    """What msgspec says of a value of `root`, as `path.of.key: …`.

    A key or a word that isn't known comes with those that are, or the nearest of them, a text of the wrong form with
    texts of the right one; the text itself, which may be secret, is not shown.
    """
    reason, _, place = words.partition(" - at `$")
    place = place.rstrip("`").removeprefix(".")
    unknown = re.search(r"unknown field `(.*)`", reason)
    if unknown is not None:
        known = _keys(_type_at(place, root))
        near = difflib.get_close_matches(unknown[1], known, n=2) or known
        return f"{'.'.join(filter(None, (place, unknown[1])))}: there is no such key; there is {', '.join(near)}"
    right = _right(_type_at(place, root)) if place else ()
    if right and (word := re.fullmatch(r"Invalid enum value (.*)", reason)):
        reason = f"{word[1]} is none of {', '.join(right)}"
    elif right and "matching regex" in reason:
        reason = f"it is none of the form {' or '.join(right)}"
    return f"{place}: {reason}" if place else reason


def _type_at(place: str, root: type[msgspec.Struct]) -> Any:
    """The type at a path of names, each with `[…]` where it is an item's; None where there is none."""
    kind: Any = root
    for name in filter(None, place.split(".")):
        plain, is_item, _ = name.partition("[")
        kind = next((field.type for field in _fields(kind) if field.encode_name == plain), None)
        if is_item:
            kind = next(iter(get_args(kind)), None)
    return kind


def _fields(kind: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Of a section, or of one that may be null."""
    return next((msgspec.structs.fields(one) for one in (kind, *get_args(kind)) if _is_struct(one)), ())


def _keys(kind: Any) -> list[str]:
    return [field.encode_name for field in _fields(kind)]


def _right(kind: Any) -> tuple[str, ...]:
    """The words that a type knows, or its examples."""
    origin = get_origin(kind)
    if origin is Literal:
        return tuple(map(str, get_args(kind)))
    if origin is Annotated:
        return tuple(text for meta in get_args(kind)[1:] for text in getattr(meta, "examples", None) or ())
    if origin in (Union, UnionType):
        return next(filter(None, map(_right, get_args(kind))), ())
    return tuple(str(one.value) for one in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
