"""The JSON Schema of scenario files, for editors: made from the table of fields."""

from __future__ import annotations

from typing import Any

from loadtester.scenario.field import Field
from loadtester.scenario.fields import FIELDS, SECTIONS


def json_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that scenario files fulfil; `resolve` checks more than a schema can say."""
    properties: dict[str, Any] = {}
    for field in FIELDS:
        section, _, key = field.path.rpartition(".")
        if not section:
            properties[key] = _property(field)
            continue
        if section not in properties:
            properties[section] = _section(section)
        properties[section]["properties"][key] = _property(field)
    properties["load"] |= {
        # Any two of these three make the third.
        "not": {"required": ["rate", "duration", "requests"]},
        "dependentSchemas": {
            "stages": {"not": {"anyOf": [{"required": [key]} for key in ("rate", "duration", "requests", "trace")]}},
            "trace": {"not": {"anyOf": [{"required": [key]} for key in ("rate", "arrivals")]}},
            "speed": {"required": ["trace"]},
            "users": _without_rate(),
            "user_stages": _without_rate(),
            "think_time": {"anyOf": [{"required": ["users"]}, {"required": ["user_stages"]}]},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fmload scenario",
        "description": "What a run sends, where, and how it is judged. All keys may be left out.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _without_rate() -> dict[str, Any]:
    """What has no place beside users."""
    keys = ("rate", "requests", "arrivals", "stages", "trace")
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def _section(name: str) -> dict[str, Any]:
    return {"description": SECTIONS[name], "type": "object", "additionalProperties": False, "properties": {}}


def _property(field: Field) -> dict[str, Any]:
    text, reason = field.default
    usual = f"Default: {text} ({reason})." if text is not None else f"Default: {reason}."
    return {"description": f"{field.help} {usual}", **field.kind.schema}
