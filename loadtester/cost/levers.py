"""What-ifs: each turns a bill's lines into others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from loadtester.cost.bill import CACHE, NEW, Line, Lines, Tariff, hit_rate, models_of
from loadtester.cost.lengths import Kept
from loadtester.cost.overlay import overlay
from loadtester.errors import Exit, FmloadError

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Lever:
    """A change by its name. `note` is what it takes for granted."""

    name: str
    apply: Callable[[Lines], Lines]
    note: str = ""


def pull(levers: tuple[Lever, ...], lines: Lines) -> Lines:
    """The lines after every lever, in their order."""
    for lever in levers:
        lines = lever.apply(lines)
    return lines


def prompt_tokens(part: Decimal) -> Lever:
    """Prompts of `part` their length, cached tokens too."""

    def apply(lines: Lines) -> Lines:
        return tuple(
            replace(
                line,
                input=line.input * part,
                cache_read=line.cache_read * part,
                cache_write=line.cache_write * part,
                hour_write=line.hour_write * part,
            )
            for line in lines
        )

    return Lever(f"prompts × {part:f}", apply)


def answer_tokens(part: Decimal) -> Lever:
    """Answers of `part` their length."""
    return Lever(f"answers × {part:f}", lambda lines: tuple(replace(line, output=line.output * part) for line in lines))


def max_tokens(limit: int, kept: Callable[[Line, int], Kept], lines: Lines) -> Lever:
    """No answer longer than `limit`; `lines` tell how many would be cut, which are no good answers any more."""
    if limit < 1:
        raise FmloadError(f"--max-tokens is {limit}", remedy="write 1 or more", code=Exit.USAGE)

    def apply(lines: Lines) -> Lines:
        return tuple(replace(line, output=min(line.output, kept(line, limit).output)) for line in lines)

    cut = _cut(lines, limit, kept)
    return Lever(
        f"max_tokens {limit:,}",
        apply,
        "lengths unknown: it saves at least this" if cut is None else f"{cut:.1%} of the answers would be cut",
    )


def _cut(lines: Lines, limit: int, kept: Callable[[Line, int], Kept]) -> Decimal | None:
    """The part of all answers that the limit would cut; None where lengths are not known."""
    paid = [(line.share, kept(line, limit).cut) for line in lines if line.is_paid and line.output]
    cuts = [share * cut for share, cut in paid if cut is not None]
    whole = sum((share for share, _ in paid), Decimal(0))
    return sum(cuts, Decimal(0)) / whole if whole and len(cuts) == len(paid) else None


def prompt_cache(prefix: int, reuses: Decimal, tariff: Tariff, *, is_hour: bool = False, lines: Lines = ()) -> Lever:
    """The first `prefix` tokens of each prompt cached, each write read `reuses` times before it is forgotten.

    Prompts to models that have no price for that stay as they are; those of `lines` are named.
    """

    def is_priced(model: str) -> bool:
        price = tariff.price(model)
        return price.cache_read != price.input

    def cached(line: Line) -> Line:
        if not line.is_paid or not is_priced(line.model):
            return line
        held = min(Decimal(prefix), line.input)
        written, read = held / (1 + reuses), held * reuses / (1 + reuses)
        kind = "hour_write" if is_hour else "cache_write"
        return replace(
            line,
            input=line.input - held,
            cache_read=line.cache_read + read,
            **{kind: getattr(line, kind) + written},
        )

    def apply(lines: Lines) -> Lines:
        paid = [line for line in lines if line.is_paid]
        mean = sum((line.share * line.prompt for line in paid), Decimal(0)) / (sum(line.share for line in paid) or _ONE)
        if not 0 < prefix <= mean:
            raise FmloadError(
                f"--cached-prefix is {prefix:,}, and the mean prompt has {mean:,.0f} tokens",
                remedy="give the length of what all prompts begin with: 1 or more, and no longer than the mean one",
                code=Exit.USAGE,
            )
        return tuple(cached(line) for line in lines)

    name = f"prompt cache of {prefix:,} tokens, {reuses:f} reads a write{', for an hour' if is_hour else ''}"
    note = "models don't cache prefixes under a length of their own, which is not known here"
    if without := [model for model in models_of(lines) if not is_priced(model)]:
        names = ", ".join(without)
        name += f"; not {names}"
        note += f"; {names}: no price for cached prompts is known, so none are (--prices can state cache_read)"
    return Lever(name, apply, note)


def break_even_reuses(model: str, tariff: Tariff, *, is_hour: bool = False) -> Decimal | None:
    """Reads per write from which caching a prompt is cheaper: (write - input) / (input - read).

    None where it never is.
    """
    rates = tariff.rates(model)
    price, write = rates["input"], rates["hour_write" if is_hour else "cache_write"]
    read = rates["cache_read"]
    if price is None or write is None or read is None or price <= read:
        return None
    return max(Decimal(0), (write - price) / (price - read))


def swap(old: str, new: str) -> Lever:
    """Another model in the place of one, for the same tokens."""

    def apply(lines: Lines) -> Lines:
        if all(line.model != old for line in lines):
            models = ", ".join(models_of(lines))
            raise FmloadError(f"--swap: no message goes to {old}", remedy=f"it has {models}", code=Exit.USAGE)
        return tuple(replace(line, model=new) if line.model == old else line for line in lines)

    return Lever(f"{new} in place of {old}", apply, "another model's tokens for a text may differ")


def answered_by(query: str, model: str) -> Lever:
    """One query type's messages to a model, for the same tokens."""

    def apply(lines: Lines) -> Lines:
        queries = sorted({line.query for line in lines if line.is_paid})
        if query not in queries:
            raise FmloadError(
                f"--query-model: no model answers {query}", remedy=f"it has {', '.join(queries)}", code=Exit.USAGE
            )
        return tuple(replace(line, model=model) if line.is_paid and line.query == query else line for line in lines)

    return Lever(f"{query} to {model}", apply, "messages that move keep their tokens")


