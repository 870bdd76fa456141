"""A run held against its limits: what passes, what fails, and what can't be told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording, count_ns, recording
from loadtester.rundir import read
from loadtester.scenario.threshold_text import parse

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture(scope="module")
def example():
    return read(EXAMPLE)


def manifest(length_s, **changes):
    return {
        "status": "complete",
        "elapsed_s": float(length_s),
        "workers": 1,
        "plan": {"requests": None, "duration_s": float(length_s)},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1000},
            "mix": [{"name": "greeting", "share": 1.0}],
        },
        **changes,
    }


def second(number, latencies_s, *, failed=0, dropped=0):
    """One second of ok answers with these latencies, and of failures."""
    ok = len(latencies_s)
    cells = {
        CellKey("greeting", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=ok, sent=ok, in_slo=ok),
        CellKey("greeting", "ai", HAIKU, "", Outcome.SERVER_ERROR): Cell(count=failed, sent=failed),
        CellKey("greeting", "ai", HAIKU, "", Outcome.DROPPED): Cell(count=dropped),
    }
    counts = {}
    if ok:
        ns = np.array([round(value * 1e9) for value in latencies_s], dtype=np.int64)
        counts[Series("latency", "greeting", "ai", HAIKU, True)] = count_ns(ns)
    return Interval(
        number,
        planned=ok + failed + dropped,
        sent=ok + failed,
        cells={key: cell for key, cell in cells.items() if cell.count},
        counts=counts,
    )


def judged(run, *texts, is_strict=False, **changes):
    """The results of thresholds, and the report."""
    limits = [parse(text)[0] for text in texts]
    assert all(limits)
    report = summarise(
        manifest(len(run.intervals), **changes), run, price_table({}), thresholds=limits, is_strict=is_strict
    )
    return report.thresholds, report


def steady(length_s=40, latency_s=1.0, slow=(), slow_s=5.0, count=30):
    """A run of even seconds, some of them slow."""
    return recording(second(number, [slow_s if number in slow else latency_s] * count) for number in range(length_s))


def test_every_value_is_the_reports(example):
    """The value of a threshold on a whole run or a part of it is the figure that the report prints."""
    limits = {
        "latency:p(95)<1s": lambda part: part.latency.p95,
        "ttft{query=greeting}:p(50)<1s": lambda part: part.ttft.p50,
        "goodput>=1/s": lambda part: part.rates.goodput_per_s,
        "goodput{query=greeting}>=1/s": lambda part: part.rates.goodput_per_s,
        "offered>=1/s": lambda part: part.rates.offered_per_s,
        "sla{query=greeting}>=1%": lambda part: part.rates.sla,
        "cost.run{query=greeting}<1": lambda part: float(part.cost.run),
        "cost.monthly<1": lambda part: float(part.cost.monthly),
        "requests<1": lambda part: part.funnel.sent,
        "throttled{query=greeting}<1": lambda part: part.funnel.throttled,
    }
    report = summarise(
        example.manifest, example.recording, price_table({}), thresholds=[parse(text)[0] for text in limits]
    )
    for result, (text, figure) in zip(report.thresholds, limits.items(), strict=True):
        part = report.by["query"]["greeting"] if "greeting" in text else report.total
        assert result.expression == text
        assert result.value == pytest.approx(figure(part)), text


def test_a_failed_threshold_is_code_99():
    """One that fails is enough, and a run without thresholds has none."""
    (good, bad), report = judged(steady(), "latency:p(95)<2s", "latency:p(95)<0.5s")
    assert (good.verdict, bad.verdict) == ("pass", "fail")
    assert (good.margin, bad.margin) == (pytest.approx(0.5, abs=0.01), pytest.approx(-1.0, abs=0.01))
    assert Exit.THRESHOLD in report.exit_codes
    assert judged(steady(), "latency:p(95)<2s")[1].exit_codes == (0,)
    assert judged(steady())[1].exit_codes == (0,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latency:p(99.9)<9s", "1,200 samples; 2,995 are needed"),
        ("ttft:p(95)<9s", "0 samples; 59 are needed"),
        ("latency:p(95)[3m]<9s", "no 180 s"),
        ("error_rate[2s]<1%", "no 2 s hold 100 requests"),
        ("error_rate{query=nothing}<1%", "no such request"),
        ("tokens.input{query=nothing}<1", "no such request"),
        ("goodput{query=nothing}>1/s", "no such request"),
        ("cost.monthly<1", "no good answer"),
    ],
)
def test_no_data_fails(text, words):
    """What can't be told did not pass, and the reason says why."""
    (result,), report = judged(steady(), text)
    assert (result.verdict, result.value) == ("no_data", None)
    assert words in result.reason.replace("there are ", "")
    assert Exit.THRESHOLD in report.exit_codes


