"""What a field can hold: each kind reads a written value and describes itself to JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from loadtester.errors import Exit
from loadtester.scenario import units
from loadtester.scenario.document import Value
from loadtester.scenario.faults import Spot
from loadtester.scenario.redact import quoted
from loadtester.scenario.suggestion import meant, one_of
from loadtester.scenario.units import UnfitError

T = TypeVar("T")
N = TypeVar("N", int, float, Decimal)

Schema = Mapping[str, Any]
#: A value's meaning, or None where it has none; then the fault is on record at the spot.
Read = Callable[[Value, Spot], Any]

_MOST_CHARS: Final = 200
_TAG: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a field is read.

    `separator` splits the text of an environment variable where the kind holds several values. Where `is_merged`, the
    mappings of all sources are put together key by key instead of one replacing the other.
    """

    read: Read
    schema: Schema
    separator: re.Pattern[str] | None = None
    is_merged: bool = False


def scalar(parse: Callable[[str], Any], schema: Schema, example: str) -> Kind:
    """One text that `parse` (raising UnfitError) gives a meaning."""

    def read(value: Value, spot: Spot) -> Any:
        if not isinstance(value.data, str):
            spot.fault(value.line, f"is {value.noun()}", f"write one value, such as {example}")
            return None
        return attempt(parse, value.data, spot, value.line)

    return Kind(read, schema)


def attempt(parse: Callable[[str], T], text: str, spot: Spot, line: int) -> T | None:
    """What `parse` makes of the text; None, with the fault recorded, where it is UnfitError."""
    try:
        return parse(text)
    except UnfitError as unfit:
        spot.fault(line, unfit.what, unfit.fix)
        return None


def bounded(
    parse: Callable[[str], N],
    show: Callable[[N], str],
    *,
    least: N | None = None,
    above: N | None = None,
    most: N | None = None,
) -> Callable[[str], N]:
    """`parse`, with values out of bounds UnfitError."""

    def within(text: str) -> N:
        value = parse(text)
        if least is not None and value < least:
            raise UnfitError(f"{quoted(text)} is less than {show(least)}", f"give {show(least)} or more")
        if above is not None and value <= above:
            raise UnfitError(f"{quoted(text)} is too little", f"give more than {show(above)}")
        if most is not None and value > most:
            raise UnfitError(f"{quoted(text)} is more than {show(most)}", f"give {show(most)} or less")
        return value

    return within


def duration(*, above: float | None = None, most: float) -> Kind:
    """Seconds; `0s` only where `above` is None."""
    limits = {"minimum": 0} if above is None else {"exclusiveMinimum": above}
    schema = {"anyOf": [{"type": "string", "pattern": units.DURATION}, {"type": "number", **limits, "maximum": most}]}
    return scalar(bounded(units.duration_s, units.duration_text, above=above, most=most), schema, "90s")


def rate(*, most: float) -> Kind:
    """Requests a second, above 0."""
    limits = {"exclusiveMinimum": 0, "maximum": most}
    schema = {"anyOf": [{"type": "string", "pattern": units.RATE}, {"type": "number", **limits}]}
    return scalar(bounded(units.rate_per_s, units.rate_text, above=0.0, most=most), schema, "5/s")


def whole(*, least: int, most: int) -> Kind:
    """A whole number."""
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return scalar(bounded(units.count, "{:,}".format, least=least, most=most), schema, str(max(least, 1)))


