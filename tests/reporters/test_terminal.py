"""The summary for people never cuts a figure, and says what the run says."""

import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.recorder import Cell, Interval, recording
from loadtester.reporters import print_summary, summary
from loadtester.rundir import read

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def _printed(run, width, *, manifest=None, **options):
    out = io.StringIO()
    report = summarise(manifest or run.manifest, run.recording, price_table({}))
    print_summary(report, Console(file=out, width=width, no_color=True), **options)
    return out.getvalue()


class Big:
    """The example run with every counter a thousand times as large."""

    def __init__(self, run):
        self.manifest = run.manifest

        def grown(cell):
            return Cell(*(value * 1000 for value in (getattr(cell, name) for name in Cell.__slots__)))

        self.recording = recording(
            Interval(
                interval.second,
                planned=interval.planned * 1000,
                sent=interval.sent * 1000,
                cells={key: grown(cell) for key, cell in interval.cells.items()},
                counts=interval.counts,
            )
            for interval in run.recording.intervals
        )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_figure_is_cut(width):
    """However narrow the console and large the counts, every figure is there whole."""
    big = Big(read(EXAMPLE))
    report = summarise(big.manifest, big.recording, price_table({}))
    text = _printed(big, width)
    assert "…" not in text
    for part in report.by["query"].values():
        assert f"{part.tokens.input:,}" in text
        assert f"${part.cost.run:,.4f}" in text
    assert f"${report.total.cost.run.quantize(Decimal('0.0001')):,}" in text


def test_long_lines_go_on_under_what_they_say():
    """Text is broken between words, and continued under its label."""
    lines = _printed(read(EXAMPLE), 80).splitlines()
    assert max(map(len, lines)) <= 80
    begin = next(k for k, line in enumerate(lines) if "every day brings" in line)
    assert lines[begin + 1].startswith(" " * 11)


def test_nothing_but_text_where_there_is_no_terminal():
    """No escape codes, no padding at the ends of lines."""
    text = _printed(read(EXAMPLE), 80)
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_partial_run_says_so_first():
    """The first line of an interrupted, killed or aborted run says that it is partial."""
    run = read(EXAMPLE)
    for status in ("interrupted", "running", "degraded", "aborted"):
        first = _printed(run, 80, manifest={**run.manifest, "status": status}).splitlines()[0]
        assert "partial" in first


def test_the_compact_summary_leaves_out_the_tables_by_type():
    """Compact has the totals only."""
    text = _printed(read(EXAMPLE), 80, is_compact=True)
    assert "latency (ok answers" in text
    assert "recommendation  " not in text


def test_a_calibrated_instrument_is_quoted():
    """What fmload was measured to do on this machine stands under the headline; nothing where it never was."""
    run = read(EXAMPLE)
    step = {"rate_per_s": 1000, "lag_p99_s": 0.0004, "round_trip_p99_s": 0.0007}
    known = {"measured_at": "2026-11-21T10:00:00+00:00", "max_per_s": 28123.4, "steps": [step]}
    quoted = "calibrated 2026-11-21 here: at 1,000/s lag p99 0.40 ms, round trip p99 0.70 ms; at most 28,123/s"
    assert quoted in _printed(run, 200, manifest={**run.manifest, "calibration": known})
    assert "calibrated" not in _printed(run, 200, manifest={**run.manifest, "calibration": None})


def test_a_run_that_met_a_bound_says_so():
    """What stopped it stands at the top; what became of the budget stands by the cost."""
    run = read(EXAMPLE)
    budget = {
        "cap_usd": "2.00", "spent_usd": "2.0123", "assumed_usd": "0.25", "over_usd": "0.0123",
        "assumed_requests": 3, "underestimated_requests": 1,
    }  # fmt: skip
    stopped = "stopped before --max-cost could be passed"
    text = _printed(run, 300, manifest={**run.manifest, "status": "stopped", "stopped_by": stopped, "budget": budget})
    assert text.splitlines()[0].endswith("partial: the run was stopped")
    assert stopped in text
    assert (
        "budget     $2.0123 of $2.0000 spent, $0.2500 set aside for 3 requests whose usage never came; "
        "1 requests cost more than was set aside for them: $0.0123 over the cap" in text
    )
    assert "budget" not in _printed(run, 300)


