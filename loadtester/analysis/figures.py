"""A recording, or the part of it that a filter keeps, turned into figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from loadtester.analysis.answered import cache_hits, fallbacks
from loadtester.analysis.report import Attempts, Cost, Figures, Funnel, Rates, Spread, Tokens
from loadtester.analysis.split import split_of
from loadtester.cost import PriceTable
from loadtester.model import CellKey, Outcome, Series, Usage
from loadtester.recorder import FIRST_ATTEMPT, Cell, Histogram, Recording

Part = Callable[[CellKey | Series], bool]


@dataclass(frozen=True, slots=True)
class Totals:
    """A whole run's counters and histograms, by cell and by series."""

    cells: Mapping[CellKey, Cell]
    histograms: Mapping[Series, Histogram]
    #: Counters of the warm-up, which are in none of the others.
    warm: Mapping[CellKey, Cell] = field(default_factory=dict)


def totals(run: Recording) -> Totals:
    """Add up a run's seconds."""
    return Totals(run.cells(), run.histograms(), run.warm())


#: Samples below which the one-sided 95 % bound of a percentile does not exist: ln(0.05) / ln(p).
_NEEDED = {"p90": 29, "p95": 59, "p99": 299, "p999": 2_995}

UNSENT = (Outcome.DROPPED, Outcome.CANCELLED)


def figures(
    whole: Totals,
    part: Part,
    prices: PriceTable,
    *,
    due: tuple[int, int] | None,
    duration_s: float,
    elapsed_s: float,
) -> Figures:
    """Figures of the traffic that `part` keeps.

    `due` is how many requests were planned and how many sent (None: as many as have an outcome), `duration_s` how long
    requests were sent, `elapsed_s` the time from the start to the last answer.
    """
    cells = {key: cell for key, cell in whole.cells.items() if part(key)}
    warm = {key: cell for key, cell in whole.warm.items() if part(key)}
    funnel = _funnel(cells, due, sum(cell.count for cell in warm.values()))
    good = sum(cell.in_slo for key, cell in cells.items() if key.outcome is Outcome.OK)

    def spread(metric: str, *, is_ok: bool | None = True) -> Spread:
        histogram = Histogram()
        for series, counted in whole.histograms.items():
            if series.metric == metric and part(series) and is_ok in (None, series.is_ok):
                histogram.merge(counted)
        return _spread(histogram)

    return Figures(
        funnel=funnel,
        rates=_rates(funnel, good, duration_s, elapsed_s),
        latency=spread("latency"),
        service=spread("service"),
        lag=spread("lag", is_ok=None),
        ttft=spread("ttft"),
        itl=spread("itl"),
        tpot=spread("tpot"),
        connect=spread("connect", is_ok=None),
        failed_latency=spread("latency", is_ok=False),
        tokens=_tokens(cells),
        cost=_cost(cells, good, prices, warm),
        held=sum(cell.held for cell in cells.values()),
        reconnects=sum(cell.reconnects for cell in cells.values()),
        degraded=sum(cell.degraded for cell in cells.values()),
        split=split_of(sorted({series.metric for series in whole.histograms if part(series)}), spread),
        fallbacks=fallbacks(cells),
        cache=cache_hits(cells),
        attempts=_attempts(cells, spread(FIRST_ATTEMPT), spread(FIRST_ATTEMPT, is_ok=False)),
    )


def _funnel(cells: Mapping[CellKey, Cell], due: tuple[int, int] | None, warmup: int) -> Funnel:
    sent: Counter[Outcome] = Counter()
    unsent: Counter[Outcome] = Counter()
    for key, cell in cells.items():
        sent[key.outcome] += cell.sent
        unsent[key.outcome] += cell.count - cell.sent
    ended = sent.total()
    planned, n_sent = due or (ended + unsent.total(), ended)
    named = {outcome.value: sent[outcome] for outcome in Outcome if outcome not in UNSENT}
    return Funnel(
        planned=planned,
        dropped=unsent[Outcome.DROPPED],
        cancelled=unsent[Outcome.CANCELLED],
        unfinished=planned - n_sent - unsent.total(),
        sent=n_sent,
        cancelled_in_flight=sent[Outcome.CANCELLED],
        unanswered=n_sent - ended,
        warmup=warmup,
        **named,
    )


