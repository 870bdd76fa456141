"""The query mix as it is written: `production`, a file, or query types with their shares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtester.errors import Exit
from loadtester.scenario import kinds, units
from loadtester.scenario.call import CRUD, read_call
from loadtester.scenario.document import Value, read
from loadtester.scenario.faults import Spot
from loadtester.scenario.kinds import Kind
from loadtester.scenario.mix import PRODUCTION
from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import QueryType
from loadtester.scenario.suggestion import meant
from loadtester.scenario.units import UnfitError

#: How far the shares may be from a sum of 1.
TOLERANCE: Final = 1e-6

_BUILT_IN: Final = {query.name: query for query in PRODUCTION}
_NAME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")
_KEYS: Final = ("share", "model", "kind", "language", "prompts")
_EXAMPLE: Final = "greeting: {share: 0.08, model: …}"
_MOST_PROMPT_CHARS: Final = 100_000

_SHARE: Final = kinds.scalar(units.share, {}, "0.25")
_MODEL: Final = kinds.words("anthropic.claude-3-haiku-20240307-v1:0")
_KIND: Final = kinds.choice("a kind of query", ("ai", "crud"))
_LANGUAGE: Final = kinds.choice("a language", ("en", "ja", "mixed"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A query type and the spot it was written at; its model is "" where none was said and none is built in."""

    query: QueryType
    spot: Spot | None = None
    line: int = 0


def mix() -> Kind:
    """The kind of the field `mix`: read as a tuple of `Asked`."""
    return Kind(_read, _schema())


def _read(value: Value, spot: Spot) -> tuple[Asked, ...] | None:
    if not isinstance(value.data, str):
        return _queries(value, spot)
    word = value.data.strip()
    if word.lower() == "production":
        return tuple(Asked(query) for query in PRODUCTION)
    path = spot.base / word
    if not path.is_file():
        _no_mix(word, value, spot)
        return None
    root = read(path, spot.faults)
    if root is None:
        return None
    table = root.data.get("mix", root) if isinstance(root.data, Mapping) and len(root.data) == 1 else root
    inner = Spot(spot.faults, "" if table is root else "mix", str(path), path.parent)
    if isinstance(table.data, str):
        inner.fault(table.line, f"is {table.noun()}", f"write query types, such as {_EXAMPLE}")
        return None
    return _queries(table, inner)


def _no_mix(word: str, value: Value, spot: Spot) -> None:
    fix = (
        "did you mean production?" if meant(word, ["production"]) else "write production, or name a file that is there"
    )
    if Path(word).suffix in (".yaml", ".yml") or "/" in word:
        spot.fault(value.line, f"there is no file {quoted(word)}", fix, Exit.INPUT)
    else:
        spot.fault(value.line, f"{quoted(word)} is neither a mix nor a file", fix)


def _queries(value: Value, spot: Spot) -> tuple[Asked, ...] | None:
    n_before = len(spot.faults.found)
    entries = list(_entries(value, spot))
    asked = [_asked(name, entry, place) for name, entry, place in entries]
    names = [one.query.name for one in asked if one is not None]
    for one in asked:
        if one is not None and one.spot is not None and names.count(one.query.name) > 1:
            one.spot.fault(one.line, f"{quoted(one.query.name)} is given more than once", "keep one of them")
    if len(spot.faults.found) > n_before:
        return None
    whole = tuple(one for one in asked if one is not None)
    if not whole:
        spot.fault(value.line, "has no query types", f"write production, or {_EXAMPLE}")
        return None
    _check_sum(whole, value, spot)
    return whole


def _entries(value: Value, spot: Spot) -> list[tuple[Value, Value, Spot]]:
    """Name, entry and spot of each query type, from a mapping by name or a list with names."""
    if isinstance(value.data, Mapping):
        return [(Value(name, entry.line), entry, spot.inside(f".{name}")) for name, entry in value.data.items()]
    if value.data is None or isinstance(value.data, str):
        return []
    found = []
    for i, entry in enumerate(value.data):
        place = spot.inside(f"[{i}]")
        table = kinds.mapping(entry, place, "{name: greeting, share: 0.08}")
        if table is not None and "name" not in table:
            place.fault(entry.line, "has no name", "write name: greeting")
        elif table is not None:
            rest = {key: inner for key, inner in table.items() if key != "name"}
            found.append((table["name"], Value(rest, entry.line), place))
    return found


