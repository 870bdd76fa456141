"""Puts the 95 % interval beside each figure of a part of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from loadtester.analysis.figures import UNSENT, Part
from loadtester.analysis.report import Cost, Figures, Rates, Spread
from loadtester.analysis.resample import Floats, Resample, interval
from loadtester.cost import PriceTable
from loadtester.model import CellKey, Outcome, Series, Usage

_PERCENTS: Final = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}
#: Below this the whole range of the values is no 95 % interval of a median: 2 · 0.5^n > 0.05.
_FEWEST: Final = 6
_TAIL: Final = 0.025
#: What is measured, and on which outcomes: None for all.
_SPREADS: Final[Mapping[str, tuple[str, bool | None]]] = {
    "latency": ("latency", True),
    "service": ("service", True),
    "lag": ("lag", None),
    "ttft": ("ttft", True),
    "itl": ("itl", True),
    "tpot": ("tpot", True),
    "connect": ("connect", None),
    "failed_latency": ("latency", False),
}
_OF_PARTS: Final = ("latency", "ttft")
_TOKENS: Final = ("input", "output", "cache_read", "cache_write")
_MILLION: Final = 1_000_000


def with_intervals(
    figures: Figures, part: Part, sample: Resample, prices: PriceTable, *, is_whole: bool = True
) -> Figures:
    """The same figures with their intervals, as far as the run is long enough for them.

    What is not `is_whole`, but a part of the traffic, gets those of latency, TTFT, rates and cost.
    """
    if not sample.is_enough:
        return figures
    spreads = {
        name: _spread(getattr(figures, name), sample, metric, part, is_ok=is_ok)
        for name, (metric, is_ok) in _SPREADS.items()
        if is_whole or name in _OF_PARTS
    }
    return replace(
        figures,
        **spreads,  # type: ignore[arg-type]  # names of Figures' own fields
        rates=_rates(figures.rates, spreads["latency"], part, sample),
        cost=_cost(figures.cost, part, sample, prices),
    )


def spent_by_second(sample: Resample, part: Part, prices: PriceTable) -> Floats:
    """USD of the part's tokens, shape (seconds,), floats, for an interval is no money; models need a price."""
    total = np.zeros(sample.seconds)
    for model in sorted(sample.answerers(part)):

        def by_model(key: CellKey | Series, model: str = model) -> bool:
            return part(key) and isinstance(key, CellKey) and key.answered_by == model

        for name in _TOKENS:
            usd = prices.usd(model, _million(name))
            if usd:
                total += sample.counter(by_model, name) * float(usd / _MILLION)
    return total


def _spread(spread: Spread, sample: Resample, metric: str, part: Part, *, is_ok: bool | None) -> Spread:
    if spread.count < _FEWEST:
        return spread
    names = [
        name
        for name, percent in _PERCENTS.items()
        if getattr(spread, name) is not None and sample.is_enough_for(percent)
    ]
    found = sample.spread(metric, part, [_PERCENTS[name] for name in names], is_ok=is_ok)
    ci95 = {"mean": interval(found.mean)}
    ci95 |= {name: interval(values) for name, values in zip(names, found.percentiles, strict=True)}
    # What lies beyond the highest value is not on record: there the upper end is that value, or more.
    at_least = tuple(name for name in names if spread.max is not None and ci95[name][1] >= spread.max)
    return replace(spread, ci95=ci95, at_least=at_least, effective=found.effective)


def _rates(rates: Rates, latency: Spread, part: Part, sample: Resample) -> Rates:
    def of(*outcomes: Outcome, name: str = "sent") -> Floats:
        return sample.counter(lambda key: part(key) and isinstance(key, CellKey) and key.outcome in outcomes, name)

    finished = of(*(outcome for outcome in Outcome if outcome not in UNSENT))
    if not finished.sum():
        return rates
    good, throttled = of(Outcome.OK, name="in_slo"), of(Outcome.THROTTLED)
    seconds = np.ones(sample.seconds)
    ci95 = {}
    for name, column in (("throughput_per_s", finished), ("goodput_per_s", good)):
        value = getattr(rates, name)
        if value:
            # The time to the last answer is no whole number of seconds.
            found = sample.ratio(column, seconds) * (value * sample.seconds / column.sum())
            ci95[name] = _within(interval(found), 0.0, np.inf)
    # Without an event no second tells how events cluster: what is known of latency has to do.
    independent = min(latency.effective or np.count_nonzero(finished), int(finished.sum()))
    shares = {"throttle_rate": throttled, "error_rate": finished - of(Outcome.OK) - throttled, "sla": good}
    for name, column in shares.items():
        value = getattr(rates, name)
        if value in (0.0, 1.0):
            ci95[name] = _exact(value, int(independent))
        elif value is not None:
            ci95[name] = _within(interval(sample.ratio(column, finished)), 0.0, 1.0)
    return replace(rates, ci95=ci95)


def _cost(cost: Cost, part: Part, sample: Resample, prices: PriceTable) -> Cost:
    if not cost.per_good_answer:
        return cost
    good = sample.counter(lambda key: part(key) and isinstance(key, CellKey) and key.outcome is Outcome.OK, "in_slo")
    found = sample.ratio(spent_by_second(sample, part, prices), good)
    return replace(cost, ci95={**cost.ci95, "per_good_answer": _within(interval(found), 0.0, np.inf)})


def _million(name: str) -> Usage:
    new, out, read, written = (_MILLION if name == kind else 0 for kind in _TOKENS)
    return Usage(new, out, read, written)


def _exact(value: float, n: int) -> tuple[float, float]:
    """The bound of a share that was seen never, or always, in n independent trials (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv  # noqa: PLC0415  heavy, and only reports need it

    most = float(betaincinv(1.0, n, 1.0 - _TAIL))
    return (0.0, most) if value == 0.0 else (1.0 - most, 1.0)


def _within(found: tuple[float, float], least: float, most: float) -> tuple[float, float]:
    low, high = found
    return max(low, least), min(high, most)
