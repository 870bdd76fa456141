"""Published prices, from the data shipped in the package genai-prices: never from a network.

Importing this module takes about 0.2 s, so it is imported when a price table is made.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from genai_prices import __version__
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from loadtester.cost.price import Price

NAME: Final = f"genai-prices {__version__}"

#: Ours, not the package's current one: another library may have put downloaded prices there.
_SNAPSHOT: Final = DataSnapshot(providers=providers, from_auto_update=False)
_BEDROCK: Final = next(provider for provider in providers if provider.id == "aws")

#: The package's own prefixes of Bedrock ids: `regional` stands for all that isn't `global`.
_REACHES: Final = ("global", "regional")
_VENDORS: Final = frozenset(
    parts[parts[0] in _REACHES] for parts in (model.id.split(".", 2) for model in _BEDROCK.models)
)

#: ARNs whose last part is a model id; those of provisioned, custom and imported models say nothing of a price.
_ARN_KINDS: Final = ("foundation-model", "inference-profile")

#: Prices of a plain chat answer that do not go by input and output tokens alone: no such model is priced.
_BEYOND_TOKENS: Final = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


def listed(model: str, at: datetime) -> Price | None:
    """The listed price of a model at a moment, None where there is none or it does not go by tokens alone.

    `model` is a Bedrock model id, inference profile (`anthropic.…`, `jp.anthropic.…`) or ARN of either, or the name
    under which a model's own vendor offers it (`gpt-4o`, `claude-sonnet-4-5`).
    """
    found = _find(model)
    if found is None:
        return None
    provider, info = found
    prices, note = _standard(info, at)
    if any(getattr(prices, key) is not None for key in _BEYOND_TOKENS):
        return None
    per_input = _base(prices.input_mtok)
    if per_input is None:
        return None
    read, write = _base(prices.cache_read_mtok), _base(prices.cache_write_mtok)
    return Price(
        input=per_input,
        output=_base(prices.output_mtok),
        cache_read=per_input if read is None else read,
        cache_write=per_input if write is None else write,
        source=f"{NAME}: {provider.name} {_public(info)}{note}",
        up_to_input_tokens=_limit(prices),
    )


def near(model: str, at: datetime) -> tuple[str, ...]:
    """Names that have a price at a moment and look like `model`, the likeliest first; Bedrock's for one of its form."""
    name = (_bare_id(model) or model).lower()
    whose = (_BEDROCK,) if _is_bedrock(name) else providers
    names = dict.fromkeys(_public(info) for provider in whose for info in provider.models)
    # Some listed models have no price, and some names lead to another provider's.
    close = get_close_matches(name, names, n=20)
    return tuple(one for one in close if listed(one, at) is not None)[:5]


def is_same(model: str, other: str, at: datetime) -> bool:
    """Whether both names have one price in the catalogue: profiles that cost alike, and ARNs."""
    found = _find(model)
    return found is not None and found == _find(other) and listed(model, at) is not None


def is_resold(model: str, other: str) -> bool:
    """Whether they are one model at two prices, its vendor's own and Bedrock's."""
    mine, its = _bare_id(model) or "", _bare_id(other) or ""
    of_vendor = _of_vendor(mine)
    return _is_bedrock(mine) != _is_bedrock(its) and of_vendor is not None and of_vendor == _of_vendor(its)


def source(at: datetime) -> str:
    """The package, its version, and the last price change up to `at` that its data know of, if any."""
    changes = [
        change.constraint.start_date
        for provider in providers
        for info in provider.models
        for change in _conditions(info)
        if isinstance(change.constraint, StartDateConstraint) and change.constraint.active(at)
    ]
    return f"{NAME} (last price change in it: {max(changes)})" if changes else NAME


def _find(model: str) -> tuple[Provider, ModelInfo] | None:
    name = _bare_id(model)
    if name is None:
        return None
    parts = name.split(".", 2)
    if not _is_bedrock(name):
        return _look_up(name, None)
    found = _look_up(name, _BEDROCK.id)
    if found is None and parts[0] not in _VENDORS and parts[0] not in _REACHES:
        # A geography that the data don't name; all geographies cost the same as the region itself.
        found = _look_up(name.partition(".")[2], _BEDROCK.id)
    return found


def _is_bedrock(name: str) -> bool:
    """Whether a name has the form of Bedrock's: a vendor before its first or second dot."""
    return bool(_VENDORS.intersection(name.split(".", 2)[:2]))


def _of_vendor(name: str) -> tuple[Provider, ModelInfo] | None:
    """The model as its own vendor lists it."""
    return _look_up(name.rpartition(".")[2] if _is_bedrock(name) else name, None)


def _look_up(name: str, provider_id: str | None) -> tuple[Provider, ModelInfo] | None:
    try:
        return _SNAPSHOT.find_provider_model(name, None, provider_id, None)
    except LookupError:
        return None


def _bare_id(model: str) -> str | None:
    """The model id at the end of an ARN, where there is one; other names as they are, in lower case."""
    if not model.startswith("arn:"):
        return model.lower()
    kind, _, name = model.rpartition(":bedrock:")[2].partition("/")
    return name.lower() if kind.rpartition(":")[2] in _ARN_KINDS else None


def _standard(info: ModelInfo, at: datetime) -> tuple[ModelPrice, str]:
    """The prices in force at `at`; of those that change with the time of day, the dearest, and a note that says so."""
    by_hour = []
    for condition in reversed(_conditions(info)):
        if isinstance(condition.constraint, TimeOfDateConstraint):
            by_hour.append(condition.prices)
        elif condition.constraint is None or condition.constraint.active(at):
            if not by_hour:
                return condition.prices, ""
            return max(condition.prices, *by_hour, key=_weight), ", at its dearest time of day"
    return _conditions(info)[0].prices, ""


def _conditions(info: ModelInfo) -> list[ConditionalPrice]:
    return info.prices if isinstance(info.prices, list) else [ConditionalPrice(prices=info.prices)]


def _weight(prices: ModelPrice) -> Decimal:
    return (_base(prices.input_mtok) or Decimal(0)) + (_base(prices.output_mtok) or Decimal(0))


def _base(rate: Decimal | TieredPrices | None) -> Decimal | None:
    return rate.base if isinstance(rate, TieredPrices) else rate


def _limit(prices: ModelPrice) -> int | None:
    rates = (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok, prices.cache_write_mtok)
    return min((tier.start for rate in rates if isinstance(rate, TieredPrices) for tier in rate.tiers), default=None)


def _public(info: ModelInfo) -> str:
    return info.id.removeprefix("regional.")
