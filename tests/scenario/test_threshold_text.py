"""The grammar of thresholds: what is read, and what is said of what can't be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.scenario import threshold as nouns
from loadtester.scenario.threshold_text import parse

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


def read(text):
    """The threshold of a text that has no fault."""
    found, faults = parse(text)
    assert faults == ()
    return found


@pytest.mark.parametrize(
    ("text", "metric", "aggregate", "percent", "operator", "limit", "unit"),
    [
        ("latency:p(95)<3s", "latency", "p", 95.0, "<", 3.0, "s"),
        ("ttft:p(99.9) <= 500ms", "ttft", "p", 99.9, "<=", 0.5, "s"),
        ("lag:max<1m30s", "lag", "max", None, "<", 90.0, "s"),
        ("latency:count>1_000", "latency", "count", None, ">", 1000.0, "count"),
        ("throttle_rate<0.1%", "throttle_rate", None, None, "<", 0.001, "share"),
        ("sla>=0.99", "sla", None, None, ">=", 0.99, "share"),
        ("goodput>=2400/m", "goodput", None, None, ">=", 40.0, "per_s"),
        ("cost.monthly<$50000", "cost.monthly", None, None, "<", 50000.0, "usd"),
        ("tokens.output<1_000_000", "tokens.output", None, None, "<", 1e6, "count"),
        ("timeout==0", "timeout", None, None, "==", 0.0, "count"),
        ("validity!=invalid", "validity", None, None, "!=", 0.0, "verdict"),
    ],
)
def test_metric_aggregate_comparison_and_limit(text, metric, aggregate, percent, operator, limit, unit):
    """METRIC:AGG OP VALUE, in the metric's own unit."""
    found = read(text)
    assert (found.metric, found.aggregate, found.percent, found.operator) == (metric, aggregate, percent, operator)
    assert (found.limit, found.unit) == (pytest.approx(limit), unit)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("error_rate{kind=crud}<1%", (("kind", "crud"),)),
        (f"latency{{model={HAIKU}, kind = ai}}:avg<1s", (("model", HAIKU), ("kind", "ai"))),
        (f'latency{{model="{HAIKU}"}}:p(95)[60s]<1s', (("model", HAIKU),)),
        ("requests{query='a,b}=c',outcome=throttled}<1", (("query", "a,b}=c"), ("outcome", "throttled"))),
    ],
)
def test_tags_may_hold_what_ids_hold(text, tags):
    """A model's id has colons; commas and braces are quoted."""
    assert read(text).tags == tags


def test_windows_are_whole_seconds():
    """The window stands between aggregate and comparison, also where there is no aggregate."""
    assert read("latency:p(95)[1m]<3s").window_s == 60
    assert read("error_rate[30s]<1%").window_s == 30
    assert read("latency:p(95)<3s").window_s is None


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        ("latensy:p(95)<3s", ["did you mean latency?"]),
        ("http_req_duration<3s", ["did you mean latency, with an aggregate: latency:p(95)?"]),
        ("latency<3s", ["write latency:p(95) or latency:avg"]),
        ("latency:p95<3s", ["did you mean p(95)?"]),
        ("latency:mean<3s", ["did you mean avg?"]),
        ("latency:p(100)<3s", ["write one between 0 and 100, or min or max"]),
        ("latency:p(95)<3000", ["did you mean 3000ms or 3000s?"]),
        ("latency:p(95)<3sec", ["did you mean 3s?"]),
        ("latency:p(95)<3%", ["write a duration with its unit, such as 3s or 500ms"]),
        ("goodput>=40 rps", ["did you mean 40/s?"]),
        ("error_rate<200%", ["write a part of 1, such as 0.25, or 25%"]),
        ("error_rate:avg<1%", ["leave 'avg' out"]),
        ("error_rate=<1%", ["did you mean <=?"]),
        ("latency{quary=a}:p(95)<3s", ["did you mean query? (one of query, model, kind, outcome)"]),
        ("latency{outcome=timeout}:p(95)<3s", ["write one of ok, other"]),
        ("error_rate{outcome=ok}<1%", ["leave the tag out, or count one: timeout_rate<1%"]),
        ("latency{query=a,query=b}:p(95)<3s", ["keep one of the two"]),
        ("latency{}:p(95)<3s", ["write {query=recommendation}, or leave them out"]),
        ("latency{query}:p(95)<3s", ["write tag=value, such as query=recommendation"]),
        ("latency:p(95)[0.5s]<3s", ["write whole seconds, at least one, such as [60s]"]),
        ("cost.monthly[60s]<1", ["leave the window out"]),
        ("cost.monthly{query=a}<1", ["leave the tags out"]),
        ("offered{query=a}[10s]>1/s", ["leave the window out, or the tags"]),
        ("validity>=valid", ["write validity==valid or validity!=invalid"]),
        ("validity==vald", ["did you mean valid? (one of invalid, suspect, valid)"]),
        ("ok<", ["write a value after the comparison, such as latency:p(95)<3s"]),
        ("nonsense", ["write METRIC:AGGREGATE<VALUE, such as latency:p(95)<3s"]),
        ("latensy{quary=a}:p95=<", 5),
    ],
)
def test_every_fault_has_its_fix(text, fixes):
    """All that is wrong is said at once, each with what was probably meant."""
    found, faults = parse(text)
    assert found is None
    if isinstance(fixes, int):
        assert len(faults) == fixes
    else:
        assert [fault.fix for fault in faults] == fixes


@pytest.mark.parametrize("metric", [name for name in nouns.METRICS if name != "validity"])
def test_every_metric_can_be_limited(metric):
    """A metric that messages offer is one that is read."""
    limit = {"s": "3s", "share": "1%", "per_s": "5/s", "usd": "$5", "count": "5"}[nouns.METRICS[metric]]
    assert read(f"{metric}{':p(95)' if metric in nouns.SPREADS else ''}<{limit}").metric == metric


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text):
    """Whatever is written is a threshold or has faults, never both, and never neither."""
    found, faults = parse(text)
    assert (found is None) == bool(faults)


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [("latency:avg<3s", 2.0, 3.0), ("sla>=99%", 0.99, 0.98), ("timeout==0", 0.0, 1.0), ("timeout!=0", 1.0, 0.0)],
)
def test_slack_has_the_sign_of_the_verdict(text, good, bad):
    """What holds is not on the wrong side of the limit."""
    threshold = read(text)
    assert threshold.holds(good)
    assert not threshold.holds(bad)
    assert threshold.slack(good) >= 0 >= threshold.slack(bad)
