"""Advice: what to change, what that should bring, and the command that would prove it wrong."""

import shlex
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def key(outcome=Outcome.OK, query="lookup", model=HAIKU):
    return CellKey(query, "ai", model, "" if outcome in (Outcome.THROTTLED, Outcome.TIMEOUT) else model, outcome)


def report_of(cells, failures=None, calls=None, **scenario):
    sent = sum(cell.sent for cell in cells.values())
    manifest = {
        "id": "night",
        "status": "complete",
        "elapsed_s": 100.0,
        "plan": {"requests": sent, "duration_s": 100.0},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1000},
            "mix": [{"name": "lookup", "share": 1.0}],
            "max_tokens": 1024,
            "load": {"timeout_s": 30.0},
            **scenario,
        },
    }
    run = recording([Interval(0, planned=sent, sent=sent, cells=cells, failures=failures)])
    return summarise(manifest, run, price_table({}), calls)


def found(report):
    return {advice.code: advice for advice in report.advice}


OK = Cell(count=900, sent=900, in_slo=900, input=90_000, output=90_000)


def _throttled_report(calls_under, bucket, limit, *, max_tokens, duration_s=60, **scenario):
    """A report on synthetic calls: their quota is what the advice reads."""
    calls = calls_under(bucket(limit), rate=20, duration_s=duration_s, max_tokens=max_tokens)
    cells = {key(): OK, key(Outcome.THROTTLED): Cell(count=100, sent=100)}
    return report_of(cells, calls=SimpleNamespace(by_model=lambda _max_tokens: {HAIKU: calls}), **scenario)


def test_a_reservation_that_answers_leave_unused_is_lowered(calls_under, bucket):
    """Throttled though what is used would fit: --max-tokens as long as 99 % of the answers, and the command to see."""
    advice = found(_throttled_report(calls_under, bucket, 160_000, max_tokens=20_000))["throttled"]
    assert "lower --max-tokens to" in advice.change
    assert advice.evidence["used_mean"] < 200
    assert advice.evidence["reserved_mean"] > 20_000
    limit = int(advice.check.rpartition("--max-tokens ")[2])
    assert 128 <= limit <= 256


def test_plain_demand_needs_more_quota(calls_under, bucket):
    """Throttled because of what is used: a smaller reservation is not proposed, but the quota that would do."""
    advice = found(_throttled_report(calls_under, bucket, 30_000, max_tokens=500))["throttled"]
    assert "ask for " in advice.change
    assert advice.check == f"fmload run (as before) --tokens-per-minute {advice.change.split()[2].replace(',', '')}"
    asked = int(advice.change.split()[2].replace(",", ""))
    # 1,200 calls in the busiest minute, of some 120 tokens.
    assert 120_000 < asked < 200_000


def test_a_short_run_s_need_is_scaled(calls_under, bucket):
    """Less than a minute's calls say from how many seconds they are scaled; a whole minute's say nothing of it."""
    short = found(_throttled_report(calls_under, bucket, 9_000, max_tokens=500, duration_s=20))
    assert "scaled to a minute from 20 s" in short["throttled"].effect
    whole = found(_throttled_report(calls_under, bucket, 30_000, max_tokens=500, duration_s=90))
    assert "scaled" not in whole["throttled"].effect


def test_only_the_bundled_target_s_quota_can_be_set(calls_under, bucket):
    """Of another target the quota is asked for, and no flag of the bundled one is named."""
    advice = found(
        _throttled_report(calls_under, bucket, 30_000, max_tokens=500, target={"url": "https://shop.example/chat"})
    )["throttled"]
    assert "--quota-request" in advice.change
    assert "--tokens-per-minute" not in advice.check
    assert "--tokens-per-minute" not in advice.check


@pytest.mark.parametrize(
    ("outcome", "detail", "code", "check"),
    [
        (Outcome.TIMEOUT, "no answer", "timeouts", "--timeout 60s"),
        (Outcome.TRUNCATED, "", "truncated", "--max-tokens 2048"),
        (Outcome.SERVER_ERROR, "pool exhausted", "errors", "--model-connections"),
        (Outcome.SERVER_ERROR, "boom", "errors", "fmload run (as before)"),
    ],
)
def test_each_failure_has_a_command(outcome, detail, code, check):
    """What failed names the flag that would tell whether the change helps, with a figure."""
    report = report_of({key(): OK, key(outcome): Cell(count=100, sent=100)}, failures={(outcome, detail): 100})
    advice = found(report)[code]
    assert check in advice.check
    assert advice.at_stake == pytest.approx(0.1)


