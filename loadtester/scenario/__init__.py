"""Command line, environment, scenario file and defaults in; a checked Scenario out, with the origin of each value."""

from loadtester.scenario.mix import PRODUCTION
from loadtester.scenario.named import named_scenarios
from loadtester.scenario.redact import mask, redacted
from loadtester.scenario.resolve import resolve
from loadtester.scenario.scenario import (
    Arrivals,
    Bundled,
    Distribution,
    Judge,
    Load,
    Output,
    Pattern,
    Protocol,
    QueryType,
    Quota,
    Scenario,
    Stage,
    Target,
    ThinkTime,
    UserStage,
    Window,
)
from loadtester.scenario.schema import json_schema

__all__ = [
    "PRODUCTION",
    "Arrivals",
    "Bundled",
    "Distribution",
    "Judge",
    "Load",
    "Output",
    "Pattern",
    "Protocol",
    "QueryType",
    "Quota",
    "Scenario",
    "Stage",
    "Target",
    "ThinkTime",
    "UserStage",
    "Window",
    "json_schema",
    "mask",
    "named_scenarios",
    "redacted",
    "resolve",
]
