"""What a projection starts from: the bill's lines of a run, and how they varied from second to second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import mul
from typing import Any, Final

import numpy as np

from loadtester.cost import bootstrap
from loadtester.cost.bill import CACHE, NOBODY, Line, Lines, Tariff, numbered
from loadtester.cost.lengths import Kept
from loadtester.cost.stated import Stated
from loadtester.errors import FmloadError
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, Recording, measured

#: Part of the messages that may go unanswered without a word.
_FEW: Final = Decimal("0.01")
#: Whom a service names that gave an answer of its own, from no model (docs/target-api.md).
CANNED: Final = "canned"
#: The group of money for calls whose answers were not given.
RETRIED: Final = "retried"
#: The group of everything that was due in the warm-up.
WARMUP: Final = "warmup"
_USELESS: Final = (Outcome.TRUNCATED, Outcome.FILTERED, Outcome.INVALID)


class NothingToPriceError(FmloadError):
    """A run in which nothing is on record that could be priced."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run's messages of one query type, model and outcome cost; `group` is good, useless or failed.

    Or it is `RETRIED`: so many calls that the target made beside those whose answers it gave; or `WARMUP`: that of
    messages due in the warm-up, calls beside their answers included.
    """

    query: str
    model: str
    outcome: str
    group: str
    messages: int
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Basis:
    """Where figures come from.

    `lines` are parts of all messages; `today`, `good` (answers within the SLO), `retries` (attempts after a first),
    `seconds` and `replicates` are known of a run only. `replicates` holds resampled USD per message, shape
    (replicates, lines).
    """

    source: str
    lines: Lines
    messages_per_day: int
    kept: Callable[[Line, int], Kept]
    today: tuple[Spent, ...] = ()
    good: int | None = None
    retries: int | None = None
    seconds: int = 0
    block_s: int | None = None
    replicates: bootstrap.Floats | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stated: tuple[Stated, ...] = ()


def run_basis(
    manifest: Mapping[str, Any],
    run: Recording,
    tariff: Tariff,
    kept: Callable[[Line, int | Decimal], Kept],
    *,
    seed: int = 1,
) -> Basis:
    """The lines of a run, weighed by its scenario's mix. Raises NothingToPriceError where there is nothing.

    `kept` is of the lengths on record, those of lines whose answers were made longer or shorter follow from it.
    Messages that were due count, answered or not; those that a stopped run never sent don't.
    """
    cells = run.cells()
    warm = run.warm()
    if any(getattr(cell, name) < 0 for cell in (*cells.values(), *warm.values()) for name in Cell.__slots__):
        raise FmloadError("the run's timeline has counts below 0", remedy="was it edited?")
    shares, notes = _shares(manifest, cells)
    answered = [cell for key, cell in cells.items() if key.answered_by]
    if not any(map(_has_tokens, answered)):
        raise NothingToPriceError(
            "the run has no usage: no answer told its tokens",
            remedy="price it by assumptions (`fmload cost --assume FILE`), or run against a target that reports usage",
        )
    estimated = sum(cell.estimated for cell in answered)
    if estimated:
        notes.append(f"the tokens of {estimated:,} answers were estimated, not reported")
    lines = numbered(_lines(cells, shares))
    notes += _beside(cells, lines, tariff)
    unanswered = sum((line.share for line in lines if line.model == NOBODY), Decimal(0))
    if unanswered > _FEW:
        notes.append(f"{unanswered:.1%} of the messages got no answer and cost nothing: were they answered, it is more")
    for line in lines:
        if line.is_paid:
            _warn_long(line, tariff, notes)
    seconds = measured(run.intervals)
    block_s, replicates = _replicates(seconds, lines, shares, tariff, seed)
    if replicates is None:
        notes.append(f"under {bootstrap.FEWEST_S} s on record: no intervals")
    return Basis(
        source=f"run {manifest.get('id', '?')}",
        lines=lines,
        messages_per_day=int(manifest["scenario"]["judge"]["daily_messages"]),
        kept=_to_scale(kept, lines),
        today=_today(cells, warm, tariff),
        good=sum(cell.in_slo for key, cell in cells.items() if key.outcome is Outcome.OK),
        retries=_retries(manifest, cells),
        seconds=len(seconds),
        block_s=block_s,
        replicates=replicates,
        notes=tuple(notes),
    )


def _to_scale(kept: Callable[[Line, int | Decimal], Kept], lines: Lines) -> Callable[[Line, int], Kept]:
    """What a limit leaves of a line's answers, all of which are as many times longer as its mean is."""
    recorded = {(line.query, line.model): line.output for line in lines}

    def scaled(line: Line, limit: int) -> Kept:
        mean = recorded.get((line.query, line.model))
        if not mean or not line.output or line.output == mean:
            return kept(line, limit)
        factor = line.output / mean
        found = kept(replace(line, output=mean), limit / factor)
        return replace(found, output=found.output * factor)

    return scaled


