"""Where the time went, in figures, of runs whose truth is known by construction."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording
from loadtester.reporters import print_summary, summary_text

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
MANIFEST = {
    "id": "x",
    "name": "x",
    "seed": 1,
    "pattern": "sustained",
    "protocol": "sse",
    "target": "http://127.0.0.1",
    "status": "complete",
    "elapsed_s": 100.0,
    "workers": 1,
    "plan": {"requests": 400, "duration_s": 100.0},
    "scenario": {"judge": {"slo_s": 3.0, "daily_messages": 1000}, "mix": [{"name": "a", "share": 1.0}]},
}


def report_of(metrics_s, *, failed=None, answered_by=HAIKU, hits=0):
    """A run of two query types, 200 ok answers each, with these constant times by metric, and those by query type."""
    counts = {
        Series(metric, query, "ai", HAIKU, is_ok): count_ns(np.full(200, round(value_s * 1e9), dtype=np.int64))
        for is_ok, metrics in ((True, metrics_s), (False, failed or {}))
        for query, values in metrics.items()
        for metric, value_s in values.items()
    }
    cells = {
        CellKey(query, "ai", HAIKU, answered_by, Outcome.OK): Cell(count=200, sent=200, in_slo=200, exact_hits=hits)
        for query in ("a", "b")
    }
    run = recording([Interval(0, planned=400, sent=400, cells=cells, counts=counts)])
    return summarise(MANIFEST, run, price_table({}))


APP = {"app": 0.2, "network": 0.1, "stage.session": 0.15, "stage.model": 0.7, "stage.total": 0.9}


def test_shares_are_of_all_the_time_from_sending():
    """App, model and network are all of it; a stage is a share of the same whole."""
    split = report_of({"a": APP, "b": APP}).total.split
    assert split.app.share == pytest.approx(0.2, rel=0.01)
    assert split.network.share == pytest.approx(0.1, rel=0.01)
    assert {name: stage.share for name, stage in split.stages.items()} == pytest.approx(
        {"session": 0.15, "model": 0.7, "total": 0.9}, rel=0.01
    )


def test_percentiles_are_of_the_answers_that_had_the_stage():
    """A stage that one type of question has is as long as it is there, and a smaller share of the whole."""
    with_retrieval = {**APP, "stage.retrieval": 0.05}
    report = report_of({"a": with_retrieval, "b": APP})
    retrieval = report.total.split.stages["retrieval"]
    assert (retrieval.time_s.count, retrieval.share) == (200, pytest.approx(0.025, rel=0.01))
    assert retrieval.time_s.p50 == pytest.approx(0.05, rel=0.01)
    by_query = report.by["query"]
    assert by_query["a"].split.stages["retrieval"].share == pytest.approx(0.05, rel=0.01)
    assert "retrieval" not in by_query["b"].split.stages


def test_without_a_total_the_model_and_the_rest_are_the_whole():
    """Bedrock's own account: no app."""
    bedrock = {"network": 0.25, "stage.model": 0.75}
    split = report_of({"a": bedrock}).total.split
    assert split.app is None
    assert (split.stages["model"].share, split.network.share) == pytest.approx((0.75, 0.25), rel=0.01)


def test_failed_answers_don_t_touch_the_split():
    """It is that of ok answers, as latency is; a target that tells nothing has none."""
    report = report_of({"a": APP}, failed={"a": {metric: 9 * value for metric, value in APP.items()}})
    assert report.total.split.stages["total"].time_s.max == pytest.approx(0.9, rel=0.01)
    assert report_of({"a": {"latency": 1.0}}).total.split is None


def printed(report):
    out = io.StringIO()
    print_summary(report, Console(file=out, width=120, no_color=True))
    return out.getvalue()


def test_the_reports_show_it():
    """The terminal has app against model with the app's stages below it; summary.json has all, and null for nothing."""
    report = report_of({"a": {**APP, "stage.model_ttft": 0.4}, "b": APP})
    lines = printed(report).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("where the time went"))
    table = [line.split("  ") for line in lines[begin + 1 : begin + 6]]
    assert [cells[0] or f"  {cells[1]}" for cells in table] == [
        "app",
        "  session",
        "model",
        "  first token",
        "network and the rest",
    ]
    assert table[2][-1].split()[-1] == "70.0%"
    split = json.loads(summary_text(report))["split"]
    assert split["stages"]["model"]["time_s"]["p50"] == pytest.approx(0.7, rel=0.01)
    assert split["app"]["share"] == pytest.approx(0.2, rel=0.01)
    silent = report_of({"a": {"latency": 1.0}})
    assert "where the time went" not in printed(silent)
    assert json.loads(summary_text(silent))["split"] is None


def test_who_really_answered_is_said():
    """Fallbacks and the cache's hit rate are lines of their own; a run without either has none."""
    sonnet = "anthropic.claude-3-sonnet-20240229-v1:0"
    report = report_of({"a": APP, "b": APP}, answered_by=sonnet, hits=50)
    text = printed(report)
    assert "answered   400 for claude-3-haiku by claude-3-sonnet\n" in text
    assert "answered   25.0% of ok from the target's cache: exact 100, semantic 0\n" in text
    summary = json.loads(summary_text(report))
    assert summary["fallbacks"] == [{"asked": HAIKU, "answered_by": sonnet, "count": 400}]
    assert summary["cache"] == {"exact": 100, "semantic": 0, "rate": 0.25}
    plain = report_of({"a": APP})
    assert "answered  " not in printed(plain)
    assert (json.loads(summary_text(plain))["fallbacks"], json.loads(summary_text(plain))["cache"]) == ([], None)
