"""The summary's lines on quotas, and on what was predicted."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.analysis.quotas.calls import call_log
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, recording
from loadtester.reporters import print_summary, summary_text

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
HEAD = (
    "model,answered_by,query,outcome,due_ns,sent_ns,done_ns,kind,input_tokens,output_tokens,cache_read_tokens,"
    "cache_write_tokens,detail"
)
PREDICTION = {
    "throttle_rate": {"mean": 0.25, "low": 0.2, "high": 0.3},
    "cost_usd": {"mean": 0.5, "low": 0.4, "high": 0.6},
    "sla": None,
    "rows": 10,
    "runs": 2,
}


def _lines(n_refused):
    """Forty calls of 600 tokens at 1/s, nothing given back by then; those after the refused ones' start are refused."""
    for second in range(40):
        is_refused = second >= 40 - n_refused
        ns = second * 10**9
        by, outcome, tokens = ("", "throttled", ",,,") if is_refused else (HAIKU, "ok", "100,500,0,0")
        yield f"{HAIKU},{by},greeting,{outcome},{ns},{ns},{ns + 10**8},ai,{tokens},"


def _report(n_refused=20, prediction=PREDICTION, **scenario):
    cells = {
        CellKey("greeting", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=40 - n_refused, sent=40 - n_refused, input=1),
        CellKey("greeting", "ai", HAIKU, "", Outcome.THROTTLED): Cell(count=n_refused, sent=n_refused),
    }
    manifest = {
        "id": "night",
        "name": "night",
        "pattern": "sustained",
        "protocol": "rest",
        "target": "x",
        "seed": 1,
        "status": "complete",
        "elapsed_s": 40.0,
        "plan": {"requests": 40, "duration_s": 40.0, "prediction": prediction},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1000},
            "mix": [{"name": "greeting", "share": 1.0}],
            "max_tokens": 500,
            "target": {"url": "https://x.example"},
            "quota": {"tokens_per_minute": 12_345},
            **scenario,
        },
    }
    run = recording([Interval(0, planned=40, sent=40, cells=cells)])
    return summarise(manifest, run, price_table({}), call_log([HEAD, *_lines(n_refused)]))


def _printed(report, width=200):
    out = io.StringIO()
    print_summary(report, Console(file=out, width=width, no_color=True))
    return out.getvalue()


def test_a_throttled_run_says_when_and_at_what():
    """The verdict, the model's counts, when throttling began, and the limit inferred beside the stated one."""
    text = _printed(_report())
    assert "quota      you hit the quota from 20.0 s on" in text
    assert "claude-3-haiku: 20 of 40 calls admitted; first refused at 20.0 s" in text
    assert "reserved 12,000 tokens and used 12,000" in text
    assert "inferred limit" in text
    assert "stated 12,345" in text


def test_later_attempts_say_why_there_is_no_limit():
    """Where calls got in on a later attempt, their number stands in the place of the inferred limit."""
    report = _report()
    (model, one), *_ = report.quota.by_model.items()
    late = replace(report.quota, by_model={model: replace(one, retried=7, inferred=None)})
    text = _printed(replace(report, quota=late))
    assert "7 calls got in on a later attempt, at times unknown: no limit is inferred" in text
    assert "inferred limit" not in text


def test_nothing_is_said_of_a_quota_that_was_not_met():
    """A run without a refusal has no such lines; what was predicted is there all the same."""
    text = _printed(_report(n_refused=0))
    assert "quota  " not in text
    assert "predicted  throttled 25.0% (0.0%), cost $0.5000" in text


@pytest.mark.parametrize("status", ["stopped", "interrupted", "aborted", "degraded", "running"])
def test_a_stopped_run_is_not_held_against_its_prediction(status):
    """It did not do what was predicted."""
    report = _report(n_refused=0)
    stopped = replace(report, manifest={**report.manifest, "status": status})
    assert "predicted" not in _printed(stopped)


def test_predicted_stands_beside_measured():
    """Each figure with its measurement, unknown where it is; nothing without a prediction."""
    text = _printed(_report())
    assert "predicted  throttled 25.0% (50.0%), cost $0.5000 (0.0000), SLA unknown (0.0%)" in text
    assert "predicted" not in _printed(_report(prediction=None))


@pytest.mark.parametrize("n_refused", [0, 20])
def test_summary_json_has_all_of_it(n_refused):
    """By model the counts, the course, the limit; and the prediction with its range and its measurement."""
    told = json.loads(summary_text(_report(n_refused)))
    quota = told["quota"]
    one = quota["by_model"][HAIKU]
    assert quota["met"] == ("quota" if n_refused else "neither")
    assert (one["throttled"], one["admitted"]) == (n_refused, 40 - n_refused)
    assert sum(one["course"]["throttled"]) == n_refused
    assert (one["inferred"] is None) == (n_refused == 0)
    assert told["predicted"]["throttle_rate"] == {"mean": 0.25, "low": 0.2, "high": 0.3, "measured": n_refused / 40}


def test_a_run_without_its_rows_has_a_report():
    """Where there are none, or none of a call, quotas are unknown and the rest stands."""
    report = _report()
    for calls in (None, call_log([HEAD])):
        bare = summarise(report.manifest, recording([]), price_table({}), calls)
        assert bare.quota is None
        assert json.loads(summary_text(bare))["quota"] is None