def whole_or_auto(*, least: int, most: int) -> Kind:
    """A whole number, or the word auto, which is 0."""
    number = bounded(units.count, "{:,}".format, least=least, most=most)
    schema = {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": least, "maximum": most}]}
    return scalar(lambda text: 0 if text == "auto" else number(text), schema, "auto")


def real(*, least: float | None = None, above: float | None = None, most: float) -> Kind:
    """A number that need not be whole."""
    limits = {"minimum": least} if above is None else {"exclusiveMinimum": above}
    parse = bounded(units.number, "{:g}".format, least=least, above=above, most=most)
    return scalar(parse, {"type": "number", **limits, "maximum": most}, "0.5")


def money(*, most: Decimal) -> Kind:
    """USD, from 0."""
    limits = {"minimum": 0, "maximum": int(most)}
    schema = {"anyOf": [{"type": "string", "pattern": units.MONEY}, {"type": "number", **limits}]}
    return scalar(bounded(units.money_usd, "${:,}".format, most=most), schema, "5.00")


def choice(noun: str, names: Sequence[str]) -> Kind:
    """One of a few words."""

    def parse(text: str) -> str:
        word = text.strip().lower()
        if word not in names:
            raise UnfitError(f"{quoted(text)} is not {noun}", one_of(word, names))
        return word

    return scalar(parse, {"enum": list(names)}, names[0])


def boolean() -> Kind:
    """Yes or no."""
    return scalar(units.truth, {"type": "boolean"}, "true")


def share() -> Kind:
    """A part of a whole, 0 to 1."""
    written = [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": units.SHARE}]
    return scalar(units.share, {"anyOf": written}, "0.3")


def words(example: str) -> Kind:
    """Text on one line."""

    def parse(text: str) -> str:
        return line_of_text(text, example)

    return scalar(parse, {"type": "string", "minLength": 1, "maxLength": _MOST_CHARS}, example)


def line_of_text(text: str, example: str) -> str:
    """The text without spaces around it; UnfitError where it is empty, too long, or holds control characters."""
    stripped = text.strip()
    if not stripped:
        raise UnfitError("is empty", f"write a text, such as {example}")
    if len(stripped) > _MOST_CHARS:
        raise UnfitError(f"has {len(stripped)} characters", f"write at most {_MOST_CHARS}")
    if not stripped.isprintable():
        raise UnfitError("holds a control character", f"write plain text on one line, such as {example}")
    return stripped


def input_path() -> Kind:
    """A file to read; a relative path starts at the scenario file, or at the working directory for a flag."""

    def read(value: Value, spot: Spot) -> Path | None:
        path = _PATH.read(value, spot)
        return None if path is None else spot.base / path

    return Kind(read, _PATH.schema)


def existing_path() -> Kind:
    """A file to read that has to be there now."""

    def read(value: Value, spot: Spot) -> Path | None:
        path: Path | None = _INPUT.read(value, spot)
        if path is not None and not path.is_file():
            spot.fault(value.line, f"there is no file {quoted(str(path))}", "name a file that is there", Exit.INPUT)
            return None
        return path

    return Kind(read, _PATH.schema)


def output_path() -> Kind:
    """A place to write to; a relative path starts at the working directory."""
    return _PATH


def several(parse: Callable[[str], Any], schema: Schema, example: str) -> Kind:
    """A list of texts that `parse` gives a meaning each, as a tuple; one text is a list of one."""

    def read(value: Value, spot: Spot) -> tuple[Any, ...] | None:
        items = [value] if isinstance(value.data, str) else value.data
        if not isinstance(items, Sequence) or not items:
            spot.fault(value.line, f"is {value.noun() if items else 'empty'}", f"write a list, such as [{example}]")
            return None
        one = scalar(parse, schema, example)
        found = [one.read(item, spot.inside(f"[{i}]")) for i, item in enumerate(items)]
        return None if any(item is None for item in found) else tuple(found)

    return Kind(read, {"type": "array", "minItems": 1, "items": schema}, re.compile(r"[,\s]+"))


def pairs(
    check: Callable[[str, str], tuple[str, str]], sign: str, schema: Schema, *, separator: str, example: str
) -> Kind:
    """A mapping of texts, also written as a list of texts with `sign` between name and value.

    `check` gives name and value as they are kept, or raises UnfitError; names that differ only in case are one.
    """

    def read(value: Value, spot: Spot) -> dict[str, str] | None:
        found: dict[str, str] = {}
        n_before = len(spot.faults.found)
        for written, text, line, place in _entries(value, spot, sign, example):
            pair = attempt(partial(check, written), text, place, line)
            if pair is not None and pair[0].lower() in {known.lower() for known in found}:
                place.fault(line, f"{quoted(pair[0])} is given twice", "keep one of the two")
            elif pair is not None:
                found[pair[0]] = pair[1]
        return found if len(spot.faults.found) == n_before else None

    return Kind(read, schema, re.compile(separator), is_merged=True)


def tag(name: str, value: str) -> tuple[str, str]:
    """A tag's name and value, checked."""
    if not _TAG.fullmatch(name):
        raise UnfitError(
            f"{quoted(name)} can't be a tag's name", "use letters, digits, '_', '.' and '-', such as team=search"
        )
    return name, line_of_text(value, "team=search")


def prices() -> Kind:
    """By model, the USD per 1M tokens of each kind: a mapping of mappings."""
    rates = ("input", "output", "cache_read", "cache_write")
    amount = {"anyOf": [{"type": "string", "pattern": units.MONEY}, {"type": "number", "minimum": 0}]}

    def read(value: Value, spot: Spot) -> dict[str, dict[str, Any]] | None:
        table = mapping(value, spot, "model: {input: 3.00, output: 15.00}")
        n_before = len(spot.faults.found)
        found = {model: _rates(entry, spot.inside(f".{model}"), rates) for model, entry in (table or {}).items()}
        return None if table is None or len(spot.faults.found) > n_before else found

    inner = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(rates, amount)}
    return Kind(read, {"type": "object", "additionalProperties": inner}, is_merged=True)


def mapping(value: Value, spot: Spot, example: str) -> Mapping[str, Value] | None:
    """The value as a mapping; None, with the fault recorded, where it is something else."""
    if isinstance(value.data, Mapping):
        return value.data
    spot.fault(value.line, f"is {value.noun()}, not a mapping", f"write {example}")
    return None


def unknown_keys(table: Mapping[str, Value], known: Iterable[str], spot: Spot) -> None:
    """Record each key of `table` that is not `known`."""
    names = list(known)
    for key in table:
        if key not in names:
            likely = meant(key, names)
            fix = f"did you mean {likely}?" if likely else f"keys here are {', '.join(names)}"
            spot.inside(f".{key}").fault(table[key].line, "unknown key", fix)


def _rates(value: Value, spot: Spot, rates: Sequence[str]) -> dict[str, Any]:
    table = mapping(value, spot, "{input: 3.00, output: 15.00}") or {}
    unknown_keys(table, rates, spot)
    amount = scalar(units.money_usd, {}, "3.00")
    return {key: amount.read(table[key], spot.inside(f".{key}")) for key in rates if key in table}


def _entries(value: Value, spot: Spot, sign: str, example: str) -> Iterable[tuple[str, str, int, Spot]]:
    """Name, text, line and spot of each pair; what is none is put on record and left out."""
    if isinstance(value.data, Mapping):
        for name, entry in value.data.items():
            place = spot.inside(f".{name}")
            if isinstance(entry.data, str):
                yield name, entry.data, entry.line, place
            else:
                place.fault(entry.line, f"is {entry.noun()}", f"write one value, such as {example}")
        return
    for item in [value] if isinstance(value.data, str) else value.data or ():
        text = item.data if isinstance(item.data, str) else ""
        name, found, rest = text.partition(sign)
        if found:
            yield name.strip(), rest.strip(), item.line, spot
        else:
            # The text may be a secret whose name was forgotten: it is not quoted.
            spot.fault(item.line, f"there is no '{sign}' between a name and a value", f"write {example}")


def _path(text: str) -> Path:
    return Path(line_of_text(text, "data/file")).expanduser()


_PATH: Final = scalar(_path, {"type": "string", "minLength": 1}, "data/file")
_INPUT: Final = input_path()
