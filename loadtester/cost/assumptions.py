"""`--assume FILE`: a bill from figures that someone states, each an assumption."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from loadtester.cost.basis import Basis
from loadtester.cost.bill import CACHE, Line, Lines, Tariff, numbered
from loadtester.cost.lengths import Kept, spread_of
from loadtester.cost.page import page
from loadtester.cost.price_file import OFF
from loadtester.cost.prices import PriceTable
from loadtester.cost.stated import Stated, changed
from loadtester.errors import FmloadError

_REMEDY: Final = "docs/cost.md shows a file of assumptions; scenarios/assumptions/mangaassist.yaml is one"
_TOLERANCE: Final = Decimal("0.000001")
#: No message has cost this much; what is dearer is a slip.
_ABSURD_USD: Final = 1_000
#: Of messages or dollars a day; the product of two such numbers has digits enough.
_MOST: Final = 10**12

_T = TypeVar("_T")


class _Query(msgspec.Struct, forbid_unknown_fields=True):
    share: Decimal
    model: str
    tokens_in: Decimal
    tokens_out: Decimal
    cached_tokens: Decimal = Decimal(0)
    out_sigma: float | None = None
    is_cacheable: bool = True


class _Model(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    usd_per_message: Decimal | None = None


class _Change(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    share: dict[str, Decimal] | None = None
    cache_hits: Decimal | None = None
    max_tokens: int | None = None


class _Stated(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    messages: Decimal
    usd_each: Decimal
    usd: Decimal
    why: str
    model: str | None = None
    is_hits: bool = False
    change: _Change | None = None


class _Assumed(msgspec.Struct, forbid_unknown_fields=True):
    messages_per_day: int
    queries: dict[str, Any]
    models: dict[str, Any] = {}
    cache_hits: Decimal = Decimal(0)
    notes: list[str] = []
    stated: list[Any] = []


def assumed_basis(path: Path, table: Callable[[Collection[str]], PriceTable]) -> tuple[Basis, Tariff]:
    """The basis that a file states, and its tariff; `table` makes the price table of its models.

    Raises FmloadError with all its faults.
    """
    faults: list[str] = []
    raw = _convert(page(path, _REMEDY), _Assumed, "", faults)
    if raw is None:
        raise _wrong(path, faults)
    models = _each(raw.models, _Model, "models", faults)
    queries = _each(raw.queries, _Query, "queries", faults)
    stated = [_convert(entry, _Stated, f"stated[{i}]", faults) for i, entry in enumerate(raw.stated)]
    _check(raw, queries, faults)
    _check_models(models, faults)
    for i, entry in enumerate(stated):
        if entry is not None:
            faults += [f"stated[{i}]: {fault}" for fault in _stated_faults(entry)]
    if faults:
        raise _wrong(path, faults)
    ids = {name: model.id for name, model in models.items()}
    missed = 1 - raw.cache_hits
    paid = [_line(name, query, ids, missed) for name, query in queries.items()]
    hits = [Line("(any)", CACHE, raw.cache_hits)] if raw.cache_hits else []
    lines = numbered([*paid, *hits])
    kept_stated = tuple(_stated(entry, ids) for entry in stated if entry is not None)
    _check_changes(kept_stated, lines, faults)
    if faults:
        raise _wrong(path, faults)
    left = spread_of({name: query.out_sigma for name, query in queries.items() if query.out_sigma})
    is_bounded = not all(query.out_sigma for query in queries.values())

    def kept(line: Line, limit: int) -> Kept:
        return left(line.query, line.output, limit)

    listed = Tariff(table({line.model for line in paid} | set(ids.values())))
    corrections = _corrections(models, paid, listed)
    bound = ("without out_sigma, a lower max_tokens saves at least what is shown",) if is_bounded else ()
    basis = Basis(
        source=f"assumptions of {path.name}",
        lines=lines,
        messages_per_day=raw.messages_per_day,
        kept=kept,
        notes=(*raw.notes, *bound),
        stated=kept_stated,
        warnings=tuple(_unit_warnings(corrections)),
    )
    return basis, Tariff(listed.prices, corrections)


def _line(name: str, query: _Query, ids: Mapping[str, str], missed: Decimal) -> Line:
    return Line(
        name,
        ids.get(query.model, query.model),
        query.share * missed,
        input=query.tokens_in - query.cached_tokens,
        output=query.tokens_out,
        cache_read=query.cached_tokens,
        is_cacheable=query.is_cacheable,
    )


def _corrections(models: Mapping[str, _Model], lines: list[Line], tariff: Tariff) -> dict[str, Decimal]:
    """For models with a stated price per message: that, over what the mean message's tokens cost at list price."""
    factors = {}
    for model in models.values():
        mine = [line for line in lines if line.model == model.id]
        by_tokens = tariff.usd_per_message(mine)
        if model.usd_per_message is not None and by_tokens:
            factors[model.id] = model.usd_per_message * sum(line.share for line in mine) / by_tokens
    return factors


