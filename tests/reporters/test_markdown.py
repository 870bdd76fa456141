"""The Markdown page of a night: the verdict first, and nothing in a name that Markdown would act on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loadtester.analysis import ThresholdResult
from loadtester.analysis.comparison.night import Night, Result
from loadtester.errors import Exit
from loadtester.reporters.markdown import night_markdown
from loadtester.reporters.night_text import night_text

FAILED = ThresholdResult("latency:p(95)<3s", 11.4, (10.0, 12.0), 3.0, -2.8, "fail", unit="s")


@pytest.fixture
def report(example):
    return example


def _night(*results):
    return Night("all", datetime(2026, 11, 21, 2, 0, tzinfo=UTC), 3725.0, results)


def _both_kinds(report):
    return replace(report, by={**report.by, "kind": {"ai": report.total, "crud": report.total}})


def test_the_verdict_comes_first(report):
    """Which scenarios failed, in the heading; then how many ran, how long, and the exit code."""
    failed = Result("spike", replace(report, thresholds=(FAILED,)), (Exit.THRESHOLD,))
    dead = Result("load", None, (Exit.UNREACHABLE,), problem="no answer")
    lines = night_markdown(_night(failed, dead)).splitlines()
    assert lines[0] == "## fmload nightly all: failed: spike, load"
    assert "1 of 2 scenarios ran in 1h2m5s" in lines[2]
    assert lines[2].endswith("exit code 113.")
    assert night_markdown(_night(Result("spike", report, ()))).startswith("## fmload nightly all: passed\n")


def test_every_table_is_whole(report):
    """Each row has as many cells as its heading, in every table of the page."""
    page = night_markdown(
        _night(
            Result("a", replace(_both_kinds(report), thresholds=(FAILED,)), (99,)),
            Result("b", None, (113,), problem="x"),
        )
    )
    for block in page.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    assert "| a | AI | 840 |" in page
    assert "| a | CRUD | 840 |" in page
    assert "| a | latency:p(95)\\<3s | 11.400 s | 3.000 s | **failed** |" in page
    assert "The night cost \\$1.54" in page


def test_names_are_shown_as_they_are(report):
    """Pipes, markup, links and line ends in a name or a problem stay text, on their line."""
    nasty = "a|b <script>\n# [x](http://y) `$z$`"
    page = night_markdown(_night(Result(nasty, report, (1,), problem=nasty)))
    assert "<script>" not in page
    assert "a\\|b \\<script\\> \\# \\[x\\](http://y) \\`\\$z\\$\\`" in page
    assert "\n# [" not in page


def test_the_terminals_page_says_the_same(report):
    """Kinds apart where there are both, failures with their reasons, the sum at the end."""
    failed = replace(_both_kinds(report), thresholds=(FAILED,))
    text = night_text(_night(Result("spike", failed, (99,)), Result("load", None, (), problem="not run: no time")))
    assert text.startswith("nightly all: FAILED: spike\n")
    assert [line.split()[0] for line in text.splitlines()[3:7]] == ["spike", "ai", "crud", "load"]
    assert "spike: latency:p(95)<3s failed" in text
    assert "load: not run: no time" in text
    assert text.endswith("1h2m5s, $1.54, exit code 99\n")


def test_a_night_of_nothing_is_still_a_page():
    """Before the first scenario has ended there is nothing to list."""
    assert "0 of 0 scenarios" in night_markdown(_night())
