"""Predictions of scenarios that are said in a few words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from loadtester.cost import price_table
from loadtester.fleet import plan_of
from loadtester.plan import predict
from loadtester.scenario import resolve

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"
PRICES = {
    HAIKU: {"input": Decimal("0.25"), "output": Decimal("1.25")},
    SONNET: {"input": Decimal(3), "output": Decimal(15)},
}


@pytest.fixture
def prices():
    return price_table(PRICES, at=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def scenario_of(tmp_path):
    """The scenario of a file's text and flags: `scenario_of("quota: …", load__rate="5/s")`."""

    def make(text="", **flags):
        file = tmp_path / "s.yaml"
        file.write_text(text or "description: a test\n")
        return resolve({path.replace("__", "."): value for path, value in flags.items()}, file=file)

    return make


@pytest.fixture
def planned(scenario_of, prices):
    """The prediction of such a scenario."""

    def make(text="", **flags):
        scenario = scenario_of(text, **flags)
        return predict(scenario, plan_of(scenario), prices)

    return make
