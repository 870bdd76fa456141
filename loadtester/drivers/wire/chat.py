"""The chat API of the bundled MangaAssist over HTTP (docs/target-api.md): a request to bytes, answers to an Ending."""

from __future__ import annotations

from typing import Final

import msgspec

from loadtester.drivers.wire.finish import outcome_of_finish
from loadtester.drivers.wire.status import ending_of_error, has_fault
from loadtester.drivers.wire.usage import ChatUsage, read_usage
from loadtester.model import Ending, Request


class _Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    request_id: str
    session_id: str
    message: str
    query_type: str
    model: str
    max_tokens: int
    bare: bool = False
    output_tokens: int | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A piece of an answer."""

    text: str


class Done(msgspec.Struct, frozen=True, gc=False):
    """The end of an answer, and over REST all of it; usage and timing are read apart, as an answer can do without."""

    finish_reason: str | None = None
    model: str | None = None
    answer: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    timing: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_encode: Final = msgspec.json.Encoder().encode
#: Both raise ValueError where the bytes are no such object.
read_delta: Final = msgspec.json.Decoder(Delta).decode
read_done: Final = msgspec.json.Decoder(Done).decode
_read_timing: Final = msgspec.json.Decoder(dict[str, float]).decode


def encode_chat(request: Request) -> bytes:
    """The body that asks `request`."""
    return _encode(
        _Message(
            request_id=f"r-{request.id}",
            session_id=request.session,
            message=request.prompt,
            query_type=request.query,
            model=request.model,
            max_tokens=request.max_tokens,
            bare=request.is_bare,
            output_tokens=request.want_output_tokens,
        )
    )


def ending_of_done(data: bytes, done: Done) -> Ending:
    """How the request ended whose answer closed with `done`, read from `data`."""
    if has_fault(done.error):
        return ending_of_error(data)
    return Ending(
        outcome_of_finish(done.finish_reason),
        finish_reason=done.finish_reason,
        usage=read_usage(done.usage, ChatUsage),
        model=done.model,
        detail=None if done.finish_reason else "the answer gives no finish reason",
        timing_s=_timing_s(done.timing),
    )


def _timing_s(data: msgspec.Raw) -> dict[str, float] | None:
    try:
        return _read_timing(data)
    except ValueError:
        return None
