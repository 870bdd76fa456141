"""Why a code is not 0: each cause in a line, and no line for none."""

from dataclasses import replace

import pytest

from loadtester.analysis import Report
from loadtester.analysis.comparison.found import Compared
from loadtester.analysis.report import Reason, ThresholdResult, Validity
from loadtester.errors import Exit
from loadtester.reporters.exit_reasons import exit_reasons

FULL = "cannot write runs/r: No space left on device\n  free space there"
CAPPED = "stopped by --max-requests 4"
LATE = Reason("lag", "the generator was late", {}, "invalid")
SLOW = ThresholdResult("latency:p(95)<3s", 4.5, None, 3.0, -0.5, "fail", "s")
NONE = ThresholdResult("ttft:p(99)<2s", None, None, 2.0, None, "no_data", "s", reason="12 samples, 299 are needed")
KEPT = ThresholdResult("sla>=99%", 1.0, None, 0.99, 0.01, "pass", "share")


@pytest.mark.parametrize(
    ("codes", "manifest", "said"),
    [
        ((Exit.OK,), {"status": "complete"}, ()),
        ((), {"status": "complete"}, ()),
        ((Exit.BUDGET,), {"status": "aborted", "error": FULL}, (FULL,)),
        ((Exit.FAULT,), {"status": "aborted", "error": "a fault of fmload's own: X"}, ("a fault of fmload's own: X",)),
        ((Exit.BUDGET,), {"status": "stopped", "stopped_by": CAPPED}, (CAPPED,)),
        ((Exit.INTERRUPTED,), {"status": "interrupted"}, ("the run was interrupted: its report is partial",)),
        ((Exit.INTERRUPTED,), {"status": "complete"}, ("the run was interrupted after its load had ended",)),
        ((Exit.DEGRADED,), {"status": "degraded", "lost_workers": [1, 3]}, ("lost in the run: worker 1, 3",)),
        ((Exit.INVALID_RUN,), {"status": "complete"}, ("invalid: the generator was late",)),
        ((Exit.UNREACHABLE,), {"status": "complete"}, ("exit codes 113",)),
    ],
)
def test_each_code_has_its_cause(example, codes, manifest, said):
    """In the words of the manifest, or of the verdict; an error with its remedy; a code of no known cause as it is."""
    report = replace(
        example, manifest=manifest, exit_codes=tuple(map(int, codes)), validity=Validity("invalid", (LATE,))
    )
    assert exit_reasons(report) == said


def test_each_threshold_that_failed_is_named(example):
    """With what was found, or why nothing was; one that was kept is not."""
    report = replace(example, exit_codes=(99,), thresholds=(KEPT, SLOW, NONE))
    assert exit_reasons(report) == (
        "threshold latency:p(95)<3s failed: 4.5 s",
        "threshold ttft:p(99)<2s failed: no data (12 samples, 299 are needed)",
    )


def test_all_that_holds_is_said(example):
    """A run may be cut short by a full disk, lose a worker, and be invalid for it."""
    manifest = {"status": "aborted", "error": FULL, "lost_workers": [0]}
    report = replace(example, manifest=manifest, exit_codes=(111, 112, 114), validity=Validity("invalid", (LATE,)))
    assert exit_reasons(report) == (FULL, "lost in the run: worker 0", "invalid: the generator was late")


def test_a_stop_by_another_s_threshold_is_not_this_code_s(example):
    """A run that was stopped, judged again by limits that it keeps, is invalid for other reasons."""
    manifest = {"status": "stopped", "stopped_by": "stopped at 3 s: latency:p(95)<1ms failed"}
    report: Report = replace(
        example,
        manifest=manifest,
        exit_codes=(111,),
        validity=Validity("invalid", (LATE,)),
        against=Compared(None, None),
    )
    assert exit_reasons(report) == ("invalid: the generator was late",)
