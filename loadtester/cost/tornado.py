"""Sensitivity: each lever moved by its step both ways, and what that does to the month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from loadtester.cost import levers
from loadtester.cost.bill import NEW, Lines, Tariff, hit_rate, models_of
from loadtester.cost.levers import Lever

_STEP: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Swing:
    """Change of the month in USD with a lever one step down and one step up; None where it can't go there."""

    lever: str
    step: str
    down_usd: Decimal | None
    up_usd: Decimal | None

    @property
    def width_usd(self) -> Decimal:
        """The larger of the two changes."""
        return max(abs(self.down_usd or Decimal(0)), abs(self.up_usd or Decimal(0)))


def tornado(lines: Lines, tariff: Tariff, messages_per_month: Decimal) -> tuple[Swing, ...]:
    """Every lever that applies, the one that moves the month most first."""
    month = tariff.usd_per_message(lines) * messages_per_month

    def change(lever: Lever | None) -> Decimal | None:
        if lever is None:
            return None
        return tariff.usd_per_message(lever.apply(lines)) * messages_per_month - month

    swings = [Swing("messages a day", "±10 %", -month * _STEP, month * _STEP)]
    swings += [Swing(name, step, change(down), change(up)) for name, step, down, up in _levers(lines, tariff)]
    return tuple(sorted(swings, key=lambda swing: -swing.width_usd))


def _levers(lines: Lines, tariff: Tariff) -> Iterator[tuple[str, str, Lever | None, Lever | None]]:
    yield "prompt length", "±10 %", levers.prompt_tokens(1 - _STEP), levers.prompt_tokens(1 + _STEP)
    yield "answer length", "±10 %", levers.answer_tokens(1 - _STEP), levers.answer_tokens(1 + _STEP)
    hits = hit_rate(lines)
    most = hits + levers.unanswered(lines)
    most += sum((line.share for line in lines if line.is_paid and line.is_cacheable), Decimal(0))
    fewer = levers.cache_hits(hits - _STEP) if hits >= _STEP and most > hits else None
    more = levers.cache_hits(hits + _STEP) if hits + _STEP <= most else None
    yield "cache hits", "±10 points", fewer, more
    yield "part by batch", "+10 points", None, levers.batch(_STEP)
    yield from _shift(lines, tariff)


def _shift(lines: Lines, tariff: Tariff) -> Iterator[tuple[str, str, Lever | None, Lever | None]]:
    """Messages from the dearest model to the cheapest, by the mean price of what each is asked."""
    paid = [line for line in lines if line.is_paid and line.origin != NEW]
    part = {model: sum((line.share for line in paid if line.model == model), Decimal(0)) for model in models_of(paid)}
    each = {
        model: tariff.usd_per_message(line for line in paid if line.model == model) / share
        for model, share in part.items()
        if share
    }
    if len(each) < 2:  # noqa: PLR2004  between two models
        return
    cheap, dear = min(each, key=each.__getitem__), max(each, key=each.__getitem__)
    whole = sum(part.values(), Decimal(0))

    def moved(step: Decimal) -> Lever | None:
        to_cheap, to_dear = part[cheap] / whole + step, part[dear] / whole - step
        if to_cheap < 0 or to_dear < 0:
            return None
        kept = {model: share / whole for model, share in part.items()}
        return levers.shares(kept | {cheap: to_cheap, dear: to_dear})

    yield f"share of {cheap} (from {dear})", "±10 points", moved(-_STEP), moved(_STEP)
