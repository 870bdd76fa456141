"""What the tables' columns add up to."""

import csv
import io
from dataclasses import replace
from decimal import Decimal

from loadtester.analysis.report import Warmup
from loadtester.reporters.tables import by_part, csv_text


def _read(report):
    return list(csv.DictReader(io.StringIO(csv_text(by_part(report)))))


def test_a_part_s_bill_is_its_good_answers_the_others_and_its_warm_up(example):
    """In each row the first is the sum of the three; a run without a warm-up paid nothing for one."""
    for row in _read(example):
        assert Decimal(row["run_usd"]) == sum(Decimal(row[f"{name}_usd"]) for name in ("good", "wasted", "warmup"))
        assert Decimal(row["warmup_usd"]) == 0


def test_what_a_warm_up_cost_stands_apart(example):
    """As in summary.json: it is in the whole bill and in a column of its own."""
    cost = example.total.cost
    warm = replace(cost, warmup=Decimal("0.25"), run=cost.run + Decimal("0.25"))
    total, *_ = _read(replace(example, total=replace(example.total, cost=warm), warmup=Warmup(5.0, 3, 3, warm.warmup)))
    assert total["warmup_usd"] == "0.25"
    assert Decimal(total["run_usd"]) - Decimal(total["warmup_usd"]) == cost.run


def test_what_has_no_price_is_empty(example):
    """Not 0: nobody knows it."""
    unknown = replace(example.total.cost, run=None, good=None, wasted=None, warmup=None, per_good_answer=None)
    total, *_ = _read(replace(example, total=replace(example.total, cost=unknown)))
    assert {total[f"{name}_usd"] for name in ("run", "good", "wasted", "warmup", "per_good_answer")} == {""}
