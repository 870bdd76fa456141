"""What two runs are compared by: each measure with its unit, which way is better, and how far it may differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from loadtester.errors import Exit, FmloadError
from loadtester.scenario.suggestion import one_of

Unit = Literal["s", "per_s", "share", "tokens", "usd"]
Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Measure:
    """`better` is None where a difference is neither: longer answers are dearer, not worse."""

    name: str
    unit: Unit
    better: Better | None


#: Percentiles that are compared, of each distribution.
PERCENTS: Final = (50, 95, 99)
SPREADS: Final = ("latency", "ttft")

MEASURES: Final = (
    *(Measure(f"{spread}.p{percent}", "s", "lower") for spread in SPREADS for percent in PERCENTS),
    Measure("goodput", "per_s", "higher"),
    Measure("sla", "share", "higher"),
    Measure("throttle_rate", "share", "lower"),
    Measure("error_rate", "share", "lower"),
    Measure("tokens.input", "tokens", None),
    Measure("tokens.output", "tokens", None),
    Measure("cost.per_good_answer", "usd", "lower"),
    Measure("cost.monthly", "usd", "lower"),
)

#: A twentieth is less than most users of a chat notice.
DEFAULT_MARGIN: Final = 0.05
#: Of all requests: half of what a service that promises 99 % may fail.
SHARE_MARGIN: Final = 0.005

_MOST_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Margins:
    """How far a measure may differ and still be the same: a part of the base; of shares, a part of all requests."""

    every: float = DEFAULT_MARGIN
    named: Mapping[str, float] = field(default_factory=dict)

    def of(self, measure: Measure) -> float:
        """The margin of a measure: its own, its family's (`ttft` for `ttft.p95`), or that of its kind."""
        for name in (measure.name, measure.name.partition(".")[0]):
            if name in self.named:
                return self.named[name]
        return SHARE_MARGIN if measure.unit == "share" else self.every


def margins(texts: Iterable[str]) -> Margins:
    """Margins of `5%` or `0.05`, for all, and `ttft=10%`, for some. Raises FmloadError naming all that are wrong."""
    known = {name for one in MEASURES for name in (one.name, one.name.partition(".")[0])}
    every, named, faults, remedies = DEFAULT_MARGIN, {}, [], []
    for text in texts:
        name, sign, amount = text.rpartition("=")
        value = _part(amount)
        if value is None:
            faults.append(f"--margin {text[:_MOST_CHARS]!r} is no margin")
            remedies.append("write a share from 0 to 100 %, such as 5% or ttft=10%")
        elif sign and name not in known:
            faults.append(f"--margin {text[:_MOST_CHARS]!r}: nothing that is compared is called that")
            remedies.append(one_of(name[:_MOST_CHARS], sorted(known)))
        elif sign:
            named[name] = value
        else:
            every = value
    if faults:
        raise FmloadError("; ".join(faults), remedy="; ".join(dict.fromkeys(remedies)), code=Exit.USAGE)
    return Margins(every, named)


def _part(text: str) -> float | None:
    bare = text.strip()
    if len(bare) > _MOST_CHARS:
        return None
    try:
        number = Decimal(bare.removesuffix("%"))
    except InvalidOperation:
        return None
    if bare.endswith("%"):
        number /= 100
    return float(number) if number.is_finite() and 0 <= number <= 1 else None