def shares(wanted: Mapping[str, Decimal]) -> Lever:
    """These parts of the paid messages to these models, the rest to the others in their proportion.

    Messages that move keep their tokens. Raises FmloadError where the parts don't add up.
    """
    total = sum(wanted.values(), Decimal(0))
    if total > 1 or any(share < 0 for share in wanted.values()):
        raise _bad_shares(f"--share: the shares add up to {total:.4g}")

    def apply(lines: Lines) -> Lines:
        now: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in lines:
            if line.is_paid:
                now[line.model] += line.share
        paid = sum(now.values(), Decimal(0))
        others = sum((share for model, share in now.items() if model not in wanted), Decimal(0))
        if total < 1 and not others:
            raise _bad_shares(f"--share: the shares add up to {total:.4g}, and no other model is there for the rest")
        then = {model: share * (paid * (1 - total) / others if others else Decimal(0)) for model, share in now.items()}
        then |= {model: share * paid for model, share in wanted.items()}
        gains = {model: then[model] - now[model] for model in then if then[model] > now[model]}
        return tuple(part for line in lines for part in _moved(line, now, then, gains))

    names = ", ".join(f"{share:.1%} to {model}" for model, share in wanted.items())
    return Lever(names, apply, "messages that move keep their tokens")


def _moved(line: Line, now: Mapping[str, Decimal], then: Mapping[str, Decimal], gains: Mapping[str, Decimal]) -> Lines:
    if not line.is_paid or then[line.model] >= now[line.model]:
        return (line,)
    stays = then[line.model] / now[line.model]
    gained = sum(gains.values(), Decimal(0))
    moved = tuple(replace(line.times((1 - stays) * gain / gained), model=model) for model, gain in gains.items())
    return (line.times(stays), *moved) if stays else moved


def _bad_shares(message: str) -> FmloadError:
    return FmloadError(message, remedy="give shares of 0% to 100% that add up to 100%, or less", code=Exit.USAGE)


