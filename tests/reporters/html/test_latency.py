"""The words under the percentile curve."""

import re
from pathlib import Path

import pytest

from loadtester.analysis import summarise
from loadtester.analysis.curve import Curve
from loadtester.cost import price_table
from loadtester.reporters.html.latency import latency
from loadtester.rundir import read

PERCENTS = (0.0, 10.87, 50.0, 90.0, 99.0)
SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def report():
    run = read(Path(__file__).parents[3] / "reports" / "example")
    return summarise(run.manifest, run.recording, price_table({}))


@pytest.mark.parametrize(
    ("has_band", "said"),
    [
        ((False, False, False, False, False), "The run is too short for a 95 % interval."),
        ((False, False, True, False, False), "Below p50 and beyond p50 the run is too short for a 95 % interval."),
        ((False, False, True, True, True), "Below p50 the run is too short for a 95 % interval."),
        ((False, True, True, True, False), "Beyond p90 the run is too short for a 95 % interval."),
        ((False, True, True, True, True), None),
    ],
)
def test_the_page_says_where_the_band_ends(report, has_band, said):
    """At either end; that the least value has none goes without saying."""
    low, high = (
        tuple(value * factor if has else None for value, has in zip(SECONDS, has_band, strict=True))
        for factor in (0.9, 1.1)
    )
    page = str(latency(report, Curve(PERCENTS, SECONDS, low, high), Curve(PERCENTS, SECONDS)))
    found = re.search(r"[^<>]*the run is too short for a 95 % interval\.", page, re.IGNORECASE)
    assert (found and found[0]) == said