def _rates(funnel: Funnel, good: int, duration_s: float, elapsed_s: float) -> Rates:
    # What was in flight when the run was stopped or killed says nothing of the target.
    finished = funnel.sent - funnel.cancelled_in_flight - funnel.unanswered
    failed = finished - funnel.ok - funnel.throttled

    def share(count: int) -> float | None:
        return count / finished if finished else None

    return Rates(
        # What a stopped run had not come to was planned, but never offered.
        offered_per_s=(funnel.planned - funnel.cancelled) / duration_s if duration_s else None,
        delivered_per_s=funnel.sent / duration_s if duration_s else None,
        throughput_per_s=finished / elapsed_s if elapsed_s else None,
        goodput_per_s=good / elapsed_s if elapsed_s else None,
        throttle_rate=share(funnel.throttled),
        error_rate=share(failed),
        sla=share(good),
    )


def _spread(histogram: Histogram) -> Spread:
    count = histogram.total
    if not count:
        return Spread(0)
    enough = {name: count >= needed for name, needed in _NEEDED.items()}
    return Spread(
        count=count,
        mean=histogram.mean_s(),
        min=histogram.min_s(),
        p50=histogram.percentile_s(50),
        p90=histogram.percentile_s(90) if enough["p90"] else None,
        p95=histogram.percentile_s(95) if enough["p95"] else None,
        p99=histogram.percentile_s(99) if enough["p99"] else None,
        p999=histogram.percentile_s(99.9) if enough["p999"] else None,
        max=histogram.max_s(),
    )


def _attempts(cells: Mapping[CellKey, Cell], first: Spread, turned_away: Spread) -> Attempts | None:
    """None where throttled requests were not to be tried again."""
    if not first.count and not turned_away.count:
        return None
    retries = sum(cell.retries for cell in cells.values())
    return Attempts(
        total=sum(cell.sent for cell in cells.values()) + retries,
        retried=sum(cell.retried for cell in cells.values()),
        retries=retries,
        first_s=first,
        turned_away_s=turned_away,
    )


def _tokens(cells: Mapping[CellKey, Cell]) -> Tokens:
    return Tokens(
        input=sum(cell.input for cell in cells.values()),
        output=sum(cell.output for cell in cells.values()),
        cache_read=sum(cell.cache_read for cell in cells.values()),
        cache_write=sum(cell.cache_write for cell in cells.values()),
        reasoning=sum(cell.reasoning for cell in cells.values()),
        estimated_answers=sum(cell.estimated for cell in cells.values()),
    )


def spent(cells: Mapping[CellKey, Cell], prices: PriceTable) -> Decimal | None:
    """USD for the cells' tokens, at the price of the model that answered; None where a model has no price."""
    total = Decimal(0)
    for key, cell in cells.items():
        if not key.answered_by:
            continue
        usage = Usage(cell.input, cell.output, cell.cache_read, cell.cache_write, cell.reasoning)
        usd = prices.usd(key.answered_by, usage)
        if usd is None:
            return None
        total += usd
    return total


def _cost(cells: Mapping[CellKey, Cell], good: int, prices: PriceTable, warm: Mapping[CellKey, Cell]) -> Cost:
    run, warmup = spent(cells, prices), spent(warm, prices)
    ok = spent({key: cell for key, cell in cells.items() if key.outcome is Outcome.OK}, prices)
    return Cost(
        run=None if run is None or warmup is None else run + warmup,
        warmup=warmup,
        good=ok,
        wasted=None if run is None or ok is None else run - ok,
        per_good_answer=run / good if run is not None and good else None,
    )
