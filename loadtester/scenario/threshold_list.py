"""The field `thresholds`: a list of texts, each also a mapping that says whether it stops the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import units
from loadtester.scenario.document import Value
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.kinds import Kind, Schema, bounded, scalar, unknown_keys
from loadtester.scenario.redact import quoted
from loadtester.scenario.threshold import Threshold
from loadtester.scenario.threshold_text import EXAMPLE, parse

_KEYS: Final = ("threshold", "abort_on_fail", "delay")
_TEXT: Final[Schema] = {"type": "string", "minLength": 3}
_DURATION: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": units.DURATION}, {"type": "number", "minimum": 0, "maximum": 86_400}]
}
_ENTRY: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["threshold"],
    "properties": {"threshold": _TEXT, "abort_on_fail": {"type": "boolean"}, "delay": _DURATION},
}
_TRUTH: Final = scalar(units.truth, {"type": "boolean"}, "true")
_DELAY: Final = scalar(bounded(units.duration_s, units.duration_text, most=86_400.0), _DURATION, "30s")


def thresholds() -> Kind:
    """A list of thresholds, as a tuple; one text is a list of one."""

    def read(value: Value, spot: Spot) -> tuple[Threshold, ...] | None:
        entries = [value] if isinstance(value.data, str) else value.data
        if not isinstance(entries, Sequence) or not entries:
            spot.fault(value.line, f"is {value.noun() if entries else 'empty'}", f"write a list, such as ['{EXAMPLE}']")
            return None
        found = [_entry(entry, spot.inside(f"[{index}]")) for index, entry in enumerate(entries)]
        return None if any(one is None for one in found) else tuple(one for one in found if one is not None)

    items = {"anyOf": [_TEXT, _ENTRY]}
    # Tags hold commas.
    return Kind(read, {"type": "array", "minItems": 1, "items": items}, re.compile(r"[;\r\n]+"))


def given_thresholds(texts: Sequence[str], label: str = "--threshold") -> tuple[Threshold, ...]:
    """The thresholds of a flag. Raises FmloadError, code 2, with all that is wrong with them."""
    faults = Faults()
    found = [_text(Value(text), Spot(faults, label)) for text in texts]
    faults.raise_if_any()
    return tuple(one for one in found if one is not None)


def kept_thresholds(manifest: Mapping[str, Any]) -> tuple[Threshold, ...]:
    """The thresholds that a run was started with. Raises FmloadError where its manifest was edited into none."""
    faults = Faults()
    spot = Spot(faults, "thresholds", "manifest.json")
    kept = manifest["scenario"]["judge"].get("thresholds") or ()
    found = [_text(Value(str(entry["expression"])), spot) for entry in kept]
    if faults.found:
        text = "; ".join(text for _, text in faults.found)
        raise FmloadError(text, remedy="judge the run by others, with --threshold", code=Exit.INPUT)
    return tuple(one for one in found if one is not None)


def _entry(value: Value, spot: Spot) -> Threshold | None:
    """One threshold; None, with all its faults recorded, where it is none."""
    table = value.data
    if not isinstance(table, Mapping):
        return _text(value, spot)
    unknown_keys(table, _KEYS, spot)
    if "threshold" not in table:
        spot.fault(value.line, "says no threshold", f"write threshold: {EXAMPLE}")
    threshold = _text(table["threshold"], spot.inside(".threshold")) if "threshold" in table else None
    is_aborting = (
        _TRUTH.read(table["abort_on_fail"], spot.inside(".abort_on_fail")) if "abort_on_fail" in table else None
    )
    delay_s = _DELAY.read(table["delay"], spot.inside(".delay")) if "delay" in table else None
    if delay_s is not None and is_aborting is False:
        spot.inside(".delay").fault(table["delay"].line, "is of no effect without abort_on_fail", "leave it out")
    return None if threshold is None else replace(threshold, is_aborting=is_aborting, delay_s=delay_s)


def _text(value: Value, spot: Spot) -> Threshold | None:
    if not isinstance(value.data, str):
        spot.fault(value.line, f"is {value.noun()}", f"write one threshold, such as {EXAMPLE}")
        return None
    threshold, faults = parse(value.data)
    for fault in faults:
        about = "" if len(faults) == 1 and quoted(value.data) in fault.what else f"{quoted(value.data)}: "
        spot.fault(value.line, f"{about}{fault.what}", fault.fix)
    return threshold
