"""Without a terminal: a line each ten seconds."""

import io

import pytest
from rich.console import Console

from loadtester.live.lines import Lines
from loadtester.recorder import Meter


@pytest.mark.parametrize(("planned", "said"), [(1000, "sent 70 of 1,000  "), (None, "sent 70  ")])
def test_every_tenth_second_has_its_line(second_of, planned, said):
    """Seventeen seconds are one line, which says how far the run is."""
    console = Console(file=io.StringIO(), width=40)
    meter = Meter()
    with Lines(console, planned, 60.0) as lines:
        for number in range(17):
            lines.observe(meter.add(second_of(number, ok=7)))
    (line,) = console.file.getvalue().splitlines()
    assert said in line
    assert "10s of 60s" in line
    assert "p50 500ms" in line
