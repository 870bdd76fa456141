"""What an API's language has to be able to say; Converse and Anthropic's Messages are modules of this kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from target_app.bedrock.answers import Answer
from target_app.bedrock.models import Model
from target_app.bedrock.prompt import Prompt

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way out. Times are in ms from the request's arrival, 0 before they are known.

    `input_tokens` are those that the cache had no part in. Without `has_usage` no count of tokens is sent.
    """

    request_id: str
    model: Model
    answer: Answer
    input_tokens: int
    first_ms: int = 0
    latency_ms: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    has_usage: bool = True


class Dialect(Protocol):
    """How one API reads a request and writes an answer."""

    def parse(self, body: bytes, model: Model) -> Prompt:
        """Read a request's body; raises BedrockError where it breaks a rule."""

    def whole(self, reply: Reply) -> tuple[Headers, bytes]:
        """Headers and body of an answer in one piece."""

    def stream_headers(self) -> Headers:
        """Headers of a streamed answer, besides those of every stream."""

    def opening(self, reply: Reply) -> bytes:
        """Frames before the first piece."""

    def delta(self, text: str, padding: str) -> bytes:
        """Frame of one piece."""

    def closing(self, reply: Reply) -> bytes:
        """Frames after the last piece."""
