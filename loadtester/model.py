"""The frozen nouns that cross rooms.

Times inside a run are integer nanoseconds from the run's start on one monotonic clock; anything else
carries its unit in its name. A missing value is None, never 0.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec


class Outcome(StrEnum):
    """What became of one planned request; each has exactly one (docs/measurement.md)."""

    OK = "ok"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    INVALID = "invalid"
    BROKEN = "broken"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    MODEL_TIMEOUT = "model_timeout"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    REFUSED = "refused"
    DROPPED = "dropped"
    CANCELLED = "cancelled"


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer as the target reported them (or estimated them, where `is_estimated`).

    `input` counts only tokens that were neither read from nor written to a prompt cache; `output`
    includes reasoning tokens, of which `reasoning` says how many.
    """

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    is_estimated: bool = False


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request of the plan. `id` is its place in the plan, from 0; `turn` counts from 1."""

    id: int
    query: str
    kind: str
    model: str
    prompt: str
    session: str
    turn: int
    max_tokens: int
    language: str
    #: What a trace asks of the target; None lets the target choose.
    want_output_tokens: int | None = None
    #: True where the prompt is the whole context (trace replay): the target adds nothing of its own.
    is_bare: bool = False
    #: W3C Trace Context, where the request is part of a trace that is kept.
    traceparent: str | None = None


CacheLayer = Literal["exact", "semantic"]


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How a driver saw one request end. `detail` is short, for people, and holds no secret."""

    outcome: Outcome
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None
    detail: str | None = None
    #: The app's own account of the time, in seconds by stage, where the answer carries one.
    timing_s: dict[str, float] | None = None
    #: The layer of the target's own cache that had the answer, where it says so.
    cache: CacheLayer | None = None
    #: How long the target asked to be left alone, where it did.
    retry_after_s: float | None = None
    #: What other calls of the target to models used for this answer: paid for, though it is not theirs; None: unknown.
    also_used: tuple[tuple[str, Usage | None], ...] = ()
    #: The stores that the target had to do without.
    degraded: tuple[str, ...] = ()


class Series(NamedTuple):
    """The key of one histogram: what was measured, on which requests.

    `is_ok` keeps the latencies of ok answers apart from those of every other outcome.
    """

    metric: str
    query: str
    kind: str
    model: str
    is_ok: bool


class CellKey(NamedTuple):
    """The key of one counter cell; `answered_by` is "" where no model answered."""

    query: str
    kind: str
    model: str
    answered_by: str
    outcome: Outcome
