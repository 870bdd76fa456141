"""A YAML file as values that know their lines. Nothing in it is executed, built or guessed a type for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from loadtester.errors import Exit
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.redact import quoted

#: Larger than any scenario; PyYAML takes about a second for this much.
_MOST_BYTES: Final = 1 << 20
_MOST_DEPTH: Final = 10
_STANDARD: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(
    _STANDARD + name for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was written, on `line` (from 1; 0 where there is none).

    `data` is the text of a scalar, whatever YAML would make of it: the field it is for knows what it means. None is a
    value that was left out (`rate:` or `rate: null`).
    """

    data: str | Sequence[Value] | Mapping[str, Value] | None
    line: int = 0

    def noun(self) -> str:
        """What kind of value it is, for a message."""
        if isinstance(self.data, str):
            return quoted(self.data)
        if self.data is None:
            return "empty"
        return "a mapping" if isinstance(self.data, Mapping) else "a list"


def read(path: Path, faults: Faults, *, shown: str | None = None) -> Value | None:
    """The root of a YAML file; None where it can't be read, with the faults recorded.

    Keys that are given twice, keys that aren't text, and tags are faults too, but the rest of the file is still there.
    """
    spot = Spot(faults, "", shown or str(path))
    text = _text(path, spot)
    if text is None:
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        _explain(error, text, spot)
        return None
    except RecursionError:
        spot.fault(1, "is nested too deeply to be read", "scenarios are four levels deep at most", Exit.INPUT)
        return None
    if node is None:
        spot.fault(1, "the file is empty", "write at least `load:`, or run `fmload scenarios` for examples")
        return None
    return _Reader(spot).value(node, "")


def _text(path: Path, spot: Spot) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        spot.faults.add(
            f"{spot.file}: cannot be read: {error.strerror or error}; fix: name a file that is there and readable, "
            "or a scenario that `fmload scenarios` lists",
            Exit.INPUT,
        )
        return None
    if len(data) > _MOST_BYTES:
        spot.fault(1, "is larger than 1 MiB", "name a scenario file")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        spot.fault(data[: error.start].count(b"\n") + 1, "is not UTF-8 text", "save the file as UTF-8")
        return None


def _explain(error: yaml.YAMLError, text: str, spot: Spot) -> None:
    """Record a fault of syntax with its line and column, from 1."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        spot.fault(line, "holds a control character", "delete it, or write it as an escape in double quotes")
        return
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = getattr(error, "problem", None) or "this is not YAML"
    place = f"column {column + 1}"
    if "'\\t'" in problem or "\t" in text.split("\n")[line][: column + 1]:
        spot.fault(line + 1, f"{place}: a tab can't indent", "indent with spaces")
    elif "another document" in problem:
        spot.fault(line + 1, f"{place}: a second document begins", "keep one scenario a file")
    else:
        context = getattr(error, "context", None)
        said = f"{context}: {problem}" if context else problem
        spot.fault(line + 1, f"{place}: {said}", "look at the quotes, brackets and indentation here and just above")


@dataclass(slots=True)
class _Reader:
    """Turns nodes into values; a node that aliases share is turned once, so that aliases can't multiply."""

    spot: Spot
    done: dict[int, Value] = field(default_factory=dict)

    def value(self, node: yaml.Node, path: str, depth: int = 0) -> Value:
        known = self.done.get(id(node))
        if known is not None:
            return known
        value = Value(self._data(node, path, depth), node.start_mark.line + 1)
        self.done[id(node)] = value
        return value

    def _data(self, node: yaml.Node, path: str, depth: int) -> str | list[Value] | dict[str, Value] | None:
        if node.tag not in _TAGS:
            self._fault(node, path, f"has the tag {quoted(node.tag)}", "leave the tag out: scenarios hold plain values")
        if depth > _MOST_DEPTH:
            self._fault(node, path, "is nested too deeply", "scenarios are four levels deep at most")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)]
        return None if node.tag == f"{_STANDARD}null" else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Value]:
        values: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key, entry in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, path, "a key is a list or a mapping", "write the key as text")
                continue
            name = str(key.value)
            inner = f"{path}.{name}".lstrip(".")
            if name in values:
                self._fault(key, inner, f"is given again (first in line {lines[name]})", "keep one of the two")
                continue
            lines[name] = key.start_mark.line + 1
            inside = self.value(entry, inner, depth + 1)
            # The key's line, not the value's: a block's first line is below its key.
            values[name] = Value(inside.data, lines[name])
        return values

    def _fault(self, node: yaml.Node, path: str, what: str, fix: str) -> None:
        self.spot.inside(path).fault(node.start_mark.line + 1, what, fix)
