"""From what a run cost to what a day and a month will."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DAYS_IN_MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Projection:
    """The bill of the mix at so many messages a day; amounts are None where the run saw no query type of the mix."""

    mean_usd_per_message: Decimal | None
    daily_usd: Decimal | None
    monthly_usd: Decimal | None
    assumption: str


def project(
    usd_by_query: Mapping[str, tuple[Decimal, int]],
    mix: Mapping[str, float | Decimal],
    daily_messages: int,
    *,
    days: int = DAYS_IN_MONTH,
) -> Projection:
    """Σ share × (spent / planned messages) over the query types, × messages a day, × the days of a month.

    Args:
        usd_by_query: For each query type, USD spent on it and messages planned of it: a message that failed or was
            dropped counts as planned, so its cost, be it 0, is part of the mean.
        mix: Share of each query type, in any scale. Types that the run did not see are left out, and the others'
            shares rescaled to make up for them; the assumption says so.
        daily_messages: Messages a day to project to.
        days: Days in the month.
    """
    shares = {query: Decimal(str(share)) for query, share in mix.items() if share > 0}
    seen = {query: usd_by_query[query] for query in shares if query in usd_by_query and usd_by_query[query][1] > 0}
    unseen = [query for query in shares if query not in seen]
    strangers = [query for query, (_, planned) in usd_by_query.items() if planned > 0 and query not in shares]
    if not seen:
        return Projection(None, None, None, "no projection: the run planned no message of the mix")
    weight = sum((shares[query] for query in seen), Decimal(0))
    mean_usd = sum((shares[query] * usd / planned for query, (usd, planned) in seen.items()), Decimal(0)) / weight
    daily_usd = mean_usd * daily_messages
    assumption = f"every day brings {daily_messages:,} messages that cost, type by type, what those of this run did"
    assumption += _not_seen(unseen, sum(shares.values(), Decimal(0)), weight) + _not_in_mix(strangers)
    return Projection(mean_usd, daily_usd, daily_usd * days, f"{assumption}; a month is {days} days")


def _not_seen(queries: Iterable[str], total: Decimal, seen: Decimal) -> str:
    names = ", ".join(queries)
    if not names:
        return ""
    return (
        f"; {names} ({(total - seen) / total:.1%} of the mix) not seen in the run, taken to cost the mean of the others"
    )


def _not_in_mix(queries: Iterable[str]) -> str:
    names = ", ".join(queries)
    return f"; {names} left out, being no part of the mix" if names else ""
