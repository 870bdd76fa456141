"""The service does what its OpenAPI description says, on generated requests good and bad."""

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from target_app.edges.openapi import document
from target_app.prompting import ROUTES

DESCRIPTION = msgspec.json.decode(msgspec.json.encode(document()))
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, operations in DESCRIPTION["paths"].items()
    for method in operations
    if method != "parameters"
]


def has_plain_integers(case):
    """JSON Schema takes 2.0 for an integer; the service wants it written as one."""
    values = case.body.values() if isinstance(case.body, dict) else ()
    return not any(isinstance(value, float) and value.is_integer() for value in values)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_it_keeps_its_word(build, label, mode):
    """Every answer is one that the description has; what breaks its rules is refused, and what keeps them is not."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", build())
    method, path = label.split()

    @given(case=schema[path][method].as_strategy(generation_mode=mode).filter(has_plain_integers))
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate()

    check()


def test_it_is_served(build):
    """What is served is the description, and it knows every query type."""
    assert TestClient(build()).get("/openapi.json").json() == DESCRIPTION
    message = DESCRIPTION["components"]["schemas"]["ChatMessage"]
    assert set(ROUTES) < set(message["anyOf"][1]["properties"]["query_type"]["enum"])