def test_kinds_are_told_apart_where_there_are_several():
    """Plain requests and those to a model have rows of their own in each table by part, and figures in summary.json."""
    run = read(EXAMPLE)
    report = summarise(run.manifest, run.recording, price_table({}))
    both = replace(report, by={**report.by, "kind": {"ai": report.total, "crud": report.total}})
    pages = []
    for one in (report, both):
        out = io.StringIO()
        print_summary(one, Console(file=out, width=120, no_color=True))
        pages.append([line.split()[0] for line in out.getvalue().splitlines() if line.startswith("kind=")])
    assert pages == [[], ["kind=ai", "kind=crud"] * 3]
    part = summary(both)["by"]["kind"]["crud"]
    assert part["concurrent"] == pytest.approx(summary(report)["concurrent"])
    assert part["concurrent"] > 0
    assert {"service_s", "ttft_s", "tpot_s", "failed_latency_s"} <= set(part)


def test_the_money_of_a_warm_up_stands_apart():
    """What is shown by query type and of the measured run adds up; the warm-up's is named, and so is the sum."""
    run = read(EXAMPLE)
    first, *rest = run.recording.intervals
    cells = {key: cell for interval in rest[:10] for key, cell in interval.cells.items()}
    warmed = recording([replace(first, warm_planned=5, warm_sent=5, warm=cells), *rest])
    manifest = {
        **run.manifest,
        "scenario": {**run.manifest["scenario"], "load": {**run.manifest["scenario"]["load"], "warmup_s": 1.0}},
    }
    report = summarise(manifest, warmed, price_table({}))
    cost, parts = report.total.cost, report.by["query"]
    assert cost.warmup > Decimal("0.001")
    assert sum(part.cost.measured for part in parts.values()) == cost.measured == cost.run - cost.warmup
    out = io.StringIO()
    print_summary(report, Console(file=out, width=200, no_color=True))
    text = out.getvalue()
    assert f"this run ${cost.measured:,.4f}" in text
    assert f"warm-up ${cost.warmup:,.4f}  in all ${cost.run:,.4f}" in text
    for part in parts.values():
        assert f"${part.cost.measured:,.4f}" in text
    assert "warm-up" not in _printed(run, 200)


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, ("1 request in", "kept 1 exchange to")), (1_200, ("1,200 requests in", "kept 1,200 exchanges to"))],
)
def test_one_is_no_several(example, count, said):
    """Counts of one are written as such."""
    manifest = {**example.manifest, "plan": example.manifest["plan"] | {"requests": count}}
    out = io.StringIO()
    found = replace(example, manifest=manifest, kept={"ok": count}, directory="a run")
    print_summary(found, Console(file=out, width=150, no_color=True))
    text = out.getvalue()
    assert all(words in text for words in said)
    assert "fmload report 'a run' --exchanges" in text


def test_what_the_user_cut_short_did_not_fail(example):
    """The column has neither what was cancelled in flight nor what the end of the run left unanswered."""
    cut = replace(example.total.funnel, sent=100, ok=80, throttled=5, cancelled_in_flight=9, unanswered=2)
    assert cut.failed == 4
    part = replace(example.total, funnel=cut)
    out = io.StringIO()
    print_summary(replace(example, by={"query": {"easy": part}}), Console(file=out, width=250, no_color=True))
    (row,) = [line.split() for line in out.getvalue().splitlines() if line.split()[:2] == ["easy", "100"]]
    assert row[3:6] == ["80", "5", "4"]
