"""The comparison with a baseline, as the summary for people has it."""

from dataclasses import replace

import pytest

from loadtester.analysis.comparison.found import Compared, Comparison, Row, Side
from loadtester.analysis.comparison.measures import MEASURES
from loadtester.reporters.baseline_lines import baseline_lines

SIDE = Side("runs/base", "base", "r", "the bundled MangaAssist", "complete", "valid", 100, 99, 60.0)


@pytest.fixture
def lines(example):
    """The lines of a report that was held against something."""

    def shown(against):
        return [line for text in baseline_lines(replace(example, against=against)) for line in text.plain.splitlines()]

    return shown


def _comparison(row, *verdicts):
    rows = tuple(row(measure, verdict) for measure, verdict in zip(MEASURES, verdicts, strict=False))
    return Comparison(SIDE, SIDE, verdicts[0], rows, {}, (), len(rows), notes=("NEW is suspect: too few",))


@pytest.fixture
def row():
    """A row of one measure, 1 before and 1.5 now."""

    def make(measure, verdict):
        return Row(measure, 1.0, 1.5, 0.5, (0.4, 0.6), 0.5, (0.4, 0.6), 0.05, verdict)

    return make


def test_nothing_is_said_without_a_baseline(example):
    """Most runs have none."""
    assert list(baseline_lines(example)) == []


def test_why_there_is_no_comparison_is_said(lines):
    """In one line."""
    assert lines(Compared(None, None, "no good run before it")) == ["baseline   not compared: no good run before it"]


def test_what_differs_is_a_table(lines, row):
    """The verdict with the run's name, what weakens it, the rows that differ; the others are counted."""
    first, weak, head, worse, changed, rest = lines(
        Compared("2026-base", _comparison(row, "worse", "same", "unclear", "changed", "same"))
    )
    assert first == f"baseline   2026-base: worse: {MEASURES[0].name}"
    assert weak.strip() == "NEW is suspect: too few"
    assert head.split()[:2] == ["baseline", "this"]
    assert worse.split() == f"{MEASURES[0].name} 1.00 s 1.50 s +500 ms +50.0% (+40.0% … +60.0%) worse".split()
    assert changed.endswith("changed")
    assert rest.strip() == "2 figures the same, 1 unclear"