def _unit_warnings(corrections: Mapping[str, Decimal]) -> Iterator[str]:
    """A line for each model whose stated price per message is far from what its tokens cost."""
    for model, factor in corrections.items():
        ratio = max(factor, 1 / factor) if factor else Decimal(1)
        if ratio >= OFF:
            side = "above" if factor > 1 else "below"
            yield (
                f"usd_per_message of {model} is {ratio:,.0f} times {side} what its tokens cost at list price: "
                "it is USD for one message"
            )


def _stated(entry: _Stated, ids: Mapping[str, str]) -> Stated:
    change: dict[str, Any] | None = None if entry.change is None else msgspec.structs.asdict(entry.change)
    if change is not None and change["share"] is not None:
        change["share"] = {ids.get(model, model): part for model, part in change["share"].items()}
    change = None if change is None else {name: value for name, value in change.items() if value is not None}
    model = None if entry.model is None else ids.get(entry.model, entry.model)
    return Stated(entry.name, entry.messages, entry.usd_each, entry.usd, entry.why, model, entry.is_hits, change)


def _check(raw: _Assumed, queries: Mapping[str, _Query], faults: list[str]) -> None:
    # What is no number can't be added up; it is named below.
    if not faults and all(query.share.is_finite() for query in queries.values()):
        total = sum((query.share for query in queries.values()), Decimal(0))
        if abs(total - 1) > _TOLERANCE:
            faults.append(f"queries: the shares add up to {total:.6g}, not 1")
    if not _is_within(raw.cache_hits, 1) or raw.cache_hits == 1:
        faults.append(f"cache_hits: {raw.cache_hits} is no share from 0 to less than 1")
    for name, query in queries.items():
        numbers = (query.share, query.tokens_in, query.tokens_out, query.cached_tokens)
        if any(not number.is_finite() or number < 0 for number in numbers):
            faults.append(f"queries.{name}: a share or a number of tokens is negative, or no number")
        elif query.cached_tokens > query.tokens_in:
            faults.append(f"queries.{name}: cached_tokens are a part of tokens_in, and more than all of them")
        if query.out_sigma is not None and not 0 < query.out_sigma <= 5:  # noqa: PLR2004  e^5 is no spread of lengths
            faults.append(f"queries.{name}: out_sigma is {query.out_sigma}, not above 0 and up to 5")


def _check_models(models: Mapping[str, _Model], faults: list[str]) -> None:
    for name, model in models.items():
        usd = model.usd_per_message
        if usd is not None and not _is_within(usd, _ABSURD_USD):
            faults.append(f"models.{name}: usd_per_message is {usd}, not from 0 to ${_ABSURD_USD:,}")


def _stated_faults(entry: _Stated) -> Iterator[str]:
    for name in ("messages", "usd_each", "usd"):
        number = getattr(entry, name)
        if not _is_within(number.copy_abs(), _MOST):
            yield f"{name} is {number}, no number up to {_MOST:,}"
    change = entry.change
    if sum((entry.model is not None, entry.is_hits, change is not None)) != 1:
        yield "one of model, is_hits and change says what it stands for"
    if change is None:
        return
    if sum(value is not None for value in (change.share, change.cache_hits, change.max_tokens)) != 1:
        yield "change has one of share, cache_hits and max_tokens"
    parts = [*(change.share or {}).values(), *(() if change.cache_hits is None else (change.cache_hits,))]
    yield from (f"change: {part} is no part from 0 to 1" for part in parts if not _is_within(part, 1))


def _check_changes(stated: tuple[Stated, ...], lines: Lines, faults: list[str]) -> None:
    """Record the changes that these messages don't allow."""
    for i, one in enumerate(stated):
        try:
            changed(one.change or {}, lines)
        except FmloadError as error:
            faults.append(f"stated[{i}].change: {error.message}")


def _is_within(number: Decimal, most: int) -> bool:
    """Whether it is a number from 0 to `most`: NaN can't even be compared."""
    return number.is_finite() and 0 <= number <= most


def _each(raw: Mapping[str, Any], kind: type[_T], place: str, faults: list[str]) -> dict[str, _T]:
    done = {name: _convert(entry, kind, f"{place}.{name}", faults) for name, entry in raw.items()}
    return {name: entry for name, entry in done.items() if entry is not None}


def _convert(raw: object, kind: type[_T], place: str, faults: list[str]) -> _T | None:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        faults.append(f"{place}: {error}".removeprefix(": "))
        return None


def _wrong(path: Path, faults: list[str]) -> FmloadError:
    return FmloadError(f"{path}: " + "; ".join(faults), remedy=_REMEDY)
