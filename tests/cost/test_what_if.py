"""Coefficients that a page pulls levers with: the same sums as the levers themselves."""

from dataclasses import replace
from decimal import Decimal

import pytest

from loadtester.cost import price_table
from loadtester.cost.basis import Basis
from loadtester.cost.bill import CACHE, NOBODY, Line, Tariff, numbered
from loadtester.cost.lengths import bounded
from loadtester.cost.levers import cache_hits, max_tokens, pull
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


def test_hits_are_taken_from_what_nobody_answered_too():
    """As the lever does it: 1 - (hits - today's) / (paid and unanswered), of each paid line's cost."""
    basis = _basis()
    lines = numbered([*(line.times(Decimal("0.8")) for line in basis.lines), Line("easy", NOBODY, Decimal("0.2"))])
    asked = what_if(replace(basis, lines=lines), TARIFF, 1024)
    assert (asked.hits, asked.unanswered) == (Decimal("0.08"), Decimal("0.2"))
    stays = 1 - (Decimal("0.5") - asked.hits) / (sum(line.share for line in asked.lines) + asked.unanswered)
    then = TARIFF.usd_per_message(cache_hits(Decimal("0.5")).apply(lines))
    assert abs(then - stays * TARIFF.usd_per_message(lines)) < Decimal("1e-20")


def test_fewer_hits_go_back_by_the_lines_own_part():
    """As the lever does it: each line grows by what hits give back to it."""
    lines = numbered([*_basis().lines[:2], Line("easy", CACHE, Decimal("0.1"))])
    asked = what_if(replace(_basis(), lines=lines), TARIFF, 1024)
    assert [line.back for line in asked.lines] == [Decimal("0.1") / Decimal("0.6"), 0]
    grown = [line.times(1 + (1 - Decimal("0.4")) * one.back) for line, one in zip(lines, asked.lines, strict=False)]
    then = TARIFF.usd_per_message(cache_hits(Decimal("0.04")).apply(lines))
    assert abs(then - TARIFF.usd_per_message(grown)) < Decimal("1e-20")


def test_nothing_to_project_from():
    """Without a good answer there is no bill to ask."""
    assert what_if(_basis(good=0), TARIFF, 1024) is None
