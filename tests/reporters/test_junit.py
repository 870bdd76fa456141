"""JUnit XML that CI servers can read, whatever the names in it."""

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from loadtester.analysis import ThresholdResult, Validity
from loadtester.analysis.comparison.night import Night, Result
from loadtester.analysis.report import Reason
from loadtester.errors import Exit
from loadtester.reporters.junit import junit_xml, night_xml

FAILED = ThresholdResult("latency:p(95)<3s", 4.5, (4.2, 4.9), 3.0, -0.5, "fail", unit="s")
CLOSE = ThresholdResult("error_rate<1%", 0.009, (0.007, 0.011), 0.01, 0.1, "too_close", unit="share")
EMPTY = ThresholdResult(
    "ttft{kind=crud}:p(95)<1s", None, None, 1.0, None, "no_data", unit="s", reason="no such request"
)


@pytest.fixture
def report(example):
    return replace(example, thresholds=(FAILED, CLOSE, EMPTY))


def _conforms(data):
    """What the schemas in common use demand of elements, their order and their attributes."""
    root = ET.fromstring(data)  # noqa: S314  our own bytes
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "time", "timestamp", "hostname", "id", "package"} <= set(
            suite.attrib
        )
        datetime.strptime(suite.get("timestamp"), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        tags = [child.tag for child in suite]
        cases = suite.findall("testcase")
        assert tags == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
        assert all({"name", "classname", "time"} <= set(case.attrib) for case in cases)
        assert all(case.tag in ("failure", "error", "skipped", "system-out") for one in cases for case in one)
        assert all("type" in bad.attrib for one in cases for bad in one if bad.tag in ("failure", "error"))
        assert int(suite.get("tests")) == len(cases)
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count)) == sum(one.find(tag) is not None for one in cases)
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root)
    assert int(root.get("failures")) == sum(int(suite.get("failures")) for suite in root)
    return root


def _case(suite, name):
    (found,) = [case for case in suite.findall("testcase") if case.get("name") == name]
    return found


def test_a_run_is_a_suite_and_each_gate_a_case(report):
    """Thresholds and the verdict on the run itself are cases; a failure says value, limit and interval."""
    (suite,) = _conforms(junit_xml([report]))
    assert suite.get("name") == "spike"
    failure = _case(suite, FAILED.expression).find("failure")
    assert failure.get("message") == "4.500 s, limit 3.000 s, 95 % interval 4.200 s to 4.900 s"
    assert "too close to call: 0.90%" in _case(suite, CLOSE.expression).findtext("system-out")
    assert _case(suite, EMPTY.expression).find("failure").get("message") == "no data; no such request"
    assert _case(suite, "the load was delivered as planned").find("failure") is None
    assert suite.get("failures") == "2"


def test_figures_are_properties_with_both_kinds_apart(report):
    """p95, throttles, money and requests in flight, in total and by kind."""
    (suite,) = _conforms(junit_xml([report]))
    values = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert values["run.target"] == "the bundled MangaAssist"
    assert values["requests"] == values["ai.requests"] == "840"
    assert float(values["ai.concurrent"]) == pytest.approx((644 * 3.3207632 + 196 * 0.1853157) / 65.3627, rel=1e-3)
    assert float(values["usd"]) == pytest.approx(float(report.total.cost.run))


def test_an_invalid_run_is_a_failure(report):
    """With every reason; a suspect one passes, and says why it is suspect."""
    reason = Reason("lag", "the generator was late", {}, "invalid")
    invalid = replace(report, validity=Validity("invalid", (reason,)), exit_codes=(Exit.INVALID_RUN,))
    suspect = replace(report, validity=Validity("suspect", (replace(reason, verdict="suspect"),)))
    bad, doubtful = _conforms(junit_xml([invalid, suspect]))
    assert _case(bad, "the load was delivered as planned").find("failure").get("message").endswith("was late")
    case = _case(doubtful, "the load was delivered as planned")
    assert case.find("failure") is None
    assert "suspect" in case.findtext("system-out")


def test_names_cannot_break_the_file(report):
    """Markup, the end of CDATA, quotes, control characters and lone surrogates: parsed back, or replaced."""
    nasty = "<b>\"x\" & 'y' ]]> \x00\x1b[31m \ud800 ￾ 漫画"
    threshold = replace(FAILED, expression=nasty)
    named = replace(report, manifest={**report.manifest, "name": nasty, "target": nasty}, thresholds=(threshold,))
    (suite,) = _conforms(junit_xml([named]))
    shown = "<b>\"x\" & 'y' ]]> ��[31m � � 漫画"
    assert suite.get("name") == shown
    assert _case(suite, shown).find("failure") is not None


def test_a_scenario_that_did_not_run_is_an_error_and_one_that_was_passed_over_is_skipped(report):
    """What keeps a scenario from running is told; what doesn't decide the night is skipped, not failed."""
    results = (
        Result("dead", None, (Exit.UNREACHABLE,), problem="no answer from chat.example"),
        Result("late", None, (), problem="not run: the night was interrupted"),
        Result("edge", report, (), is_gate=False, uncompared="no good run"),
    )
    night = Night("all", datetime(2026, 11, 21, tzinfo=UTC), 10.0, results)
    dead, late, edge = _conforms(night_xml(night))
    assert _case(dead, "ran to its end").find("error").get("message") == "no answer from chat.example"
    assert _case(late, "ran to its end").find("skipped").get("message").startswith("not run")
    assert edge.get("failures") == "0"
    assert "does not decide" in _case(edge, FAILED.expression).find("skipped").get("message")
    assert _case(edge, "compared with the baseline").find("skipped").get("message") == "no good run"


def test_no_report_is_an_empty_file():
    """Still whole XML."""
    assert len(_conforms(junit_xml([]))) == 0
