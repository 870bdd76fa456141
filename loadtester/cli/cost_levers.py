"""The what-ifs of `fmload cost`, from its flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from loadtester.cli.amounts import amount, pair, part, parts
from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from loadtester.cost.basis import Basis
    from loadtester.cost.bill import Tariff
    from loadtester.cost.levers import Lever


#: What embeds questions where no model is named.
EMBEDDER: Final = "amazon.titan-embed-text-v2:0"


def asked_levers(given: Mapping[str, Any], basis: Basis, tariff: Tariff) -> list[Lever]:
    """The levers that were asked for, lengths first, then who answers, then at what tariff."""
    from loadtester.cost import levers  # noqa: PLC0415

    _check_partners(given)
    pulled: list[Lever] = []
    if given["prompt_tokens"] is not None:
        pulled.append(levers.prompt_tokens(part("--prompt-tokens", given["prompt_tokens"], is_any=True)))
    if given["answer_tokens"] is not None:
        pulled.append(levers.answer_tokens(part("--answer-tokens", given["answer_tokens"], is_any=True)))
    if given["max_tokens"] is not None:
        # What would be cut depends on how long the answers are by then.
        pulled.append(levers.max_tokens(given["max_tokens"], basis.kept, levers.pull(tuple(pulled), basis.lines)))
    if given["cached_prefix"] is not None:
        pulled.append(_prompt_cache(given, basis, tariff))
    if given["share"]:
        pulled.append(levers.shares(_shares(given["share"], basis, tariff)))
    pulled += [_swap(text, basis, tariff) for text in given["swap"] or ()]
    pulled += [_answered_by(text, basis, tariff) for text in given["query_model"] or ()]
    if given["tier"] is not None:
        pulled.append(levers.tier(given["tier"]))
    if given["batch"] is not None:
        pulled.append(levers.batch(part("--batch", given["batch"])))
    if given["exact_hits"] is not None or given["semantic_hits"] is not None:
        pulled.append(_cache_hits(given))
    return pulled


def _check_partners(given: Mapping[str, Any]) -> None:
    """Raise FmloadError for a flag that says how to pull a lever which isn't pulled."""
    for flag, name, partner, lever in (
        ("--reuses", "reuses", "--cached-prefix", "cached_prefix"),
        ("--hour-cache", "is_hour", "--cached-prefix", "cached_prefix"),
        ("--question-tokens", "question_tokens", "--semantic-hits", "semantic_hits"),
        ("--embedding-model", "embedder", "--semantic-hits", "semantic_hits"),
    ):
        if given[name] not in (None, False) and given[lever] is None:
            raise FmloadError(
                f"{flag} does nothing without {partner}", remedy=f"give {partner} too, or leave it out", code=Exit.USAGE
            )


def _shares(texts: Iterable[str], basis: Basis, tariff: Tariff) -> dict[str, Decimal]:
    """Shares by the names that the bill has for the models."""
    wanted = parts("--share", texts)
    named = {own_name(model, basis, tariff): share for model, share in wanted.items()}
    if len(named) < len(wanted):
        raise FmloadError("--share: two names of one model", remedy="write MODEL=PCT, each model once", code=Exit.USAGE)
    return named


def _swap(text: str, basis: Basis, tariff: Tariff) -> Lever:
    from loadtester.cost.levers import swap  # noqa: PLC0415

    old, new = pair("--swap", text, "OLD=NEW, two models")
    return swap(own_name(old, basis, tariff), new)


def _answered_by(text: str, basis: Basis, tariff: Tariff) -> Lever:
    from loadtester.cost.levers import answered_by  # noqa: PLC0415

    query, model = pair("--query-model", text, "QUERY=MODEL, a query type and a model")
    return answered_by(query, own_name(model, basis, tariff))


def own_name(model: str, basis: Basis, tariff: Tariff) -> str:
    """The name that the bill has for a model which goes by several. Raises FmloadError where it may be two of them."""
    from loadtester.cost.bill import models_of  # noqa: PLC0415

    return tariff.prices.among(model, models_of(basis.lines))


def _prompt_cache(given: Mapping[str, Any], basis: Basis, tariff: Tariff) -> Lever:
    from loadtester.cost.bill import dearest  # noqa: PLC0415
    from loadtester.cost.levers import break_even_reuses, prompt_cache  # noqa: PLC0415

    if given["reuses"] is None:
        even = break_even_reuses(dearest(basis.lines, tariff), tariff, is_hour=given["is_hour"])
        hint = "" if even is None else f"; it pays from {even:.2f} on"
        raise FmloadError(
            f"--cached-prefix needs --reuses, the reads for each write{hint}", remedy="--reuses 20", code=Exit.USAGE
        )
    reads = amount("--reuses", given["reuses"])
    return prompt_cache(given["cached_prefix"], reads, tariff, is_hour=given["is_hour"], lines=basis.lines)


def _cache_hits(given: Mapping[str, Any]) -> Lever:
    from loadtester.cost.levers import cache_hits  # noqa: PLC0415

    exact = part("--exact-hits", given["exact_hits"] or "0")
    semantic = part("--semantic-hits", given["semantic_hits"] or "0")
    if given["question_tokens"] is not None and given["question_tokens"] < 1:
        raise FmloadError(f"--question-tokens is {given['question_tokens']}", remedy="write 1 or more", code=Exit.USAGE)
    if semantic and given["question_tokens"] is None:
        raise FmloadError(
            "--semantic-hits needs --question-tokens: each lookup embeds the question",
            remedy="--question-tokens 30, the mean length of what customers type",
            code=Exit.USAGE,
        )
    return cache_hits(exact, semantic, given["embedder"] or EMBEDDER, given["question_tokens"] or 0)
