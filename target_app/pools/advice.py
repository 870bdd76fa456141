"""Whether a pool should be larger, smaller or more patient: rules over its figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from target_app.pools.meter import PoolReport

_BUSY: Final = 0.8
_QUIET: Final = 0.2
_TIMEOUT_SHARE: Final = 0.01
_GROWTH: Final = 1.5
#: Pools up to this size are small enough to be left alone; none is made smaller than the least.
_SMALL: Final = 10
_LEAST: Final = 5
#: A pool has to have been watched for so long, or used so often, before it is called too large.
_WATCHED_S: Final = 60.0
_USED: Final = 100


class Change(StrEnum):
    """What to do about a pool."""

    GROW = "grow"
    SHRINK = "shrink"
    GROW_OR_WAIT = "grow_or_wait_longer"


@dataclass(frozen=True, slots=True)
class Advice:
    """One change, the most connections the pool should then have, and why."""

    change: Change
    max_size: int
    reason: str


def advise(report: PoolReport) -> tuple[Advice, ...]:
    """What to change; nothing where the pool fits. A pool that kept callers waiting in vain is never made smaller."""
    larger = math.ceil(report.max_size * _GROWTH)
    advice = []
    if report.utilisation > _BUSY:
        advice.append(Advice(Change.GROW, larger, f"{report.utilisation:.0%} of it is in use"))
    if report.timeouts > _TIMEOUT_SHARE * report.checkouts:
        share = report.timeouts / report.checkouts
        advice.append(Advice(Change.GROW_OR_WAIT, larger, f"{share:.1%} of the checkouts timed out"))
    is_known = report.window_s >= _WATCHED_S or report.checkouts >= _USED
    if not advice and is_known and report.utilisation < _QUIET and report.max_size > _SMALL:
        smaller = max(report.max_size // 2, _LEAST)
        advice.append(Advice(Change.SHRINK, smaller, f"only {report.utilisation:.0%} of it is in use"))
    return tuple(advice)
