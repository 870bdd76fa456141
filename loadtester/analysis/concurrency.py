"""How many requests a part of the traffic had in flight on average, by Little's law."""

from __future__ import annotations

from loadtester.analysis.report import Figures, Report


def concurrent(part: Figures, report: Report) -> float | None:
    """Their times from sending to the end, over the measured time; the warm-up is in neither.

    J. D. C. Little, Operations Research 9, 1961. Failed requests have only their latency, which is from due.
    """
    warm_s = 0.0 if report.warmup is None else report.warmup.s
    measured_s = report.elapsed_s - warm_s
    if measured_s <= 0:
        return None
    times = (part.service, part.failed_latency)
    return sum(spread.count * (spread.mean or 0.0) for spread in times) / measured_s
