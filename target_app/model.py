"""What the orchestrator asks of a model, and what it gets: no provider's shapes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from target_app.chat import Usage
from target_app.pools.meter import PoolReport

#: Takes the next piece of an answer's text; the model is read no faster than it returns.
Deliver = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's words in a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One question to a model; the last of `turns` is the user's, `metadata` goes into the provider's log."""

    model: str
    system: str | None
    turns: tuple[Turn, ...]
    max_tokens: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A complete answer; `model` is the one that gave it, `usage` None where it did not say."""

    text: str
    model: str
    finish_reason: str
    usage: Usage | None


class Model(Protocol):
    """Asks a language model. Both ways raise ChatError where it fails; cancelled, the call is closed."""

    async def complete(self, call: ModelCall) -> ModelReply:
        """The answer, all at once."""

    async def stream(self, call: ModelCall, deliver: Deliver) -> ModelReply:
        """The answer, its text also handed to `deliver` piece by piece as it comes; no piece is empty."""

    async def is_reachable(self) -> bool:
        """Whether the model's endpoint takes connections; costs nothing."""


class Provider(Model, Protocol):
    """Where models are: one may also be invoked with a body of its own shape."""

    async def invoke(self, model: str, body: bytes) -> bytes:
        """The body of the response. Raises ChatError."""

    def pool(self) -> PoolReport:
        """What its connections did so far."""
