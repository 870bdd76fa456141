"""Which request gets which fault: decided by seed and request alone, so that the order of arrival changes nothing."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from target_app.faults.plan import STORE, Fault, Kind, Plan

#: How many requests' attempts are remembered, the newest.
_N_REMEMBERED: Final = 65_536
_CHANCES: Final = 2**64


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """What a fault may choose by. A call without `request_id` is known by its place among those without one."""

    request_id: str | None = None
    model: str | None = None
    query_type: str | None = None
    store: str | None = None


class Faults:
    """A plan in force, and how often each kind was really injected. The event loop's thread owns its state."""

    def __init__(
        self,
        plan: Plan | None = None,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._clock_s = clock_s
        self._now = now
        self.put(plan or Plan())

    def put(self, plan: Plan) -> None:
        """Put `plan` in force from now on; attempts and counts begin anew."""
        self.plan = plan
        self._started_s = self._clock_s()
        self._injected: Counter[Kind] = Counter()
        self._messages: Counter[Kind] = Counter()
        self._attempts: OrderedDict[tuple[str | None, str | None], int] = OrderedDict()

    def draw(self, call: Call, without: Collection[Kind] = ()) -> Fault | None:
        """Give the fault of `call`: of those meant for it, none of a kind in `without`, the first that fires.

        Each further call with the same request id (a retry, a fallback) is drawn for anew.
        """
        if not self.plan.faults:
            return None
        key = self._key(call)
        elapsed_s = self._clock_s() - self._started_s
        for place, fault in enumerate(self.plan.faults):
            if (
                fault.kind not in without
                and _is_meant(fault, call)
                and self._is_on(fault, elapsed_s)
                and _fires(fault.rate, f"{self.plan.seed}:{place}:{key}")
            ):
                return fault
        return None

    def record(self, fault: Fault, *, is_new_message: bool = False) -> None:
        """Count a fault that really happened, and the chat message, if it is the first of its kind there."""
        self._injected[fault.kind] += 1
        self._messages[fault.kind] += is_new_message

    def counts(self) -> Mapping[str, int]:
        """Times each kind was injected since the plan was put in force, in order of name."""
        return {kind.value: self._injected[kind] for kind in sorted(self._injected)}

    def messages(self) -> Mapping[str, int]:
        """Chat messages that a kind of fault befell, however often, since the plan was put in force."""
        return {kind.value: count for kind, count in sorted(self._messages.items()) if count}

    def _key(self, call: Call) -> str:
        known_by = (call.store, call.request_id)
        attempt = self._attempts.pop(known_by, 0)
        self._attempts[known_by] = attempt + 1
        if len(self._attempts) > _N_REMEMBERED:
            self._attempts.popitem(last=False)
        return f"{attempt}:{call.store}:{call.request_id}"

    def _is_on(self, fault: Fault, elapsed_s: float) -> bool:
        if fault.from_s is not None and elapsed_s < fault.from_s:
            return False
        if fault.to_s is not None and elapsed_s >= fault.to_s:
            return False
        if fault.from_at is None and fault.to_at is None:
            return True
        now = self._now()
        return (fault.from_at is None or now >= fault.from_at) and (fault.to_at is None or now < fault.to_at)


def _is_meant(fault: Fault, call: Call) -> bool:
    if (fault.kind in STORE) != (call.store is not None):
        return False
    return (
        (not fault.models or call.model in fault.models)
        and (not fault.query_types or call.query_type in fault.query_types)
        and (not fault.stores or call.store in fault.stores)
    )


def _fires(rate: float, lot: str) -> bool:
    number = int.from_bytes(hashlib.blake2b(lot.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return number < rate * _CHANCES
