"""A real run's report, judged once: that takes a second."""

from pathlib import Path

import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.rundir import read


@pytest.fixture(scope="session")
def example():
    """The report of reports/example, without its quota."""
    run = read(Path(__file__).parents[2] / "reports" / "example")
    return summarise(run.manifest, run.recording, price_table({}))
