"""Compare two runs: differences with intervals, and what they mean against a margin.

Both runs are drawn anew independently (analysis/resample.py), so the difference of any replicate of one and any of the
other is a replicate of the difference. Of a row, the verdict is `worse` where the whole 95 % interval lies beyond the
margin on the bad side, `better` on the good side, `same` where it lies within, `unclear` else.

The rows of the total are many looks at one question, and one in twenty would be wrong by chance. Holm's correction
(Scandinavian Journal of Statistics 6, 1979) keeps the chance of any false alarm among them under 5 %, however the rows
depend on each other, as p50, p95 and p99 of one run do; Benjamini and Hochberg's would bound only the share of false
alarms among all alarms, while one is enough here to fail a build. The parts' rows are for finding where a difference
comes from, and are not corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.comparison.found import Comparison, Interval, Row, RowVerdict, Shift, Side
from loadtester.analysis.comparison.likeness import Unlike
from loadtester.analysis.comparison.measures import MEASURES, SPREADS, Margins, Measure
from loadtester.analysis.comparison.sample import Estimate, Sample
from loadtester.analysis.figures import Part
from loadtester.analysis.report import Figures
from loadtester.analysis.resample import interval

Floats = NDArray[np.float64]

_ALPHA: Final = 0.05
_PERCENTS: Final = tuple(range(1, 100))
#: Each replicate of one run is held against so many of the other's.
_TURNS: Final = 8


def compare(
    base: Sample,
    new: Sample,
    margins: Margins,
    *,
    by: str = "query",
    forced: tuple[str, ...] = (),
    noted: tuple[Unlike, ...] = (),
) -> Comparison:
    """NEW against BASE, in total and by `by` (query, model or kind)."""
    rows = corrected(_rows(base, new, lambda _: True, base.report.total, new.report.total, margins))
    parts = dict(_parts(base, new, by, margins))
    return Comparison(
        base=side(base),
        new=side(new),
        verdict=overall(rows),
        rows=rows,
        by={by: parts},
        shift=tuple(one for metric in SPREADS for one in shifts(base, new, metric)),
        looked_at=len(rows) + sum(map(len, parts.values())),
        forced=forced,
        noted=noted,
        notes=tuple(_notes(base, new)),
    )


def side(sample: Sample) -> Side:
    """What is said of a run itself."""
    manifest, report = sample.manifest, sample.report
    return Side(
        directory=sample.directory,
        id=str(manifest.get("id")),
        name=str(manifest.get("name")),
        target=str(manifest.get("target")),
        status=str(manifest.get("status")),
        validity=report.validity.verdict,
        sent=report.total.funnel.sent,
        ok=report.total.funnel.ok,
        seconds=report.elapsed_s,
    )


def judge(measure: Measure, base: Estimate, new: Estimate, margin: float) -> Row:
    """One measure of both runs. `margin` is a part of the base's value, or of all requests where that is the unit."""
    if base.value is None or new.value is None:
        return _row(measure, base, new, margin, _why(base, new, lambda one: one.value is None))
    if base.replicates is None or new.replicates is None:
        return _row(measure, base, new, margin, f"too short for an interval: {_why(base, new, _is_short)}")
    before, after = pairs(base.replicates, new.replicates)
    differences = after - before
    room = margin if measure.unit == "share" else margin * np.abs(before)
    # Above 0 where it is beyond the margin on the upper or the lower side.
    above, below = differences - room, -differences - room
    # An end of either interval that is not on record leaves the difference without that end, too.
    is_above_known = not (base.is_open_above or new.is_open_below)
    is_below_known = not (base.is_open_below or new.is_open_above)
    if not (is_above_known and is_below_known):
        at_most = (-np.inf, np.inf)
        return replace(
            _row(measure, base, new, margin, _open(base, new)),
            verdict=_verdict(
                measure,
                interval(above) if is_above_known else at_most,
                interval(below) if is_below_known else at_most,
            ),
            p=min(_p(above) if is_above_known else 1.0, _p(below) if is_below_known else 1.0),
        )
    return replace(
        _row(measure, base, new, margin, ""),
        difference_ci95=interval(differences),
        relative_ci95=interval(differences / before) if base.value and before.min() > 0 else None,
        verdict=_verdict(measure, interval(above), interval(below)),
        p=min(_p(above), _p(below)),
    )


