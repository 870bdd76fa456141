"""The JSON Schema says the same as the checks, for every field, and the shipped scenarios fulfil it."""

import json
import re

import pytest
import yaml

from loadtester.errors import FmloadError
from loadtester.scenario import json_schema, resolve
from loadtester.scenario.fields import FIELDS
from loadtester.scenario.named import named_scenarios, scenario_path

TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool}


def holds(schema, value):
    """Whether `value` fulfils the part of JSON Schema that is used here; an unknown keyword fails the test."""
    known = {
        "$schema": lambda _: True,
        "title": lambda _: True,
        "description": lambda _: True,
        "type": lambda names: any(
            isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
            for name in ([names] if isinstance(names, str) else names)
        ),
        "enum": lambda choices: value in choices,
        "anyOf": lambda options: any(holds(option, value) for option in options),
        "not": lambda inner: not holds(inner, value),
        "pattern": lambda text: not isinstance(value, str) or re.search(text, value, re.ASCII) is not None,
        "minLength": lambda least: not isinstance(value, str) or len(value) >= least,
        "maxLength": lambda most: not isinstance(value, str) or len(value) <= most,
        "minimum": lambda least: not is_number(value) or value >= least,
        "exclusiveMinimum": lambda least: not is_number(value) or value > least,
        "maximum": lambda most: not is_number(value) or value <= most,
        "minItems": lambda least: not isinstance(value, list) or len(value) >= least,
        "minProperties": lambda least: not isinstance(value, dict) or len(value) >= least,
        "items": lambda inner: not isinstance(value, list) or all(holds(inner, item) for item in value),
        "required": lambda keys: not isinstance(value, dict) or all(key in value for key in keys),
        "properties": lambda inner: (
            not isinstance(value, dict) or all(holds(inner[key], value[key]) for key in value if key in inner)
        ),
        "additionalProperties": lambda inner: (
            not isinstance(value, dict)
            or all(
                inner is not False and holds(inner, value[key])
                for key in value
                if key not in schema.get("properties", {})
            )
        ),
        "dependentSchemas": lambda inner: all(holds(inner[key], value) for key in value if key in inner),
    }
    return all(known[keyword](rest) for keyword, rest in schema.items())


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("name", [name for name, _ in named_scenarios()])
def test_shipped_scenarios_fulfil_the_schema(name):
    """An editor that knows the schema finds nothing wrong with the shipped files."""
    assert holds(json_schema(), yaml.safe_load(scenario_path(name).read_text("utf-8")))


def test_every_field_is_described():
    """Each row of the table is a property with its words and its default, and nothing else is allowed."""
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False
    for field in FIELDS:
        section, _, key = field.path.rpartition(".")
        place = schema["properties"][section] if section else schema
        assert place["additionalProperties"] is False
        assert field.help in place["properties"][key]["description"]


CASES = [
    ({"load": {"rate": "5/s", "duration": "1h30m"}}, True),
    ({"load": {"rate": 5, "duration": 60}}, True),
    ({"load": {"rate": "5 rps"}}, False),
    ({"load": {"rate": 0}}, False),
    ({"load": {"duration": 0}}, False),
    ({"load": {"duration": "90sec"}}, False),
    ({"load": {"graceful_stop": 0}}, True),
    ({"load": {"pattern": "spkie"}}, False),
    ({"load": {"ratte": 5}}, False),
    ({"lod": {}}, False),
    ({"load": {"requests": 10, "rate": 5}}, True),
    ({"load": {"requests": 10, "rate": 5, "duration": 2}}, False),
    ({"load": {"stages": ["2m:20/s", "30s:0"]}}, True),
    ({"load": {"stages": ["2m20/s"]}}, False),
    ({"load": {"stages": []}}, False),
    ({"load": {"stages": ["2m:20/s"], "rate": 5}}, False),
    ({"load": {"users": 5, "duration": "1m", "think_time": "10s"}}, True),
    ({"load": {"users": 5, "think_time": "exponential:500ms"}}, True),
    ({"load": {"users": 5, "think_time": 0}}, True),
    ({"load": {"users": 5, "think_time": "gamma:5s"}}, False),
    ({"load": {"users": 5, "user_stages": ["2m:20", "30s:0"], "duration": "10s"}}, True),
    ({"load": {"user_stages": ["2m:20/s"]}}, False),
    ({"load": {"user_stages": ["2m:2.5"]}}, False),
    ({"load": {"users": 0}}, False),
    ({"load": {"users": 5, "rate": 5}}, False),
    ({"load": {"users": 5, "requests": 5}}, False),
    ({"load": {"user_stages": ["2m:20"], "stages": ["2m:20/s"]}}, False),
    ({"load": {"think_time": "10s"}}, False),
    ({"load": {"trace": "t.csv", "speed": 2}}, True),
    ({"load": {"trace": "t.csv", "rate": 2}}, False),
    ({"load": {"speed": 2}}, False),
    ({"load": {"max_in_flight": 0}}, False),
    ({"load": {"requests": 1.5}}, False),
    ({"target": {"url": "https://h/x", "headers": {"A": "b", "N": 7}, "streaming": False}}, True),
    ({"target": {"url": "bedrock:us-east-1"}}, True),
    ({"target": {"url": "localhost:8080"}}, False),
    ({"target": {"url": "https://u:p@h"}}, False),
    ({"target": {"protocol": "grpc"}}, False),
    ({"bundled": {"time_scale": 0, "tokens_per_minute": 0}}, True),
    ({"bundled": {"time_scale": -1}}, False),
    ({"mix": "production"}, True),
    ({"mix": {"greeting": 0.4, "price_check": {"share": "60%", "model": "m", "kind": "ai"}}}, True),
    ({"mix": {"greeting": 0.4, "browse": {"share": 0.6, "kind": "crud", "prompts": ["GET /"]}}}, True),
    ({"mix": [{"name": "own", "share": 1, "model": "m", "prompts": ["a"]}]}, True),
    ({"mix": [{"share": 1}]}, False),
    ({"mix": {"greeting": {"share": 1, "modle": "m"}}}, False),
    ({"mix": {"greeting": {"share": 1, "language": "fr"}}}, False),
    ({"prices": {"m": {"input": 0.8, "output": "$4"}}}, True),
    ({"prices": {"m": {"inptu": 0.8}}}, False),
    ({"slo": "3s", "max_tokens": 256, "daily_messages": 1000, "model": "m", "description": "x"}, True),
    ({"output": {"directory": "x", "name": "y", "tags": {"a": "b"}}}, True),
]


@pytest.mark.parametrize(("document", "is_fit"), CASES, ids=str)
def test_schema_and_checks_agree(tmp_path, document, is_fit):
    """What the schema takes the checks take, and what it refuses they refuse."""
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(document))
    assert holds(json_schema(), document) is is_fit
    if is_fit:
        resolve({}, file=file)
    else:
        with pytest.raises(FmloadError):
            resolve({}, file=file)
