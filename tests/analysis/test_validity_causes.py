"""Each cause for doubt in docs/measurement.md, from what was recorded to the sentence printed and the exit code."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording
from loadtester.reporters import exit_code, print_summary
from loadtester.rundir import read

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
SECONDS = 100
A_SECOND = 10
PLANNED = SECONDS * A_SECOND


def _key(outcome, answered_by=""):
    return CellKey("faq", "ai", "m", answered_by, outcome)


def _report(
    *, ok=PLANNED, estimated=0, planned=0, latency_s=1.0, lag_s=0.0005, in_flight=10, cpu_s=0.1, stall_s=0.001,
    ends=None, failures=None, unanswered=0, warmup_s=0.0, slow_s=0, **manifest,
):  # fmt: skip
    """A run of 100 seconds with 10 requests a second, sound but for what is given.

    `planned` are that many more than were sent, `ends` counts other outcomes, `cpu_s` and `stall_s` are every second's.
    In the first `slow_s` seconds answers took twice as long; then they are counted second by second.
    """
    ends = ends or {}
    cells = {_key(Outcome.OK, "m"): Cell(count=ok, sent=ok, in_slo=ok, estimated=estimated)} if ok else {}
    cells |= {_key(end): Cell(count=n, sent=0 if end is Outcome.DROPPED else n) for end, n in ends.items()}
    sent = sum(cell.sent for cell in cells.values())
    measured = {"latency": latency_s, "lag": lag_s} if ok else {}
    counts = {
        Series(name, "faq", "ai", "m", True): count_ns(np.full(ok, round(value * 1e9), dtype=np.int64))
        for name, value in measured.items()
    }
    seconds = [
        Interval(second, sent=sent // SECONDS, in_flight=in_flight, cpu_s=cpu_s, stall_s=stall_s)
        for second in range(SECONDS)
    ]
    if slow_s:
        seconds = [replace(one, counts=_counted(latency_s * (2 if one.second < slow_s else 1))) for one in seconds]
        counts = {key: part for key, part in counts.items() if key.metric != "latency"}
    last = Interval(
        SECONDS, planned=planned + unanswered + sum(cell.count for cell in cells.values()),
        sent=sent % SECONDS + unanswered, cells=cells, counts=counts, failures=failures,
    )  # fmt: skip
    facts = {
        "status": "complete", "exit_codes": [], "error": None, "elapsed_s": float(SECONDS), "stopped_s": None,
        "workers": 1, "host": {"cores": 4}, "lost_workers": [], "target_ended": None,
        "plan": {"requests": PLANNED, "duration_s": float(SECONDS)},
    }  # fmt: skip
    own = read(EXAMPLE).manifest
    scenario = own["scenario"] | {"load": own["scenario"]["load"] | {"warmup_s": warmup_s}}
    return summarise(own | facts | {"scenario": scenario} | manifest, recording([*seconds, last]), price_table({}))


def _counted(latency_s):
    values_ns = np.full(A_SECOND, round(latency_s * 1e9), dtype=np.int64)
    return {Series("latency", "faq", "ai", "m", is_ok=True): count_ns(values_ns)}


def _printed(report):
    out = io.StringIO()
    print_summary(report, Console(file=out, width=1000, no_color=True), is_compact=True)
    return out.getvalue()


CAUSES = {
    "1.5 % dropped": (
        {"ok": 985, "ends": {Outcome.DROPPED: 15}}, "dropped", "suspect",
        ("target, not generator: 15 of 1,000 planned requests (1.5%) were dropped because --max-in-flight requests "
        "were still waiting for their answers; raise it, or lower the rate"),
    ),
    "6 % dropped": (
        {"ok": 940, "ends": {Outcome.DROPPED: 60}, "in_flight": 9}, "dropped", "invalid",
        ("target, not generator: 60 of 1,000 planned requests (6.0%) were dropped because --max-in-flight requests "
        "were still waiting for their answers; raise it, or lower the rate"),
    ),
    "1.5 % never sent": (
        {"ok": 985, "planned": 15}, "undelivered", "suspect",
        "15 of 1,000 planned requests (1.5%) were never sent because the run was cut short",
    ),
    "6 % never sent": (
        {"ok": 940, "planned": 60}, "undelivered", "invalid",
        "60 of 1,000 planned requests (6.0%) were never sent because the run was cut short",
    ),
    "a worker lost, its share done": (
        {"lost_workers": [1], "workers": 2}, "lost_workers", "suspect",
        ("generator, not target: 1 of 2 workers ended before their share was done, and nobody took it over; look for "
        "what killed them (memory?) and run again"),
    ),
    "the bundled target ended": (
        {"target_ended": "the app ended with code 1"}, "target_ended", "invalid",
        "the app ended with code 1; what follows is of a target that was not there",
    ),
    "no descriptors left": (
        {
            "ok": 940, "ends": {Outcome.REFUSED: 60}, "in_flight": 9,
            "failures": {(Outcome.REFUSED, "Too many open files"): 60, (Outcome.REFUSED, "Connection refused"): 9},
        }, "own_limits", "invalid",
        ("generator, not target: 60 of 1,000 planned requests (6.0%) got no connection of this machine (Too many open "
        "files); `fmload doctor` says which limit to raise"),
    ),
    "killed with answers on their way": (
        {"ok": 980, "unanswered": 20, "in_flight": 9}, "unanswered", "suspect",
        ("2% of what was sent was still in flight when the run ended: the slow answers are missing from its latencies, "
        "its SLA and its bill"),
    ),
    "lag": (
        {"lag_s": 0.212, "cpu_s": 0.89}, "lag", "invalid",
        ("generator, not target: lag p99 212 ms (limit 50 ms), event loop away for 1 ms at most, CPU up to 89% of one "
        "core; leave this machine to fmload, or use a faster one"),
    ),
    "stalls": (
        {"stall_s": 0.06}, "stall", "suspect",
        ("generator, not target: for 5.9% of the run its event loop could not run, so answers were stamped late; event "
        "loop away for 60 ms at most, CPU up to 10% of one core; leave this machine to fmload, or use a faster one"),
    ),
    "CPU": (
        {"cpu_s": 0.97}, "cpu", "suspect",
        ("generator, not target: 100% of the requests left in seconds when it used over 90% of one core a worker, at "
        "most 97%; use --workers 2"),
    ),
    "Little's law": (
        {"in_flight": 20}, "little", "suspect",
        ("the run's own counts disagree: 20.0 requests in flight on average, but throughput x mean latency makes 10.0 "
        "(Little's law, off by 100%)"),
    ),
    "clipping": (
        {"latency_s": 3_700.0, "in_flight": 36_000}, "clipped", "suspect",
        "1,000 values were longer than the hour a histogram holds, and count as one hour",
    ),
    "missing usage": (
        {"estimated": 1}, "usage_missing", "suspect",
        "the target reported no usage for 1 answers: their tokens and cost are estimates",
    ),
    "too few samples": (
        {"ok": 58, "in_flight": 0}, "few_samples", "suspect",
        "too few ok answers (58) for a p95, which needs 59; run longer",
    ),
    "no ok answer": (
        {"ok": 0, "ends": {Outcome.BROKEN: 1_000}, "in_flight": 0}, "no_ok_answer", "suspect",
        "not one of 1,000 requests got an ok answer: there is no latency to report",
    ),
    "a warm-up of most of the run": (
        {"warmup_s": 60.0, "in_flight": 25}, "warmup_long", "suspect",
        ("the warm-up (60 s) is more than half of the run (100 s): what was measured is the smaller part of it; run "
        "longer"),
    ),
    "a target still warming up": (
        {"slow_s": 18, "in_flight": 11.8, "pattern": "sustained"}, "warmup_short", "suspect",
        ("the first 18 s that were measured are unlike the rest (latency, MSER-5): is the target still warming up? "
        "--warmup 18s leaves them out"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trouble", "code", "verdict", "sentence"), CAUSES.values(), ids=CAUSES)
def test_each_cause_is_printed_and_ends_the_process_as_it_should(trouble, code, verdict, sentence):
    """A cause is the first thing that the report says, in its own sentence; invalid is exit code 111, suspect is 0."""
    report = _report(**trouble)
    assert [(reason.code, reason.verdict) for reason in report.validity.reasons] == [(code, verdict)]
    assert _printed(report).splitlines()[:2] == [f"{verdict.upper()}: {sentence}", ""]
    assert exit_code(report) == (Exit.INVALID_RUN if verdict == "invalid" else Exit.OK)


def test_without_a_cause_the_first_line_is_all_there_is_to_say():
    """The run that the causes are made of is valid, says nothing more of itself, and ends with 0."""
    report = _report()
    assert _printed(report).splitlines()[:2] == ["VALID", ""]
    assert exit_code(report) == Exit.OK


def test_every_code_that_is_documented_is_provoked():
    """What the table in docs/measurement.md lists is what is tested here, no more and no less."""
    page = (Path(__file__).parents[2] / "docs" / "measurement.md").read_text("utf-8")
    table = page.partition("| looked at |")[2].partition("\n\n")[0].splitlines()[2:]
    assert {line.split("|")[2].strip(" `") for line in table} == {code for _, code, _, _ in CAUSES.values()}


def test_a_worse_code_comes_before_an_invalid_run():
    """An invalid run that lost a worker ends with 114, and keeps 111 among the codes that hold."""
    report = _report(ok=500, planned=500, lost_workers=[1], workers=2, exit_codes=[Exit.DEGRADED], in_flight=5)
    assert report.exit_codes == (Exit.INVALID_RUN, Exit.DEGRADED)
    assert exit_code(report) == Exit.DEGRADED
