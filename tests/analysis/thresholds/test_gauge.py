"""What a threshold looks at is what the report says, so far or over a window."""

from pathlib import Path

import pytest

from loadtester.analysis import summarise
from loadtester.analysis.thresholds.gauge import Gauge, percentile_samples, share_samples, sums
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, measured
from loadtester.rundir import read
from loadtester.scenario.threshold_text import parse

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"


@pytest.fixture(scope="module")
def run():
    return read(EXAMPLE)


@pytest.fixture(scope="module")
def report(run):
    return summarise(run.manifest, run.recording, price_table({}))


def gauge(text, seconds):
    """A gauge that has seen the seconds."""
    one = Gauge(parse(text)[0])
    for second in seconds:
        one.add(second)
    return one


def second(number, ok=0, throttled=0, failed=0):
    """One second in which so many requests ended like this."""
    ended = {Outcome.OK: ok, Outcome.THROTTLED: throttled, Outcome.TIMEOUT: failed}
    cells = {CellKey("q", "ai", "m", "m", one): Cell(count=n, sent=n, in_slo=n) for one, n in ended.items() if n}
    return Interval(number, planned=ok + throttled + failed, sent=ok + throttled + failed, cells=cells)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("latency:p(95)<1s", "latency.p95"),
        ("latency:avg<1s", "latency.mean"),
        ("latency:min<1s", "latency.min"),
        ("latency{outcome=other}:max<1s", "failed_latency.max"),
        ("ttft:med<1s", "ttft.p50"),
        ("itl:p(99.9)<1s", "itl.p999"),
        ("lag:p(99)<1s", "lag.p99"),
        ("connect:count<1", "connect.count"),
        ("error_rate<1%", "rates.error_rate"),
        ("throttle_rate<1%", "rates.throttle_rate"),
        ("throttled_rate<1%", "rates.throttle_rate"),
        ("sla<1%", "rates.sla"),
        ("truncated<1", "funnel.truncated"),
        ("requests<1", "funnel.sent"),
        ("planned<1", "funnel.planned"),
        ("tokens.input<1", "tokens.input"),
        ("tokens.output<1", "tokens.output"),
        ("cost.run<1", "cost.run"),
        ("cost.wasted<1", "cost.wasted"),
        ("cost.per_good_answer<1", "cost.per_good_answer"),
    ],
)
def test_a_whole_run_is_what_the_report_says(text, path, run, report):
    """One definition of each figure: the live one, over all seconds, is the report's."""
    expected = report.total
    for name in path.split("."):
        expected = getattr(expected, name)
    assert gauge(text, run.recording.intervals).value() == pytest.approx(float(expected), rel=1e-9)


def test_tags_are_the_reports_parts(run, report):
    """By query type, and by two tags at once."""
    part = report.by["query"]["greeting"]
    seconds = run.recording.intervals
    assert gauge("latency{query=greeting}:p(95)<1s", seconds).value() == part.latency.p95
    assert gauge("throttle_rate{query=greeting,kind=ai}<1%", seconds).value() == part.rates.throttle_rate
    assert sums(parse("requests{query=greeting,outcome=throttled}<1")[0], run.recording.cells())[0] == (
        part.funnel.throttled
    )


def test_flows_are_per_second(run, report):
    """Planned less what a stopped run never came to, over the seconds seen."""
    seconds = run.recording.intervals
    for name in ("offered", "delivered", "throughput", "goodput"):
        per_s = getattr(report.total.rates, f"{name}_per_s")
        length_s = report.elapsed_s if name in ("throughput", "goodput") else 60
        assert gauge(f"{name}>1/s", seconds).value() * len(seconds) == pytest.approx(per_s * length_s)


