"""What a page needs to pull the commonest levers by itself: a bill's lines as coefficients.

With messages a day N, a share s of the paid messages to one model, a part h of all messages answered by the cache, and
a limit L to answers, a month costs what `fmload cost --messages-per-day N --max-tokens L --share MODEL=s
--exact-hits h` says: the levers are pulled in its order, and each is linear in the lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from loadtester.cost.basis import Basis
from loadtester.cost.bill import Line, Tariff, hit_rate, models_of
from loadtester.cost.calendar import DAYS_IN_MONTH
from loadtester.cost.levers import max_tokens, returned, unanswered

#: Limits to the length of answers that are offered; between them the difference is small.
_LIMITS: Final = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """One line of the bill: `share` of all messages, answered by `model`; it grows by `back` of it without any hits.

    A message costs `prompt_usd` + tokens × `output_usd` at each model that it may move to; `outputs` are its mean
    output tokens as it is, and then under each limit.
    """

    model: str
    share: Decimal
    is_cacheable: bool
    back: Decimal
    prompt_usd: Mapping[str, Decimal]
    output_usd: Mapping[str, Decimal]
    outputs: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A bill that can be asked what if. `lines` are the paid ones, `hits` the part of the messages a cache answered.

    `unanswered` is the part that nobody did, and a cache might: more hits are taken from it too.

    `movable` is the model whose share may be moved, the cheapest of several; None where one model answers all.
    `cuts` says of each limit what it does to answers.
    """

    messages_per_day: int
    month_days: int
    lines: tuple[Coefficients, ...]
    hits: Decimal
    unanswered: Decimal
    movable: str | None
    limits: tuple[int, ...]
    cuts: tuple[str, ...]


def what_if(basis: Basis, tariff: Tariff, most_tokens: int | None) -> WhatIf | None:
    """The coefficients of a basis; `most_tokens` is the limit that holds now.

    None where there was no good answer to project from, or nothing costs anything. Raises FmloadError where a model
    has no price.
    """
    paid = [line for line in basis.lines if line.is_paid]
    if basis.good == 0 or not tariff.usd_per_message(paid):
        return None
    models = models_of(paid)
    limits = tuple(limit for limit in _LIMITS if most_tokens is None or limit < most_tokens)
    return WhatIf(
        messages_per_day=basis.messages_per_day,
        month_days=DAYS_IN_MONTH,
        lines=tuple(_coefficients(line, models, limits, basis, tariff) for line in paid),
        hits=hit_rate(basis.lines),
        unanswered=unanswered(basis.lines),
        movable=min(models, key=lambda model: _mean_usd(paid, model, tariff)) if len(models) > 1 else None,
        limits=limits,
        cuts=tuple(max_tokens(limit, basis.kept, basis.lines).note for limit in limits),
    )


def _coefficients(
    line: Line, models: tuple[str, ...], limits: tuple[int, ...], basis: Basis, tariff: Tariff
) -> Coefficients:
    none = Decimal(0)
    prompt = replace(line, output=none)
    token = replace(line, input=none, cache_read=none, cache_write=none, hour_write=none, output=Decimal(1))
    return Coefficients(
        model=line.model,
        share=line.share,
        is_cacheable=line.is_cacheable,
        back=returned(basis.lines)(line),
        prompt_usd={model: tariff.usd_each(replace(prompt, model=model)) for model in models},
        output_usd={model: tariff.usd_each(replace(token, model=model)) for model in models},
        outputs=(line.output, *(min(line.output, basis.kept(line, limit).output) for limit in limits)),
    )


def _mean_usd(lines: list[Line], model: str, tariff: Tariff) -> Decimal:
    """What the mean message would cost if this model answered all."""
    return tariff.usd_per_message(replace(line, model=model) for line in lines)
