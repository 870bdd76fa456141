"""Thresholds for people: every limit with its value, interval, margin and verdict, right after the run's verdict."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.reporters import print_summary, summary
from loadtester.reporters.threshold_lines import shown
from loadtester.rundir import read
from loadtester.scenario.threshold_text import parse

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
TEXTS = (
    "latency:p(95)<3s",
    "throttled<1_000",
    "ttft{query=greeting}:p(99.9)<2s",
    "goodput[10s]>=1/s",
    "validity==valid",
)


@pytest.fixture(scope="module")
def report():
    run = read(EXAMPLE)
    return summarise(run.manifest, run.recording, price_table({}), thresholds=[parse(text)[0] for text in TEXTS])


def test_they_come_right_after_the_verdict(report):
    """A line each, in their order, with why one could not pass and when a window was at its worst."""
    out = io.StringIO()
    print_summary(report, Console(file=out, width=80, no_color=True))
    lines = out.getvalue().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("threshold "))
    assert not any("planned" in line for line in lines[:start])
    rows = lines[start + 1 : start + 1 + len(TEXTS)]
    assert [row.split("  ")[0] for row in rows] == list(TEXTS)
    assert rows[0].endswith("FAIL")
    assert rows[1].endswith("pass")
    assert "FAIL: no data:" in rows[2]
    assert "worst at" in rows[3]
    assert " valid " in rows[4]


def test_summary_json_has_them(report):
    """Numbers in SI units and fractions, null where there is none."""
    found = summary(report)["thresholds"]
    assert [one["expression"] for one in found] == list(TEXTS)
    assert found[0]["limit"] == 3.0
    assert found[0]["value"] == report.total.latency.p95
    assert (found[2]["value"], found[2]["verdict"]) == (None, "no_data")
    assert {"ci95", "margin", "unit", "at_s", "reason"} <= set(found[0])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (4.0, "s", "4 s"),
        (0.0125, "share", "1.25%"),
        (40.0, "per_s", "40.00/s"),
        (50000.0, "usd", "$50,000.00"),
        (0.0035, "usd", "$0.00350"),
        (1234.0, "count", "1,234"),
        (1.0, "verdict", "suspect"),
        (None, "s", "–"),
    ],
)
def test_values_are_written_in_their_unit(value, unit, text):
    """As people write them."""
    assert shown(value, unit) == text