def cache_hits(exact: Decimal, semantic: Decimal = Decimal(0), embedder: str = "", question_tokens: int = 0) -> Lever:
    """The part of all messages that the exact cache answers, and of the rest the part that the semantic one does.

    More hits are taken alike from messages that a model answers and from those that nobody does; of fewer, each query
    type's models get back what was theirs.
    Looking up the semantic cache costs an embedding of `question_tokens` for each message that the exact one missed.
    """
    wanted = exact + (1 - exact) * semantic
    if not (0 <= exact <= 1 and 0 <= semantic <= 1):
        raise FmloadError("a hit rate lies outside 0% to 100%", remedy="write 50%", code=Exit.USAGE)

    def apply(lines: Lines) -> Lines:
        hits = hit_rate(lines)
        paid = sum((line.share for line in lines if _may_hit(line) and line.is_paid), Decimal(0))
        movable = paid + unanswered(lines)
        if wanted - hits > movable:
            raise FmloadError(
                f"a hit rate of {wanted:.1%} is beyond the {movable + hits:.1%} of the messages that may be cached",
                remedy="lower --exact-hits or --semantic-hits",
                code=Exit.USAGE,
            )
        if wanted != hits and not paid:
            raise FmloadError(
                "no message that may be cached goes to a model",
                remedy="leave --exact-hits and --semantic-hits out",
                code=Exit.USAGE,
            )
        if wanted < hits:
            growth = returned(lines)
            missed = [line.times(1 + (1 - wanted / hits) * growth(line)) for line in lines if line.model != CACHE]
        else:
            stays = 1 - (wanted - hits) / movable if movable else _ONE
            missed = [line.times(stays) if _may_hit(line) else line for line in lines if line.model != CACHE]
        hit = (Line("(any)", CACHE, wanted, origin=NEW),) if wanted else ()
        return (*missed, *hit, *lookups)

    share = 1 - exact
    lookups = (Line("(lookup)", embedder, share, input=Decimal(question_tokens), origin=NEW),) if semantic else ()
    name = f"cache hits {exact:.1%} exact" + (f", {semantic:.1%} of the rest semantic" if semantic else "")
    return Lever(name, apply, "a hit costs no tokens" + (" but its embedding" if semantic else ""))


def unanswered(lines: Lines) -> Decimal:
    """The part of the messages that nobody answered, and a cache might."""
    return sum((line.share for line in lines if _may_hit(line) and not line.is_paid), Decimal(0))


def returned(lines: Lines) -> Callable[[Line], Decimal]:
    """By which part of itself a line grows if no cache answers: hits go to the models of their own query type.

    Those of no type that a model answers go to all lines alike.
    """
    paid = _by_query(line for line in lines if _may_hit(line) and line.is_paid and line.share)
    hit = _by_query(line for line in lines if line.model == CACHE)
    whole = sum(paid.values(), Decimal(0))
    strays = sum((share for query, share in hit.items() if query not in paid), Decimal(0))

    def growth(line: Line) -> Decimal:
        if not (line.is_paid and line.is_cacheable and line.query in paid):
            return Decimal(0)
        return hit.get(line.query, Decimal(0)) / paid[line.query] + strays / whole

    return growth


def _by_query(lines: Iterable[Line]) -> dict[str, Decimal]:
    shares: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        shares[line.query] += line.share
    return dict(shares)


def _may_hit(line: Line) -> bool:
    return line.is_cacheable and line.model != CACHE


def tier(name: str) -> Lever:
    """All that is answered at once on another service tier."""
    factor = overlay().tier(name)
    return Lever(
        f"{name} tier",
        lambda lines: _factored(lines, factor, _ONE),
        "where the model offers the tier; the answers alike",
    )


def batch(part: Decimal) -> Lever:
    """`part` of the messages can wait, and goes by batch; batches have no tier of their own."""
    if not 0 <= part <= 1:
        raise FmloadError("--batch lies outside 0% to 100%", remedy="write --batch 20%", code=Exit.USAGE)
    return Lever(
        f"{part:.1%} by batch", lambda lines: _factored(lines, overlay().batch, part), "batches take up to 24 hours"
    )


def _factored(lines: Lines, factor: Decimal, part: Decimal) -> Lines:
    return tuple(piece for line in lines for piece in _split(line, factor, part) if piece.share)


def _split(line: Line, factor: Decimal, part: Decimal) -> Lines:
    if not line.is_paid:
        return (line,)
    return line.times(1 - part), replace(line.times(part), factor=factor)