@pytest.mark.parametrize("text", ["latency:p(50)[7s]<1s", "latency:avg[7s]<1s", "sla[7s]>1%", "tokens.output[7s]<1"])
def test_a_window_forgets(text, run):
    """After any number of seconds a window of seven says what its last seven say alone."""
    seconds = run.recording.intervals
    sliding = Gauge(parse(text)[0])
    for number, one in enumerate(seconds, 1):
        sliding.add(one)
        assert sliding.is_whole == (number >= 7)
        if number >= 7:
            alone = gauge(text, seconds[number - 7 : number])
            assert sliding.value() == pytest.approx(alone.value()) if alone.value() is not None else True
            assert sliding.samples == alone.samples


def test_percentiles_need_their_samples():
    """Below these the one-sided 95 % bound does not exist; the docs' own table."""
    assert [percentile_samples(percent) for percent in (50, 90, 95, 99, 99.9)] == [5, 29, 59, 299, 2995]
    assert percentile_samples(5) == percentile_samples(95)


def test_one_request_can_not_break_a_share():
    """A window counts once a single failure is no more than the limit."""
    assert [share_samples(limit) for limit in (0.01, 0.99, 0.001, 0.0, 1.0)] == [100, 100, 1000, 1, 1]
    assert not gauge("error_rate<1%", [second(0, ok=98, failed=1)]).has_enough()
    assert gauge("error_rate<1%", [second(0, ok=99, failed=1)]).has_enough()


@pytest.mark.parametrize(
    ("failed", "ok", "is_sure"), [(0, 50, False), (1, 49, False), (5, 45, True), (1, 0, True), (20, 1000, False)]
)
def test_few_failures_may_be_chance(failed, ok, is_sure):
    """A share stops a run only where a target at the limit would rarely show so many failures."""
    one = gauge("error_rate<2%", [second(0, ok=ok, failed=failed)])
    assert (one.is_beyond_chance() and not parse("error_rate<2%")[0].holds(one.value())) == is_sure


def test_hoeffdings_bound_is_never_below_the_binomial_tail():
    """What is called beyond chance is so by the exact distribution too."""
    from scipy.stats import binom  # noqa: PLC0415  only here

    for n in (1, 3, 10, 59):
        for k in range(n + 1):
            one = gauge("error_rate<5%", [second(0, ok=n - k, failed=k)])
            if k / n > 0.05 and one.is_beyond_chance():
                assert binom.sf(k - 1, n, 0.05) < 0.05


def test_what_was_never_asked_has_no_value():
    """Nothing to divide by is no value, not zero; a limit of no share at all is beyond any chance."""
    assert gauge("error_rate<1%", [Interval(0)]).value() is None
    assert not gauge("error_rate<1%", [Interval(0)]).is_beyond_chance()
    assert gauge("latency:avg<1s", [Interval(0)]).value() is None
    assert gauge("error_rate==0", [second(0, ok=5, failed=1)]).is_beyond_chance()


def test_a_warm_up_does_not_count():
    """Seconds before the first that counts are left out, those without traffic after it are not."""
    seconds = [Interval(0), Interval(1), second(2, ok=1), Interval(3)]
    assert [one.second for one in measured(seconds)] == [2, 3]


def _warm(number):
    """A second of a warm-up: ten were due and sent, and none of it counts."""
    return Interval(number, planned=10, sent=10, warm_planned=10, warm_sent=10)


@pytest.mark.parametrize("metric", ["planned", "sent", "requests", "offered", "delivered"])
def test_what_left_in_a_warm_up_is_not_counted(metric):
    """The second in which a warm-up ends has only what came after it."""
    both = Interval(2, planned=10, sent=10, warm_planned=7, warm_sent=7, cells=second(2, ok=3).cells)
    assert gauge(f"{metric}>=1", [_warm(0), _warm(1), both]).value() in (3, 1.0)
    assert gauge(f"{metric}>=1", [_warm(0), _warm(1), both])._part == 3


def test_what_is_measured_begins_after_the_warm_up():
    """A second with nothing but a warm-up in it comes before; a quiet one in the middle of the run doesn't."""
    run = (Interval(0), _warm(1), second(2, ok=1), Interval(3), second(4, ok=1))
    assert [one.second for one in measured(run)] == [2, 3, 4]
    assert list(measured(run[:2])) == []