def _retries(manifest: Mapping[str, Any], cells: Mapping[CellKey, Cell]) -> int | None:
    """Attempts after a first, which cost nothing: what was throttled was worked on by nobody. None of an older run."""
    is_known = "on_throttle" in manifest["scenario"].get("load", {})
    return sum(cell.retries for cell in cells.values()) if is_known else None


def messages(key: CellKey, cell: Cell) -> int:
    """Messages that count: what a stopped run never sent is none."""
    return cell.sent if key.outcome is Outcome.CANCELLED else cell.count


def answerer(key: CellKey) -> str:
    """The model that answered those that no cache did, or what stands in its place."""
    if key.answered_by == CANNED:
        return NOBODY
    return key.answered_by or (CACHE if key.outcome is Outcome.OK else NOBODY)


def asked(key: CellKey, cell: Cell) -> int:
    """Messages that no cache of the target's answered: a hit names the model that gave its answer once."""
    return max(0, messages(key, cell) - cell.exact_hits - cell.semantic_hits)


def _parts(key: CellKey, cell: Cell) -> Iterator[tuple[str, int, Cell]]:
    """Who answered how many messages: the model, by the tokens of the cell, and the target's cache, by none."""
    hits = messages(key, cell) - asked(key, cell)
    if not hits or asked(key, cell) or _has_tokens(cell):
        yield answerer(key), asked(key, cell), cell
    if hits:
        yield CACHE, hits, Cell()


def _shares(manifest: Mapping[str, Any], cells: Mapping[CellKey, Cell]) -> tuple[dict[str, Decimal], list[str]]:
    mix = {entry["name"]: Decimal(str(entry["share"])) for entry in manifest["scenario"]["mix"]}
    seen = {key.query for key, cell in cells.items() if messages(key, cell)}
    shares = {query: share for query, share in mix.items() if query in seen}
    whole = sum(shares.values(), Decimal(0))
    if not whole:
        raise NothingToPriceError("the run has no message of its mix", remedy="name a run that sent something")
    notes = []
    if unseen := sorted(set(mix) - seen):
        notes.append(f"{', '.join(unseen)} not seen in the run: the others stand in")
    if strangers := sorted(seen - set(mix)):
        notes.append(f"{', '.join(strangers)} left out, being no part of the mix")
    return {query: share / whole for query, share in shares.items()}, notes


def _lines(cells: Mapping[CellKey, Cell], shares: Mapping[str, Decimal]) -> list[Line]:
    counted: dict[tuple[str, str], tuple[int, Cell]] = {}
    for key, cell in cells.items():
        for name, part, used in _parts(key, cell) if key.query in shares else ():
            number, known = counted.get((key.query, name), (0, Cell()))
            counted[key.query, name] = number + part, known.merge(used)
    planned = {query: sum(number for (q, _), (number, _) in counted.items() if q == query) for query in shares}
    return [
        _line(query, model, shares[query] * number / planned[query], cell, number)
        for (query, model), (number, cell) in sorted(counted.items())
        if number
    ]


def _beside(cells: Mapping[CellKey, Cell], lines: Lines, tariff: Tariff) -> list[str]:
    """What was paid for calls to models that never gave an answer of a query type: no line of messages has it."""
    has_line = {(line.query, line.model) for line in lines}
    return [
        f"{key.query}: {key.answered_by} was also asked, and never gave the answer: "
        f"${_usd(answerer(key), cell, tariff):,.4f} of today's bill that the projections leave out"
        for key, cell in cells.items()
        if _has_tokens(cell) and not asked(key, cell) and (key.query, answerer(key)) not in has_line
    ]


def _has_tokens(cell: Cell) -> bool:
    return bool(cell.input or cell.output or cell.cache_read or cell.cache_write)


def _line(query: str, model: str, share: Decimal, cell: Cell, number: int) -> Line:
    return Line(
        query,
        model,
        share,
        input=Decimal(cell.input) / number,
        output=Decimal(cell.output) / number,
        cache_read=Decimal(cell.cache_read) / number,
        cache_write=Decimal(cell.cache_write) / number,
    )


