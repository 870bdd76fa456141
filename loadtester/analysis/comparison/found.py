"""What a comparison of two runs found: the frozen nouns that reporters turn into text and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtester.analysis.comparison.likeness import Unlike
from loadtester.analysis.comparison.measures import Measure
from loadtester.analysis.report import Stage, Verdict

#: `changed` is of measures of which neither way is better.
RowVerdict = Literal["better", "worse", "same", "unclear", "changed"]

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    directory: str
    id: str
    name: str
    target: str
    status: str
    validity: Verdict
    sent: int
    ok: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of both runs, in its own unit; `difference` is new - base, `relative` that as a part of base.

    `p` is the two-sided bootstrap p-value of the difference being within the margin, on the side that it is on;
    `p_adjusted` that after Holm's correction for all rows of the total. None where there is no telling.
    """

    measure: Measure
    base: float | None
    new: float | None
    difference: float | None
    difference_ci95: Interval | None
    relative: float | None
    relative_ci95: Interval | None
    margin: float
    verdict: RowVerdict
    p: float | None = None
    p_adjusted: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """The same quantile of both runs, in seconds, and how far it moved; intervals are None in a run too short."""

    metric: str
    percent: int
    base_s: float
    base_ci95: Interval | None
    new_s: float
    new_ci95: Interval | None
    difference_s: float
    difference_ci95: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """NEW against BASE: the whole of the traffic in `rows`, its parts in `by` (dimension, then value).

    `looked_at` is how many rows there are in all, `verdict` that of `rows` after correction. `forced` are the reasons
    against the comparison that --force overrode; `noted` what else differs.
    """

    base: Side
    new: Side
    verdict: RowVerdict
    rows: tuple[Row, ...]
    by: Mapping[str, Mapping[str, tuple[Row, ...]]]
    shift: tuple[Shift, ...]
    looked_at: int
    forced: tuple[str, ...] = ()
    noted: tuple[Unlike, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Compared:
    """A run held against the run in `baseline`; where `comparison` is None, `why_not` says why."""

    baseline: str | None
    comparison: Comparison | None
    why_not: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether any figure is clearly worse than the baseline's."""
        return self.comparison is not None and self.comparison.verdict == "worse"


@dataclass(frozen=True, slots=True)
class OwnShare:
    """What the app adds at one percentile: `own_s` = app - model, `share` = own / app; None below the samples needed.

    A difference of percentiles is not a percentile of differences: the slowest answers of one run need not be the
    slowest of the other.
    """

    percent: int
    app_s: float | None
    model_s: float | None
    own_s: float | None
    own_ci95: Interval | None
    share: float | None
    share_ci95: Interval | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The app's share of the latency, in total and by query type, beside the app's own account of its time."""

    app: Side
    model: Side
    total: tuple[OwnShare, ...]
    by_query: Mapping[str, tuple[OwnShare, ...]]
    account: Mapping[str, Stage]
    account_by_query: Mapping[str, Mapping[str, Stage]]
    forced: tuple[str, ...] = ()
    noted: tuple[Unlike, ...] = ()
    notes: tuple[str, ...] = field(default=())