def test_that_nothing_ended_so_is_data():
    """No request was throttled: that is a count of 0, not a lack of data."""
    (by_tag, by_name, share), _ = judged(steady(), "requests{outcome=throttled}<1", "throttled<1", "timeout_rate<1%")
    assert [(one.verdict, one.value) for one in (by_tag, by_name, share)] == [("pass", 0.0)] * 3


def test_every_window_has_to_hold():
    """A slow stretch that the whole run's percentile hides breaks a window, and the line says when."""
    run = steady(120, slow=range(50, 53))
    (whole, window), _ = judged(run, "latency:p(95)<2s", "latency:p(95)[5s]<2s")
    assert whole.value == pytest.approx(1.0, rel=0.01)
    assert whole.verdict in ("pass", "too_close")
    assert window.verdict == "fail"
    assert window.value == pytest.approx(5.0, rel=0.01)
    assert 45 < window.at_s < 53


def test_the_worst_window_is_reported():
    """Of windows that all hold, the nearest to the limit; for a lower limit the smallest."""
    run = recording(second(number, [1.0 + number / 100] * (100 - number)) for number in range(60))
    (slowest, least), _ = judged(run, "latency:avg[10s]<5s", "throughput[10s]>=1/s")
    assert (slowest.verdict, least.verdict) == ("pass", "pass")
    assert slowest.at_s == least.at_s == 50.0
    assert least.value == pytest.approx(45.5)


def test_windows_with_too_few_samples_do_not_count():
    """A quiet second's one failure is no 100 %."""
    quiet = [second(number, [], failed=1) for number in range(30, 33)]
    busy = [second(number, [1.0] * 300) for number in range(30)]
    (result,), _ = judged(recording([*busy, *quiet]), "error_rate[2s]<1%")
    assert result.verdict == "pass"
    assert result.value == pytest.approx(1 / 301)


def test_flows_are_looked_at_while_requests_are_sent():
    """The drain after the last request is no lack of throughput."""
    drain = [Interval(number) for number in range(40, 60)]
    run = recording([*steady().intervals, *drain])
    limits = [parse("throughput[5s]>=30/s")[0]]
    report = summarise(
        manifest(60, plan={"requests": None, "duration_s": 40.0}), run, price_table({}), thresholds=limits
    )
    assert report.thresholds[0].verdict == "pass"


@pytest.mark.parametrize("warmup_s", [10.0, 9.5])
def test_a_warm_up_is_in_no_window(warmup_s):
    """Neither whole seconds of it, nor the one that it ends in."""
    warm = [Interval(number, planned=30, sent=30, warm_planned=30, warm_sent=30) for number in range(9)]
    ending = second(9, [1.0] * (0 if warmup_s == 10.0 else 15))
    ending = replace(ending, planned=30, sent=30, warm_planned=30 - ending.planned, warm_sent=30 - ending.sent)
    run = recording([*warm, ending, *(second(number, [1.0] * 30) for number in range(10, 40))])
    limits = [parse(text)[0] for text in ("goodput[5s]>=30/s", "delivered[5s]>=30/s", "planned[5s]<=150")]
    known = manifest(40)
    known["scenario"]["load"] = {"warmup_s": warmup_s}
    report = summarise(known, run, price_table({}), thresholds=limits)
    assert [one.verdict for one in report.thresholds] == ["pass"] * 3
    assert report.thresholds[0].value == 30


def wandering(length_s=60):
    """A run whose latencies scatter about one second from second to second."""
    draw = np.random.default_rng(1)
    return recording(
        second(number, draw.lognormal(0.0, 0.3, 30) * draw.lognormal(0.0, 0.2)) for number in range(length_s)
    )


