"""Why a run's exit code is not 0, in lines for whoever is shown no summary."""

from __future__ import annotations

from collections.abc import Iterator

from loadtester.analysis import Report, ThresholdResult
from loadtester.analysis.thresholds.judgement import is_failed
from loadtester.errors import Exit
from loadtester.reporters.comparison import headline
from loadtester.reporters.threshold_lines import shown


def exit_reasons(report: Report) -> tuple[str, ...]:
    """A line for each thing that made the code what it is, none for 0; an error's remedy is on a line below it."""
    if not any(report.exit_codes):
        return ()
    return tuple(_reasons(report)) or (f"exit codes {', '.join(map(str, report.exit_codes))}",)


def _reasons(report: Report) -> Iterator[str]:
    manifest, codes = report.manifest, report.exit_codes
    if manifest.get("error"):
        yield str(manifest["error"])
    if manifest.get("stopped_by") and {Exit.BUDGET, Exit.THRESHOLD}.intersection(codes):
        yield str(manifest["stopped_by"])
    if Exit.INTERRUPTED in codes:
        is_partial = manifest.get("status") != "complete"
        yield "the run was interrupted" + (": its report is partial" if is_partial else " after its load had ended")
    if lost := manifest.get("lost_workers"):
        yield f"lost in the run: worker {', '.join(map(str, lost))}"
    if Exit.INVALID_RUN in codes:
        yield from (f"invalid: {one.message}" for one in report.validity.reasons if one.verdict == "invalid")
    if Exit.THRESHOLD in codes:
        yield from (_failed(result) for result in report.thresholds if is_failed(result))
        if report.against is not None and report.against.is_worse and report.against.comparison is not None:
            yield f"against the baseline {report.against.baseline}: {headline(report.against.comparison)}"


def _failed(result: ThresholdResult) -> str:
    found = "no data" if result.value is None else shown(result.value, result.unit)
    return f"threshold {result.expression} failed: {found}" + (f" ({result.reason})" if result.reason else "")