def _asked(name: Value, entry: Value, spot: Spot) -> Asked | None:
    """One query type; a bare number is its share. What it leaves out is as in the production mix."""
    called = kinds.attempt(_name, name.data if isinstance(name.data, str) else "", spot, name.line)
    table: Mapping[str, Value] = {"share": entry} if isinstance(entry.data, str) else _table(entry, spot)
    kinds.unknown_keys(table, _KEYS, spot)
    share = _field(_SHARE, "share", table, spot)
    if "share" not in table:
        spot.fault(entry.line, "has no share", "write share: 0.25, its part of all requests")
    elif share == 0:
        spot.inside(".share").fault(table["share"].line, "is 0", "leave the query type out")
    if called is None:
        return None
    known = _BUILT_IN.get(called)
    if known is None and "prompts" not in table:
        likely = meant(called, _BUILT_IN)
        fix = (
            f"did you mean {likely}? otherwise add prompts" if likely else f"add prompts, or use {', '.join(_BUILT_IN)}"
        )
        spot.fault(entry.line, f"{quoted(called)} has no prompts and none are built in", fix)
    usual = known or QueryType(called, 0.0, "")
    query = QueryType(
        called,
        share or 0.0,
        _field(_MODEL, "model", table, spot) or usual.model,
        _field(_KIND, "kind", table, spot) or usual.kind,
        _field(_LANGUAGE, "language", table, spot) or ("mixed" if "prompts" in table else usual.language),
        _field(_PROMPTS, "prompts", table, spot) or (),
    )
    if query.kind == CRUD:
        _check_crud(query, table, entry, spot)
    return Asked(query, spot, entry.line)


def _check_crud(query: QueryType, table: Mapping[str, Value], entry: Value, spot: Spot) -> None:
    """Plain requests ask no model, and each is a line of HTTP."""
    if query.model:
        line = table["model"].line if "model" in table else entry.line
        spot.fault(line, f"{query.name} is crud, which asks no model", "leave its model out, or write kind: ai")
    if not query.prompts:
        spot.fault(entry.line, f"{query.name} is crud and has no prompts", "write some, such as GET /v1/products")
    for prompt in query.prompts:
        try:
            read_call(prompt)
        except ValueError:
            fix = "write a method and a path, such as GET /v1/products?q={title}"
            spot.inside(".prompts").fault(table["prompts"].line, f"{quoted(prompt)} is no HTTP request", fix)


def _check_sum(asked: Sequence[Asked], value: Value, spot: Spot) -> None:
    total = sum(one.query.share for one in asked)
    if abs(total - 1) > TOLERANCE:
        scaled = ", ".join(f"{one.query.name} {one.query.share / total:.4g}" for one in asked)
        by = f"{'lower' if total > 1 else 'raise'} them by {abs(1 - total):.6g} in all, such as {scaled}"
        spot.fault(value.line, f"the shares add up to {total:.6g}, not 1", by)


def _table(entry: Value, spot: Spot) -> Mapping[str, Value]:
    return kinds.mapping(entry, spot, "{share: 0.08, model: …}") or {}


def _field(kind: Kind, key: str, table: Mapping[str, Value], spot: Spot) -> Any:
    return kind.read(table[key], spot.inside(f".{key}")) if key in table and table[key].data is not None else None


def _name(text: str) -> str:
    if not _NAME.fullmatch(text.strip()):
        raise UnfitError(
            f"{quoted(text)} can't be a query type's name", "start with a letter; then letters, digits, '_', '.', '-'"
        )
    return text.strip()


def _prompt(text: str) -> str:
    if not text.strip() or len(text) > _MOST_PROMPT_CHARS:
        raise UnfitError("is empty or very long", f"write a prompt of 1 to {_MOST_PROMPT_CHARS:,} characters")
    return text.strip()


_PROMPTS: Final = kinds.several(_prompt, {"type": "string", "minLength": 1}, "Hello!")


def _schema() -> dict[str, Any]:
    share = {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {"type": "string", "pattern": units.SHARE}]
    }
    properties = {
        "share": share,
        "model": _MODEL.schema,
        "kind": _KIND.schema,
        "language": _LANGUAGE.schema,
        "prompts": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
    }
    entry = {"type": "object", "additionalProperties": False, "required": ["share"], "properties": properties}
    listed = {**entry, "required": ["name", "share"], "properties": {"name": {"type": "string"}, **properties}}
    return {
        "anyOf": [
            {"type": "string", "description": "production, or a file with query types"},
            {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [share, entry]}},
            {"type": "array", "minItems": 1, "items": listed},
        ]
    }