def _warn_long(line: Line, tariff: Tariff, notes: list[str]) -> None:
    limit = tariff.price(line.model).up_to_input_tokens
    if limit is not None and line.prompt > limit:
        notes.append(f"{line.query}: prompts of more than {limit:,} tokens cost more on {line.model}: left out")


def _today(cells: Mapping[CellKey, Cell], warm: Mapping[CellKey, Cell], tariff: Tariff) -> tuple[Spent, ...]:
    rows = [row for key, cell in cells.items() for row in _spent(key, cell, tariff)]
    rows += [
        Spent(key.query, name, key.outcome.value, WARMUP, number, _usd(name, used, tariff))
        for key, cell in warm.items()
        for name, number, used in _parts(key, cell)
        if number or _has_tokens(used)
    ]
    merged: dict[tuple[str, str, str, str], Spent] = {}
    for row in rows:  # cells that differ in the model asked or the kind only
        place = (row.query, row.model, row.outcome, row.group)
        known = merged.get(place)
        merged[place] = row if known is None else Spent(*place, known.messages + row.messages, known.usd + row.usd)
    return tuple(sorted(merged.values(), key=lambda row: (-row.usd, row.query, row.model, row.outcome)))


def _spent(key: CellKey, cell: Cell, tariff: Tariff) -> Iterator[Spent]:
    """What the answers of a cell cost and, apart from them, calls of the target's whose answers were not given."""
    also = Cell(
        input=cell.also_input,
        output=cell.also_output,
        cache_read=cell.also_cache_read,
        cache_write=cell.also_cache_write,
    )
    own = replace(
        cell,
        input=cell.input - also.input,
        output=cell.output - also.output,
        cache_read=cell.cache_read - also.cache_read,
        cache_write=cell.cache_write - also.cache_write,
    )
    outcome = key.outcome.value
    for name, number, used in _parts(key, own):
        if number or _has_tokens(used):
            yield Spent(key.query, name, outcome, _group(key), number, _usd(name, used, tariff))
    if cell.also_calls:
        usd = _usd(answerer(key), also, tariff)
        yield Spent(key.query, answerer(key), outcome, RETRIED, cell.also_calls, usd)


def _group(key: CellKey) -> str:
    if key.outcome is Outcome.OK:
        return "good"
    return "useless" if key.outcome in _USELESS else "failed"


def _usd(name: str, cell: Cell, tariff: Tariff) -> Decimal:
    return tariff.usd_each(_line("", name, Decimal(1), cell, 1))


def _replicates(
    seconds: Sequence[Interval], lines: Lines, shares: Mapping[str, Decimal], tariff: Tariff, seed: int
) -> tuple[int | None, bootstrap.Floats | None]:
    """Resampled USD per message of each line: its query's share × its USD / the query's messages."""
    if len(seconds) < bootstrap.FEWEST_S:
        return None, None
    queries = {query: len(lines) + i for i, query in enumerate(shares)}
    places = {(line.query, line.model): i for i, line in enumerate(lines)}
    columns = np.zeros((len(seconds), len(lines) + len(queries)))
    unit_usd = [_unit_usd(line.model, tariff) if line.is_paid else (0.0,) * 4 for line in lines]
    for second, interval in enumerate(seconds):
        for key, cell in (interval.cells or {}).items():
            if key.query in queries:
                columns[second, queries[key.query]] += messages(key, cell)
            place = places.get((key.query, answerer(key)))
            if place is not None:
                tokens = (cell.input, cell.output, cell.cache_read, cell.cache_write)
                columns[second, place] += sum(map(mul, tokens, unit_usd[place]))
    block_s = bootstrap.block_length(columns[:, : len(lines)].sum(axis=1))
    drawn = bootstrap.sums(columns, block_s, seed)
    means = np.zeros((len(drawn), len(lines)))
    for line in lines:
        counts = drawn[:, queries[line.query]]
        # A resampled run without one message of a type says nothing of it: the type's own mean stands in.
        usual = float(line.share * tariff.usd_each(line))
        weighed = float(shares[line.query]) * drawn[:, line.origin]
        means[:, line.origin] = np.where(counts > 0, weighed / np.maximum(counts, 1), usual)
    return block_s, means


def _unit_usd(model: str, tariff: Tariff) -> tuple[float, ...]:
    """USD of one token of each kind, in the order of a cell's fields; floats, for an interval is no money."""
    rates = tariff.rates(model)
    correction = tariff.corrections.get(model, Decimal(1))
    kinds = ("input", "output", "cache_read", "cache_write")
    return tuple(float((rates[kind] or Decimal(0)).scaleb(-6) * correction) for kind in kinds)
