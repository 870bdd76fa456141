"""The price table of a run: published prices, with the user's own before them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from loadtester.cost.price import Price
from loadtester.errors import Exit, FmloadError
from loadtester.model import Usage

_KEYS: Final = ("input", "output", "cache_read", "cache_write")

_NOWHERE: Final[Mapping[str, str]] = {}

#: USD for one token: input, output, cache read, cache write.
_Rates = tuple[Decimal, Decimal | None, Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices at one moment (`at`). `own` are the user's, by model; `source` names and dates the rest.

    What was looked up is kept, so that the price of a request takes about a microsecond.
    """

    own: Mapping[str, Price]
    at: datetime
    source: str
    _found: dict[str, Price | None] = field(default_factory=dict, repr=False, compare=False)
    _rates: dict[str, _Rates | None] = field(default_factory=dict, repr=False, compare=False)

    def price(self, model: str) -> Price | None:
        """The price of a model's tokens; None where nobody has stated one."""
        if model not in self._found:
            self._found[model] = self._look_up(model)
        return self._found[model]

    def usd(self, model: str, usage: Usage) -> Decimal | None:
        """What these tokens of a model cost, exactly; None where the model, or a kind of token used, has no price.

        Linear, so that the cost of summed tokens is the sum of the costs: where long prompts cost more, their surcharge
        is left out (`Price.up_to_input_tokens` says from where on).
        """
        try:
            rates = self._rates[model]
        except KeyError:
            price = self.price(model)
            rates = self._rates[model] = None if price is None else _rates_of(price)
        if rates is None:
            # A canned answer: nothing was asked of a model.
            is_free = not (usage.input or usage.output or usage.cache_read or usage.cache_write)
            return Decimal(0) if is_free else None
        per_input, per_output, per_read, per_write = rates
        usd = per_input * usage.input
        if usage.output:
            if per_output is None:
                return None
            usd += per_output * usage.output
        if usage.cache_read:
            usd += per_read * usage.cache_read
        if usage.cache_write:
            usd += per_write * usage.cache_write
        return usd

    def near(self, model: str) -> tuple[str, ...]:
        """Priced models whose names look like `model`, the likeliest first: for an error message."""
        from loadtester.cost.catalogue import near  # noqa: PLC0415  # loads the whole catalogue

        return near(model, self.at)

    def among(self, model: str, models: Collection[str]) -> str:
        """The one of `models` that `model` is another name of, or `model` itself.

        Raises FmloadError where it may be several of them, or is what another provider calls one.
        """
        from loadtester.cost.catalogue import is_resold, is_same  # noqa: PLC0415  # loads the whole catalogue

        if model in models or model in self.own:
            return model
        meant = sorted(one for one in models if is_same(model, one, self.at))
        resold = sorted(one for one in models if is_resold(model, one))
        if len(meant) > 1 or (not meant and resold):
            raise FmloadError(
                f"{model} may mean {' or '.join(meant or resold)}", remedy="write it that way", code=Exit.USAGE
            )
        return meant[0] if meant else model

    def _look_up(self, model: str) -> Price | None:
        from loadtester.cost.catalogue import listed  # noqa: PLC0415  # loads the whole catalogue

        return self.own.get(model) or listed(model, self.at)


def price_table(
    overrides: Mapping[str, Mapping[str, Decimal]], *, at: datetime | None = None, places: Mapping[str, str] = _NOWHERE
) -> PriceTable:
    """A table of the prices published at `at` (now), in which `overrides` win.

    Overrides are, by model, `input`, `output`, `cache_read` and `cache_write` in USD per 1M tokens (decimal strings are
    taken too); what one leaves out is the published price. `places` says of models where they are stated, if not in the
    scenario. Raises FmloadError with all faults at once. Loads the
    catalogue, which takes about 0.2 s, so that no lookup during a run has to.
    """
    from loadtester.cost.catalogue import listed, source  # noqa: PLC0415  # loads the whole catalogue

    moment = at or datetime.now(UTC)
    faults: list[str] = []
    own = {model: _own(model, prices, listed(model, moment), faults) for model, prices in overrides.items()}
    if faults:
        raise FmloadError(
            "prices that can't be used: " + "; ".join(faults),
            remedy=f"Give each model {', '.join(_KEYS)} in USD per 1M tokens, 0 or more; at least input and output.",
        )
    by_place: dict[str, list[str]] = {}
    for model in sorted(own):
        by_place.setdefault(places.get(model, "the scenario"), []).append(model)
    named = (f"; {', '.join(models)} as stated in {place}" for place, models in by_place.items())
    return PriceTable(own, moment, source(moment) + "".join(named))


def _own(model: str, stated: Mapping[str, Decimal], published: Price | None, faults: list[str]) -> Price:
    unknown = sorted(set(stated) - set(_KEYS))
    faults += [f"prices.{model}.{key} is not a kind of token" for key in unknown]
    rates = {key: _amount(stated[key], f"prices.{model}.{key}", faults) for key in _KEYS if key in stated}
    if published is None:
        faults += [f"prices.{model}.{key} is missing" for key in ("input", "output") if key not in stated]
        published = Price(Decimal(0), None, Decimal(0), Decimal(0), "")
    per_input = rates.get("input", published.input)
    is_whole = {"input", "output"} <= set(stated)
    return Price(
        input=per_input,
        output=rates.get("output", published.output),
        # A cache price that only stands for the input price follows it.
        cache_read=rates.get("cache_read", _follow(published.cache_read, published.input, per_input)),
        cache_write=rates.get("cache_write", _follow(published.cache_write, published.input, per_input)),
        source=f"scenario ({', '.join(key for key in _KEYS if key in stated)})",
        up_to_input_tokens=None if is_whole else published.up_to_input_tokens,
    )


def _follow(rate: Decimal, old: Decimal, new: Decimal) -> Decimal:
    return new if rate == old else rate


def _amount(stated: Decimal | str, place: str, faults: list[str]) -> Decimal:
    try:
        amount = Decimal(str(stated))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        faults.append(f"{place} is {stated!r}")
        return Decimal(0)
    return amount


def _rates_of(price: Price) -> _Rates:
    per_output = None if price.output is None else price.output.scaleb(-6)
    return price.input.scaleb(-6), per_output, price.cache_read.scaleb(-6), price.cache_write.scaleb(-6)
