"""A judged run as a sample: each of its measures as a figure, with what it might have been had the run been another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.comparison.harrell_davis import harrell_davis_s, samples_needed
from loadtester.analysis.comparison.measures import PERCENTS, SPREADS
from loadtester.analysis.figures import Part, totals
from loadtester.analysis.resample import FEWEST_S, REPLICATES, Resample, interval, seconds_for
from loadtester.cost.projection import DAYS_IN_MONTH
from loadtester.model import CellKey, Outcome, Usage
from loadtester.recorder import Cell, Histogram, Recording

if TYPE_CHECKING:
    from loadtester.analysis.report import Figures, Report
    from loadtester.cost import PriceTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its replicates, None where it has none; `note` says why.

    Its interval is open above where it reaches the highest value of the run: what lies beyond is not on record, and
    the replicates end there. So it is below.
    """

    value: float | None
    replicates: Floats | None = None
    note: str = ""
    is_open_above: bool = False
    is_open_below: bool = False

    @property
    def is_open(self) -> bool:
        """Whether either end of its interval is not known."""
        return self.is_open_above or self.is_open_below


_UNKNOWN: Final = Estimate(None)
_NO_ANSWER: Final = "no answer"


class Sample:
    """A run, its report and its seconds drawn anew; `seed` differs from that of any run it is compared with."""

    __slots__ = ("_cells", "_histograms", "_prices", "_resample", "_seed", "directory", "manifest", "report")

    def __init__(
        self,
        manifest: Mapping[str, Any],
        run: Recording,
        report: Report,
        prices: PriceTable,
        *,
        seed: int,
        directory: str = "",
    ) -> None:
        whole = totals(run)
        self.manifest, self.report, self.directory = manifest, report, directory
        self._cells, self._histograms, self._prices, self._seed = whole.cells, whole.histograms, prices, seed
        self._resample = Resample(run, seed=seed)

    @property
    def is_long_enough(self) -> bool:
        """Whether there are seconds enough for intervals."""
        return self._resample.is_enough

    def measures(self, part: Part, figures: Figures) -> dict[str, Estimate]:
        """An estimate of every measure, of the traffic that `part` keeps and `figures` are of."""
        spreads = {
            f"{metric}.p{percent}": estimate
            for metric in SPREADS
            for percent, estimate in zip(PERCENTS, self.quantiles(metric, part, PERCENTS), strict=True)
        }
        return spreads | self._rates(part, figures) | self._tokens(part) | self._money(part)

    def quantiles(self, metric: str, part: Part, percents: Sequence[float]) -> list[Estimate]:
        """Harrell-Davis quantiles of ok answers, in seconds; those that the answers are too few for have no value."""
        histogram = Histogram()
        for series, counted in self._histograms.items():
            if series.metric == metric and series.is_ok and part(series):
                histogram.merge(counted)
        count = histogram.total
        if not count:
            return [Estimate(None, note=_NO_ANSWER)] * len(percents)
        values = harrell_davis_s(histogram, percents).tolist()
        long = [percent for percent in percents if self._resample.is_enough_for(percent)]
        drawn = self._resample.percentiles(metric, part, long) if long else ()
        found = dict(zip(long, drawn, strict=True))
        return [
            _quantile(histogram, percent, value, found.get(percent), self._resample.seconds)
            if count >= samples_needed(percent)
            else Estimate(None, note=f"{count:,} answers, needs {samples_needed(percent):,}")
            for percent, value in zip(percents, values, strict=True)
        ]

    def _rates(self, part: Part, figures: Figures) -> dict[str, Estimate]:
        rates, effective = figures.rates, figures.latency.effective
        finished = self._column(part, _finished)
        goodput = _UNKNOWN
        if rates.goodput_per_s is not None:
            good = self._column(part, _good)
            # The report divides by the time up to the last answer, a part of a second less than the seconds are.
            per_s = self._ratio(good, np.ones_like(good))
            goodput = per_s if not per_s.value else _scaled(per_s, rates.goodput_per_s / per_s.value)
        return {
            "goodput": goodput,
            "sla": self._share(self._column(part, _good), finished, rates.sla, effective),
            "throttle_rate": self._share(self._column(part, _throttled), finished, rates.throttle_rate, effective),
            "error_rate": self._share(self._column(part, _failed), finished, rates.error_rate, effective),
        }

    def _tokens(self, part: Part) -> dict[str, Estimate]:
        answers = self._column(part, lambda key, cell: cell.count if key.outcome is Outcome.OK else 0)
        read = self._column(part, lambda key, cell: _read(cell) if key.outcome is Outcome.OK else 0)
        written = self._column(part, lambda key, cell: cell.output if key.outcome is Outcome.OK else 0)
        return {"tokens.input": self._ratio(read, answers), "tokens.output": self._ratio(written, answers)}

    def _money(self, part: Part) -> dict[str, Estimate]:
        unpriced = [key.answered_by for key, cell in self._cells.items() if part(key) and self._usd(key, cell) is None]
        if unpriced:
            none = Estimate(None, note=f"no price of {', '.join(sorted(set(unpriced)))}")
            return {"cost.per_good_answer": none, "cost.monthly": none}
        usd = self._column(part, lambda key, cell: self._usd(key, cell) or 0.0)
        good = self._column(part, _good)
        return {
            "cost.per_good_answer": self._ratio(usd, good, note="no good answer"),
            "cost.monthly": self._month(part),
        }

    def _month(self, part: Part) -> Estimate:
        """What the part adds to the month's bill: Σ share · USD / messages over the query types, × days × messages.

        The month is no single ratio; what is drawn is the sum of the influences that each second has on it, with
        (USD_t - USD/messages · messages_t) · share · seconds / messages for each query type.
        """
        scenario = self.manifest["scenario"]
        shares = {entry["name"]: float(entry["share"]) for entry in scenario["mix"]}
        messages = {query: self._column(_of_query(query), _messages) for query in shares}
        seen = [query for query, column in messages.items() if column.sum() > 0 and shares[query] > 0]
        if not seen:
            return _UNKNOWN
        per_share = int(scenario["judge"]["daily_messages"]) * DAYS_IN_MONTH / sum(shares[query] for query in seen)
        month, influence = 0.0, np.zeros(self._resample.seconds)
        for query in seen:
            usd = self._column(_of_query(query, part), lambda key, cell: self._usd(key, cell) or 0.0)
            each = float(usd.sum() / messages[query].sum())
            factor = shares[query] * per_share
            month += factor * each
            influence += factor * (usd - each * messages[query]) * len(usd) / messages[query].sum()
        if not self.is_long_enough:
            return self._estimate(month, None)
        return self._estimate(month, month + self._resample.ratio(influence, np.ones_like(influence)))

    def _share(self, some: Floats, everything: Floats, value: float | None, effective: int | None) -> Estimate:
        """A part of the requests. Where it is none or all of them, seconds drawn anew can't tell how sure that is.

        Its replicates are then drawn from Jeffreys' posterior (Brown, Cai and DasGupta, Statistical Science 16, 2001),
        of as many requests as the latencies are worth (`effective`): what fails comes in clusters, as what is slow.
        """
        if value is None or everything.sum() <= 0:
            return Estimate(value, note="no request")
        count, n = float(some.sum()), float(everything.sum())
        if self.is_long_enough and (count <= 0 or count >= n):
            worth = min(n, effective or n)
            ends = (0.5, worth + 0.5) if count <= 0 else (worth + 0.5, 0.5)
            drawn = np.random.default_rng([self._seed, int(n)]).beta(*ends, REPLICATES)
            return self._estimate(value, drawn)
        return self._ratio(some, everything)

    def _ratio(self, numerator: Floats, denominator: Floats, *, note: str = _NO_ANSWER) -> Estimate:
        whole = float(denominator.sum())
        if whole <= 0:
            return Estimate(None, note=note)
        replicates = self._resample.ratio(numerator, denominator) if self.is_long_enough else None
        return self._estimate(float(numerator.sum()) / whole, replicates)

    def _estimate(self, value: float, replicates: Floats | None) -> Estimate:
        note = "" if replicates is not None else f"{self._resample.seconds} s, needs {FEWEST_S}"
        return Estimate(value, replicates, note)

    def _column(self, part: Part, value: Callable[[CellKey, Cell], float]) -> Floats:
        return self._resample.column(part, value)

    def _usd(self, key: CellKey, cell: Cell) -> float | None:
        if not key.answered_by:
            return 0.0
        usage = Usage(cell.input, cell.output, cell.cache_read, cell.cache_write, cell.reasoning)
        usd = self._prices.usd(key.answered_by, usage)
        return None if usd is None else float(usd)


