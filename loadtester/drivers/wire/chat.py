"""The chat API of the bundled MangaAssist (docs/target-api.md): a request to bytes, an answer's end to an Ending."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from loadtester.drivers.wire.detail import short_detail
from loadtester.drivers.wire.finish import CANNED, outcome_of_finish
from loadtester.drivers.wire.status import ending_of_error, has_fault
from loadtester.drivers.wire.usage import ChatUsage, read_usage
from loadtester.model import CacheLayer, Ending, Outcome, Request, Usage


class Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is asked; the transports that need more derive from it."""

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


class _Call(msgspec.Struct, frozen=True, gc=False):
    model: str
    usage: ChatUsage | None = None


class _Finding(msgspec.Struct, frozen=True, gc=False):
    check: Annotated[str, msgspec.Meta(min_length=1)]


class Done(msgspec.Struct, frozen=True, gc=False):
    """The end of an answer, and over REST all of it.

    What an answer can do without is read apart, so that a mistake in it is no broken answer.
    """

    finish_reason: str | None = None
    model: str | None = None
    answer: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    timing: msgspec.Raw = msgspec.Raw()
    cache: msgspec.Raw = msgspec.Raw()
    also_used: msgspec.Raw = msgspec.Raw()
    validation: msgspec.Raw = msgspec.Raw()
    degraded: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_encode: Final = msgspec.json.Encoder().encode
#: Both raise ValueError where the bytes are no such object.
read_delta: Final = msgspec.json.Decoder(Delta).decode
read_done: Final = msgspec.json.Decoder(Done).decode
_read_calls: Final = msgspec.json.Decoder(tuple[_Call, ...]).decode
_read_findings: Final = msgspec.json.Decoder(tuple[_Finding, ...]).decode
_read_stores: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_read_timing: Final = msgspec.json.Decoder(dict[str, float]).decode
_read_cache: Final[msgspec.json.Decoder[CacheLayer]] = msgspec.json.Decoder(CacheLayer)

M = TypeVar("M", bound=Message)


def encode_chat(request: Request) -> bytes:
    """The body that asks `request`."""
    return _encode(message_of(request, Message))


def message_of(request: Request, kind: type[M]) -> M:
    """The message that asks `request`, as a transport has it."""
    return kind(
        request_id=request_id_of(request),
        session_id=request.session,
        message=request.prompt,
        query_type=request.query,
        model=request.model,
        max_tokens=request.max_tokens,
        bare=request.is_bare,
        output_tokens=request.want_output_tokens,
    )


def request_id_of(request: Request) -> str:
    """What its answer is known by."""
    return f"r-{request.id}"


def ending_of_done(data: bytes, done: Done) -> Ending:
    """How the request ended whose answer closed with `done`, read from `data`."""
    if has_fault(done.error):
        return ending_of_error(data)
    outcome, failed = outcome_of_finish(done.finish_reason), _failed_checks(done.validation) if done.validation else ()
    is_wrong = outcome is Outcome.OK and bool(failed)
    return Ending(
        Outcome.INVALID if is_wrong else outcome,
        finish_reason=done.finish_reason,
        usage=read_usage(done.usage, ChatUsage),
        model=done.model,
        detail=short_detail(", ".join(failed), "validation") if is_wrong else _detail(done.finish_reason),
        timing_s=_timing_s(done.timing) if done.timing else None,
        cache=_cache(done.cache) if done.cache else None,
        also_used=_also_used(done.also_used) if done.also_used else (),
        degraded=_stores(done.degraded) if done.degraded else (),
    )


def _detail(finish_reason: str | None) -> str | None:
    if not finish_reason:
        return "the answer gives no finish reason"
    return "the service gave a canned answer" if finish_reason.lower() == CANNED else None


def _timing_s(data: msgspec.Raw) -> dict[str, float] | None:
    """Seconds by stage; None where they are missing or no numbers, which makes no answer worse."""
    try:
        return _read_timing(data)
    except ValueError:
        return None


def _failed_checks(data: msgspec.Raw) -> tuple[str, ...]:
    """The target's own checks that the answer it gave did not pass, each once, sorted."""
    try:
        return tuple(sorted({finding.check for finding in _read_findings(data)}))
    except ValueError:
        return ()


def _stores(data: msgspec.Raw) -> tuple[str, ...]:
    try:
        return tuple(sorted({short_detail(store) for store in _read_stores(data)} - {""}))
    except ValueError:
        return ()


def _also_used(data: msgspec.Raw) -> tuple[tuple[str, Usage | None], ...]:
    """Calls to models beside the one that answered; None for what those used that don't say."""
    try:
        calls = _read_calls(data)
    except ValueError:
        return ()
    return tuple((call.model, None if call.usage is None else call.usage.as_usage()) for call in calls)


def _cache(data: msgspec.Raw) -> CacheLayer | None:
    try:
        return _read_cache.decode(data)
    except ValueError:
        return None
