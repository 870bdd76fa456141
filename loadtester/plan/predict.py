"""From a scenario and its plan to what a run of it would send, cost and be refused; nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from loadtester.cost import PriceTable
from loadtester.errors import FmloadError
from loadtester.plan.bounds import bounds
from loadtester.plan.model_facts import model_facts
from loadtester.plan.notes import notes
from loadtester.plan.phases import phases
from loadtester.plan.prediction import Money, Part, Prediction, Throttling
from loadtester.plan.service import is_bundled, quota_of
from loadtester.plan.slices import slices
from loadtester.plan.spread import spread
from loadtester.plan.trial import MOST_ROWS, WINDOWS, Trial, trials
from loadtester.scenario import Scenario, Window
from loadtester.schedule import Arrivals, Users

_MINUTE_S: Final = 60.0
#: Columns of the chart.
_COLUMNS: Final = 44
_MICRO: Final = Decimal("0.000001")

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

V = TypeVar("V")

#: USD for an input token, and for an output token.
_Rates = tuple[Decimal, Decimal]


def predict(
    scenario: Scenario,
    load: Arrivals | Users,
    prices: PriceTable,
    *,
    most_rows: int = MOST_ROWS,
    parts: int | None = None,
) -> Prediction:
    """Simulate the plan several times and sum it up.

    `most_rows` are simulated in all; of a plan in `parts`, every run simulates one, which stands for the rest.

    Raises FmloadError where a model has no price, or the plan asks nothing.
    """
    rates = [_rates(prices, model) for model in dict.fromkeys(query.model for query in scenario.mix)]
    runs = trials(scenario, load, most_rows=most_rows, parts=parts)
    if not all(len(run.rows) for run in runs):
        raise FmloadError("the plan has no requests", remedy="Give it a higher rate, or more time.")
    rows = runs[0].rows
    quota = quota_of(scenario)

    latencies_s = np.concatenate([_latency_s(run) for run in runs])
    asks_model = np.concatenate([run.rows.asks_model for run in runs])
    in_flight = [_in_flight(run, load.duration_s) for run in runs]
    is_known = all(model_facts(model).is_known for model in rows.models) and (
        is_bundled(scenario) or scenario.target.protocol == "bedrock"
    )
    return Prediction(
        name=scenario.output.name,
        pattern=scenario.load.pattern,
        protocol=scenario.target.protocol,
        seed=scenario.load.seed,
        slo_s=scenario.judge.slo_s,
        duration_s=load.duration_s,
        quota=quota,
        total=_part(runs, [np.ones(len(run.rows), dtype=np.bool_) for run in runs], rates),
        by_query=_parts(runs, rows.queries, lambda run: run.rows.query, rates),
        by_model=_of_models(_parts(runs, rows.models, lambda run: run.rows.model, rates)),
        throttling={window: _throttling(runs, window, scenario, load.duration_s) for window in WINDOWS},
        minutes=slices(runs, load.duration_s, _MINUTE_S),
        timeline=slices(runs, load.duration_s, load.duration_s / _COLUMNS),
        in_flight_mean=float(np.mean([mean for mean, _ in in_flight])),
        in_flight_peak=float(np.mean([peak for _, peak in in_flight])),
        latency_s=_percentiles(latencies_s[asks_model]) if is_known else None,
        cut_rate=float(
            np.mean([np.average(run.luck.is_cut * run.course.admitted, weights=run.weights) for run in runs])
        ),
        sla=_sla(runs, scenario.judge.slo_s) if is_known else None,
        price_table=prices.source,
        rows=len(rows),
        runs=len(runs),
        notes=(
            *notes(scenario, rows, runs[0].weight, max(peak for _, peak in in_flight), is_timed=is_known),
            *bounds(scenario, load, len(rows) * runs[0].weight),
        ),
        origins=scenario.origins,
    )


def _rates(prices: PriceTable, model: str) -> _Rates:
    """USD for an input and an output token; plain requests, which ask no model, cost nothing."""
    if not model:
        return Decimal(0), Decimal(0)
    price = prices.price(model)
    if price is None or price.output is None:
        near = prices.near(model)
        like = f"did you mean {', '.join(near)}? otherwise " if near else ""
        raise FmloadError(
            f"no price is known for the model {model!r}",
            remedy=f"{like}state one in the scenario: prices: {{{model!r}: {{input: 0.80, output: 4.00}}}}",
        )
    return price.input.scaleb(-6), price.output.scaleb(-6)


def _parts(
    runs: Sequence[Trial], names: Sequence[str], key: Callable[[Trial], NDArray[np.int64]], rates: Sequence[_Rates]
) -> dict[str, Part]:
    """Of each name the rows whose key is its place."""
    return {name: _part(runs, [key(run) == place for run in runs], rates) for place, name in enumerate(names)}


def _of_models(parts: dict[str, V]) -> dict[str, V]:
    """Without what asks no model."""
    return {model: part for model, part in parts.items() if model}


def _part(runs: Sequence[Trial], mine: Sequence[Rows], rates: Sequence[_Rates]) -> Part:
    """One sum a run, and the range of the runs' sums."""
    requests: list[float] = []
    refused: list[float] = []
    inputs: list[float] = []
    outputs: list[float] = []
    usd: list[Decimal] = []
    unlimited: list[Decimal] = []
    for run, rows in zip(runs, mine, strict=True):
        course = run.course
        admitted = np.where(rows, course.admitted, 0.0)
        requests.append(run.weights[rows].sum())
        refused.append(_share(run, 1 - course.admitted, rows))
        inputs.append(_tokens(run, course.input_tokens, admitted))
        outputs.append(_tokens(run, course.output_tokens, admitted))
        usd.append(_bill(run, course.output_tokens, admitted, rates))
        unlimited.append(_bill(run, run.luck.output_tokens, rows.astype(np.float64), rates))
    is_thinned = runs[0].weight > 1
    cost = spread([float(one) for one in usd], is_thinned=is_thinned)
    return Part(
        requests=float(np.mean(requests)),
        throttle_rate=spread(refused, is_thinned=is_thinned, most=1.0),
        input_tokens=spread(inputs, is_thinned=is_thinned),
        output_tokens=spread(outputs, is_thinned=is_thinned),
        usd=Money(_mean(usd), _money(cost.low), _money(cost.high)),
        usd_if_all_admitted=_mean(unlimited),
    )


