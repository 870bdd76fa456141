"""What was said, and by whom: command line, environment, a suite, the scenario file, in that order of weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtester.scenario.document import Value, read
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.field import Field
from loadtester.scenario.fields import BY_PATH, FIELDS, SECTIONS
from loadtester.scenario.kinds import mapping
from loadtester.scenario.suggestion import meant

COMMAND_LINE: Final = 4
ENVIRONMENT: Final = 3
SUITE: Final = 2
SCENARIO: Final = 1
DEFAULT: Final = 0

_PREFIX: Final = "FMLOAD_"
#: Variables of fmload's that set no field.
SCENARIO_VARIABLE: Final = "FMLOAD_SCENARIO"
_OTHER_VARIABLES: Final = ("FMLOAD_DEBUG", "FMLOAD_WEBHOOK_URL", SCENARIO_VARIABLE)


@dataclass(frozen=True, slots=True)
class Given:
    """A field's value as one source gave it; None where it is faulty. Larger ranks win."""

    value: Any
    origin: str
    rank: int
    spot: Spot
    line: int = 0

    def fault(self, what: str, fix: str) -> None:
        """Record what is wrong with it."""
        self.spot.fault(self.line, what, fix)


#: The fields that one source gave, by path.
Layer = dict[str, Given]


def from_flags(flags: Mapping[str, object], faults: Faults) -> Layer:
    """The layer of the command line. Raises KeyError for a path that is no field's."""
    layer: Layer = {}
    for path, raw in flags.items():
        field = BY_PATH[path]
        if raw is not None:
            spot = Spot(faults, field.label)
            layer[path] = Given(field.kind.read(value_of(raw), spot), f"command line {field.label}", COMMAND_LINE, spot)
    return layer


def from_environment(environ: Mapping[str, str], faults: Faults) -> Layer:
    """The layer of the FMLOAD_* variables; empty ones say nothing, and one that is almost a field's is a fault."""
    layer: Layer = {}
    by_variable = {field.variable: field for field in FIELDS if field.variable}
    for name in sorted(environ):
        text = environ[name]
        if not name.startswith(_PREFIX) or not text.strip() or name in _OTHER_VARIABLES:
            continue
        spot = Spot(faults, name)
        field = by_variable.get(name)
        if field is None:
            likely = meant(name.removeprefix(_PREFIX), [known.removeprefix(_PREFIX) for known in by_variable])
            if likely is not None:
                spot.fault(0, "no setting has this name", f"did you mean {_PREFIX}{likely}? otherwise unset it")
            continue
        value = Value(text)
        if field.kind.separator is not None:
            value = Value([Value(part) for part in field.kind.separator.split(text.strip()) if part.strip()])
        layer[field.path] = Given(field.kind.read(value, spot), f"environment {name}", ENVIRONMENT, spot)
    return layer


def from_file(path: Path, faults: Faults, *, shown: str) -> Layer:
    """The layer of a scenario file; relative input paths in it start at its folder."""
    root = read(path, faults, shown=shown)
    if root is None:
        return {}
    spot = Spot(faults, "", shown, path.parent)
    table = mapping(root, spot, "`load:`, `target:` and so on at the start of a line")
    return _layer(table or {}, spot, f"scenario {shown}", SCENARIO)


def from_suite(table: Mapping[str, Value], spot: Spot) -> Layer:
    """The layer of a suite's entry, whose keys are those of a scenario file; `spot` is the entry's."""
    return _layer(table, spot, f"suite {spot.file}", SUITE)


def _layer(table: Mapping[str, Value], spot: Spot, source: str, rank: int) -> Layer:
    layer: Layer = {}
    for key_path, value in _leaves(table, spot):
        field, place = BY_PATH[key_path], spot.inside(f".{key_path}")
        origin = f"{source}:{value.line}"
        layer[key_path] = Given(field.kind.read(value, place), origin, rank, place, value.line)
    return layer


def defaults(faults: Faults) -> Layer:
    """The layer of the defaults that don't depend on others."""
    layer: Layer = {}
    for field in FIELDS:
        if field.default.text is not None:
            spot = Spot(faults, f"default of {field.path}")
            layer[field.path] = Given(field.kind.read(Value(field.default.text), spot), "default", DEFAULT, spot)
    return layer


def merged(*layers: Layer) -> Layer:
    """One layer out of many, the lightest first: later values replace earlier ones, mappings go together key by key."""
    whole: Layer = {}
    for layer in layers:
        for path, given in layer.items():
            whole[path] = _over(whole[path], given, BY_PATH[path]) if path in whole else given
    return whole


def value_of(raw: object) -> Value:
    """A flag's value as if it had been written."""
    if isinstance(raw, bool):
        return Value("true" if raw else "false")
    if isinstance(raw, list | tuple):
        return Value([value_of(item) for item in raw])
    if isinstance(raw, Mapping):
        return Value({str(key): value_of(item) for key, item in raw.items()})
    return Value(None if raw is None else str(raw))


def _over(below: Given, above: Given, field: Field) -> Given:
    if not field.kind.is_merged or below.value is None or above.value is None:
        return above
    new = {name.lower() for name in above.value}
    kept = {name: value for name, value in below.value.items() if name.lower() not in new}
    origin = f"{above.origin}, {below.origin}" if kept else above.origin
    return Given(kept | above.value, origin, above.rank, above.spot, above.line)


def _leaves(table: Mapping[str, Value], spot: Spot) -> Iterator[tuple[str, Value]]:
    """Path and value of each field of a file; keys that are no field's are put on record. A null says nothing."""
    for key, value in table.items():
        if key in SECTIONS and value.data is not None:
            inner = mapping(value, spot.inside(f".{key}"), f"its keys indented below `{key}:`") or {}
            yield from _known(inner, key, spot.inside(f".{key}"))
    yield from _known({key: value for key, value in table.items() if key not in SECTIONS}, "", spot)


def _known(table: Mapping[str, Value], section: str, spot: Spot) -> Iterator[tuple[str, Value]]:
    siblings = {path.rpartition(".")[2]: path for path in BY_PATH if path.rpartition(".")[0] == section}
    for key, value in table.items():
        if key not in siblings:
            spot.inside(f".{key}").fault(value.line, "unknown key", _likelier(key, section, list(siblings)))
        elif value.data is not None:
            yield siblings[key], value


def _likelier(key: str, section: str, siblings: list[str]) -> str:
    """The fix for a key that is no field's: the nearest of its section, unless it is a field of another one."""
    elsewhere = {path.rpartition(".")[2]: path for path in BY_PATH}
    known = siblings if section else [*SECTIONS, *siblings]
    likely, far = meant(key, known), meant(key, elsewhere)
    if far is not None and (likely is None or far == key):
        return f"did you mean {elsewhere[far]}?"
    return f"did you mean {likely}?" if likely else f"keys here are {', '.join(known)}"
