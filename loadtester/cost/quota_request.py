"""What AWS asks for when an account wants more quota, as Markdown, from a run's or an assumption's figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from loadtester.cost.basis import Basis
from loadtester.cost.bill import NOBODY, Line, Lines
from loadtester.cost.overlay import overlay
from loadtester.model import Outcome
from loadtester.recorder import Recording

_MINUTES: Final = Decimal(1440)


@dataclass(frozen=True, slots=True)
class Need:
    """A model's need per minute, steady (the mean minute) and at the peak; tokens are means per request.

    What calls reserve is not known without a max_tokens.
    """

    model: str
    steady_rpm: int
    peak_rpm: int
    steady_tpm: int
    peak_tpm: int
    peak_reserved_tpm: int | None
    tokens_in: Decimal
    tokens_out: Decimal
    burndown: int


def needs(lines: Lines, messages_per_day: int, peak: Decimal, max_tokens: int | None) -> tuple[Need, ...]:
    """The need of each model. Tokens are charged as input + written + output × burndown, reserved with max_tokens.

    Reads of a prompt cache are reserved, but not charged. Messages that nobody answered need quota too, most of all the
    throttled ones: each query type's are taken to go where its others went.
    """
    found = []
    wanted = _answered(lines)
    for model in sorted({line.model for line in wanted}):
        mine = [line for line in wanted if line.model == model]
        share = sum((line.share for line in mine), Decimal(0))
        burndown = overlay().burndown(model)
        prompt = sum((line.share * line.prompt for line in mine), Decimal(0)) / share
        read = sum((line.share * line.cache_read for line in mine), Decimal(0)) / share
        output = sum((line.share * line.output for line in mine), Decimal(0)) / share
        steady = share * messages_per_day / _MINUTES
        charged = prompt - read + output * burndown
        reserved = None if not max_tokens else prompt + max(Decimal(max_tokens), output)
        found.append(
            Need(
                model=model,
                steady_rpm=_up(steady),
                peak_rpm=_up(steady * peak),
                steady_tpm=_up(steady * charged),
                peak_tpm=_up(steady * peak * charged),
                peak_reserved_tpm=None if reserved is None else _up(steady * peak * reserved),
                tokens_in=prompt,
                tokens_out=output,
                burndown=burndown,
            )
        )
    return tuple(found)


def _answered(lines: Lines) -> Lines:
    """The paid lines, grown by their query's messages without an answer; where none has one, all lines grow alike."""
    paid, lost = _by_query(line for line in lines if line.is_paid), _by_query(li for li in lines if li.model == NOBODY)
    strays = sum((share for query, share in lost.items() if query not in paid), Decimal(0))
    whole = sum((share + lost.get(query, Decimal(0)) for query, share in paid.items()), Decimal(0))
    return tuple(
        line.times((1 + lost.get(line.query, Decimal(0)) / paid[line.query]) * (1 + strays / whole))
        for line in lines
        if line.is_paid and line.share
    )


def _by_query(lines: Iterable[Line]) -> dict[str, Decimal]:
    shares: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        shares[line.query] += line.share
    return {query: share for query, share in shares.items() if share}


def markdown(
    found: tuple[Need, ...],
    *,
    region: str | None,
    growth: Decimal,
    messages_per_day: int,
    peak: Decimal,
    evidence: tuple[str, ...],
) -> str:
    """The request, ready to be sent once the region and the reason are filled in where they are not known."""
    head = (
        "# Request for more Amazon Bedrock quota\n\n"
        f"Region: {region or '(name it: --region)'}\n"
        f"Traffic: {messages_per_day:,} messages a day; the busiest minute has {peak:.2f} times the mean one's.\n"
        f"Growth: {growth:.1%} a month"
        + (f"; after six months {(1 + growth) ** 6:.2f} times today's.\n" if growth else ".\n")
    )
    columns = ("model", "RPM steady", "RPM peak", "TPM steady", "TPM peak", "in, mean", "out, mean")
    rows = [
        f"| {need.model} | {need.steady_rpm:,} | {need.peak_rpm:,} | {need.steady_tpm:,} | {need.peak_tpm:,} "
        f"| {need.tokens_in:,.0f} | {need.tokens_out:,.0f} |"
        for need in found
    ]
    table = "\n".join([f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows])
    notes = [
        f"- {need.model}: each output token counts as {need.burndown}"
        + (
            f"; while calls run, up to {need.peak_reserved_tpm:,} tokens are reserved for those that start in the "
            "busiest minute."
            if need.peak_reserved_tpm is not None
            else "."
        )
        for need in found
    ]
    return f"{head}\n{table}\n\n" + "\n".join([*notes, "", "## Evidence", "", *(f"- {line}" for line in evidence), ""])


def evidence(basis: Basis, run: Recording | None) -> tuple[str, ...]:
    """What the figures rest on, and what a run saw of the limits that there are."""
    if run is None:
        return (f"the {basis.source}: stated, not measured",)
    cells = run.cells()
    sent = sum(cell.sent for cell in cells.values())
    throttled = sum(cell.count for key, cell in cells.items() if key.outcome is Outcome.THROTTLED)
    first = next(
        (i.second for i in run.intervals if any(key.outcome is Outcome.THROTTLED for key in i.cells or {})), None
    )
    since = "" if first is None else f", the first in second {first}"
    return (
        f"{basis.source}: a load test of {basis.seconds:,} s that sent {sent:,} requests (fmload)",
        f"throttled: {throttled:,} of them{since}",
        f"most requests sent in a minute: {_busiest(run):,}",
    )


def _busiest(run: Recording) -> int:
    minutes: Counter[int] = Counter()
    for interval in run.intervals:
        minutes[interval.second // 60] += interval.sent - interval.warm_sent
    return max(minutes.values(), default=0)


def _up(number: Decimal) -> int:
    # Shares are quotients: a whole number may come out a little above itself.
    return int(round(number, 9).to_integral_value(ROUND_CEILING))