def _bill(run: Trial, output_tokens: NDArray[np.int64], parts: Floats, rates: Sequence[_Rates]) -> Decimal:
    """What the tokens of such parts of the rows cost."""
    usd = Decimal(0)
    for place, (per_input, per_output) in enumerate(rates):
        mine = np.where(run.rows.model == place, parts, 0.0)
        usd += round(_tokens(run, run.course.input_tokens, mine)) * per_input
        usd += round(_tokens(run, output_tokens, mine)) * per_output
    return usd


def _tokens(run: Trial, values: NDArray[np.int64], parts: Floats) -> float:
    return float((values * parts) @ run.weights)


def _mean(amounts: Sequence[Decimal]) -> Decimal:
    return (sum(amounts, Decimal(0)) / len(amounts)).quantize(_MICRO)


def _money(amount: float) -> Decimal:
    return Decimal(str(amount)).quantize(_MICRO)


def _share(run: Trial, parts: Floats, rows: Rows) -> float:
    """The mean of some rows' parts, by how many requests each stands for."""
    return float(np.average(parts[rows], weights=run.weights[rows])) if rows.any() else 0.0


def _throttling(runs: Sequence[Trial], window: Window, scenario: Scenario, duration_s: float) -> Throttling:
    courses = [run.courses[window] for run in runs]
    first_s = [
        float(run.rows.due_s[course.admitted < 1][0]) if (course.admitted < 1).any() else math.inf
        for run, course in zip(runs, courses, strict=True)
    ]
    by_phase = {}
    for name, spans in phases(scenario.load, duration_s).items():
        shares = [
            _share(run, 1 - course.admitted, _within(run.rows.due_s, spans))
            for run, course in zip(runs, courses, strict=True)
        ]
        by_phase[name] = float(np.mean(shares))
    # An even number of runs, half of them without a throttle, has no finite median either.
    usual_s = sorted(first_s)[len(first_s) // 2]
    return Throttling(
        rate=spread(
            [
                float(np.average(1 - course.admitted, weights=run.weights))
                for run, course in zip(runs, courses, strict=True)
            ],
            is_thinned=runs[0].weight > 1,
            most=1.0,
        ),
        by_phase=by_phase,
        first_s=None if math.isinf(usual_s) else usual_s,
        headroom=_of_models(
            {
                model: _mean_free([course.least_free[place] for course in courses])
                for place, model in enumerate(runs[0].rows.models)
            }
        ),
    )


def _mean_free(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return float(np.mean(known)) if known else None


def _within(moments_s: Floats, spans: Iterable[tuple[float, float]]) -> Rows:
    found = np.zeros(len(moments_s), dtype=np.bool_)
    for begin_s, end_s in spans:
        found |= (moments_s >= begin_s) & (moments_s < end_s)
    return found


def _in_flight(run: Trial, duration_s: float) -> tuple[float, float]:
    """Requests under way: their mean over the run by Little's law, and their peak."""
    course = run.course
    took_s = course.end_s - course.start_s
    at_once = run.weights * course.admitted
    moments = np.concatenate([course.start_s[took_s > 0], course.end_s[took_s > 0]])
    steps = np.concatenate([at_once[took_s > 0], -at_once[took_s > 0]])
    # Where one ends as another begins, the end comes first.
    order = np.lexsort((steps, moments))
    peak = float(np.cumsum(steps[order]).max()) if len(moments) else 0.0
    return float(took_s @ at_once / duration_s), peak


def _latency_s(run: Trial) -> Floats:
    """From when each request was due to its answer's end, infinite where there was no whole answer."""
    course = run.course
    is_none = course.is_refused | course.is_late | run.luck.is_cut
    return np.where(is_none, math.inf, course.end_s - run.rows.due_s)


def _sla(runs: Sequence[Trial], slo_s: float) -> float:
    """Whole answers in time over all requests, the mean of the runs."""
    in_time = [(_latency_s(run) <= slo_s) * run.course.admitted for run in runs]
    return float(np.mean([np.average(parts, weights=run.weights) for run, parts in zip(runs, in_time, strict=True)]))


def _percentiles(latencies_s: Floats) -> dict[str, float] | None:
    answered = latencies_s[np.isfinite(latencies_s)]
    if not len(answered):
        return None
    return {f"p{percent}": float(np.percentile(answered, percent)) for percent in (50, 95, 99)}