def corrected(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows with Holm-adjusted p-values; a verdict that doesn't survive becomes `unclear`."""
    order = sorted((row.p, place) for place, row in enumerate(rows) if row.p is not None and row.measure.better)
    adjusted: dict[int, float] = {}
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = highest
    return tuple(_held(row, adjusted.get(place), len(order)) for place, row in enumerate(rows))


def overall(rows: Sequence[Row]) -> RowVerdict:
    """Worse if any row is; better if any is and none is worse; same if all are.

    Measures without a better way don't count.
    """
    verdicts = {row.verdict for row in rows if row.measure.better}
    for verdict in ("worse", "better"):
        if verdict in verdicts:
            return verdict
    return "same" if verdicts == {"same"} else "unclear"


def shifts(base: Sample, new: Sample, metric: str) -> Iterator[Shift]:
    """Quantiles 1 to 99 of a distribution of both runs, those that either has too few answers for left out."""

    def everything(_: object) -> bool:
        return True

    both = zip(
        _PERCENTS,
        base.quantiles(metric, everything, _PERCENTS),
        new.quantiles(metric, everything, _PERCENTS),
        strict=True,
    )
    found = [(percent, one, other) for percent, one, other in both if one.value is not None and other.value is not None]
    spans = _spans([one for _, one, _ in found], [other for _, _, other in found])
    for (percent, one, other), (before, after, difference) in zip(found, spans, strict=True):
        yield Shift(
            metric=metric,
            percent=percent,
            base_s=one.value or 0.0,
            base_ci95=before,
            new_s=other.value or 0.0,
            new_ci95=after,
            difference_s=(other.value or 0.0) - (one.value or 0.0),
            difference_ci95=difference,
        )


def _spans(base: Sequence[Estimate], new: Sequence[Estimate]) -> list[tuple[Interval | None, ...]]:
    """95 % intervals of both and of their difference, for each quantile; None where an end of it is not known."""
    return [
        (_span(one), _span(other), None if one.is_open or other.is_open else _difference(one, other))
        for one, other in zip(base, new, strict=True)
    ]


def _span(estimate: Estimate) -> Interval | None:
    return None if estimate.replicates is None or estimate.is_open else interval(estimate.replicates)


def _difference(one: Estimate, other: Estimate) -> Interval | None:
    if one.replicates is None or other.replicates is None:
        return None
    return interval(other.replicates - one.replicates)


def _rows(
    base: Sample, new: Sample, part: Part, before: Figures | None, after: Figures | None, margins: Margins
) -> list[Row]:
    mine = base.measures(part, before) if before is not None else {}
    theirs = new.measures(part, after) if after is not None else {}
    nothing = Estimate(None, note="none of it")
    return [
        judge(measure, mine.get(measure.name, nothing), theirs.get(measure.name, nothing), margins.of(measure))
        for measure in MEASURES
        if any(found.get(measure.name, nothing).value is not None for found in (mine, theirs))
    ]


def _parts(base: Sample, new: Sample, by: str, margins: Margins) -> Iterator[tuple[str, tuple[Row, ...]]]:
    before, after = base.report.by[by], new.report.by[by]
    for value in sorted({*before, *after}):

        def part(key: object, value: str = value) -> bool:
            return bool(getattr(key, by) == value)

        yield value, tuple(_rows(base, new, part, before.get(value), after.get(value), margins))


def _row(measure: Measure, base: Estimate, new: Estimate, margin: float, note: str) -> Row:
    both = base.value is not None and new.value is not None
    difference = new.value - base.value if base.value is not None and new.value is not None else None
    return Row(
        measure=measure,
        base=base.value,
        new=new.value,
        difference=difference,
        difference_ci95=None,
        relative=difference / base.value if both and difference is not None and base.value else None,
        relative_ci95=None,
        margin=margin,
        verdict="unclear",
        note=note,
    )


def _why(base: Estimate, new: Estimate, is_at_fault: Callable[[Estimate], bool]) -> str:
    found = {name: one.note for name, one in (("BASE", base), ("NEW", new)) if one.note and is_at_fault(one)}
    if len(found) > 1 and base.note == new.note:
        return f"both {base.note}"
    return "; ".join(f"{name}: {note}" for name, note in found.items())


def _is_short(estimate: Estimate) -> bool:
    return estimate.replicates is None


def _open(base: Estimate, new: Estimate) -> str:
    names = " and ".join(name for name, one in (("BASE", base), ("NEW", new)) if one.is_open)
    return f"its interval reaches the end of what {names} saw: a longer run would tell"


def pairs(base: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Replicates of both, of the same length; independent, so each may stand beside any."""
    step = len(new) // _TURNS
    return np.tile(base, _TURNS), np.concatenate([np.roll(new, turn * step) for turn in range(_TURNS)])


def _p(beyond: Floats) -> float:
    """Two-sided: twice the part of the replicates that aren't beyond the margin."""
    return min(1.0, 2.0 * (1 + int(np.count_nonzero(beyond <= 0))) / (1 + len(beyond)))


def _verdict(measure: Measure, above: Interval, below: Interval) -> RowVerdict:
    if above[0] > 0:
        return "changed" if measure.better is None else "worse" if measure.better == "lower" else "better"
    if below[0] > 0:
        return "changed" if measure.better is None else "better" if measure.better == "lower" else "worse"
    return "same" if above[1] <= 0 and below[1] <= 0 else "unclear"


def _held(row: Row, p_adjusted: float | None, count: int) -> Row:
    if p_adjusted is None:
        return row
    if row.verdict in ("better", "worse") and p_adjusted > _ALPHA:
        return replace(
            row,
            p_adjusted=p_adjusted,
            verdict="unclear",
            note=f"{row.verdict} by itself, but may be one of {count} by chance",
        )
    return replace(row, p_adjusted=p_adjusted)


def _notes(base: Sample, new: Sample) -> Iterator[str]:
    for name, sample in (("BASE", base), ("NEW", new)):
        if not sample.is_long_enough:
            yield f"{name} is too short for intervals, so that nothing can be said for sure; run it longer"
        if sample.report.validity.verdict == "suspect":
            reasons = "; ".join(reason.message for reason in sample.report.validity.reasons)
            yield f"{name} is suspect: {reasons}"
        if not sample.report.total.funnel.ok:
            yield f"{name} has no ok answer, so that there are no latencies to compare"
