"""How long answers took: by percentile, spaced by nines, and each measure's spread."""

from __future__ import annotations

import math
from collections.abc import Iterator

from loadtester.analysis import Report, Spread
from loadtester.analysis.curve import Curve
from loadtester.reporters.html import amounts
from loadtester.reporters.html.chart import Chart, Line, figure
from loadtester.reporters.html.markup import Markup, join, section, table, tag

_DASHES = "A dash: too few samples for this percentile, or too short a run for its 95 % interval."
_COLUMNS = ("mean", "p50", "p90", "p95", "p99", "p999", "max")


def latency(report: Report, corrected: Curve, uncorrected: Curve) -> Markup:
    """The percentile curve with its interval, corrected beside uncorrected, and the table of spreads."""
    is_closed = report.manifest.get("model") == "closed"
    said = (
        "A closed model has no due times: latency is uncorrected, as a user who waits for a slow answer asks nothing "
        "meanwhile."
        if is_closed
        else "Latency counts from the moment a request was due, so it holds every delay that a user would have felt; "
        "counted from sending, as many tools do, a stalled service looks better than it is."
    )
    return section(
        "latency",
        "Latency by percentile",
        tag("p", said),
        None if is_closed else _difference(corrected, uncorrected),
        _curve(corrected, uncorrected, is_closed=is_closed) if corrected.percents else _nothing(),
        table(
            "Each measure's spread",
            ("measure", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max", "p95 lies in"),
            _spreads(report),
            note=tag("p", _DASHES, class_="quiet"),
        ),
    )


def _nothing() -> Markup:
    return tag("p", "No request was answered ok: there is no latency to show.", class_="empty")


def _difference(corrected: Curve, uncorrected: Curve) -> Markup | None:
    """How far apart the two are, where that is most."""
    if not corrected.percents or uncorrected.percents != corrected.percents:
        return None
    gaps = [due - sent for due, sent in zip(corrected.seconds, uncorrected.seconds, strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[widest] <= corrected.seconds[widest] / 100:
        return tag("p", "Here the two are the same to within 1 %: nothing was kept waiting before it was sent.")
    at = f"p{corrected.percents[widest]:.4g}"
    return tag("p", f"Here the difference is up to {amounts.seconds(gaps[widest])}, at {at}.")


def _curve(corrected: Curve, uncorrected: Curve, *, is_closed: bool) -> Markup:
    name = "from sent (closed model)" if is_closed else "from due (corrected)"
    lines = [Line(name, corrected.seconds, "accent")]
    if not is_closed and uncorrected.percents == corrected.percents:
        # Below the other, which covers it where the two are the same.
        lines.insert(0, Line("from sent (uncorrected)", uncorrected.seconds, "second", is_dashed=True))
    if corrected.low:
        lines = [
            Line("95 % from", corrected.low, "accent", is_dashed=True),
            Line("95 % to", corrected.high, "accent", is_dashed=True, is_band=True),
            *lines,
        ]
    nines = [-math.log10(1 - percent / 100) for percent in corrected.percents]
    last = corrected.percents[-1]
    says = f"Latency of ok answers rises from {amounts.seconds(corrected.seconds[0])} to "
    says += f"{amounts.seconds(corrected.seconds[-1])} at the {last:.5g}th percentile."
    chart = Chart("Latency by percentile", says, nines, lines, "s", x_label="percentile", x_unit="nines", is_log=True)
    return join(figure(chart), _ending(corrected))


def _ending(found: Curve) -> Markup | None:
    """Where the band ends, and why, where it ends before the curve does; the lowest value never has an interval."""
    words = "the run is too short for a 95 % interval."
    if not found.banded:
        return tag("p", words.capitalize(), class_="quiet")
    first, last = found.banded[0], found.banded[-1]
    ends = [f"below p{first:.4g}"] if first > found.percents[1] else []
    ends += [f"beyond p{last:.4g}"] if last < found.percents[-1] else []
    said = " and ".join(ends)
    return tag("p", f"{said[0].upper()}{said[1:]} {words}", class_="quiet") if said else None


def _spreads(report: Report) -> Iterator[tuple[str, ...]]:
    total = report.total
    named = {
        "latency, from due": total.latency,
        "service, from sent": total.service,
        "time to first token": total.ttft,
        "between chunks": total.itl,
        "per output token": total.tpot,
        "failed requests": total.failed_latency,
        "connect": total.connect,
        "generator's lag": total.lag,
    }
    if total.attempts is not None:
        named["first attempts"] = total.attempts.first_s
    for name, spread in named.items():
        if spread.count:
            yield name, amounts.count(spread.count), *spread_cells(spread, _COLUMNS), _interval(spread)


def spread_cells(spread: Spread, names: tuple[str, ...]) -> Iterator[str]:
    """The figures of these names."""
    return (amounts.seconds(getattr(spread, name)) for name in names)


def _interval(spread: Spread) -> str:
    bounds = spread.ci95.get("p95")
    return amounts.NOTHING if bounds is None else f"{amounts.seconds(bounds[0])} – {amounts.seconds(bounds[1])}"
