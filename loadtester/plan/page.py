"""A prediction as text of 80 columns, and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from loadtester.plan.prediction import Money, Part, Prediction, Range

_WIDTH: Final = 80
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_MINUTE_S: Final = 60.0
_MOST_MINUTES: Final = 10
SCHEMA: Final = 1


def page(prediction: Prediction) -> str:
    """What people read; ends with a line break."""
    parts = [_head, _table, _money, _quota, _chart, _minutes, _service, _settings, _notes]
    return "\n\n".join(text for text in ("\n".join(part(prediction)) for part in parts) if text) + "\n"


def plan_json(prediction: Prediction) -> str:
    """All figures; money as strings with six decimals, times in seconds, shares as fractions."""
    return json.dumps({"schema": SCHEMA, **asdict(prediction)}, indent=2, default=_plain, ensure_ascii=False) + "\n"


def _plain(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _head(plan: Prediction) -> Iterator[str]:
    yield (
        f"{plan.name}: {plan.pattern}, {plan.total.requests:,.0f} requests in {plan.duration_s:g} s "
        f"over {plan.protocol}, seed {plan.seed}"
    )
    yield f"nothing was sent; {plan.runs} simulated runs, in brackets what 90 % of them lie between"


def _table(plan: Prediction) -> Iterator[str]:
    yield f"{'':22}{'requests':>10}{'throttled':>10}{'tokens in':>12}{'out':>11}{'USD':>13}"
    for name, part in (*plan.by_query.items(), *plan.by_model.items(), ("all", plan.total)):
        yield (
            f"{_short(name):22}{part.requests:>10,.0f}{part.throttle_rate.mean:>10.1%}"
            f"{part.input_tokens.mean:>12,.0f}{part.output_tokens.mean:>11,.0f}{part.usd.mean:>13,.4f}"
        )


def _money(plan: Prediction) -> Iterator[str]:
    total: Part = plan.total
    yield f"tokens     in {_count(total.input_tokens)}, out {_count(total.output_tokens)}"
    yield f"cost       {_usd(total.usd)}; without any limit ${total.usd_if_all_admitted:,.4f}"
    yield from _wrap("prices", plan.price_table)


def _quota(plan: Prediction) -> Iterator[str]:
    quota = plan.quota
    limits = [
        f"{limit:,} {noun} a minute"
        for limit, noun in ((quota.tokens_per_minute, "tokens"), (quota.requests_per_minute, "requests"))
        if limit is not None
    ]
    yield f"quota      {' and '.join(limits) + ' for each model' if limits else 'none is known'}"
    for window, throttling in plan.throttling.items():
        if not limits:
            return
        stated = ", as stated" if window == quota.window else ""
        first = "never" if throttling.first_s is None else f"first at {throttling.first_s:.1f} s"
        yield f"  {window:<8} throttled {_percent(throttling.rate)}, {first}{stated}"
        yield "           " + ", ".join(f"{name} {rate:.1%}" for name, rate in throttling.by_phase.items())
        free = {_short(model): part for model, part in throttling.headroom.items() if part is not None}
        if free:
            yield "           least free: " + ", ".join(f"{model} {part:.0%}" for model, part in free.items())


def _chart(plan: Prediction) -> Iterator[str]:
    rates = [one.requests / one.width_s for one in plan.timeline]
    yield f"{'requests/s':23}{_bars(rates, max(rates))} {max(rates):,.1f}"
    refused = [one.throttled / one.width_s for one in plan.timeline]
    if max(refused):
        yield f"{'throttled/s':23}{_bars(refused, max(rates))} {max(refused):,.1f}"
    limit = plan.quota.tokens_per_minute
    yield "tokens a minute reserved; answers give back at their end what they did not use"
    if limit:
        yield f"(a full block is the quota, {limit:,}, or more)"
    for model in plan.by_model:
        held = [one.reserved[model] * _MINUTE_S / one.width_s for one in plan.timeline]
        yield f"  {_short(model)[:20]:21}{_bars(held, limit or max(held))} {max(held):,.0f}"


def _minutes(plan: Prediction) -> Iterator[str]:
    """By minute and model, where they fit; JSON has them all."""
    if len(plan.minutes) > _MOST_MINUTES:
        yield f"{len(plan.minutes)} minutes; --json has the tokens of each"
        return
    yield f"{'from s':>8}  {'model':22}{'tokens reserved':>17}{'used':>14}{'quota':>14}"
    limit = f"{plan.quota.tokens_per_minute:,}" if plan.quota.tokens_per_minute else "–"
    for one in plan.minutes:
        for model in plan.by_model:
            yield (
                f"{one.start_s:>8g}  {_short(model):22}{one.reserved[model]:>17,.0f}{one.used[model]:>14,.0f}"
                f"{limit:>14}"
            )


def _service(plan: Prediction) -> Iterator[str]:
    yield f"in flight  {plan.in_flight_mean:,.1f} at the mean, {plan.in_flight_peak:,.0f} at the peak"
    if plan.latency_s is not None:
        yield "latency    " + ", ".join(f"{name} {value:.3f} s" for name, value in plan.latency_s.items())
    if plan.cut_rate:
        yield f"truncated  {plan.cut_rate:.1%} of all requests get an answer that ends at max_tokens"
    sla = "unknown" if plan.sla is None else f"{plan.sla:.1%}"
    yield f"SLA        {sla} within {plan.slo_s:g} s"


def _settings(plan: Prediction) -> Iterator[str]:
    said = [f"{path}: {origin}" for path, origin in plan.origins.items() if origin != "default"]
    if said:
        yield "where values came from, if not from a default"
        yield from (f"  {line}" for line in said)


def _notes(plan: Prediction) -> Iterator[str]:
    for note in plan.notes:
        yield from textwrap.wrap(note, _WIDTH, initial_indent="→ ", subsequent_indent="  ")


def _bars(values: Sequence[float], full: float) -> str:
    """One block a value, as high as its part of `full`; what is above 0 shows."""
    top = len(_BLOCKS) - 1
    heights = [min(top, max(round(value / full * top), 1 if value > 0 else 0)) if full else 0 for value in values]
    return "".join(_BLOCKS[height] for height in heights)


def _wrap(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{label:11}", subsequent_indent=" " * 11)


def _short(name: str) -> str:
    """A model's id without vendor, date and version; a query type as it is."""
    bare = name.rsplit("/", 1)[-1].rpartition("anthropic.")[2]
    parts = [part for part in bare.split("-") if not (part.isdigit() and len(part) == len("20240229"))]
    return "-".join(parts[:-1] if len(parts) > 1 and parts[-1].startswith("v") else parts)[:22]


def _count(tokens: Range) -> str:
    return f"{tokens.mean:,.0f} ({tokens.low:,.0f} to {tokens.high:,.0f})"


def _usd(usd: Money) -> str:
    return f"${usd.mean:,.4f} (${usd.low:,.4f} to ${usd.high:,.4f})"


def _percent(rate: Range) -> str:
    return f"{rate.mean:.1%} ({rate.low:.1%} to {rate.high:.1%})"