def _quantile(histogram: Histogram, percent: float, value: float, drawn: Floats | None, seconds: int) -> Estimate:
    """An estimate from replicates of the plain quantile, whose deviations are taken over."""
    if drawn is None:
        return Estimate(value, note=f"{seconds} s, its p{percent:g} takes {seconds_for(percent)}")
    low, high = interval(drawn)
    return Estimate(
        value,
        drawn - histogram.percentile_s(percent) + value,
        is_open_above=high >= histogram.max_s(),
        is_open_below=low <= histogram.min_s(),
    )


def _of_query(query: str, part: Part = lambda _: True) -> Part:
    return lambda key: key.query == query and part(key)


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    value = None if estimate.value is None else estimate.value * factor
    replicates = None if estimate.replicates is None else estimate.replicates * factor
    return Estimate(value, replicates, estimate.note)


def _good(key: CellKey, cell: Cell) -> float:
    return cell.in_slo if key.outcome is Outcome.OK else 0


def _finished(key: CellKey, cell: Cell) -> float:
    return 0 if key.outcome is Outcome.CANCELLED else cell.sent


def _throttled(key: CellKey, cell: Cell) -> float:
    return cell.sent if key.outcome is Outcome.THROTTLED else 0


def _failed(key: CellKey, cell: Cell) -> float:
    return 0 if key.outcome in (Outcome.OK, Outcome.THROTTLED) else _finished(key, cell)


def _messages(key: CellKey, cell: Cell) -> float:
    return cell.sent if key.outcome is Outcome.CANCELLED else cell.count


def _read(cell: Cell) -> int:
    return cell.input + cell.cache_read + cell.cache_write
