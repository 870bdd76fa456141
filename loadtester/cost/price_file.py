"""`--prices FILE`: the user's own prices, and a warning where their unit looks wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from loadtester.cost.page import page
from loadtester.cost.prices import PriceTable
from loadtester.errors import FmloadError

_REMEDY: Final = "write `MODEL: {input: 3, output: 15}` in USD per 1M tokens; docs/cost.md shows a price file"

#: No model has cost this much for 1M tokens; what is dearer is a slip.
_ABSURD_USD: Final = Decimal(10_000)
#: A price that is this many times off the published one was meant for another number of tokens.
OFF: Final = Decimal(200)
_KEYS: Final = ("input", "output", "cache_read", "cache_write")


def price_file(path: Path) -> dict[str, dict[str, Decimal]]:
    """Prices by model, for `price_table`. Raises FmloadError with all faults at once."""
    data = page(path, _REMEDY)
    models = data["prices"] if set(data) == {"prices"} else data
    if not isinstance(models, dict):
        raise FmloadError(f"{path}: prices: holds no models", remedy=_REMEDY)
    faults: list[str] = []
    prices = {model: _of(str(model), stated, faults) for model, stated in models.items()}
    if faults:
        raise FmloadError(f"{path}: " + "; ".join(faults), remedy=_REMEDY)
    return prices


def for_models(
    stated: Mapping[str, dict[str, Decimal]], models: Collection[str], published: PriceTable, path: Path
) -> dict[str, dict[str, Decimal]]:
    """The prices by the names that `models` have. Raises FmloadError for a price that none of them would be asked."""
    found = by_asked(stated, models, published, path)
    for key in found:
        if key not in models:
            close = get_close_matches(key, sorted(models), n=3) or sorted(models)
            raise FmloadError(f"{path}: no message goes to {key}", remedy=f"did you mean {', '.join(close)}?")
    return found


def by_asked(
    stated: Mapping[str, dict[str, Decimal]], models: Collection[str], published: PriceTable, path: Path
) -> dict[str, dict[str, Decimal]]:
    """The prices by the names that `models` have, where they have one, each once; others by their own."""
    found: dict[str, dict[str, Decimal]] = {}
    for key, prices in stated.items():
        model = published.among(key, models)
        if model in found:
            raise FmloadError(f"{path}: {key} is another name of {model}", remedy="state each model's prices once")
        found[model] = prices
    return found


def unit_warnings(own: Mapping[str, Mapping[str, Decimal]], published: PriceTable) -> tuple[str, ...]:
    """A line for each price that is about a thousand times above or below the published one."""
    warnings = []
    for model, stated in own.items():
        price = published.price(model)
        for key, usd in stated.items():
            listed = None if price is None else getattr(price, key)
            if not listed or not usd:
                continue
            ratio = max(usd / listed, listed / usd)
            if ratio >= OFF:
                side = "above" if usd > listed else "below"
                warnings.append(
                    f"{model}.{key} is ${usd:f}, {ratio:,.0f} times {side} the published ${listed:f}: "
                    f"prices are USD per 1M tokens, not per {'token or 1K' if usd < listed else '1B'}"
                )
    return tuple(warnings)


def _of(model: str, stated: object, faults: list[str]) -> dict[str, Decimal]:
    if not isinstance(stated, dict):
        faults.append(f"{model} is no mapping of prices")
        return {}
    faults += [f"{model}.{key} is not a kind of token" for key in stated if key not in _KEYS]
    return {key: _usd(f"{model}.{key}", stated[key], faults) for key in _KEYS if key in stated}


def _usd(place: str, text: object, faults: list[str]) -> Decimal:
    try:
        usd = Decimal(str(text).removeprefix("$"))
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd < 0:
        faults.append(f"{place} is {text!r}, not an amount of USD")
    elif usd > _ABSURD_USD:
        faults.append(f"{place} is ${usd:,f} per 1M tokens, which no model costs")
    return usd