def test_a_limit_within_the_interval_is_too_close_to_call():
    """By its value it passes; strictly it fails; well within, and beyond, there is nothing to doubt."""
    run = wandering(120)
    p95 = judged(run)[1].total.latency.p95
    close, far, beyond = (f"latency:p(95)<{p95 * factor:.4f}s" for factor in (1.001, 2.0, 0.999))
    results, report = judged(run, close, far, beyond)
    assert [one.verdict for one in results] == ["too_close", "pass", "fail"]
    assert results[0].ci95[0] < p95 < results[0].ci95[1]
    assert Exit.THRESHOLD in report.exit_codes
    assert judged(run, close)[1].exit_codes == (0,)
    (strict,), report = judged(run, close, is_strict=True)
    assert strict.verdict == "fail"
    assert "strict" in strict.reason
    assert report.exit_codes == (99,)


def test_a_run_too_short_for_an_interval_tells_none():
    """What even its too narrow interval crosses is too close to call all the same."""
    run = wandering(60)
    close = f"latency:p(95)<{judged(run)[1].total.latency.p95 * 1.001:.4f}s"
    (result,), _ = judged(run, close)
    assert (result.verdict, result.ci95) == ("too_close", None)
    assert "too short" in result.reason


def test_the_run_may_be_strict_itself():
    """The manifest keeps what the run was started with."""
    run = wandering()
    close = f"latency:p(95)<{judged(run)[1].total.latency.p95 * 1.001:.4f}s"
    scenario = manifest(60)["scenario"]
    scenario["judge"] |= {"is_strict": True, "thresholds": [{"expression": close}]}
    report = summarise(manifest(60, scenario=scenario), run, price_table({}))
    assert [(one.expression, one.verdict) for one in report.thresholds] == [(close, "fail")]


def test_other_percentiles_have_intervals_too():
    """What the report doesn't print is resampled."""
    run = wandering(120)
    for text in ("latency:p(75)<9s", "latency{query=greeting,kind=ai}:p(95)<9s", "latency:avg<9s"):
        (result,), _ = judged(run, text)
        assert result.ci95[0] < result.value < result.ci95[1], text


def test_a_low_percentile_takes_as_long_a_run_as_a_high_one():
    """Of two minutes a p5 has an interval, a p2 none."""
    (p5, p2), _ = judged(wandering(120), "latency:p(5)<9s", "latency:p(2)<9s")
    assert p5.ci95 is not None
    assert p2.ci95 is None


def test_an_invalid_run_passes_nothing():
    """Whatever its figures are; the codes hold both, 111 weighs more."""
    run = recording(second(number, [1.0] * 20, dropped=10) for number in range(40))
    (result, verdict), report = judged(run, "latency:p(95)<9s", "validity!=invalid")
    assert report.validity.verdict == "invalid"
    assert [(one.verdict, one.reason) for one in (result, verdict)] == [("fail", "the run is invalid")] * 2
    assert {Exit.INVALID_RUN, Exit.THRESHOLD} <= set(report.exit_codes)


def test_validity_can_be_asked_for():
    """A valid run keeps to validity==valid, one that is not entirely does not."""
    limit = "validity==valid"
    assert judged(steady(), limit)[0][0].verdict == "pass"
    few = recording(second(number, [1.0]) for number in range(5))
    (result,), report = judged(few, limit)
    assert report.validity.verdict == "suspect"
    assert (result.verdict, result.value, result.limit) == ("fail", 1.0, 2.0)


def test_other_limits_forget_that_the_runs_own_stopped_it():
    """A run that one of its thresholds stopped has code 99 by itself, but not by others that it keeps."""
    run, stopped = steady(), {"status": "stopped", "exit_codes": [99]}
    assert judged(run, "latency:p(95)<9s", **stopped)[1].exit_codes == (0,)
    assert summarise(manifest(40, **stopped), run, price_table({})).exit_codes == (99,)


def test_an_empty_run_is_judged():
    """No second at all: no data, and no fault."""
    (result,), _ = judged(Recording(), "latency:p(95)<9s")
    assert result.verdict == "no_data"
