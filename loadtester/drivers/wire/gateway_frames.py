"""The JSON of a chat over API Gateway's WebSocket (docs/target-api.md): a request to bytes, frames to their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from loadtester.drivers.wire.chat import Done, Message, ending_of_done, message_of
from loadtester.drivers.wire.detail import short_detail
from loadtester.drivers.wire.status import outcome_of_code
from loadtester.model import Ending, Outcome, Request

#: API Gateway's own messages that are no error codes in other words, in small letters. That its integration limit
#: (29 s) passed is the service's limit, not the client's: the model's time-out, as REST's 504 for the same thing.
_GATEWAY: Final = {
    "endpoint request timed out": Outcome.MODEL_TIMEOUT,
    "invalid request body": Outcome.CLIENT_ERROR,
    "unauthorized": Outcome.CLIENT_ERROR,
}


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A frame as far as a delta needs it; frames of every other kind have another `type`, or none."""

    type: str | None = None
    request_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The frame that ends an answer; `request_id` is None where the frame names none (API Gateway's own never do)."""

    request_id: str | None
    ending: Ending


class _Chat(Message, frozen=True, gc=False, tag_field="action", tag="chat"):
    pass


class _Error(msgspec.Struct, frozen=True, gc=False):
    code: str = ""
    message: str = ""


class _Frame(Done, frozen=True, gc=False):
    type: str | None = None
    request_id: str | None = None
    message: str | None = None


_encode = msgspec.json.Encoder().encode
_read_error = msgspec.json.Decoder(_Error | None).decode
_read_frame = msgspec.json.Decoder(_Frame).decode
#: The hot path: two fields and a text. Raises ValueError where the bytes are no JSON object with these.
read_delta = msgspec.json.Decoder(Delta).decode


def encode_message(request: Request) -> bytes:
    """The one text frame that asks `request`, as JSON in UTF-8."""
    return _encode(message_of(request, _Chat))


def read_end(message: bytes) -> End | None:
    """The end of an answer that a frame tells of; None where it is of a kind that ends nothing.

    Raises ValueError where it is not the JSON of a frame: no object, fields of other types, neither type nor message.
    """
    frame = _read_frame(message)
    match frame.type:
        case "done":
            return End(frame.request_id, ending_of_done(message, frame))
        case "error":
            return End(frame.request_id, _ending_of_error(frame.error))
        case None:
            if frame.message is None:
                raise ValueError("a frame has neither type nor message")
            return End(None, _ending_of_gateway(frame.message))
        case _:
            return None


def _ending_of_error(data: msgspec.Raw) -> Ending:
    error = (_read_error(data) if data else None) or _Error()
    outcome = outcome_of_code(error.code) or Outcome.SERVER_ERROR
    return Ending(outcome, detail=short_detail(f"{error.code or 'error'}: {error.message}"))


def _ending_of_gateway(text: str) -> Ending:
    outcome = _GATEWAY.get(text.strip().rstrip(".").lower()) or outcome_of_code(text) or Outcome.SERVER_ERROR
    return Ending(outcome, detail=short_detail(f"API Gateway: {text}"))
