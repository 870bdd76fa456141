"""A plan of faults, read strictly from the objects of a JSON or YAML file or of a request's body."""

from __future__ import annotations

import difflib
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec


class Kind(StrEnum):
    """What can go wrong; the first fourteen in the model's service, the last two in the app's stores."""

    THROTTLE = "throttle"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_NOT_READY = "model_not_ready"
    CONNECTION_RESET = "connection_reset"
    SLOW_START = "slow_start"
    STALL = "stall"
    BROKEN_STREAM = "broken_stream"
    STREAM_EXCEPTION = "stream_exception"
    TRUNCATED = "truncated"
    WRONG_LANGUAGE = "wrong_language"
    MISSING_USAGE = "missing_usage"
    HALLUCINATED_TITLE = "hallucinated_title"
    SLOW_STORE = "slow_store"
    STORE_DOWN = "store_down"


#: Instead of an answer: the request fails before its first byte.
REFUSALS: Final = frozenset(
    {
        Kind.THROTTLE,
        Kind.UNAVAILABLE,
        Kind.SERVER_ERROR,
        Kind.MODEL_TIMEOUT,
        Kind.MODEL_NOT_READY,
        Kind.CONNECTION_RESET,
    }
)
#: What only a streamed answer can have.
STREAM_ONLY: Final = frozenset({Kind.BROKEN_STREAM, Kind.STREAM_EXCEPTION})
#: What befalls the app's stores, and nothing else.
STORE: Final = frozenset({Kind.SLOW_STORE, Kind.STORE_DOWN})
#: What is nothing without a length of time.
DELAYS: Final = frozenset({Kind.SLOW_START, Kind.STALL, Kind.SLOW_STORE})

StoreName = Literal["sessions", "products", "carts", "cache", "vectors"]

_Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class PlanError(ValueError):
    """A plan that can't be read; the message says where and why."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault: `rate` is its chance per request inside its window and among the requests it is meant for.

    Its window is from `from_s` until before `to_s`, in s since the plan was put in force, and from `from_at` until
    before `to_at`; what is absent is no limit. Empty `models` (ids without a profile's prefix), `query_types` and
    `stores` mean every one. `delay_s` is what slow_start, stall and slow_store add, and how long an error lets wait;
    in real seconds, whatever the time scale.
    """

    kind: Kind
    rate: _Rate = 1.0
    from_s: _Seconds | None = None
    to_s: _Seconds | None = None
    from_at: _Moment | None = None
    to_at: _Moment | None = None
    models: tuple[str, ...] = ()
    query_types: tuple[str, ...] = ()
    stores: tuple[StoreName, ...] = ()
    delay_s: _Seconds = 0.0

    def __post_init__(self) -> None:
        """Refuse what could never fire, or fire without effect."""
        if self.kind in DELAYS and not self.delay_s:
            raise ValueError(f"{self.kind} needs a delay_s above 0")
        if self.stores and self.kind not in STORE:
            raise ValueError(f"{self.kind} befalls no store: leave out stores")
        if self.kind in STORE and (self.models or self.query_types):
            raise ValueError(f"{self.kind} befalls stores: leave out models and query_types")
        if self.from_s is not None and self.to_s is not None and self.from_s >= self.to_s:
            raise ValueError("from_s must be less than to_s")
        if self.from_at is not None and self.to_at is not None and self.from_at >= self.to_at:
            raise ValueError("from_at must be before to_at")


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults in order of precedence, and the seed of their draw."""

    faults: tuple[Fault, ...] = ()
    seed: int = 1

    @property
    def kinds(self) -> frozenset[Kind]:
        """What can go wrong by it."""
        return frozenset(fault.kind for fault in self.faults)


def parse(value: Any) -> Plan:
    """Read a plan from plain objects; raises PlanError, which names the kinds nearest to an unknown one."""
    faults = value.get("faults") if isinstance(value, dict) else None
    for place, fault in enumerate(faults if isinstance(faults, list | tuple) else ()):
        kind = fault.get("kind") if isinstance(fault, dict) else None
        if isinstance(kind, str) and kind not in set(Kind):
            near = difflib.get_close_matches(kind, list(Kind), n=3) or list(Kind)
            raise PlanError(f"faults[{place}]: unknown kind {kind!r}; known: {', '.join(near)}")
    try:
        return msgspec.convert(value, Plan)
    except msgspec.ValidationError as error:
        raise PlanError(str(error)) from error


def load(path: Path) -> Plan:
    """Read a plan from a YAML or JSON file; raises PlanError or OSError."""
    import yaml  # noqa: PLC0415  a process without a plan's file does without it

    try:
        return parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: {error}") from error
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from error
