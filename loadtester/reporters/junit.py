"""JUnit XML, as CI servers read it: a test suite for each scenario, a test case for each thing that it could fail.

The elements and their order are those of the two schemas in common use, Jenkins' and that of Ant's JUnit task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal
from xml.etree import ElementTree as ET

from loadtester.analysis.comparison.found import Comparison, Row
from loadtester.analysis.comparison.night import Night, Result, complaints
from loadtester.analysis.concurrency import concurrent
from loadtester.analysis.report import Figures, Report, ThresholdResult, Validity
from loadtester.errors import Exit
from loadtester.reporters.unit_text import unit_text

#: Anything but the characters of XML 1.0, section 2.2.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PACKAGE: Final = "fmload"

Ending = Literal["failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: how it ended, None where it passed, and what there is to say of it."""

    group: str
    name: str
    ending: Ending | None = None
    text: str = ""


def junit_xml(reports: Iterable[Report]) -> bytes:
    """The reports of single runs, UTF-8; limits, figures worse than the baseline's and invalid runs are failures."""
    return _document("fmload", [_result(report) for report in reports])


def _result(report: Report) -> Result:
    against = report.against
    return Result(
        _name(report),
        report,
        report.exit_codes,
        baseline=None if against is None else against.baseline,
        comparison=None if against is None else against.comparison,
        uncompared="" if against is None else against.why_not,
    )


def night_xml(night: Night) -> bytes:
    """A night with its comparisons, UTF-8; a scenario that did not run is an error."""
    return _document(f"fmload nightly {night.suite}", night.results)


def _document(name: str, results: Sequence[Result]) -> bytes:
    root = ET.Element("testsuites")
    suites = [_suite(number, result) for number, result in enumerate(results)]
    totals = {count: str(sum(int(suite.get(count, "0")) for suite in suites)) for count in _COUNTS}
    seconds = sum(result.report.elapsed_s for result in results if result.report is not None)
    _set(root, name=name, time=f"{seconds:.3f}", tests=totals["tests"], failures=totals["failures"])
    _set(root, errors=totals["errors"])
    root.extend(suites)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


_COUNTS: Final = ("tests", "failures", "errors", "skipped")