def test_turns_that_wait_for_answers():
    """Users who are ready before the answer is there."""
    advice = found(report_of({key(): replace(OK, held=90)}))["held"]
    assert advice.at_stake == pytest.approx(0.1)


def test_the_finding_with_most_at_stake_comes_first():
    """In order of their part of requests or bill; nothing is advised twice."""
    cells = {
        key(): replace(OK, held=20),
        key(Outcome.THROTTLED): Cell(count=300, sent=300),
        key(Outcome.TIMEOUT): Cell(count=50, sent=50),
    }
    advice = report_of(cells).advice
    assert [one.code for one in advice][:2] == ["throttled", "timeouts"]
    assert len({one.code for one in advice}) == len(advice)


def test_a_check_is_a_command_that_can_be_pasted():
    """The run's own words, quoted for a shell, with the change in the place of what they said."""
    report = report_of({key(): OK, key(Outcome.TIMEOUT): Cell(count=100, sent=100)})
    words = ["http://h/chat?a=1&b=2", "--timeout", "30s", "--name", "two words"]
    check = found(_timed_out(report.manifest, words))["timeouts"].check
    assert shlex.split(check) == ["fmload", "run", words[0], "--name", "two words", "--timeout", "60s"]


@pytest.mark.parametrize(
    "told",
    [
        ["--timeout=30s"],
        ["--timeout", "10s", "--timeout", "30s"],
        ["--otel", "--otel-endpoint", "***", "--otel-sample=5%", "--otel-content"],
        ["--prometheus", ":9464", "--prometheus-remote-write", "***"],
        ["--report", "csv", "--report=junit", "--summary", "json", "-q", "--no-color"],
    ],
)
def test_a_check_says_nothing_twice_and_nothing_that_only_tells(told):
    """The changed option stands once; watchers, exports and summaries, some of them hidden addresses, are left out."""
    manifest = report_of({key(): OK, key(Outcome.TIMEOUT): Cell(count=100, sent=100)}).manifest
    check = found(_timed_out(manifest, ["--rate", "5/s", *told, "--seed", "7"]))["timeouts"].check
    assert check == "fmload run --rate 5/s --seed 7 --timeout 60s"


def test_a_check_that_changes_nothing_says_what_to_change_first():
    """The same command alone would find the same again: somebody has to mend the target before."""
    cells = {key(Outcome.SERVER_ERROR): Cell(count=100, sent=100)}
    advice = found(report_of(cells, failures={(Outcome.SERVER_ERROR, "boom"): 100}))
    for code in ("errors", "sla"):
        assert advice[code].check == "fmload run (as before)"
        assert advice[code].change.endswith("then run it again")


def test_commands_name_the_directory_that_was_read(calls_under, bucket):
    """A run may have been moved since it was made, or renamed to what a shell would take apart."""
    calls = calls_under(bucket(30_000), rate=20, duration_s=60, max_tokens=500)
    cells = {key(): OK, key(Outcome.THROTTLED): Cell(count=100, sent=100)}
    log = SimpleNamespace(by_model=lambda _max_tokens: {HAIKU: calls})
    made = report_of(cells, calls=log, target={"url": "https://shop.example/chat"}, output={"directory": "out"})
    assert "(fmload cost out/night --quota-request)" in found(made)["throttled"].change
    run = recording([Interval(0, planned=1000, sent=1000, cells=cells)])
    moved = summarise(made.manifest, run, price_table({}), log, directory="old runs/night")
    assert "(fmload cost 'old runs/night' --quota-request)" in found(moved)["throttled"].change


def _timed_out(manifest, words):
    cells = {key(): OK, key(Outcome.TIMEOUT): Cell(100, 100)}
    run = recording([Interval(0, planned=1000, sent=1000, cells=cells)])
    return summarise({**manifest, "command": words}, run, price_table({}))


def test_a_faster_model_is_one_of_the_run_s():
    """Late answers: the run again with the model alone that answered soonest."""
    slow = {key(query="tale", model=SONNET): replace(OK, in_slo=100), key(): OK}
    manifest = report_of(slow).manifest
    took_s = {SONNET: 5.0, HAIKU: 1.0}
    counts = {
        Series("latency", query, "ai", model, True): count_ns(np.full(900, round(took_s[model] * 1e9)))
        for query, model in (("tale", SONNET), ("lookup", HAIKU))
    }
    run = recording([Interval(0, planned=1800, sent=1800, cells=slow, counts=counts)])
    check = found(summarise(manifest, run, price_table({})))["sla"].check
    assert check == f"fmload run (as before) --model {HAIKU}"
