"""Kept exchanges as text to read, outcome by outcome, those that failed first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from loadtester.model import Outcome
from loadtester.recorder import Exchange

_INDENT = "    "


def by_outcome(kept: Sequence[Exchange]) -> list[tuple[Outcome, list[Exchange]]]:
    """The exchanges of each outcome, in the order of docs/measurement.md, ok last."""
    places = {outcome: place for place, outcome in enumerate(Outcome)} | {Outcome.OK: len(Outcome)}
    ordered = sorted(kept, key=lambda one: places[one.outcome])
    return [(outcome, list(some)) for outcome, some in groupby(ordered, key=lambda one: one.outcome)]


def exchanges_text(kept: Sequence[Exchange]) -> str:
    """What `fmload report RUN --exchanges` prints."""
    return "\n".join(
        line
        for outcome, some in by_outcome(kept)
        for line in (f"{outcome} ({len(some)})\n", *(line for one in some for line in _one(one)))
    )


def headline(one: Exchange) -> str:
    """Which request it was, and what it asked of whom."""
    model = one.model or "no model"
    answered = f", answered by {one.answered_by}" if one.answered_by not in (None, "", one.model) else ""
    return f"request {one.id}: {one.query} ({one.kind}, {model}{answered})"


def facts(one: Exchange) -> Iterator[str]:
    """When it happened, how it ended, and what it used; each a few words."""
    yield f"session {one.session}, turn {one.turn}"
    yield f"due at {one.due_ns / 1e9:.3f} s"
    for name, moment_ns in (("sent", one.sent_ns), ("first token", one.first_ns), ("done", one.done_ns)):
        if moment_ns is not None:
            yield f"{name} {(moment_ns - one.due_ns) / 1e9:+.3f} s"
    if one.retries:
        yield f"tried {1 + one.retries} times"
    if one.finish_reason:
        yield f"finish reason {one.finish_reason}"
    if one.usage is not None:
        estimated = " (estimated)" if one.usage.is_estimated else ""
        yield f"tokens in {one.usage.input:,}, out {one.usage.output:,}{estimated}"
    if one.usd is not None:
        yield f"${one.usd:f}"


def texts(one: Exchange) -> Iterator[tuple[str, str]]:
    """Prompt and answer, each under what it is and how long it was; an answer of which nothing came is left out."""
    for name, text, n_chars in (("prompt", one.prompt, one.prompt_chars), ("answer", one.answer, one.answer_chars)):
        if n_chars:
            yield f"{name}, {n_chars:,} characters", readable(text)


def reason(one: Exchange) -> str:
    """What was said of a failure, without the outcome's name where it begins with that: it stands above it."""
    return (one.detail or "").removeprefix(f"{one.outcome}: ")


def readable(text: str) -> str:
    """The text without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def _one(one: Exchange) -> Iterator[str]:
    yield readable(headline(one))
    yield f"  {readable(', '.join(facts(one)))}"
    if reason(one):
        yield f"  {readable(reason(one))}"
    for title, text in texts(one):
        yield f"  {title}:"
        yield from (_INDENT + line for line in text.splitlines() or [""])
    yield ""
