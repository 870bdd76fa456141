"""One request as an OpenTelemetry client span. Needs `opentelemetry-sdk`."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from loadtester.live.collector import SCOPE
from loadtester.live.traced import Exchange
from loadtester.model import Ending, Outcome
from loadtester.scenario.call import CRUD
from loadtester.scenario.redact import mask

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def span_of(exchange: Exchange, provider: str, resource: Resource) -> ReadableSpan:
    """The span, from when the driver was called to when it returned; it has no parent."""
    request, ending = exchange.request, exchange.ending
    is_crud = request.kind == CRUD
    attributes: dict[str, Any] = {
        "fmload.request.id": request.id,
        "fmload.query": request.query,
        "fmload.kind": request.kind,
        "fmload.outcome": ending.outcome.value,
    }
    if not is_crud:
        attributes |= _asked(exchange, provider)
    attributes |= _answered(ending)
    is_ok = ending.outcome is Outcome.OK
    if not is_ok:
        attributes["error.type"] = ending.outcome.value
    status = Status(StatusCode.UNSET) if is_ok else Status(StatusCode.ERROR, mask(ending.detail or "") or None)
    return ReadableSpan(
        name=f"{request.query}" if is_crud else f"chat {request.model}".strip(),
        context=SpanContext(exchange.trace_id, exchange.span_id, is_remote=False, trace_flags=_SAMPLED),
        resource=resource,
        attributes=attributes,
        kind=SpanKind.CLIENT,
        status=status,
        start_time=exchange.began_ns,
        end_time=exchange.ended_ns,
        instrumentation_scope=SCOPE,
    )


def _asked(exchange: Exchange, provider: str) -> dict[str, Any]:
    request = exchange.request
    found: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.conversation.id": request.session,
    }
    if request.model:
        found["gen_ai.request.model"] = request.model
    if exchange.first_s is not None:
        found["gen_ai.response.time_to_first_chunk"] = exchange.first_s
    if exchange.answer is not None:
        found["gen_ai.input.messages"] = _message("user", request.prompt)
        found["gen_ai.output.messages"] = _message("assistant", exchange.answer)
    return found


def _answered(ending: Ending) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if ending.model is not None:
        found["gen_ai.response.model"] = ending.model
    if ending.finish_reason is not None:
        found["gen_ai.response.finish_reasons"] = (ending.finish_reason,)
    usage = ending.usage
    if usage is not None and not usage.is_estimated:
        found["gen_ai.usage.input_tokens"] = usage.input + usage.cache_read + usage.cache_write
        found["gen_ai.usage.output_tokens"] = usage.output
    return found


def _message(role: str, text: str) -> str:
    """As the conventions have it in an attribute: JSON, with what looks like a credential masked."""
    return msgspec.json.encode([{"role": role, "parts": [{"type": "text", "content": mask(text)}]}]).decode()
