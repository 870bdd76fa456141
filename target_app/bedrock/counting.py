"""CountTokens: the input tokens that a Converse or InvokeModel request would be charged."""

from __future__ import annotations

import msgspec

from target_app.bedrock import claude, converse, errors
from target_app.bedrock.models import Model


class _Invoke(msgspec.Struct, frozen=True):
    body: bytes


class _Input(msgspec.Struct, frozen=True, rename="camel"):
    #: Undecoded; empty where it is absent.
    converse: msgspec.Raw = msgspec.Raw()
    invoke_model: _Invoke | None = None


class _Request(msgspec.Struct, frozen=True):
    input: _Input


_REQUEST = msgspec.json.Decoder(_Request)


def count_input_tokens(body: bytes, model: Model) -> int:
    """Count a request's input tokens; raises ValidationException where it, or the request inside, breaks a rule."""
    if model.kind == "embedding":
        raise errors.invalid("The provided model doesn't support counting tokens.")
    try:
        request = _REQUEST.decode(body).input
    except (msgspec.DecodeError, RecursionError) as error:
        raise errors.malformed(str(error)) from error
    if given := bytes(request.converse):
        return converse.parse(given, model).input_tokens
    if request.invoke_model is not None:
        return claude.parse(request.invoke_model.body, model).input_tokens
    raise errors.malformed("#/input: one of converse, invokeModel is required")
