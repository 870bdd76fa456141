"""A YAML file of figures as plain data, and its texts as exact numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from loadtester.errors import FmloadError
from loadtester.scenario.document import Value, read
from loadtester.scenario.faults import Faults

_PERCENT: Final = re.compile(r"\+?([0-9]+(?:\.[0-9]+)?)\s*%")
_GROUPED: Final = re.compile(r"[0-9]+(?:_[0-9]+)+(?:\.[0-9]+)?")


def page(path: Path, remedy: str) -> dict[str, Any]:
    """The mapping at the root of a YAML file: `25%` as 0.25, `1_000` as 1000, every other text as it is.

    Raises FmloadError with all faults of its syntax.
    """
    faults = Faults()
    root = read(path, faults)
    if faults.found:
        raise FmloadError("\n".join(text for _, text in faults.found), remedy=remedy)
    data = None if root is None else _plain(root)
    if not isinstance(data, dict):
        raise FmloadError(f"{path}: holds no mapping", remedy=remedy)
    return data


def _plain(value: Value) -> Any:
    if isinstance(value.data, Mapping):
        return {key: _plain(inner) for key, inner in value.data.items()}
    if isinstance(value.data, Sequence) and not isinstance(value.data, str):
        return [_plain(inner) for inner in value.data]
    return None if value.data is None else exact(str(value.data))


def exact(text: str) -> str:
    """A text with percents as fractions and groups of digits joined; any other text unchanged."""
    stripped = text.strip()
    percent = _PERCENT.fullmatch(stripped)
    if percent:
        return str(Decimal(percent[1]) / 100)
    return stripped.replace("_", "") if _GROUPED.fullmatch(stripped) else text
