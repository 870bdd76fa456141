"""Coefficients that a page pulls levers with: the same sums as the levers themselves."""

from decimal import Decimal

import pytest

from loadtester.cost import price_table
from loadtester.cost.basis import Basis
from loadtester.cost.bill import CACHE, Line, Tariff, numbered
from loadtester.cost.lengths import bounded
from loadtester.cost.levers import max_tokens, pull
from loadtester.cost.what_if import what_if
from loadtester.scenario.mix import HAIKU, SONNET

TARIFF = Tariff(price_table({}))


def _basis(good=10, models=(HAIKU, SONNET)):
    lines = [
        Line("easy", models[0], Decimal("0.6"), input=Decimal(400), output=Decimal(150)),
        Line("hard", models[1], Decimal("0.3"), input=Decimal(700), output=Decimal(900), cache_read=Decimal(50)),
        Line("(any)", CACHE, Decimal("0.1")),
    ]
    return Basis("test", numbered(lines), 1_000_000, lambda line, limit: bounded(line.output, limit), good=good)


@pytest.mark.parametrize("place", range(5))
def test_lines_cost_what_the_tariff_says(place):
    """Σ share × (prompt + tokens × token), as it is and under each limit, is the tariff's own sum to the last digit."""
    basis = _basis()
    asked = what_if(basis, TARIFF, 1024)
    mine = sum(
        line.share * (line.prompt_usd[line.model] + line.outputs[place] * line.output_usd[line.model])
        for line in asked.lines
    )
    levers = (max_tokens(asked.limits[place - 1], basis.kept, basis.lines),) if place else ()
    assert mine == TARIFF.usd_per_message(pull(levers, basis.lines))


def test_the_cheapest_of_several_models_may_be_moved():
    """Its share is what can be asked about; where one model answers all, none."""
    assert what_if(_basis(), TARIFF, 1024).movable == HAIKU
    assert what_if(_basis(models=(SONNET, SONNET)), TARIFF, 1024).movable is None


def test_limits_lie_under_the_one_that_holds():
    """A limit that cuts nothing more is not offered, and each says what it cuts."""
    asked = what_if(_basis(), TARIFF, 512)
    assert asked.limits[-1] == 384
    assert len(asked.cuts) == len(asked.limits) == len(asked.lines[0].outputs) - 1
    assert asked.hits == Decimal("0.1")


def test_nothing_to_project_from():
    """Without a good answer there is no bill to ask."""
    assert what_if(_basis(good=0), TARIFF, 1024) is None
