"""OpenAI's chat completions, and what speaks the same: a request to bytes, answers and chunks to their meaning.

Source: OpenAI's API reference, "Chat" (2026).
"""

from __future__ import annotations

from typing import Final

import msgspec

from loadtester.drivers.wire.finish import outcome_of_finish
from loadtester.drivers.wire.usage import OpenAIUsage, read_usage
from loadtester.model import Ending, Outcome, Request

#: The data of a stream's last event.
DONE: Final = b"[DONE]"


class _Turn(msgspec.Struct, frozen=True, gc=False):
    content: str
    role: str = "user"


class _StreamOptions(msgspec.Struct, frozen=True, gc=False):
    include_usage: bool = True


class _Body(msgspec.Struct, frozen=True, gc=False):
    model: str
    messages: tuple[_Turn, ...]
    max_tokens: int | msgspec.UnsetType = msgspec.UNSET
    max_completion_tokens: int | msgspec.UnsetType = msgspec.UNSET
    stream: bool | msgspec.UnsetType = msgspec.UNSET
    stream_options: _StreamOptions | msgspec.UnsetType = msgspec.UNSET


class Said(msgspec.Struct, frozen=True, gc=False):
    """A message, or a piece of one. Reasoning has fields of its own, which are not content."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of the answers; only one is asked for."""

    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct, frozen=True, gc=False):
    """An answer, or one chunk of a streamed one; usage is read apart, as an answer can do without."""

    choices: list[Choice] = []
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_encode: Final = msgspec.json.Encoder().encode
#: Raises ValueError where the bytes are no such object.
read_completion: Final = msgspec.json.Decoder(Completion).decode


def encode_completion(request: Request, *, is_streaming: bool, has_old_limit: bool) -> bytes:
    """The body that asks `request`; `has_old_limit` writes its limit as `max_tokens`, which OpenAI has given up."""
    limit = request.max_tokens
    return _encode(
        _Body(
            model=request.model,
            messages=(_Turn(request.prompt),),
            max_tokens=limit if has_old_limit else msgspec.UNSET,
            max_completion_tokens=msgspec.UNSET if has_old_limit else limit,
            stream=True if is_streaming else msgspec.UNSET,
            stream_options=_StreamOptions() if is_streaming else msgspec.UNSET,
        )
    )


def ending_of_completion(
    finish_reason: str | None, *, has_refused: bool, usage: msgspec.Raw, model: str | None
) -> Ending:
    """How a request ended whose answer is complete; a refusal ends with `stop`, but is none the less a refusal."""
    outcome = Outcome.FILTERED if has_refused else outcome_of_finish(finish_reason)
    return Ending(
        outcome,
        finish_reason=finish_reason,
        usage=read_usage(usage, OpenAIUsage),
        model=model,
        detail="refused by the model"
        if has_refused
        else None
        if finish_reason
        else "the answer gives no finish reason",
    )
