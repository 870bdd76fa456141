"""The chat API's nouns: the message all three transports take, and what a complete answer carries."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from target_app.errors import ChatError, Code

_Label = Annotated[str, msgspec.Meta(max_length=64)]
_Words = Annotated[str, msgspec.Meta(pattern=r"\S")]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_ModelId = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class ChatMessage(msgspec.Struct, frozen=True):
    """What a client sends. `bare` makes the message the whole context; `output_tokens` asks for an exact length."""

    request_id: _Label
    session_id: _Label
    message: _Words
    query_type: _Label | None = None
    model: _ModelId | None = None
    max_tokens: _Positive = 1024
    bare: bool = False
    output_tokens: _Positive | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one call, as the model reported them; `input_tokens` leaves out what a cache read or wrote."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


class Timing(msgspec.Struct, frozen=True):
    """Where the time went, in seconds; a part that had nothing to do took 0, `total` is all of it."""

    session_s: float = msgspec.field(name="session")
    model_ttft_s: float = msgspec.field(name="model_ttft")
    model_s: float = msgspec.field(name="model")
    total_s: float = msgspec.field(name="total")
    cache_s: float = msgspec.field(name="cache", default=0.0)
    retrieval_s: float = msgspec.field(name="retrieval", default=0.0)
    validation_s: float = msgspec.field(name="validation", default=0.0)

    def header(self) -> str:
        """The parts as a Server-Timing header has them, in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1e3:.3f}" for name, seconds in msgspec.to_builtins(self).items())


class Fault(msgspec.Struct, frozen=True):
    """What validation holds against an answer that is given all the same."""

    check: str
    reason: str


class Spent(msgspec.Struct, frozen=True):
    """What a model used, None where it did not say, whose answer was not the one given."""

    model: str
    usage: Usage | None


class Done(msgspec.Struct, frozen=True):
    """The last thing of a complete answer; `model` is the one that really answered.

    `cache` is the layer that had the answer, `degraded` the stores that failed on the way, `validation` what is wrong
    with the answer and `repair` what was done about it (kept, retried, canned); `usage` is that of the answer given,
    `also_used` that of each other call made for it. These five are shown only where there is something to say.
    """

    request_id: str
    session_id: str
    model: str
    finish_reason: str
    usage: Usage | None
    timing: Timing
    cache: Literal["exact", "semantic"] | None = None
    degraded: tuple[str, ...] = ()
    validation: tuple[Fault, ...] = ()
    repair: str | None = None
    also_used: tuple[Spent, ...] = ()

    def body(self) -> dict[str, Any]:
        """The fields by name, for a transport to add its own to."""
        fields = msgspec.structs.asdict(self)
        return {name: value for name, value in fields.items() if name not in _OPTIONAL or value}


_OPTIONAL: Final = frozenset({"cache", "degraded", "validation", "repair", "also_used"})
_decoder = msgspec.json.Decoder(ChatMessage)


def parse(data: bytes | str) -> ChatMessage:
    """The message in a JSON text. Raises ChatError bad_request, saying which field breaks which rule."""
    try:
        message = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChatError(Code.BAD_REQUEST, str(error)) from error
    if not message.message.strip():
        raise ChatError(Code.BAD_REQUEST, "message is empty")
    return message
