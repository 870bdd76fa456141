"""Exchanges to look at: what was asked and what came, outcome by outcome."""

from __future__ import annotations

from collections.abc import Sequence

from loadtester.model import Outcome
from loadtester.recorder import Exchange
from loadtester.reporters.exchange_text import by_outcome, facts, headline, readable, reason, texts
from loadtester.reporters.html.markup import Markup, join, section, tag

_WORDS = (
    "Some of the first requests that failed, no more than a quarter of them alike, and good ones drawn at random. "
    "What looks like personal data or a credential was taken out before anything was written."
)


def exchanges(kept: Sequence[Exchange]) -> Markup | None:
    """Each exchange folded up under its headline; nothing where none were kept."""
    if not kept:
        return None
    return section(
        "exchanges",
        "Kept exchanges",
        tag("p", _WORDS),
        (_outcome(outcome, some) for outcome, some in by_outcome(kept)),
    )


def _outcome(outcome: Outcome, some: Sequence[Exchange]) -> Markup:
    return tag("div", tag("h3", f"{outcome} ({len(some)})"), (_exchange(one) for one in some))


def _exchange(one: Exchange) -> Markup:
    said = f": {reason(one)}" if reason(one) else ""
    return tag(
        "details",
        tag("summary", readable(headline(one) + said)),
        tag("p", readable(", ".join(facts(one)))),
        (join(tag("h4", title), tag("pre", text, class_="said", tabindex="0")) for title, text in texts(one)),
    )