def _suite(number: int, result: Result) -> ET.Element:
    report, cases = result.report, list(_cases(result))
    endings = [case.ending for case in cases]
    suite = ET.Element("testsuite")
    _set(suite, name=result.name, package=_PACKAGE, id=str(number), hostname="localhost")
    _set(suite, time=f"{report.elapsed_s if report is not None else 0.0:.3f}", tests=str(len(cases)))
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    _set(suite, **{count: str(sum(ending == kind for ending in endings)) for count, kind in counts.items()})
    started = _moment(report)
    _set(suite, timestamp=started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(result):
        _set(ET.SubElement(properties, "property"), name=name, value=value)
    for case in cases:
        _add(suite, result.name, case)
    _text(ET.SubElement(suite, "system-out"), "\n".join(complaints(result)))
    ET.SubElement(suite, "system-err")
    return suite


def _add(suite: ET.Element, scenario: str, case: _Case) -> None:
    element = ET.SubElement(suite, "testcase")
    _set(element, name=case.name, classname=f"{_PACKAGE}.{scenario}.{case.group}", time="0")
    if case.ending is None:
        if case.text:
            _text(ET.SubElement(element, "system-out"), case.text)
        return
    ending = ET.SubElement(element, case.ending)
    first, _, _ = case.text.partition("\n")
    _set(ending, message=first)
    if case.ending != "skipped":
        _set(ending, type=case.group)
        _text(ending, case.text)


def _cases(result: Result) -> Iterator[_Case]:
    report = result.report
    yield _ran(result)
    if report is None:
        return
    yield _validity(report.validity)
    for threshold in report.thresholds:
        yield _excused(_threshold(threshold), result)
    if result.comparison is not None:
        for case in _comparison(result.comparison):
            yield _excused(case, result)
    elif result.uncompared:
        yield _Case("comparison", "compared with the baseline", "skipped", result.uncompared)


def _ran(result: Result) -> _Case:
    """Whether it came to its end; what the other cases tell is no part of it."""
    codes = [code for code in result.codes if code not in (Exit.OK, Exit.THRESHOLD, Exit.INVALID_RUN)]
    if result.report is None and not codes:
        return _Case("run", "ran to its end", "skipped", result.problem or "")
    if not codes and result.problem is None:
        return _Case("run", "ran to its end")
    said = result.problem or next(complaints(result), "")
    return _Case("run", "ran to its end", "error", said or f"exit code {codes[0]}")


def _validity(validity: Validity) -> _Case:
    told = "\n".join(f"{reason.verdict}: {reason.message}" for reason in validity.reasons)
    if validity.verdict == "invalid":
        return _Case("validity", "the load was delivered as planned", "failure", told or "invalid")
    return _Case("validity", "the load was delivered as planned", None, told)


def _threshold(threshold: ThresholdResult) -> _Case:
    value, limit = (unit_text(figure, threshold.unit) for figure in (threshold.value, threshold.limit))
    text = f"{value}, limit {limit}"
    if threshold.ci95 is not None:
        low, high = (unit_text(end, threshold.unit) for end in threshold.ci95)
        text += f", 95 % interval {low} to {high}"
    if threshold.at_s is not None:
        text += f", worst in the window from {threshold.at_s:g} s on"
    text += f"; {threshold.reason}" if threshold.reason else ""
    if threshold.verdict == "no_data":
        return _Case(
            "threshold", threshold.expression, "failure", "; ".join(filter(None, ("no data", threshold.reason)))
        )
    if threshold.verdict == "fail":
        return _Case("threshold", threshold.expression, "failure", text)
    close = "too close to call: " if threshold.verdict == "too_close" else ""
    return _Case("threshold", threshold.expression, None, close + text)


def _comparison(comparison: Comparison) -> Iterator[_Case]:
    for row in comparison.rows:
        text = f"{row.verdict}: {_shift(row)}"
        is_worse = row.verdict == "worse"
        yield _Case("comparison", row.measure.name, "failure" if is_worse else None, text)


def _shift(row: Row) -> str:
    unit = row.measure.unit
    text = f"{unit_text(row.base, unit)} before, {unit_text(row.new, unit)} now"
    if row.difference_ci95 is not None:
        low, high = (unit_text(end, unit) for end in row.difference_ci95)
        text += f"; the difference is {low} to {high}"
    return text


def _excused(case: _Case, result: Result) -> _Case:
    """A failure of what doesn't decide the night, as a case that was passed over."""
    if result.is_gate or case.ending != "failure":
        return case
    return _Case(case.group, case.name, "skipped", f"does not decide the night: {case.text}")


def _properties(result: Result) -> Iterator[tuple[str, str]]:
    report = result.report
    if report is None:
        return
    for key in ("id", "target", "protocol", "pattern", "seed", "status", "price_table"):
        if report.manifest.get(key) is not None:
            yield f"run.{key}", str(report.manifest[key])
    if result.baseline is not None:
        yield "baseline", result.baseline
    yield from _figures("", report.total, report)
    for kind, part in report.by.get("kind", {}).items():
        yield from _figures(f"{kind}.", part, report)


def _figures(prefix: str, part: Figures, report: Report) -> Iterator[tuple[str, str]]:
    values: Mapping[str, float | Decimal | None] = {
        "requests": part.funnel.sent,
        "ok": part.funnel.ok,
        "latency_p95_s": part.latency.p95,
        "ttft_p95_s": part.ttft.p95,
        "throttle_rate": part.rates.throttle_rate,
        "error_rate": part.rates.error_rate,
        "concurrent": concurrent(part, report),
        "tokens_input": part.tokens.input,
        "tokens_output": part.tokens.output,
        "usd": part.cost.run,
    }
    for name, value in values.items():
        if value is not None:
            yield prefix + name, f"{value:.6g}" if isinstance(value, float) else str(value)


def _name(report: Report) -> str:
    return str(report.manifest.get("name") or "run")


def _moment(report: Report | None) -> datetime:
    """When it began; the schemas want a time even of what never did."""
    started = None if report is None else report.manifest.get("started_at")
    return datetime.fromisoformat(str(started)) if started else datetime.fromtimestamp(0, UTC)


def _set(element: ET.Element, **attributes: str) -> None:
    for name, value in attributes.items():
        element.set(name, _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value))


def _text(element: ET.Element, text: str) -> None:
    element.text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text) or None
